//! Tests of the order of results over a small invented list: how often what was asked for comes first. `cargo xtask
//! relevance` measures the same over a list of real names.

use std::collections::{BTreeMap, BTreeSet};

use model::role::Visibility;
use store::Pulls;
use store::access::Viewer;

use crate::world::World;

/// Repositories with their pulls and descriptions, the most popular first.
const FLEET: [(&str, u64, &str); 60] = [
    ("ann/anchor-chain", 9_000_000, "Forged links that hold a vessel at her berth"),
    ("bob/tide-table", 8_000_000, "High and low water for every harbour of the coast"),
    ("eve/lighthouse", 7_000_000, "Turns a lamp and sweeps its beam across the bay"),
    ("ann/lighthouse-keeper", 6_500_000, "Watches over lamps and writes the log of each night"),
    ("bob/sail-maker", 6_000_000, "Cuts and sews canvas into jibs and spinnakers"),
    ("eve/sail", 5_500_000, "A sheet of canvas that catches wind"),
    ("ann/rope-walk", 5_000_000, "Twists hemp fibres into long cordage"),
    ("bob/compass-rose", 4_500_000, "Thirty-two points drawn on a chart"),
    ("eve/knot.tying", 4_000_000, "Bowlines, hitches and bends explained step by step"),
    ("ann/harbour_master", 3_500_000, "Assigns berths to arriving ships"),
    ("bob/fog-horn", 3_000_000, "Sounds two blasts when visibility drops"),
    ("eve/barnacle-scraper", 2_800_000, "Cleans hulls below the waterline"),
    ("ann/depth-sounder", 2_600_000, "Measures fathoms under the keel by echo"),
    ("bob/crows-nest", 2_400_000, "A lookout platform near the masthead"),
    ("eve/cargo-manifest", 2_200_000, "Lists crates, barrels and sacks by consignee"),
    ("ann/bilge-pump", 2_000_000, "Removes seawater from the lowest compartment"),
    ("bob/star-chart", 1_800_000, "Constellations for celestial navigation"),
    ("eve/mooring-line", 1_600_000, "Ties bollards and cleats together at the quay"),
    ("ann/captains-log", 1_400_000, "Records position, weather and events of a voyage"),
    ("bob/figure-head", 1_200_000, "Carves wooden ornaments for the prow"),
    ("eve/storm-glass", 1_000_000, "Predicts gales from crystals in a sealed flask"),
    ("ann/galley-stove", 900_000, "Boils soup in a heavy swell"),
    ("bob/rigging", 800_000, "Shrouds, stays and halyards in one plan"),
    ("eve/oar-lock", 700_000, "Holds a rowing blade in its pivot"),
    ("ann/buoy-tender", 600_000, "Services channel markers after winter"),
    ("bob/wind-vane", 500_000, "Steers a course without a helmsman"),
    ("eve/pilot-boat", 450_000, "Brings a guide aboard at the estuary"),
    ("ann/ballast", 400_000, "Computes stone weights against heel"),
    ("bob/porthole", 350_000, "Round windows with brass frames"),
    ("eve/gang-plank", 300_000, "Bridges the gap between deck and wharf"),
    ("ann/spy-glass", 280_000, "Magnifies distant topsails"),
    ("bob/signal-flags", 260_000, "Spells messages with coloured bunting"),
    ("eve/hard-tack", 240_000, "Bakes biscuits that last for years"),
    ("ann/dry-dock", 220_000, "Drains a basin for repairs of the hull"),
    ("bob/sea-chest", 200_000, "Stores belongings of one mariner"),
    ("eve/tug-boat", 180_000, "Pushes freighters through narrow locks"),
    ("ann/sextant", 160_000, "Shoots the noon altitude of the sun"),
    ("bob/chandlery", 140_000, "Sells tar, twine and tallow"),
    ("eve/keel-hauler", 120_000, "Drags nets along the seabed"),
    ("ann/boat-swain", 100_000, "Pipes orders to hands on watch"),
    ("bob/ferry.timetable", 90_000, "Departures between both islands"),
    ("eve/whale-song", 80_000, "Plays recordings from the deep ocean"),
    ("ann/sand-bar", 70_000, "Warns of shoals that shift with spring floods"),
    ("bob/net-mender", 60_000, "Repairs torn mesh with a bone needle"),
    ("eve/oyster-bed", 50_000, "Farms shellfish in shallow brine"),
    ("ann/salt-pan", 40_000, "Evaporates ponds into white grains"),
    ("bob/drift-wood", 30_000, "Collects planks washed ashore"),
    ("eve/sea-wall", 20_000, "Protects meadows from surge and spray"),
    ("ann/gull-feeder", 10_000, "Throws herring scraps to birds"),
    ("bob/kelp-forest", 9_000, "Models swaying underwater plants"),
    ("eve/message-bottle", 8_000, "Delivers letters with the current eventually"),
    ("ann/pirate.flag", 7_000, "Shows skull and crossed bones"),
    ("bob/parrot", 6_000, "Repeats whatever somebody says aloud"),
    ("eve/treasure-map", 5_000, "Marks a buried hoard with a cross"),
    ("ann/ropewalk", 4_000, "A stroll along tightropes for acrobats"),
    ("bob/lighthouse", 3_000, "A smaller tower made of iron"),
    ("eve/ship-in-bottle", 2_000, "Assembles miniatures using tweezers"),
    ("ann/cabin-boy", 1_000, "Scrubs planks and fetches water"),
    ("bob/sea-shanty", 500, "Sings choruses while hauling"),
    ("eve/mermaid-sightings", 100, "Catalogues doubtful reports by sailors"),
];

