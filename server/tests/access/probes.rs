//! The requests that the tests of access send, in one table.

/// What a response depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeSubject {
    /// Only the actor.
    Nothing,
    /// The actor and the repository that the request names.
    Repository,
    /// Only the actor; the response names repositories that the request did not.
    List,
}

/// The body of a request, with the same parameters in braces as the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeBody {
    Nothing,
    /// No body; a browser requests a page.
    Page,
    /// A form from a browser.
    Form(&'static str),
    /// A form from one of our scripts.
    Script(&'static str),
    Json(&'static str),
    /// The bytes of a layer.
    Bytes,
    Manifest,
}

/// A request to a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    /// The method and path of the route, as listed by the router.
    pub(crate) route: (&'static str, &'static str),
    pub(crate) method: &'static str,
    /// The requested path, with parameters in braces.
    pub(crate) path: &'static str,
    pub(crate) sent: ProbeBody,
    pub(crate) about: ProbeSubject,
}

impl Probe {
    /// The heading of its block in the table.
    pub(crate) fn title(&self) -> String {
        let sent = match self.sent {
            ProbeBody::Form(form) => format!(" (form) {form}"),
            ProbeBody::Script(form) => format!(" (script) {form}"),
            ProbeBody::Json(json) => format!(" {json}"),
            ProbeBody::Nothing | ProbeBody::Page | ProbeBody::Bytes | ProbeBody::Manifest => String::new(),
        };
        let asked = format!("{} {}", self.method, self.path);
        let route = format!("{} {}", self.route.0, self.route.1);
        let asked = if asked == route { asked } else { format!("{route} as {asked}") };
        format!("{asked}{sent}").trim_end().to_owned()
    }

    /// Whether the request contains the full path of a repository.
    pub(crate) fn names_path(&self) -> bool {
        let body = match self.sent {
            ProbeBody::Form(body) | ProbeBody::Script(body) | ProbeBody::Json(body) => body,
            _ => "",
        };
        self.path.contains("{path}") || body.contains("{path}")
    }

    /// Whether the request changes the hub if it succeeds.
    pub(crate) fn changes(&self) -> bool {
        !matches!(self.method, "GET" | "HEAD")
    }
}

/// Routes that need no probe because their responses are the same for all actors. Do not add to this list.
pub(crate) const EXEMPT: [(&str, &str); 3] = [("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/static/{*file}")];

const fn probe(route: (&'static str, &'static str), path: &'static str, sent: ProbeBody, about: ProbeSubject) -> Probe {
    Probe { route, method: route.0, path, sent, about }
}

const fn page(route: &'static str, path: &'static str, about: ProbeSubject) -> Probe {
    probe(("GET", route), path, ProbeBody::Page, about)
}

/// A page of a repository.
const fn within(path: &'static str) -> Probe {
    page("/r/{*rest}", path, ProbeSubject::Repository)
}

/// A call without a body.
const fn bare(method: &'static str, route: &'static str, path: &'static str, about: ProbeSubject) -> Probe {
    probe((method, route), path, ProbeBody::Nothing, about)
}

const fn json(
    method: &'static str,
    route: &'static str,
    path: &'static str,
    body: &'static str,
    about: ProbeSubject,
) -> Probe {
    probe((method, route), path, ProbeBody::Json(body), about)
}

/// A request to the engine about a repository.
const fn engine(method: &'static str, route: &'static str, path: &'static str, sent: ProbeBody) -> Probe {
    probe((method, route), path, sent, ProbeSubject::Repository)
}

const PAGES: [Probe; 25] = [
    page("/", "/", ProbeSubject::List),
    page("/search", "/search", ProbeSubject::List),
    page("/search", "/search?q={name}", ProbeSubject::Repository),
    page("/search", "/search?q=whispered", ProbeSubject::List),
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
    page("/u/{name}", "/u/owner", ProbeSubject::List),
    page("/new", "/new", ProbeSubject::Nothing),
    page("/signin", "/signin?next=/r/{path}", ProbeSubject::Repository),
    page("/signup", "/signup", ProbeSubject::Nothing),
    page("/signout", "/signout", ProbeSubject::Nothing),
    page("/setup", "/setup?token=wrong", ProbeSubject::Nothing),
    page("/admin/invitations", "/admin/invitations", ProbeSubject::Nothing),
    page("/settings/profile", "/settings/profile", ProbeSubject::Nothing),
    page("/settings/tokens", "/settings/tokens", ProbeSubject::Nothing),
];

/// The route, form and subject of each action. Each is sent as a script's form and as a browser's.
const ACTS: [(&str, &str, ProbeSubject); 25] = [
    ("/_actions/collaborators/remove", "path={path}&account=reader", ProbeSubject::Repository),
    ("/_actions/collaborators/set", "path={path}&account=stranger&role=reader", ProbeSubject::Repository),
    ("/_actions/comments/delete", "path={path}&comment={comment}", ProbeSubject::Repository),
    ("/_actions/comments/edit", "path={path}&comment={comment}&body=changed", ProbeSubject::Repository),
    ("/_actions/comments/post", "path={path}&body=new", ProbeSubject::Repository),
    ("/_actions/comments/post", "path={path}&body=new&parent={comment}", ProbeSubject::Repository),
    ("/_actions/invitations/create", "email=guest@mail.example&days=7", ProbeSubject::Nothing),
    ("/_actions/invitations/revoke", "id={invitation}", ProbeSubject::Nothing),
    ("/_actions/markdown/preview", "body=text&form=comments/post", ProbeSubject::Nothing),
    ("/_actions/profile/password", "old_password={password}&password=another-horse-battery", ProbeSubject::Nothing),
    ("/_actions/profile/update", "display_name=Somebody&bio=new", ProbeSubject::Nothing),
    ("/_actions/repositories/create", "namespace=owner&name={name}&visibility=private", ProbeSubject::Repository),
    ("/_actions/repositories/delete", "path={path}&confirm={path}", ProbeSubject::Repository),
    ("/_actions/repositories/overview", "path={path}&body=new", ProbeSubject::Repository),
    ("/_actions/repositories/rename", "path={path}&name=renamed", ProbeSubject::Repository),
    (
        "/_actions/repositories/update",
        "path={path}&description=new&visibility=public&comments=everyone",
        ProbeSubject::Repository,
    ),
    ("/_actions/search/suggest", "typed={name}", ProbeSubject::Repository),
    (
        "/_actions/session/setup",
        "token=wrong&name=first&email=first@mail.example&password={password}",
        ProbeSubject::Nothing,
    ),
    ("/_actions/session/signin", "name=stranger&password={password}&next=/new", ProbeSubject::Nothing),
    ("/_actions/session/signout", "", ProbeSubject::Nothing),
    (
        "/_actions/session/signup",
        "name=newcomer&email=newcomer@mail.example&password={password}",
        ProbeSubject::Nothing,
    ),
    ("/_actions/stars/set", "path={path}&on=true", ProbeSubject::Repository),
    ("/_actions/tags/delete", "path={path}&tag={tag}&confirm={tag}", ProbeSubject::Repository),
    ("/_actions/language/set", "language=en", ProbeSubject::Nothing),
    ("/_actions/theme/set", "theme=dark", ProbeSubject::Nothing),
];

/// The actions on tokens, which only their owner may do.
const TOKEN_ACTS: [(&str, &str, ProbeSubject); 2] = [
    ("/_actions/tokens/create", "label=new&days=30", ProbeSubject::Nothing),
    ("/_actions/tokens/revoke", "id={token}", ProbeSubject::Nothing),
];

const REST: [Probe; 40] = [
    bare("GET", "/api/v1/docs", "/api/v1/docs", ProbeSubject::Nothing),
    bare("GET", "/api/v1/docs/{file}", "/api/v1/docs/index.css", ProbeSubject::Nothing),
    bare("GET", "/api/v1/openapi.json", "/api/v1/openapi.json", ProbeSubject::Nothing),
    bare("GET", "/api/v1/invitations", "/api/v1/invitations", ProbeSubject::Nothing),
    json(
        "POST",
        "/api/v1/invitations",
        "/api/v1/invitations",
        r#"{"email":"guest@mail.example"}"#,
        ProbeSubject::Nothing,
    ),
    bare("DELETE", "/api/v1/invitations/{id}", "/api/v1/invitations/{invitation}", ProbeSubject::Nothing),
    bare("GET", "/api/v1/user", "/api/v1/user", ProbeSubject::Nothing),
    bare("GET", "/api/v1/user/tokens", "/api/v1/user/tokens", ProbeSubject::Nothing),
    json("POST", "/api/v1/user/tokens", "/api/v1/user/tokens", r#"{"label":"new"}"#, ProbeSubject::Nothing),
    bare("DELETE", "/api/v1/user/tokens/{id}", "/api/v1/user/tokens/{token}", ProbeSubject::Nothing),
    json(
        "POST",
        "/api/v1/users",
        "/api/v1/users",
        r#"{"name":"newcomer","email":"newcomer@mail.example","password":"{password}"}"#,
        ProbeSubject::Nothing,
    ),
    bare("GET", "/api/v1/users/{name}", "/api/v1/users/owner", ProbeSubject::Nothing),
    bare("GET", "/api/v1/repositories", "/api/v1/repositories", ProbeSubject::List),
    bare("GET", "/api/v1/repositories", "/api/v1/repositories?namespace=owner&sort=name", ProbeSubject::List),
    json(
        "POST",
        "/api/v1/repositories",
        "/api/v1/repositories",
        r#"{"namespace":"owner","name":"{name}"}"#,
        ProbeSubject::Repository,
    ),
    bare("GET", "/api/v1/repositories/{path}", "/api/v1/repositories/{path}", ProbeSubject::Repository),
    json(
        "PATCH",
        "/api/v1/repositories/{path}",
        "/api/v1/repositories/{path}",
        r#"{"description":"new"}"#,
        ProbeSubject::Repository,
    ),
    json(
        "PATCH",
        "/api/v1/repositories/{path}",
        "/api/v1/repositories/{path}",
        r#"{"visibility":"nonsense"}"#,
        ProbeSubject::Repository,
    ),
    bare("DELETE", "/api/v1/repositories/{path}", "/api/v1/repositories/{path}", ProbeSubject::Repository),
    json(
        "POST",
        "/api/v1/repositories/{path}/-/rename",
        "/api/v1/repositories/{path}/-/rename",
        r#"{"name":"renamed"}"#,
        ProbeSubject::Repository,
    ),
    bare("GET", "/api/v1/repositories/{path}/-/tags", "/api/v1/repositories/{path}/-/tags", ProbeSubject::Repository),
    bare(
        "GET",
        "/api/v1/repositories/{path}/-/tags/{tag}",
        "/api/v1/repositories/{path}/-/tags/{tag}",
        ProbeSubject::Repository,
    ),
    bare(
        "DELETE",
        "/api/v1/repositories/{path}/-/tags/{tag}",
        "/api/v1/repositories/{path}/-/tags/{tag}",
        ProbeSubject::Repository,
    ),
    bare(
        "GET",
        "/api/v1/repositories/{path}/-/manifests/{digest}",
        "/api/v1/repositories/{path}/-/manifests/{digest}",
        ProbeSubject::Repository,
    ),
    bare("GET", "/api/v1/repositories/{path}/-/star", "/api/v1/repositories/{path}/-/star", ProbeSubject::Repository),
    bare("PUT", "/api/v1/repositories/{path}/-/star", "/api/v1/repositories/{path}/-/star", ProbeSubject::Repository),
    bare(
        "DELETE",
        "/api/v1/repositories/{path}/-/star",
        "/api/v1/repositories/{path}/-/star",
        ProbeSubject::Repository,
    ),
    bare(
        "GET",
        "/api/v1/repositories/{path}/-/stargazers",
        "/api/v1/repositories/{path}/-/stargazers",
        ProbeSubject::Repository,
    ),
    bare(
        "GET",
        "/api/v1/repositories/{path}/-/comments",
        "/api/v1/repositories/{path}/-/comments",
        ProbeSubject::Repository,
    ),
    json(
        "POST",
        "/api/v1/repositories/{path}/-/comments",
        "/api/v1/repositories/{path}/-/comments",
        r#"{"body":"new"}"#,
        ProbeSubject::Repository,
    ),
    json(
        "POST",
        "/api/v1/repositories/{path}/-/comments",
        "/api/v1/repositories/{path}/-/comments",
        "not json",
        ProbeSubject::Repository,
    ),
    bare(
        "GET",
        "/api/v1/repositories/{path}/-/comments/{id}",
        "/api/v1/repositories/{path}/-/comments/{comment}",
        ProbeSubject::Repository,
    ),
    json(
        "PATCH",
        "/api/v1/repositories/{path}/-/comments/{id}",
        "/api/v1/repositories/{path}/-/comments/{comment}",
        r#"{"body":"changed"}"#,
        ProbeSubject::Repository,
    ),
    bare(
        "DELETE",
        "/api/v1/repositories/{path}/-/comments/{id}",
        "/api/v1/repositories/{path}/-/comments/{comment}",
        ProbeSubject::Repository,
    ),
    bare(
        "GET",
        "/api/v1/repositories/{path}/-/collaborators",
        "/api/v1/repositories/{path}/-/collaborators",
        ProbeSubject::Repository,
    ),
    json(
        "PUT",
        "/api/v1/repositories/{path}/-/collaborators/{name}",
        "/api/v1/repositories/{path}/-/collaborators/stranger",
        r#"{"role":"reader"}"#,
        ProbeSubject::Repository,
    ),
    bare(
        "DELETE",
        "/api/v1/repositories/{path}/-/collaborators/{name}",
        "/api/v1/repositories/{path}/-/collaborators/reader",
        ProbeSubject::Repository,
    ),
    bare("GET", "/api/v1/search", "/api/v1/search", ProbeSubject::List),
    bare("GET", "/api/v1/search", "/api/v1/search?q=whispered", ProbeSubject::List),
    bare("GET", "/api/v1/search", "/api/v1/search?q={name}", ProbeSubject::Repository),
];

const ENGINE: [Probe; 23] = [
    bare("GET", "/v2/", "/v2/", ProbeSubject::Nothing),
    bare("GET", "/v2/_catalog", "/v2/_catalog", ProbeSubject::List),
    bare("GET", "/v2/_oci/ext/discover", "/v2/_oci/ext/discover", ProbeSubject::Nothing),
    engine("GET", "/v2/{name}/_oci/ext/discover", "/v2/{path}/_oci/ext/discover", ProbeBody::Nothing),
    engine("GET", "/v2/{name}/tags/list", "/v2/{path}/tags/list", ProbeBody::Nothing),
    engine("GET", "/v2/{name}/referrers/{digest}", "/v2/{path}/referrers/{digest}", ProbeBody::Nothing),
    engine("HEAD", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/{tag}", ProbeBody::Nothing),
    engine("GET", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/{tag}", ProbeBody::Nothing),
    engine("GET", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/{digest}", ProbeBody::Nothing),
    engine("PUT", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/new", ProbeBody::Manifest),
    engine("DELETE", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/{tag}", ProbeBody::Nothing),
    engine("DELETE", "/v2/{name}/manifests/{reference}", "/v2/{path}/manifests/{digest}", ProbeBody::Nothing),
    engine("GET", "/v2/{name}/blobs/{digest}", "/v2/{path}/blobs/{layer}", ProbeBody::Nothing),
    Probe {
        method: "HEAD",
        ..engine("GET", "/v2/{name}/blobs/{digest}", "/v2/{path}/blobs/{layer}", ProbeBody::Nothing)
    },
    engine("DELETE", "/v2/{name}/blobs/{digest}", "/v2/{path}/blobs/{layer}", ProbeBody::Nothing),
    engine("POST", "/v2/{name}/blobs/uploads/", "/v2/{path}/blobs/uploads/", ProbeBody::Nothing),
    engine("POST", "/v2/{name}/blobs/uploads/", "/v2/{path}/blobs/uploads/?digest={layer}", ProbeBody::Bytes),
    engine(
        "POST",
        "/v2/{name}/blobs/uploads/?mount={digest}&from={source}",
        "/v2/{path}/blobs/uploads/?mount={layer}&from=owner/publicly",
        ProbeBody::Nothing,
    ),
    engine(
        "POST",
        "/v2/{name}/blobs/uploads/?mount={digest}&from={source}",
        "/v2/{home}/vessel/blobs/uploads/?mount={layer}&from={path}",
        ProbeBody::Nothing,
    ),
    engine("GET", "/v2/{name}/blobs/uploads/{upload}", "/v2/{path}/blobs/uploads/{upload}", ProbeBody::Nothing),
    engine("PATCH", "/v2/{name}/blobs/uploads/{upload}", "/v2/{path}/blobs/uploads/{upload}", ProbeBody::Bytes),
    engine(
        "PUT",
        "/v2/{name}/blobs/uploads/{upload}",
        "/v2/{path}/blobs/uploads/{upload}?digest={layer}",
        ProbeBody::Bytes,
    ),
    engine("DELETE", "/v2/{name}/blobs/uploads/{upload}", "/v2/{path}/blobs/uploads/{upload}", ProbeBody::Nothing),
];

const OTHERS: [Probe; 10] = [
    page("/invites/{secret}", "/invites/wrong", ProbeSubject::Nothing),
    bare("GET", "/.well-known/jwks.json", "/.well-known/jwks.json", ProbeSubject::Nothing),
    bare("GET", "/metrics", "/metrics", ProbeSubject::Nothing),
    bare("GET", "/-/pictures/{hash}/{url}", "/-/pictures/wrong/aHR0cDovL3guZXhhbXBsZS8", ProbeSubject::Nothing),
    bare("GET", "/v1/_ping", "/v1/_ping", ProbeSubject::Nothing),
    bare("GET", "/v1/search", "/v1/search?q=whispered", ProbeSubject::List),
    bare("GET", "/v1/search", "/v1/search?q={name}", ProbeSubject::Repository),
    bare("GET", "/token", "/token?service=portolan", ProbeSubject::Nothing),
    bare("GET", "/token", "/token?service=portolan&scope=repository:{path}:pull,push,delete", ProbeSubject::Repository),
    probe(
        ("POST", "/token"),
        "/token",
        ProbeBody::Form(
            "grant_type=password&service=portolan&username={account}&password={secret}&scope=repository:{path}:pull,push,delete",
        ),
        ProbeSubject::Repository,
    ),
];

/// All probes in the order of the table, grouped by the part of the hub that answers.
pub(crate) fn all() -> Vec<Vec<Probe>> {
    let acts: Vec<Probe> = ACTS
        .into_iter()
        .chain(TOKEN_ACTS)
        .flat_map(|(route, form, about)| {
            [ProbeBody::Script(form), ProbeBody::Form(form)].map(|sent| probe(("POST", route), route, sent, about))
        })
        .collect();
    vec![PAGES.to_vec(), acts, REST.to_vec(), ENGINE.to_vec(), OTHERS.to_vec()]
}
