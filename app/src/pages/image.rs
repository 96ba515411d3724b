//! An image: platforms, layers, config and referrers. An index shows its first real platform, or the selected one.

use leptos::prelude::*;
use model::clock::Timestamp;
use model::image::{Image, ImageConfig, PlatformImage};
use model::oci::{Reference, RepositoryName};

use super::files::files;
use super::layers::layers;
use super::visit::{Query, Visit};
use crate::actions::tags::DELETE;
use crate::components::artifact::{Artifact, kind};
use crate::components::command::pull;
use crate::components::copy::copy;
use crate::components::list::empty;
use crate::components::person::{ago, ago_in_text};
use crate::components::repository::{Tab, head};
use crate::form::{FormState, confirm};
use crate::portal::{PortalResult, site};
use crate::texts::{rich, text};
use crate::{place, words};
use model::fault::Fault;

/// The number of platforms, tags and referrers shown; an image may have thousands.
const SHOWN: usize = 50;
/// The number of names and values shown in a list, and of characters in each.
const PAIRS: usize = 200;
const NAME: usize = 200;
const VALUE: usize = 1_000;

/// The page.
pub(crate) async fn page(visit: &Visit, reference: &str, query: &Query) -> PortalResult<AnyView> {
    let path = &visit.head.repository.path;
    let parsed = Reference::parse(reference).map_err(|_| Fault::not_found())?;
    let image = visit.portal.image(path, &parsed).await?;
    let real: Vec<&PlatformImage> =
        image.platforms.iter().filter(|platform| !platform.platform.starts_with("unknown")).collect();
    let chosen = real.iter().find(|platform| platform.platform == query.platform).or(real.first());
    let single = match chosen {
        Some(platform) => Some(visit.portal.image(path, &Reference::Digest(platform.digest.clone())).await?),
        None => None,
    };
    let shown = single.as_ref().unwrap_or(&image);
    let now = visit.portal.now();
    let repository = format!("{}/{path}", site().registry_host);
    let artifact = Artifact::of_image(&image).or_else(|| Artifact::of_image(shown));
    let title = match &parsed {
        Reference::Tag(tag) => tag.to_string(),
        Reference::Digest(digest) => digest.short().to_owned(),
    };
    let others: Vec<_> = image.tags.iter().filter(|tag| tag.as_str() != reference).collect();
    let also = (!others.is_empty()).then(|| {
        let named: Vec<(String, String)> =
            others.iter().take(SHOWN).map(|tag| (place::tag(path, tag.as_str()), tag.to_string())).collect();
        let more = words::more(others.len(), SHOWN).map(|more| (place::within(path, "tags"), more));
        let tags = move || {
            let links = named.iter().cloned().map(|(href, tag)| view! { <a class="mono" href=href>{tag}</a> " " });
            let more = more.clone().map(|(href, more)| view! { <a href=href>{more}</a> });
            view! { {links.collect_view()} {more} }
        };
        view! { <span>{rich!(image.also_tagged, <tags/> = tags)}</span> }
    });
    let pushed_at = image.pushed_at;
    let pushed = rich!(image.pushed, <time/> = ago_in_text(pushed_at, now));
    let open = chosen.map_or("", |platform| platform.platform.as_str());
    let about = image.subject.as_ref().map(|subject| {
        let (href, short) = (place::manifest(path, subject.as_str()), subject.short().to_owned());
        let link = move || view! { <a class="mono" href=href.clone()>{short.clone()}</a> };
        view! { <span>{rich!(image.about, <link/> = link)}</span> }
    });
    let artifact_type = artifact.and(shown.artifact_type.as_deref().or(image.artifact_type.as_deref()));
    let delete = match &parsed {
        Reference::Tag(tag) if visit.head.abilities.delete => Some(delete(visit, path, tag.as_str()).await?),
        _ => None,
    };
    Ok(view! {
        <div class="wide">
            {head(&visit.head, Tab::Tags, &title, visit.me.is_some())}
            <div class="repo-body">
                <div class="image-head">
                    <div>
                        <h2 class="mono">{title.clone()}</h2>
                        <p class="line small faint">
                            <span class="digest">
                                {image.digest.short().to_owned()}
                                {copy(image.digest.to_string(), text!(copy.digest))}
                            </span>
                            <span>{pushed}</span>
                            {also}
                            {about}
                        </p>
                        {artifact_type.map(|artifact_type| view! { <p class="line">{kind(artifact_type)}</p> })}
                    </div>
                    {(!real.is_empty()).then(|| platform_links(&real, open))}
                </div>
                <div class="columns">
                    <div class="stack stack-loose">
                        {if artifact.is_some() { files(&shown.layers) } else { layer_section(shown) }}
                        {referrers(path, &image)}
                        {delete}
                    </div>
                    <aside>
                        <section class="side-block">
                            <h2>{text!(image.pull)}</h2>
                            {pull(&repository, &parsed, artifact, image.subject.as_ref())}
                        </section>
                        {shown
                            .config
                            .as_ref()
                            .filter(|_| artifact.is_none())
                            .map(|config| configuration(config, visit))}
                        {pairs(text!(image.annotations), &of_strings(&image.annotations))}
                    </aside>
                </div>
            </div>
        </div>
    }
    .into_any())
}

