//! Create Container: <https://learn.microsoft.com/rest/api/storageservices/create-container>

use std::str::FromStr;

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
    write_options::{apply_metadata, validate_metadata},
};
use crate::{
    error::{Error, ErrorKind, InvalidInput, Result},
    http::Request,
};

/// What anybody may do, without a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicAccess {
    /// Read blobs whose names are known.
    Blob,
    /// That, and list them.
    Container,
}

impl PublicAccess {
    fn as_str(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Container => "container",
        }
    }
}

impl FromStr for PublicAccess {
    type Err = InvalidInput;

    fn from_str(name: &str) -> Result<Self, InvalidInput> {
        [Self::Blob, Self::Container]
            .into_iter()
            .find(|access| access.as_str() == name)
            .ok_or_else(|| {
                InvalidInput::new(format!(
                    "unknown public access {name:?}; choose 'blob' or 'container'"
                ))
            })
    }
}

/// Makes a container.
#[derive(Clone, Debug, Default)]
pub struct CreateContainer {
    metadata: Vec<(String, String)>,
    public_access: Option<PublicAccess>,
}

impl CreateContainer {
    /// The container will have this metadata; only who has a right to it reads it, unless it says otherwise.
    ///
    /// # Errors
    /// As for [`WriteOptions`](super::WriteOptions).
    pub fn new(
        metadata: Vec<(String, String)>,
        public_access: Option<PublicAccess>,
    ) -> Result<Self, InvalidInput> {
        validate_metadata(&metadata)?;
        Ok(Self {
            metadata,
            public_access,
        })
    }
}

struct Call<'a> {
    path: String,
    options: &'a CreateContainer,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[201]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let mut request = Request::new("PUT", &*self.path).query("restype", "container");
        if let Some(access) = self.options.public_access {
            request = request.header("x-ms-blob-public-access", access.as_str());
        }
        apply_metadata(request, &self.options.metadata)
    }
}

impl SmallOperation for CreateContainer {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        container: &BlobRef,
    ) -> Result<Answer> {
        let path = session.account.endpoint.path_of(container);
        let options = &*self;
        match session.call(attempts, &mut Call { path, options }) {
            Ok(_) => Ok(Answer::Done),
            Err(error) => Err(explained(error, attempts.ambiguous)),
        }
    }

    fn needs_a_name(&self) -> bool {
        false
    }
}

/// `ambiguous`: an earlier attempt may have made the container. Whether it did, nothing tells: containers
/// have no time of creation.
fn explained(error: Error, ambiguous: bool) -> Error {
    if ambiguous && error.code() == Some("ContainerAlreadyExists") {
        return error.meaning(
            ErrorKind::AlreadyExists,
            "the container exists; the answer to an attempt to create it got lost, and it may have been that \
             one that did, or somebody else",
        );
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let metadata = vec![("Team".to_owned(), "a".to_owned())];
        let options = CreateContainer::new(metadata, Some("container".parse().unwrap())).unwrap();
        let call = Call {
            path: "/data".to_owned(),
            options: &options,
        };
        let request = call.request(None);
        assert_eq!(request.query, [("restype", "container".into())]);
        assert_eq!(
            request.header_value("x-ms-blob-public-access"),
            Some("container")
        );
        assert_eq!(request.header_value("x-ms-meta-Team"), Some("a"));
        assert!("public".parse::<PublicAccess>().is_err());
        assert!(CreateContainer::new(vec![("a-b".to_owned(), String::new())], None).is_err());
    }

    #[test]
    fn a_container_that_may_be_ours_is_said_to() {
        let exists = || {
            Error::new(ErrorKind::AlreadyExists, "it exists").with_answer(
                409,
                Some("ContainerAlreadyExists"),
                None,
            )
        };
        assert!(explained(exists(), true).to_string().contains("got lost"));
        assert!(!explained(exists(), false).to_string().contains("got lost"));
    }
}
