//! The service's REST operations, one file each: how the request is built, and how the answer is read.
//!
//! What moves content is sent by `transfer/`; the other operations are complete here.
//! <https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api>

mod attempts;
mod blob_batch;
mod blob_ref;
mod conditions;
mod container_page;
mod content_headers;
mod copy_blob;
mod copy_source;
mod create_container;
mod creation;
mod delete_blob;
mod delete_container;
mod encryption;
mod error_response;
mod failed;
mod find_blobs;
mod get_account_information;
mod get_blob;
mod get_block_list;
mod get_container_properties;
mod get_properties;
mod get_user_delegation_key;
mod known_versions;
mod lease;
mod list_blobs;
mod list_containers;
mod list_entry;
mod list_page;
mod looks_secret;
mod markers;
mod opened;
mod other_type;
mod pages;
mod put_blob;
mod put_blob_from_url;
mod put_block;
mod put_block_from_url;
mod put_block_list;
mod redaction;
mod revision;
mod right;
mod sas_url;
mod session;
mod set_container_metadata;
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
    copy_source::CopiedBlob,
    find_blobs::FindBlobs,
    get_account_information::GetAccountInformation,
    get_blob::{GetBlob, ReceivedRange, Vouching},
    get_properties::{GetProperties, get_properties, require_no_directory},
    known_versions::check_version,
    list_blobs::{ListAll, ListBlobs},
    list_containers::ListContainers,
    opened::Opened,
    pages::{BlobsBelow, Pages},
    put_blob::PutBlob,
    put_blob_from_url::PutBlobFromUrl,
    put_block::PutBlock,
    put_block_from_url::PutBlockFromUrl,
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
    copy_source::CopySource,
    create_container::{CreateContainer, PublicAccess},
    delete_blob::{DeleteBlob, DeleteSnapshots},
    delete_container::DeleteContainer,
    encryption::{Encryption, EncryptionKey},
    get_account_information::AccountInformation,
    get_blob::Downloaded,
    get_container_properties::{ContainerProperties, GetContainerProperties},
    get_properties::BlobProperties,
    lease::Lease,
    list_blobs::{Include, ListOptions},
    list_containers::ContainerListOptions,
    list_entry::{Details, ListEntry},
    revision::Revision,
    sas_url::SasUrl,
    set_container_metadata::SetContainerMetadata,
    set_http_headers::SetHttpHeaders,
    set_metadata::SetMetadata,
    set_tier::{RehydratePriority, SetTier},
    small_operation::{Answer, Updated},
    snapshot_blob::SnapshotBlob,
    tags::{GetTags, SetTags},
    undelete_blob::UndeleteBlob,
    write_options::{Tier, WriteOptions},
};
