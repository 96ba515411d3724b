//! Layers as bars: size relative to others, older layers paler. Bars are SVG, so that the page needs no inline styles.

use leptos::prelude::*;
use model::image::Layer;

use crate::components::copy::copy;
use crate::texts::text;
use crate::words;

/// The number of characters of a command shown before it folds: about two lines.
const FOLD: usize = 150;
/// The number of layers with their own row; the others are one piece of the strip. An image may have tens of thousands.
const SHOWN: usize = 200;
/// The maximum number of characters of a command.
const COMMAND: usize = 2_000;
/// The width of a strip or bar, in its own units.
const WIDTH: u64 = 1_000;

/// The layers: a strip for the whole image, then a row for each with its bar, command and digest.
pub(crate) fn layers(layers: &[Layer]) -> AnyView {
    let whole: u64 = layers.iter().map(|layer| layer.size).sum();
    let largest = layers.iter().map(|layer| layer.size).max().unwrap_or(0);
    let mut x = 0_u64;
    let strip = layers
        .iter()
        .take(SHOWN)
        .enumerate()
        .map(|(index, layer)| {
            let width = share(layer.size, whole);
            let at = x;
            x += width;
            view! {
                <rect
                    class=age(index, layers.len())
                    x=at.to_string()
                    width=width.to_string()
                    height="14"
                ></rect>
            }
        })
        .collect_view();
    let others = (layers.len() > SHOWN).then(|| {
        let width = WIDTH.saturating_sub(x);
        view! { <rect class=age(SHOWN, layers.len()) x=x.to_string() width=width.to_string() height="14"></rect> }
    });
    let rows = layers
        .iter()
        .take(SHOWN)
        .enumerate()
        .map(|(index, layer)| {
            let width = share(layer.size, largest).max(3);
            view! {
                <li class=age(index, layers.len())>
                    {command(&layer.created_by)}
                    <span class="layer-size">{words::bytes(layer.size)}</span>
                    <svg class="layer-bar" viewBox="0 0 1000 5" preserveAspectRatio="none" aria-hidden="true">
                        <rect width=width.to_string() height="5"></rect>
                    </svg>
                    <span class="layer-digest digest">
                        {layer.digest.short().to_owned()}
                        {copy(layer.digest.to_string(), text!(copy.layer_digest))}
                    </span>
                </li>
            }
        })
        .collect_view();
    view! {
        <svg class="layer-strip" viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true">
            {strip}
            {others}
        </svg>
        <ol class="layers">{rows}</ol>
        {(layers.len() > SHOWN).then(|| {
            let more = text!(layers.more_above, count = layers.len() - SHOWN);
            view! { <p class="faint small">{more}</p> }
        })}
    }
    .into_any()
}

fn share(size: u64, of: u64) -> u64 {
    let wide = u128::from(size) * u128::from(WIDTH) / u128::from(of.max(1));
    u64::try_from(wide).unwrap_or(WIDTH)
}

/// The class for the age of a layer, from `age-1` for the newest to `age-5` for the oldest.
fn age(index: usize, count: usize) -> &'static str {
    match (index * 5).checked_div(count).unwrap_or(0) {
        0 => "age-5",
        1 => "age-4",
        2 => "age-3",
        3 => "age-2",
        _ => "age-1",
    }
}

fn command(made_by: &str) -> AnyView {
    let text = words::cut(&plain(made_by), COMMAND);
    if text.is_empty() {
        return view! { <div class="layer-command layer-empty">{text!(layers.no_command)}</div> }.into_any();
    }
    if text.chars().count() > FOLD {
        return view! {
            <details class="layer-command fold">
                <summary>{text}</summary>
            </details>
        }
        .into_any();
    }
    view! { <div class="layer-command">{text}</div> }.into_any()
}

/// A command without what builders add around it.
fn plain(made_by: &str) -> String {
    let text = made_by.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim_end();
    match text.strip_prefix("/bin/sh -c ").map(str::trim_start) {
        Some(rest) => match rest.strip_prefix("#(nop)") {
            Some(instruction) => instruction.trim_start().to_owned(),
            None => format!("RUN {rest}"),
        },
        None => text.replacen("RUN /bin/sh -c ", "RUN ", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_was_written() {
        assert_eq!(plain("RUN /bin/sh -c apk add curl # buildkit"), "RUN apk add curl");
        assert_eq!(plain("/bin/sh -c #(nop)  CMD [\"sh\"]"), "CMD [\"sh\"]");
        assert_eq!(plain("/bin/sh -c make"), "RUN make");
        assert_eq!(plain("COPY . . # buildkit"), "COPY . .");
    }

    #[test]
    fn the_lowest_layer_is_the_oldest() {
        assert_eq!(age(0, 7), "age-5");
        assert_eq!(age(6, 7), "age-1");
        assert_eq!(age(0, 1), "age-5");
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn an_image_of_any_number_of_layers_makes_a_page_of_a_bounded_size() {
        let digest = model::oci::Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap();
        let layer = |created_by: String| Layer {
            digest: digest.clone(),
            media_type: String::new(),
            size: 7,
            created_by,
            title: String::new(),
        };
        let shown = |layers_of: Vec<Layer>| Owner::new().with(|| layers(&layers_of).to_html());
        let many = shown(vec![layer("RUN x".repeat(10_000)); 20_000]);
        assert_eq!(many.matches("<li").count(), SHOWN);
        assert!(many.contains("and 19800 more"), "the others are not counted");
        assert!(many.len() < 1 << 20, "{} bytes", many.len());
        let all = shown(vec![layer("RUN x".to_owned()); SHOWN]);
        assert!(!all.contains(" more"));
    }

    #[test]
    fn shares_of_nothing_are_nothing() {
        assert_eq!(share(0, 0), 0);
        assert_eq!(share(u64::MAX, u64::MAX), WIDTH);
    }
}
