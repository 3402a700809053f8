//! Get Account Information:
//! <https://learn.microsoft.com/rest/api/storageservices/get-account-information>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
};
use crate::{
    error::Result,
    http::{Request, ResponseHead},
};

/// What kind of account it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountInformation {
    /// How it is replicated, such as `Standard_LRS`.
    pub sku: Option<String>,
    /// Such as `StorageV2`.
    pub kind: Option<String>,
    /// Whether directories are more than prefixes of names.
    pub has_hierarchical_namespace: bool,
}

impl AccountInformation {
    fn read(head: &ResponseHead) -> Self {
        let text = |name: &str| head.get(name).map(str::to_owned);
        Self {
            sku: text("x-ms-sku-name"),
            kind: text("x-ms-account-kind"),
            has_hierarchical_namespace: head.get("x-ms-is-hns-enabled") == Some("true"),
        }
    }
}

/// Asks what kind of account it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GetAccountInformation;

struct Call {
    path: String,
}

impl Operation for Call {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        Request::new("GET", &*self.path)
            .query("restype", "account")
            .query("comp", "properties")
    }
}

impl SmallOperation for GetAccountInformation {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        account: &BlobRef,
    ) -> Result<Answer> {
        let path = session.account.endpoint.path_of(account);
        let (head, _) = session.call(attempts, &mut Call { path })?;
        Ok(Answer::Account(AccountInformation::read(&head)))
    }

    fn needs_a_name(&self) -> bool {
        false
    }

    fn changes(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let read = |headers: &str| {
            let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{headers}\r\n");
            let head = ResponseHead::parse(text.as_bytes(), false).unwrap();
            AccountInformation::read(&head.unwrap().0)
        };
        let information = read(
            "x-ms-sku-name: Standard_RAGRS\r\nx-ms-account-kind: StorageV2\r\n\
             x-ms-is-hns-enabled: true\r\n",
        );
        assert_eq!(information.sku.as_deref(), Some("Standard_RAGRS"));
        assert_eq!(information.kind.as_deref(), Some("StorageV2"));
        assert!(information.has_hierarchical_namespace);
        assert!(!read("x-ms-is-hns-enabled: false\r\n").has_hierarchical_namespace);
        assert_eq!(read(""), AccountInformation::default());
    }
}
