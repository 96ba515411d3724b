//! Forms: fields with label, help and error, and the state of a rejected form.

use std::borrow::Cow;
use std::collections::BTreeMap;

use leptos::prelude::*;
use model::fault::{Fault, FaultCode};

use crate::components::icon::{Glyph, icon};
use crate::islands::confirm::ConfirmName;
use crate::islands::editor::{Editor, EditorTexts, opening};
use crate::portal::Flash;
use crate::reason::sentence;
use crate::texts::text;

/// The state of a form: its input before it was rejected, or current values.
#[derive(Default)]
pub(crate) struct FormState {
    fault: Option<Fault>,
    notice: Option<String>,
    fields: BTreeMap<String, String>,
}

impl FormState {
    /// The state from a flash message for the form with this name; empty if it is for another.
    pub(crate) fn from_flash(flash: Option<&Flash>, form: &str) -> Self {
        flash.filter(|flash| flash.form == form).map_or_else(Self::default, |flash| Self {
            fault: flash.fault.clone(),
            notice: flash.notice.clone(),
            fields: flash.fields.clone(),
        })
    }

    /// The value of a field: what was typed, otherwise `now`.
    pub(crate) fn value(&self, field: &str, now: &str) -> String {
        self.fields.get(field).map_or_else(|| now.to_owned(), Clone::clone)
    }

    /// What was typed into a field before the form was rejected.
    pub(crate) fn typed(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }

    /// Whether the form is shown again without an error or message, for its preview.
    pub(crate) fn is_preview(&self) -> bool {
        self.fault.is_none() && self.notice.is_none() && !self.fields.is_empty()
    }

    /// A message to show once, such as a new token.
    pub(crate) fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    fn wrong(&self, field: &str) -> Option<String> {
        let fault = self.fault.as_ref()?;
        fault.fields.iter().find(|wrong| wrong.field == field).map(|wrong| sentence(&wrong.reason))
    }

    /// The error summary with links to the invalid fields. It receives the focus.
    pub(crate) fn summary(&self) -> Option<AnyView> {
        let fault = self.fault.as_ref()?;
        let title = match (fault.code, fault.fields.len()) {
            (FaultCode::Invalid | FaultCode::Conflict, count @ 1..) => text!(form.fix_fields, count = count),
            _ => sentence(&fault.reason),
        };
        let items = fault
            .fields
            .iter()
            .map(|wrong| view! { <li><a href=format!("#{}", wrong.field)>{sentence(&wrong.reason)}</a></li> })
            .collect_view();
        let list = (!fault.fields.is_empty()).then(|| view! { <ul>{items}</ul> });
        Some(
            view! {
                <div class="notice notice-danger" role="alert" tabindex="-1" autofocus=true>
                    {icon(Glyph::Alert)}
                    <b>{title}</b>
                    {list}
                </div>
            }
            .into_any(),
        )
    }
}

/// A text field.
#[derive(Default)]
pub(crate) struct Field {
    /// Its name in the form and its id on the page.
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    /// Help text below it; may be empty.
    pub(crate) help: Cow<'static, str>,
    /// The input's type; empty for text.
    pub(crate) kind: &'static str,
    /// The autocomplete value for password managers; empty for none.
    pub(crate) autocomplete: &'static str,
    pub(crate) required: bool,
    pub(crate) mono: bool,
    /// The maximum number of characters.
    pub(crate) longest: Option<usize>,
}

impl Field {
    /// The field with its value and error.
    pub(crate) fn show(self, filled: &FormState, now: &str) -> AnyView {
        let secret = self.kind == "password";
        let value = if secret { String::new() } else { filled.value(self.name, now) };
        let wrong = filled.wrong(self.name);
        let class = if self.mono { "input input-mono" } else { "input" };
        let kind = if self.kind.is_empty() { "text" } else { self.kind };
        let described = described(self.name, &self.help, wrong.as_deref());
        let code = self.mono || secret || kind == "email";
        view! {
            <div class="field">
                <label for=self.name>{self.label} {(!self.required).then(optional)}</label>
                <input
                    class=class
                    id=self.name
                    name=self.name
                    type=kind
                    value=value
                    required=self.required
                    maxlength=self.longest
                    autocomplete=(!self.autocomplete.is_empty()).then_some(self.autocomplete)
                    autocapitalize=code.then_some("none")
                    spellcheck=code.then_some("false")
                    aria-invalid=wrong.as_ref().map(|_| "true")
                    aria-describedby=described
                />
                {fault_line(self.name, wrong)}
                {help_line(self.name, self.help)}
            </div>
        }
        .into_any()
    }

