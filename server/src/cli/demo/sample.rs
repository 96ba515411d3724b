//! The sample content: a small port with its people, their images and comments.

use model::role::{Role, Visibility};

/// The password of all sample accounts.
pub(super) const PASSWORD: &str = "harbour at dawn";

/// A sample account.
pub(super) struct SampleAccount {
    pub(super) name: &'static str,
    pub(super) display_name: &'static str,
    pub(super) bio: &'static str,
}

/// A sample repository.
pub(super) struct Sample {
    pub(super) path: &'static str,
    /// The account that creates it and pushes to it.
    pub(super) owner: &'static str,
    pub(super) visibility: Visibility,
    pub(super) description: &'static str,
    pub(super) topics: &'static [&'static str],
    pub(super) readme: &'static str,
    /// Tags, oldest first.
    pub(super) tags: &'static [&'static str],
    pub(super) platforms: &'static [&'static str],
    /// The command and size in KiB of each layer.
    pub(super) layers: &'static [(&'static str, usize)],
    pub(super) entrypoint: &'static str,
    pub(super) port: Option<u16>,
    pub(super) pulls: u64,
    pub(super) stars: &'static [&'static str],
    pub(super) collaborators: &'static [(&'static str, Role)],
    /// Authors and texts; a text that starts with `>` replies to the previous thread.
    pub(super) comments: &'static [(&'static str, &'static str)],
}

pub(super) const PEOPLE: [SampleAccount; 4] = [
    SampleAccount { name: "ada", display_name: "Ada Marsh", bio: "Harbourmaster. Keeps the base images dry." },
    SampleAccount {
        name: "ines",
        display_name: "Inês Duarte",
        bio: "Maps, sextants, and everything that points north.",
    },
    SampleAccount { name: "kofi", display_name: "Kofi Mensah", bio: "Lights, metrics and the night shift." },
    SampleAccount { name: "mei", display_name: "林梅", bio: "海图与瓦片。Tiles for charts." },
];

const BASE: &[(&str, usize)] = &[("ADD harbour-rootfs.tar / # base system", 2100), ("RUN update-certificates", 180)];

