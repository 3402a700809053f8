//! Blobs over the wire: writing, reading, conditions, checksums.

use crate::client::{Client, start, start_with};

const BLOCK_BLOB: (&str, &str) = ("x-ms-blob-type", "BlockBlob");
const OTHER_LEASE: &str = "fa57b10b-0000-4000-8000-000000000000";

#[test]
fn put_and_get() {
    let service = start();
    let mut client = Client::new(&service);
    let put = client.send(
        "PUT",
        "/data/a%20b%2520%C3%A9",
        &[
            BLOCK_BLOB,
            ("x-ms-meta-Case_Kept", "1"),
            ("x-ms-client-request-id", "mine"),
        ],
        b"hello",
    );
    assert_eq!(put.status, 201);
    assert_eq!(put.header("content-md5"), Some("XUFAKrxLKna5cZ2REBfFkg=="));
    assert!(put.header("x-ms-content-crc64").is_some());
    assert_eq!(put.header("x-ms-version"), Some(crate::client::VERSION));
    assert_eq!(put.header("x-ms-client-request-id"), Some("mine"));
    assert!(put.header("x-ms-request-id").is_some());

    let got = client.get("/data/a%20b%2520%C3%A9");
    assert_eq!((got.status, &*got.body), (200, &b"hello"[..]));
    assert!(got.head.contains("x-ms-meta-Case_Kept: 1"));
    assert_eq!(got.header("etag"), put.header("etag"));
    assert_eq!(got.header("content-type"), Some("application/octet-stream"));
    let head = client.send("HEAD", "/data/a%20b%2520%C3%A9", &[], b"");
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("5"))
    );
    assert_eq!(head.header("x-ms-access-tier"), Some("Hot"));

    let record = &service.requests()[0];
    assert_eq!(
        (record.operation, record.status, record.connection),
        ("PutBlob", 201, 1)
    );
    assert_eq!(record.client_request_id.as_deref(), Some("mine"));
    assert_eq!(service.request_counts()["GetBlob"], 1);
}

#[test]
fn errors_have_codes_and_bodies() {
    let service = start();
    let mut client = Client::new(&service);
    let missing = client.get("/data/none");
    assert_eq!(missing.error(), (404, "BlobNotFound"));
    let id = missing.header("x-ms-request-id").expect("an id");
    let start = format!(
        "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>BlobNotFound</Code>\
         <Message>The specified blob does not exist.\nRequestId:{id}\nTime:20"
    );
    assert!(missing.text().starts_with(&start), "{}", missing.text());
    let head = client.send("HEAD", "/data/none", &[], b"");
    assert_eq!(head.header("transfer-encoding"), Some("chunked"));
    for name in ["content-type", "content-length"] {
        assert_eq!(head.header(name), None);
    }
    assert_eq!(
        client.get("/other/none").error(),
        (404, "ContainerNotFound")
    );
    assert_eq!(
        client.send("HEAD", "/data/none", &[], b"").error(),
        (404, "BlobNotFound")
    );
    assert_eq!(
        client.send("PUT", "/data/x", &[], b"").error(),
        (400, "MissingRequiredHeader")
    );
    let append = [("x-ms-blob-type", "AppendBlob")];
    assert_eq!(
        client.send("PUT", "/data/x", &append, b"").error(),
        (501, "NotImplemented")
    );
    for version in ["2099-01-01", "latest", "2000-01-01"] {
        let refused = client.send("GET", "/data/none", &[("x-ms-version", version)], b"");
        assert_eq!(refused.error(), (400, "InvalidHeaderValue"), "{version}");
    }
    let refused = client.send("GET", "/data/none", &[("x-ms-version", "")], b"");
    assert_eq!(refused.error(), (400, "MissingRequiredHeader"));
    assert_eq!(
        client.send("GET", "/data/x?comp=page", &[], b"").error(),
        (501, "NotImplemented")
    );
    assert_eq!(
        client.send("PATCH", "/data/x", &[], b"").error(),
        (405, "UnsupportedHttpVerb")
    );
    assert_eq!(client.get("/data/%ff").error(), (400, "InvalidUri"));
    assert_eq!(
        service.requests().last().map(|record| record.connection),
        Some(1)
    );
}

