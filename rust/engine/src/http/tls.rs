//! Which certificates are trusted.
//!
//! rustls with ring: against aws-lc-rs it sealed 16 KiB records at 8.6 to 9.8 instead of 9.9 to 11.4
//! GB/s here, which no network will show, builds in a third of the time and is half the size.
//!
//! Roots are the platform's, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`; and those of
//! `REQUESTS_CA_BUNDLE`, with which people behind a company's proxy have made the Azure SDK work.

use std::{env, ffi::OsString, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{
        CertificateDer,
        pem::{self, PemObject},
    },
};

use crate::{error::InvalidInput, sync::Mutex};

const VARIABLES: [&str; 3] = ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"];

/// The configuration for the values that the variables had when it was made.
type Cached = ([Option<OsString>; 3], Arc<ClientConfig>);

/// Reading the platform's roots takes 10 ms, so it is done once for all clients of a process.
static CACHE: Mutex<Option<Cached>> = Mutex::new(None);

pub(crate) fn client_config() -> Result<Arc<ClientConfig>, InvalidInput> {
    let values = VARIABLES.map(env::var_os);
    let mut cache = CACHE.lock();
    if let Some((cached_for, config)) = &*cache
        && *cached_for == values
    {
        return Ok(Arc::clone(config));
    }
    let config = Arc::new(load(values[2].as_deref().map(Path::new))?);
    *cache = Some((values, Arc::clone(&config)));
    Ok(config)
}

/// The configuration that trusts the certificates in `file` and no others.
///
/// Read for each client anew: a private authority's few certificates take no time, and a file that was
/// replaced is seen.
pub(crate) fn trusting_only(file: &Path) -> Result<Arc<ClientConfig>, InvalidInput> {
    let refuse = |reason: &str| {
        InvalidInput::new(format!(
            "ca_file is {}: {reason}; give a file of PEM certificates",
            file.display()
        ))
    };
    let found = file
        .metadata()
        .map_err(|error| refuse(&error.to_string()))?;
    // A pipe that nobody writes to would keep its reader for ever.
    if !found.is_file() {
        return Err(refuse("it is not a regular file"));
    }
    let certificates = read_certificates(file).map_err(|reason| refuse(&reason))?;
    if certificates.is_empty() {
        return Err(refuse("no PEM certificate is in it"));
    }
    let mut roots = RootCertStore::empty();
    let (_, ignored) = roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Err(refuse("what is in it is no X.509 certificate"));
    }
    if ignored > 0 {
        log::warn!(
            "{ignored} of the certificates in {} cannot be used and are left out",
            file.display()
        );
    }
    trusting(roots).map(Arc::new)
}

fn load(bundle: Option<&Path>) -> Result<ClientConfig, InvalidInput> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    // Platforms ship roots that rustls does not accept; the others are what counts.
    roots.add_parsable_certificates(native.certs);
    if let Some(bundle) = bundle.filter(|bundle| !bundle.as_os_str().is_empty()) {
        roots.add_parsable_certificates(read_bundle(bundle).map_err(|reason| {
            InvalidInput::new(format!(
                "REQUESTS_CA_BUNDLE is {}: {reason}",
                bundle.display()
            ))
        })?);
    }
    if roots.is_empty() {
        let reasons: Vec<_> = native.errors.iter().map(ToString::to_string).collect();
        return Err(InvalidInput::new(format!(
            "no trusted certificates were found; install the system's CA certificates or set \
             SSL_CERT_FILE to a file that holds them ({})",
            reasons.join("; ")
        )));
    }
    trusting(roots)
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig, InvalidInput> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidInput::new(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates in a file, or in the files of a directory, as requests takes both.
fn read_bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut certificates = Vec::new();
    if path.is_dir() {
        for entry in path.read_dir().map_err(|error| error.to_string())? {
            let file = entry.map_err(|error| error.to_string())?.path();
            if file.is_file() {
                certificates.extend(read_certificates(&file)?);
            }
        }
    } else {
        certificates = read_certificates(path)?;
    }
    if certificates.is_empty() {
        return Err("no PEM certificate is in it".to_owned());
    }
    Ok(certificates)
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let reason = |error| match error {
        pem::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    };
    CertificateDer::pem_file_iter(path)
        .map_err(reason)?
        .map(|certificate| certificate.map_err(reason))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    /// A file that goes with the test.
    struct TemporaryFile(PathBuf);

    impl TemporaryFile {
        fn new(content: &[u8]) -> Self {
            let name = format!("fastblob-test-{}.pem", crate::random::unique());
            let path = env::temp_dir().join(name);
            fs::write(&path, content).unwrap();
            Self(path)
        }
    }

    impl Drop for TemporaryFile {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn certificate() -> String {
        CertificateParams::new(vec!["a.example".to_owned()])
            .unwrap()
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .pem()
    }

    #[test]
    fn certificates_of_a_file() {
        let comment = "# our own\n";
        for content in [
            certificate(),
            comment.to_owned() + &certificate() + &certificate(),
        ] {
            let file = TemporaryFile::new(content.as_bytes());
            assert!(trusting_only(&file.0).is_ok(), "{content}");
        }
    }

    #[test]
    fn a_file_that_is_none_is_refused_with_its_name_and_the_reason() {
        let good = certificate();
        let garbled = good.replacen("MII", "M\u{20ac}I", 1);
        let cut = &good[..good.len() / 2];
        let no_certificate = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        let key = KeyPair::generate().unwrap().serialize_pem();
        for (content, reason) in [
            ("", "no PEM certificate"),
            ("hello", "no PEM certificate"),
            (key.as_str(), "no PEM certificate"),
            (garbled.as_str(), "base64"),
            (cut, "section end"),
            (no_certificate, "no X.509 certificate"),
        ] {
            let file = TemporaryFile::new(content.as_bytes());
            let error = trusting_only(&file.0).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
            assert!(error.contains(file.0.to_str().unwrap()), "{error}");
        }
        let missing = trusting_only(Path::new("/none/ca.pem")).unwrap_err();
        assert!(missing.to_string().contains("/none/ca.pem"), "{missing}");
        let folder = trusting_only(&env::temp_dir()).unwrap_err().to_string();
        assert!(folder.contains("not a regular file"), "{folder}");
    }
}
