//! The languages of the pages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::reason::Reason;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    Chinese,
}

impl Language {
    /// All languages, the default first.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The BCP 47 tag, such as `zh-CN`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// Its name in the language itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }

    /// The preferred language of an `Accept-Language` header among [`Language::ALL`]; `None` if it includes none of
    /// them.
    pub fn preferred(accept: &str) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        for range in accept.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight = weight(parameters);
            let Some(language) = Self::of_range(tag.trim()) else { continue };
            // The first of equal weights is used.
            if weight > 0 && best.is_none_or(|(before, _)| weight > before) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// The language of a range such as `zh-Hans`. For readers of traditional Chinese, simplified is better than
    /// English.
    fn of_range(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or(tag);
        if primary.eq_ignore_ascii_case("en") {
            Some(Self::English)
        } else if primary.eq_ignore_ascii_case("zh") {
            Some(Self::Chinese)
        } else {
            None
        }
    }
}

/// The weight of a `q` parameter in thousandths: 1000 without one, 0 if it is invalid.
fn weight(parameters: &str) -> u16 {
    let q = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    let Some((_, value)) = q.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("q")) else { return 1_000 };
    let (whole, part) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    if part.len() > 3 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return 0;
    }
    match whole {
        "1" => 1_000,
        "0" => format!("{part:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Language {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Self::ALL
            .into_iter()
            .find(|language| language.as_str() == text)
            .ok_or_else(|| Fault::invalid("language", Reason::UnknownLanguage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_parsed_as_it_is_written() {
        for language in Language::ALL {
            assert_eq!(language.to_string().parse::<Language>().unwrap(), language);
        }
        assert!("zh".parse::<Language>().is_err());
    }

    #[test]
    fn the_greatest_weight_wins_and_of_equal_ones_the_first() {
        assert_eq!(Language::preferred("en;q=0.5, zh-CN;q=0.9"), Some(Language::Chinese));
        assert_eq!(Language::preferred("zh-CN,zh;q=0.9,en;q=0.8"), Some(Language::Chinese));
        assert_eq!(Language::preferred("en-GB, zh"), Some(Language::English));
        assert_eq!(Language::preferred("de, ZH-hans;Q=0.05, en;q=0.049"), Some(Language::Chinese));
    }

    #[test]
    fn what_is_refused_or_not_offered_is_not_chosen() {
        for header in ["", "de, fr;q=0.5", "zh;q=0, en;q=0.000", "en;q=2", "zh;q=0.1234", "*", ";;,=", "en;q=x"] {
            assert_eq!(Language::preferred(header), None, "{header}");
        }
    }
}
