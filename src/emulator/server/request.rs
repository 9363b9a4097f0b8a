//! What every kind of request is read by: its query, its bearer, and the names it calls the service by.

use std::time::Duration;

use http::header::{self, HeaderMap};

use super::Server;

/// How long a body may take.
pub(super) const BODY_TIME_LIMIT: Duration = Duration::from_secs(30);

/// The parameters of a query, decoded.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// All of them, in their order.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The last of a name, which has no case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values(name).last()
    }

    /// All of a name, which has no case here.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What the `Authorization` header bears.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
}

/// The names of the service that tokens may be made for: its endpoint, and what the client called it.
pub(super) fn names(server: &Server, headers: &HeaderMap) -> Vec<String> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let mut names = vec![server.endpoint.clone()];
    names.extend(host.into_iter().flat_map(names_of));
    names
}

/// The authority a client used, and when that is this machine, its other names.
fn names_of(host: &str) -> Vec<String> {
    const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
    let port = LOOPBACK.iter().find_map(|name| {
        let port = host.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).map(|_| &host[name.len()..]);
        port.filter(|port| port.is_empty() || port.starts_with(':'))
    });
    match port {
        Some(port) => LOOPBACK.iter().map(|name| format!("{name}{port}")).collect(),
        None => vec![host.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_host_has_all_names_of_this_machine() {
        for host in ["localhost:8080", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080"] {
            assert_eq!(names_of(host), ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"], "{host}");
        }
        assert_eq!(names_of("localhost"), ["localhost", "127.0.0.1", "[::1]"]);
        for host in ["emulator:8080", "localhost.example:8080", "127.0.0.10", "é"] {
            assert_eq!(names_of(host), [host], "{host}");
        }
    }

    #[test]
    fn the_last_of_several_parameters_counts_names_have_no_case_and_values_are_decoded() {
        let query = Query::parse("a=1&A=2&b=x%2By+z&c");
        assert_eq!(["a", "B", "c", "d"].map(|name| query.get(name)), [Some("2"), Some("x+y z"), Some(""), None]);
    }
}
