//! Keys of objects: `<shard>/<upload>-<number>-<process>`, in hexadecimal digits and hyphens. No two writers choose the
//! same key. The shard is the last two digits of the upload, which are random, so that objects spread evenly.

use uuid::Uuid;

/// Returns the key of the object with this number that a process writes for an upload.
pub(super) fn key_of(upload: Uuid, number: u64, process: Uuid) -> String {
    let (upload, process) = (upload.simple().to_string(), process.simple());
    let shard = upload.get(30..).unwrap_or_default();
    format!("{shard}/{upload}-{number}-{process}")
}

/// Returns the upload that an object belongs to.
pub(super) fn upload_of(key: &str) -> Option<Uuid> {
    let (_, name) = key.split_once('/')?;
    name.split('-').next()?.parse().ok()
}

/// Whether an object was created by this process.
pub(super) fn is_of(key: &str, process: Uuid) -> bool {
    key.rsplit('-').next().is_some_and(|creator| creator == process.simple().to_string())
}

/// Whether this may be a key. A key never leads out of the storage's folder.
pub(super) fn is_key(text: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_valid = |(shard, name): (&str, &str)| shard.len() == 2 && name.len() >= 32 && plain(shard) && plain(name);
    text.split_once('/').is_some_and(is_valid)
}
