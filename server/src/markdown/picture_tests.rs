//! Tests of pictures that the hub fetches.

use super::*;
use crate::pictures::PREFIX;

fn links() -> PictureLinks {
    PictureLinks::new(&[1; 32])
}

fn shown(source: &str) -> String {
    readme(source, Some(&links()))
}

/// The path of the picture at a URL.
fn path(url: &str) -> String {
    links().path(url).unwrap()
}

#[test]
fn a_logo_and_badges_are_shown() {
    let logo = path("https://x.example/logo.png");
    assert_eq!(
        shown(r#"<p align="center"><img src="https://x.example/logo.png" alt="Logo"></p>"#),
        format!("<p align=\"center\"><img src=\"{logo}\" alt=\"Logo\" loading=\"lazy\"></p>\n"),
    );
    let badge = format!("<img src=\"{}\" alt=\"build\" loading=\"lazy\">", path("https://x.example/b.svg"));
    for source in [
        r#"<a href="https://ci.example"><img src="https://x.example/b.svg" alt="build"></a>"#,
        r#"[<img src="https://x.example/b.svg" alt="build">](https://ci.example)"#,
        "[![build](https://x.example/b.svg)](https://ci.example)",
    ] {
        assert_eq!(
            shown(&format!("See {source}")),
            format!("<p>See <a href=\"https://ci.example\" rel=\"ugc nofollow noopener\">{badge}</a></p>\n"),
        );
    }
    let html = shown("<div>\n<a href=\"https://ci.example\">\n\n![build](https://x.example/b.svg)\n\n</a>\n</div>");
    assert!(html.contains(&badge) && html.matches("<a ").count() == 1, "{html}");
    for html in [
        comment("![build](https://x.example/b.svg)", CommentId(7), Some(&links())),
        preview("![build](https://x.example/b.svg)", Some(&links())),
        shown("<picture><source srcset=https://x.example/c.webp><img src=https://x.example/b.svg alt=build></picture>"),
    ] {
        assert!(html.contains(&badge) && !html.contains("x.example"), "{html}");
    }
}

#[test]
fn the_path_contains_the_url_as_it_was_meant() {
    let meant = format!("src=\"{}\"", path("https://x.example/?a=1&b=%22%3C&c=d"));
    for source in [
        "![x](https://x.example/?a=1&b=\"<&c=d)",
        "<img src='https://x.example/?a=1&amp;b=\"<&amp;c=d' alt=x>",
        "<IMG SRC=' https://X.example/?a=1&b=&quot;&lt;&c=d#e ' alt=x>",
    ] {
        assert!(shown(source).contains(&meant), "{source}: {}", shown(source));
    }
}

#[test]
fn a_link_is_called_by_the_words_of_its_picture_or_else_by_its_address() {
    let html = shown("<a href=https://ci.example/?a&b><img src=https://x.example/b.svg></a>");
    assert!(html.contains("alt=\"https://ci.example/?a&amp;b\""), "{html}");
    let html = shown("[![](https://x.example/b.svg \"Title\")](https://ci.example)");
    assert!(html.contains("alt=\"Title\"") && html.contains("title=\"Title\""), "{html}");
    let html = shown("[![](https://x.example/b.svg) Build](https://ci.example)");
    assert!(html.contains("alt=\"\"") && html.contains("> Build</a>"), "{html}");
    let html = shown("[![](https://x.example/b.svg) ![b](https://x.example/c.svg)](https://ci.example)");
    assert!(html.contains("alt=\"\"") && html.contains("alt=\"b\""), "{html}");
    let html = shown("<a href=https://ci.example><a name=x><b><img src=https://x.example/b.svg></b></a>");
    assert_eq!(html.matches("<img ").count(), 1, "{html}");
    assert!(shown("![](https://x.example/b.svg)").contains("alt=\"\""));
}

#[test]
fn a_picture_keeps_its_size_and_place() {
    let html =
        shown("<img src=https://x.example/a.png align=right width=200 height='50%' id=logo class=x style='a:b'>");
    assert!(html.contains("align=\"right\"") && html.contains("width=\"200\"") && html.contains("height=\"50%\""));
    assert!(html.contains("<span id=\"readme-logo\"></span>") && !html.contains("style") && !html.contains("class"));
    for size in ["99999", "1e3", "100vw", "-1", "%", ""] {
        let html = shown(&format!("<img src=https://x.example/a.png width='{size}'>"));
        assert!(html.contains("<img ") && !html.contains("width"), "{html}");
    }
}

#[test]
fn what_the_hub_does_not_fetch_is_a_link_or_words() {
    for source in [
        "![Bad](javascript:alert(1))",
        "![Bad](data:image/png;base64,AAAA)",
        "![Bad](docs/a.png)",
        "![Bad](/u/ada)",
        "![Bad](//x.example/a.png)",
        "![Bad](https://a:b@x.example/a.png)",
        "![Bad](http://x.example:25/a.png)",
        &format!("<img src='{}' alt=Bad>", PREFIX.trim_end_matches('/')),
        &format!("![Bad](https://x.example/{})", "a".repeat(3000)),
    ] {
        let html = shown(source);
        assert_eq!(html, readme(source, None));
        assert!(html.contains("Bad") && !html.contains("<img"), "{source}: {html}");
    }
}
