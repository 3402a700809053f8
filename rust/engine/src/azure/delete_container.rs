//! Delete Container: <https://learn.microsoft.com/rest/api/storageservices/delete-container>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
};
use crate::{
    error::{Error, Result},
    http::Request,
};

/// Deletes a container with all that is in it.
#[derive(Clone, Debug, Default)]
pub struct DeleteContainer {
    /// A container that is not there is no error.
    pub missing_ok: bool,
    /// Of these the lease alone is sent.
    pub conditions: Conditions,
}

impl DeleteContainer {
    /// What an error means that the container is not there, if that is as it should be; `ambiguous`: an
    /// earlier attempt may have deleted it.
    fn accepts(&self, error: &Error, ambiguous: bool) -> Option<Answer> {
        match error.code() {
            Some("ContainerNotFound" | "ContainerBeingDeleted") if ambiguous => Some(Answer::Done),
            Some("ContainerNotFound" | "ContainerBeingDeleted") if self.missing_ok => {
                Some(Answer::Missing)
            }
            _ => None,
        }
    }
}

struct Call<'a> {
    path: String,
    conditions: &'a Conditions,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[202]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let request = Request::new("DELETE", &*self.path).query("restype", "container");
        self.conditions.apply_lease(request)
    }
}

impl SmallOperation for DeleteContainer {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        container: &BlobRef,
    ) -> Result<Answer> {
        let path = session.account.endpoint.path_of(container);
        let conditions = &self.conditions;
        match session.call(attempts, &mut Call { path, conditions }) {
            Ok(_) => Ok(Answer::Done),
            Err(error) => self.accepts(&error, attempts.ambiguous).ok_or(error),
        }
    }

    fn needs_a_name(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn what_is_as_it_should_be() {
        let error = |code| Error::new(ErrorKind::NotFound, "").with_answer(404, Some(code), None);
        for code in ["ContainerNotFound", "ContainerBeingDeleted"] {
            for (missing_ok, ambiguous, answer) in [
                (false, false, None),
                (true, false, Some(Answer::Missing)),
                (false, true, Some(Answer::Done)),
            ] {
                let delete = DeleteContainer {
                    missing_ok,
                    ..DeleteContainer::default()
                };
                assert_eq!(delete.accepts(&error(code), ambiguous), answer, "{code}");
            }
        }
        let delete = DeleteContainer {
            missing_ok: true,
            ..DeleteContainer::default()
        };
        assert_eq!(delete.accepts(&error("AccountIsDisabled"), true), None);
    }
}
