//! What is asked on each route, as one table.

/// What an answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Who asks.
    Nothing,
    /// Who asks, and the repository that the request names.
    Repository,
    /// Who asks; the answer names repositories that the request did not.
    List,
}

/// What a request carries, with the same parameters in braces as its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Nothing,
    /// Nothing; a browser wants a page.
    Page,
    /// A browser's form.
    Form(&'static str),
    /// The same from a script of ours.
    Script(&'static str),
    Json(&'static str),
    /// A layer's bytes.
    Bytes,
    Manifest,
}

/// One request on one route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    /// The route as the router lists it.
    pub(crate) route: (&'static str, &'static str),
    pub(crate) method: &'static str,
    /// What is asked for, with parameters in braces.
    pub(crate) path: &'static str,
    pub(crate) sent: Sent,
    pub(crate) about: About,
}

impl Probe {
    /// Its heading in the table.
    pub(crate) fn title(&self) -> String {
        let sent = match self.sent {
            Sent::Form(form) => format!(" (form) {form}"),
            Sent::Script(form) => format!(" (script) {form}"),
            Sent::Json(json) => format!(" {json}"),
            Sent::Nothing | Sent::Page | Sent::Bytes | Sent::Manifest => String::new(),
        };
        let asked = format!("{} {}", self.method, self.path);
        let route = format!("{} {}", self.route.0, self.route.1);
        let asked = if asked == route { asked } else { format!("{route} as {asked}") };
        format!("{asked}{sent}").trim_end().to_owned()
    }

    /// Whether the request names the whole path of a repository.
    pub(crate) fn names_path(&self) -> bool {
        let body = match self.sent {
            Sent::Form(body) | Sent::Script(body) | Sent::Json(body) => body,
            _ => "",
        };
        self.path.contains("{path}") || body.contains("{path}")
    }

    /// Whether a request that is not refused leaves the hub other than it was.
    pub(crate) fn changes(&self) -> bool {
        !matches!(self.method, "GET" | "HEAD")
    }
}

/// Routes whose answers are the same for everybody by what they are. This list may only shrink.
pub(crate) const EXEMPT: [(&str, &str); 3] = [("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/static/{*file}")];

const fn probe(route: (&'static str, &'static str), path: &'static str, sent: Sent, about: About) -> Probe {
    Probe { route, method: route.0, path, sent, about }
}

const fn page(route: &'static str, path: &'static str, about: About) -> Probe {
    probe(("GET", route), path, Sent::Page, about)
}

/// A page below a repository.
const fn within(path: &'static str) -> Probe {
    page("/r/{*rest}", path, About::Repository)
}

/// A call that carries nothing.
const fn bare(method: &'static str, route: &'static str, path: &'static str, about: About) -> Probe {
    probe((method, route), path, Sent::Nothing, about)
}

const fn json(
    method: &'static str,
    route: &'static str,
    path: &'static str,
    body: &'static str,
    about: About,
) -> Probe {
    probe((method, route), path, Sent::Json(body), about)
}

/// A call of the engine about a repository.
const fn engine(method: &'static str, route: &'static str, path: &'static str, sent: Sent) -> Probe {
    probe((method, route), path, sent, About::Repository)
}

const PAGES: [Probe; 24] = [
    page("/", "/", About::List),
    page("/search", "/search", About::List),
    page("/search", "/search?q={name}", About::Repository),
    page("/search", "/search?q=whispered", About::List),
    within("/r/{path}"),
    within("/r/{path}/-/edit"),
    within("/r/{path}/-/tags"),
    within("/r/{path}/-/tags/{tag}"),
    within("/r/{path}/-/tags/none"),
    within("/r/{path}/-/manifests/{digest}"),
    within("/r/{path}/-/comments"),
    within("/r/{path}/-/comments?edit={comment}"),
    within("/r/{path}/-/settings/general"),
    within("/r/{path}/-/settings/collaborators"),
    within("/r/{path}/-/settings/danger"),
    within("/r/{path}/-/nothing"),
    page("/u/{name}", "/u/owner", About::List),
    page("/new", "/new", About::Nothing),
    page("/signin", "/signin?next=/r/{path}", About::Repository),
    page("/signup", "/signup", About::Nothing),
    page("/signout", "/signout", About::Nothing),
    page("/setup", "/setup?token=wrong", About::Nothing),
    page("/settings/profile", "/settings/profile", About::Nothing),
    page("/settings/tokens", "/settings/tokens", About::Nothing),
];

/// Each act's route, form and subject; asked as a browser's form and as a script.
const ACTS: [(&str, &str, About); 23] = [
    ("/_actions/collaborators/remove", "path={path}&account=reader", About::Repository),
    ("/_actions/collaborators/set", "path={path}&account=stranger&role=reader", About::Repository),
    ("/_actions/comments/delete", "path={path}&comment={comment}", About::Repository),
    ("/_actions/comments/edit", "path={path}&comment={comment}&body=changed", About::Repository),
    ("/_actions/comments/post", "path={path}&body=new", About::Repository),
    ("/_actions/comments/post", "path={path}&body=new&parent={comment}", About::Repository),
    ("/_actions/markdown/preview", "body=text&form=comments/post", About::Nothing),
    ("/_actions/profile/password", "old_password={password}&password=another-horse-battery", About::Nothing),
    ("/_actions/profile/update", "display_name=Somebody&bio=new", About::Nothing),
    ("/_actions/repositories/create", "namespace=owner&name={name}&visibility=private", About::Repository),
    ("/_actions/repositories/delete", "path={path}&confirm={path}", About::Repository),
    ("/_actions/repositories/overview", "path={path}&body=new", About::Repository),
    ("/_actions/repositories/rename", "path={path}&name=renamed", About::Repository),
    (
        "/_actions/repositories/update",
        "path={path}&description=new&visibility=public&comments=everyone",
        About::Repository,
    ),
    ("/_actions/search/suggest", "typed={name}", About::Repository),
    ("/_actions/session/setup", "token=wrong&name=first&email=first@mail.example&password={password}", About::Nothing),
    ("/_actions/session/signin", "name=stranger&password={password}&next=/new", About::Nothing),
    ("/_actions/session/signout", "", About::Nothing),
    ("/_actions/session/signup", "name=newcomer&email=newcomer@mail.example&password={password}", About::Nothing),
    ("/_actions/stars/set", "path={path}&on=true", About::Repository),
    ("/_actions/tags/delete", "path={path}&tag={tag}&confirm={tag}", About::Repository),
    ("/_actions/language/set", "language=en", About::Nothing),
    ("/_actions/theme/set", "theme=dark", About::Nothing),
];

/// The acts on tokens, which only their owner may do.
const TOKEN_ACTS: [(&str, &str, About); 2] = [
    ("/_actions/tokens/create", "label=new&days=30", About::Nothing),
    ("/_actions/tokens/revoke", "id={token}", About::Nothing),
];

const REST: [Probe; 37] = [
    bare("GET", "/api/v1/docs", "/api/v1/docs", About::Nothing),
    bare("GET", "/api/v1/docs/{file}", "/api/v1/docs/index.css", About::Nothing),
    bare("GET", "/api/v1/openapi.json", "/api/v1/openapi.json", About::Nothing),
    bare("GET", "/api/v1/user", "/api/v1/user", About::Nothing),
    bare("GET", "/api/v1/user/tokens", "/api/v1/user/tokens", About::Nothing),
    json("POST", "/api/v1/user/tokens", "/api/v1/user/tokens", r#"{"label":"new"}"#, About::Nothing),
    bare("DELETE", "/api/v1/user/tokens/{id}", "/api/v1/user/tokens/{token}", About::Nothing),
    json(
        "POST",
        "/api/v1/users",
        "/api/v1/users",
        r#"{"name":"newcomer","email":"newcomer@mail.example","password":"{password}"}"#,
        About::Nothing,
    ),
    bare("GET", "/api/v1/users/{name}", "/api/v1/users/owner", About::Nothing),
    bare("GET", "/api/v1/repositories", "/api/v1/repositories", About::List),
    bare("GET", "/api/v1/repositories", "/api/v1/repositories?namespace=owner&sort=name", About::List),
    json(
        "POST",
        "/api/v1/repositories",
        "/api/v1/repositories",
        r#"{"namespace":"owner","name":"{name}"}"#,
        About::Repository,
    ),
    bare("GET", "/api/v1/repositories/{path}", "/api/v1/repositories/{path}", About::Repository),
    json(
        "PATCH",
        "/api/v1/repositories/{path}",
        "/api/v1/repositories/{path}",
        r#"{"description":"new"}"#,
        About::Repository,
    ),
    json(
        "PATCH",
        "/api/v1/repositories/{path}",
        "/api/v1/repositories/{path}",
        r#"{"visibility":"nonsense"}"#,
        About::Repository,
    ),
    bare("DELETE", "/api/v1/repositories/{path}", "/api/v1/repositories/{path}", About::Repository),
    json(
        "POST",
        "/api/v1/repositories/{path}/-/rename",
        "/api/v1/repositories/{path}/-/rename",
        r#"{"name":"renamed"}"#,
        About::Repository,
    ),
    bare("GET", "/api/v1/repositories/{path}/-/tags", "/api/v1/repositories/{path}/-/tags", About::Repository),
    bare(
        "GET",
        "/api/v1/repositories/{path}/-/tags/{tag}",
        "/api/v1/repositories/{path}/-/tags/{tag}",
        About::Repository,
    ),
    bare(
        "DELETE",
        "/api/v1/repositories/{path}/-/tags/{tag}",
        "/api/v1/repositories/{path}/-/tags/{tag}",
        About::Repository,
    ),
    bare(
        "GET",
        "/api/v1/repositories/{path}/-/manifests/{digest}",
        "/api/v1/repositories/{path}/-/manifests/{digest}",
        About::Repository,
    ),
    bare("GET", "/api/v1/repositories/{path}/-/star", "/api/v1/repositories/{path}/-/star", About::Repository),
    bare("PUT", "/api/v1/repositories/{path}/-/star", "/api/v1/repositories/{path}/-/star", About::Repository),
    bare("DELETE", "/api/v1/repositories/{path}/-/star", "/api/v1/repositories/{path}/-/star", About::Repository),
    bare(
        "GET",
        "/api/v1/repositories/{path}/-/stargazers",
        "/api/v1/repositories/{path}/-/stargazers",
        About::Repository,
    ),
    bare("GET", "/api/v1/repositories/{path}/-/comments", "/api/v1/repositories/{path}/-/comments", About::Repository),
    json(
        "POST",
        "/api/v1/repositories/{path}/-/comments",
        "/api/v1/repositories/{path}/-/comments",
        r#"{"body":"new"}"#,
        About::Repository,
    ),
    json(
        "POST",
        "/api/v1/repositories/{path}/-/comments",
        "/api/v1/repositories/{path}/-/comments",
        "not json",
        About::Repository,
    ),
    bare(
        "GET",
        "/api/v1/repositories/{path}/-/comments/{id}",
        "/api/v1/repositories/{path}/-/comments/{comment}",
        About::Repository,
    ),
    json(
        "PATCH",
        "/api/v1/repositories/{path}/-/comments/{id}",
        "/api/v1/repositories/{path}/-/comments/{comment}",
        r#"{"body":"changed"}"#,
        About::Repository,
    ),
    bare(
        "DELETE",
        "/api/v1/repositories/{path}/-/comments/{id}",
        "/api/v1/repositories/{path}/-/comments/{comment}",
        About::Repository,
    ),
    bare(
        "GET",
        "/api/v1/repositories/{path}/-/collaborators",
        "/api/v1/repositories/{path}/-/collaborators",
        About::Repository,
    ),
    json(
        "PUT",
        "/api/v1/repositories/{path}/-/collaborators/{name}",
        "/api/v1/repositories/{path}/-/collaborators/stranger",
        r#"{"role":"reader"}"#,
        About::Repository,
    ),
    bare(
        "DELETE",
        "/api/v1/repositories/{path}/-/collaborators/{name}",
        "/api/v1/repositories/{path}/-/collaborators/reader",
        About::Repository,
    ),
    bare("GET", "/api/v1/search", "/api/v1/search", About::List),
    bare("GET", "/api/v1/search", "/api/v1/search?q=whispered", About::List),
    bare("GET", "/api/v1/search", "/api/v1/search?q={name}", About::Repository),
];

const ENGINE: [Probe; 23] = [
    bare("GET", "/v2/", "/v2/", About::Nothing),
    bare("GET", "/v2/_catalog", "/v2/_catalog", About::List),
    bare("GET", "/v2/_oci/ext/discover", "/v2/_oci/ext/discover", About::Nothing),
    engine("GET", "/v2/{name}/_oci/ext/discover", "/v2/{path}/_oci/ext/discover", Sent::Nothing),
    engine("GET", "/v2/{name}/tags/list", "/v2/{path}/tags/list", Sent::Nothing),
    engine("GET", "/v2/{name}/referrers/{digest}", "/v2/{path}/referrers/{digest}", Sent::Nothing),
    engine("HEAD", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/{tag}", Sent::Nothing),
    engine("GET", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/{tag}", Sent::Nothing),
    engine("GET", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/{digest}", Sent::Nothing),
    engine("PUT", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/new", Sent::Manifest),
    engine("DELETE", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/{tag}", Sent::Nothing),
    engine("DELETE", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/{digest}", Sent::Nothing),
    engine("GET", "/v2/{name}/blobs/{digest}", "/v2/{path}/blobs/{layer}", Sent::Nothing),
    Probe { method: "HEAD", ..engine("GET", "/v2/{name}/blobs/{digest}", "/v2/{path}/blobs/{layer}", Sent::Nothing) },
    engine("DELETE", "/v2/{name}/blobs/{digest}", "/v2/{path}/blobs/{layer}", Sent::Nothing),
    engine("POST", "/v2/{name}/blobs/uploads/", "/v2/{path}/blobs/uploads/", Sent::Nothing),
    engine("POST", "/v2/{name}/blobs/uploads/", "/v2/{path}/blobs/uploads/?digest={layer}", Sent::Bytes),
    engine(
        "POST",
        "/v2/{name}/blobs/uploads/?mount={digest}&from={source}",
        "/v2/{path}/blobs/uploads/?mount={layer}&from=owner/publicly",
        Sent::Nothing,
    ),
    engine(
        "POST",
        "/v2/{name}/blobs/uploads/?mount={digest}&from={source}",
        "/v2/{home}/vessel/blobs/uploads/?mount={layer}&from={path}",
        Sent::Nothing,
    ),
    engine("GET", "/v2/{name}/blobs/uploads/{upload}", "/v2/{path}/blobs/uploads/{upload}", Sent::Nothing),
    engine("PATCH", "/v2/{name}/blobs/uploads/{upload}", "/v2/{path}/blobs/uploads/{upload}", Sent::Bytes),
    engine("PUT", "/v2/{name}/blobs/uploads/{upload}", "/v2/{path}/blobs/uploads/{upload}?digest={layer}", Sent::Bytes),
    engine("DELETE", "/v2/{name}/blobs/uploads/{upload}", "/v2/{path}/blobs/uploads/{upload}", Sent::Nothing),
];

const OTHERS: [Probe; 9] = [
    page("/invites/{secret}", "/invites/wrong", About::Nothing),
    bare("GET", "/.well-known/jwks.json", "/.well-known/jwks.json", About::Nothing),
    bare("GET", "/metrics", "/metrics", About::Nothing),
    bare("GET", "/v1/_ping", "/v1/_ping", About::Nothing),
    bare("GET", "/v1/search", "/v1/search?q=whispered", About::List),
    bare("GET", "/v1/search", "/v1/search?q={name}", About::Repository),
    bare("GET", "/token", "/token?service=portolan", About::Nothing),
    bare("GET", "/token", "/token?service=portolan&scope=repository:{path}:pull,push,delete", About::Repository),
    probe(
        ("POST", "/token"),
        "/token",
        Sent::Form(
            "grant_type=password&service=portolan&username={account}&password={secret}&scope=repository:{path}:pull,push,delete",
        ),
        About::Repository,
    ),
];

/// Every probe, in the order of the table, by the part of the hub that answers.
pub(crate) fn all() -> Vec<Vec<Probe>> {
    let acts: Vec<Probe> = ACTS
        .into_iter()
        .chain(TOKEN_ACTS)
        .flat_map(|(route, form, about)| {
            [Sent::Script(form), Sent::Form(form)].map(|sent| probe(("POST", route), route, sent, about))
        })
        .collect();
    vec![PAGES.to_vec(), acts, REST.to_vec(), ENGINE.to_vec(), OTHERS.to_vec()]
}