#[test]
fn ranges() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", b"0123456789");
    client.put("/data/empty", b"");
    let mut range = |path: &str, name: &str, value: &str| {
        let got = client.send("GET", path, &[(name, value)], b"");
        let content_range = got.header("content-range").unwrap_or_default().to_owned();
        (
            got.status,
            content_range,
            String::from_utf8_lossy(&got.body).into_owned(),
        )
    };
    let expected = (206, "bytes 2-4/10".to_owned(), "234".to_owned());
    assert_eq!(range("/data/b", "Range", "bytes=2-4"), expected);
    assert_eq!(range("/data/b", "x-ms-range", "bytes=2-4"), expected);
    assert_eq!(
        range("/data/b", "Range", "bytes=8-"),
        (206, "bytes 8-9/10".into(), "89".into())
    );
    assert_eq!(
        range("/data/b", "Range", "bytes=8-99"),
        (206, "bytes 8-9/10".into(), "89".into())
    );
    let (status, content_range, _) = range("/data/b", "Range", "bytes=10-12");
    assert_eq!((status, &*content_range), (416, "bytes */10"));
    let (status, content_range, _) = range("/data/empty", "Range", "bytes=0-9");
    assert_eq!((status, &*content_range), (416, "bytes */0"));

    let crc64 = [
        ("Range", "bytes=0-8"),
        ("x-ms-range-get-content-crc64", "true"),
    ];
    let got = client.send("GET", "/data/b", &crc64, b"");
    assert!(got.header("x-ms-content-crc64").is_some() && got.header("content-md5").is_none());
    assert_eq!(
        got.header("x-ms-blob-content-md5"),
        Some("eB5eJF1ptWaXm4bijSPyxw==")
    );
    let md5 = [
        ("Range", "bytes=0-0"),
        ("x-ms-range-get-content-md5", "true"),
    ];
    let got = client.send("GET", "/data/b", &md5, b"");
    assert_eq!(got.header("content-md5"), Some("z80ghJXVZe9m59/5+Ydk2g=="));
    assert_eq!(client.send("GET", "/data/b", &md5[1..], b"").status, 400);
}

#[test]
fn checksums_of_four_mebibytes_and_no_more() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", &vec![7; (4 << 20) + 1]);
    let mut summed = |range: &str| {
        let headers = [("Range", range), ("x-ms-range-get-content-crc64", "true")];
        client.send("GET", "/data/b", &headers, b"").status
    };
    assert_eq!(summed("bytes=0-4194303"), 206);
    assert_eq!(summed("bytes=0-4194304"), 400);
}