fn platform_links(platforms: &[&PlatformImage], open: &str) -> AnyView {
    let chosen = platforms.iter().skip(SHOWN).find(|platform| platform.platform == open);
    let links = platforms
        .iter()
        .take(SHOWN)
        .chain(chosen)
        .map(|platform| {
            let here = platform.platform == open;
            let class = if here { "chip chip-mono chip-sea" } else { "chip chip-mono" };
            view! {
                <a
                    class=class
                    href=place::query(&[("platform", &platform.platform)])
                    title=words::bytes(platform.size)
                    aria-current=here.then_some("true")
                >
                    {platform.platform.clone()}
                </a>
            }
        })
        .collect_view();
    let shown = SHOWN + usize::from(chosen.is_some());
    let more = words::more(platforms.len(), shown).map(|more| view! { <span class="faint small">{more}</span> });
    view! { <nav class="line" aria-label=text!(image.platforms)>{links} {more}</nav> }.into_any()
}

fn layer_section(image: &Image) -> AnyView {
    if image.layers.is_empty() {
        let kind = image.artifact_type.clone().unwrap_or_else(|| image.media_type.clone());
        return view! {
            <section>
                {empty(
                    text!(image.no_layers_title),
                    text!(image.no_layers_text),
                    view! { <p class="mono small">{kind}</p> },
                )}
            </section>
        }
        .into_any();
    }
    let count = u64::try_from(image.layers.len()).unwrap_or(u64::MAX);
    view! {
        <section>
            <div class="section-head">
                <h2>{text!(image.layers)}</h2>
                <span class="faint small">
                    {text!(image.layers_total, count = count, size = words::bytes(image.size))}
                </span>
            </div>
            {layers(&image.layers)}
        </section>
    }
    .into_any()
}

/// Reproducible builds write a fixed time, usually the start of 1970 or 1980, for which an age would be misleading. Images
/// did not exist before this time (2000-01-01), in seconds.
const RECORDED: i64 = 946_684_800;

/// The age of an image, or the date if it is a fixed one.
fn creation(created: Timestamp, now: Timestamp) -> AnyView {
    if created.seconds() < RECORDED { words::exact(created).into_any() } else { ago(created, now) }
}

fn configuration(config: &ImageConfig, visit: &Visit) -> AnyView {
    let fact = |name: &'static str, words: String| {
        (!words.is_empty()).then(|| {
            view! {
                <dt>{name}</dt>
                <dd class="mono">{words::cut(&words, VALUE)}</dd>
            }
        })
    };
    let created = config.created.map(|created| {
        view! {
            <dt>{text!(image.created)}</dt>
            <dd>{creation(created, visit.portal.now())}</dd>
        }
    });
    let environment: Vec<(&str, &str)> =
        config.env.iter().map(|entry| entry.split_once('=').unwrap_or((entry, ""))).collect();
    let labels: Vec<(&str, &str)> = of_strings(&config.labels);
    view! {
        <section class="side-block">
            <h2>{text!(image.configuration)}</h2>
            <dl class="facts">
                {fact(text!(image.platform), config.platform.clone())}
                {fact(text!(image.entrypoint), config.entrypoint.join(" "))}
                {fact(text!(image.command), config.cmd.join(" "))}
                {fact(text!(image.user), config.user.clone())}
                {fact(text!(image.working_directory), config.working_dir.clone())}
                {fact(text!(image.ports), config.ports.join(", "))}
                {fact(text!(image.volumes), config.volumes.join(", "))}
                {created}
            </dl>
        </section>
        {pairs(text!(image.environment), &environment)}
        {pairs(text!(image.labels), &labels)}
    }
    .into_any()
}

