//! The claims of a client token as people write them: single strings or arrays, whole or fractional dates.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The claims that the service looks at (PROTOCOL §2.3). Everything is optional here; what is mandatory is the
/// verifier's business.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// Whom the token is for: endpoint and hub path.
    #[serde(default, deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// When it expires, in seconds since 1970.
    #[serde(default, deserialize_with = "numeric_date")]
    pub exp: Option<u64>,
    /// When it was made.
    #[serde(default, deserialize_with = "numeric_date")]
    pub iat: Option<u64>,
    /// When it begins to be valid.
    #[serde(default, deserialize_with = "numeric_date")]
    pub nbf: Option<u64>,
    /// The user id; absent when anonymous.
    #[serde(default)]
    pub sub: Option<String>,
    /// What the client may do (PROTOCOL §11).
    #[serde(default, rename = "role", deserialize_with = "one_or_many")]
    pub roles: Vec<String>,
    /// Groups joined at connect.
    #[serde(default, rename = "webpubsub.group", deserialize_with = "one_or_many")]
    pub groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Option::<OneOrMany>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(OneOrMany::One(one)) => vec![one],
        Some(OneOrMany::Many(many)) => many,
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumericDate {
    Whole(u64),
    Fractional(f64),
}

fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let date = Option::<NumericDate>::deserialize(deserializer)?.map(|date| match date {
        NumericDate::Whole(secs) => secs,
        // Saturates: dates before 1970 become 0.
        NumericDate::Fractional(secs) => secs as u64,
    });
    // What others count with is signed.
    if date.is_some_and(|date| date >= i64::MAX as u64) {
        return Err(D::Error::custom("a date lies beyond all calendars"));
    }
    Ok(date)
}