    /// The field with several lines.
    pub(crate) fn show_tall(self, filled: &FormState, now: &str) -> AnyView {
        let wrong = filled.wrong(self.name);
        let described = described(self.name, &self.help, wrong.as_deref());
        view! {
            <div class="field">
                <label for=self.name>{self.label} {(!self.required).then(optional)}</label>
                <textarea
                    class=if self.mono { "input input-mono" } else { "input" }
                    id=self.name
                    name=self.name
                    required=self.required
                    maxlength=self.longest
                    aria-invalid=wrong.as_ref().map(|_| "true")
                    aria-describedby=described
                >
                    {opening(filled.value(self.name, now))}
                </textarea>
                {fault_line(self.name, wrong)}
                {help_line(self.name, self.help)}
            </div>
        }
        .into_any()
    }
}

/// An option with its explanation.
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) title: &'static str,
    pub(crate) help: &'static str,
    pub(crate) glyph: Glyph,
}

/// A group of radio buttons.
pub(crate) fn choices(
    name: &'static str,
    legend: &'static str,
    among: &[Choice],
    filled: &FormState,
    now: &str,
) -> AnyView {
    let chosen = filled.value(name, now);
    let options = among
        .iter()
        .enumerate()
        .map(|(index, choice)| {
            view! {
                <label class="option">
                    <input
                        type="radio"
                        id=(index == 0).then_some(name)
                        name=name
                        value=choice.value
                        checked=choice.value == chosen
                        required=true
                    />
                    <b>{icon(choice.glyph)} {choice.title}</b>
                    <span class="help">{choice.help}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset class="field">
            <legend>{legend}</legend>
            <div>{options}</div>
            {fault_line(name, filled.wrong(name))}
        </fieldset>
    }
    .into_any()
}

/// A select field; `among` contains values and labels.
pub(crate) fn select(name: &'static str, label: &'static str, among: &[(String, String)], chosen: &str) -> AnyView {
    let options = among
        .iter()
        .map(|(value, words)| {
            view! { <option value=value.clone() selected=value == chosen>{words.clone()}</option> }
        })
        .collect_view();
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <select class="input" id=name name=name>
                {options}
            </select>
        </div>
    }
    .into_any()
}

/// A field for a name to type, and the button that it enables.
pub(crate) fn confirm(expected: &str, act: &str) -> AnyView {
    let label = (text!(form.confirm_before).to_owned(), text!(form.confirm_after).to_owned());
    view! { <ConfirmName expected=expected.to_owned() label=label act=act.to_owned() field="confirm".to_owned()/> }
        .into_any()
}

/// The Markdown field `body` of a form, with a preview.
pub(crate) fn editor(label: &str, form: &str, text: String, shown: String, tall: bool) -> AnyView {
    let texts = EditorTexts {
        label: label.to_owned(),
        help: text!(form.markdown).to_owned(),
        preview: text!(form.preview).to_owned(),
        failed: text!(errors.unavailable).to_owned(),
    };
    view! { <Editor texts=texts form=form.to_owned() text=text shown=shown tall=tall/> }.into_any()
}

fn optional() -> AnyView {
    view! { <span class="optional">{text!(form.optional)}</span> }.into_any()
}

fn described(name: &str, help: &str, wrong: Option<&str>) -> Option<String> {
    match (wrong.is_some(), !help.is_empty()) {
        (true, true) => Some(format!("{name}-fault {name}-help")),
        (true, false) => Some(format!("{name}-fault")),
        (false, true) => Some(format!("{name}-help")),
        (false, false) => None,
    }
}

fn fault_line(name: &str, wrong: Option<String>) -> Option<AnyView> {
    let id = format!("{name}-fault");
    wrong.map(|wrong| view! { <p class="fault" id=id>{icon(Glyph::Alert)} {wrong}</p> }.into_any())
}

fn help_line(name: &str, help: Cow<'static, str>) -> Option<AnyView> {
    let id = format!("{name}-help");
    (!help.is_empty()).then(|| view! { <p class="help" id=id>{help}</p> }.into_any())
}
