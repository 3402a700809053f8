//! The URL of a blob or container with a SAS, signed with the account's key or, where the credential gives
//! tokens, with a user delegation key.

use std::{sync::Arc, time::SystemTime};

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    get_user_delegation_key::get_user_delegation_key,
    session::Session,
    small_operation::{Answer, SmallOperation},
};
use crate::{
    auth::{KeyLife, Sas, SasScope, Signing},
    error::{InvalidInput, Result},
};

/// Makes a URL with a SAS.
#[derive(Clone, Debug)]
pub struct SasUrl(Sas);

impl SasUrl {
    /// Of this blob or container.
    ///
    /// # Errors
    /// Where it is none of what the SAS is for.
    pub fn new(sas: Sas, blob: &BlobRef) -> Result<Self, InvalidInput> {
        match sas.scope() {
            SasScope::Blob => blob.require_name()?,
            SasScope::Container if blob.name().is_empty() => {}
            _ => {
                return Err(InvalidInput::new(format!(
                    "{:?} names a blob, not a container; write {:?}",
                    blob.to_string(),
                    blob.container()
                )));
            }
        }
        Ok(Self(sas))
    }
}

impl SmallOperation for SasUrl {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        let account = session.account;
        let endpoint = &account.endpoint;
        let sas = self.0.clone().with_default_protocol(endpoint.is_tls());
        let query = match account.credential().sign(&sas, Some(blob))? {
            Signing::Done(query) => query,
            Signing::NeedsDelegationKey => {
                let life = KeyLife::until(sas.expiry(), SystemTime::now())?;
                let key = if let Some(kept) = account.delegation_key(sas.expiry()) {
                    kept
                } else {
                    let key = Arc::new(get_user_delegation_key(session, attempts, life)?);
                    account.keep_delegation_key(&key);
                    key
                };
                sas.delegated(endpoint.account(), &key, blob)
            }
        };
        let (origin, path) = (endpoint.origin(), endpoint.path_of(blob));
        Ok(Answer::Url(format!("{origin}{path}?{query}")))
    }

    fn needs_a_name(&self) -> bool {
        false
    }

    fn changes(&self) -> bool {
        false
    }
}
