//! What a server's certificate says about itself, for people to read. Whether it is to be trusted is not decided here.

use std::net::IpAddr;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;
use x509_cert::Certificate as Parsed;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The readable parts of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is, such as `CN=service.example`; often empty, since the names count.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The DNS names and IP addresses that it is for.
    pub names: Vec<String>,
    /// From when on it is valid.
    pub not_before: SystemTime,
    /// Until when.
    pub not_after: SystemTime,
}

impl Certificate {
    /// `None` when it cannot be read.
    pub(super) fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let parsed = Parsed::from_der(der).ok()?;
        let body = parsed.tbs_certificate();
        let names = match body.get_extension::<SubjectAltName>() {
            Ok(Some((_, names))) => names.0.iter().filter_map(name).collect(),
            Ok(None) | Err(_) => Vec::new(),
        };
        Some(Self {
            subject: body.subject().to_string(),
            issuer: body.issuer().to_string(),
            names,
            not_before: body.validity().not_before.to_system_time(),
            not_after: body.validity().not_after.to_system_time(),
        })
    }

    /// It names itself as its issuer.
    #[allow(dead_code, reason = "the doctor asks")]
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

/// A name that a client may connect to.
fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let v4 = || <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
            v4().or_else(|_| v6()).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn a_certificate_tells_whose_it_is_and_how_long() {
        let names = ["service.example", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(names.to_vec()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "a service");
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(4001, 2, 3));
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = Certificate::read(der.der()).unwrap();
        assert!(read.subject.contains("CN=a service"), "{read:?}");
        assert_eq!(read.names, names);
        assert!(read.is_self_issued());
        assert_eq!(humantime::format_rfc3339_seconds(read.not_before).to_string(), "2000-01-01T00:00:00Z");
        assert_eq!(humantime::format_rfc3339_seconds(read.not_after).to_string(), "4001-02-03T00:00:00Z");
        assert_eq!(Certificate::read(&CertificateDer::from(vec![0; 16])), None);
    }
}
