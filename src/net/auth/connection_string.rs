//! Connection strings: `Endpoint=…;AccessKey=…;Version=1.0;` (PROTOCOL §2.1).
//!
//! The settings read one from the user; the emulator prints one. The key is a [`Secret`] from the first moment on, and
//! no error of this module contains a part of the string that could be the key.

use thiserror::Error;
use url::Url;

use crate::secret::Secret;

/// The key of the official emulator and of ours (PROTOCOL §0). It is published, so it is no secret.
pub const DEVELOPMENT_KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

/// Fewer bytes no library of .NET signs with: HS256 wants a key as long as its hash (RFC 7518 §3.2).
pub const SHORTEST_SAFE_KEY: usize = 32;

/// Why a text cannot be an access key. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AccessKeyError {
    /// Nothing there.
    #[error("an access key is not empty")]
    Empty,
    /// It would end there in a connection string.
    #[error("an access key has no `;`: a connection string ends it there")]
    Semicolon,
    /// Connection strings lose them, and headers cannot hold them.
    #[error("an access key has no blanks and no line breaks")]
    Blank,
}

/// Whether a text can be an access key: whatever a connection string holds.
pub fn check_access_key(key: &str) -> Result<(), AccessKeyError> {
    if key.is_empty() {
        return Err(AccessKeyError::Empty);
    }
    if key.contains(';') {
        return Err(AccessKeyError::Semicolon);
    }
    if key.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(AccessKeyError::Blank);
    }
    Ok(())
}

/// A parsed connection string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionString {
    /// `http` or `https`, host, optionally port and path; no query, no fragment, no user information.
    pub endpoint: Url,
    /// The access key as it stands in the string; its UTF-8 bytes sign tokens (PROTOCOL §2.2).
    pub key: Secret,
}

/// Why a connection string is not one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConnectionStringError {
    /// Nothing there.
    #[error("the connection string is empty")]
    Empty,
    /// A segment that is not `key=value`, by its place; its text may be a key torn apart and is not repeated.
    #[error("part {0} of the connection string is not of the form `Name=value`")]
    Segment(usize),
    /// A part that must be there.
    #[error("the connection string has no `{0}`")]
    Missing(&'static str),
    /// A way to sign in, where the key should be.
    #[error("the connection string has `AuthType` in place of an `AccessKey`")]
    AuthType,
    /// `Endpoint` is no URL the service can have.
    #[error("the `Endpoint` of the connection string is not valid: {0}")]
    Endpoint(&'static str),
    /// `Port` is not a port number.
    #[error("the `Port` of the connection string is not a number from 1 to 65535")]
    Port,
}

impl ConnectionString {
    /// Parses a connection string. Names are compared without case and may come in any order, empty segments and
    /// unknown names are ignored, of a name given twice the last one counts.
    pub fn parse(text: &str) -> Result<Self, ConnectionStringError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ConnectionStringError::Empty);
        }
        let (mut endpoint, mut key, mut port, mut auth_type) = (None, None, None, None);
        for (index, segment) in text.split(';').enumerate() {
            if segment.trim().is_empty() {
                continue;
            }
            let (name, value) = segment.split_once('=').ok_or(ConnectionStringError::Segment(index + 1))?;
            let value = Some(value.trim()).filter(|value| !value.is_empty());
            match name.trim().to_ascii_lowercase().as_str() {
                "endpoint" => endpoint = value,
                "accesskey" => key = value,
                "port" => port = value,
                "authtype" => auth_type = value,
                _ => {}
            }
        }
        let mut endpoint = parse_endpoint(endpoint.ok_or(ConnectionStringError::Missing("Endpoint"))?)?;
        let without_key = if auth_type.is_some() {
            ConnectionStringError::AuthType
        } else {
            ConnectionStringError::Missing("AccessKey")
        };
        let key = Secret::new(key.ok_or(without_key)?);
        if let Some(port) = port {
            let port = port.parse().ok().filter(|port| *port != 0).ok_or(ConnectionStringError::Port)?;
            endpoint.set_port(Some(port)).map_err(|()| ConnectionStringError::Port)?;
        }
        Ok(Self { endpoint, key })
    }
}

