//! The objects of REST v1 as data: each member's shape and what it says, for the description and the page made from it.
//! It refuses to know how an object is made; a test holds each against what is really sent.

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// True or false.
    Truth,
    /// A time, RFC 3339 in UTC.
    Moment,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An object of this name.
    Object(&'static str),
    /// A list.
    List(&'static Shape),
    /// That, or null.
    Maybe(&'static Shape),
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// What it says; what is allowed.
    pub about: &'static str,
    /// Whether it is always there, or has to be given.
    pub required: bool,
}

/// An object.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its members.
    pub members: &'static [Member],
}

const fn has(name: &'static str, shape: Shape, about: &'static str) -> Member {
    Member { name, shape, about, required: true }
}

const fn may(name: &'static str, shape: Shape, about: &'static str) -> Member {
    Member { name, shape, about, required: false }
}

const fn object(name: &'static str, about: &'static str, members: &'static [Member]) -> Object {
    Object { name, about, members }
}

use Shape::{List, Maybe, Moment, Number, Object as Of, Text, Truth, Word};

const TEXTS: Shape = List(&Text);
const VISIBILITY: Shape = Word(&["public", "internal", "private"]);
const COMMENTING: Shape = Word(&["everyone", "members", "off"]);
const ROLE: Shape = Word(&["reader", "writer", "maintainer", "owner"]);
const KIND: Shape = Word(&["person", "organisation", "robot"]);

const NAME: Member = has("name", Text, "Its name.");
const DISPLAY_NAME: Member = has("display_name", Text, "What it calls itself; may be empty.");
const ACCOUNT_KIND: Member = has("kind", KIND, "What it is.");
const BIO: Member = has("bio", Text, "A few words about itself; plain text.");
const CREATED: Member = has("created_at", Moment, "When it was made.");
const TOKEN_ID: Member = has("id", Number, "Its identity.");
const TOKEN_LABEL: Member = has("label", Text, "What its owner calls it.");
const TOKEN_SCOPES: Member = has(
    "scopes",
    TEXTS,
    "What it may do, each `<path glob>:pull,push,delete,manage`; none means all that its owner may.",
);
const TOKEN_EXPIRES: Member = has("expires_at", Maybe(&Moment), "When it stops working; null for never.");
const TOKEN_USED: Member = has("last_used_at", Maybe(&Moment), "When it was last used, to the minute.");

/// The members that a repository has wherever it stands.
macro_rules! repository {
    ($($more:expr),*) => {
        &[
            has("namespace", Text, "The account or organisation it belongs to."),
            has("name", Text, "Its name within the namespace; may hold slashes."),
            has("path", Text, "`namespace/name`."),
            has("description", Text, "One line about it; plain text, may be empty."),
            has("visibility", VISIBILITY, "Who may see it without a role on it."),
            has("official", Truth, "Whether it is in the curated `library`."),
            has("comments", COMMENTING, "Who may comment."),
            has("topics", TEXTS, "Words to find it by."),
            has("stars", Number, "How many accounts starred it."),
            has("pulls", Number, "How often it was pulled."),
            has("tags", Number, "How many tags it has."),
            has("size", Number, "Bytes of its distinct blobs and manifests."),
            has("role", Maybe(&ROLE), "The caller's role on it."),
            has("starred", Truth, "Whether the caller starred it."),
            has("created_at", Moment, "When it was made."),
            has("updated_at", Moment, "When its text or settings last changed."),
            has("pushed_at", Maybe(&Moment), "When it was last pushed to."),
            $($more),*
        ]
    };
}

/// Every object.
pub const OBJECTS: &[Object] = &[
    object("Account", "An account as everyone may see it.", &[NAME, DISPLAY_NAME, ACCOUNT_KIND, BIO, CREATED]),
    object(
        "Me",
        "An account as its owner sees it.",
        &[
            NAME,
            DISPLAY_NAME,
            ACCOUNT_KIND,
            BIO,
            CREATED,
            has("email", Text, "The address for mail."),
            has("admin", Truth, "Whether it administers the site."),
        ],
    ),
    object(
        "SignUp",
        "What one gives to sign up.",
        &[
            has(
                "name",
                Text,
                "2 to 39 lower-case letters and digits, with single dashes, dots or underscores between.",
            ),
            has("email", Text, "The address for mail."),
            has("password", Text, "At least 8 characters."),
            may("invitation", Text, "The secret of an invitation, where sign-up is by invitation."),
        ],
    ),
    object(
        "Token",
        "A personal access token.",
        &[TOKEN_ID, TOKEN_LABEL, TOKEN_SCOPES, TOKEN_EXPIRES, TOKEN_USED, CREATED],
    ),
    object(
        "CreatedToken",
        "A new personal access token with its secret.",
        &[
            TOKEN_ID,
            TOKEN_LABEL,
            TOKEN_SCOPES,
            TOKEN_EXPIRES,
            TOKEN_USED,
            CREATED,
            has("token", Text, "The secret, `ptl_…`; it is never shown again."),
        ],
    ),
    object(
        "NewToken",
        "What a new token is to be.",
        &[
            has("label", Text, "What to call it; 1 to 100 characters."),
            may("scopes", TEXTS, "What it may do; none means all that its owner may."),
            may("expires_at", Moment, "When it stops working; never when not said."),
        ],
    ),
    object("Repository", "A repository as the caller sees it.", repository![]),
    object(
        "NewRepository",
        "What a new repository is to be.",
        &[
            has("namespace", Text, "The account or organisation it is to belong to."),
            has("name", Text, "Its name within the namespace."),
            may("description", Text, "One line about it; 200 characters at most."),
            may("visibility", VISIBILITY, "Who may see it; private when not said."),
        ],
    ),
    object(
        "RepositoryPatch",
        "What is to change.",
        &[
            may("description", Text, "One line about it; 200 characters at most."),
            may("overview", Text, "The README as Markdown; 64 KiB at most."),
            may("visibility", VISIBILITY, "Who may see it."),
            may("comments", COMMENTING, "Who may comment."),
            may("topics", TEXTS, "Words to find it by; 20 at most."),
        ],
    ),
    object("Rename", "The new name.", &[has("name", Text, "Its name within the namespace.")]),
    object(
        "Tag",
        "A tag.",
        &[
            has("name", Text, "The tag."),
            has("digest", Text, "What it points at now."),
            has("media_type", Text, "The manifest's media type."),
            has("size", Number, "Bytes of the manifest and all it refers to."),
            has("platforms", TEXTS, "As `linux/amd64`."),
            has("pushed_at", Moment, "When it was last made or moved."),
            has("pulled_at", Maybe(&Moment), "When it was last pulled."),
        ],
    ),
    object(
        "Image",
        "One image, or an index of several.",
        &[
            has("digest", Text, "Its digest."),
            has("media_type", Text, "The manifest's media type."),
            has("artifact_type", Maybe(&Text), "The artifact type, where it is not an ordinary image."),
            has("size", Number, "Bytes of the manifest and all it refers to."),
            has("tags", TEXTS, "The tags that point at it."),
            has("pushed_at", Moment, "When it was pushed."),
            has("platforms", List(&Of("PlatformImage")), "The images of an index; empty for a single image."),
            has("config", Maybe(&Of("ImageConfig")), "The configuration of a single image."),
            has("layers", List(&Of("Layer")), "The layers of a single image, lowest first."),
            has("referrers", List(&Of("Referrer")), "Signatures, SBOMs and whatever else names it as its subject."),
            has("annotations", List(&TEXTS), "The manifest's annotations, as pairs."),
        ],
    ),
    object(
        "PlatformImage",
        "One platform's image in an index.",
        &[
            has("platform", Text, "As `linux/arm64/v8`."),
            has("digest", Text, "The image's digest."),
            has("size", Number, "Bytes of the image and all it refers to."),
        ],
    ),
    object(
        "ImageConfig",
        "What an image's configuration says.",
        &[
            has("platform", Text, "As `linux/amd64`."),
            has("created", Maybe(&Moment), "When the image was built."),
            has("entrypoint", TEXTS, "The entry point's words."),
            has("cmd", TEXTS, "The command's words."),
            has("env", TEXTS, "`NAME=value` each."),
            has("ports", TEXTS, "As `80/tcp`."),
            has("volumes", TEXTS, "Mount points."),
            has("user", Text, "User, or user and group."),
            has("working_dir", Text, "The directory it starts in."),
            has("labels", List(&TEXTS), "Labels, as pairs."),
        ],
    ),
    object(
        "Layer",
        "One layer.",
        &[
            has("digest", Text, "The compressed blob's digest."),
            has("media_type", Text, "The blob's media type."),
            has("size", Number, "Bytes, compressed."),
            has("created_by", Text, "The command that made it; may be empty."),
        ],
    ),
    object(
        "Referrer",
        "A manifest that names another as its subject.",
        &[
            has("digest", Text, "Its digest."),
            has("artifact_type", Text, "What it is."),
            has("size", Number, "Bytes of the manifest."),
        ],
    ),
    object(
        "Comment",
        "A comment.",
        &[
            has("id", Number, "Its identity."),
            has("author", Text, "Who wrote it."),
            has("body", Text, "The Markdown; empty once deleted."),
            has("html", Text, "Rendered and sanitised."),
            has("tag", Maybe(&Text), "The tag it is about."),
            has("parent", Maybe(&Number), "The comment it answers."),
            CREATED,
            has("edited_at", Maybe(&Moment), "When it was last edited."),
            has("deleted", Truth, "Whether it was deleted and stands only because it has answers."),
            has("author_role", Maybe(&ROLE), "What its author is to the repository."),
            has("editable", Truth, "Whether the caller may edit it."),
            has("deletable", Truth, "Whether the caller may delete it."),
        ],
    ),
    object(
        "NewComment",
        "What is to be written.",
        &[
            has("body", Text, "Markdown; 16 KiB at most."),
            may("parent", Number, "The comment it answers."),
            may("tag", Text, "The tag it is about."),
        ],
    ),
    object("CommentPatch", "The new text.", &[has("body", Text, "Markdown; 16 KiB at most.")]),
    object(
        "Collaborator",
        "Somebody with a role of their own.",
        &[
            has("account", Of("Account"), "Who."),
            has("role", ROLE, "What they are to it."),
            has("since", Moment, "Since when."),
        ],
    ),
    object("RolePatch", "The role to give.", &[has("role", Word(&["reader", "writer", "maintainer"]), "The role.")]),
    object(
        "SearchHit",
        "A repository that was found.",
        repository![
            has("excerpt", List(&Of("Fragment")), "The passage that matched."),
            has("platforms", TEXTS, "Platforms of its newest images.")
        ],
    ),
    object(
        "Fragment",
        "A run of text that did or did not match.",
        &[has("text", Text, "Plain text."), has("marked", Truth, "Whether it matched.")],
    ),
    object(
        "Facet",
        "A field that results can be narrowed by.",
        &[
            has("qualifier", Text, "As it stands in a query, such as `arch`."),
            has("values", List(&Of("FacetValue")), "Its values, most results first."),
        ],
    ),
    object(
        "FacetValue",
        "How many results have one value.",
        &[
            has("value", Text, "As it stands after the qualifier's colon."),
            has("count", Number, "Results that have it."),
        ],
    ),
    object(
        "Problem",
        "A refusal (RFC 9457).",
        &[
            has("type", Text, "Always `about:blank`; `code` tells them apart."),
            has("title", Text, "The status in words."),
            has("status", Number, "The HTTP status."),
            has("code", Text, "What kind of refusal it is; stable."),
            has("detail", Text, "A sentence: what happened and what to do."),
            may("fields", List(&Of("FieldProblem")), "The members that are wrong, where it is about members."),
        ],
    ),
    object(
        "FieldProblem",
        "One member's error.",
        &[has("field", Text, "The member."), has("message", Text, "What is wrong and what is allowed.")],
    ),
];

/// The object of this name.
pub fn find(name: &str) -> Option<&'static Object> {
    OBJECTS.iter().find(|object| object.name == name)
}
