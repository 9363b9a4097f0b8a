//! The metadata of a message as HTTP headers (PROTOCOL §4.5): requests of the data plane carry them, and the answers of
//! event handlers.

use http::HeaderMap;
use serde_json::{Map, Value};

use webpubsub_proto::check_metadata;

/// What the names of such headers begin with.
pub const PREFIX: &str = "x-webpubsub-metadata-";

/// The JSON text of the `metadata` object, if there are any. Says what is wrong with them.
pub fn from_headers(headers: &HeaderMap) -> Result<Option<String>, String> {
    let mut metadata = Map::new();
    for name in headers.keys() {
        let Some(key) = name.as_str().strip_prefix(PREFIX) else { continue };
        let mut values = headers.get_all(name).iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        match (value, values.next()) {
            (Some(value), None) => metadata.insert(key.to_owned(), Value::from(value)),
            (None, _) => return Err(format!("the header `{name}` is not ASCII")),
            (Some(_), Some(_)) => return Err(format!("the header `{name}` is given more than once")),
        };
    }
    if metadata.is_empty() {
        return Ok(None);
    }
    let text = Value::Object(metadata).to_string();
    check_metadata(&text)?;
    Ok(Some(text))
}