const SEPARATORS: [char; 3] = ['-', '_', '.'];

/// Returns a world with these public repositories, and nobody, who searches in it.
async fn filled(repositories: &[(&str, u64, &str)]) -> (World, Viewer) {
    let world = World::new().await;
    let mut owners: BTreeMap<&str, Viewer> = BTreeMap::new();
    let mut pulls = Vec::new();
    for (path, count, description) in repositories {
        let (namespace, _) = path.split_once('/').unwrap();
        if !owners.contains_key(namespace) {
            owners.insert(namespace, world.member(namespace).await);
        }
        let repository = world.public(&owners[namespace], path, description, "").await;
        pulls.push(Pulls { repository, count: *count, tags: Vec::new() });
    }
    world.store.count_pulls(&world.system, pulls).await.unwrap();
    world.follow().await;
    let nobody = world.store.anonymous();
    (world, nobody)
}

fn name(path: &str) -> &str {
    path.split_once('/').unwrap().1
}

fn popular() -> impl Iterator<Item = &'static str> {
    FLEET.iter().take(20).map(|(path, _, _)| *path)
}

fn all() -> impl Iterator<Item = &'static str> {
    FLEET.iter().map(|(path, _, _)| *path)
}

/// Asks for each answer, and returns the shares of names that are the first result and that are among ten.
async fn shares(questions: impl IntoIterator<Item = (String, &'static str)>) -> (f64, f64) {
    let (world, nobody) = filled(&FLEET).await;
    let (mut asked, mut first, mut in_ten) = (0_u32, 0_u32, 0_u32);
    for (question, answer) in questions {
        let found = world.found(&nobody, &question).await;
        let place = found.iter().position(|path| name(path) == name(answer));
        if place != Some(0) {
            println!("{question} found {:?} before {answer}", found.first());
        }
        asked += 1;
        first += u32::from(place == Some(0));
        in_ten += u32::from(place.is_some_and(|place| place < 10));
    }
    (f64::from(first) / f64::from(asked), f64::from(in_ten) / f64::from(asked))
}

#[tokio::test]
async fn a_whole_name_comes_first_and_of_several_the_most_popular() {
    let (world, nobody) = filled(&FLEET).await;
    for path in all() {
        let expected = all().find(|other| name(other) == name(path)).unwrap();
        assert_eq!(world.found(&nobody, name(path)).await[0], expected);
    }
}

#[tokio::test]
async fn a_whole_path_comes_first() {
    let (world, nobody) = filled(&FLEET).await;
    for path in all() {
        assert_eq!(world.found(&nobody, path).await[0], path);
        assert_eq!(world.suggested(&nobody, path).await[0], path);
    }
}

#[tokio::test]
async fn a_name_with_blanks_comes_first() {
    let divided = all().filter(|path| name(path).contains(SEPARATORS));
    let (first, _) = shares(divided.map(|path| (name(path).replace(SEPARATORS, " "), path))).await;
    assert!(first >= 0.98, "{first}");
}

#[tokio::test]
async fn a_name_run_together_comes_first_unless_another_is_written_so() {
    let divided = all().filter(|path| name(path).contains(SEPARATORS));
    let (first, in_ten) = shares(divided.map(|path| (name(path).replace(SEPARATORS, ""), path))).await;
    assert!(first >= 0.95 && in_ten >= 1.0, "{first} {in_ten}");
}

#[tokio::test]
async fn a_name_with_one_letter_missing_swapped_or_too_many_comes_first() {
    let mut questions = Vec::new();
    for path in popular().filter(|path| name(path).len() >= 6) {
        let letters: Vec<char> = name(path).chars().collect();
        for place in 1..letters.len() - 1 {
            let (mut missing, mut swapped, mut added) = (letters.clone(), letters.clone(), letters.clone());
            missing.remove(place);
            swapped.swap(place, place + 1);
            added.insert(place, 'g');
            questions.extend([missing, swapped, added].map(|letters| (String::from_iter(letters), path)));
        }
    }
    let (first, _) = shares(questions).await;
    assert!(first >= 0.95, "{first}");
}

#[tokio::test]
async fn the_first_two_thirds_of_a_name_find_it() {
    let begun = popular().filter(|path| name(path).len() >= 7);
    let (first, in_ten) = shares(begun.map(|path| (name(path)[..name(path).len() * 2 / 3].to_owned(), path))).await;
    assert!(first >= 0.85 && in_ten >= 0.97, "{first} {in_ten}");
}

#[tokio::test]
async fn the_three_rarest_words_of_a_description_find_it() {
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|character: char| !character.is_ascii_alphabetic());
        words.filter(|word| word.len() >= 3).map(str::to_lowercase).collect()
    };
    let mut frequency: BTreeMap<String, u32> = BTreeMap::new();
    for word in FLEET.iter().flat_map(|(_, _, description)| words(description)) {
        *frequency.entry(word).or_default() += 1;
    }
    let questions = FLEET.iter().map(|(path, _, description)| {
        let mut rarest: Vec<String> = words(description).into_iter().collect();
        rarest.sort_by_key(|word| frequency[word]);
        (rarest[..3].join(" "), *path)
    });
    let (first, in_ten) = shares(questions).await;
    assert!(first >= 0.9 && in_ten >= 0.99, "{first} {in_ten}");
}

