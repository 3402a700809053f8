//! What downloads leave behind that are killed: no process can remove its own, so a later one does.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::file::is_temporary;
use crate::{
    os::{Folder, FolderIdentity},
    sync::Mutex,
};

/// Folders that are remembered. A client that downloads to more of them looks at some again.
const MAX_FOLDERS: usize = 4_096;

/// The longest that a download is held up by what others have left; a later one goes on.
const LONGEST: Duration = Duration::from_millis(100);

/// Looks once at each folder that a client downloads to: a folder may hold many files.
#[derive(Debug, Default)]
pub(crate) struct LeftOvers {
    seen: Mutex<HashSet<FolderIdentity>>,
}

impl LeftOvers {
    /// Has the folder looked at again.
    fn forget(&self, folder: &Folder) {
        if let Ok(identity) = folder.identity() {
            self.seen.lock().remove(&identity);
        }
    }

    /// Removes incomplete files that no process is writing any more. What fails is left to others: the
    /// download at hand does not need it.
    pub(super) fn remove_from(&self, folder: &Folder) {
        let Ok(identity) = folder.identity() else {
            return;
        };
        let mut seen = self.seen.lock();
        if seen.len() >= MAX_FOLDERS {
            seen.clear();
        }
        let new = seen.insert(identity);
        drop(seen);
        if !new {
            return;
        }
        let begun = Instant::now();
        self.clean(folder, || begun.elapsed() < LONGEST);
    }

    /// As long as there is time; the folder is looked at again where there was not enough of it.
    fn clean(&self, folder: &Folder, mut has_time: impl FnMut() -> bool) {
        for name in folder.names().unwrap_or_default() {
            if !has_time() {
                return self.forget(folder);
            }
            if is_temporary(&name) && folder.remove_abandoned(&name).unwrap_or(false) {
                log::info!(
                    "removed {}, which a download that was killed had left",
                    name.display()
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, fs};

    use super::*;
    use crate::scratch::Scratch;

    #[cfg(unix)]
    #[test]
    fn what_nobody_writes_is_removed() {
        let scratch = Scratch::new();
        let abandoned = ".a.0123456789abcdef.fastblob-part";
        let written = ".b.0123456789abcdef.fastblob-part";
        let folder = Folder::open(scratch.path()).unwrap();
        for name in [abandoned, "a.fastblob-part", "a"] {
            fs::write(scratch.path().join(name), "content").unwrap();
        }
        let file = folder.create_new(OsStr::new(written), None).unwrap();
        assert!(crate::os::try_lock(&file).unwrap());

        let left_overs = LeftOvers::default();
        left_overs.remove_from(&folder);
        let mut names = folder.names().unwrap();
        names.sort();
        assert_eq!(names, [".", "..", written, "a", "a.fastblob-part"]);

        // A folder is looked at once.
        fs::write(scratch.path().join(abandoned), "content").unwrap();
        left_overs.remove_from(&folder);
        assert!(scratch.path().join(abandoned).exists());
    }

    #[cfg(unix)]
    #[test]
    fn what_there_is_no_time_for_is_left_to_a_later_download() {
        let scratch = Scratch::new();
        let count = || fs::read_dir(scratch.path()).unwrap().count();
        for number in 0..10 {
            let name = format!(".{number}.0123456789abcdef.fastblob-part");
            fs::write(scratch.path().join(name), "content").unwrap();
        }
        let folder = Folder::open(scratch.path()).unwrap();
        let left_overs = LeftOvers::default();
        let identity = folder.identity().unwrap();
        left_overs.seen.lock().insert(identity);

        // `.` and `..` are looked at, too.
        let mut looks = 0;
        left_overs.clean(&folder, || {
            looks += 1;
            looks <= 5
        });
        assert!((5..=7).contains(&count()), "{}", count());
        left_overs.remove_from(&folder);
        assert_eq!(count(), 0);
    }
}
