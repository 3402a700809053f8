//! List Containers: <https://learn.microsoft.com/rest/api/storageservices/list-containers2>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    container_page::parse,
    get_container_properties::ContainerProperties,
    markers::Markers,
    pages::Pages,
    session::{Operation, Session},
};
use crate::{
    error::{Error, ErrorKind, Result},
    http::Request,
};

/// Which containers a list has, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerListOptions {
    /// What the names begin with.
    pub prefix: String,
    /// Whether their metadata are given.
    pub with_metadata: bool,
    /// Whether there are those that were deleted and can be restored.
    pub with_deleted: bool,
}

/// The pages of a list, one after another.
#[derive(Debug, Default)]
pub(crate) struct ListContainers {
    options: ContainerListOptions,
    marker: Option<String>,
    ended: bool,
    markers: Markers,
    /// At the next page.
    attempts: Attempts,
}

struct Call<'a> {
    path: String,
    list: &'a ListContainers,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn is_answered_by_body(&self) -> bool {
        true
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let mut request = Request::new("GET", &*self.path).query("comp", "list");
        let options = &self.list.options;
        if !options.prefix.is_empty() {
            request = request.query("prefix", options.prefix.as_str());
        }
        let include = match (options.with_metadata, options.with_deleted) {
            (false, false) => None,
            (true, false) => Some("metadata"),
            (false, true) => Some("deleted"),
            (true, true) => Some("metadata,deleted"),
        };
        if let Some(include) = include {
            request = request.query("include", include);
        }
        if let Some(marker) = &self.list.marker {
            request = request.query("marker", marker.as_str());
        }
        request
    }
}

impl ListContainers {
    pub(crate) fn new(options: ContainerListOptions) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }
}

impl Pages for ListContainers {
    type Entry = ContainerProperties;

    fn next_page(&mut self, session: &mut Session) -> Result<Option<Vec<ContainerProperties>>> {
        if self.ended {
            return Ok(None);
        }
        // Kept where a token is needed first: a second refusal is final.
        let mut attempts = std::mem::take(&mut self.attempts);
        let mut call = Call {
            path: session.account.endpoint.path_of(&BlobRef::account()),
            list: self,
        };
        let sent = session.call(&mut attempts, &mut call);
        self.attempts = attempts;
        let (_, body) = sent?;
        self.attempts = Attempts::default();
        let malformed = |reason: &str| Error::new(ErrorKind::Service, reason);
        let mut page = parse(&body)
            .ok_or_else(|| malformed("the list is not the XML that the protocol says"))?;
        // Whoever deletes what is listed relies on it.
        let begins = |listed: &ContainerProperties| listed.name.starts_with(&self.options.prefix);
        if !page.containers.iter().all(begins) {
            return Err(malformed(
                "the list has containers whose names do not begin as was asked for",
            ));
        }
        self.markers
            .note(page.next_marker.as_deref(), page.containers.is_empty())?;
        // The service leaves out what a container has none of.
        if self.options.with_metadata {
            for listed in &mut page.containers {
                listed.metadata.get_or_insert_default();
            }
        }
        self.ended = page.next_marker.is_none();
        self.marker = page.next_marker;
        Ok(Some(page.containers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let asked = |options: ContainerListOptions, marker: Option<&str>| {
            let list = ListContainers {
                marker: marker.map(str::to_owned),
                ..ListContainers::new(options)
            };
            let call = Call {
                path: "/".to_owned(),
                list: &list,
            };
            let request = call.request(None);
            let query = request.query.iter();
            query
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join("&")
        };
        let options = ContainerListOptions::default();
        assert_eq!(asked(options.clone(), None), "comp=list");
        let options = ContainerListOptions {
            prefix: "d".to_owned(),
            with_deleted: true,
            ..options
        };
        assert_eq!(
            asked(options.clone(), None),
            "comp=list&prefix=d&include=deleted"
        );
        let options = ContainerListOptions {
            with_metadata: true,
            ..options
        };
        assert_eq!(
            asked(options, Some("/a/b")),
            "comp=list&prefix=d&include=metadata,deleted&marker=/a/b"
        );
    }
}
