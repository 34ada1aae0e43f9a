//! The root certificates that are trusted: Mozilla's, which are compiled in, and those of files that variables name.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The variables that name a file of further root certificates. OpenSSL, curl and Go also read the first one, the AWS
/// CLI and boto3 the second one. A proxy that inspects TLS, or an emulator of AWS or of the API, needs one of them.
pub const ROOTS_FILES: [&str; 2] = ["SSL_CERT_FILE", "AWS_CA_BUNDLE"];

/// The byte order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The trusted certificates, and what is wrong with the files.
pub(super) fn trusted() -> (RootCertStore, Vec<String>) {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut problems = Vec::new();
    for variable in ROOTS_FILES {
        let Some(file) = std::env::var_os(variable).filter(|file| !file.is_empty()) else { continue };
        let file = Path::new(&file);
        let added = std::fs::read(file).map_err(|error| error.to_string()).and_then(|bytes| add(&mut roots, &bytes));
        if let Err(problem) = added {
            let file = file.display();
            problems.push(format!(
                "{variable}={file}: {problem}; a PEM file of root certificates expected. Without it, only Mozilla's root certificates are trusted"
            ));
        }
    }
    (roots, problems)
}

/// Adds the certificates of a PEM file, or the one of a DER file. A certificate that cannot be used is skipped, unless
/// all of them are.
fn add(roots: &mut RootCertStore, bytes: &[u8]) -> Result<(), String> {
    let text = bytes.strip_prefix(BOM).unwrap_or(bytes);
    if text.trim_ascii().is_empty() {
        return Err("the file is empty".to_owned());
    }
    if roots.add(CertificateDer::from(text)).is_ok() {
        return Ok(());
    }
    if std::str::from_utf8(text).is_err() {
        return Err("the file is neither PEM nor a certificate in DER (for PKCS#12: openssl pkcs12 -nokeys -in FILE -out roots.pem)".to_owned());
    }
    let certificates = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| format!("the file is not PEM: {error}"))?;
    match (certificates.len(), roots.add_parsable_certificates(certificates)) {
        (0, _) => Err("the file has no -----BEGIN CERTIFICATE-----".to_owned()),
        (_, (0, _)) => Err("no certificate in the file can be used".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> rcgen::Certificate {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap()
    }

    #[test]
    fn certificates_are_read_from_pem_with_or_without_a_byte_order_mark_and_from_der() {
        let (one, other) = (certificate(), certificate());
        let both = format!("a comment\n{}{}", one.pem(), other.pem());
        for (bytes, expected) in [
            (both.clone().into_bytes(), 2),
            (both.replace('\n', "\r\n").into_bytes(), 2),
            ([BOM, one.pem().as_bytes()].concat(), 1),
            (one.der().to_vec(), 1),
        ] {
            let mut roots = RootCertStore::empty();
            add(&mut roots, &bytes).unwrap();
            assert_eq!(roots.len(), expected);
        }
    }

    #[test]
    fn a_file_without_a_certificate_is_refused_with_the_reason() {
        let pkcs_12 = [&[0x30, 0x82, 0x04, 0x00, 0x02, 0x01, 0x03][..], &[0xa0; 64]].concat();
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        for (bytes, reason) in [
            (&b""[..], "is empty"),
            (b"\xef\xbb\xbf\r\n", "is empty"),
            (&pkcs_12, "openssl pkcs12"),
            (b"\xff\xfe-\0-\0", "neither PEM nor"),
            (b"hello", "no -----BEGIN CERTIFICATE-----"),
            (key.as_bytes(), "no -----BEGIN CERTIFICATE-----"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "can be used"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n", "is not PEM"),
        ] {
            let mut roots = RootCertStore::empty();
            let problem = add(&mut roots, bytes).unwrap_err();
            assert!(problem.contains(reason) && roots.is_empty(), "{problem}");
        }
    }
}
