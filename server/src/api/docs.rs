//! The table of calls and objects as a page to read: plain HTML, no script, the site's own stylesheet.
//! It refuses to say anything that the table does not say.

use std::fmt::{self, Write as _};

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

use super::PREFIX;
use super::operations::{Gives, OPERATIONS, Operation};
use super::schema::{OBJECTS, Object, Shape};
use crate::state::State;

/// The page as an answer.
pub(super) fn response(state: &State) -> Response {
    let mut html = String::new();
    // Writing to a string cannot fail.
    let _ = page(&mut html, &state.site.stylesheet, &state.site.public_url);
    let mut response = Response::new(Body::from(html));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    );
    response
}

fn page(html: &mut String, stylesheet: &str, address: &str) -> fmt::Result {
    write!(
        html,
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>REST interface – Portolan</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"stylesheet\" href=\"{}\"></head>\
         <body><main class=\"wide\" id=\"main\"><div class=\"prose\"><p><a href=\"/\">Portolan</a></p><h1>REST interface</h1>\
         <p>JSON over HTTP below <code>{}{PREFIX}</code>. Sign each request with a \
         <a href=\"/settings/tokens\">personal access token</a>:</p>\
         <pre><code>curl -H \"Authorization: Bearer ptl_…\" {}{PREFIX}/user</code></pre>\
         <p>Name and password as Basic work, too. Times are RFC 3339 in UTC, sizes are bytes. A list is \
         <code>{{\"items\": […], \"next\": \"…\"}}</code>; give <code>next</code> as <code>?cursor=</code> for the page after. \
         A refusal is <code>application/problem+json</code> with a stable <code>code</code>. What is hidden from you and what \
         does not exist get the same answer. For machines: <a href=\"{PREFIX}/openapi.json\">OpenAPI</a>.</p>",
        Escaped(stylesheet),
        Escaped(address),
        Escaped(address),
    )?;
    let mut group = "";
    for operation in OPERATIONS {
        if operation.group != group {
            group = operation.group;
            write!(html, "<h2>{group}</h2>")?;
        }
        call(html, operation)?;
    }
    html.push_str("<h2>Objects</h2>");
    for described in OBJECTS {
        object(html, described)?;
    }
    html.push_str("</div></main></body></html>");
    Ok(())
}

fn call(html: &mut String, operation: &Operation) -> fmt::Result {
    write!(
        html,
        "<section><h3 id=\"{:?}\"><code>{} {}</code></h3><p>{}</p>",
        operation.call,
        operation.method,
        Escaped(operation.path),
        Sentence(operation.about)
    )?;
    if !operation.query.is_empty() {
        html.push_str("<ul>");
        for parameter in operation.query {
            write!(html, "<li><code>?{}=</code> ", parameter.name)?;
            shape(html, parameter.shape)?;
            write!(html, " – {}</li>", Sentence(parameter.about))?;
        }
        html.push_str("</ul>");
    }
    html.push_str("<p>");
    if let Some(taken) = operation.takes {
        write!(html, "Takes {}. ", Linked(taken))?;
    }
    match operation.gives {
        Gives::One(name) => write!(html, "Gives 200 with {}.", Linked(name))?,
        Gives::Created(name) => write!(html, "Gives 201 with {}, and its <code>Location</code>.", Linked(name))?,
        Gives::Page(name) => write!(html, "Gives 200 with a list of {}.", Linked(name))?,
        Gives::Nothing => html.push_str("Gives 204."),
        Gives::Document => html.push_str("Gives 200."),
    }
    if operation.signed_in {
        html.push_str(" Needs credentials.");
    }
    html.push_str("</p></section>");
    Ok(())
}

fn object(html: &mut String, object: &Object) -> fmt::Result {
    write!(
        html,
        "<section><h3 id=\"{0}\">{0}</h3><p>{1}</p><table><thead><tr><th scope=\"col\">Member</th>\
        <th scope=\"col\">Holds</th><th scope=\"col\">Says</th></tr></thead><tbody>",
        object.name,
        Sentence(object.about)
    )?;
    for member in object.members {
        write!(html, "<tr><th scope=\"row\"><code>{}</code></th><td>", member.name)?;
        shape(html, member.shape)?;
        let optional = if member.required { "" } else { " Optional." };
        write!(html, "</td><td>{}{optional}</td></tr>", Sentence(member.about))?;
    }
    html.push_str("</tbody></table></section>");
    Ok(())
}

fn shape(html: &mut String, shape_of: Shape) -> fmt::Result {
    match shape_of {
        Shape::Text => html.push_str("text"),
        Shape::Number => html.push_str("number"),
        Shape::Truth => html.push_str("true or false"),
        Shape::Moment => html.push_str("time"),
        Shape::Word(words) => {
            for (place, word) in words.iter().enumerate() {
                let comma = if place == 0 { "" } else { ", " };
                write!(html, "{comma}<code>{word}</code>")?;
            }
        }
        Shape::Object(name) => write!(html, "{}", Linked(name))?,
        Shape::List(inner) => {
            html.push_str("list of ");
            shape(html, *inner)?;
        }
        Shape::Maybe(inner) => {
            shape(html, *inner)?;
            html.push_str(" or null");
        }
    }
    Ok(())
}

/// Text with what HTML reads as markup escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for symbol in self.0.chars() {
            match symbol {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A sentence in which code stands between backticks.
struct Sentence(&'static str);

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.split('`').enumerate() {
            if place % 2 == 0 {
                write!(f, "{}", Escaped(part))?;
            } else {
                write!(f, "<code>{}</code>", Escaped(part))?;
            }
        }
        Ok(())
    }
}

/// An object's name that leads to its description.
struct Linked(&'static str);

impl fmt::Display for Linked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<a href=\"#{0}\">{0}</a>", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_call_and_runs_no_script() {
        let mut html = String::new();
        page(&mut html, "/static/x.css", "https://hub.example").unwrap();
        for operation in OPERATIONS {
            assert!(html.contains(&format!("{} {}", operation.method, operation.path)), "{}", operation.path);
        }
        assert!(!html.contains("<script"));
    }
}
