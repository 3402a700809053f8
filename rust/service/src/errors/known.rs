//! The service's list of errors, as far as we need it:
//! <https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes>.

use super::ServiceError;

/// Status, code and message of an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known(u16, &'static str, &'static str);

impl Known {
    /// The error, to add details to.
    pub(crate) fn error(self) -> ServiceError {
        self.into()
    }
}

impl From<Known> for ServiceError {
    fn from(Known(status, code, message): Known) -> Self {
        Self::new(status, code, message)
    }
}

pub(crate) const AUTHENTICATION_FAILED: Known = Known(403, "AuthenticationFailed", "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.");
pub(crate) const AUTHORIZATION_PERMISSION_MISMATCH: Known = Known(403, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission.");
pub(crate) const AUTHORIZATION_PROTOCOL_MISMATCH: Known = Known(403, "AuthorizationProtocolMismatch", "This request is not authorized to perform this operation using this protocol.");
pub(crate) const AUTHORIZATION_RESOURCE_TYPE_MISMATCH: Known = Known(403, "AuthorizationResourceTypeMismatch", "This request is not authorized to perform this operation using this resource type.");
pub(crate) const AUTHORIZATION_SERVICE_MISMATCH: Known = Known(403, "AuthorizationServiceMismatch", "This request is not authorized to perform this operation using this service.");
pub(crate) const AUTHORIZATION_SOURCE_IP_MISMATCH: Known = Known(403, "AuthorizationSourceIPMismatch", "This request is not authorized to perform this operation using this source IP.");
pub(crate) const BLOB_ALREADY_EXISTS: Known = Known(409, "BlobAlreadyExists", "The specified blob already exists.");
pub(crate) const BLOB_ARCHIVED: Known = Known(409, "BlobArchived", "This operation is not permitted on an archived blob.");
pub(crate) const BLOB_BEING_REHYDRATED: Known = Known(409, "BlobBeingRehydrated", "This operation is not permitted because the blob is being rehydrated.");
pub(crate) const BLOB_NOT_FOUND: Known = Known(404, "BlobNotFound", "The specified blob does not exist.");
pub(crate) const BLOCK_COUNT_EXCEEDS_LIMIT: Known = Known(409, "BlockCountExceedsLimit", "The uncommitted block count cannot exceed the maximum limit of 100,000 blocks.");
pub(crate) const BLOCK_LIST_TOO_LONG: Known = Known(400, "BlockListTooLong", "The block list may not contain more than 50,000 blocks.");
pub(crate) const BOTH_RANGE_CHECKSUMS: Known = Known(400, "BothCrc64AndMd5RangeHeaderPresent", "Both x-ms-range-get-content-crc64 and x-ms-range-get-content-md5 are present. Only one is allowed.");
pub(crate) const CANNOT_VERIFY_COPY_SOURCE: Known = Known(404, "CannotVerifyCopySource", "The specified resource does not exist.");
pub(crate) const CONDITION_NOT_MET: Known = Known(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.");
pub(crate) const CONTAINER_ALREADY_EXISTS: Known = Known(409, "ContainerAlreadyExists", "The specified container already exists.");
pub(crate) const CONTAINER_NOT_FOUND: Known = Known(404, "ContainerNotFound", "The specified container does not exist.");
pub(crate) const CRC64_MISMATCH: Known = Known(400, "Crc64Mismatch", "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.");
pub(crate) const EMPTY_METADATA_KEY: Known = Known(400, "EmptyMetadataKey", "The key for one of the metadata key-value pairs is empty.");
pub(crate) const EXCEEDS_MAX_BATCH_REQUEST_COUNT: Known = Known(400, "ExceedsMaxBatchRequestCount", "The batch operation exceeds the maximum number of allowed subrequests.");
pub(crate) const INVALID_AUTHENTICATION_INFO: Known = Known(401, "InvalidAuthenticationInfo", "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.");
pub(crate) const INVALID_AUTHENTICATION_FORM: Known = Known(400, "InvalidAuthenticationInfo", "Authentication information is not given in the correct format. Check the value of Authorization header.");
pub(crate) const INVALID_BLOB_OR_BLOCK: Known = Known(400, "InvalidBlobOrBlock", "The specified blob or block content is invalid.");
pub(crate) const INVALID_BLOCK_LIST: Known = Known(400, "InvalidBlockList", "The specified block list is invalid.");
pub(crate) const INVALID_HEADER_VALUE: Known = Known(400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format.");
pub(crate) const INVALID_INPUT: Known = Known(400, "InvalidInput", "One of the request inputs is not valid.");
pub(crate) const INVALID_MD5: Known = Known(400, "InvalidMd5", "The MD5 value specified in the request is invalid. MD5 value must be 128 bits and base64 encoded.");
pub(crate) const INVALID_METADATA: Known = Known(400, "InvalidMetadata", "The metadata specified is invalid. It has characters that are not permitted.");
pub(crate) const INVALID_QUERY_PARAMETER_VALUE: Known = Known(400, "InvalidQueryParameterValue", "Value for one of the query parameters specified in the request URI is invalid.");
pub(crate) const INVALID_RANGE: Known = Known(416, "InvalidRange", "The range specified is invalid for the current size of the resource.");
pub(crate) const INVALID_RESOURCE_NAME: Known = Known(400, "InvalidResourceName", "The specifed resource name contains invalid characters.");
pub(crate) const INVALID_TAG: Known = Known(400, "InvalidTag", "The tags specified are invalid.");
pub(crate) const INVALID_URI: Known = Known(400, "InvalidUri", "The requested URI does not represent any resource on the server.");
pub(crate) const INVALID_XML_DOCUMENT: Known = Known(400, "InvalidXmlDocument", "XML specified is not syntactically valid.");
pub(crate) const LEASE_ALREADY_PRESENT: Known = Known(409, "LeaseAlreadyPresent", "There is already a lease present.");
pub(crate) const LEASE_ID_MISMATCH: Known = Known(412, "LeaseIdMismatchWithBlobOperation", "The lease ID specified did not match the lease ID for the blob.");
pub(crate) const LEASE_ID_MISMATCH_WITH_LEASE: Known = Known(409, "LeaseIdMismatchWithLeaseOperation", "The lease ID specified did not match the lease ID for the blob.");
pub(crate) const LEASE_ID_MISSING: Known = Known(412, "LeaseIdMissing", "There is currently a lease on the blob and no lease ID was specified in the request.");
pub(crate) const LEASE_LOST: Known = Known(412, "LeaseLost", "A lease ID was specified, but the lease for the blob has expired.");
pub(crate) const LEASE_NOT_PRESENT: Known = Known(412, "LeaseNotPresentWithBlobOperation", "There is currently no lease on the blob.");
pub(crate) const LEASE_NOT_PRESENT_WITH_CONTAINER: Known = Known(412, "LeaseNotPresentWithContainerOperation", "There is currently no lease on the container.");
pub(crate) const LEASE_NOT_PRESENT_WITH_LEASE: Known = Known(409, "LeaseNotPresentWithLeaseOperation", "There is currently no lease on the blob.");
pub(crate) const MD5_MISMATCH: Known = Known(400, "Md5Mismatch", "The MD5 value specified in the request did not match with the MD5 value calculated by the server.");
pub(crate) const METADATA_TOO_LARGE: Known = Known(400, "MetadataTooLarge", "The size of the specified metadata exceeds the maximum size permitted.");
pub(crate) const MISSING_CONTENT_LENGTH: Known = Known(411, "MissingContentLengthHeader", "The content length header is required for this request.");
pub(crate) const MISSING_REQUIRED_HEADER: Known = Known(400, "MissingRequiredHeader", "An HTTP header that's mandatory for this request is not specified.");
pub(crate) const MISSING_REQUIRED_QUERY_PARAMETER: Known = Known(400, "MissingRequiredQueryParameter", "A query parameter that's mandatory for this request is not specified.");
pub(crate) const NOT_MODIFIED: Known = Known(304, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.");
pub(crate) const NO_AUTHENTICATION_INFORMATION: Known = Known(401, "NoAuthenticationInformation", "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.");
pub(crate) const NO_PENDING_COPY_OPERATION: Known = Known(409, "NoPendingCopyOperation", "There is currently no pending copy operation.");
pub(crate) const OUT_OF_RANGE_INPUT: Known = Known(400, "OutOfRangeInput", "One of the request inputs is out of range.");
pub(crate) const OUT_OF_RANGE_QUERY_PARAMETER_VALUE: Known = Known(400, "OutOfRangeQueryParameterValue", "One of the query parameters specified in the request URI is outside the permissible range.");
pub(crate) const REQUEST_BODY_TOO_LARGE: Known = Known(413, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit.");
pub(crate) const RESOURCE_NOT_FOUND: Known = Known(404, "ResourceNotFound", "The specified resource does not exist.");
pub(crate) const SOURCE_CONDITION_NOT_MET: Known = Known(412, "SourceConditionNotMet", "The source condition specified using HTTP conditional header(s) is not met.");
pub(crate) const UNAUTHORIZED_BLOB_OVERWRITE: Known = Known(403, "UnauthorizedBlobOverwrite", "This request is not authorized to perform blob overwrites.");
pub(crate) const UNSUPPORTED_HTTP_VERB: Known = Known(405, "UnsupportedHttpVerb", "The resource doesn't support the specified HTTP verb.");
