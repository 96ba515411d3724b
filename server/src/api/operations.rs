//! Every call of REST v1 in one table: what the router serves, what OpenAPI describes, what the access matrix tries.
//! It refuses to know how a call is answered; a call that is not in the table cannot be made.

use super::schema::Shape;

/// What is called; each is answered in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Who the caller is.
    ReadUser,
    /// The caller's tokens.
    ListTokens,
    /// A new token.
    CreateToken,
    /// The end of a token.
    DeleteToken,
    /// A new account.
    CreateUser,
    /// An account.
    ReadAccount,
    /// Repositories that the caller may see.
    ListRepositories,
    /// A new repository.
    CreateRepository,
    /// A repository.
    ReadRepository,
    /// Other text or settings.
    ChangeRepository,
    /// The end of a repository.
    DeleteRepository,
    /// Another name.
    RenameRepository,
    /// Its tags.
    ListTags,
    /// One tag.
    ReadTag,
    /// The end of a tag.
    DeleteTag,
    /// One image by its digest.
    ReadImage,
    /// Whether the caller starred it.
    ReadStar,
    /// A star.
    PutStar,
    /// The end of a star.
    DeleteStar,
    /// Who starred it.
    ListStargazers,
    /// Its comments.
    ListComments,
    /// A new comment.
    CreateComment,
    /// One comment.
    ReadComment,
    /// Other text of a comment.
    ChangeComment,
    /// The end of a comment.
    DeleteComment,
    /// Who has a role on it.
    ListCollaborators,
    /// A role for somebody.
    PutCollaborator,
    /// The end of somebody's role.
    DeleteCollaborator,
    /// What a query finds.
    Search,
    /// This table for machines.
    Description,
    /// This table for people.
    Documentation,
}

