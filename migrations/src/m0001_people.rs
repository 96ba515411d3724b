//! Accounts, sessions, tokens, and the repositories that people see, star and comment on.
//! Moments are microseconds since 1970 in UTC; words such as roles stand as in JSON.

use crate::Step;

pub(crate) const STEP: Step = Step { name: "m0001_people", up: UP, down: DOWN };

const UP: &str = r"
CREATE TABLE account (
    id {id},
    name {key} NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    display_name TEXT NOT NULL DEFAULT '',
    bio TEXT NOT NULL DEFAULT '',
    email {key} UNIQUE,
    password_hash TEXT,
    admin BOOLEAN NOT NULL DEFAULT FALSE,
    default_visibility TEXT NOT NULL DEFAULT 'private',
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE membership (
    namespace_id BIGINT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    account_id BIGINT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (namespace_id, account_id)
);
CREATE INDEX membership_account ON membership(account_id);

CREATE TABLE session (
    id {key} PRIMARY KEY,
    account_id BIGINT REFERENCES account(id) ON DELETE CASCADE,
    data TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_account ON session(account_id);
CREATE INDEX session_expires ON session(expires_at);

CREATE TABLE token (
    id {id},
    account_id BIGINT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    secret_hash {key} NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    service TEXT,
    parent_id BIGINT REFERENCES token(id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX token_account ON token(account_id);
CREATE INDEX token_parent ON token(parent_id);

CREATE TABLE sign_in_failure (
    subject {key} PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);

CREATE TABLE invitation (
    id {id},
    secret_hash {key} NOT NULL UNIQUE,
    created_by BIGINT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_by BIGINT REFERENCES account(id) ON DELETE SET NULL
);

CREATE TABLE signing_key (
    kid {key} PRIMARY KEY,
    private_pem TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE setting (
    name {key} PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE repository (
    id {id},
    namespace_id BIGINT REFERENCES account(id) ON DELETE RESTRICT,
    path {key} NOT NULL UNIQUE,
    description TEXT NOT NULL DEFAULT '',
    overview TEXT NOT NULL DEFAULT '',
    visibility TEXT NOT NULL DEFAULT 'private',
    comments TEXT NOT NULL DEFAULT 'everyone',
    official BOOLEAN NOT NULL DEFAULT FALSE,
    topics TEXT NOT NULL DEFAULT '[]',
    star_count BIGINT NOT NULL DEFAULT 0,
    pull_count BIGINT NOT NULL DEFAULT 0,
    comment_count BIGINT NOT NULL DEFAULT 0,
    tag_count BIGINT NOT NULL DEFAULT 0,
    size BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    pushed_at BIGINT,
    changed_at BIGINT NOT NULL
);
CREATE INDEX repository_namespace ON repository(namespace_id, path);
CREATE INDEX repository_stars ON repository(star_count, id);
CREATE INDEX repository_pulls ON repository(pull_count, id);
CREATE INDEX repository_changed ON repository(changed_at, id);

CREATE TABLE repository_alias (
    path {key} PRIMARY KEY,
    repository_id BIGINT NOT NULL REFERENCES repository(id) ON DELETE CASCADE
);

CREATE TABLE collaborator (
    repository_id BIGINT NOT NULL REFERENCES repository(id) ON DELETE CASCADE,
    account_id BIGINT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (repository_id, account_id)
);
CREATE INDEX collaborator_account ON collaborator(account_id);

CREATE TABLE star (
    repository_id BIGINT NOT NULL REFERENCES repository(id) ON DELETE CASCADE,
    account_id BIGINT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    PRIMARY KEY (repository_id, account_id)
);
CREATE INDEX star_account ON star(account_id, at);

CREATE TABLE comment (
    id {id},
    repository_id BIGINT NOT NULL REFERENCES repository(id) ON DELETE CASCADE,
    author_id BIGINT NOT NULL REFERENCES account(id) ON DELETE RESTRICT,
    root_id BIGINT REFERENCES comment(id) ON DELETE CASCADE,
    tag TEXT,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    edited_at BIGINT,
    deleted_at BIGINT
);
CREATE INDEX comment_repository ON comment(repository_id, root_id, id);
CREATE INDEX comment_root ON comment(root_id);
CREATE INDEX comment_author ON comment(author_id);

CREATE TABLE outbox (
    id {id},
    repository_id BIGINT NOT NULL,
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX outbox_created ON outbox(created_at);

CREATE TABLE follower (
    name {key} PRIMARY KEY,
    position BIGINT NOT NULL
);
";

const DOWN: &str = r"
DROP TABLE follower;
DROP TABLE outbox;
DROP TABLE comment;
DROP TABLE star;
DROP TABLE collaborator;
DROP TABLE repository_alias;
DROP TABLE repository;
DROP TABLE setting;
DROP TABLE signing_key;
DROP TABLE invitation;
DROP TABLE sign_in_failure;
DROP TABLE token;
DROP TABLE session;
DROP TABLE membership;
DROP TABLE account;
";
