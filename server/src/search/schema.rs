//! The fields of the search index.

use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions};

use super::analyser;

/// The format of the index. An index with another format is deleted and rebuilt from SQL.
pub(super) const FORMAT: &str = "portolan search index 5\n";

/// The fields. Each document is a repository.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    /// The repository's id.
    pub(super) id: Field,
    /// The whole path as one term.
    pub(super) path: Field,
    /// The path without the namespace, its last part, and the words of the path with a space between them, as one term
    /// each.
    pub(super) name: Field,
    /// The words of the name, and of its last part, with a space between them, as one term each.
    pub(super) name_spaced: Field,
    /// The words of the name, and of its last part, written together, as one term each.
    pub(super) name_joined: Field,
    /// The beginnings of the two fields above, as one term each.
    pub(super) name_start: Field,
    /// The number of letters and digits in the last part of the name.
    pub(super) name_length: Field,
    /// The namespace as one term; a facet.
    pub(super) namespace: Field,
    /// The words of the path.
    pub(super) path_words: Field,
    /// The words of the topics.
    pub(super) topic_words: Field,
    /// The words of the tags.
    pub(super) tag_words: Field,
    /// The words of the description.
    pub(super) description: Field,
    /// The number of words in the description.
    pub(super) description_length: Field,
    /// The words of the labels' values.
    pub(super) label_words: Field,
    /// The words of the README.
    pub(super) readme: Field,
    /// Each topic, as one term.
    pub(super) topic: Field,
    /// Each tag, as one term.
    pub(super) tag: Field,
    /// Each label, as `name` and as `name=value`.
    pub(super) label: Field,
    /// Architectures.
    pub(super) arch: Field,
    /// Operating systems.
    pub(super) os: Field,
    /// `official`, and the visibility.
    pub(super) is: Field,
    /// The three fields above as one value, for counting facets.
    pub(super) traits: Field,
    /// Access terms, such as `public`, `internal`, `n<namespace>`.
    pub(super) readers: Field,
    /// The number of stars.
    pub(super) stars: Field,
    /// The number of pulls.
    pub(super) pulls: Field,
    /// When it was last pushed or changed, in seconds since 1970.
    pub(super) updated: Field,
    /// The rank among equal matches.
    pub(super) rank: Field,
    /// Platforms as displayed, and their words.
    pub(super) platform: Field,
    /// The beginning of the README as plain text, for excerpts; stored only.
    pub(super) passage: Field,
}

/// The schema and its fields.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let words = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(analyser::NAME)
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions),
    );
    let term = || {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer("raw")
                .set_fieldnorms(false)
                .set_index_option(IndexRecordOption::Basic),
        )
    };
    let fields = Fields {
        id: builder.add_u64_field("id", INDEXED | FAST),
        path: builder.add_text_field("path", term().set_stored()),
        name: builder.add_text_field("name", term()),
        name_spaced: builder.add_text_field("name_spaced", term()),
        name_joined: builder.add_text_field("name_joined", term()),
        name_start: builder.add_text_field("name_start", term()),
        name_length: builder.add_u64_field("name_length", FAST),
        namespace: builder.add_text_field("namespace", term().set_fast("raw")),
        path_words: builder.add_text_field("path_words", words.clone()),
        topic_words: builder.add_text_field("topic_words", words.clone()),
        tag_words: builder.add_text_field("tag_words", words.clone()),
        description: builder.add_text_field("description", words.clone()),
        description_length: builder.add_u64_field("description_length", FAST),
        label_words: builder.add_text_field("label_words", words.clone()),
        readme: builder.add_text_field("readme", words.clone()),
        topic: builder.add_text_field("topic", term()),
        tag: builder.add_text_field("tag", term()),
        label: builder.add_text_field("label", term()),
        arch: builder.add_text_field("arch", term()),
        os: builder.add_text_field("os", term()),
        is: builder.add_text_field("is", term()),
        traits: builder.add_text_field("traits", TextOptions::default().set_fast("raw")),
        readers: builder.add_text_field("readers", term()),
        stars: builder.add_u64_field("stars", FAST),
        pulls: builder.add_u64_field("pulls", FAST),
        updated: builder.add_u64_field("updated", FAST),
        rank: builder.add_f64_field("rank", FAST),
        platform: builder.add_text_field("platform", words.set_stored()),
        passage: builder.add_text_field("passage", STORED),
    };
    (builder.build(), fields)
}