fn of_strings(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn pairs(title: &'static str, pairs: &[(&str, &str)]) -> Option<AnyView> {
    if pairs.is_empty() {
        return None;
    }
    let facts = pairs
        .iter()
        .take(PAIRS)
        .map(|(name, value)| {
            view! {
                <dt>{words::cut(name, NAME)}</dt>
                <dd>{words::cut(value, VALUE)}</dd>
            }
        })
        .collect_view();
    Some(
        view! {
            <section class="side-block">
                <h2>{title}</h2>
                <dl class="facts facts-tall mono small">{facts}</dl>
                {words::more(pairs.len(), PAIRS).map(|more| view! { <p class="faint small">{more}</p> })}
            </section>
        }
        .into_any(),
    )
}

fn referrers(path: &RepositoryName, image: &Image) -> Option<AnyView> {
    if image.referrers.is_empty() {
        return None;
    }
    let rows = image
        .referrers
        .iter()
        .take(SHOWN)
        .map(|referrer| {
            view! {
                <tr>
                    <td class="whole">{kind(&referrer.artifact_type)}</td>
                    <td>
                        <a class="digest" href=place::manifest(path, referrer.digest.as_str())>
                            {referrer.digest.short().to_owned()}
                        </a>
                    </td>
                    <td class="number">{words::bytes(referrer.size)}</td>
                </tr>
            }
        })
        .collect_view();
    Some(
        view! {
            <section>
                <h2 class="section-head">{text!(image.artifacts)}</h2>
                <table class="table table-folds">
                    <thead>
                        <tr>
                            <th scope="col">{text!(image.artifact_type)}</th>
                            <th scope="col">{text!(image.digest)}</th>
                            <th scope="col" class="number">{text!(image.size)}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
                {words::more(image.referrers.len(), SHOWN).map(|more| view! { <p class="faint small">{more}</p> })}
            </section>
        }
        .into_any(),
    )
}

async fn delete(visit: &Visit, path: &RepositoryName, tag: &str) -> PortalResult<AnyView> {
    let filled = FormState::from_flash(visit.flash.as_ref(), DELETE);
    let freed = visit.portal.freed_by_tag(path, tag).await?;
    let freed = freed.map_or_else(|| text!(freed.kept).to_owned(), |freed| words::freed(&freed));
    Ok(view! {
        <section id="delete" class="stack">
            {filled.summary()}
            <form class="danger-list" method="post" action="/_actions/tags/delete">
                <section>
                    <h2>{text!(image.delete_title)}</h2>
                    <p>{text!(image.delete_text)}</p>
                    <p>{freed}</p>
                    <input type="hidden" name="path" value=path.to_string()/>
                    <input type="hidden" name="tag" value=tag.to_owned()/>
                    {confirm(tag, text!(image.delete_button))}
                </section>
            </form>
        </section>
    }
    .into_any())
}

#[cfg(feature = "ssr")]
#[cfg(test)]
mod tests {
    use super::*;
    use model::image::Referrer;
    use model::oci::Digest;

    const MANY: usize = 10_000;

    fn digest() -> Digest {
        Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap()
    }

    fn html(view: impl FnOnce() -> AnyView) -> String {
        Owner::new().with(|| view().to_html())
    }

    #[test]
    fn an_image_with_a_fixed_creation_time_shows_the_date() {
        let now = Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap();
        for (time, year) in [
            ("1970-01-01T00:00:00Z", "1970"),
            ("0001-01-01T00:00:00Z", "0001"),
            ("1980-01-01T00:00:00Z", "1980"),
            ("1999-12-31T23:59:59Z", "1999"),
        ] {
            let page = html(|| creation(Timestamp::parse_rfc3339(time).unwrap(), now));
            assert!(page.contains(year) && !page.contains("ago"), "{page}");
        }
        let page = html(|| creation(Timestamp::parse_rfc3339("2026-11-20T10:00:00Z").unwrap(), now));
        assert!(page.contains("2 days ago"), "{page}");
    }

    #[test]
    fn thousands_of_labels_are_shown_in_part_and_counted() {
        let labels = vec![("l".repeat(1_000), "v".repeat(100_000)); MANY];
        let page = html(|| pairs("Labels", &of_strings(&labels)).into_any());
        assert!(page.contains("and 9800 more"), "the others are not counted");
        assert!(page.len() < 512 << 10, "{} bytes", page.len());
        let few = html(|| pairs("Labels", &[("a", "b")]).into_any());
        assert!(few.contains("<dd>b</dd>") && !few.contains(" more"), "{few}");
    }

    #[test]
    fn thousands_of_platforms_are_shown_in_part_with_the_open_one() {
        let platforms: Vec<PlatformImage> = (0..MANY)
            .map(|number| PlatformImage { platform: format!("linux/{number}"), digest: digest(), size: 1 })
            .collect();
        let page = html(|| platform_links(&platforms.iter().collect::<Vec<_>>(), "linux/9000"));
        assert_eq!(page.matches("<a").count(), SHOWN + 1);
        assert!(page.contains("linux/9000") && page.contains("and 9949 more"), "{page}");
    }

    #[test]
    fn thousands_of_referrers_are_shown_in_part() {
        let referrer = Referrer { digest: digest(), artifact_type: "x/y".to_owned(), size: 1 };
        let image = Image {
            digest: digest(),
            media_type: String::new(),
            artifact_type: None,
            subject: None,
            size: 1,
            tags: Vec::new(),
            pushed_at: Timestamp::from_micros(0),
            platforms: Vec::new(),
            config: None,
            layers: Vec::new(),
            referrers: vec![referrer; MANY],
            annotations: Vec::new(),
        };
        let path = RepositoryName::parse("a/b").unwrap();
        let page = html(|| referrers(&path, &image).into_any());
        assert_eq!(page.matches("<td class=\"whole\"").count(), SHOWN);
        assert!(page.contains("and 9950 more"), "{}", page.len());
    }
}
