//! Portolan's drawings: the logo, the net of rhumb lines, and the compass rose of each account. Each depends only on
//! its input, so that a name always has the same rose.

use std::f64::consts::TAU;
use std::fmt::Write as _;

use leptos::prelude::*;

/// Sixteen points on a circle and the lines between them, as on a portolan chart.
const NET: &str = "M500 20 500 980M684 57 316 943M839 161 161 839M943 316 57 684M980 500 20 500M943 684 57 316M839 839 161 161M684 943 316 57M500 20 684 943M684 57 500 980M839 161 316 943M943 316 161 839M980 500 57 684M943 684 20 500M839 839 57 316M684 943 161 161M500 980 316 57M316 943 500 20M161 839 684 57M57 684 839 161M20 500 943 316M57 316 980 500M161 161 943 684M316 57 839 839M500 20 839 839M684 57 684 943M839 161 500 980M943 316 316 943M980 500 161 839M943 684 57 684M839 839 20 500M684 943 57 316M500 980 161 161M316 943 316 57M161 839 500 20M57 684 684 57M20 500 839 161M57 316 943 316M161 161 980 500M316 57 943 684M500 20 980 500M684 57 943 684M839 161 839 839M943 316 684 943M980 500 500 980M943 684 316 943M839 839 161 839M684 943 57 684M500 980 20 500M316 943 57 316M161 839 161 161M57 684 316 57M20 500 500 20M57 316 684 57M161 161 839 161M316 57 943 316";

/// The net behind the search field of the home page and empty states.
pub(crate) fn net() -> AnyView {
    view! {
        <svg class="net" viewBox="0 0 1000 1000" aria-hidden="true">
            <path vector-effect="non-scaling-stroke" d=NET></path>
            <circle cx="500" cy="500" r="480" vector-effect="non-scaling-stroke"></circle>
        </svg>
    }
    .into_any()
}

/// The logo: a rose of eight winds on a ring.
pub(crate) fn mark(class: &'static str) -> AnyView {
    let winds = |first: f64, inner: f64, outer: f64| {
        (0..4).fold((String::new(), String::new()), |(mut lit, mut shaded), wind| {
            let tip = first + f64::from(wind) / 4.0;
            half(&mut lit, inner, outer, tip, -0.125);
            half(&mut shaded, inner, outer, tip, 0.125);
            (lit, shaded)
        })
    };
    let (lesser_lit, lesser_shaded) = winds(0.125, 3.4, 9.2);
    let (lit, shaded) = winds(0.0, 3.6, 14.5);
    view! {
        <svg class=class viewBox="0 0 32 32" aria-hidden="true">
            <circle cx="16" cy="16" r="11.2" fill="none" stroke="currentColor" opacity=".5"></circle>
            <path fill="var(--sea)" opacity=".55" d=lesser_lit></path>
            <path fill="var(--sea)" d=lesser_shaded + &lit></path>
            <path fill="currentColor" d=shaded></path>
        </svg>
    }
    .into_any()
}

/// The rose of a name: points, ring, rotation and shading are derived from its hash.
pub(crate) fn rose(name: &str, class: &'static str) -> AnyView {
    let [points, turn, inner, outer, lesser, ring, shade, ..] = hash(name).to_be_bytes();
    let points = match points % 4 {
        0 => 4,
        1 => 5,
        2 => 6,
        _ => 8,
    };
    let step = 1.0 / f64::from(points);
    let turn = if turn % 3 == 0 { step / 2.0 } else { 0.0 };
    let inner = 4.0 + f64::from(inner % 5);
    let outer = 13.0 + f64::from(outer % 3) / 2.0;
    let reach = 9.0 + f64::from(lesser % 4);
    let (mut lit, mut shaded, mut between) = (String::new(), String::new(), String::new());
    for point in 0..points {
        let tip = turn + f64::from(point) * step;
        half(&mut lit, inner, outer, tip, -step / 2.0);
        half(&mut shaded, inner, outer, tip, step / 2.0);
        if lesser % 2 == 0 {
            half(&mut between, inner * 0.8, reach, tip + step / 2.0, -step / 4.0);
            half(&mut between, inner * 0.8, reach, tip + step / 2.0, step / 4.0);
        }
    }
    let (first, second) = if shade % 2 == 0 { ("var(--sea)", "var(--ink)") } else { ("var(--ink)", "var(--sea)") };
    let ring = (ring % 3 != 0).then(|| {
        view! {
            <circle cx="16" cy="16" r=reach.to_string() fill="none" stroke="currentColor" stroke-width=".8" opacity=".6">
            </circle>
        }
    });
    view! {
        <svg class=class viewBox="0 0 32 32" aria-hidden="true">
            {ring}
            <path fill=second opacity=".45" d=between></path>
            <path fill=first opacity=".5" d=lit></path>
            <path fill=second d=shaded></path>
        </svg>
    }
    .into_any()
}

/// Draws half a point of a rose, from the centre over a shoulder to the tip. Angles are fractions of a turn.
fn half(path: &mut String, inner: f64, outer: f64, tip: f64, shoulder: f64) {
    let at = |radius: f64, turn: f64| {
        let (sine, cosine) = (turn * TAU).sin_cos();
        (radius.mul_add(sine, 16.0), radius.mul_add(-cosine, 16.0))
    };
    let (shoulder_x, shoulder_y) = at(inner, tip + shoulder);
    let (tip_x, tip_y) = at(outer, tip);
    let _ = write!(path, "M16 16 {shoulder_x:.1} {shoulder_y:.1} {tip_x:.1} {tip_y:.1}z");
}

/// FNV-1a with a final mix, so that names with one different letter differ in every byte.
fn hash(name: &str) -> u64 {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_net_is_under_two_kilobytes() {
        assert!(NET.len() < 2_000, "{}", NET.len());
    }

    #[test]
    fn names_that_differ_in_a_letter_have_other_hashes() {
        assert_ne!(hash("mara").to_be_bytes()[0..3], hash("marb").to_be_bytes()[0..3]);
    }
}
