//! Serves until standard input closes, and prints what clients need, as lines for a shell's `eval`.
//!
//! `cargo run --release -p fastblob-service --example serve -- [http] [directory=DIR] [port=N]`

use std::io::Read as _;

use fastblob_service::{Options, Service};

#[allow(clippy::print_stdout, reason = "a program's output")]
fn main() -> std::io::Result<()> {
    let mut options = Options {
        containers: vec!["data".into()],
        ..Options::default()
    };
    options
        .secrets
        .insert("db-password".into(), "s3cret".into());
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            None if argument == "http" => options.tls = false,
            Some(("directory", path)) => options.directory = Some(path.into()),
            Some(("port", port)) => options.port = port.parse().map_err(std::io::Error::other)?,
            _ => return Err(std::io::Error::other(format!("what is {argument}?"))),
        }
    }
    let service = Service::start(options)?;
    let authority =
        std::env::temp_dir().join(format!("fastblob-authority-{}.pem", std::process::id()));
    std::fs::write(&authority, service.certificate_authority())?;
    println!("BLOB_ENDPOINT={}", service.blob_endpoint());
    println!("VAULT_URL={}", service.vault_url());
    println!("ACCOUNT_KEY={}", service.account_key());
    println!("IDENTITY_ENDPOINT={}", service.identity_endpoint());
    println!("IDENTITY_HEADER={}", service.identity_header());
    println!(
        "REQUESTS_CA_BUNDLE={0}\nSSL_CERT_FILE={0}",
        authority.display()
    );
    std::io::stdin().read_to_end(&mut Vec::new())?;
    service.stop();
    std::fs::remove_file(authority)
}
