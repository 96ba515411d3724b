//! Making a repository by hand.

use leptos::prelude::*;
use leptos_meta::Title;
use model::repository::MAX_DESCRIPTION;

use super::settings::VISIBILITY;
use super::{load, member};
use crate::actions::repositories::CREATE;
use crate::form::{Field, Filled, choices, select};
use crate::portal::portal;

/// The page.
pub(crate) fn page() -> AnyView {
    load(async move {
        let portal = portal()?;
        let me = member(&portal).await?;
        let namespaces = portal.namespaces().await?;
        let flash = portal.take_flash().await?;
        let filled = Filled::from_flash(flash.as_ref(), CREATE);
        let among: Vec<(String, String)> =
            namespaces.iter().map(|namespace| (namespace.name.to_string(), namespace.name.to_string())).collect();
        let chosen = filled.value("namespace", me.account.name.as_str());
        Ok(view! {
            <Title text="New repository"/>
            <div class="wide">
                <div class="narrow stack stack-loose">
                    <div class="stack stack-tight">
                        <h1>"New repository"</h1>
                        <p class="soft">
                            "A push to a name that does not exist yet makes the repository, too; this form is for who \
                             wants to say more about it first."
                        </p>
                    </div>
                    {filled.summary()}
                    <form class="form" method="post" action="/_actions/repositories/create">
                        {select("namespace", "Namespace", &among, &chosen)}
                        {Field {
                            name: "name",
                            label: "Name",
                            help: "Lower-case letters and digits, with dots, dashes, underscores or slashes between.",
                            required: true,
                            mono: true,
                            autocomplete: "off",
                            longest: Some(160),
                            ..Field::default()
                        }
                            .show(&filled, "")}
                        {Field {
                            name: "description",
                            label: "Description",
                            help: "One line, shown in lists and found by search.",
                            longest: Some(MAX_DESCRIPTION),
                            ..Field::default()
                        }
                            .show(&filled, "")}
                        {choices("visibility", "Visibility", VISIBILITY, &filled, "private")}
                        <div class="form-end">
                            <button class="button button-primary">"Create repository"</button>
                        </div>
                    </form>
                </div>
            </div>
        }
        .into_any())
    })
}
