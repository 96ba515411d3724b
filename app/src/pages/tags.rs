//! A repository's tags: one row for each digest, with all tags of this page that point at it.

use leptos::prelude::*;
use model::image::{Tag, TagSort};

use super::visit::{Query, Visit};
use super::{done, page_request};
use crate::actions::tags::DELETE;
use crate::components::artifact::Artifact;
use crate::components::command::command;
use crate::components::copy::copy;
use crate::components::icon::{Glyph, icon};
use crate::components::list::{empty, pager};
use crate::components::person::ago;
use crate::components::repository::{Tab, head};
use crate::form::FormState;
use crate::portal::{PortalResult, TagFilter, site};
use crate::texts::text;
use crate::{place, words};

/// The number of platforms shown in a row; an index may have thousands.
const PLATFORMS: usize = 12;

/// The page.
pub(crate) async fn page(visit: &Visit, query: &Query) -> PortalResult<AnyView> {
    let path = &visit.head.repository.path;
    let sort = match query.sort.as_str() {
        "name" => TagSort::Name,
        "version" => TagSort::Version,
        "size" => TagSort::Size,
        _ => TagSort::Newest,
    };
    let filter = TagFilter { contains: query.contains.trim().to_owned(), sort };
    let tags = visit.portal.tags(path, filter, page_request(&query.cursor)).await?;
    let now = visit.portal.now();
    let here = place::within(path, "tags");
    let host = site().registry_host.clone();
    let rows = groups(&tags.items)
        .into_iter()
        .map(|group| {
            let names = group
                .iter()
                .map(|tag| view! { <a href=place::tag(path, tag.name.as_str())>{tag.name.to_string()}</a> })
                .collect_view();
            let first = group.first()?;
            Some(view! {
                <tr>
                    <td class="whole"><span class="tag-names">{names}</span></td>
                    <td class="whole">
                        <span class="digest">
                            <a href=place::manifest(path, first.digest.as_str())>{first.digest.short().to_owned()}</a>
                            {copy(first.digest.to_string(), text!(copy.digest))}
                        </span>
                    </td>
                    <td data-label="">{kind(first)}</td>
                    <td class="number" data-label="">{words::bytes(first.size)}</td>
                    <td data-label=text!(tags.last_pushed)>{ago(first.pushed_at, now)}</td>
                    <td data-label=text!(tags.last_pulled)>
                        {first.pulled_at.map_or_else(|| text!(format.never).into_any(), |pulled| ago(pulled, now))}
                    </td>
                </tr>
            })
        })
        .collect_view();
    let list = if !tags.items.is_empty() {
        view! {
            <table class="table table-folds">
                <thead>
                    <tr>
                        <th scope="col">{text!(tags.column_tags)}</th>
                        <th scope="col">{text!(tags.digest)}</th>
                        <th scope="col">{text!(tags.platforms)}</th>
                        <th scope="col" class="number">{text!(tags.size)}</th>
                        <th scope="col">{text!(tags.last_pushed)}</th>
                        <th scope="col">{text!(tags.last_pulled)}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    } else if query.contains.is_empty() {
        let push = visit.head.abilities.push.then(|| {
            view! {
                {command(format!("docker tag app {host}/{path}:latest"))}
                {command(format!("docker push {host}/{path}:latest"))}
            }
        });
        let why = if push.is_some() { text!(tags.empty_text) } else { text!(tags.empty_text_reader) };
        empty(text!(tags.empty_title), why, push)
    } else {
        empty(
            text!(tags.no_match_title),
            text!(tags.no_match_text),
            view! { <a class="button" href=here.clone()>{text!(tags.show_all)}</a> },
        )
    };
    let deleted = FormState::from_flash(visit.flash.as_ref(), DELETE);
    Ok(view! {
        <div class="wide">
            {head(&visit.head, Tab::Tags, text!(tags.title), visit.me.is_some())}
            <div class="repo-body">
                {done(deleted.notice())}
                {(visit.head.repository.tags > 0).then(|| tools(&here, query, sort))}
                {list}
                {pager(
                    &here,
                    &[("contains", &query.contains), ("sort", &query.sort)],
                    &query.cursor,
                    tags.next.as_deref(),
                )}
            </div>
        </div>
    }
    .into_any())
}

fn tools(here: &str, query: &Query, chosen: TagSort) -> AnyView {
    let orders = [
        (TagSort::Newest, "", text!(tags.sort_newest)),
        (TagSort::Name, "name", text!(tags.sort_name)),
        (TagSort::Version, "version", text!(tags.sort_version)),
        (TagSort::Size, "size", text!(tags.sort_size)),
    ];
    let orders = orders
        .into_iter()
        .map(|(sort, value, words)| {
            let href = format!("{here}{}", place::query(&[("contains", &query.contains), ("sort", value)]));
            view! { <a href=href aria-current=(sort == chosen).then_some("true")>{words}</a> }
        })
        .collect_view();
    let sort = (!query.sort.is_empty()).then(|| view! { <input type="hidden" name="sort" value=query.sort.clone()/> });
    view! {
        <div class="line line-apart tools">
            <form class="joined" action=here.to_owned()>
                {sort}
                <input
                    class="input"
                    type="search"
                    name="contains"
                    value=query.contains.clone()
                    placeholder=text!(tags.filter_placeholder)
                    aria-label=text!(tags.filter_placeholder)
                    autocapitalize="none"
                    spellcheck="false"
                />
                <button class="button">{icon(Glyph::Filter)} {text!(tags.filter)}</button>
            </form>
            <nav class="orders" aria-label=text!(list.sort_by)>
                {orders}
            </nav>
        </div>
    }
    .into_any()
}

/// Groups tags by digest, in the order of their first appearance.
fn groups(tags: &[Tag]) -> Vec<Vec<&Tag>> {
    let mut groups: Vec<Vec<&Tag>> = Vec::new();
    for tag in tags {
        let same = groups.iter_mut().find(|group| group.first().is_some_and(|first| first.digest == tag.digest));
        match same {
            Some(group) => group.push(tag),
            None => groups.push(vec![tag]),
        }
    }
    groups
}

/// What a tag points at: the platforms of an image, or the name of another artifact.
fn kind(tag: &Tag) -> String {
    let artifact = tag.artifact_type.as_deref().and_then(Artifact::of);
    artifact.and_then(Artifact::name).map_or_else(|| platforms(&tag.platforms), str::to_owned)
}

/// Platforms in short form: the system is only named if it is not Linux; attestations are left out.
fn platforms(platforms: &[String]) -> String {
    let real = || platforms.iter().filter(|platform| !platform.starts_with("unknown"));
    let short = |platform: &String| platform.strip_prefix("linux/").unwrap_or(platform).to_owned();
    let named: Vec<String> = real().take(PLATFORMS).map(short).chain(words::more(real().count(), PLATFORMS)).collect();
    named.join(text!(format.separator))
}

#[cfg(test)]
mod tests {
    use model::clock::Timestamp;
    use model::oci;

    use super::*;

    fn tag(name: &str, fill: char) -> Tag {
        Tag {
            name: oci::Tag::parse(name).unwrap(),
            digest: oci::Digest::parse(&format!("sha256:{}", fill.to_string().repeat(64))).unwrap(),
            media_type: String::new(),
            artifact_type: None,
            size: 0,
            platforms: Vec::new(),
            pushed_at: Timestamp::from_micros(0),
            pulled_at: None,
        }
    }

    #[test]
    fn tags_of_one_digest_stand_together_where_the_first_of_them_stood() {
        let tags = [tag("2", 'a'), tag("1", 'b'), tag("latest", 'a')];
        let names: Vec<Vec<&str>> =
            groups(&tags).iter().map(|group| group.iter().map(|tag| tag.name.as_str()).collect()).collect();
        assert_eq!(names, [vec!["2", "latest"], vec!["1"]]);
    }

    #[test]
    fn an_attestation_is_no_platform() {
        let all = ["linux/amd64", "windows/amd64", "unknown/unknown"].map(str::to_owned);
        assert_eq!(platforms(&all), "amd64, windows/amd64");
    }

    #[test]
    fn many_platforms_are_named_in_part_and_counted() {
        let all: Vec<String> = (0..1_000).map(|number| format!("linux/a{number}")).collect();
        assert!(platforms(&all).starts_with("a0, a1, ") && platforms(&all).ends_with(", a11, and 988 more"));
    }
}
