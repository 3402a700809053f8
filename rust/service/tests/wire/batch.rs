//! Blob Batch, and copies.

use fastblob_service::{Action, Fault};

use crate::client::{Client, once, start};

fn submit(client: &mut Client, container: &str, names: &[&str]) -> Vec<u16> {
    let mut body = String::new();
    for (number, name) in names.iter().enumerate() {
        let (number, authorization) = (number.to_string(), client.authorization());
        body.push_str("--b\r\nContent-Type: application/http\r\n");
        body.extend([
            "Content-ID: ",
            &number,
            "\r\n\r\nDELETE ",
            name,
            " HTTP/1.1\r\n",
        ]);
        body.extend([
            "Authorization: ",
            authorization,
            "\r\nContent-Length: 0\r\n\r\n\r\n",
        ]);
    }
    body.push_str("--b--\r\n");
    let headers = [("Content-Type", "multipart/mixed; boundary=b")];
    let answer = client.send("POST", container, &headers, body.as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.text());
    let statuses = answer.text().split("HTTP/1.1 ").skip(1);
    statuses
        .map(|part| part[..3].parse().expect("a status"))
        .collect()
}

#[test]
fn deletes_many() {
    let service = start();
    let mut client = Client::new(&service);
    for name in ["a", "b%20c", "d", "e"] {
        client.put(&format!("/data/{name}"), b"x");
    }
    let account = "/devstoreaccount1/data";
    let names = [
        format!("{account}/a"),
        format!("{account}/none"),
        format!("{account}/b%20c"),
    ];
    let names = names.each_ref().map(String::as_str);
    assert_eq!(submit(&mut client, "/?comp=batch", &names), [202, 404, 202]);
    assert_eq!(client.get("/data/b%20c").status, 404);

    let status = Action::Status {
        status: 503,
        code: "ServerBusy".into(),
        headers: Vec::new(),
    };
    service.add_fault(Fault {
        path: Some("/d".into()),
        ..once("DeleteBlob", status)
    });
    let container = "/data?restype=container&comp=batch";
    let names = [format!("{account}/d"), format!("{account}/e")];
    let names = names.each_ref().map(String::as_str);
    assert_eq!(submit(&mut client, container, &names), [503, 202]);
    assert_eq!(submit(&mut client, container, &names), [202, 404]);
    assert_eq!(
        submit(&mut client, container, &["/devstoreaccount1/other/x"]),
        [400]
    );
    assert_eq!(service.request_counts().get("DeleteBlob"), None);
    assert_eq!(service.request_counts()["BlobBatch"], 4);
}

#[test]
fn parts_are_authorised_one_by_one() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/a", b"x");
    let body = b"--b\r\nContent-Type: application/http\r\n\r\nDELETE /devstoreaccount1/data/a HTTP/1.1\r\n\r\n--b--";
    let headers = [("Content-Type", "multipart/mixed; boundary=b")];
    let answer = client.send("POST", "/?comp=batch", &headers, body);
    assert!(answer.text().contains("HTTP/1.1 401"), "{}", answer.text());
    assert_eq!(client.get("/data/a").status, 200);
    assert_eq!(
        client
            .send("POST", "/?comp=batch", &headers, b"none")
            .error(),
        (400, "InvalidInput")
    );
}

#[test]
fn copies() {
    let service = start();
    let mut client = Client::new(&service);
    let source = [
        ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-meta-a", "1"),
        ("Content-Type", "text/x"),
    ];
    client.send("PUT", "/data/a", &source, b"hello");
    let url = format!("{}/data/a", service.blob_endpoint());
    let copied = client.send("PUT", "/data/b", &[("x-ms-copy-source", &url)], b"");
    assert_eq!(
        (copied.status, copied.header("x-ms-copy-status")),
        (202, Some("success"))
    );
    let got = client.get("/data/b");
    assert_eq!(
        (got.header("x-ms-meta-a"), got.header("content-type")),
        (Some("1"), Some("text/x"))
    );
    assert_eq!(
        (&*got.body, got.header("x-ms-copy-source")),
        (&b"hello"[..], Some(&*url))
    );

    let create = [("x-ms-copy-source", &*url), ("If-None-Match", "*")];
    assert_eq!(
        client.send("PUT", "/data/b", &create, b"").error(),
        (409, "BlobAlreadyExists")
    );
    let changed = [
        ("x-ms-copy-source", &*url),
        ("x-ms-source-if-match", "\"0x1\""),
    ];
    assert_eq!(
        client.send("PUT", "/data/b", &changed, b"").error(),
        (412, "SourceConditionNotMet")
    );
    let foreign = [(
        "x-ms-copy-source",
        "https://other.blob.core.windows.net/data/a",
    )];
    assert_eq!(
        client.send("PUT", "/data/b", &foreign, b"").error(),
        (501, "NotImplemented")
    );
    let put = [("x-ms-copy-source", &*url), ("x-ms-blob-type", "BlockBlob")];
    assert_eq!(
        client.send("PUT", "/data/b", &put, b"").error(),
        (404, "CannotVerifyCopySource")
    );
    let authorization = client.authorization().to_owned();
    let put = [
        put[0],
        put[1],
        ("x-ms-copy-source-authorization", &*authorization),
    ];
    assert_eq!(client.send("PUT", "/data/c", &put, b"").status, 201);
    assert_eq!(client.get("/data/c").body, b"hello");
}

#[test]
fn what_a_copy_is_told_of_its_source() {
    let service = start();
    let mut client = Client::new(&service);
    let tagged = [("x-ms-blob-type", "BlockBlob"), ("x-ms-tags", "a=1")];
    client.send("PUT", "/data/a", &tagged, b"hello world");
    let authorization = client.authorization().to_owned();
    let url = format!("{}/data/a", service.blob_endpoint());
    let base = [
        ("x-ms-copy-source", &*url),
        ("x-ms-copy-source-authorization", &*authorization),
        ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-copy-source-tag-option", "COPY"),
    ];
    let mut copy = |name, value| {
        let headers = [&base[..], &[(name, value)]].concat();
        client.send("PUT", "/data/b", &headers, b"")
    };
    let right = copy("x-ms-source-content-md5", "XrY7u+Ae7tCTyyK7j1rNww==");
    assert_eq!(right.status, 201);
    assert_eq!(
        right.header("content-md5"),
        Some("XrY7u+Ae7tCTyyK7j1rNww==")
    );
    let right = copy("x-ms-source-content-crc64", "vo7q9sPVKY0=");
    assert_eq!(right.header("x-ms-content-crc64"), Some("vo7q9sPVKY0="));
    let wrong = copy("x-ms-source-content-md5", "78ZW6tTPC26e7cQ9K+f2vA==");
    assert_eq!(wrong.error(), (400, "Md5Mismatch"));
    let wrong = copy("x-ms-source-content-crc64", "AAAAAAAAAAA=");
    assert_eq!(wrong.error(), (400, "Crc64Mismatch"));
    assert!(
        client
            .get("/data/b?comp=tags")
            .text()
            .contains("<Key>a</Key>")
    );
}
