//! The client of an account: what can be done with its blobs.

use std::{sync::Arc, thread::ThreadId, time::Duration};

use crate::{
    account::Account,
    auth::{Credential, Token, TokenCache, TokenError},
    azure::{
        BlobRef, BlobsBelow, ContainerListOptions, ContainerProperties, FindBlobs, ListBlobs,
        ListContainers, ListEntry, ListOptions, Pages, Session, Statistics,
    },
    cancel::{CancelFlag, Cancellation, SignalPoll},
    config::Config,
    error::{Error, InvalidInput, Result},
    limits::TICK,
    progress::Progress,
    transfer::{Call, Job, OnError},
};

/// Moves blobs of one account. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Client(Arc<Account>);

impl Client {
    /// Opens no connection and asks for no token yet.
    ///
    /// # Errors
    /// Where the configuration contradicts itself or the environment.
    pub fn new(config: Config) -> Result<Self, InvalidInput> {
        Account::new(config).map(|account| Self(Arc::new(account)))
    }

    /// Begins a call of a single item, which its driver carries out while it waits: a small one never
    /// leaves the calling thread.
    pub fn call_one(&self, job: Job) -> Call {
        let call = Call::new(Arc::clone(&self.0), OnError::Collect, true);
        call.push(vec![job]);
        call.end_of_input();
        call
    }

    /// Begins a call of any number of items.
    pub fn call(&self, on_error: OnError) -> Call {
        Call::new(Arc::clone(&self.0), on_error, false)
    }

    /// Lists what is below a prefix, which stands for whole segments of names like a directory.
    pub fn list(&self, prefix: &BlobRef, options: ListOptions) -> Listing {
        self.listing(BlobsBelow {
            prefix: prefix.clone(),
            pages: ListBlobs::new(options),
        })
    }

    /// Lists the account's containers.
    pub fn list_containers(&self, options: ContainerListOptions) -> Listing<ContainerProperties> {
        self.listing(ListContainers::new(options))
    }

    /// Searches the account, or one container, for blobs by their index tags.
    ///
    /// # Errors
    /// Where nothing is asked of the tags, or `container` is a blob.
    pub fn find(
        &self,
        tags: String,
        container: Option<&BlobRef>,
    ) -> Result<Listing<ListEntry>, InvalidInput> {
        if tags.trim().is_empty() {
            return Err(InvalidInput::new(
                "tags must be a condition, such as \"state\" = 'done'",
            ));
        }
        if let Some(path) = container.filter(|path| !path.name().is_empty()) {
            return Err(InvalidInput::new(format!(
                "a container is searched as a whole: give {:?}",
                path.container()
            )));
        }
        let container = container.map(|path| path.container().to_owned());
        Ok(self.listing(FindBlobs::new(tags, container)))
    }

    fn listing<E>(&self, pages: impl Pages<Entry = E> + 'static) -> Listing<E> {
        Listing {
            account: Arc::clone(&self.0),
            refused: self.0.check_open().err(),
            fetches: None,
            pages: Box::new(pages),
        }
    }

    /// Ends the client and all its clones: connections that are not in use are closed at once, the others
    /// when they are given back. Calls and lists under way go on; the items of later calls, and later
    /// lists, fail with [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput). A second time does
    /// nothing.
    pub fn close(&self) {
        self.0.close();
    }

    /// Why no call can begin, where it has been closed.
    ///
    /// # Errors
    /// Says which client it is.
    pub fn check_open(&self) -> Result<(), InvalidInput> {
        self.0.check_open()
    }

    /// Another key or SAS from now on.
    pub fn set_credential(&self, credential: Credential) {
        self.0.set_credential(credential);
    }

    /// What a challenge asked of the next token, where it is this thread's turn to fetch one.
    pub fn token_claims(&self) -> Option<String> {
        self.0.with_tokens(TokenCache::claims).flatten()
    }

    /// Supplies the token that was asked for.
    pub fn set_token(&self, token: &Token) {
        self.0.with_tokens(|tokens| tokens.fetched(token));
        self.0.scheduler.token_answered();
    }

    /// No token could be had; it becomes the source of the error of all who waited.
    pub fn token_failed(&self, source: TokenError) {
        self.0.with_tokens(|tokens| tokens.failed(source));
        self.0.scheduler.token_answered();
    }

    /// Whether it is still this thread's turn to fetch a token.
    pub fn has_token_turn(&self, thread: ThreadId) -> bool {
        let has_turn = self.0.with_tokens(|tokens| tokens.has_turn(thread));
        has_turn.unwrap_or(false)
    }

    /// That thread fetches no token, after all; another one may.
    pub fn give_up_token(&self, thread: ThreadId) {
        self.0.with_tokens(|tokens| tokens.give_up(thread));
    }
}

/// The pages of a list; each is asked for when it is needed.
#[derive(Debug)]
pub struct Listing<E = ListEntry> {
    account: Arc<Account>,
    /// The client was closed before.
    refused: Option<InvalidInput>,
    /// How many tokens had been fetched when the page that is asked for was asked for first.
    fetches: Option<u64>,
    pages: Box<dyn Pages<Entry = E>>,
}

/// What comes of asking for a page.
#[derive(Debug)]
pub enum Page<E = ListEntry> {
    /// Entries, in the order of names; there may be none.
    Entries(Vec<E>),
    /// It is this thread's turn to fetch a token; ask again then.
    NeedsToken,
    /// There are no more.
    End,
}

impl<E> Listing<E> {
    /// The next page.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where the container does not exist.
    pub fn next_page(&mut self, signals: SignalPoll<'_>) -> Result<Page<E>> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone().into());
        }
        let account = Arc::clone(&self.account);
        let fetches = *self
            .fetches
            .get_or_insert_with(|| account.with_tokens(TokenCache::fetches).unwrap_or_default());
        let flag = CancelFlag::default();
        let cancellation = Cancellation::new(&flag, signals);
        loop {
            let begin = account.with_tokens(|tokens| tokens.begin_fetch(fetches));
            if begin.unwrap_or(false) {
                return Ok(Page::NeedsToken);
            }
            let mut session = Session {
                account: &account,
                head: &mut String::new(),
                cancellation,
                statistics: &Statistics::default(),
                progress: &Progress::default(),
                token_fetches: fetches,
                gives_way: false,
            };
            match self.pages.next_page(&mut session) {
                Ok(entries) => {
                    self.fetches = None;
                    return Ok(entries.map_or(Page::End, Page::Entries));
                }
                Err(error) if error.is_token_needed() => {
                    // Another thread fetches one.
                    account.with_tokens(|tokens| tokens.wait(TICK.min(Duration::from_millis(50))));
                    cancellation.check().map_err(|_| Error::cancelled())?;
                }
                Err(error) => {
                    self.fetches = None;
                    return Err(error);
                }
            }
        }
    }
}
