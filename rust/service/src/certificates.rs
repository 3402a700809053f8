//! A certificate authority and a server certificate, made anew at each start.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Names that the server certificate is good for: ours, and those that a proxy may lead here.
const NAMES: [&str; 6] = [
    "127.0.0.1",
    "::1",
    "localhost",
    "*.blob.core.windows.net",
    "*.vault.azure.net",
    "login.microsoftonline.com",
];

/// What TLS needs.
#[derive(Debug)]
pub(crate) struct Certificates {
    pub(crate) authority: String,
    pub(crate) server_certificate: String,
    pub(crate) server_key: String,
    pub(crate) config: Arc<ServerConfig>,
}

impl Certificates {
    /// Makes them, with the extensions that `VERIFY_X509_STRICT` (Python 3.13) asks for.
    pub(crate) fn make() -> io::Result<Self> {
        let (authority, leaf, key) = issue().map_err(io::Error::other)?;
        let chain = vec![
            CertificateDer::from(leaf.der().to_vec()),
            authority.der().clone(),
        ];
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(chain, secret)
            })
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            authority: authority.pem(),
            server_certificate: leaf.pem(),
            server_key: key.serialize_pem(),
            config: Arc::new(config),
        })
    }
}

type Issued = (
    CertifiedIssuer<'static, KeyPair>,
    rcgen::Certificate,
    KeyPair,
);

fn issue() -> Result<Issued, rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority
        .distinguished_name
        .push(DnType::CommonName, "fastblob local authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let mut leaf = CertificateParams::new(NAMES.map(String::from).to_vec())?;
    leaf.distinguished_name
        .push(DnType::CommonName, "localhost");
    leaf.is_ca = IsCa::ExplicitNoCa;
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &authority)?;
    Ok((authority, certificate, key))
}
