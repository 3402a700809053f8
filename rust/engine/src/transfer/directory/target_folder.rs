//! Blobs below a prefix that become files below a folder.
//!
//! A store of blobs has no folders: `x` and `x/y` are two blobs, where a file system has one name for a file
//! or a folder. Tools mark folders by empty blobs, `x` or `x/`, and so does Azure Data Lake. Whether `x` is
//! a file is known when the list has gone past `x/`; names such as `x-1` come in between.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    azure::{BlobRef, Conditions, Include, ListEntry, ListOptions},
    error::{Error, InvalidInput},
    os,
    transfer::{file::FileTarget, job::Job},
};

/// Makes jobs of the entries of a list.
#[derive(Debug)]
pub struct TargetFolder {
    folder: Arc<Path>,
    prefix: BlobRef,
    conditions: Arc<Conditions>,
    /// Entries so far.
    count: u64,
    /// Blobs that may yet turn out to have the name of a folder. The name of each begins with that of the
    /// one before, so there are never more of them than a name has characters.
    open: Vec<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    /// Its place in the list.
    index: u64,
    blob: BlobRef,
    is_empty: bool,
    relative: PathBuf,
    /// A blob below it, which becomes a file.
    below: Option<String>,
}

impl Candidate {
    fn has_below(&self, name: &str) -> bool {
        name.strip_prefix(self.blob.name())
            .is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether what is below it, if anything is, comes after `name` in the list, or with it.
    fn may_have_below_from(&self, name: &str) -> bool {
        name.strip_prefix(self.blob.name())
            .is_some_and(|rest| rest.bytes().next().is_some_and(|byte| byte <= b'/'))
    }
}

impl TargetFolder {
    /// Blobs below `prefix` become files in `folder`, through none of the links in it.
    pub fn new(folder: &Path, prefix: BlobRef, conditions: Arc<Conditions>) -> Self {
        Self {
            folder: folder.into(),
            prefix,
            conditions,
            count: 0,
            open: Vec::new(),
        }
    }

    /// How the blobs have to be listed: what marks a folder is in its metadata.
    pub fn list_options() -> ListOptions {
        ListOptions {
            include: vec![Include::Metadata],
            ..ListOptions::default()
        }
    }

    /// The jobs of the next entries of the list. An entry of which it is not yet known whether it is a folder
    /// comes with later ones; otherwise they are in the order of the list.
    pub fn jobs(&mut self, entries: &[ListEntry]) -> Vec<Job> {
        let mut jobs = Vec::with_capacity(entries.len());
        for entry in entries {
            while self
                .open
                .last()
                .is_some_and(|open| !open.may_have_below_from(&entry.name))
            {
                self.settle_last(&mut jobs);
            }
            let index = self.count;
            self.count += 1;
            let settled = self.take(index, entry);
            jobs.extend(settled.map(|job| (index, job)));
        }
        in_order(jobs)
    }

    /// The jobs that are left at the end of the list.
    pub fn last_jobs(&mut self) -> Vec<Job> {
        let mut jobs = Vec::new();
        while !self.open.is_empty() {
            self.settle_last(&mut jobs);
        }
        in_order(jobs)
    }

    /// Takes note of an entry that may become a file; of another one, what becomes of it.
    fn take(&mut self, index: u64, entry: &ListEntry) -> Option<Job> {
        let named = BlobRef::verbatim(self.prefix.container(), &entry.name);
        let blob = match named {
            Ok(blob) => blob,
            Err(reason) => return Some(Job::failed(self.prefix.clone(), None, reason.into())),
        };
        let is_empty = entry.size == Some(0);
        if is_empty && (entry.name.ends_with('/') || is_marked_folder(entry)) {
            let reason = "stands for a folder; it has no content".to_owned();
            return Some(Job::skipped(blob, None, reason));
        }
        match self.relative(&entry.name) {
            Ok(relative) => {
                self.open.push(Candidate {
                    index,
                    blob,
                    is_empty,
                    relative,
                    below: None,
                });
                None
            }
            Err(reason) => Some(Job::failed(blob, None, reason.into())),
        }
    }

    /// The list has gone past what could be below the last candidate.
    fn settle_last(&mut self, jobs: &mut Vec<(u64, Job)>) {
        let Some(candidate) = self.open.pop() else {
            return;
        };
        let Candidate {
            index,
            blob,
            is_empty,
            relative,
            below,
        } = candidate;
        let job = match below {
            None => {
                for above in &mut self.open {
                    if above.below.is_none() && above.has_below(blob.name()) {
                        above.below = Some(blob.name().to_owned());
                    }
                }
                let target = FileTarget::Below {
                    folder: Arc::clone(&self.folder),
                    relative,
                };
                Job::download_to(blob, target, Arc::clone(&self.conditions))
            }
            Some(_) if is_empty => {
                let reason = "has the name of a folder, and no content".to_owned();
                Job::skipped(blob, None, reason)
            }
            // Of the two the one with more to lose is kept: a folder may have any number of files.
            Some(below) => {
                let path = self.folder.join(relative);
                let reason = format!(
                    "is needed as a folder, for blob {below:?}, and cannot be a file as well; download \
                     blob {:?} by its own path",
                    blob.name()
                );
                let error = Error::local_because(&path, os::code::IS_A_FOLDER, reason);
                Job::failed(blob, Some(path), error)
            }
        };
        jobs.push((index, job));
    }

