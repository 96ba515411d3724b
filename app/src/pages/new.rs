//! Creating a repository.

use leptos::prelude::*;
use leptos_meta::Title;
use model::repository::MAX_DESCRIPTION;

use super::settings::visibilities;
use super::{load, member};
use crate::actions::repositories::CREATE;
use crate::form::{Field, FormState, choices, select};
use crate::portal::portal;
use crate::texts::text;

/// The page.
pub(crate) fn page() -> AnyView {
    load(async move {
        let portal = portal()?;
        let me = member(&portal).await?;
        let namespaces = portal.namespaces().await?;
        let flash = portal.take_flash().await?;
        let filled = FormState::from_flash(flash.as_ref(), CREATE);
        let among: Vec<(String, String)> =
            namespaces.iter().map(|namespace| (namespace.name.to_string(), namespace.name.to_string())).collect();
        let chosen = filled.value("namespace", me.account.name.as_str());
        Ok(view! {
            <Title text=text!(new_repository.title)/>
            <div class="wide">
                <div class="narrow stack stack-loose">
                    <div class="stack stack-tight">
                        <h1>{text!(new_repository.title)}</h1>
                        <p class="soft">
                            {text!(new_repository.intro)}
                        </p>
                    </div>
                    {filled.summary()}
                    <form class="form" method="post" action="/_actions/repositories/create">
                        {select("namespace", text!(new_repository.namespace), &among, &chosen)}
                        {Field {
                            name: "name",
                            label: text!(new_repository.name),
                            help: text!(new_repository.name_help).into(),
                            required: true,
                            mono: true,
                            autocomplete: "off",
                            longest: Some(160),
                            ..Field::default()
                        }
                            .show(&filled, "")}
                        {Field {
                            name: "description",
                            label: text!(settings.description),
                            help: text!(settings.description_help, max = MAX_DESCRIPTION).into(),
                            longest: Some(MAX_DESCRIPTION),
                            ..Field::default()
                        }
                            .show(&filled, "")}
                        {choices("visibility", text!(visibility.label), &visibilities(), &filled, "private")}
                        <div class="form-end">
                            <button class="button button-primary">{text!(new_repository.submit)}</button>
                        </div>
                    </form>
                </div>
            </div>
        }
        .into_any())
    })
}
