"""What the real service answers, in the project's own words; drawn from recordings of it.

One fact a situation. ``tests/facts/test_service.py`` asks the embedded service, ``test_client.py`` tells the
errors among them to the client.
"""

from __future__ import annotations

from facts.facts import Asks, Fact, Here

LEASE = "fa57b10b-0000-4000-8000-00000000000a"
OTHER_LEASE = "fa57b10b-0000-4000-8000-00000000000b"
LONG_AGO = "Wed, 30 Nov 2022 22:40:43 GMT"
LIST = b"<?xml version='1.0' encoding='utf-8'?><BlockList><Latest>AAAA</Latest></BlockList>"
TAGS = b"<Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags>"
# Of b"hello world", and of nothing that is sent here.
MD5, OTHER_MD5 = "XrY7u+Ae7tCTyyK7j1rNww==", "78ZW6tTPC26e7cQ9K+f2vA=="
CRC64, OTHER_CRC64 = "vo7q9sPVKY0=", "URrEsoT5zCo="

PUT = Asks("PUT", "/data/blob", {"x-ms-blob-type": "BlockBlob"}, b"hello world")
PUT_TAGGED = PUT.having(x_ms_tags="state=done")
PUT_EMPTY = Asks("PUT", "/data/blob", {"x-ms-blob-type": "BlockBlob"})
GET = Asks("GET", "/data/blob")
HEAD = Asks("HEAD", "/data/blob")
DELETE = Asks("DELETE", "/data/blob")
BLOCK = Asks("PUT", "/data/blob?comp=block&blockid=AAAA", body=b"hello world")
BLOCK_LIST = Asks("PUT", "/data/blob?comp=blocklist", body=LIST)
SET_METADATA = Asks("PUT", "/data/blob?comp=metadata", {"x-ms-meta-k": "v"})
SET_PROPERTIES = Asks("PUT", "/data/blob?comp=properties")
GET_TAGS = Asks("GET", "/data/blob?comp=tags")
SET_TAGS = Asks("PUT", "/data/blob?comp=tags", {"Content-Type": "application/xml"}, TAGS)
FIND = Asks("GET", "/?comp=blobs&where=%22state%22%20%3D%20%27done%27")
FIND_BELOW = Asks("GET", "/data?restype=container&comp=blobs&where=%22state%22%20%3D%20%27done%27")
ARCHIVE = Asks("PUT", "/data/blob?comp=tier", {"x-ms-access-tier": "Archive"})
TO_HOT = Asks("PUT", "/data/blob?comp=tier", {"x-ms-access-tier": "Hot"})
SNAPSHOT = Asks("PUT", "/data/blob?comp=snapshot")
ACQUIRE = Asks(
    "PUT",
    "/data/blob?comp=lease",
    {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "60", "x-ms-proposed-lease-id": LEASE},
)
BREAK = Asks("PUT", "/data/blob?comp=lease", {"x-ms-lease-action": "break", "x-ms-lease-break-period": "0"})
COPY = Asks("PUT", "/data/copy", {"x-ms-copy-source": "{account}/data/blob"})
SYNCHRONOUS = COPY.having(x_ms_requires_sync="true")
FROM_URL = COPY.having(x_ms_blob_type="BlockBlob")
PUBLIC = Asks("PUT", "/public?restype=container", {"x-ms-blob-public-access": "blob"})
PUT_PUBLIC = Asks("PUT", "/public/blob", {"x-ms-blob-type": "BlockBlob"}, b"hello world")
CONTAINER = Asks("PUT", "/other?restype=container")
CONTAINER_PROPERTIES = Asks("GET", "/data?restype=container")
DELETE_CONTAINER = Asks("DELETE", "/data?restype=container")
LIST_BLOBS = Asks("GET", "/data?restype=container&comp=list")

OF_A_WRITE = ("etag", "last-modified", "content-length: 0")
UNMET = {"x_ms_if_tags": "\"state\" <> 'done'"}
SAS = {"sv": "2021-04-10", "se": "2099-01-01T00:00:00Z"}
BLOB_SAS = {**SAS, "sr": "b", "sp": "r"}