#[test]
fn uploads_are_verified() {
    let service = start();
    let mut client = Client::new(&service);
    let mut put = |path: &str, headers: &[(&str, &str)]| {
        let headers = [&[BLOCK_BLOB], headers].concat();
        let response = client.send("PUT", path, &headers, b"123456789");
        (
            response.status,
            response
                .header("x-ms-error-code")
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let crc64 = ("x-ms-content-crc64", "iJh5CoYUi64=");
    let md5 = ("Content-MD5", "JfnnlDI7RTiF9RgfG2JNCw==");
    let wrong_crc64 = ("x-ms-content-crc64", "AAAAAAAAAAA=");
    let wrong_md5 = ("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==");
    for path in ["/data/b", "/data/b?comp=block&blockid=AAAA"] {
        assert_eq!(put(path, &[crc64]).0, 201);
        assert_eq!(put(path, &[md5]).0, 201);
        assert_eq!(put(path, &[wrong_crc64]), (400, "Crc64Mismatch".into()));
        assert_eq!(put(path, &[wrong_md5]), (400, "Md5Mismatch".into()));
        assert_eq!(put(path, &[crc64, md5]).0, 400);
        assert_eq!(
            put(path, &[("Content-MD5", "short")]),
            (400, "InvalidMd5".into())
        );
    }
    assert_eq!(
        put("/data/b", &[("x-ms-blob-content-md5", wrong_md5.1)]).1,
        "Md5Mismatch"
    );
}

#[test]
fn conditions() {
    let service = start();
    let mut client = Client::new(&service);
    let etag = client
        .put("/data/b", b"1")
        .header("etag")
        .expect("a tag")
        .to_owned();
    let mut ask = |method: &str, headers: &[(&str, &str)]| {
        let headers = [&[BLOCK_BLOB], headers].concat();
        let response = client.send(method, "/data/b", &headers, b"");
        (
            response.status,
            response
                .header("x-ms-error-code")
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let not_met = |status| (status, "ConditionNotMet".to_owned());
    let (past, future) = (
        "Mon, 23 Nov 2020 15:32:25 GMT",
        "Mon, 23 Nov 2099 15:32:25 GMT",
    );
    assert_eq!(ask("GET", &[("If-Match", &etag)]).0, 200);
    assert_eq!(ask("GET", &[("If-Match", etag.trim_matches('"'))]).0, 200);
    assert_eq!(ask("GET", &[("If-Match", "\"0x1\"")]), not_met(412));
    assert_eq!(ask("GET", &[("If-None-Match", &etag)]), not_met(304));
    assert_eq!(ask("GET", &[("If-Modified-Since", future)]), not_met(304));
    assert_eq!(ask("GET", &[("If-Unmodified-Since", past)]), not_met(412));
    assert_eq!(ask("GET", &[("If-Unmodified-Since", future)]).0, 200);
    assert_eq!(
        ask("PUT", &[("If-None-Match", "*")]),
        (409, "BlobAlreadyExists".into())
    );
    assert_eq!(ask("PUT", &[("If-None-Match", &etag)]), not_met(412));
    assert_eq!(ask("PUT", &[("If-Match", "\"0x1\"")]), not_met(412));
    assert_eq!(ask("PUT", &[("If-Match", &etag)]).0, 201);
    assert_eq!(ask("DELETE", &[("If-Match", &etag)]), not_met(412));
    assert_eq!(ask("DELETE", &[]).0, 202);
    assert_eq!(ask("PUT", &[("If-Match", "*")]), not_met(412));
    assert_eq!(ask("PUT", &[("If-None-Match", "*")]).0, 201);
}

#[test]
fn blocks() {
    let service = start();
    let mut client = Client::new(&service);
    let mut put = |id: &str, body: &[u8]| {
        let path = format!("/data/b?comp=block&blockid={id}");
        let response = client.send("PUT", &path, &[], body);
        (
            response.status,
            response
                .header("x-ms-error-code")
                .unwrap_or_default()
                .to_owned(),
        )
    };
    assert_eq!(put("AAAA", b"one").0, 201);
    assert_eq!(put("BBBB", b"two").0, 201);
    assert_eq!(
        put("CCCCCCCC", b"three"),
        (400, "InvalidBlobOrBlock".into())
    );
    assert_eq!(put("!", b"x"), (400, "InvalidQueryParameterValue".into()));
    let long = "AAAA".repeat(22);
    assert_eq!(
        put(&long, b"x"),
        (400, "OutOfRangeQueryParameterValue".into())
    );
    assert_eq!(client.get("/data/b").status, 404);

    let list = |entries: &str| format!("<?xml version='1.0'?><BlockList>{entries}</BlockList>");
    let path = "/data/b?comp=blocklist";
    let unknown = list("<Latest>DDDD</Latest>");
    assert_eq!(
        client.send("PUT", path, &[], unknown.as_bytes()).error(),
        (400, "InvalidBlockList")
    );
    assert_eq!(
        client.send("PUT", path, &[], b"<BlockList>").error(),
        (400, "InvalidXmlDocument")
    );
    let both = list("<Latest>BBBB</Latest><Uncommitted>AAAA</Uncommitted>");
    let committed = client.send("PUT", path, &[], both.as_bytes());
    assert_eq!(
        (committed.status, committed.header("content-md5")),
        (201, None)
    );
    assert_eq!(client.get("/data/b").body, b"twoone");
    let range = client.send("GET", "/data/b", &[("Range", "bytes=2-3")], b"");
    assert_eq!(range.body, b"oo");

    // Committed blocks can be used again, beside new ones.
    client.send("PUT", "/data/b?comp=block&blockid=BBBB", &[], b"TWO");
    let mixed = list("<Committed>BBBB</Committed><Latest>BBBB</Latest><Latest>AAAA</Latest>");
    assert_eq!(client.send("PUT", path, &[], mixed.as_bytes()).status, 201);
    assert_eq!(client.get("/data/b").body, b"twoTWOone");
    assert_eq!(
        client.send("PUT", path, &[], list("").as_bytes()).status,
        201
    );
    assert_eq!(client.get("/data/b").body, b"");
}

#[test]
fn too_many_blocks() {
    let service = start();
    let mut client = Client::new(&service);
    client.send("PUT", "/data/b?comp=block&blockid=AAAA", &[], b"x");
    let mut commit = |count: usize| {
        let list = format!(
            "<BlockList>{}</BlockList>",
            "<Latest>AAAA</Latest>".repeat(count)
        );
        client
            .send("PUT", "/data/b?comp=blocklist", &[], list.as_bytes())
            .status
    };
    assert_eq!(commit(50_001), 400);
    assert_eq!(commit(50_000), 201);
    assert_eq!(
        client
            .send("HEAD", "/data/b", &[], b"")
            .header("content-length"),
        Some("50000")
    );
}

#[test]
fn lists_page_by_page() {
    let service = start();
    let mut client = Client::new(&service);
    for name in ["a/1", "a/2", "a/x/1", "a/x/2", "a/y", "b"] {
        client.put(&format!("/data/{name}"), b"x");
    }
    let mut names = Vec::new();
    let mut marker = String::new();
    loop {
        let path = format!(
            "/data?restype=container&comp=list&prefix=a/&delimiter=/&maxresults=2&marker={marker}"
        );
        let page = client.get(&path);
        assert_eq!(page.status, 200);
        let text = page.text();
        let found: Vec<_> = text
            .split("<Name>")
            .skip(1)
            .filter_map(|part| part.split("</Name>").next())
            .collect();
        assert!(found.len() <= 2);
        names.extend(found.into_iter().map(String::from));
        match text.split_once("<NextMarker>") {
            Some((_, rest)) => marker = rest.split('<').next().unwrap_or_default().to_owned(),
            None => break,
        }
    }
    assert_eq!(names, ["a/1", "a/2", "a/x/", "a/y"]);
}

#[test]
fn leases_keep_others_from_writing() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", b"1");
    let acquire = [
        ("x-ms-lease-action", "acquire"),
        ("x-ms-lease-duration", "-1"),
    ];
    let leased = client.send("PUT", "/data/b?comp=lease", &acquire, b"");
    let id = leased.header("x-ms-lease-id").expect("an id").to_owned();
    assert_eq!(client.put("/data/b", b"2").error(), (412, "LeaseIdMissing"));
    let block = client.send("PUT", "/data/b?comp=block&blockid=AAAA", &[], b"x");
    assert_eq!(block.error(), (412, "LeaseIdMissing"));
    let wrong = [BLOCK_BLOB, ("x-ms-lease-id", OTHER_LEASE)];
    let refused = client.send("PUT", "/data/b", &wrong, b"2");
    assert_eq!(refused.error(), (412, "LeaseIdMismatchWithBlobOperation"));
    let right = [BLOCK_BLOB, ("x-ms-lease-id", &id)];
    assert_eq!(client.send("PUT", "/data/b", &right, b"2").status, 201);
    let broken = [
        ("x-ms-lease-action", "break"),
        ("x-ms-lease-break-period", "0"),
    ];
    assert_eq!(
        client
            .send("PUT", "/data/b?comp=lease", &broken, b"")
            .status,
        202
    );
    let lost = client.send("PUT", "/data/b", &right, b"2");
    assert_eq!(lost.error(), (412, "LeaseLost"));
    assert_eq!(client.put("/data/b", b"3").status, 201);
}

#[test]
fn a_lease_goes_before_conditions() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", b"1");
    let acquire = [
        ("x-ms-lease-action", "acquire"),
        ("x-ms-lease-duration", "-1"),
    ];
    let leased = client.send("PUT", "/data/b?comp=lease", &acquire, b"");
    let id = leased.header("x-ms-lease-id").expect("an id").to_owned();
    let absent = ("If-None-Match", "*");
    let refused = client.send("PUT", "/data/b", &[BLOCK_BLOB, absent], b"2");
    assert_eq!(refused.error(), (412, "LeaseIdMissing"));
    let held = [BLOCK_BLOB, absent, ("x-ms-lease-id", &id)];
    assert_eq!(client.send("PUT", "/data/b", &held, b"2").status, 201);

    assert_eq!(client.get("/data/b").status, 200);
    let wrong = [("x-ms-lease-id", OTHER_LEASE)];
    for method in ["GET", "HEAD", "DELETE"] {
        let refused = client.send(method, "/data/b", &wrong, b"");
        assert_eq!(
            refused.error(),
            (412, "LeaseIdMismatchWithBlobOperation"),
            "{method}"
        );
    }
    client.put("/data/c", b"1");
    let refused = client.send("GET", "/data/c", &wrong, b"");
    assert_eq!(refused.error(), (412, "LeaseNotPresentWithBlobOperation"));
}

#[test]
fn conditions_of_every_change() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", b"1");
    let tags = b"<Tags><TagSet></TagSet></Tags>";
    let list = b"<BlockList></BlockList>";
    for (path, body) in [
        ("/data/b?comp=metadata", &b""[..]),
        ("/data/b?comp=properties", b""),
        ("/data/b?comp=tags", tags),
        ("/data/b?comp=tier", b""),
        ("/data/b?comp=blocklist", list),
        ("/data/b?comp=lease", b""),
    ] {
        for condition in [
            ("If-Match", "\"0x1\""),
            ("If-Modified-Since", "Mon, 23 Nov 2099 15:32:25 GMT"),
            ("If-Unmodified-Since", "Mon, 23 Nov 2020 15:32:25 GMT"),
        ] {
            let headers = [("x-ms-access-tier", "Cool"), condition];
            let refused = client.send("PUT", path, &headers, body);
            assert_eq!(refused.error(), (412, "ConditionNotMet"), "{path}");
        }
    }
}

#[test]
fn conditions_of_a_source() {
    let service = start();
    let mut client = Client::new(&service);
    let etag = client.put("/data/a", b"1").header("etag").map(String::from);
    let etag = etag.expect("a tag");
    let url = format!("{}/data/a", service.blob_endpoint());
    let token = client.authorization().to_owned();
    let (past, future) = (
        "Mon, 23 Nov 2020 15:32:25 GMT",
        "Mon, 23 Nov 2099 15:32:25 GMT",
    );
    for (name, value, status) in [
        ("x-ms-source-if-match", "\"0x1\"", 412),
        ("x-ms-source-if-unmodified-since", past, 412),
        ("x-ms-source-if-none-match", &etag, 304),
        ("x-ms-source-if-modified-since", future, 304),
    ] {
        let copy = [("x-ms-copy-source", &*url), (name, value)];
        let refused = client.send("PUT", "/data/b", &copy, b"");
        assert_eq!(refused.error(), (412, "SourceConditionNotMet"), "{name}");
        for kind in [("x-ms-requires-sync", "true"), BLOCK_BLOB] {
            let authorized = ("x-ms-copy-source-authorization", &*token);
            let copy = [&copy[..], &[kind, authorized]].concat();
            let refused = client.send("PUT", "/data/b", &copy, b"");
            assert_eq!(
                refused.error(),
                (status, "CannotVerifyCopySource"),
                "{name}"
            );
        }
    }
    let missing = [("x-ms-copy-source", &*format!("{url}x"))];
    let refused = client.send("PUT", "/data/b", &missing, b"");
    assert_eq!(refused.error(), (404, "BlobNotFound"));
    let missing = [missing[0], ("x-ms-requires-sync", "true")];
    let refused = client.send("PUT", "/data/b", &missing, b"");
    assert_eq!(refused.error(), (404, "CannotVerifyCopySource"));
}

#[test]
fn content_headers_come_back() {
    let service = start();
    let mut client = Client::new(&service);
    let headers = [
        ("content-type", "text/plain"),
        ("content-encoding", "gzip"),
        ("content-language", "de"),
        ("content-disposition", "inline"),
        ("cache-control", "no-store"),
    ];
    let named: Vec<_> = headers
        .iter()
        .map(|(name, value)| (format!("x-ms-blob-{name}"), *value))
        .collect();
    let sent = |more: &[(&'static str, &'static str)]| -> Vec<(String, String)> {
        let given = named
            .iter()
            .map(|(name, value)| (name.clone(), (*value).to_owned()));
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        given.chain(more).collect()
    };
    for (path, body, more) in [
        ("/data/a", &b"x"[..], &[BLOCK_BLOB][..]),
        (
            "/data/b?comp=blocklist",
            b"<BlockList/>",
            &[("x-ms-blob-content-md5", "nINv7+zFSbtYIx2mSENOIA==")],
        ),
    ] {
        let sent = sent(more);
        let sent: Vec<_> = sent
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(client.send("PUT", path, &sent, body).status, 201);
        let path = path.split('?').next().expect("a path");
        for method in ["GET", "HEAD"] {
            let answer = client.send(method, path, &[], b"");
            for (name, value) in headers {
                assert_eq!(answer.header(name), Some(value), "{method} {name}");
            }
            assert!(answer.header("content-md5").is_some(), "{method} {path}");
        }
    }

    // Set Blob Properties clears what it is not told, and looks at no MD5.
    let odd = [("x-ms-blob-content-md5", "MTIzNDU2Nzg5MDEy")];
    let changed = client.send("PUT", "/data/a?comp=properties", &odd, b"");
    assert_eq!(changed.status, 200);
    let answer = client.get("/data/a");
    assert_eq!(answer.header("content-md5"), Some(odd[0].1));
    assert_eq!(answer.header("content-type"), None);
    assert_eq!(answer.header("content-encoding"), None);

    client.send("PUT", "/data/c?comp=blocklist", &[], b"<BlockList/>");
    let answer = client.get("/data/c");
    assert_eq!(
        answer.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(answer.header("content-md5"), None);
}

#[test]
fn names_are_taken_as_they_are() {
    let service = start_with(|options| options.containers = vec!["$blobchangefeed".into()]);
    let mut client = Client::new(&service);
    let names = [
        "dir%2F",
        "dir/",
        "a//b",
        "/a",
        "a/./b",
        "a/../b",
        "a%5Cb",
        "%20a%20",
        "a.",
        "a%3Fb%23c%2525d",
        "..",
    ];
    for name in names {
        let path = format!("/$blobchangefeed/{name}");
        assert_eq!(client.put(&path, name.as_bytes()).status, 201, "{name}");
        let source = format!("{}{path}", service.blob_endpoint());
        let copy = [("x-ms-copy-source", &*source)];
        let copied = client.send("PUT", &format!("{path}-copy"), &copy, b"");
        assert_eq!(copied.status, 202, "{name}");
    }
    // `dir%2F` and `dir/` are one name.
    let page = client.get("/$blobchangefeed?restype=container&comp=list&include=copy");
    assert_eq!(page.text().matches("<Blob>").count(), 2 * (names.len() - 1));
    assert_eq!(page.text().matches("<CopyId>").count(), names.len() - 1);
    for listed in ["a\\b", " a ", "a?b#c%25d", "a/../b", "a//b", "/a"] {
        let element = format!("<Name>{listed}</Name>");
        assert!(page.text().contains(&element), "{listed}");
    }
    for name in &names[1..] {
        let path = format!("/$blobchangefeed/{name}");
        assert_eq!(client.get(&path).status, 200, "{name}");
        let deleted = client.send("DELETE", &path, &[], b"");
        assert_eq!(deleted.status, 202, "{name}");
    }
}

#[test]
fn archived_blobs_cannot_be_read() {
    let service = start();
    let mut client = Client::new(&service);
    let archived = [BLOCK_BLOB, ("x-ms-access-tier", "Archive")];
    assert_eq!(client.send("PUT", "/data/b", &archived, b"1").status, 201);
    assert_eq!(client.get("/data/b").error(), (409, "BlobArchived"));
    let hot = [("x-ms-access-tier", "Hot")];
    assert_eq!(
        client.send("PUT", "/data/b?comp=tier", &hot, b"").status,
        202
    );
    let head = client.send("HEAD", "/data/b", &[], b"");
    assert_eq!(head.header("x-ms-access-tier"), Some("Archive"));
    assert_eq!(
        head.header("x-ms-archive-status"),
        Some("rehydrate-pending-to-hot")
    );
    assert_eq!(client.get("/data/b").error(), (409, "BlobArchived"));
    assert_eq!(
        client.send("PUT", "/data/b?comp=tier", &hot, b"").error(),
        (409, "BlobBeingRehydrated")
    );
    let warm = [("x-ms-access-tier", "Warm")];
    assert_eq!(
        client
            .send("PUT", "/data/b?comp=tier", &warm, b"")
            .error()
            .0,
        400
    );
}

#[test]
fn content_in_files() {
    let directory = std::env::temp_dir().join(format!("fastblob-service-{}", std::process::id()));
    let service = start_with(|options| options.directory = Some(directory.clone()));
    let mut client = Client::new(&service);
    let data: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
    client.put("/data/b", &data);
    assert_eq!(client.get("/data/b").body, data);
    let range = client.send("GET", "/data/b", &[("Range", "bytes=299999-300001")], b"");
    assert_eq!(range.body, data[299_999..300_002]);
    let files = || std::fs::read_dir(&directory).expect("a directory").count();
    assert_eq!(files(), 1);
    client.put("/data/b", b"other");
    assert_eq!(files(), 1);
    client.send("DELETE", "/data/b", &[], b"");
    assert_eq!(files(), 0);
    client.put("/data/b", b"last");
    drop(client);
    service.stop();
    assert_eq!(files(), 0);
    std::fs::remove_dir(directory).expect("empty");
}

#[test]
fn both_checksums_of_what_was_put() {
    let service = start();
    let mut client = Client::new(&service);
    let crc64 = ("x-ms-content-crc64", "vo7q9sPVKY0=");
    let md5 = ("Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww==");
    for headers in [
        vec![BLOCK_BLOB],
        vec![BLOCK_BLOB, crc64],
        vec![BLOCK_BLOB, md5],
    ] {
        let put = client.send("PUT", "/data/b", &headers, b"hello world");
        assert_eq!(put.header("x-ms-content-crc64"), Some(crc64.1));
        assert_eq!(put.header("content-md5"), Some(md5.1));
        assert_eq!(client.get("/data/b").header("content-md5"), Some(md5.1));
    }
    let path = "/data/c?comp=block&blockid=AAAA";
    for (headers, expected) in [
        (vec![], [Some(crc64.1), None]),
        (vec![crc64], [Some(crc64.1), None]),
        (vec![md5], [None, Some(md5.1)]),
    ] {
        let put = client.send("PUT", path, &headers, b"hello world");
        let found = ["x-ms-content-crc64", "content-md5"].map(|name| put.header(name));
        assert_eq!(found, expected);
    }
    let both = [
        ("x-ms-range", "bytes=0-3"),
        ("x-ms-range-get-content-md5", "true"),
        ("x-ms-range-get-content-crc64", "true"),
    ];
    assert_eq!(
        client.send("GET", "/data/b", &both, b"").error(),
        (400, "BothCrc64AndMd5RangeHeaderPresent")
    );
}

#[test]
fn conditions_on_tags() {
    let service = start();
    let mut client = Client::new(&service);
    let met = ("x-ms-if-tags", "\"state\" = 'done'");
    let tagged = [BLOCK_BLOB, ("x-ms-tags", "state=done")];
    assert_eq!(client.send("PUT", "/data/b", &tagged, b"1").status, 201);
    let unmet = ("x-ms-if-tags", "\"state\" <> 'done'");
    let refused = (412, "ConditionNotMet");
    for (method, path) in [
        ("GET", "/data/b"),
        ("HEAD", "/data/b"),
        ("PUT", "/data/b?comp=metadata"),
        ("PUT", "/data/b"),
        ("DELETE", "/data/b"),
    ] {
        let answer = client.send(method, path, &[BLOCK_BLOB, unmet], b"");
        assert_eq!(answer.error(), refused, "{method} {path}");
    }
    let nonsense = [("x-ms-if-tags", "nonsense")];
    let answer = client.send("GET", "/data/b", &nonsense, b"");
    assert_eq!(answer.error(), (400, "InvalidHeaderValue"));
    assert_eq!(client.send("DELETE", "/data/b", &[met], b"").status, 202);
}

#[test]
fn a_lease_id_that_is_none() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", b"1");
    let headers = [("x-ms-lease-id", "mine")];
    let refused = client.send("GET", "/data/b?comp=tags", &headers, b"");
    assert_eq!(refused.error(), (400, "InvalidHeaderValue"));
    let said = "<HeaderName>x-ms-lease-id</HeaderName><HeaderValue>mine</HeaderValue>";
    assert!(refused.text().contains(said));
}

#[test]
fn containers_page_by_page() {
    let service = start();
    let mut client = Client::new(&service);
    for name in ["list-1", "list-2", "list-3"] {
        let path = format!("/{name}?restype=container");
        let headers = [("x-ms-meta-Owner", name)];
        assert_eq!(client.send("PUT", &path, &headers, b"").status, 201);
    }
    let first = client.get("/?comp=list&prefix=list-&maxresults=2&include=metadata");
    assert_eq!(first.header("transfer-encoding"), Some("chunked"));
    let text = first.text();
    for part in [
        "<Prefix>list-</Prefix><MaxResults>2</MaxResults><Containers>",
        "<Name>list-2</Name>",
        "<Metadata><Owner>list-1</Owner></Metadata>",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let marker = text.split("<NextMarker>").nth(1).expect("a marker");
    let marker = marker.split('<').next().expect("its end");
    let path = format!("/?comp=list&prefix=list-&maxresults=2&marker={marker}");
    let second = client.get(&path);
    assert!(second.text().contains("<Name>list-3</Name>"));
    assert!(second.text().contains("<NextMarker/>"));
}

#[test]
fn conditions_on_containers() {
    let service = start();
    let mut client = Client::new(&service);
    let path = "/data?restype=container";
    let old = [("If-Unmodified-Since", "Wed, 30 Nov 2022 22:40:43 GMT")];
    let refused = client.send("DELETE", path, &old, b"");
    assert_eq!(refused.error(), (412, "ConditionNotMet"));
    let lease = [("x-ms-lease-id", OTHER_LEASE)];
    for method in ["GET", "DELETE"] {
        let refused = client.send(method, path, &lease, b"");
        let expected = (412, "LeaseNotPresentWithContainerOperation");
        assert_eq!(refused.error(), expected);
    }
    assert_eq!(client.send("DELETE", path, &[], b"").status, 202);
}

#[test]
fn what_a_not_modified_says() {
    let service = start();
    let mut client = Client::new(&service);
    let etag = client
        .put("/data/b", b"1")
        .header("etag")
        .map(str::to_owned);
    let known = [("If-None-Match", &*etag.expect("an ETag"))];
    let get = client.send("GET", "/data/b", &known, b"");
    assert_eq!(get.error(), (304, "ConditionNotMet"));
    let said = |name| get.header(name);
    assert_eq!((said("etag"), said("content-length")), (None, None));
    let head = client.send("HEAD", "/data/b", &known, b"");
    assert_eq!(head.header("content-length"), Some("0"));
}

#[test]
fn an_archived_blob_on_its_way() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", b"1");
    for (tier, status) in [("Archive", 200), ("Cool", 202), ("Hot", 409)] {
        let headers = [
            ("x-ms-access-tier", tier),
            ("x-ms-rehydrate-priority", "High"),
        ];
        let answer = client.send("PUT", "/data/b?comp=tier", &headers, b"");
        assert_eq!(answer.status, status, "{tier}");
    }
    let head = client.send("HEAD", "/data/b", &[], b"");
    for (name, value) in [
        ("x-ms-access-tier", "Archive"),
        ("x-ms-archive-status", "rehydrate-pending-to-cool"),
        ("x-ms-rehydrate-priority", "High"),
    ] {
        assert_eq!(head.header(name), Some(value));
    }
}
