//! The secrets of a vault.

use std::collections::BTreeMap;
use std::io;

use parking_lot::RwLock;

use crate::clock::Timestamp;
use crate::random::random_hex;

/// One version of a secret.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) value: String,
    pub(crate) enabled: bool,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) created: Timestamp,
}

/// The secrets, each with its versions, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    by_name: RwLock<BTreeMap<String, Vec<Version>>>,
}

impl Secrets {
    /// Adds a version.
    pub(crate) fn set(&self, name: &str, value: &str) -> io::Result<()> {
        let version = Version {
            id: random_hex::<16>()?,
            value: value.to_owned(),
            enabled: true,
            expires: None,
            created: Timestamp::now(),
        };
        self.by_name
            .write()
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push(version);
        Ok(())
    }

    /// Disables the newest version.
    pub(crate) fn disable(&self, name: &str) {
        self.change_newest(name, |version| version.enabled = false);
    }

    /// Has the newest version expire.
    pub(crate) fn expire(&self, name: &str, at: Timestamp) {
        self.change_newest(name, |version| version.expires = Some(at));
    }

    fn change_newest(&self, name: &str, change: impl FnOnce(&mut Version)) {
        let mut by_name = self.by_name.write();
        if let Some(version) = by_name
            .get_mut(&name.to_ascii_lowercase())
            .and_then(|all| all.last_mut())
        {
            change(version);
        }
    }

    /// All versions, the newest last.
    pub(crate) fn versions(&self, name: &str) -> Option<Vec<Version>> {
        self.by_name.read().get(&name.to_ascii_lowercase()).cloned()
    }
}
