use super::*;
use proptest::prelude::*;

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
                assert_harmless(&html);
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
                assert_harmless(&html);
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
        assert_harmless(&html);
    }
    let html = readme("<a href=https://y.example><b>\n\n*one*\n\ntwo</b>\n\n</a>\n\nkept\n");
    assert!(html.contains("<em>one</em>") && html.contains("<b>two</b>"), "{html}");
    assert!(html.contains("<p>kept</p>"), "{html}");
}

#[test]
fn a_mention_links_to_the_account() {
    let html = comment("Thanks, @ada. Mail a@b.example, not `@code`, [@linked](https://x.example)", CommentId(7));
    assert!(html.contains(r#"<a href="/u/ada" rel="ugc nofollow noopener">@ada</a>."#), "{html}");
    assert_eq!(html.matches("/u/").count(), 1, "{html}");
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

#[test]
fn hostile_text_loses_its_teeth() {
    let hostile = concat!(
        "<script>alert(1)</script> [x](javascript:alert(1)) <a href='JaVaScRiPt:alert(1)'>y</a>\n\n",
        "<p onclick=alert(1) style='position:fixed'>z</p> <form action=/signout><button>go</button></form>\n\n",
        "<iframe src=//evil.example></iframe> <a href=data:text/html,x>d</a> <input name=password type=text>\n",
        "<svg onload=alert(1)></svg><math><mtext></mtext></math><style>*{display:none}</style> [w](//evil.example)"
    );
    let html = readme(hostile);
    assert_harmless(&html);
    assert!(html.contains("disabled"), "{html}");
    assert!(!html.contains("evil.example\""), "{html}");
}

#[test]
fn deep_nesting_is_shown_as_it_was_written() {
    for hostile in [
        ">".repeat(60_000),
        "<div>".repeat(12_000),
        "<div></x>".repeat(7_000),
        "[".repeat(60_000),
        "**a ".repeat(15_000),
    ] {
        assert_harmless(&readme(&hostile));
    }
    assert!(readme(&">".repeat(1_000)).starts_with("<pre>&gt;"));
    assert!(!readme(&"<p>One<br>\n\n".repeat(1_000)).starts_with("<pre>"));
}

#[test]
fn long_text_is_fast_and_stays_small() {
    let attribute = "x".repeat(20_000);
    for hostile in [
        "<!-- ".repeat(13_000),
        "<!--\n".repeat(13_000),
        "<!--\n\n".repeat(10_000),
        "<?x\n<![CDATA[\n<!x\n<script>\n".repeat(2_000),
        "> <script>\n\n".repeat(5_000),
        format!("<div>{}", "<!-- <? <![CDATA[ <! </ ".repeat(2_700)),
        format!("<div>{}", "<a href=\"".repeat(7_000)),
        format!("<div>{}", "<a b='<a c=\"".repeat(5_000)),
        format!("<p {}>", "a=b ".repeat(15_000)),
        format!("<p {}>", numbered(9_000, "a# ")),
        format!("<b title={attribute}>{}", "<p>x".repeat(10_000)),
        format!("<a href=https://x.example/{attribute}>{}", "<p>x".repeat(10_000)),
        format!("{}{}", numbered(150, "<b title=#>"), "<p>x".repeat(15_000)),
        "<a href=/x><p>".repeat(4_500),
        "<a name=x>".repeat(6_500),
        "<a href=#x>".repeat(5_900),
        "<a href=/><table><tr><td>".repeat(2_600),
        "<details>".repeat(7_000),
        format!("<div>{}", "<details><details></details>".repeat(2_000)),
        "a <b></i>".repeat(7_000),
        "<b>\n\na\n\n".repeat(6_000),
        "<details>\n\n</details>\n\n".repeat(2_500),
        "## a\n".repeat(13_000),
        format!("{}{}", numbered(5_000, "a #\n===\n"), "# a\n".repeat(5_000)),
        "<a id=x name=y></a>".repeat(3_400),
        "![](x)".repeat(10_000),
        "![".repeat(30_000),
        "![<b>".repeat(12_000),
        "<img src=/x>".repeat(5_400),
        "[](/x)".repeat(10_000),
        "[](#x)".repeat(10_000),
        format!("<a href=/x>{}", "<p>".repeat(20_000)),
        format!("<a href=#x>{}</a>", " <b></b>".repeat(8_000)),
        "@ab ".repeat(16_000),
        "[^1]".repeat(15_000) + "\n\n[^1]: x",
        "<".repeat(65_000),
        "</".repeat(32_000),
    ] {
        let start = std::time::Instant::now();
        let html = readme(&hostile);
        let what = hostile.get(..60.min(hostile.len())).unwrap_or_default();
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{what}");
        assert!(html.len() < 40 * MAX_OVERVIEW, "{what}: {}", html.len());
        assert_harmless(&html);
    }
}

#[test]
fn many_anchors_without_an_end_are_not_excessive() {
    let html = readme(&"<a name=\"x\"/>\n\n## Heading\n\nText\n\n".repeat(1_000));
    assert!(!html.starts_with("<pre>") && html.contains("<p>Text</p>"), "{html}");
}

/// Repeats a text with numbers instead of its `#`.
fn numbered(times: usize, text: &str) -> String {
    let parts: Vec<_> = (0..times).map(|number| text.replace('#', &number.to_string())).collect();
    parts.concat()
}

/// Checks tags and attributes as a browser would see them.
fn assert_harmless(html: &str) {
    let allowed_tags: HashSet<&str> =
        ammonia::Builder::default().clone_tags().into_iter().chain(["section", "input"]).collect();
    for tag in html.split('<').skip(1) {
        let inner = tag.split('>').next().unwrap_or_default();
        let name = inner.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        assert!(allowed_tags.contains(name) && name != "img", "<{inner}> in {html}");
        for attribute in inner.split('"').step_by(2).flat_map(str::split_whitespace) {
            assert!(!attribute.starts_with("on") && !attribute.starts_with("style"), "<{inner}> in {html}");
        }
        let lower = inner.to_lowercase();
        for address in ["href=\"javascript", "href=\"data", "src=", "action="] {
            assert!(!lower.contains(address), "<{inner}> in {html}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_yields_a_script_a_handler_or_a_foreign_scheme(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("<script>".to_owned()), Just("</script>".to_owned()), Just("<a href=".to_owned()),
                Just("javascript:alert(1)".to_owned()), Just("JAVA\tSCRIPT:x".to_owned()), Just("<img src=x onerror=alert(1)>".to_owned()),
                Just("[x](".to_owned()), Just(")".to_owned()), Just("<svg><style>".to_owned()), Just("\"'>".to_owned()),
                Just("<!--".to_owned()), Just("-->".to_owned()), Just("`".to_owned()), Just("```\n".to_owned()), Just("\n\n".to_owned()),
                Just("<p onclick=x>".to_owned()), Just("<form>".to_owned()), Just("data:text/html,".to_owned()), Just("@ada".to_owned()),
                Just("![".to_owned()), Just("](".to_owned()), Just("&#106;avascript:".to_owned()), Just("[^1]: ".to_owned()),
                "\\PC{0,12}",
            ],
            0..24,
        )
    ) {
        assert_harmless(&readme(&parts.concat()));
    }
}
