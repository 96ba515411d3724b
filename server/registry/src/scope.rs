//! Token scopes such as `repository:team/app:pull,push` (distribution, "Docker Registry Token Scope and Access").

use std::fmt;

use serde::{Deserialize, Serialize};

/// The actions allowed on one resource; an entry in a token's `access` claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceScope {
    /// The resource's type: `repository` or `registry`. Other types are parsed but never granted.
    #[serde(rename = "type")]
    pub kind: String,
    /// The resource's name, such as `team/app` or `catalog`.
    pub name: String,
    /// The actions without duplicates: `pull`, `push` and `delete` in this order, then others.
    pub actions: Vec<String>,
}

impl ResourceScope {
    /// Creates a scope; sorts and deduplicates its actions.
    pub fn new(kind: impl Into<String>, name: impl Into<String>, actions: impl IntoIterator<Item = String>) -> Self {
        let mut kept: Vec<String> = Vec::new();
        for action in actions {
            if !action.is_empty() && !kept.contains(&action) {
                kept.push(action);
            }
        }
        kept.sort_by_key(|action| rank(action));
        Self { kind: kind.into(), name: name.into(), actions: kept }
    }

    /// Parses `type[(class)]:name:action,…`; the class is ignored.
    ///
    /// The name is everything between the first and the last colon, because it may contain colons, as in `host:port/…`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let kind = kind.split_once('(').map_or(kind, |(kind, _)| kind);
        if kind.is_empty() || name.is_empty() {
            return None;
        }
        Some(Self::new(kind, name, actions.split(',').map(str::to_owned)))
    }

    /// Parses scopes separated by spaces. Malformed ones are ignored.
    pub fn parse_all(text: &str) -> impl Iterator<Item = Self> {
        text.split_ascii_whitespace().filter_map(Self::parse)
    }

    /// Whether the scope allows an action; `*` allows all.
    pub fn allows(&self, action: &str) -> bool {
        self.actions.iter().any(|held| held == action || held == "*")
    }
}

fn rank(action: &str) -> usize {
    ["pull", "push", "delete"].iter().position(|usual| *usual == action).unwrap_or(3)
}

impl fmt::Display for ResourceScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind, self.name, self.actions.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_colons_and_a_type_a_class() {
        let scope = ResourceScope::parse("repository(plugin):host:5000/a/b:push,pull,push").unwrap();
        assert_eq!((scope.kind.as_str(), scope.name.as_str()), ("repository", "host:5000/a/b"));
        assert_eq!(scope.to_string(), "repository:host:5000/a/b:pull,push");
    }

    #[test]
    fn a_scope_may_ask_for_nothing() {
        assert_eq!(ResourceScope::parse("repository:a/b:").unwrap().actions, Vec::<String>::new());
    }

    #[test]
    fn what_is_no_scope_is_dropped() {
        let names: Vec<_> =
            ResourceScope::parse_all("repository:a:pull x  y:z :a:pull registry:catalog:*").map(|s| s.name).collect();
        assert_eq!(names, ["a", "catalog"]);
    }
}