pub(super) const REPOSITORIES: [Sample; 9] = [
    Sample {
        path: "library/harbour",
        owner: "ada",
        visibility: Visibility::Public,
        description: "A small base system to build on: a shell, certificates, time zones and nothing else.",
        topics: &["base", "minimal", "linux"],
        readme: "# harbour\n\nThe base that every image of this port is built on. It holds a shell, certificates and time \
                 zones, and no package manager.\n\n```dockerfile\nFROM harbour:2\nCOPY app /app\nENTRYPOINT [\"/app\"]\n```\n\n\
                 ## Tags\n\n| tag | meaning |\n| --- | --- |\n| `2`, `latest` | the current one |\n| `1` | mended until the \
                 end of the year |\n\nThe harbourmaster rebuilds it every Monday.\n",
        tags: &["1.0", "1.1", "1", "2.0", "2", "latest"],
        platforms: &["linux/amd64", "linux/arm64"],
        layers: BASE,
        entrypoint: "/bin/sh",
        port: None,
        pulls: 48_213,
        stars: &["ada", "ines", "kofi", "mei"],
        collaborators: &[],
        comments: &[
            (
                "kofi",
                "Is there a variant without the shell? For the lights we would rather ship **nothing** that can be typed at.",
            ),
            (
                "ada",
                ">Not yet. `2` is down to one binary besides the shell, so a `2-bare` tag is mostly a question of naming.",
            ),
        ],
    },
    Sample {
        path: "library/beacon",
        owner: "ada",
        visibility: Visibility::Public,
        description: "Answers every request with 200 and the time; for health checks and first steps.",
        topics: &["http", "health", "demo"],
        readme: "# beacon\n\nOne static binary that answers.\n\n```sh\ndocker run -p 8080:8080 beacon\ncurl \
                 localhost:8080\n```\n\n- `GET /` gives the time\n- `GET /slow?s=3` gives it later\n",
        tags: &["1.4.0", "1.4.1", "latest"],
        platforms: &["linux/amd64", "linux/arm64", "linux/arm/v7"],
        layers: &[("COPY beacon /beacon", 640)],
        entrypoint: "/beacon",
        port: Some(8080),
        pulls: 9_120,
        stars: &["kofi", "mei"],
        collaborators: &[],
        comments: &[],
    },
    Sample {
        path: "ada/tidewatch",
        owner: "ada",
        visibility: Visibility::Public,
        description: "Tide tables as an API: heights, slack water and warnings for any harbour.",
        topics: &["tides", "api", "ocean", "forecast"],
        readme: "# tidewatch\n\nHeights and slack water for 2,300 harbours, computed from harmonic constituents, with no call \
                 to anybody else's service.\n\n## Run it\n\n```sh\ndocker run -p 8080:8080 ada/tidewatch\ncurl \
                 'localhost:8080/tides?harbour=brest&days=3'\n```\n\n## Settings\n\n| variable | default | what it sets |\n| --- | --- | --- \
                 |\n| `TIDEWATCH_DATUM` | `lat` | chart datum: `lat`, `msl` |\n| `TIDEWATCH_UNITS` | `m` | `m` or `ft` \
                 |\n\n> Not for navigation.\n\n- [x] harmonic constituents\n- [ ] storm surge\n",
        tags: &["0.8.0", "0.9.0", "0.9.1", "1.0.0-rc.1", "1.0.0", "latest"],
        platforms: &["linux/amd64", "linux/arm64"],
        layers: &[
            ("ADD harbour-rootfs.tar / # base system", 2100),
            ("COPY constituents /var/lib/tidewatch", 1400),
            ("COPY tidewatch /usr/bin/tidewatch", 900),
        ],
        entrypoint: "/usr/bin/tidewatch",
        port: Some(8080),
        pulls: 3_407,
        stars: &["ines", "kofi", "mei"],
        collaborators: &[("ines", Role::Writer)],
        comments: &[
            ("ines", "Checked `1.0.0` against the printed tables for Lisboa: never more than 4 cm apart. Lovely."),
            ("ada", ">That is within the tables' own rounding. Thank you for looking!"),
            (
                "mei",
                "Could `/tides` also give the moon's phase? The fishermen ask for nothing else.\n\n```json\n{ \"moon\": 0.48 }\n```",
            ),
        ],
    },
    Sample {
        path: "ada/logbook",
        owner: "ada",
        visibility: Visibility::Private,
        description: "The port's own books. Not for strangers.",
        topics: &["internal"],
        readme: "# logbook\n\nWho came, who left, what was owed. Runs on the office machine only.\n",
        tags: &["2026.10", "2026.11"],
        platforms: &["linux/amd64"],
        layers: &[("ADD harbour-rootfs.tar / # base system", 2100), ("COPY logbook /srv/logbook", 320)],
        entrypoint: "/srv/logbook/run",
        port: None,
        pulls: 12,
        stars: &["ada"],
        collaborators: &[("kofi", Role::Reader)],
        comments: &[("kofi", "The night shift's page is upside down on small screens.")],
    },
    Sample {
        path: "ines/sextant",
        owner: "ines",
        visibility: Visibility::Public,
        description: "Where am I? Positions from sights, with the working shown.",
        topics: &["navigation", "cli", "astronomy"],
        readme: "# sextant\n\nReduces sights to a fix and shows every step, so that a student can follow it.\n\n```console\n$ \
                 sextant fix sights.csv\n38°42.6′ N  9°08.1′ W   ± 0.9 nm\n```\n",
        tags: &["3.1", "3.2", "latest"],
        platforms: &["linux/amd64", "linux/arm64"],
        layers: &[
            ("ADD harbour-rootfs.tar / # base system", 2100),
            ("COPY almanac /usr/share/almanac", 1900),
            ("COPY sextant /usr/bin/sextant", 450),
        ],
        entrypoint: "/usr/bin/sextant",
        port: None,
        pulls: 861,
        stars: &["ada", "mei"],
        collaborators: &[],
        comments: &[("ada", "We print the worked example from the README for every apprentice.")],
    },
    Sample {
        path: "ines/ropes",
        owner: "ines",
        visibility: Visibility::Internal,
        description: "Knots and splices as a training game; for everybody who works here.",
        topics: &["training"],
        readme: "# ropes\n\nTwelve knots, one minute each.\n",
        tags: &["5"],
        platforms: &["linux/amd64"],
        layers: &[("ADD harbour-rootfs.tar / # base system", 2100), ("COPY ropes /srv/ropes", 780)],
        entrypoint: "/srv/ropes/serve",
        port: Some(3000),
        pulls: 54,
        stars: &["kofi"],
        collaborators: &[],
        comments: &[],
    },
    Sample {
        path: "kofi/lighthouse",
        owner: "kofi",
        visibility: Visibility::Public,
        description: "Exports what the lights along the coast report, for Prometheus.",
        topics: &["metrics", "prometheus", "exporter"],
        readme: "# lighthouse\n\nOne exporter for all lights that speak **NMEA 0183** or MQTT.\n\n```yaml\nscrape_configs:\n  - \
                 job_name: lights\n    static_configs:\n      - targets: [\"lighthouse:9100\"]\n```\n\nEvery light has \
                 `light_up`, `light_lumen` and `light_lamp_hours`.\n",
        tags: &["0.3.0", "0.3.1", "0.4.0", "latest"],
        platforms: &["linux/amd64", "linux/arm64"],
        layers: &[("COPY lighthouse /lighthouse", 830), ("COPY lights.toml /etc/lighthouse/lights.toml", 12)],
        entrypoint: "/lighthouse",
        port: Some(9100),
        pulls: 15_870,
        stars: &["ada", "ines", "mei"],
        collaborators: &[("ada", Role::Maintainer)],
        comments: &[
            ("mei", "`0.4.0` on arm64 is down to 9 MB of memory for 60 lights. 很好!"),
            ("kofi", ">It no longer keeps a connection per light. There is a flag to go back if yours hang up."),
        ],
    },
    Sample {
        path: "kofi/charts/render",
        owner: "kofi",
        visibility: Visibility::Public,
        description: "Draws charts from survey data, on the night shift's spare machines.",
        topics: &["maps", "batch"],
        readme: "# charts/render\n\nReads soundings, writes tiles. See `mei/haitu` for what serves them.\n",
        tags: &["nightly"],
        platforms: &["linux/amd64"],
        layers: &[("ADD harbour-rootfs.tar / # base system", 2100), ("COPY render /usr/bin/render", 2600)],
        entrypoint: "/usr/bin/render",
        port: None,
        pulls: 233,
        stars: &[],
        collaborators: &[("mei", Role::Writer)],
        comments: &[],
    },
    Sample {
        path: "mei/haitu",
        owner: "mei",
        visibility: Visibility::Public,
        description: "海图瓦片服务:快速、小巧。Serves chart tiles, fast and small.",
        topics: &["maps", "tiles", "charts"],
        readme: "# 海图\n\n把航海图切成瓦片,按需提供。支持离线使用,适合小船上的小电脑。\n\n```sh\ndocker run -p 8080:8080 -v \
                 charts:/charts mei/haitu\n```\n\nTiles follow the usual `z/x/y`; soundings are drawn in metres.\n",
        tags: &["2.0", "2.1", "latest"],
        platforms: &["linux/amd64", "linux/arm64"],
        layers: &[("COPY haitu /haitu", 1150), ("COPY symbols /usr/share/haitu/symbols", 700)],
        entrypoint: "/haitu",
        port: Some(8080),
        pulls: 5_642,
        stars: &["ada", "ines", "kofi"],
        collaborators: &[],
        comments: &[("ines", "The depth contours at z=15 are the best I have seen on any chart that costs nothing.")],
    },
];