fn parse_endpoint(text: &str) -> Result<Url, ConnectionStringError> {
    let bad = ConnectionStringError::Endpoint;
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&whole).map_err(|_| bad("it is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("its scheme is not `http` or `https`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it contains a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("it has a query or a fragment"));
    }
    if url.port() == Some(0) {
        return Err(bad("its port is 0"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_strings_are_read_as_the_sdks_read_them() {
        for (text, endpoint, key) in [
            (
                "Endpoint=https://x.webpubsub.azure.com;AccessKey=QUJD;Version=1.0;",
                "https://x.webpubsub.azure.com/",
                "QUJD",
            ),
            ("Endpoint=http://localhost;AccessKey=a==;Port=8080", "http://localhost:8080/", "a=="),
            ("accesskey=K=1; ENDPOINT = HTTP://Host:81 ;;", "http://host:81/", "K=1"),
            ("Endpoint=x.example;AccessKey=k", "https://x.example/", "k"),
            ("Endpoint=httpbin:8080;AccessKey=k;Unknown=1", "https://httpbin:8080/", "k"),
            ("Endpoint=http://a;Endpoint=http://b;AccessKey=k", "http://b/", "k"),
            ("Endpoint=https://gw/base/;AccessKey=k\n", "https://gw/base/", "k"),
        ] {
            let parsed = ConnectionString::parse(text).unwrap();
            assert_eq!((parsed.endpoint.as_str(), parsed.key.expose()), (endpoint, key), "{text}");
        }
    }

    #[test]
    fn an_access_key_is_what_a_connection_string_can_hold() {
        for good in [DEVELOPMENT_KEY, "a==", "é"] {
            assert_eq!(check_access_key(good), Ok(()), "{good}");
            let text = format!("Endpoint=http://h;AccessKey={good};");
            assert_eq!(ConnectionString::parse(&text).unwrap().key.expose(), good);
        }
        for (bad, expected) in [
            ("", AccessKeyError::Empty),
            ("a;b", AccessKeyError::Semicolon),
            ("a b", AccessKeyError::Blank),
            (" a", AccessKeyError::Blank),
            ("a\n", AccessKeyError::Blank),
            ("a\u{7}", AccessKeyError::Blank),
        ] {
            assert_eq!(check_access_key(bad), Err(expected), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_connection_string_is_named_without_its_key() {
        use ConnectionStringError as E;
        for (text, expected) in [
            ("", E::Empty),
            (" \n", E::Empty),
            ("Endpoint=http://h;sesame", E::Segment(2)),
            ("AccessKey=sesame", E::Missing("Endpoint")),
            ("Endpoint=;AccessKey=sesame", E::Missing("Endpoint")),
            ("Endpoint=http://h", E::Missing("AccessKey")),
            ("Endpoint=http://h;AccessKey=", E::Missing("AccessKey")),
            ("Endpoint=https://h;AuthType=aad;clientId=sesame;clientSecret=sesame;Version=1.0;", E::AuthType),
            ("Endpoint=ftp://h;AccessKey=sesame", E::Endpoint("its scheme is not `http` or `https`")),
            ("Endpoint=http://u:sesame@h;AccessKey=sesame", E::Endpoint("it contains a user name or password")),
            ("Endpoint=http://h?a=sesame;AccessKey=sesame", E::Endpoint("it has a query or a fragment")),
            ("Endpoint=http://;AccessKey=sesame", E::Endpoint("it is not a URL")),
            ("Endpoint=http://h:0;AccessKey=sesame", E::Endpoint("its port is 0")),
            ("Endpoint=http://h;AccessKey=sesame;Port=0", E::Port),
            ("Endpoint=http://h;AccessKey=sesame;Port=x", E::Port),
        ] {
            let error = ConnectionString::parse(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!format!("{error} {error:?}").contains("sesame"), "{error}");
        }
        let parsed = ConnectionString::parse("Endpoint=http://h;AccessKey=sesame").unwrap();
        assert!(!format!("{parsed:?}").contains("sesame"));
    }

    proptest::proptest! {
        #[test]
        fn spoiled_strings_are_read_or_refused_without_their_key(text in webpubsub_spoil::spoiled_text(&[
            "Endpoint=https://x.webpubsub.azure.com;AccessKey=c2VjcmV0c2VjcmV0;Version=1.0;",
            "Endpoint=http://localhost;AccessKey=c2VjcmV0c2VjcmV0;Port=8080",
        ])) {
            crate::fuzz::connection_string(&text);
        }
    }
}
