//! Records of `wps trace`.

use std::borrow::Cow;

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use serde::ser::SerializeMap as _;

/// A line of the live trace, of `wps trace`; its `time` is the service's.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Trace<'a> {
    /// The number of the kind of event.
    pub event_id: i64,
    /// Its name; absent where the service has not said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_name: Option<&'a str>,
    /// `Trace`, `Debug`, `Information`, `Warning`, `Error` or `Critical`; absent where the service has not said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<&'static str>,
    /// In words.
    pub message: Cow<'a, str>,
    /// What was thrown in the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<Cow<'a, str>>,
    /// Names and strings, as the service has them: `hub`, `connectionId` and the like.
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub properties: Properties<'a>,
}

/// Where and whose, by name, each once.
#[derive(Debug, Default)]
pub struct Properties<'a>(pub Vec<(&'a str, Cow<'a, str>)>);

impl Serialize for Properties<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
