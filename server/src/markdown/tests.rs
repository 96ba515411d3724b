//! Tests of rendering: what is shown, what is not, and what it costs.

use super::*;

mod hostile;

/// A README whose pictures are replaced by their words. With pictures it is sound, too.
fn readme(source: &str) -> String {
    assert_sound(&super::readme(source, Some(&PictureLinks::new(&[1; 32]))));
    super::readme(source, None)
}

/// The same for a comment.
fn comment(source: &str, id: CommentId) -> String {
    assert_sound(&super::comment(source, id, Some(&PictureLinks::new(&[1; 32]))));
    super::comment(source, id, None)
}

/// The same for a preview.
fn preview(source: &str) -> String {
    super::preview(source, None)
}

#[test]
fn the_dialect_is_that_of_the_forge() {
    let html = readme(
        "# Hello *you*\n\n~~old~~ https://example.com\n\n- [x] done\n- [ ] open\n\n| a | b |\n|:-:|---|\n| 1 | 2 |\n",
    );
    assert!(html.contains(r#"<h1 id="readme-hello-you">"#), "{html}");
    assert!(html.contains("<del>old</del>"), "{html}");
    assert!(html.contains(r#"<a href="https://example.com" rel="ugc nofollow noopener">"#), "{html}");
    assert!(html.contains(r#"type="checkbox""#) && html.contains("checked"), "{html}");
    assert_eq!(html.matches(r#"aria-label="Task""#).count(), 2, "{html}");
    assert!(html.contains("<table>") && html.contains(r#"align="center""#), "{html}");
}

#[test]
fn a_picture_becomes_a_link() {
    let html = readme("![a chart](https://elsewhere.example/x.png) <img src=https://elsewhere.example/y.png>");
    assert!(!html.contains("<img"), "{html}");
    assert!(
        html.contains(r#"<a href="https://elsewhere.example/x.png" rel="ugc nofollow noopener">a chart</a>"#),
        "{html}"
    );
    assert!(html.contains(">https://elsewhere.example/y.png</a>"), "{html}");
}

#[test]
fn a_badge_within_a_link_leaves_its_words() {
    let html = readme("[![build](https://elsewhere.example/b.svg)](https://ci.example)");
    assert!(html.contains(r#"<a href="https://ci.example" rel="ugc nofollow noopener">build</a>"#), "{html}");
}

#[test]
fn a_picture_without_words_is_a_link_that_shows_its_address() {
    assert!(readme("![](https://e.example/x.png)").contains(">https://e.example/x.png</a>"));
}

#[test]
fn a_picture_in_html_is_treated_like_one_in_markdown() {
    for (html, markdown) in [
        (r#"<img src="https://x.example/a.png" alt="Logo">"#, "![Logo](https://x.example/a.png)"),
        ("<IMG SRC=https://x.example/a.png ALT='Logo' />", "![Logo](https://x.example/a.png)"),
        (r#"<image src="https://x.example/a.png" alt="Logo">"#, "![Logo](https://x.example/a.png)"),
        (r#"<img src="https://x.example/a.png" title="T">"#, "![](https://x.example/a.png \"T\")"),
        (
            r#"<img src="https://x.example/?a=1&amp;b=2" alt="a &lt;b&gt; &amp;">"#,
            r"![a \<b\> &](https://x.example/?a=1&b=2)",
        ),
        (r#"<img src="docs/a.png" alt="A file">"#, "![A file](docs/a.png)"),
        (r#"<img src="javascript:alert(1)" alt="Bad">"#, "![Bad](javascript:alert(1))"),
        (
            r#"<a href="https://x.example"><img src="https://x.example/b.svg" alt="b"></a>"#,
            "[![b](https://x.example/b.svg)](https://x.example)",
        ),
        (
            r#"[<img src="https://x.example/b.svg" alt="b">](https://x.example)"#,
            "[![b](https://x.example/b.svg)](https://x.example)",
        ),
        (
            r#"<picture><source srcset="b.webp"><img src="https://x.example/b.svg" alt="b"></picture>"#,
            "![b](https://x.example/b.svg)",
        ),
    ] {
        let html = readme(&format!("See {html}"));
        assert_eq!(html, readme(&format!("See {markdown}")));
        assert_sound(&html);
    }
}

#[test]
fn a_logo_and_badges_keep_their_words() {
    let html = readme(r#"<p align="center"><img src="https://x.example/logo.png" alt="Logo"></p>"#);
    assert_eq!(
        html,
        "<p align=\"center\"><a href=\"https://x.example/logo.png\" rel=\"ugc nofollow noopener\">Logo</a></p>\n"
    );
    let html = readme(r#"<a href="https://ci.example"><img src="https://x.example/b.svg" alt="build"></a>"#);
    assert!(html.contains(r#"<a href="https://ci.example" rel="ugc nofollow noopener">build</a>"#), "{html}");
    let html = readme(r#"[<img src="https://x.example/p.svg" alt="pulls">](https://hub.example)"#);
    assert!(html.contains(r#"<a href="https://hub.example" rel="ugc nofollow noopener">pulls</a>"#), "{html}");
    let html = readme("<div>\n<a href=\"https://ci.example\">\n\n![build](https://x.example/b.svg)\n\n</a>\n</div>");
    assert_eq!(html.matches("<a ").count(), 1, "{html}");
    assert!(html.contains("build"), "{html}");
}

#[test]
fn a_link_without_words_shows_its_address() {
    for empty in [
        "[](https://x.example/?a=1&b=2)",
        "[ ](https://x.example/?a=1&b=2)",
        "[&nbsp;&#8203;](https://x.example/?a=1&b=2)",
        "[**<!-- -->**](https://x.example/?a=1&b=2)",
        "[![]()](https://x.example/?a=1&b=2)",
        "[<svg></svg>](https://x.example/?a=1&b=2)",
        r#"<a href="https://x.example/?a=1&b=2"></a>"#,
        r#"<a href="https://x.example/?a=1&b=2" aria-label=" "><b></b></a>"#,
        r#"<a href="https://x.example/?a=1&b=2"><img alt=""></a>"#,
    ] {
        let html = readme(empty);
        assert!(html.contains("https://x.example/?a=1&amp;b=2</a>"), "{empty}: {html}");
        assert_sound(&html);
    }
    let html = readme("<a href=\"https://x.example/<b>\"></a>");
    assert!(html.contains(">https://x.example/&lt;b&gt;</a>"), "{html}");
}

#[test]
fn a_link_around_blocks_shows_only_their_words() {
    for source in [
        "<p align=center>\n<a href=https://x.example>\n\n![logo](https://x.example/a.png)\n\n</a>\n</p>\n\nkept",
        "<a href=https://x.example><b>\n\n# logo\n\n</b></a>\n\nkept",
        "<a href=https://x.example><p> <p> <p>logo</p> <p> </a>\n\nkept",
    ] {
        let html = readme(source);
        assert_eq!(html.matches("logo<").count(), 1, "{html}");
        assert_eq!(html.matches("https://x.example").count(), 1, "{html}");
        assert!(html.contains("<p>kept</p>"), "{html}");
        assert_sound(&html);
    }
    let html = readme("<a href=https://x.example><p> <p> <p> </a> [](/u/ada) [](/u/ada)");
    assert_eq!(html.matches("<a ").count(), 2, "{html}");
    assert_sound(&html);
}

#[test]
fn an_empty_link_to_its_own_page_is_only_an_anchor() {
    let html = readme("<a id=\"use\" href=\"#use\"></a>\n\n[](#use) [below](#use)");
    assert_eq!(html.matches("<a ").count(), 1, "{html}");
    assert!(html.contains(r#"<span id="readme-use"></span>"#), "{html}");
}

#[test]
fn disallowed_tags_are_text_and_nothing_after_them_is_lost() {
    for name in ["title", "textarea", "style", "xmp", "iframe", "noembed", "noframes", "script", "plaintext"] {
        for source in [
            format!("put it in <{name}> tags\n\n**kept**\n\n[kept](https://x.example)"),
            format!("put it in <{} a=\"<b>\"> tags\n\n**kept**\n\n[kept](https://x.example)", name.to_uppercase()),
            format!("<{name}>\n\n**kept**\n\n[kept](https://x.example)"),
            format!("some\n<{name}> words\n\n**kept**\n\n[kept](https://x.example)"),
            format!("- <{name}> words\n\n  **kept**\n\n[kept](https://x.example)"),
            format!("> <{name}> words\n\n**kept**\n\n[kept](https://x.example)"),
            format!("1. > <{name}> words\r\n\r\n**kept**\r\n\r\n[kept](https://x.example)"),
            format!("\u{e9}\n\n  <{name}\n\n**kept**\n\n[kept](https://x.example)"),
            format!("<div><{name}></div>\n\n**kept**\n\n[kept](https://x.example)"),
            format!("<svg><{name}>\n\n**kept**\n\n[kept](https://x.example)"),
            format!("| a |\n|---|\n| <{name}> |\n\n**kept**\n\n[kept](https://x.example)"),
        ] {
            for html in [readme(&source), comment(&source, CommentId(7)), preview(&source)] {
                assert!(html.to_lowercase().contains(&format!("&lt;{name}")), "{source}: {html}");
                assert!(!html.contains('\\'), "{source}: {html}");
                assert!(html.contains("<strong>kept</strong>"), "{source}: {html}");
                assert!(html.contains(">kept</a>"), "{source}: {html}");
                assert_sound(&html);
            }
        }
    }
    let html = readme("put it in <style> or <script> tags\n\nMore");
    assert_eq!(html, "<p>put it in &lt;style&gt; or &lt;script&gt; tags</p>\n<p>More</p>\n");
    let html = readme("<script>alert(1)</script>\n\nMore");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && html.contains("<p>More</p>"), "{html}");
}

#[test]
fn html_that_never_ends_does_not_hide_the_rest() {
    for hostile in [
        "<!-- never closed",
        "<!--",
        "<!--- x",
        "<![CDATA[",
        "<![CDATA[ x > y",
        "<?php",
        "<?php echo 1 > 2",
        "<!DOCTYPE",
        "<!DOCTYPE html",
        "<a href=\"",
        "<div><a href=\"",
        "<div title='",
        "<div",
        "<img src=\"x",
        "<svg>",
        "<svg><style>",
        "<svg><title>",
        "<math>",
        "<math><mtext>",
        "<svg><foreignObject>",
        "<template>",
        "<noscript>",
        "<select>",
        "<select><option>",
        "<frameset>",
        "<form>",
        "<button>",
        "<object>",
        "<video>",
        "<details>",
        "<details><summary>More</summary>",
        "<table>",
        "<pre>",
        "<a name=x>",
        "<b>",
        "</p",
        "</",
        "<",
        "</ x",
        "<div></",
    ] {
        for source in [
            format!("{hostile}\n\nkept *too*\n\n[kept](https://x.example)"),
            format!("words {hostile}\n\nkept *too*\n\n[kept](https://x.example)"),
            format!("words\n{hostile}\n\nkept *too*\n\n[kept](https://x.example)"),
            format!("- words\n\n  {hostile}\n\nkept *too*\n\n[kept](https://x.example)"),
            format!("> {hostile}\n\nkept *too*\n\n[kept](https://x.example)"),
        ] {
            for html in [readme(&source), comment(&source, CommentId(7)), preview(&source)] {
                if hostile == "<pre>" {
                    assert!(html.contains("kept"), "{source}: {html}");
                } else {
                    assert!(html.contains("kept <em>too</em>"), "{source}: {html}");
                    assert!(
                        html.contains(r#"<a href="https://x.example" rel="ugc nofollow noopener">kept</a>"#),
                        "{source}: {html}"
                    );
                }
                assert_sound(&html);
            }
        }
    }
}

#[test]
fn what_is_not_a_tag_is_shown_and_comments_are_not() {
    let html = readme(
        "a <!-- hidden --> b <?php echo '<b>' ?> c <!DOCTYPE html> d <![CDATA[ <i> ]]> e\n\n<!-- a\n\n<b>b -->\n\nf",
    );
    let shown = "<p>a  b &lt;?php echo '&lt;b&gt;' ?&gt; c &lt;!DOCTYPE html&gt; d &lt;![CDATA[ &lt;i&gt; ]]&gt; e</p>\n\n<p>f</p>\n";
    assert_eq!(html, shown);
    let html = readme("<!-->\n\na\n\n<div>1 < 2 <!-- > -->3</div>\n\n<!-- one\n\ntwo\n\n<!-- three");
    assert!(html.contains("<p>a</p>") && html.contains("<div>1 &lt; 2 3</div>"), "{html}");
    assert!(html.contains("&lt;!-- one") && html.contains("<p>two</p>") && html.contains("&lt;!-- three"), "{html}");
}

#[test]
fn code_shows_tags_as_written() {
    let html = readme("`<script>` and\n\n```html\n<!-- x\n<style>\n```\n\n    <?php\n\n<!-- never closed");
    assert!(html.contains("<code>&lt;script&gt;</code>"), "{html}");
    assert!(html.contains("&lt;!-- x\n&lt;style&gt;\n</code>") && html.contains("<code>&lt;?php\n</code>"), "{html}");
    assert!(html.contains("<p>&lt;!-- never closed</p>"), "{html}");
}

#[test]
fn details_without_an_end_are_open() {
    let html = readme("<details>\n<summary>A</summary>\n\na\n\n</details>\n\n<details><summary>B</summary>\n\nb");
    assert_eq!(html.matches("<details>").count(), 1, "{html}");
    assert!(html.contains("<details open=\"\"><summary>B</summary>"), "{html}");
}

#[test]
fn an_element_without_an_end_ends_with_its_block() {
    for source in [
        "See <a href=https://y.example>docs\n\nkept\n",
        "<p>See <a href=https://y.example>docs\n\nkept\n",
        "<p>See <b><a href=https://y.example>docs</b>\n\nkept\n",
        "See <b><i><a href=https://y.example><a href=https://y.example>docs\n\nkept\n",
        "## <a name=x>docs\n\nkept\n",
        "<a name=x>docs\n\nkept\n",
        "> See <code>docs\n\nkept\n",
    ] {
        let html = readme(source);
        assert!(html.contains("docs") && html.contains("<p>kept</p>"), "{source}: {html}");
        assert_sound(&html);
    }
    let html = readme("<a href=https://y.example><b>\n\n*one*\n\ntwo</b>\n\n</a>\n\nkept\n");
    assert!(html.contains("<em>one</em>") && html.contains("<b>two</b>"), "{html}");
    assert!(html.contains("<p>kept</p>"), "{html}");
}

#[test]
fn the_words_of_a_picture_have_no_tags() {
    let html = readme("![a <b>*b*</b> <!-- c --><style> @ada [d](https://y.example)](https://x.example/a.png)");
    assert!(html.contains(">a b &lt;style&gt; @ada d</a>"), "{html}");
    assert_eq!(html.matches("<a ").count(), 1, "{html}");
}

#[test]
fn the_name_of_an_anchor_is_its_id() {
    for anchor in [
        "<a name=\"vols\"></a>",
        "<A NAME=vols>",
        "<a name='vols'/>",
        "<a id=vols name=vols></a>",
        "<a id=\"vols\">x</a>",
        "<p id=vols>x</p>",
    ] {
        let html = readme(&format!("[x](#vols)\n\n{anchor}\n\n## Volumes\n\ntext\n"));
        assert!(html.contains(r##"href="#readme-vols""##), "{anchor}: {html}");
        assert_eq!(html.matches(r#"id="readme-vols""#).count(), 1, "{anchor}: {html}");
        assert!(html.contains(r#"<h2 id="readme-volumes">"#) && html.contains("<p>text</p>"), "{anchor}: {html}");
        assert_sound(&html);
    }
    let html = readme(
        "<a id=one name=two href=https://x.example>x</a> [1](#one) [2](#two) <img id=three src=https://x.example/y alt=z>",
    );
    for id in ["one", "two", "three"] {
        assert!(html.contains(&format!("id=\"readme-{id}\"")), "{html}");
    }
    assert_sound(&html);
}

#[test]
fn ids_are_unique_on_the_page() {
    for source in [
        "## Notes\n## Readme notes\n## Notes\n## notes!\n## Notes 1\n## Notes-1\n",
        "<a name=notes></a>\n\n## Notes\n\n<a id=notes></a><p id=notes>x</p><a name=notes-1>\n\n## Notes\n",
        "## fn 1\n\nText[^1] and[^1]\n\n[^1]: Note\n\n## fnref 1\n\n<a name=fn-1></a>\n\n<ol><li id=fn-1>x</ol>\n",
        "# !\n# ?\n# \u{1f389}\n\n<a name></a><a name=\" \"></a><a id=\"\">x</a>\n",
        "<a name=\"a&amp;b\"></a><a id='a&b'></a> <a name='a\"b'></a><a id='a&quot;b'></a>\n",
        "[^a'b] [^1] [^1] [^1-2]\n\n[^a'b]: x\n[^1]: y\n[^1-2]: z\n",
        "<a name=readme-notes></a>\n\n## Notes\n## Readme notes\n## Readme readme notes\n",
    ] {
        for html in [readme(source), comment(source, CommentId(7)), preview(source)] {
            assert_sound(&html);
        }
    }
    let html = readme("[1](#notes) [2](#readme-notes) [3](#notes-1)\n\n## Notes\n## Readme notes\n## Notes\n");
    for (number, heading) in [(1, "readme-notes"), (2, "readme-readme-notes"), (3, "readme-notes-1")] {
        assert!(html.contains(&format!("<a href=\"#{heading}\" rel=\"ugc nofollow noopener\">{number}</a>")), "{html}");
        assert!(html.contains(&format!("<h2 id=\"{heading}\">")), "{html}");
    }
    let html = readme("[copied](#readme-use) [\u{fc}ber](#\u{fc}ber)\n\n## Use\n## \u{fc}ber\n");
    assert!(html.contains("href=\"#readme-use\"") && html.contains("href=\"#readme-%C3%BCber\""), "{html}");
}

#[test]
fn a_footnote_is_found_whatever_headings_there_are() {
    let html = readme("## fn 1\n## fnref 1\n\nText[^1]\n\n[^1]: Note\n");
    assert!(
        html.contains("<li id=\"readme-fn-1\">") && html.contains("<a href=\"#readme-fn-1\" id=\"readme-fnref-1\""),
        "{html}"
    );
    assert!(html.contains("<h2 id=\"readme-fn-1-1\">"), "{html}");
}

#[test]
fn a_relative_link_is_plain_text() {
    for link in [
        "[docs](docs/a.md)",
        "[docs](?tab=tags)",
        "[docs](./a)",
        "[docs](../a)",
        "[docs]()",
        "[docs](a#b)",
        "[docs](//x.example)",
        "<a href='/\\x.example'>docs</a>",
        "[docs](javascript:x)",
        "[docs](https://)",
        "[docs][a]\n\n[a]: a.md",
        "<a href=a.md>docs</a>",
        "<a href>docs</a>",
        "<a>docs</a>",
        "<a href='/&#9;/x.example'>docs</a>",
        "<a href=a.md title=t>docs</a>",
    ] {
        let html = readme(link);
        assert_eq!(html.trim(), "<p>docs</p>", "{link}");
    }
    let html = readme("[*a* ![b](https://x.example/b.svg) `c`](docs/a.md)");
    assert!(html.starts_with("<p><em>a</em> <a href=\"https://x.example/b.svg\""), "{html}");
    assert!(html.contains("b</a> <code>c</code></p>"), "{html}");
    for link in [
        "[here](/u/ada)",
        "[here](/)",
        "<a href=' /u/ada '>here</a>",
        "[here](mailto:a@b.example)",
        "[here](HTTPS://x.example)",
    ] {
        assert!(readme(link).contains("rel=\"ugc nofollow noopener\">here</a>"), "{link}");
    }
}

#[test]
fn a_mention_links_to_the_account() {
    let html = comment("Thanks, @ada. Mail a@b.example, not `@code`, [@linked](https://x.example)", CommentId(7));
    assert!(html.contains(r#"<a href="/u/ada" rel="ugc nofollow noopener">@ada</a>."#), "{html}");
    assert_eq!(html.matches("/u/").count(), 1, "{html}");
}

#[test]
fn a_mention_within_a_link_in_html_stays_in_it() {
    let html = readme("<a href=\"https://x.example/ada\">@ada</a> <pre>@ada</pre> <a name=x>@bob</a> a&amp;@cy");
    assert!(html.contains("<a href=\"https://x.example/ada\" rel=\"ugc nofollow noopener\">@ada</a>"), "{html}");
    assert!(!html.contains("/u/ada") && html.contains(">@bob</a>") && html.contains(">@cy</a>"), "{html}");
}

#[test]
fn anchors_of_two_comments_never_meet() {
    let html = comment("Text[^1]\n\n[^1]: Note", CommentId(7));
    assert!(html.contains(r##"href="#c7-fn-1""##) && html.contains(r#"id="c7-fn-1""#), "{html}");
    assert!(html.contains(r##"href="#c7-fnref-1""##) && html.contains(r#"id="c7-fnref-1""#), "{html}");
}

#[test]
fn a_link_to_a_heading_finds_it() {
    let html = readme("[below](#use)\n\n## Use\n");
    assert!(html.contains(r##"href="#readme-use""##) && html.contains(r#"id="readme-use""#), "{html}");
}

/// Checks that ids are unique, and that every link has an address and words; also [`assert_harmless`].
fn assert_sound(html: &str) {
    assert_harmless(html);
    let mut ids = HashSet::new();
    let mut links: Vec<String> = Vec::new();
    for piece in tags::pieces(html) {
        match piece {
            tags::Piece::Text(words) => {
                assert!(!words.contains('<'), "{html}");
                for link in &mut links {
                    link.push_str(words);
                }
            }
            tags::Piece::Start(tag) => {
                if let Some(id) = tag.value("id") {
                    assert!(!id.is_empty() && ids.insert(id), "{id} in {html}");
                }
                if tag.name == "a" {
                    assert!(tag.value("href").is_some(), "{} in {html}", tag.raw);
                    links.push(String::new());
                }
                if tag.name == "img" {
                    assert!(tag.value("src").unwrap().starts_with(pictures::PREFIX), "{} in {html}", tag.raw);
                    for link in &mut links {
                        link.push_str(tag.value("alt").unwrap());
                    }
                }
            }
            tags::Piece::End(tag) if tag.name == "a" => {
                assert!(!links.pop().unwrap().replace("&nbsp;", "").trim().is_empty(), "{html}");
            }
            _ => {}
        }
    }
}

/// Checks tags and attributes as a browser would see them.
fn assert_harmless(html: &str) {
    let allowed_tags: HashSet<&str> =
        ammonia::Builder::default().clone_tags().into_iter().chain(["section", "input", "img"]).collect();
    for tag in html.split('<').skip(1) {
        let inner = tag.split('>').next().unwrap_or_default();
        let name = inner.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        assert!(allowed_tags.contains(name), "<{inner}> in {html}");
        for attribute in inner.split('"').step_by(2).flat_map(str::split_whitespace) {
            assert!(!attribute.starts_with("on") && !attribute.starts_with("style"), "<{inner}> in {html}");
        }
        let lower = inner.to_lowercase();
        assert!(!lower.contains("src=") || inner.starts_with("img src=\"/-/pictures/"), "<{inner}> in {html}");
        for address in ["href=\"javascript", "href=\"data", "action="] {
            assert!(!lower.contains(address), "<{inner}> in {html}");
        }
    }
}
