//! What only the real service does is refused, and nothing else happens.

use crate::client::{Client, start};

const REFUSED: (u16, &str) = (501, "NotImplemented");

#[test]
fn another_state_than_the_current_one() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", b"1");
    for query in ["snapshot=2022-11-30T22:40:42.4827289Z", "versionid=2022"] {
        for method in ["GET", "HEAD", "DELETE"] {
            let path = format!("/data/b?{query}");
            assert_eq!(client.send(method, &path, &[], b"").error(), REFUSED);
        }
    }
    let only = [("x-ms-delete-snapshots", "only")];
    assert_eq!(
        client.send("DELETE", "/data/b", &only, b"").error(),
        REFUSED
    );
    assert_eq!(client.get("/data/b").body, b"1");
    let include = [("x-ms-delete-snapshots", "include")];
    assert_eq!(client.send("DELETE", "/data/b", &include, b"").status, 202);
}

#[test]
fn headers() {
    let service = start();
    let mut client = Client::new(&service);
    for name in [
        "x-ms-encryption-key",
        "x-ms-encryption-scope",
        "x-ms-immutability-policy-until-date",
        "x-ms-legal-hold",
    ] {
        let headers = [("x-ms-blob-type", "BlockBlob"), (name, "x")];
        let refused = client.send("PUT", "/data/b", &headers, b"1");
        assert_eq!(refused.error(), REFUSED, "{name}");
        assert!(refused.text().contains("does not offer"));
    }
    assert_eq!(client.get("/data/b").status, 404);
}

#[test]
fn lists_of_more_than_blobs() {
    let service = start();
    let mut client = Client::new(&service);
    let list = |client: &mut Client, query: &str| {
        let path = format!("/data?restype=container&comp=list&{query}");
        client.get(&path).status
    };
    for query in [
        "include=snapshots",
        "include=metadata,deleted",
        "include=uncommittedblobs",
        "showonly=deleted",
        "startfrom=b",
    ] {
        assert_eq!(list(&mut client, query), 501, "{query}");
    }
    assert_eq!(list(&mut client, "include=nonsense"), 400);
    assert_eq!(list(&mut client, "include=metadata,tags,copy"), 200);
}
