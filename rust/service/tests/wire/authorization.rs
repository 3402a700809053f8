//! Who is let in: keys, signatures, tokens, nobody.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fastblob_service::Service;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;

use crate::client::{Client, VERSION, start};

fn sign(key: &str, text: &str) -> String {
    let key = BASE64_STANDARD.decode(key).expect("base64");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    BASE64_STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

/// `Authorization` of a GET of `/data/b`.
fn shared_key(service: &Service, date: &str, key: &str) -> String {
    let text = format!(
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{VERSION}\n\
         /devstoreaccount1/devstoreaccount1/data/b"
    );
    format!("SharedKey {}:{}", service.account(), sign(key, &text))
}

#[test]
fn account_key() {
    let service = start();
    Client::new(&service).put("/data/b", b"hello");
    let ask = |date: &str, key: &str| {
        let authorization = shared_key(&service, date, key);
        let headers = [("x-ms-date", date), ("Authorization", &*authorization)];
        let answer = Client::anonymous(&service).send("GET", "/data/b", &headers, b"");
        let code = answer
            .header("x-ms-error-code")
            .unwrap_or_default()
            .to_owned();
        (
            answer.status,
            code,
            String::from_utf8(answer.body).expect("UTF-8"),
        )
    };
    let now = httpdate::fmt_http_date(SystemTime::now());
    let earlier = httpdate::fmt_http_date(SystemTime::now() - Duration::from_secs(16 * 60));
    let key = service.account_key();
    assert_eq!(ask(&now, key), (200, String::new(), "hello".into()));
    let (status, code, body) = ask(&now, &BASE64_STANDARD.encode("another key"));
    assert_eq!((status, &*code), (403, "AuthenticationFailed"));
    assert!(
        body.contains("Server used following string to sign"),
        "{body}"
    );
    let (status, code, body) = ask(&earlier, key);
    assert_eq!((status, &*code), (403, "AuthenticationFailed"));
    assert!(body.contains("Request date header too old"), "{body}");
    assert_eq!(ask("today", key).0, 403);
}

/// A query with the signature of a service for reading `/data/b`.
fn service_sas(service: &Service, permissions: &str, expiry: &str) -> String {
    let text = format!(
        "{permissions}\n\n{expiry}\n/blob/devstoreaccount1/data/b\n\n\n\n{VERSION}\nb\n\n\n\n\n\n\n"
    );
    let signature = sign(service.account_key(), &text);
    let signature = utf8_percent_encode(&signature, NON_ALPHANUMERIC);
    format!("sp={permissions}&se={expiry}&sv={VERSION}&sr=b&sig={signature}")
}

#[test]
fn shared_access_signature() {
    let service = start();
    Client::new(&service).put("/data/b", b"hello");
    let mut client = Client::anonymous(&service);
    let mut ask = |method: &str, name: &str, query: &str| {
        let headers = [("x-ms-blob-type", "BlockBlob")];
        let answer = client.send(method, &format!("/data/{name}?{query}"), &headers, b"");
        (
            answer.status,
            answer
                .header("x-ms-error-code")
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let read = service_sas(&service, "r", "2099-01-01");
    assert_eq!(ask("GET", "b", &read).0, 200);
    assert_eq!(
        ask("GET", "other", &read),
        (403, "AuthenticationFailed".into())
    );
    assert_eq!(
        ask("PUT", "b", &read),
        (403, "AuthorizationPermissionMismatch".into())
    );
    let expired = service_sas(&service, "r", "2020-01-01T00:00:00Z");
    assert_eq!(
        ask("GET", "b", &expired),
        (403, "AuthenticationFailed".into())
    );
    let more = read.replace("sp=r", "sp=rw");
    assert_eq!(ask("PUT", "b", &more), (403, "AuthenticationFailed".into()));
    let create = service_sas(&service, "c", "2099-01-01");
    assert_eq!(
        ask("PUT", "b", &create),
        (403, "UnauthorizedBlobOverwrite".into())
    );
    let write = service_sas(&service, "w", "2099-01-01");
    assert_eq!(ask("PUT", "b", &write).0, 201);
    assert!(
        service
            .requests()
            .iter()
            .all(|record| !record.target.contains("sig="))
    );
}

#[test]
fn tokens() {
    let service = start();
    let other = start();
    let hour = Duration::from_secs(3600);
    let storage = "https://storage.azure.com";
    let ask = |token: &str| {
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", &*authorization)];
        let answer = Client::anonymous(&service).send("GET", "/data/b", &headers, b"");
        let challenge = answer
            .header("www-authenticate")
            .unwrap_or_default()
            .to_owned();
        (
            answer.status,
            answer
                .header("x-ms-error-code")
                .unwrap_or_default()
                .to_owned(),
            challenge,
        )
    };
    assert_eq!(ask(&service.issue_token(storage, hour)).0, 404);
    let account = "https://devstoreaccount1.blob.core.windows.net/";
    assert_eq!(ask(&service.issue_token(account, hour)).0, 404);
    for token in [
        service.issue_token(storage, Duration::ZERO),
        service.issue_token("https://vault.azure.net", hour),
        other.issue_token(storage, hour),
    ] {
        let (status, code, challenge) = ask(&token);
        assert_eq!((status, &*code), (401, "InvalidAuthenticationInfo"));
        let start = "Bearer authorization_uri=https://login.microsoftonline.com/";
        let end = "/oauth2/authorize resource_id=https://storage.azure.com";
        assert!(
            challenge.starts_with(start) && challenge.ends_with(end),
            "{challenge}"
        );
    }
    let malformed = (400, "InvalidAuthenticationInfo".to_owned(), String::new());
    assert_eq!(ask("garbage"), malformed);
}

#[test]
fn public_containers() {
    let service = start();
    let mut owner = Client::new(&service);
    for (name, access) in [("blobs", "blob"), ("all", "container")] {
        let path = format!("/{name}?restype=container");
        let made = owner.send("PUT", &path, &[("x-ms-blob-public-access", access)], b"");
        assert_eq!(made.status, 201);
        owner.put(&format!("/{name}/b"), b"x");
    }
    owner.put("/data/b", b"x");
    let mut anybody = Client::anonymous(&service);
    let list = "?restype=container&comp=list";
    assert_eq!(anybody.get("/blobs/b").status, 200);
    assert_eq!(anybody.get("/all/b").status, 200);
    assert_eq!(anybody.get(&format!("/all{list}")).status, 200);
    let denied = (401, "NoAuthenticationInformation");
    assert_eq!(anybody.get(&format!("/blobs{list}")).error(), denied);
    assert_eq!(anybody.get("/data/b").error(), denied);
    assert_eq!(anybody.put("/all/b", b"y").error(), denied);
    let browser = anybody.send("GET", "/data/b", &[("x-ms-version", "")], b"");
    assert_eq!(browser.error(), (404, ""));
    assert!(browser.text().contains("<Code>ResourceNotFound</Code>"));
    assert_eq!(browser.header("x-ms-version"), None);
}
