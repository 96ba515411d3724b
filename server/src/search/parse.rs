//! Parser for search queries: words, phrases and filters. Errors explain what is wrong with the query.

use std::ops::{Bound, RangeInclusive};

use model::fault::Fault;
use model::reason::Reason;
use model::role::Visibility;
use model::search::MAX_QUERY;
use time::{Date, Month, Time};

use super::analyser::{self, continues, stands_alone};
use super::document::folded;

/// The maximum number of words and filters in a query, each of which is looked up in every field.
const MAX_PARTS: usize = 24;

/// A parsed query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ParsedQuery {
    /// Texts that must match.
    pub(super) texts: Vec<Text>,
    /// These texts as they were written, in lower case, with a space between parts: perhaps the name of a repository.
    pub(super) name: String,
    /// Texts that must not match.
    pub(super) without: Vec<Text>,
    /// Filters that must match.
    pub(super) filters: Vec<Filter>,
    /// Filters that must not match.
    pub(super) unless: Vec<Filter>,
    /// Whether the query has neither letters nor digits, so that nothing can match.
    pub(super) unreadable: bool,
}

/// A sequence of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    /// The normalised words in order; at least one.
    pub(super) words: Vec<String>,
    /// Whether it was in quotes, so that it must match exactly.
    pub(super) quoted: bool,
}

/// A filter, written as a qualifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// `ns:team`
    Namespace(String),
    /// `tag:1.2`
    Tag(String),
    /// `topic:database`
    Topic(String),
    /// `label:name` or `label:name=value`
    Label(String),
    /// `arch:arm64`
    Arch(String),
    /// `os:linux`
    Os(String),
    /// `is:official`
    Official,
    /// `is:private`, `is:internal` or `is:public`
    Visible(Visibility),
    /// `is:starred`
    Starred,
    /// `stars:>10`
    Stars(Range),
    /// `pulls:10..20`
    Pulls(Range),
    /// `updated:>2026-01-01`, in seconds since 1970
    Updated(Range),
}

/// A range of numbers.
pub(super) type Range = (Bound<u64>, Bound<u64>);

impl ParsedQuery {
    /// Whether a filter needs the viewer's stars.
    pub(super) fn needs_stars(&self) -> bool {
        self.filters.iter().chain(&self.unless).any(|filter| *filter == Filter::Starred)
    }

    /// Whether a text is in quotes, so that it must match exactly.
    pub(super) fn is_quoted(&self) -> bool {
        self.texts.iter().any(|text| text.quoted)
    }

    /// The number of texts and filters.
    fn parts(&self) -> usize {
        self.texts.len() + self.without.len() + self.filters.len() + self.unless.len()
    }
}

/// Parses a query.
pub(crate) fn parse(query: &str) -> Result<ParsedQuery, Fault> {
    if query.len() > MAX_QUERY {
        return Err(Fault::invalid("q", Reason::QueryTooLong { max: MAX_QUERY }));
    }
    let mut asked = ParsedQuery::default();
    let mut typed = false;
    for part in parts(query) {
        if let Some(filter) = part.qualifier.and_then(|name| filter(name, &part.value)).transpose()? {
            if part.negated { asked.unless.push(filter) } else { asked.filters.push(filter) }
        } else {
            typed |= part.qualifier.is_some() || !part.value.is_empty();
            if !part.negated {
                for written in part.qualifier.into_iter().chain([part.value.as_str()]) {
                    let gap = if asked.name.is_empty() || written.is_empty() { "" } else { " " };
                    asked.name.push_str(gap);
                    asked.name.push_str(&written.to_lowercase());
                }
            }
            // One part may contain several texts, such as `a:b:c`.
            if part.negated { asked.without.extend(texts(&part)) } else { asked.texts.extend(texts(&part)) }
        }
        if asked.parts() > MAX_PARTS {
            return Err(Fault::invalid("q", Reason::QueryTooComplex { max: MAX_PARTS }));
        }
    }
    asked.unreadable = typed && asked.parts() == 0;
    Ok(asked)
}

/// A part of a query: `-name:"value"`, where everything but the value is optional.
#[derive(Debug)]
struct Part<'a> {
    negated: bool,
    qualifier: Option<&'a str>,
    value: String,
    quoted: bool,
}

/// Splits a query at spaces outside of quotes; an unclosed quote extends to the end.
fn parts(query: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        let negated = rest.starts_with('-') && rest.chars().nth(1).is_some_and(|next| !next.is_whitespace());
        if negated {
            rest = rest.get(1..).unwrap_or("");
        }
        let qualifier = rest
            .split_once(':')
            .map(|(name, _)| name)
            .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()));
        if let Some(name) = qualifier {
            rest = rest.get(name.len() + 1..).unwrap_or("");
        }
        let quoted = rest.starts_with('"');
        let (value, tail) = if quoted {
            let inside = rest.get(1..).unwrap_or("");
            inside.split_once('"').unwrap_or((inside, ""))
        } else {
            rest.split_once(char::is_whitespace).unwrap_or((rest, ""))
        };
        parts.push(Part { negated, qualifier, value: value.to_owned(), quoted });
        rest = tail.trim_start();
    }
    parts
}

