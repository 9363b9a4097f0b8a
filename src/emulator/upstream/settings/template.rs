//! The URL of a handler, in which `{hub}` and `{event}` stand for the names of an event's hub and of the event.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;
use url::Url;

/// What stays as it is in a name: the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL with parameters. Its query and its user information may hold secrets, so it is shown without them.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlTemplate {
    text: String,
    /// It is asked through the tunnel of its hub (PROTOCOL §20).
    tunnel: bool,
    /// What may be shown.
    shown: String,
}

/// Why a text is no URL of a handler.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// Not a URL.
    #[error("it is not a URL: {0}")]
    Url(#[from] url::ParseError),
    /// Something else than HTTP.
    #[error("its scheme is `{0}`; handlers are asked by `http` or `https`, or through a tunnel: `tunnel:///PATH`")]
    Scheme(String),
    /// A tunnel leads to whoever has opened it.
    #[error("a tunnel has no host: `tunnel:///PATH`, with three slashes")]
    TunnelHost,
    /// A parameter that does not exist.
    #[error("it has the parameter `{{{0}}}`; there are `{{hub}}` and `{{event}}`")]
    Parameter(String),
    /// The parameter ends nowhere.
    #[error("a `{{` in it has no `}}`")]
    Open,
}

enum TemplatePiece<'a> {
    Text(&'a str),
    Hub,
    Event,
}

impl UrlTemplate {
    /// Takes an absolute URL with parameters, whose names have no case.
    pub fn new(text: &str) -> Result<Self, TemplateError> {
        let mut template = Self { text: text.to_owned(), tunnel: false, shown: String::new() };
        pieces(text).try_for_each(|piece| piece.map(drop))?;
        let url = template.expand("hub", "event")?;
        match url.scheme() {
            "http" | "https" => {}
            "tunnel" if url.cannot_be_a_base() || url.host_str().is_some_and(|host| !host.is_empty()) => {
                return Err(TemplateError::TunnelHost);
            }
            "tunnel" => template.tunnel = true,
            other => return Err(TemplateError::Scheme(other.to_owned())),
        }
        let bare = text.split(['?', '#']).next().unwrap_or_default();
        template.shown = match (bare.find("://"), bare.rfind('@')) {
            (Some(scheme), Some(at)) if at > scheme => format!("{}{}", &bare[..scheme + 3], &bare[at + 1..]),
            _ => bare.to_owned(),
        };
        Ok(template)
    }

    /// Whether it is asked through a tunnel, so that its URL has no host.
    pub fn is_tunnel(&self) -> bool {
        self.tunnel
    }

    /// The URL for an event; the names are escaped.
    pub fn expand(&self, hub: &str, event: &str) -> Result<Url, TemplateError> {
        let mut text = String::with_capacity(self.text.len());
        for piece in pieces(&self.text) {
            match piece? {
                TemplatePiece::Text(piece) => text.push_str(piece),
                TemplatePiece::Hub => text.extend(utf8_percent_encode(hub, ESCAPED)),
                TemplatePiece::Event => text.extend(utf8_percent_encode(event, ESCAPED)),
            }
        }
        Ok(Url::parse(&text)?)
    }
}

fn pieces(text: &str) -> impl Iterator<Item = Result<TemplatePiece<'_>, TemplateError>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(parameter) = rest.strip_prefix('{') else {
            let (piece, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
            rest = after;
            return Some(Ok(TemplatePiece::Text(piece)));
        };
        let Some((name, after)) = parameter.split_once('}') else {
            rest = "";
            return Some(Err(TemplateError::Open));
        };
        rest = after;
        Some(match name {
            name if name.eq_ignore_ascii_case("hub") => Ok(TemplatePiece::Hub),
            name if name.eq_ignore_ascii_case("event") => Ok(TemplatePiece::Event),
            name => Err(TemplateError::Parameter(name.to_owned())),
        })
    })
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_replaced_by_escaped_names() {
        for (template, url) in [
            ("http://localhost:3000/api", "http://localhost:3000/api"),
            ("http://h/{hub}/{event}?e={EVENT}", "http://h/my%5Bhub%5D/a.b?e=a.b"),
            ("https://{hub}.example/x", "https://my%5Bhub%5D.example/x"),
        ] {
            let template = UrlTemplate::new(template).unwrap();
            match template.expand("my[hub]", "a.b") {
                Ok(expanded) => assert_eq!(expanded.as_str(), url),
                // Not every name can stand in a host's place.
                Err(error) => assert!(url.contains("example"), "{error}"),
            }
        }
    }

    #[test]
    fn what_is_no_url_of_a_handler_is_refused_with_the_reason() {
        for (template, reason) in [
            ("localhost:3000/x", "its scheme is `localhost`"),
            ("tunnel://x/y", "a tunnel has no host"),
            ("tunnel:x", "a tunnel has no host"),
            ("ftp://x/", "its scheme is `ftp`"),
            ("/x", "it is not a URL: relative URL without a base"),
            ("http://h/{hubs}", "it has the parameter `{hubs}`"),
            ("http://h/{hub", "a `{` in it has no `}`"),
            ("", "it is not a URL"),
        ] {
            let error = UrlTemplate::new(template).unwrap_err().to_string();
            assert!(error.starts_with(reason), "{template}: {error}");
        }
    }

    #[test]
    fn a_tunnel_has_a_path_and_perhaps_a_query_alone() {
        for (template, path, query) in [
            ("tunnel:///a/{hub}/{event}?e={event}", "/a/my%5Bhub%5D/a.b", Some("e=a.b")),
            ("TUNNEL:///", "/", None),
            ("tunnel://", "", None),
        ] {
            let template = UrlTemplate::new(template).unwrap();
            let url = template.expand("my[hub]", "a.b").unwrap();
            assert!(template.is_tunnel());
            assert_eq!((url.path(), url.query()), (path, query), "{url}");
        }
        assert!(!UrlTemplate::new("http://h/").unwrap().is_tunnel());
    }

    #[test]
    fn secrets_of_the_url_are_not_shown() {
        let template = UrlTemplate::new("https://user:sesame@h/{event}?code=sesame#sesame").unwrap();
        assert_eq!(template.to_string(), "https://h/{event}");
        assert!(!format!("{template:?}").contains("sesame"));
        assert!(template.expand("h", "e").unwrap().as_str().contains("code=sesame"));
    }
}
