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
mod copy_source;
mod creation;
mod delete_blob;
mod error_response;
mod failed;
mod get_blob;
mod get_block_list;
mod get_properties;
mod get_user_delegation_key;
mod list_blobs;
mod list_page;
mod looks_secret;
mod opened;
mod put_blob;
mod put_blob_from_url;
mod put_block;
mod put_block_from_url;
mod put_block_list;
mod redaction;
mod right;
mod sas_url;
mod session;
mod set_http_headers;
mod set_metadata;
mod set_tier;
mod small_operation;
mod structured_message;
mod tags;
mod verified_content;
mod write_options;

pub(crate) use self::{
    attempts::Attempts,
    blob_batch::BatchDelete,
    copy_source::CopiedBlob,
    get_blob::{GetBlob, ReceivedRange, Vouching},
    get_properties::{GetProperties, get_properties, require_no_directory},
    list_blobs::{ListAll, ListBlobs},
    opened::Opened,
    put_blob::PutBlob,
    put_blob_from_url::PutBlobFromUrl,
    put_block::PutBlock,
    put_block_from_url::PutBlockFromUrl,
    put_block_list::PutBlockList,
    redaction::shown_path,
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
    copy_source::CopySource,
    delete_blob::DeleteBlob,
    get_blob::Downloaded,
    get_properties::BlobProperties,
    list_blobs::{Include, ListOptions},
    list_page::ListEntry,
    sas_url::SasUrl,
    set_http_headers::SetHttpHeaders,
    set_metadata::SetMetadata,
    set_tier::SetTier,
    small_operation::{Answer, Updated},
    tags::{GetTags, SetTags},
    write_options::{Tier, WriteOptions},
};
