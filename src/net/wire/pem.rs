//! PEM files with certificates and private keys, and what is wrong with them.
//!
//! Problems are told in our own words: those of the libraries quote lines, and a line may be part of a key.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::error::{DialError, reason_of};

/// Why a PEM file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PemProblem {
    /// It cannot be read; what the operating system said.
    Unreadable(String),
    /// It is no text with PEM in it: DER, perhaps, or PKCS#12.
    NotPem {
        /// What it should hold is a private key, not certificates.
        key: bool,
    },
    /// It begins like PEM, but goes on otherwise.
    Malformed,
    /// It has no certificate.
    NoCertificate,
    /// It has no private key.
    NoKey,
    /// It has a private key that only a passphrase opens.
    EncryptedKey,
    /// One of its certificates is none.
    BadCertificate,
    /// Its private key is broken or of an unknown kind.
    BadKey,
    /// Its private key is not that of the certificate in this file.
    KeyMismatch {
        /// The file with the certificate.
        certificate: PathBuf,
    },
}

impl fmt::Display for PemProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(reason) => f.write_str(reason),
            Self::NotPem { .. } => f.write_str("it is not a PEM file"),
            Self::Malformed => f.write_str("it is not well-formed PEM"),
            Self::NoCertificate => f.write_str("there is no certificate in it"),
            Self::NoKey => f.write_str("there is no private key in it"),
            Self::EncryptedKey => f.write_str("the private key in it is encrypted"),
            Self::BadCertificate => f.write_str("a certificate in it is malformed"),
            Self::BadKey => f.write_str("the private key in it is malformed or of an unknown kind"),
            Self::KeyMismatch { certificate } => {
                write!(f, "the private key in it does not belong to the certificate in `{}`", certificate.display())
            }
        }
    }
}

/// All certificates in a file, at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, DialError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(problem(path, absent(&text, PemProblem::NoCertificate, PemProblem::NotPem { key: false })))
        }
        Ok(found) => Ok(found),
        Err(_) => Err(problem(path, PemProblem::Malformed)),
    }
}

/// The first private key in a file: PKCS#8, PKCS#1 or SEC1, not encrypted.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, DialError> {
    let text = read(path)?;
    if is_encrypted(&text) {
        return Err(problem(path, PemProblem::EncryptedKey));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => problem(path, absent(&text, PemProblem::NoKey, PemProblem::NotPem { key: true })),
        _ => problem(path, PemProblem::Malformed),
    })
}

/// All of a file that is to be read again when it changes, so that it can be no pipe.
pub(super) fn again(path: &Path) -> Result<Vec<u8>, DialError> {
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        let reason = "it is not a file that can be read again when it changes".to_owned();
        return Err(problem(path, PemProblem::Unreadable(reason)));
    }
    read(path)
}

pub(super) fn problem(path: &Path, problem: PemProblem) -> DialError {
    DialError::PemFile { path: path.to_owned(), problem }
}

/// More than any bundle of roots has, in bytes; keeps a wrong file from filling the memory.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;

fn read(path: &Path) -> Result<Vec<u8>, DialError> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST_FILE + 1).read_to_end(&mut text));
    read.map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let reason = if missing { "there is no such file".to_owned() } else { reason_of(&error) };
        problem(path, PemProblem::Unreadable(reason))
    })?;
    if text.len() as u64 > LONGEST_FILE {
        return Err(problem(path, PemProblem::Unreadable("it is longer than 16 MiB".to_owned())));
    }
    Ok(text)
}

/// `missing`, or `other` where there is no PEM at all.
fn absent(text: &[u8], missing: PemProblem, other: PemProblem) -> PemProblem {
    if text.is_empty() || contains(text, b"-----BEGIN ") { missing } else { other }
}

/// PKCS#8 says so in its label, the older forms in a header of their own.
fn is_encrypted(text: &[u8]) -> bool {
    contains(text, b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || contains(text, b"Proc-Type: 4,ENCRYPTED")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}
