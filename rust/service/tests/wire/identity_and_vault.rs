//! The token endpoint and the Key Vault.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use fastblob_service::{Action, Service};
use serde_json::Value;

use crate::client::{Client, address, once, start, start_with, tls_connect};

/// Asks the token endpoint, and passes on status and body.
fn token(service: &Service, header: &str, query: &str) -> (u16, Value) {
    let endpoint = service.identity_endpoint();
    let mut client = Client::connect(address(&endpoint));
    let head = format!("GET /msi/token?{query} HTTP/1.1\r\nX-IDENTITY-HEADER: {header}\r\n\r\n");
    client.stream.write_all(head.as_bytes()).expect("sent");
    let answer = client.receive(false).expect("an answer");
    (
        answer.status,
        serde_json::from_slice(&answer.body).expect("JSON"),
    )
}

#[test]
fn tokens_for_managed_identities() {
    let service = start_with(|options| options.token_lifetime = Duration::from_secs(100));
    let header = service.identity_header();
    let query = "api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com";
    let (status, body) = token(&service, header, query);
    assert_eq!((status, body["token_type"].as_str()), (200, Some("Bearer")));
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("now")
        .as_secs();
    let expires: u64 = body["expires_on"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("a time");
    assert!((now + 90..=now + 101).contains(&expires));
    let authorization = format!("Bearer {}", body["access_token"].as_str().expect("a token"));
    let headers = [("Authorization", &*authorization)];
    let listed = Client::anonymous(&service).send("GET", "/?comp=list", &headers, b"");
    assert_eq!(listed.status, 200);

    assert_eq!(token(&service, "wrong", query).0, 401);
    assert_eq!(token(&service, header, "api-version=2019-08-01").0, 400);
    assert_eq!(
        token(&service, header, "api-version=2018-02-01&resource=x").0,
        400
    );
    assert_eq!(service.request_counts()["Token"], 4);
}

/// Asks the vault, and passes on the head and the body.
fn vault(service: &Service, path: &str, token: Option<&str>) -> (String, Value) {
    let url = service.vault_url();
    let socket = TcpStream::connect(address(&url)).expect("connects");
    let mut stream = tls_connect(service, "probe.vault.azure.net", socket);
    let token = token
        .map(|token| format!("Authorization: Bearer {token}\r\n"))
        .unwrap_or_default();
    let head = format!("GET {path} HTTP/1.1\r\nHost: v\r\nConnection: close\r\n{token}\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), serde_json::from_str(body).expect("JSON"))
}

#[test]
fn secrets() {
    let service = start();
    service.set_secret("Db-Password", "old").expect("set");
    service.set_secret("db-password", "new").expect("set");
    let token = service.issue_token("https://vault.azure.net", Duration::from_secs(600));
    let get = |path: &str| {
        let (head, body) = vault(&service, path, Some(&token));
        (head[9..12].to_owned(), body)
    };
    let code = |body: &Value| {
        body["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };

    let path = "/secrets/db-password?api-version=7.4";
    let (head, _) = vault(&service, path, None);
    assert!(head.starts_with("HTTP/1.1 401"));
    let challenge = "Bearer authorization=\"https://login.microsoftonline.com/ab1f708d-50f6-404c-a006-d71b2ac7a606\", \
                     resource=\"https://vault.azure.net\"";
    assert!(head.contains(challenge), "{head}");
    let wrong = service.issue_token("https://storage.azure.com", Duration::from_secs(600));
    assert!(
        vault(&service, path, Some(&wrong))
            .0
            .starts_with("HTTP/1.1 401")
    );

    let (status, body) = get(path);
    assert_eq!((&*status, body["value"].as_str()), ("200", Some("new")));
    let (_, versions) = get("/secrets/db-password/versions?api-version=7.4");
    let old = versions["value"][0]["id"]
        .as_str()
        .and_then(|id| id.rsplit('/').next())
        .expect("an id");
    assert_eq!(old.len(), 32);
    let (_, body) = get(&format!("/secrets/db-password/{old}?api-version=7.4"));
    assert_eq!(body["value"], "old");

    assert_eq!(
        code(&get("/secrets/none?api-version=7.4").1),
        "SecretNotFound"
    );
    assert_eq!(get("/secrets/db-password/none?api-version=7.4").0, "404");
    assert_eq!(get("/secrets/db-password").0, "400");
    assert_eq!(get("/keys/k?api-version=7.4").0, "501");
    service.expire_secret("db-password", SystemTime::now() - Duration::from_secs(1));
    let (_, expired) = get(path);
    assert!(expired["value"].is_string() && expired["attributes"]["exp"].is_u64());
    service.set_secret("db-password", "newest").expect("set");
    assert_eq!(get(path).1["value"], "newest");
    service.disable_secret("db-password");
    let (status, body) = get(path);
    assert_eq!((&*status, &*code(&body)), ("403", "Forbidden"));
}

#[test]
fn a_throttled_vault() {
    let service = start_with(|options| {
        options.secrets.insert("s".into(), "value".into());
    });
    let token = service.issue_token("https://vault.azure.net", Duration::from_secs(600));
    let headers = vec![("Retry-After".into(), "1".into())];
    let action = Action::Status {
        status: 429,
        code: "Throttled".into(),
        headers,
    };
    service.add_fault(once("GetSecret", action));
    let (head, body) = vault(&service, "/secrets/s?api-version=7.4", Some(&token));
    assert!(
        head.starts_with("HTTP/1.1 429") && head.contains("Retry-After: 1"),
        "{head}"
    );
    assert_eq!(body["error"]["code"], "Throttled");
    let (_, body) = vault(&service, "/secrets/s?api-version=7.4", Some(&token));
    assert_eq!(body["value"], "value");
}