/// The texts of a part that is not a filter. `nginx:latest` is two texts, because the words need not be adjacent;
/// `my-app` is one, and so is a run of Chinese characters.
fn texts(part: &Part<'_>) -> Vec<Text> {
    let text = |words: &str| Text {
        words: analyser::words(words).into_iter().map(|word| word.text).collect(),
        quoted: part.quoted,
    };
    let mut texts: Vec<Text> = part.qualifier.iter().map(|name| text(name)).collect();
    if part.quoted {
        texts.push(text(&part.value));
    } else {
        texts.extend(part.value.split(':').flat_map(runs).map(text));
    }
    texts.retain(|text| !text.words.is_empty());
    texts
}

/// Splits where Chinese meets other scripts, which people write with or without a space.
fn runs(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let alone = stands_alone(first);
        let ends = |character: char| stands_alone(character) != alone && !continues(character);
        let length = rest.find(ends).unwrap_or(rest.len());
        let (run, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
        runs.push(run);
        rest = tail;
    }
    runs
}

/// The filter of a qualifier; `None` if there is no such qualifier, and an error if its value is invalid.
fn filter(name: &str, value: &str) -> Option<Result<Filter, Fault>> {
    let name = name.to_ascii_lowercase();
    let known = ["ns", "namespace", "tag", "topic", "label", "arch", "os", "is", "stars", "pulls", "updated"];
    if !known.contains(&name.as_str()) {
        return None;
    }
    let refuse = |reason: Reason| Some(Err(Fault::invalid("q", reason)));
    if value.is_empty() {
        let example = example(&name).to_owned();
        return refuse(Reason::QualifierEmpty { name, example });
    }
    let value = folded(value);
    Some(Ok(match name.as_str() {
        "ns" | "namespace" => Filter::Namespace(value.trim_end_matches('/').to_owned()),
        "tag" => Filter::Tag(value),
        "topic" => Filter::Topic(value),
        "label" => Filter::Label(value),
        "arch" => Filter::Arch(architecture(&value).to_owned()),
        "os" => Filter::Os(value),
        "is" => match value.as_str() {
            "official" => Filter::Official,
            "starred" => Filter::Starred,
            word => match word.parse() {
                Ok(visibility) => Filter::Visible(visibility),
                Err(_) => return refuse(Reason::QualifierIs),
            },
        },
        _ => {
            let whole = if name == "updated" { day } else { number };
            match (range(&value, whole), name.as_str()) {
                (None, _) => {
                    let example = example(&name).to_owned();
                    return refuse(Reason::QualifierRange { name, example });
                }
                (Some(range), "stars") => Filter::Stars(range),
                (Some(range), "pulls") => Filter::Pulls(range),
                (Some(range), _) => Filter::Updated(range),
            }
        }
    }))
}

/// An example of a qualifier.
fn example(name: &str) -> &'static str {
    match name {
        "tag" => "tag:latest",
        "topic" => "topic:database",
        "label" => "label:maintainer=me",
        "arch" => "arch:arm64",
        "os" => "os:linux",
        "is" => "is:official",
        "stars" => "stars:>10",
        "pulls" => "pulls:100..1000",
        "updated" => "updated:>2026-01-01",
        _ => "ns:library",
    }
}

/// Go's name of an architecture, as images use it, for names that machines report.
fn architecture(value: &str) -> &str {
    match value.split('/').next().unwrap_or(value) {
        "x86_64" | "x64" => "amd64",
        "aarch64" => "arm64",
        "x86" | "i386" | "i686" => "386",
        "armv6" | "armv7" | "armhf" => "arm",
        other => other,
    }
}

/// Parses a range: `5`, `>5`, `>=5`, `<5`, `<=5`, `5..9`, `5..*`. A value may stand for several numbers, such as a day
/// for its seconds: `whole` returns the first and last.
fn range(value: &str, whole: impl Fn(&str) -> Option<RangeInclusive<u64>>) -> Option<Range> {
    if let Some((from, to)) = value.split_once("..") {
        let bound = |text: &str| if text == "*" { Some(None) } else { whole(text).map(Some) };
        let from = bound(from)?.map_or(Bound::Unbounded, |from| Bound::Included(*from.start()));
        let to = bound(to)?.map_or(Bound::Unbounded, |to| Bound::Included(*to.end()));
        return Some((from, to));
    }
    let (sign, rest) = value.split_at_checked(value.len() - value.trim_start_matches(['<', '>', '=']).len())?;
    let of = whole(rest)?;
    Some(match sign {
        "" | "=" => (Bound::Included(*of.start()), Bound::Included(*of.end())),
        ">" => (Bound::Excluded(*of.end()), Bound::Unbounded),
        ">=" => (Bound::Included(*of.start()), Bound::Unbounded),
        "<" => (Bound::Unbounded, Bound::Excluded(*of.start())),
        "<=" => (Bound::Unbounded, Bound::Included(*of.end())),
        _ => return None,
    })
}

