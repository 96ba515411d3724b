//! File operations that do not touch unchanged files: cargo rebuilds the crates that embed a file when its time stamp
//! changes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::fault::Fault;

/// Writes a file unless it already has these contents.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Fault::file("make", folder))?;
    }
    fs::write(path, bytes).map_err(Fault::file("write", path))
}

/// Returns the relative paths of all files below a folder, sorted; none if the folder is missing.
pub(crate) fn below(folder: &Path) -> Result<BTreeSet<PathBuf>, Fault> {
    let mut found = BTreeSet::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(current) = pending.pop() {
        let Ok(entries) = fs::read_dir(&current) else {
            continue;
        };
        for entry in entries {
            let path = entry.map_err(Fault::file("list", &current))?.path();
            if path.is_dir() {
                pending.push(path);
            } else if let Ok(relative) = path.strip_prefix(folder) {
                found.insert(relative.to_path_buf());
            }
        }
    }
    Ok(found)
}

/// Copies the files of `from` to `to` and returns their paths relative to `to`.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<BTreeSet<PathBuf>, Fault> {
    let files = below(from)?;
    for file in &files {
        let source = from.join(file);
        let bytes = fs::read(&source).map_err(Fault::file("read", &source))?;
        write_if_changed(&to.join(file), &bytes)?;
    }
    Ok(files)
}

/// Deletes all files of a folder except those to keep.
pub(crate) fn keep_only(folder: &Path, keep: &BTreeSet<PathBuf>) -> Result<(), Fault> {
    for file in below(folder)?.difference(keep) {
        let path = folder.join(file);
        fs::remove_file(&path).map_err(Fault::file("delete", &path))?;
    }
    Ok(())
}

/// Whether `product` exists and is at least as new as `source`.
pub(crate) fn is_fresh(product: &Path, source: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|data| data.modified());
    match (time(product), time(source)) {
        (Ok(product), Ok(source)) => product >= source,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_file_keeps_its_time_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.css");
        write_if_changed(&path, b"one").unwrap();
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        let past = before - std::time::Duration::from_mins(1);
        fs::File::options().write(true).open(&path).unwrap().set_modified(past).unwrap();
        write_if_changed(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), past);
        write_if_changed(&path, b"two").unwrap();
        assert_ne!(fs::metadata(&path).unwrap().modified().unwrap(), past);
    }

    #[test]
    fn what_is_gone_from_the_source_goes_from_the_copy() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        write_if_changed(&from.join("kept.svg"), b"k").unwrap();
        write_if_changed(&to.join("old/gone.svg"), b"g").unwrap();
        let copied = copy_folder(&from, &to).unwrap();
        keep_only(&to, &copied).unwrap();
        assert_eq!(below(&to).unwrap(), BTreeSet::from([PathBuf::from("kept.svg")]));
    }
}
