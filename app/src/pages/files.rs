//! The files of an artifact that is not a container image.

use leptos::prelude::*;
use model::image::Layer;

use crate::components::copy::copy;
use crate::components::list::empty;
use crate::texts::text;
use crate::words;

/// The media type of a blob that stands for no content (image-spec, "Guidance for an Empty Descriptor").
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The number of files with their own row.
const SHOWN: usize = 200;

/// The files with their names, types and sizes.
pub(super) fn files(layers: &[Layer]) -> AnyView {
    let files: Vec<&Layer> = layers.iter().filter(|layer| layer.media_type != EMPTY).collect();
    if files.is_empty() {
        return view! { <section>{empty(text!(image.no_files_title), text!(image.no_files_text), ())}</section> }
            .into_any();
    }
    let rows = files
        .iter()
        .take(SHOWN)
        .map(|file| {
            let name = if file.title.is_empty() {
                view! { <span class="faint">{text!(image.unnamed_file)}</span> }.into_any()
            } else {
                file.title.clone().into_any()
            };
            view! {
                <tr>
                    <td class="whole">{name}</td>
                    <td class="whole mono small">{file.media_type.clone()}</td>
                    <td>
                        <span class="digest">
                            {file.digest.short().to_owned()} {copy(file.digest.to_string(), text!(copy.digest))}
                        </span>
                    </td>
                    <td class="number">{words::bytes(file.size)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section>
            <h2 class="section-head">{text!(image.files)}</h2>
            <table class="table table-folds">
                <thead>
                    <tr>
                        <th scope="col">{text!(image.file_name)}</th>
                        <th scope="col">{text!(image.artifact_type)}</th>
                        <th scope="col">{text!(image.digest)}</th>
                        <th scope="col" class="number">{text!(image.size)}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {words::more(files.len(), SHOWN).map(|more| view! { <p class="faint small">{more}</p> })}
        </section>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
#[cfg(test)]
mod tests {
    use super::*;

    fn file(title: &str, media_type: &str) -> Layer {
        Layer {
            digest: model::oci::Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap(),
            media_type: media_type.to_owned(),
            size: 7,
            created_by: String::new(),
            title: title.to_owned(),
        }
    }

    fn html(layers: &[Layer]) -> String {
        Owner::new().with(|| files(layers).to_html())
    }

    #[test]
    fn files_are_listed_by_title_without_commands_or_the_empty_blob() {
        let page = html(&[file("notes<1>.txt", "text/plain"), file("", "application/x"), file("", EMPTY)]);
        assert!(page.contains("notes&lt;1&gt;.txt") && page.contains("text/plain") && page.contains("Unnamed"));
        assert!(!page.contains(EMPTY) && !page.contains("command"), "{page}");
        for none in [Vec::new(), vec![file("", EMPTY)]] {
            assert!(html(&none).contains("No files"));
        }
    }

    #[test]
    fn thousands_of_files_are_shown_in_part_and_counted() {
        let page = html(&vec![file(&"n".repeat(255), "text/plain"); 1_000]);
        assert_eq!(page.matches("<td class=\"number\"").count(), SHOWN);
        assert!(page.contains("and 800 more"));
    }
}
