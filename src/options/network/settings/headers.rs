//! `--header`: what it may say, and what of it is secret.

use http::header::InvalidHeaderName;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, PROXY_AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderName, HeaderValue};

use crate::failure::{Failure, Kind, ResultExt as _};
use crate::options::connection::settings::read_lines;
use crate::options::environment::Input;
use crate::options::hints::hint_at_secret;
use crate::options::stdin;
use webpubsub_net::secret::{self, Secret, is_secret_header};

/// Of the request itself, or of the connection.
const RESERVED: [HeaderName; 7] = [CONNECTION, CONTENT_LENGTH, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// The headers that were given, those in files included.
pub fn settle(given: &[Secret], input: &mut dyn Input) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let mut headers = Vec::new();
    for header in given {
        let file = header.expose().strip_prefix('@').map(|path| format!("`{path}`, named by `--header`,"));
        let stdin = || stdin::takes(header).then(|| "standard input, read for `--header`,".to_owned());
        if let Some(file) = file.or_else(stdin) {
            let text = read_lines("--header", header, input)?;
            for (index, line) in text.expose().lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                let place = format!("line {} of {file}", index + 1);
                headers.push(checked(line, Kind::Config, &place)?);
            }
        } else {
            hint_at_secret("--header", header.expose(), "`@FILE` and `-` read it from elsewhere", input);
            headers.push(checked(header.expose(), Kind::Usage, "`--header`")?);
        }
    }
    Ok(headers)
}

/// A header, or what is wrong with the one in that place.
fn checked(text: &str, kind: Kind, place: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    parse(text).map_err(|problem| bad(kind, place, &problem)).blame("--header")
}

fn bad(kind: Kind, place: &str, problem: &HeaderProblem) -> Failure {
    match problem {
        HeaderProblem::Reserved(name) if *name == PROXY_AUTHORIZATION => {
            let failure = Failure::message(kind, format!("{place} cannot set `{name}`, which is for proxies"));
            failure.hint("user and password of a proxy stand in its URL: `--proxy USER:PASSWORD@HOST:PORT`")
        }
        HeaderProblem::Reserved(name) => {
            let failure = Failure::message(kind, format!("{place} cannot set `{name}`, which wps sets itself"));
            match *name == SEC_WEBSOCKET_PROTOCOL {
                true => failure.hint("leave it out; `--protocol` says which subprotocol is spoken"),
                false => failure.hint("leave it out"),
            }
        }
        HeaderProblem::NoColon | HeaderProblem::Name => {
            Failure::message(kind, format!("{place} is not a header: {problem}"))
                .hint("a header is written `NAME: VALUE`; `@FILE` and `-` read headers from elsewhere, one a line")
        }
        HeaderProblem::Value(name) => {
            Failure::message(kind, format!("{place} has a value for `{name}` that no header can have"))
                .hint("a value has no line breaks and no control characters")
        }
    }
}

/// What is wrong with a header.
#[derive(Debug, PartialEq, Eq)]
enum HeaderProblem {
    NoColon,
    Name,
    Value(HeaderName),
    Reserved(HeaderName),
}

impl From<InvalidHeaderName> for HeaderProblem {
    fn from(_: InvalidHeaderName) -> Self {
        Self::Name
    }
}

impl std::fmt::Display for HeaderProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoColon => f.write_str("there is no colon in it"),
            Self::Name => f.write_str("what stands before the colon is not a name"),
            Self::Value(name) | Self::Reserved(name) => write!(f, "`{name}`"),
        }
    }
}

fn parse(text: &str) -> Result<(HeaderName, HeaderValue), HeaderProblem> {
    let (name, value) = text.split_once(':').ok_or(HeaderProblem::NoColon)?;
    let name = HeaderName::from_bytes(name.trim().as_bytes())?;
    let reserved = name == PROXY_AUTHORIZATION || name.as_str().starts_with("sec-websocket-");
    if reserved || RESERVED.contains(&name) {
        return Err(HeaderProblem::Reserved(name));
    }
    let value = value.trim();
    let mut header = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| HeaderProblem::Value(name.clone()))?;
    if is_secret_header(name.as_str()) {
        header.set_sensitive(true);
        // The service may repeat it, or a part of it: the credentials of a scheme, the value of a cookie.
        secret::remember(value);
        for part in value.split([';', ',']) {
            let part = part.trim();
            let bare = part.split_once([' ', '=']).map_or(part, |(_, bare)| bare.trim());
            secret::remember(bare);
        }
    }
    Ok((name, header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_a_colon_and_a_value() {
        for (text, name, value) in [
            ("X-A: 1", "x-a", "1"),
            ("x-a:1", "x-a", "1"),
            (" X-A :  a: b  ", "x-a", "a: b"),
            ("X-Empty:", "x-empty", ""),
            ("Host: other.example", "host", "other.example"),
            ("X-Name: Zoë", "x-name", "Zoë"),
        ] {
            let (found, header) = parse(text).unwrap();
            assert_eq!((found.as_str(), header.as_bytes()), (name, value.as_bytes()), "{text}");
        }
        for text in ["", "X-A", "X A: 1", ": 1", "é: 1"] {
            assert!(matches!(parse(text), Err(HeaderProblem::NoColon | HeaderProblem::Name)), "{text}");
        }
        assert!(matches!(parse("X-A: a\nb"), Err(HeaderProblem::Value(_))));
    }

    #[test]
    fn headers_of_the_handshake_cannot_be_given() {
        for name in ["Upgrade", "connection", "Sec-WebSocket-Key", "SEC-WEBSOCKET-PROTOCOL", "Proxy-Authorization"] {
            assert!(matches!(parse(&format!("{name}: x")), Err(HeaderProblem::Reserved(_))), "{name}");
        }
    }

    #[test]
    fn values_that_look_secret_are_not_shown() {
        for (text, secret) in [
            ("Authorization: Bearer x", true),
            ("Cookie: a=b", true),
            ("X-Api-Key: x", true),
            ("X-Auth-Token: x", true),
            ("Origin: http://x", false),
            ("X-Trace: 1", false),
        ] {
            assert_eq!(parse(text).unwrap().1.is_sensitive(), secret, "{text}");
        }
        parse("Cookie: one=chocolate; two=vanilla99").unwrap();
        parse("Authorization: Custom strawberry").unwrap();
        let said = secret::redact("chocolate, vanilla99 and strawberry");
        assert_eq!(said, "[redacted], [redacted] and [redacted]");
    }
}
