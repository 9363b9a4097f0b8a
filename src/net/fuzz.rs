//! What any text has to do to the parsers of what lets a client in: for coverage-guided fuzzing (`fuzz/`) and for the tests
//! that spoil good inputs.

// As in tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::auth::access_url::AccessUrl;
use crate::auth::connection_string::ConnectionString;

/// Stands in good inputs where a secret does.
pub const SECRET: &str = "c2VjcmV0c2VjcmV0";

/// What is said of a text does not give away what is secret in it.
fn keeps_secret(said: &str) {
    assert!(!said.contains(SECRET), "{said}");
}

/// A connection string is read, or refused without its key.
pub fn connection_string(text: &str) {
    match ConnectionString::parse(text) {
        Ok(read) => {
            let endpoint = read.endpoint.to_string();
            // Where the text has it elsewhere, too, it is no secret.
            if !endpoint.contains(SECRET) {
                keeps_secret(&format!("{read:?}"));
            }
            let again = format!("Endpoint={endpoint};AccessKey={}", read.key.expose());
            assert_eq!(ConnectionString::parse(&again), Ok(read), "{text}");
        }
        Err(error) => keeps_secret(&format!("{error} {error:?}")),
    }
}

/// A client access URL is read, and written as the same URL, or refused without its token.
pub fn url(text: &str) {
    match AccessUrl::parse(text) {
        Ok(url) => {
            let _ = (format!("{url} {url:?}"), url.endpoint(), url.hub().len(), url.fresh_uri());
            let written = url.reveal();
            let again = AccessUrl::parse(written.expose()).map(|again| again.reveal());
            assert!(again.is_ok_and(|again| again.expose() == written.expose()), "{text}");
        }
        Err(error) => keeps_secret(&format!("{error:?}").replace(&format!("{error}"), "")),
    }
}