#[tokio::test]
async fn the_kind_of_match_decides_before_popularity() {
    let (world, nobody) = filled(&[
        ("eve/windlass", 9_000_000, "Pulls the anchor chain"),
        ("eve/old-anchor-chain", 8_000_000, ""),
        ("bob/anchor-chain-links", 7_000_000, ""),
        ("ann/anchor.chain", 6_000_000, ""),
        ("bob/anchorchain", 5_000_000, ""),
        ("bob/anchor-chain", 10, ""),
        ("ann/anchor-chain", 5, ""),
    ])
    .await;
    let found = world.found(&nobody, "anchor-chain").await;
    let expected = [
        "bob/anchor-chain",
        "ann/anchor-chain",
        "ann/anchor.chain",
        "bob/anchor-chain-links",
        "bob/anchorchain",
        "eve/old-anchor-chain",
        "eve/windlass",
    ];
    assert_eq!(found, expected);
    assert_eq!(world.suggested(&nobody, "anchor-chain").await, found[..6], "suggestions are in the same order");
    assert_eq!(world.found(&nobody, "ann/anchor-chain").await[0], "ann/anchor-chain");
    assert_eq!(world.found(&nobody, "anchorchain").await[0], "bob/anchorchain");
}

#[tokio::test]
async fn the_last_part_of_a_nested_name_is_a_name() {
    let (world, nobody) = filled(&[("ann/winch-motor", 1_000_000, "Turns a winch"), ("ann/tools/winch", 1, "")]).await;
    for query in ["winch", "tools/winch", "tools winch", "ann/tools/winch"] {
        assert_eq!(world.found(&nobody, query).await[0], "ann/tools/winch", "{query}");
    }
}

#[tokio::test]
async fn a_separator_at_the_end_asks_for_more_words() {
    let (world, nobody) = filled(&[("ann/sail", 9_000_000, ""), ("bob/sail-maker", 1, "")]).await;
    assert_eq!(world.found(&nobody, "sail-").await, ["bob/sail-maker", "ann/sail"]);
    assert_eq!(world.found(&nobody, "sail").await, ["ann/sail", "bob/sail-maker"]);
}

#[tokio::test]
async fn a_near_miss_is_only_found_if_nothing_visible_has_the_name() {
    let world = World::new().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    world.public(&ann, "ann/lantern", "", "").await;
    world.repository(&bob, "bob/lantren", Visibility::Private, "", "").await;
    world.follow().await;
    let nobody = world.store.anonymous();
    assert_eq!(world.found(&nobody, "lantren").await, ["ann/lantern"]);
    assert_eq!(world.found(&bob, "lantren").await, ["bob/lantren"]);
    assert_eq!(world.suggested(&nobody, "ann/lantren").await, ["ann/lantern"]);
}

#[tokio::test]
async fn a_very_long_name_is_found_by_all_of_it_and_by_its_beginning() {
    let long = "antidisestablishmentarianism".repeat(3);
    let path = format!("ann/{long}");
    let (world, nobody) = filled(&[(path.as_str(), 1, ""), ("ann/other", 9, "")]).await;
    for query in [long.as_str(), path.as_str(), &long[..20], &long[..70], &long.to_uppercase()] {
        assert_eq!(world.found(&nobody, query).await, [path.as_str()], "{query}");
        assert_eq!(world.suggested(&nobody, query).await, [path.as_str()], "{query}");
    }
}

#[tokio::test]
async fn the_forms_of_a_word_find_each_other() {
    let (world, nobody) = filled(&[
        ("ann/one", 1, "De\u{301}ja\u{300} vu"),
        ("ann/two", 1, "도커를 위한 저장소"),
        ("ann/three", 1, "They co\u{ad}operate"),
        ("ann/four", 1, "ＷＨＡＲＦ"),
    ])
    .await;
    for (query, expected) in [
        ("Déjà", "ann/one"),
        ("De\u{301}ja\u{300}", "ann/one"),
        ("deja", "ann/one"),
        ("도커", "ann/two"),
        ("저장소에서", "ann/two"),
        ("저장", "ann/two"),
        ("\u{1103}\u{1169}\u{110F}\u{1165}", "ann/two"),
        ("cooperate", "ann/three"),
        ("co\u{ad}operate", "ann/three"),
        ("wharf", "ann/four"),
    ] {
        assert_eq!(world.found(&nobody, query).await, [expected], "{query}");
    }
    assert!(world.found(&nobody, "커도").await.is_empty());
}