def of_public(asks: Asks, **headers: str) -> Asks:
    """The same copy, of a blob that anybody may read, since the service fetches it as anybody."""
    return asks.having(x_ms_copy_source="{account}/public/blob", **headers)


FACTS = (
    # Put Blob, Put Block, Put Block List
    Fact(
        "a blob is put",
        PUT,
        201,
        says=(
            *OF_A_WRITE,
            f"content-md5: {MD5}",
            f"x-ms-content-crc64: {CRC64}",
            "x-ms-request-server-encrypted: true",
        ),
    ),
    Fact(
        "a blob is put with a CRC64",
        PUT.having(x_ms_content_crc64=CRC64),
        201,
        says=(f"content-md5: {MD5}", f"x-ms-content-crc64: {CRC64}"),
    ),
    Fact(
        "a blob that was put with a CRC64 is read",
        GET,
        200,
        before=(PUT.having(x_ms_content_crc64=CRC64),),
        says=(f"content-md5: {MD5}",),
        silent=("x-ms-content-crc64",),
    ),
    Fact(
        "a blob is put with a wrong CRC64",
        PUT.having(x_ms_content_crc64=OTHER_CRC64),
        400,
        "Crc64Mismatch",
        elements=("UserSpecifiedCrc", "ServerCalculatedCrc"),
    ),
    Fact(
        "a blob is put with a wrong MD5",
        PUT.having(Content_MD5=OTHER_MD5),
        400,
        "Md5Mismatch",
        elements=("UserSpecifiedMd5", "ServerCalculatedMd5"),
    ),
    Fact(
        "a new blob is put where there is one",
        PUT.having(If_None_Match="*"),
        409,
        "BlobAlreadyExists",
        (PUT,),
    ),
    Fact(
        "a blob is put where there is no container",
        Asks("PUT", "/none/blob", {"x-ms-blob-type": "BlockBlob"}),
        404,
        "ContainerNotFound",
    ),
    Fact(
        "a new blob is put where there is a leased one",
        PUT.having(If_None_Match="*"),
        412,
        "LeaseIdMissing",
        (PUT, ACQUIRE),
    ),
    Fact(
        "a new blob is put where there is one, by who holds the lease on it",
        PUT.having(If_None_Match="*", x_ms_lease_id=LEASE),
        201,
        before=(PUT, ACQUIRE),
    ),
    Fact(
        "a blob is put by who has lost the lease on it",
        PUT.having(x_ms_lease_id=LEASE),
        412,
        "LeaseLost",
        (PUT, ACQUIRE, BREAK),
    ),
    Fact(
        "a blob is put by who holds another lease",
        PUT.having(x_ms_lease_id=OTHER_LEASE),
        412,
        "LeaseIdMismatchWithBlobOperation",
        (PUT, ACQUIRE),
    ),
    Fact("a blob is put over one of other tags", PUT.having(**UNMET), 412, "ConditionNotMet", (PUT_TAGGED,)),
    Fact(
        "a blob is put with an encryption scope",
        PUT.having(x_ms_encryption_scope="scope"),
        201,
        says=(*OF_A_WRITE, "x-ms-encryption-scope: scope"),
        here=Here.REFUSED,
    ),
    Fact(
        "an append blob is put",
        Asks("PUT", "/data/blob", {"x-ms-blob-type": "AppendBlob"}),
        201,
        here=Here.REFUSED,
    ),
    Fact(
        "a block is put",
        BLOCK,
        201,
        says=(f"x-ms-content-crc64: {CRC64}", "x-ms-request-server-encrypted: true"),
        silent=("content-md5", "etag"),
    ),
    Fact(
        "a block is put with an MD5",
        BLOCK.having(Content_MD5=MD5),
        201,
        says=(f"content-md5: {MD5}",),
        silent=("x-ms-content-crc64",),
    ),
    Fact(
        "a block is put with a wrong CRC64",
        BLOCK.having(x_ms_content_crc64=OTHER_CRC64),
        400,
        "Crc64Mismatch",
        elements=("UserSpecifiedCrc", "ServerCalculatedCrc"),
    ),
    Fact(
        "a block is put with a wrong MD5",
        BLOCK.having(Content_MD5=OTHER_MD5),
        400,
        "Md5Mismatch",
        elements=("UserSpecifiedMd5", "ServerCalculatedMd5"),
    ),
    Fact(
        "blocks are committed",
        BLOCK_LIST,
        201,
        before=(BLOCK,),
        says=(*OF_A_WRITE, "x-ms-content-crc64", "x-ms-request-server-encrypted: true"),
        silent=("content-md5",),
    ),
    Fact("a blob of blocks is read", GET, 200, before=(BLOCK, BLOCK_LIST), silent=("content-md5",)),
    Fact("blocks that are not there are committed", BLOCK_LIST, 400, "InvalidBlockList"),
    Fact(
        "blocks of a new blob are committed where there is one",
        BLOCK_LIST.having(If_None_Match="*"),
        409,
        "BlobAlreadyExists",
        (PUT, BLOCK),
    ),
    Fact(
        "blocks are committed over a blob of other tags",
        BLOCK_LIST.having(**UNMET),
        412,
        "ConditionNotMet",
        (PUT_TAGGED, BLOCK),
    ),
    Fact(
        "blocks are committed without the key of their blob",
        BLOCK_LIST,
        409,
        "BlobUsesCustomerSpecifiedEncryption",
        here=Here.OUT_OF_REACH,
    ),
    Fact(
        "blocks are listed that are not committed",
        Asks("GET", "/data/blob?comp=blocklist&blocklisttype=all"),
        200,
        before=(BLOCK,),
        says=("transfer-encoding: chunked", "content-type: application/xml"),
        silent=("etag", "last-modified", "x-ms-blob-content-length", "content-length"),
    ),
    # Get Blob, Get Blob Properties
    Fact(
        "a blob is read",
        GET,
        200,
        before=(PUT,),
        says=(
            "accept-ranges: bytes",
            "content-length: 11",
            f"content-md5: {MD5}",
            "content-type: application/octet-stream",
            "etag",
            "last-modified",
            "x-ms-blob-type: BlockBlob",
            "x-ms-creation-time",
            "x-ms-lease-state: available",
            "x-ms-lease-status: unlocked",
            "x-ms-server-encrypted: true",
        ),
        silent=("x-ms-blob-content-md5", "x-ms-tag-count", "x-ms-lease-duration"),
    ),
    Fact(
        "a range of a blob is read",
        GET.having(x_ms_range="bytes=3-99"),
        206,
        before=(PUT,),
        says=("content-range: bytes 3-10/11", f"x-ms-blob-content-md5: {MD5}"),
        silent=("content-md5",),
    ),
    Fact(
        "a range of an empty blob is read",
        GET.having(x_ms_range="bytes=0-99"),
        416,
        "InvalidRange",
        (PUT_EMPTY,),
        says=("content-range: bytes */0",),
    ),
    Fact(
        "both checksums of a range are asked for",
        GET.having(
            x_ms_range="bytes=0-9", x_ms_range_get_content_md5="true", x_ms_range_get_content_crc64="true"
        ),
        400,
        "BothCrc64AndMd5RangeHeaderPresent",
        (PUT,),
    ),
    Fact("a blob is read that is not there", GET, 404, "BlobNotFound"),
    Fact(
        "a blob is read that is known",
        GET.having(If_None_Match="{etag}"),
        304,
        "ConditionNotMet",
        (PUT,),
        silent=("content-type", "content-length", "etag"),
    ),
    Fact("a blob of other tags is read", GET.having(**UNMET), 412, "ConditionNotMet", (PUT_TAGGED,)),
    Fact(
        "a blob is read without its key",
        GET,
        409,
        "BlobUsesCustomerSpecifiedEncryption",
        here=Here.OUT_OF_REACH,
    ),
    Fact(
        "a version is read",
        Asks("GET", "/data/blob?versionid=2022-11-30T22:40:43.3651932Z"),
        200,
        here=Here.REFUSED,
    ),
    Fact(
        "a snapshot is read",
        Asks("GET", "/data/blob?snapshot=2022-11-30T22:40:43.3651932Z"),
        200,
        here=Here.REFUSED,
    ),
    Fact(
        "properties are asked for of a blob that is not there",
        HEAD,
        404,
        "BlobNotFound",
        says=("transfer-encoding: chunked",),
        silent=("content-type", "content-length"),
    ),
    Fact(
        "properties are asked for where there is no container",
        Asks("HEAD", "/none/blob"),
        404,
        "ContainerNotFound",
        says=("transfer-encoding: chunked",),
        silent=("content-type", "content-length"),
    ),
    Fact(
        "properties are asked for of a blob that is known",
        HEAD.having(If_None_Match="{etag}"),
        304,
        "ConditionNotMet",
        (PUT,),
        says=("content-length: 0",),
        silent=("etag",),
    ),
    Fact(
        "properties are asked for of another blob",
        HEAD.having(If_Match='"0x1"'),
        412,
        "ConditionNotMet",
        (PUT,),
    ),
    Fact(
        "properties are asked for without the key of the blob",
        HEAD,
        409,
        "BlobUsesCustomerSpecifiedEncryption",
        here=Here.OUT_OF_REACH,
    ),
    Fact(
        "properties are asked for of a blob on its way out of the archive",
        HEAD,
        200,
        before=(PUT, ARCHIVE, TO_HOT),
        says=(
            "x-ms-access-tier: Archive",
            "x-ms-access-tier-change-time",
            "x-ms-archive-status: rehydrate-pending-to-hot",
            "x-ms-rehydrate-priority: Standard",
        ),
        silent=("x-ms-access-tier-inferred",),
    ),
    Fact(
        "properties are asked for of a blob that leaves the archive soon",
        HEAD,
        200,
        before=(PUT, ARCHIVE, TO_HOT.having(x_ms_rehydrate_priority="High")),
        says=("x-ms-archive-status: rehydrate-pending-to-hot", "x-ms-rehydrate-priority: High"),
    ),
    Fact(
        "properties are asked for after they were set without a content type",
        HEAD,
        200,
        before=(PUT, SET_PROPERTIES),
        silent=("content-type", "content-md5"),
    ),
    # Who asks
    Fact(
        "nobody asks for a blob",
        Asks("GET", "/data/blob", signed=False),
        401,
        "NoAuthenticationInformation",
        (PUT,),
        says=("www-authenticate", "x-ms-version"),
    ),
    Fact(
        "nobody asks for a blob, and names no version",
        Asks("GET", "/data/blob", {"x-ms-version": ""}, signed=False),
        404,
        "ResourceNotFound",
        (PUT,),
        silent=("x-ms-error-code", "x-ms-version"),
    ),
    Fact(
        "somebody asks with a malformed token",
        Asks("GET", "/data/blob", {"Authorization": "Bearer malformed"}, signed=False),
        400,
        "InvalidAuthenticationInfo",
        silent=("www-authenticate", "x-ms-version"),
    ),
    Fact(
        "somebody asks with a token for another audience",
        Asks("GET", "/data/blob", {"Authorization": "Bearer {token}"}, signed=False),
        401,
        "InvalidAuthenticationInfo",
        says=("www-authenticate",),
        silent=("x-ms-version", "x-ms-client-request-id"),
        elements=("AuthenticationErrorDetail",),
    ),
    Fact(
        "somebody asks with a SAS that has expired",
        Asks("GET", "/data/blob", sas={**BLOB_SAS, "se": "2022-01-01T00:00:00Z"}),
        403,
        "AuthenticationFailed",
        silent=("x-ms-version",),
        elements=("AuthenticationErrorDetail",),
    ),
    Fact(
        "somebody asks with a SAS for something else",
        Asks("GET", "/data/blob", sas={**BLOB_SAS, "sp": "d"}),
        403,
        "AuthorizationPermissionMismatch",
        (PUT,),
    ),
    Fact(
        "somebody asks with an account SAS that is for no blobs",
        Asks("GET", "/data/blob", sas={**SAS, "ss": "b", "srt": "sc", "sp": "r"}),
        403,
        "AuthorizationResourceTypeMismatch",
        (PUT,),
        elements=("ExtendedErrorDetail",),
    ),
    Fact(
        "a SAS says what its URL is answered with, and names the version",
        Asks(
            "GET",
            "/data/blob",
            {"x-ms-version": ""},
            sas={**BLOB_SAS, "rsct": "text/plain", "rscc": "no-cache"},
        ),
        200,
        before=(PUT,),
        says=("content-type: text/plain", "cache-control: no-cache", "x-ms-version: 2021-04-10"),
    ),
    Fact(
        "somebody without a role asks for a blob",
        GET,
        403,
        "AuthorizationPermissionMismatch",
        here=Here.OUT_OF_REACH,
    ),
    Fact(
        "a user delegation key is asked for",
        Asks("POST", "/?restype=service&comp=userdelegationkey"),
        200,
        here=Here.REFUSED,
    ),
    # Delete Blob
    Fact(
        "a blob is deleted",
        DELETE,
        202,
        before=(PUT,),
        says=("content-length: 0", "x-ms-delete-type-permanent: true"),
    ),
    Fact("a blob is deleted that is not there", DELETE, 404, "BlobNotFound"),
    Fact("a blob is deleted that is leased", DELETE, 412, "LeaseIdMissing", (PUT, ACQUIRE)),
    Fact("another blob is deleted", DELETE.having(If_Match='"0x1"'), 412, "ConditionNotMet", (PUT,)),
    Fact("a blob of other tags is deleted", DELETE.having(**UNMET), 412, "ConditionNotMet", (PUT_TAGGED,)),
    Fact("a blob is deleted that has snapshots", DELETE, 409, "SnapshotsPresent", here=Here.OUT_OF_REACH),
    Fact(
        "a blob is deleted under a legal hold",
        DELETE,
        409,
        "BlobImmutableDueToLegalHold",
        here=Here.OUT_OF_REACH,
    ),
    Fact(
        "snapshots of a blob are deleted",
        DELETE.having(x_ms_delete_snapshots="only"),
        202,
        before=(PUT,),
        here=Here.REFUSED,
    ),
    Fact(
        "a version is deleted that is not the current one",
        Asks("DELETE", "/data/blob?versionid=2022-11-30T22:40:43.3651932Z"),
        202,
        before=(PUT,),
        says=("content-length: 0", "x-ms-delete-type-permanent: true"),
        here=Here.REFUSED,
    ),
    Fact(
        "a blob is brought back that was deleted",
        Asks("PUT", "/data/blob?comp=undelete"),
        200,
        before=(PUT, DELETE),
        says=("content-length: 0",),
        here=Here.REFUSED,
    ),
    # Snapshot Blob
    Fact(
        "a snapshot is taken",
        SNAPSHOT,
        201,
        before=(PUT,),
        says=(*OF_A_WRITE, "x-ms-snapshot", "x-ms-request-server-encrypted: true"),
        here=Here.REFUSED,
    ),
    Fact(
        "a snapshot is taken of a blob of other tags",
        SNAPSHOT.having(**UNMET),
        412,
        "ConditionNotMet",
        (PUT_TAGGED,),
        here=Here.REFUSED,
    ),
    Fact(
        "a snapshot is taken of a blob that has a key of the customer's",
        SNAPSHOT,
        409,
        "BlobUsesCustomerSpecifiedEncryption",
        here=Here.REFUSED,
    ),
    Fact(
        "properties are asked for of a snapshot that was deleted",
        Asks("HEAD", "/data/blob?snapshot=2022-11-30T22:40:43.3651932Z"),
        404,
        "BlobNotFound",
        before=(PUT,),
        here=Here.REFUSED,
    ),
    # Containers
    Fact("a container is created", CONTAINER, 201, says=OF_A_WRITE),
    Fact("a container is created that exists", CONTAINER, 409, "ContainerAlreadyExists", (CONTAINER,)),
    Fact(
        "a container is created that goes away",
        CONTAINER,
        409,
        "ContainerBeingDeleted",
        here=Here.OUT_OF_REACH,
    ),
    Fact(
        "a blob is put into a container that goes away",
        PUT,
        409,
        "ContainerBeingDeleted",
        here=Here.OUT_OF_REACH,
    ),
    Fact(
        "a container is created by a wrong name",
        Asks("PUT", "/Wrong?restype=container"),
        400,
        "InvalidResourceName",
    ),
    Fact("a container is deleted", DELETE_CONTAINER, 202, says=("content-length: 0",)),
    Fact(
        "a container is deleted that is not there",
        Asks("DELETE", "/none?restype=container"),
        404,
        "ContainerNotFound",
    ),
    Fact(
        "a container is deleted that was changed since",
        DELETE_CONTAINER.having(If_Unmodified_Since=LONG_AGO),
        412,
        "ConditionNotMet",
    ),
    Fact(
        "properties of a container are asked for",
        CONTAINER_PROPERTIES,
        200,
        says=(
            *OF_A_WRITE,
            "x-ms-default-encryption-scope: $account-encryption-key",
            "x-ms-deny-encryption-scope-override: false",
            "x-ms-has-immutability-policy: false",
            "x-ms-has-legal-hold: false",
            "x-ms-immutable-storage-with-versioning-enabled: false",
            "x-ms-lease-state: available",
            "x-ms-lease-status: unlocked",
        ),
    ),
    Fact(
        "properties are asked for of a container that is not there",
        Asks("GET", "/none?restype=container"),
        404,
        "ContainerNotFound",
    ),
    Fact(
        "a container is leased",
        Asks(
            "PUT",
            "/data?restype=container&comp=lease",
            {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "60"},
        ),
        201,
        here=Here.REFUSED,
    ),
    Fact(
        "metadata of a container are set",
        Asks("PUT", "/data?restype=container&comp=metadata", {"x-ms-meta-k": "v"}),
        200,
        says=OF_A_WRITE,
        here=Here.REFUSED,
    ),
    Fact(
        "metadata are set of a container that is not there",
        Asks("PUT", "/none?restype=container&comp=metadata", {"x-ms-meta-k": "v"}),
        404,
        "ContainerNotFound",
        here=Here.REFUSED,
    ),
    Fact(
        "a container is deleted by who has lost the lease on it",
        DELETE_CONTAINER.having(x_ms_lease_id=LEASE),
        412,
        "LeaseLost",
        here=Here.OUT_OF_REACH,
    ),
    Fact(
        "properties of a container are asked for by who holds another lease",
        CONTAINER_PROPERTIES.having(x_ms_lease_id=OTHER_LEASE),
        412,
        "LeaseIdMismatchWithContainerOperation",
        here=Here.OUT_OF_REACH,
    ),
    # The account
    Fact(
        "account information is asked for",
        Asks("GET", "/?restype=account&comp=properties"),
        200,
        says=("x-ms-sku-name", "x-ms-account-kind", "content-length: 0"),
        here=Here.REFUSED,
    ),
    # Lists
    Fact(
        "blobs are listed",
        LIST_BLOBS,
        200,
        before=(PUT,),
        says=("transfer-encoding: chunked", "content-type: application/xml"),
        silent=("content-length",),
    ),
    Fact(
        "containers are listed",
        Asks("GET", "/?comp=list"),
        200,
        says=("transfer-encoding: chunked", "content-type: application/xml"),
        silent=("content-length",),
    ),
    Fact(
        "deleted containers are listed",
        Asks("GET", "/?comp=list&include=deleted"),
        200,
        says=("transfer-encoding: chunked", "content-type: application/xml"),
        here=Here.REFUSED,
    ),
    *(
        Fact(
            f"blobs are listed with {what}",
            Asks("GET", f"/data?restype=container&comp=list&include={what}"),
            200,
            here=Here.REFUSED,
        )
        for what in ("deleted", "deletedwithversions", "snapshots", "uncommittedblobs", "versions")
    ),
    # Leases
    Fact(
        "a lease is acquired",
        ACQUIRE,
        201,
        before=(PUT,),
        says=(*OF_A_WRITE, f"x-ms-lease-id: {LEASE}"),
    ),
    Fact(
        "a lease is acquired on a leased blob",
        ACQUIRE.having(x_ms_proposed_lease_id=OTHER_LEASE),
        409,
        "LeaseAlreadyPresent",
        (PUT, ACQUIRE),
    ),
    Fact(
        "a lease is acquired on a blob of other tags",
        ACQUIRE.having(**UNMET),
        412,
        "ConditionNotMet",
        (PUT_TAGGED,),
    ),
    Fact(
        "a lease is renewed",
        ACQUIRE.having(x_ms_lease_action="renew", x_ms_lease_id=LEASE),
        200,
        before=(PUT, ACQUIRE),
        says=("x-ms-lease-id",),
    ),
    Fact(
        "a lease is released",
        ACQUIRE.having(x_ms_lease_action="release", x_ms_lease_id=LEASE),
        200,
        before=(PUT, ACQUIRE),
        says=OF_A_WRITE,
        silent=("x-ms-lease-id",),
    ),
    Fact("a lease is broken", BREAK, 202, before=(PUT, ACQUIRE), says=(*OF_A_WRITE, "x-ms-lease-time: 0")),
    # Copies
    Fact(
        "a blob is copied",
        COPY,
        202,
        before=(PUT,),
        says=(*OF_A_WRITE, "x-ms-copy-id", "x-ms-copy-status: success"),
        silent=("x-ms-request-server-encrypted", "x-ms-content-crc64"),
    ),
    Fact("a blob is copied that is not there", COPY, 404, "BlobNotFound"),
    Fact(
        "another blob is copied",
        COPY.having(x_ms_source_if_match='"0x1"'),
        412,
        "SourceConditionNotMet",
        (PUT,),
    ),
    Fact(
        "a blob of other tags is copied",
        COPY.having(x_ms_source_if_tags=UNMET["x_ms_if_tags"]),
        412,
        "ConditionNotMet",
        (PUT_TAGGED,),
    ),
    Fact(
        "a blob is copied over another",
        COPY.having(If_Match='"0x1"'),
        412,
        "ConditionNotMet",
        (PUT, COPY),
    ),
    Fact(
        "a blob is copied from somewhere else",
        COPY.having(x_ms_copy_source="https://elsewhere.example/blob"),
        202,
        says=("x-ms-copy-status: pending",),
        here=Here.REFUSED,
    ),
    Fact("a copy from somewhere slow is begun", COPY, 500, "OperationTimedOut", here=Here.OUT_OF_REACH),
    Fact(
        "a copy is given up that is done",
        Asks("PUT", "/data/copy?comp=copy&copyid=" + LEASE, {"x-ms-copy-action": "abort"}),
        409,
        "NoPendingCopyOperation",
        (PUT, COPY),
    ),
    Fact(
        "a blob is copied at once",
        of_public(SYNCHRONOUS),
        202,
        before=(PUBLIC, PUT_PUBLIC),
        says=(
            *OF_A_WRITE,
            f"x-ms-content-crc64: {CRC64}",
            "x-ms-copy-id",
            "x-ms-copy-status: success",
            "x-ms-request-server-encrypted: true",
        ),
    ),
    Fact("a blob is copied at once that nobody may read", SYNCHRONOUS, 404, "CannotVerifyCopySource", (PUT,)),
    Fact(
        "a blob is copied at once that is known",
        of_public(SYNCHRONOUS, x_ms_source_if_none_match="{etag}"),
        304,
        "CannotVerifyCopySource",
        (PUBLIC, PUT_PUBLIC),
        says=("content-length: 0",),
        silent=("content-type",),
    ),
    Fact(
        "another blob is copied at once",
        of_public(SYNCHRONOUS, x_ms_source_if_match='"0x1"'),
        412,
        "CannotVerifyCopySource",
        (PUBLIC, PUT_PUBLIC),
    ),
    Fact(
        "a blob is put from a URL, its MD5 told",
        of_public(FROM_URL, x_ms_source_content_md5=MD5),
        201,
        before=(PUBLIC, PUT_PUBLIC),
        says=(*OF_A_WRITE, f"content-md5: {MD5}", "x-ms-request-server-encrypted: true"),
        silent=("x-ms-content-crc64",),
    ),
    Fact(
        "a blob is put from a URL, a wrong MD5 told",
        of_public(FROM_URL, x_ms_source_content_md5=OTHER_MD5),
        400,
        "Md5Mismatch",
        (PUBLIC, PUT_PUBLIC),
        elements=("UserSpecifiedMd5", "ServerCalculatedMd5"),
    ),
    Fact(
        "a blob is put from a URL, a wrong CRC64 told",
        of_public(FROM_URL, x_ms_source_content_crc64=OTHER_CRC64),
        400,
        "Crc64Mismatch",
        (PUBLIC, PUT_PUBLIC),
        elements=("UserSpecifiedCrc", "ServerCalculatedCrc"),
    ),
    Fact("a blob is put from a URL that nobody may read", FROM_URL, 404, "CannotVerifyCopySource", (PUT,)),
    # Metadata, properties, tags, tiers
    Fact(
        "metadata are set",
        SET_METADATA,
        200,
        before=(PUT,),
        says=(*OF_A_WRITE, "x-ms-request-server-encrypted: true"),
    ),
    Fact(
        "metadata of a blob of other tags are set",
        SET_METADATA.having(**UNMET),
        412,
        "ConditionNotMet",
        (PUT_TAGGED,),
    ),
    Fact(
        "metadata are set without the key of the blob",
        SET_METADATA,
        409,
        "BlobUsesCustomerSpecifiedEncryption",
        here=Here.OUT_OF_REACH,
    ),
    Fact(
        "properties are set",
        SET_PROPERTIES,
        200,
        before=(PUT,),
        says=OF_A_WRITE,
        silent=("x-ms-request-server-encrypted",),
    ),
    Fact(
        "an MD5 of 12 bytes is set",
        SET_PROPERTIES.having(x_ms_blob_content_md5="AAECAwQFBgcICQoL"),
        200,
        before=(PUT,),
    ),
    Fact(
        "properties of a blob of other tags are set",
        SET_PROPERTIES.having(**UNMET),
        412,
        "ConditionNotMet",
        (PUT_TAGGED,),
    ),
    Fact(
        "tags are read",
        GET_TAGS,
        200,
        before=(PUT_TAGGED,),
        says=("content-length", "content-type: application/xml"),
        silent=("transfer-encoding",),
    ),
    Fact("tags are set", SET_TAGS, 204, before=(PUT,), silent=("content-length", "content-type", "etag")),
    Fact("tags of a leased blob are set", SET_TAGS, 412, "LeaseIdMissing", (PUT, ACQUIRE)),
    Fact(
        "tags are set by who holds another lease",
        SET_TAGS.having(x_ms_lease_id=OTHER_LEASE),
        412,
        "LeaseIdMismatchWithBlobOperation",
        (PUT, ACQUIRE),
    ),
    Fact(
        "tags are read with an id of a lease that is none",
        GET_TAGS.having(x_ms_lease_id="'mine'"),
        400,
        "InvalidHeaderValue",
        (PUT, ACQUIRE),
        elements=("HeaderName", "HeaderValue"),
    ),
    Fact(
        "a tier is set",
        TO_HOT,
        200,
        before=(PUT,),
        says=("content-length: 0",),
        silent=("etag", "last-modified"),
    ),
    Fact(
        "a blob is taken out of the archive", TO_HOT, 202, before=(PUT, ARCHIVE), says=("content-length: 0",)
    ),
    Fact(
        "a blob is taken out of the archive twice",
        TO_HOT,
        409,
        "BlobBeingRehydrated",
        (PUT, ARCHIVE, TO_HOT),
    ),
    Fact("the tier of a leased blob is set", TO_HOT, 412, "LeaseIdMissing", (PUT, ACQUIRE)),
    Fact(
        "the tier of a blob of other tags is set",
        TO_HOT.having(**UNMET),
        412,
        "ConditionNotMet",
        (PUT_TAGGED,),
    ),
    Fact("blobs are searched for by tags", FIND, 200, says=("content-type",), here=Here.REFUSED),
    Fact(
        "blobs of a container are searched for by tags",
        FIND_BELOW,
        200,
        says=("content-type",),
        here=Here.REFUSED,
    ),
    Fact(
        "metadata are set with an encryption scope",
        SET_METADATA.having(x_ms_encryption_scope="mine"),
        200,
        before=(PUT,),
        says=("x-ms-encryption-scope: mine",),
        here=Here.REFUSED,
    ),
    # Trouble
    *(
        Fact(f"a {what} is asked for in a busy hour", asks, 503, "ServerBusy", here=Here.OUT_OF_REACH)
        for what, asks in (("blob", GET), ("list", LIST_BLOBS), ("write", PUT))
    ),
)