fn number(text: &str) -> Option<RangeInclusive<u64>> {
    text.parse().ok().map(|number| number..=number)
}

/// Parses a day such as `2026-01-31` into its seconds in UTC.
fn day(text: &str) -> Option<RangeInclusive<u64>> {
    let mut fields = text.splitn(3, '-');
    let year: i32 = fields.next()?.parse().ok()?;
    let month: u8 = fields.next()?.parse().ok()?;
    let day: u8 = fields.next()?.parse().ok()?;
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
    let start = u64::try_from(date.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp()).ok()?;
    Some(start..=start + 86_399)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(words: &[&str], quoted: bool) -> Text {
        Text { words: words.iter().map(|word| (*word).to_owned()).collect(), quoted }
    }

    #[test]
    fn words_phrases_and_their_opposites_are_told_apart() {
        let asked = parse(r#"Redis "key value" -cluster -"in memory""#).unwrap();
        assert_eq!(asked.texts, [text(&["redis"], false), text(&["key", "value"], true)]);
        assert_eq!(asked.without, [text(&["cluster"], false), text(&["in", "memory"], true)]);
        assert!(asked.filters.is_empty());
    }

    #[test]
    fn qualifiers_become_filters() {
        let asked = parse(
            r#"ns:Team tag:1.2 label:"a=b c" arch:aarch64 os:linux is:official -is:private is:starred stars:>10"#,
        )
        .unwrap();
        let expected = [
            Filter::Namespace("team".into()),
            Filter::Tag("1.2".into()),
            Filter::Label("a=b c".into()),
            Filter::Arch("arm64".into()),
            Filter::Os("linux".into()),
            Filter::Official,
            Filter::Starred,
            Filter::Stars((Bound::Excluded(10), Bound::Unbounded)),
        ];
        assert_eq!(asked.filters, expected);
        assert_eq!(asked.unless, [Filter::Visible(Visibility::Private)]);
        assert!(asked.needs_stars());
    }

    #[test]
    fn days_are_whole_days() {
        let midnight = 1_767_225_600;
        let updated = |query: &str| match parse(query).unwrap().filters.as_slice() {
            [Filter::Updated(range)] => *range,
            other => panic!("{other:?}"),
        };
        assert_eq!(updated("updated:2026-01-01"), (Bound::Included(midnight), Bound::Included(midnight + 86_399)));
        assert_eq!(updated("updated:>2026-01-01"), (Bound::Excluded(midnight + 86_399), Bound::Unbounded));
        assert_eq!(updated("updated:<2026-01-01"), (Bound::Unbounded, Bound::Excluded(midnight)));
        assert_eq!(updated("updated:2026-01-01..*"), (Bound::Included(midnight), Bound::Unbounded));
    }

    #[test]
    fn a_qualifier_without_sense_is_refused_by_name() {
        for bad in ["stars:many", "stars:><1", "updated:2026-13-01", "is:nice", "arch:", "stars:1..x"] {
            let fault = parse(bad).unwrap_err();
            assert_eq!(fault.fields[0].field, "q", "{bad}");
        }
    }

    #[test]
    fn what_is_no_qualifier_is_words() {
        assert_eq!(parse("nginx:latest").unwrap().texts, [text(&["nginx"], false), text(&["latest"], false)]);
        assert_eq!(parse("team/my-app").unwrap().texts, [text(&["team", "my", "app"], false)]);
        assert_eq!(parse("nginx镜像").unwrap().texts, [text(&["nginx"], false), text(&["镜像"], false)]);
    }

    #[test]
    fn marks_alone_ask_for_nothing_that_can_be_found() {
        assert!(parse("!!! \u{1F680}").unwrap().unreadable);
        for all in ["", "   "] {
            assert_eq!(parse(all).unwrap(), ParsedQuery::default());
        }
    }

    #[test]
    fn long_queries_are_refused_and_not_cut() {
        assert!(parse(&"a".repeat(MAX_QUERY + 1)).is_err());
        for one in ["a ", "-a ", "os:a ", "a:", "a镜"] {
            assert!(parse(&one.repeat(MAX_PARTS + 1)).is_err(), "{one}");
        }
        assert!(parse(&"a ".repeat(MAX_PARTS)).is_ok());
    }

    proptest! {
        #[test]
        fn nothing_typed_makes_the_parser_panic(query in "\\PC{0,200}") {
            let _ = parse(&query);
        }

        #[test]
        fn nothing_that_looks_like_a_query_makes_the_parser_panic(
            query in "(-?(ns|tag|label|is|stars|updated|x)?:?[\"<>=.0-9a-z镜*/-]{0,8} ?){0,8}",
        ) {
            if let Ok(asked) = parse(&query) {
                prop_assert!(asked.texts.iter().chain(&asked.without).all(|text| !text.words.is_empty()));
            }
        }
    }
}
