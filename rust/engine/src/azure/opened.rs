//! An answer between its head and the end of its body.

use crate::{
    account::Account,
    admission::Permit,
    cancel::Cancellation,
    http::{BodyReader, Connection, ResponseHead},
};

/// An answer whose head is here and whose body is to be read.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    pub(crate) head: ResponseHead,
    pub(super) connection: Connection,
    pub(super) permit: Permit<'a>,
    pub(super) buffer: Vec<u8>,
    pub(super) account: &'a Account,
}

impl Opened<'_> {
    pub(crate) fn body<'b>(&'b mut self, cancellation: Cancellation<'b>) -> BodyReader<'b> {
        self.body_and_buffer(cancellation).0
    }

    /// The body, and the buffer that the operation asked for.
    pub(crate) fn body_and_buffer<'b>(
        &'b mut self,
        cancellation: Cancellation<'b>,
    ) -> (BodyReader<'b>, &'b mut [u8]) {
        let cancellation = cancellation.holding(&self.permit);
        (
            BodyReader::new(&mut self.connection, &self.head, cancellation),
            &mut self.buffer,
        )
    }

    /// Ends the request; the connection is used again where the body was read to its end.
    pub(crate) fn close(self, finished: bool) -> ResponseHead {
        if finished && self.head.keep_alive {
            self.account.pool.put(self.connection);
        }
        self.account.buffers.put(self.buffer);
        if self.permit.finish() {
            self.account.scheduler.spawn_workers();
        }
        self.head
    }
}
