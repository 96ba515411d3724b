//! Blobs, manifests, tags and uploads by digest and name, and what inspection found out about images.
//! Foreign keys that say RESTRICT are what makes online garbage collection safe: never weaken one to CASCADE.

use crate::Step;

pub(crate) const STEP: Step = Step { name: "m0002_engine", up: UP, down: DOWN };

const UP: &str = r"
CREATE TABLE blob (
    digest {key} PRIMARY KEY,
    size BIGINT NOT NULL,
    segments TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE repository_blob (
    repository_id BIGINT NOT NULL REFERENCES repository(id) ON DELETE CASCADE,
    digest {key} NOT NULL REFERENCES blob(digest) ON DELETE RESTRICT,
    hold_until BIGINT NOT NULL,
    PRIMARY KEY (repository_id, digest)
);
CREATE INDEX repository_blob_digest ON repository_blob(digest);

CREATE TABLE manifest (
    repository_id BIGINT NOT NULL REFERENCES repository(id) ON DELETE CASCADE,
    digest {key} NOT NULL,
    media_type TEXT NOT NULL,
    artifact_type TEXT,
    subject {key},
    size BIGINT NOT NULL,
    total_size BIGINT NOT NULL,
    payload {bytes} NOT NULL,
    annotations TEXT NOT NULL,
    pushed_at BIGINT NOT NULL,
    PRIMARY KEY (repository_id, digest)
);
CREATE INDEX manifest_subject ON manifest(repository_id, subject, digest);

CREATE TABLE manifest_blob (
    repository_id BIGINT NOT NULL,
    manifest {key} NOT NULL,
    digest {key} NOT NULL,
    PRIMARY KEY (repository_id, manifest, digest),
    FOREIGN KEY (repository_id, manifest) REFERENCES manifest(repository_id, digest) ON DELETE CASCADE,
    FOREIGN KEY (repository_id, digest) REFERENCES repository_blob(repository_id, digest) ON DELETE RESTRICT
);
CREATE INDEX manifest_blob_digest ON manifest_blob(repository_id, digest);

CREATE TABLE manifest_child (
    repository_id BIGINT NOT NULL,
    parent {key} NOT NULL,
    child {key} NOT NULL,
    PRIMARY KEY (repository_id, parent, child),
    FOREIGN KEY (repository_id, parent) REFERENCES manifest(repository_id, digest) ON DELETE CASCADE
);
CREATE INDEX manifest_child_child ON manifest_child(repository_id, child);

CREATE TABLE tag (
    repository_id BIGINT NOT NULL,
    name {key} NOT NULL,
    digest {key} NOT NULL,
    pushed_at BIGINT NOT NULL,
    pulled_at BIGINT,
    PRIMARY KEY (repository_id, name),
    FOREIGN KEY (repository_id, digest) REFERENCES manifest(repository_id, digest) ON DELETE CASCADE
);
CREATE INDEX tag_digest ON tag(repository_id, digest);
CREATE INDEX tag_pushed ON tag(repository_id, pushed_at, name);

CREATE TABLE tag_history (
    id {id},
    repository_id BIGINT NOT NULL REFERENCES repository(id) ON DELETE CASCADE,
    name {key} NOT NULL,
    digest TEXT,
    actor TEXT,
    at BIGINT NOT NULL
);
CREATE INDEX tag_history_tag ON tag_history(repository_id, name, id);

CREATE TABLE upload (
    id {key} PRIMARY KEY,
    repository_id BIGINT NOT NULL REFERENCES repository(id) ON DELETE CASCADE,
    algorithm TEXT NOT NULL,
    position BIGINT NOT NULL,
    hash_state {bytes} NOT NULL,
    segments TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE trash (
    key {key} PRIMARY KEY,
    since BIGINT NOT NULL
);

CREATE TABLE image (
    repository_id BIGINT NOT NULL,
    digest {key} NOT NULL,
    platform TEXT NOT NULL,
    config TEXT NOT NULL,
    layers TEXT NOT NULL,
    PRIMARY KEY (repository_id, digest),
    FOREIGN KEY (repository_id, digest) REFERENCES manifest(repository_id, digest) ON DELETE CASCADE
);
";

const DOWN: &str = r"
DROP TABLE image;
DROP TABLE trash;
DROP TABLE upload;
DROP TABLE tag_history;
DROP TABLE tag;
DROP TABLE manifest_child;
DROP TABLE manifest_blob;
DROP TABLE manifest;
DROP TABLE repository_blob;
DROP TABLE blob;
";
