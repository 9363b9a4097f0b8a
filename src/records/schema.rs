//! The JSON Schema of all records, and what the manual says of them, which is made from it.
//!
//! It is made from the types in this room by the tests, and checked in: a build needs nothing for it. New fields and types
//! do not make an old schema untrue of what it knows, so additional fields are left open.

#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// All of it, as it is checked in.
#[cfg(not(test))]
pub fn text() -> &'static str {
    include_str!("records.schema.json")
}

/// All of it, as the types have it: tests make the manual from what will be checked in.
#[cfg(test)]
pub fn text() -> &'static str {
    tests::generated()
}

/// The schema of one type of record by itself. `None`: there is no such type.
pub fn of(kind: &str) -> Option<String> {
    let document: Document<'_> = serde_json::from_str(text()).ok()?;
    let (_, schema) = document.records.0.into_iter().find(|(known, _)| known == kind)?;
    // It stands there two levels deeper.
    let lines: Vec<&str> = schema.get().lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let fields = lines.get(1..)?.join("\n");
    let Document { dialect, id, .. } = document;
    Some(format!("{{\n  \"$schema\": \"{dialect}\",\n  \"$id\": \"{id}:{kind}\",\n{fields}\n"))
}

/// What the manual says of a type of record.
#[derive(Debug)]
pub struct RecordManual {
    /// The type.
    pub kind: String,
    /// When there is such a record.
    pub meaning: String,
    /// Its fields but `type` and `time`, each with what it means. Those that may be absent stand in brackets; those of
    /// objects behind the name of the object.
    pub fields: Vec<(String, String)>,
}

/// Every type of record.
pub fn manual() -> Vec<RecordManual> {
    let document: Option<Document<'_>> = serde_json::from_str(text()).ok();
    let records = document.map(|document| document.records.0).unwrap_or_default();
    let entries = records.into_iter().filter_map(|(kind, text)| {
        let schema: Schema = serde_json::from_str(text.get()).ok()?;
        let mut fields = Vec::new();
        schema.list("", &mut fields);
        Some(RecordManual { kind, meaning: phrase(&schema.description), fields })
    });
    entries.collect()
}

/// A sentence as a part of one.
fn phrase(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

/// The parts of the document that are read.
#[derive(Deserialize)]
struct Document<'t> {
    #[serde(rename = "$schema")]
    dialect: String,
    #[serde(rename = "$id")]
    id: String,
    #[serde(rename = "$defs", borrow)]
    records: OrderedObject<&'t RawValue>,
}

/// A schema, as far as the manual is made from it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Schema {
    description: String,
    properties: OrderedObject<Schema>,
    required: Vec<String>,
    #[serde(rename = "enum")]
    values: Vec<Value>,
    items: Option<Box<Schema>>,
}

impl Schema {
    /// Appends the fields of an object whose own name is `prefix`.
    fn list(&self, prefix: &str, rows: &mut Vec<(String, String)>) {
        let all = self.properties.0.iter();
        for (name, field) in all.filter(|(name, _)| !prefix.is_empty() || !matches!(name.as_str(), "type" | "time")) {
            let path = format!("{prefix}{name}");
            let term = if self.required.contains(name) { path.clone() } else { format!("[{path}]") };
            let values: Vec<String> =
                field.values.iter().filter_map(Value::as_str).map(|it| format!("`{it}`")).collect();
            let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
            rows.push((term, format!("{}{values}", phrase(&field.description))));
            field.list(&format!("{path}."), rows);
            if let Some(items) = &field.items {
                items.list(&format!("{path}[]."), rows);
            }
        }
    }
}

/// The members of an object in the order of the text.
struct OrderedObject<T>(Vec<(String, T)>);

impl<T> Default for OrderedObject<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrderedObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = OrderedObject<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(OrderedObject(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}
