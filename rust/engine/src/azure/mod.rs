//! The service's REST operations, one file each: how the request is built, and how the answer is read.
//!
//! What moves content is sent by `transfer/`; the other operations are complete here.
//! <https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api>

mod attempts;
mod blob_batch;
mod blob_ref;
mod conditions;
mod content_headers;
mod copy_blob;
mod creation;
mod delete_blob;
mod error_response;
mod failed;
mod get_blob;
mod get_block_list;
mod get_properties;
mod known_versions;
mod list_blobs;
mod list_entry;
mod list_page;
mod looks_secret;
mod opened;
mod put_blob;
mod put_block;
mod put_block_list;
mod redaction;
mod revision;
mod right;
mod session;
mod set_http_headers;
mod set_metadata;
mod set_tier;
mod small_operation;
mod snapshot_blob;
mod structured_message;
mod tags;
mod undelete_blob;
mod verified_content;
mod write_options;

pub(crate) use self::{
    attempts::Attempts,
    blob_batch::BatchDelete,
    get_blob::{GetBlob, ReceivedRange, Vouching},
    get_properties::{GetProperties, get_properties, require_no_directory},
    known_versions::check_version,
    list_blobs::{ListAll, ListBlobs},
    opened::Opened,
    put_blob::PutBlob,
    put_block::PutBlock,
    put_block_list::PutBlockList,
    redaction::shown_path,
    revision::Address,
    session::{Session, Statistics},
    small_operation::SmallOperation,
    structured_message::{Decoder, Unreadable},
    verified_content::Content,
};

pub use self::{
    blob_ref::BlobRef,
    conditions::Conditions,
    content_headers::ContentHeaders,
    copy_blob::CopyBlob,
    delete_blob::{DeleteBlob, DeleteSnapshots},
    get_blob::Downloaded,
    get_properties::BlobProperties,
    list_blobs::{Include, ListOptions},
    list_entry::{Details, ListEntry},
    revision::Revision,
    set_http_headers::SetHttpHeaders,
    set_metadata::SetMetadata,
    set_tier::SetTier,
    small_operation::{Answer, Updated},
    snapshot_blob::SnapshotBlob,
    tags::{GetTags, SetTags},
    undelete_blob::UndeleteBlob,
    write_options::{Tier, WriteOptions},
};
