//! Tests of texts that are made to break the page, or to be slow or large.

use proptest::prelude::*;

use super::*;

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
        let html = crate::markdown::readme(&hostile, Some(&PictureLinks::new(&[1; 32])));
        let what = hostile.get(..60.min(hostile.len())).unwrap_or_default();
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{what}");
        assert!(html.len() < 40 * MAX_OVERVIEW, "{what}: {}", html.len());
        assert_sound(&html);
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

proptest! {
    #[test]
    fn no_text_yields_a_script_a_handler_a_foreign_scheme_or_an_empty_link(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("<script>".to_owned()), Just("</script>".to_owned()), Just("<a href=".to_owned()),
                Just("javascript:alert(1)".to_owned()), Just("JAVA\tSCRIPT:x".to_owned()), Just("<img src=x onerror=alert(1)>".to_owned()),
                Just("[x](".to_owned()), Just(")".to_owned()), Just("<svg><style>".to_owned()), Just("\"'>".to_owned()),
                Just("<!--".to_owned()), Just("-->".to_owned()), Just("`".to_owned()), Just("```\n".to_owned()), Just("\n\n".to_owned()),
                Just("<p onclick=x>".to_owned()), Just("<form>".to_owned()), Just("data:text/html,".to_owned()), Just("@ada".to_owned()),
                Just("<a name=x>".to_owned()), Just("<a href='#x'>".to_owned()), Just("</a>".to_owned()), Just("<img src=/x>".to_owned()),
                Just("<div>".to_owned()), Just("<table><td>".to_owned()), Just("# x\n".to_owned()), Just("<?".to_owned()), Just("<title>".to_owned()),
                Just("![".to_owned()), Just("](".to_owned()), Just("&#106;avascript:".to_owned()), Just("[^1]: ".to_owned()),
                "\\PC{0,12}",
            ],
            0..24,
        )
    ) {
        assert_sound(&readme(&parts.concat()));
    }
}
