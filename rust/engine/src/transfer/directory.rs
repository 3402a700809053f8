//! Folders on this side, prefixes on the other.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use super::PARTIAL_SUFFIX;
use crate::{
    azure::BlobRef,
    error::{Error, InvalidInput, Result},
};

/// The files below a folder, sorted, with the blobs that they become below `prefix`. Symbolic links to
/// files are followed, those to folders are not: they may lead in circles.
///
/// # Errors
/// Where the folder cannot be read, or a name cannot be a blob's.
pub fn files_below(folder: &Path, prefix: &BlobRef) -> Result<Vec<(PathBuf, BlobRef)>> {
    let mut found = Vec::new();
    walk(folder, prefix, &mut found)?;
    Ok(found)
}

fn walk(folder: &Path, prefix: &BlobRef, found: &mut Vec<(PathBuf, BlobRef)>) -> Result<()> {
    let at_folder = |error| Error::local(folder, error);
    let mut entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(at_folder)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let blob = match name.to_str() {
            Some(name) => prefix.join(name)?,
            None => {
                return Err(InvalidInput::new(format!(
                    "{} is not a UTF-8 name, which a blob needs; rename the file",
                    path.display()
                ))
                .into());
            }
        };
        // Of a download that runs, or was killed.
        if name.to_string_lossy().ends_with(PARTIAL_SUFFIX) {
            continue;
        }
        let kind = entry
            .file_type()
            .map_err(|error| Error::local(&path, error))?;
        if kind.is_dir() {
            walk(&path, &blob, found)?;
        } else if kind.is_file() || (kind.is_symlink() && path.is_file()) {
            found.push((path, blob));
        }
    }
    Ok(())
}

/// The file in `folder` for the blob `name` that was found below `prefix`.
///
/// # Errors
/// Where the name would lead out of the folder.
pub fn local_path(folder: &Path, prefix: &BlobRef, name: &str) -> Result<PathBuf, InvalidInput> {
    let relative = match prefix.name() {
        "" => Some(name),
        prefix => name
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_prefix('/')),
    };
    let refuse = || {
        InvalidInput::new(format!(
            "blob {name:?} cannot be a file below {}; download it by its own path",
            folder.display()
        ))
    };
    let relative = Path::new(
        relative
            .filter(|name| !name.is_empty())
            .ok_or_else(refuse)?,
    );
    let plain = relative
        .components()
        .all(|component| matches!(component, Component::Normal(_)));
    if !plain || name.ends_with('/') || name.contains("//") || name.contains('\0') {
        return Err(refuse());
    }
    Ok(folder.join(relative))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths() {
        let prefix = BlobRef::parse("data/p").unwrap();
        let path = |name| local_path(Path::new("/to"), &prefix, name);
        assert_eq!(path("p/a/b").unwrap(), Path::new("/to/a/b"));
        for wrong in ["p/../x", "p//x", "p/a/", "p", "q/a", "p//etc/passwd", "p/."] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
        let all = BlobRef::parse("data").unwrap();
        assert_eq!(
            local_path(Path::new("to"), &all, "a").unwrap(),
            Path::new("to/a")
        );
        assert!(local_path(Path::new("to"), &all, "/etc/passwd").is_err());
    }
}