/// What a successful answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// 200 with one object.
    One(&'static str),
    /// 201 with one object and its `Location`.
    Created(&'static str),
    /// 200 with a page of objects.
    Page(&'static str),
    /// 204.
    Nothing,
    /// 200 with what the call says in words.
    Document,
}

/// A parameter of the query.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// What it does.
    pub about: &'static str,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// What it is.
    pub call: Call,
    /// The HTTP method.
    pub method: &'static str,
    /// The path below [`super::PREFIX`]; `{path}` is a repository's, slashes included.
    pub path: &'static str,
    /// The heading it stands under.
    pub group: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Whether it needs credentials whatever it is about.
    pub signed_in: bool,
    /// Parameters of the query.
    pub query: &'static [Parameter],
    /// The object in the request's body.
    pub takes: Option<&'static str>,
    /// The successful answer.
    pub gives: Gives,
}

impl Operation {
    /// The names of the parameters in the path, in order.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }
}

const LIMIT: Parameter =
    Parameter { name: "limit", shape: Shape::Number, about: "Items a page: 1 to 100, 30 when not said." };
const CURSOR: Parameter =
    Parameter { name: "cursor", shape: Shape::Text, about: "The `next` of the page before; nothing for the first." };
const PAGED: &[Parameter] = &[LIMIT, CURSOR];

const fn row(
    call: Call,
    method: &'static str,
    path: &'static str,
    group: &'static str,
    about: &'static str,
    gives: Gives,
) -> Operation {
    Operation { call, method, path, group, about, signed_in: false, query: &[], takes: None, gives }
}

const fn own(mut operation: Operation) -> Operation {
    operation.signed_in = true;
    operation
}

const fn taking(mut operation: Operation, takes: &'static str) -> Operation {
    operation.takes = Some(takes);
    operation
}

const fn asked(mut operation: Operation, query: &'static [Parameter]) -> Operation {
    operation.query = query;
    operation
}

const ACCOUNTS: &str = "Accounts";
const REPOSITORIES: &str = "Repositories";
const IMAGES: &str = "Tags and images";
const STARS: &str = "Stars";
const COMMENTS: &str = "Comments";
const PEOPLE: &str = "Collaborators";
const SEARCH: &str = "Search";
const META: &str = "This interface";

/// The table, in the order in which people read it.
pub const OPERATIONS: &[Operation] = &[
    own(row(Call::ReadUser, "GET", "/user", ACCOUNTS, "Who the credentials belong to.", Gives::One("Me"))),
    own(row(
        Call::ListTokens,
        "GET",
        "/user/tokens",
        ACCOUNTS,
        "One's own personal access tokens, newest first.",
        Gives::Page("Token"),
    )),
    own(taking(
        row(
            Call::CreateToken,
            "POST",
            "/user/tokens",
            ACCOUNTS,
            "Makes a personal access token; its secret is in this answer only.",
            Gives::Created("CreatedToken"),
        ),
        "NewToken",
    )),
    own(row(
        Call::DeleteToken,
        "DELETE",
        "/user/tokens/{id}",
        ACCOUNTS,
        "Ends a personal access token.",
        Gives::Nothing,
    )),
    taking(
        row(
            Call::CreateUser,
            "POST",
            "/users",
            ACCOUNTS,
            "Signs up, where sign-up is open or an invitation is given.",
            Gives::Created("Account"),
        ),
        "SignUp",
    ),
    row(Call::ReadAccount, "GET", "/users/{name}", ACCOUNTS, "An account or organisation.", Gives::One("Account")),
    asked(
        row(
            Call::ListRepositories,
            "GET",
            "/repositories",
            REPOSITORIES,
            "Repositories that the caller may see.",
            Gives::Page("Repository"),
        ),
        &[
            Parameter { name: "namespace", shape: Shape::Text, about: "Only those of this account or organisation." },
            Parameter { name: "starred_by", shape: Shape::Text, about: "Only those that this account starred." },
            Parameter {
                name: "sort",
                shape: Shape::Word(&["name", "stars", "pulls", "updated"]),
                about: "The order; `updated` when not said.",
            },
            LIMIT,
            CURSOR,
        ],
    ),
    own(taking(
        row(
            Call::CreateRepository,
            "POST",
            "/repositories",
            REPOSITORIES,
            "Makes a repository; private when not said.",
            Gives::Created("Repository"),
        ),
        "NewRepository",
    )),
    row(Call::ReadRepository, "GET", "/repositories/{path}", REPOSITORIES, "One repository.", Gives::One("Repository")),
    taking(
        row(
            Call::ChangeRepository,
            "PATCH",
            "/repositories/{path}",
            REPOSITORIES,
            "Changes text and settings; what is not named stays.",
            Gives::One("Repository"),
        ),
        "RepositoryPatch",
    ),
    row(
        Call::DeleteRepository,
        "DELETE",
        "/repositories/{path}",
        REPOSITORIES,
        "Deletes the repository and all that is in it.",
        Gives::Nothing,
    ),
    taking(
        row(
            Call::RenameRepository,
            "POST",
            "/repositories/{path}/-/rename",
            REPOSITORIES,
            "Renames within the namespace; the old name keeps leading here.",
            Gives::One("Repository"),
        ),
        "Rename",
    ),
    asked(
        row(Call::ListTags, "GET", "/repositories/{path}/-/tags", IMAGES, "The repository's tags.", Gives::Page("Tag")),
        &[
            Parameter { name: "contains", shape: Shape::Text, about: "Only those whose name contains this." },
            Parameter {
                name: "sort",
                shape: Shape::Word(&["newest", "name", "version", "size"]),
                about: "The order; `newest` when not said.",
            },
            LIMIT,
            CURSOR,
        ],
    ),
    row(Call::ReadTag, "GET", "/repositories/{path}/-/tags/{tag}", IMAGES, "One tag.", Gives::One("Tag")),
    row(
        Call::DeleteTag,
        "DELETE",
        "/repositories/{path}/-/tags/{tag}",
        IMAGES,
        "Deletes a tag; the image stays until it is swept.",
        Gives::Nothing,
    ),
    row(
        Call::ReadImage,
        "GET",
        "/repositories/{path}/-/manifests/{digest}",
        IMAGES,
        "One image, or an index of several.",
        Gives::One("Image"),
    ),
    row(
        Call::ReadStar,
        "GET",
        "/repositories/{path}/-/star",
        STARS,
        "204 where the caller starred it, 404 where not.",
        Gives::Nothing,
    ),
    row(Call::PutStar, "PUT", "/repositories/{path}/-/star", STARS, "Stars it.", Gives::Nothing),
    row(Call::DeleteStar, "DELETE", "/repositories/{path}/-/star", STARS, "Takes the star back.", Gives::Nothing),
    asked(
        row(
            Call::ListStargazers,
            "GET",
            "/repositories/{path}/-/stargazers",
            STARS,
            "Who starred it, latest first.",
            Gives::Page("Account"),
        ),
        PAGED,
    ),
    asked(
        row(
            Call::ListComments,
            "GET",
            "/repositories/{path}/-/comments",
            COMMENTS,
            "Its comments: the newest thread first, each with its answers, oldest first. `limit` counts threads.",
            Gives::Page("Comment"),
        ),
        PAGED,
    ),
    taking(
        row(
            Call::CreateComment,
            "POST",
            "/repositories/{path}/-/comments",
            COMMENTS,
            "Writes a comment, or answers one.",
            Gives::Created("Comment"),
        ),
        "NewComment",
    ),
    row(
        Call::ReadComment,
        "GET",
        "/repositories/{path}/-/comments/{id}",
        COMMENTS,
        "One comment.",
        Gives::One("Comment"),
    ),
    taking(
        row(
            Call::ChangeComment,
            "PATCH",
            "/repositories/{path}/-/comments/{id}",
            COMMENTS,
            "Changes one's own comment.",
            Gives::One("Comment"),
        ),
        "CommentPatch",
    ),
    row(
        Call::DeleteComment,
        "DELETE",
        "/repositories/{path}/-/comments/{id}",
        COMMENTS,
        "Deletes one's own comment, or anyone's as maintainer.",
        Gives::Nothing,
    ),
    row(
        Call::ListCollaborators,
        "GET",
        "/repositories/{path}/-/collaborators",
        PEOPLE,
        "Who has a role of their own on it.",
        Gives::Page("Collaborator"),
    ),
    taking(
        row(
            Call::PutCollaborator,
            "PUT",
            "/repositories/{path}/-/collaborators/{name}",
            PEOPLE,
            "Gives somebody a role, or another one.",
            Gives::Nothing,
        ),
        "RolePatch",
    ),
    row(
        Call::DeleteCollaborator,
        "DELETE",
        "/repositories/{path}/-/collaborators/{name}",
        PEOPLE,
        "Takes somebody's role away; one may leave oneself.",
        Gives::Nothing,
    ),
    asked(
        row(
            Call::Search,
            "GET",
            "/search",
            SEARCH,
            "What a query finds among what the caller may see, with the `total` and facets of all of it.",
            Gives::Page("SearchHit"),
        ),
        &[
            Parameter { name: "q", shape: Shape::Text, about: "Words and qualifiers, as on the search page." },
            Parameter {
                name: "sort",
                shape: Shape::Word(&["best", "stars", "pulls", "updated"]),
                about: "The order; `best` when not said.",
            },
            LIMIT,
            CURSOR,
        ],
    ),
    row(Call::Description, "GET", "/openapi.json", META, "This interface as OpenAPI.", Gives::Document),
    row(Call::Documentation, "GET", "/docs", META, "This interface as a page to read.", Gives::Document),
];

/// What a path and a method lead to.
pub(super) enum Found<'a> {
    /// A call and the values in its path, in order.
    Call(&'static Operation, Vec<&'a str>),
    /// The path is served, with these other methods.
    OtherMethods(Vec<&'static str>),
    /// Nothing is served there.
    Nothing,
}

/// Looks up what `path`, below [`super::PREFIX`] and decoded, and `method` lead to.
pub(super) fn find<'a>(method: &str, path: &'a str) -> Found<'a> {
    let segments = segments(path);
    let method = if method == "HEAD" { "GET" } else { method };
    let mut others = Vec::new();
    for operation in OPERATIONS {
        let Some(values) = values(operation.path, &segments) else { continue };
        if operation.method == method {
            return Found::Call(operation, values);
        }
        others.push(operation.method);
    }
    if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
}