    /// The path below the folder for a blob of this name.
    fn relative(&self, name: &str) -> Result<PathBuf, InvalidInput> {
        let refuse = |reason: &str| {
            Err(InvalidInput::new(format!(
                "blob {name:?} cannot be a file below {}: it {reason}; download it by its own path",
                self.folder.display()
            )))
        };
        let below = match self.prefix.name() {
            "" => Some(name),
            prefix => name
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('/')),
        };
        let Some(below) = below else {
            return refuse("is not below the prefix that was listed");
        };
        for segment in below.split('/') {
            if matches!(segment, "" | "." | "..") {
                return refuse("has an empty segment, '.' or '..' in its name");
            }
            if let Some(reason) = os::reason_against_name(segment) {
                return refuse(reason);
            }
        }
        Ok(below.split('/').collect())
    }
}

/// What Azure Data Lake, and tools that use it, say of a folder; the case of names of metadata differs.
fn is_marked_folder(entry: &ListEntry) -> bool {
    entry.metadata.iter().flatten().any(|(name, value)| {
        name.eq_ignore_ascii_case("hdi_isfolder") && value.eq_ignore_ascii_case("true")
    })
}

fn in_order(mut jobs: Vec<(u64, Job)>) -> Vec<Job> {
    jobs.sort_by_key(|(index, _)| *index);
    jobs.into_iter().map(|(_, job)| job).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        error::ErrorKind,
        transfer::job::{Kind, Settled},
    };

    fn entry(name: &str, size: u64) -> ListEntry {
        let mut entry = ListEntry::default();
        entry.name = name.to_owned();
        entry.size = Some(size);
        entry
    }

    fn folder() -> TargetFolder {
        let prefix = BlobRef::parse("data/p").unwrap();
        TargetFolder::new(Path::new("to"), prefix, Arc::default())
    }

    /// What becomes of the entries, in pages of that size.
    fn outcomes(entries: &[ListEntry], page: usize) -> Vec<String> {
        let mut folder = folder();
        let mut jobs = Vec::new();
        for page in entries.chunks(page) {
            jobs.extend(folder.jobs(page));
        }
        jobs.extend(folder.last_jobs());
        let described = jobs.into_iter().map(|job| match &job.kind {
            Kind::Settled(_, Settled::Skipped(_)) => format!("{} skipped", job.blob),
            Kind::Settled(_, Settled::Failed(error)) => format!("{} {:?}", job.blob, error.kind()),
            _ => format!("{} file", job.path().unwrap().display()),
        });
        described.collect()
    }

    #[test]
    fn markers_and_conflicts() {
        let mut marked = entry("p/marked", 0);
        marked.metadata = Some(vec![("Hdi_isfolder".to_owned(), "true".to_owned())]);
        let entries = [
            entry("p/", 0),
            entry("p/a", 0),
            entry("p/a-1", 0),
            entry("p/a/b", 0),
            entry("p/a/b/c", 5),
            entry("p/empty", 0),
            entry("p/full", 5),
            entry("p/full/", 0),
            marked,
            entry("p/x", 5),
            entry("p/x/y", 5),
            entry("p/z/", 5),
        ];
        let expected = [
            "data/p/ skipped",
            "data/p/a skipped",
            "to/a-1 file",
            "data/p/a/b skipped",
            "to/a/b/c file",
            "to/empty file",
            "to/full file",
            "data/p/full/ skipped",
            "data/p/marked skipped",
            "data/p/x Local",
            "to/x/y file",
            "data/p/z/ InvalidInput",
        ];
        assert_eq!(outcomes(&entries, 100), expected);
        for page in 1..entries.len() {
            let mut found = outcomes(&entries, page);
            found.sort();
            let mut expected = expected;
            expected.sort_unstable();
            assert_eq!(found, expected, "pages of {page}");
        }
    }

    #[test]
    fn names_that_would_lead_elsewhere() {
        for name in [
            "p/../x",
            "p//x",
            "p/a//b",
            "q/a",
            "p//etc/passwd",
            "p/.",
            "p/a/./b",
            "p/a\0b",
            "pp/a",
        ] {
            let found = outcomes(&[entry(name, 1)], 1);
            assert!(found[0].ends_with("InvalidInput"), "{found:?}");
        }
        let found = outcomes(&[entry("p/a\\b", 1)], 1);
        assert_eq!(found[0] == "to/a\\b file", cfg!(unix), "{found:?}");
    }

    proptest! {
        #[test]
        fn what_becomes_of_a_blob_does_not_depend_on_pages(
            names in proptest::collection::btree_map("p/[ab/-]{0,6}", 0..2_u64, 0..30),
            page in 1..7_usize,
        ) {
            let entries: Vec<_> = names.iter().map(|(name, size)| entry(name, *size)).collect();
            let mut whole = outcomes(&entries, entries.len().max(1));
            let mut paged = outcomes(&entries, page);
            whole.sort();
            paged.sort();
            prop_assert_eq!(&whole, &paged);
            // No file has another one's folder as its name.
            let files: Vec<_> = whole.iter().filter_map(|found| found.strip_suffix(" file")).collect();
            for file in &files {
                let folder = format!("{file}/");
                prop_assert!(!files.iter().any(|other| other.starts_with(&folder)));
            }
            prop_assert_eq!(whole.len(), entries.len());
        }

        #[test]
        fn candidates_are_few_in_any_order(names in proptest::collection::vec("p/[ab/-]{0,6}", 0..60)) {
            let mut folder = folder();
            for name in &names {
                folder.jobs(&[entry(name, 1)]);
                prop_assert!(folder.open.len() <= name.len());
            }
        }
    }

    #[test]
    fn the_error_of_a_name_says_what_to_do() {
        let mut jobs = folder().jobs(&[entry("p/../x", 1)]);
        let Some(Kind::Settled(_, Settled::Failed(error))) = jobs.pop().map(|job| job.kind) else {
            panic!("no error");
        };
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().contains("by its own path"));
    }
}
