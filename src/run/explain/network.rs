//! What to do about proxies and certificates.

use std::path::Path;

use webpubsub_net::wire::{CertificateProblem, PemProblem, ProxyError, ProxyProblem};

/// What to do when a proxy gave no way to the service.
pub(super) fn proxy_hints(error: &ProxyError, hint: &mut impl FnMut(String)) {
    let ProxyError { proxy, from, target, problem } = error;
    match problem {
        ProxyProblem::Resolve(_) | ProxyProblem::Connect(_) => {
            hint(format!("check the proxy `{proxy}`, which {from} names; `--proxy none` goes without"));
        }
        ProxyProblem::Certificate(CertificateProblem::UnknownIssuer) => {
            hint("`--ca-cert FILE` trusts the issuer in FILE, of the proxy too".into());
        }
        ProxyProblem::Certificate(_) => hint(format!("{from} has to name the proxy as its certificate does")),
        ProxyProblem::Tls(_) => {
            hint(format!(
                "does `{proxy}` speak TLS? most proxies do not: `http://` in {from} asks for one that does not"
            ));
        }
        ProxyProblem::Credentials { given, schemes, .. } => {
            let basic = schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic"));
            if !schemes.is_empty() && !basic {
                let schemes: Vec<String> = schemes.iter().map(|scheme| format!("`{scheme}`")).collect();
                hint(format!(
                    "the proxy takes {} only, and wps speaks `Basic`: a local proxy that signs on for you, such as px \
                     or cntlm, goes in between",
                    schemes.join(", ")
                ));
            } else {
                credentials_hint(*given, from, hint);
            }
        }
        ProxyProblem::SocksCredentials { given } => credentials_hint(*given, from, hint),
        ProxyProblem::Refused(_) | ProxyProblem::Socks { .. } => {
            hint(format!("ask whoever runs the proxy to let `{target}` through"));
        }
        ProxyProblem::Closed(_) | ProxyProblem::NotProxy { .. } => {
            hint(format!("is there a proxy at `{proxy}`, and of this kind? {from} names it"));
        }
        ProxyProblem::BadTarget => hint("check the URL".into()),
    }
}

fn credentials_hint(given: bool, from: &str, hint: &mut impl FnMut(String)) {
    hint(if given {
        format!("check user and password in {from}; characters such as `@`, `:`, `/` and `%` are written as `%40`, …")
    } else {
        format!("user and password stand in {from}, before the host: `USER:PASSWORD@HOST:PORT`")
    });
}

/// What to do about a server's certificate.
pub fn certificate_hint(problem: &CertificateProblem) -> String {
    match problem {
        CertificateProblem::UnknownIssuer => {
            "`--ca-cert FILE` trusts the issuer in FILE; `--insecure` trusts anybody, for a test".into()
        }
        CertificateProblem::Expired { .. } => "renew the certificate, or check the clock of this machine".into(),
        CertificateProblem::NotYetValid { .. } => "check the clock of this machine".into(),
        CertificateProblem::WrongName { .. } => {
            "use a host name that the certificate is for; `--resolve HOST:PORT:ADDR` says where that is".into()
        }
        // What `openssl req -x509` makes when nothing is said.
        CertificateProblem::IsAuthority => {
            "`--ca-cert FILE` with this very certificate in FILE trusts it; `--insecure` trusts anybody, for a test"
                .into()
        }
        CertificateProblem::Revoked | CertificateProblem::Other(_) => {
            "the certificate has to be replaced; `--insecure` trusts anybody, for a test".into()
        }
    }
}

/// What to do when the server does not like who is calling.
pub(super) fn client_certificate_hint(given: bool) -> &'static str {
    if given {
        "the service has to know the issuer of `--client-cert`, and the certificate must not have expired"
    } else {
        "`--client-cert FILE --client-key FILE` shows the service who is calling"
    }
}

/// What to do about a file that should hold certificates or a key.
pub(super) fn pem_hint(path: &Path, problem: &PemProblem) -> String {
    let path = path.display();
    match problem {
        PemProblem::Unreadable(_) => "check the path and its permissions".into(),
        PemProblem::NotPem { key } => format!(
            "`openssl {} -inform der -in {path} -out FILE.pem` makes PEM from DER, \
             `openssl pkcs12 -in {path} -out FILE.pem -nodes` from PKCS#12",
            if *key { "pkey" } else { "x509" }
        ),
        PemProblem::EncryptedKey => {
            format!("`openssl pkey -in {path} -out FILE.pem` decrypts it; keep that file to yourself (`chmod 600`)")
        }
        PemProblem::NoKey => {
            "`--client-key FILE`, or `--tls-key FILE` of an emulator, names the file with the private key".into()
        }
        PemProblem::KeyMismatch { .. } => "give the private key that the certificate was made for".into(),
        PemProblem::Malformed | PemProblem::BadCertificate | PemProblem::BadKey | PemProblem::NoCertificate => {
            "a PEM file has blocks between `-----BEGIN …-----` and `-----END …-----`: was it copied whole?".into()
        }
    }
}