/// The one place that takes a path apart: a repository's path, which ends at `/-/` or at the end, is one segment.
fn segments(path: &str) -> Vec<&str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.strip_prefix("repositories/") {
        Some(rest) => {
            let (repository, below) =
                rest.split_once("/-/").map_or((rest, None), |(before, after)| (before, Some(after)));
            let below = below.into_iter().flat_map(|below| std::iter::once("-").chain(below.split('/')));
            ["repositories", repository].into_iter().chain(below).collect()
        }
        None => path.split('/').collect(),
    }
}

/// The values where `segments` fit the pattern.
fn values<'a>(pattern: &str, segments: &[&'a str]) -> Option<Vec<&'a str>> {
    let pattern: Vec<&str> = pattern.split('/').skip(1).collect();
    if pattern.len() != segments.len() {
        return None;
    }
    let mut values = Vec::new();
    for (expected, found) in pattern.into_iter().zip(segments) {
        if expected.starts_with('{') {
            values.push(*found);
        } else if expected != *found {
            return None;
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, path: &str) -> Option<(Call, Vec<String>)> {
        match find(method, path) {
            Found::Call(operation, values) => Some((operation.call, values.into_iter().map(str::to_owned).collect())),
            Found::OtherMethods(_) | Found::Nothing => None,
        }
    }

    #[test]
    fn a_repository_path_may_hold_slashes_and_words_of_the_interface() {
        let found = call("GET", "/repositories/team/tags/star/-/tags/v1").unwrap();
        assert_eq!(found, (Call::ReadTag, vec!["team/tags/star".to_owned(), "v1".to_owned()]));
        assert_eq!(call("GET", "/repositories/a/b").unwrap(), (Call::ReadRepository, vec!["a/b".to_owned()]));
        assert_eq!(call("HEAD", "/repositories").unwrap().0, Call::ListRepositories);
    }

    #[test]
    fn a_served_path_names_its_other_methods() {
        let Found::OtherMethods(methods) = find("POST", "/repositories/a/b/-/star") else { panic!("served") };
        assert_eq!(methods, ["GET", "PUT", "DELETE"]);
        assert!(matches!(find("GET", "/repositories/a/b/-/nothing"), Found::Nothing));
        assert!(matches!(find("GET", "/repositories/a/b/-/tags/x/y"), Found::Nothing));
    }

    #[test]
    fn each_call_stands_once_in_the_table() {
        let mut seen = std::collections::HashSet::new();
        let mut calls = std::collections::HashSet::new();
        for operation in OPERATIONS {
            assert!(seen.insert((operation.method, operation.path)), "{} {}", operation.method, operation.path);
            assert!(calls.insert(operation.call), "{:?}", operation.call);
        }
    }
}
