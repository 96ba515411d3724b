//! Mentions of accounts in text: `@name`.

use std::fmt::Write as _;

use model::account::AccountName;

/// Appends escaped text, with a link to `/u/name` for each `@name`.
pub(super) fn push_linked(words: &str, html: &mut String) {
    let mut rest = 0;
    for mention in mentions(words) {
        let Some(before) = words.get(rest..mention.start) else { break };
        let name = mention.name;
        html.push_str(before);
        let _ = write!(html, "<a href=\"/u/{name}\">@{name}</a>");
        rest = mention.end;
    }
    html.push_str(words.get(rest..).unwrap_or_default());
}

/// An account's name in text, and its position including the `@`.
struct Mention {
    start: usize,
    end: usize,
    name: AccountName,
}

/// Finds every `@name` that is not part of a word; a full stop after it does not belong to the name.
fn mentions(words: &str) -> impl Iterator<Item = Mention> + '_ {
    words.match_indices('@').filter_map(|(start, _)| {
        let inside_word =
            words.get(..start)?.chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '/');
        if inside_word {
            return None;
        }
        let after = words.get(start + 1..)?;
        let long =
            after.find(|next: char| !(next.is_ascii_alphanumeric() || "-._".contains(next))).unwrap_or(after.len());
        let candidate = after.get(..long)?.trim_end_matches(['.', '-', '_']);
        let name = AccountName::parse(candidate).ok()?;
        Some(Mention { start, end: start + 1 + candidate.len(), name })
    })
}
