//! Every record that these tests see, held against the schema that `wps schema` prints.
//!
//! The schema allows fields that it does not know, for those of later versions. Here they are refused.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

const SCHEMA: &str = include_str!("../../../src/records/records.schema.json");

struct Records {
    schemas: Schemas,
    by_type: HashMap<String, SchemaIndex>,
}

static RECORDS: LazyLock<Records> = LazyLock::new(|| {
    let mut document: Value = serde_json::from_str(SCHEMA).unwrap();
    close(&mut document);
    let (mut schemas, mut compiler, mut by_type) = (Schemas::new(), Compiler::new(), HashMap::new());
    compiler.enable_format_assertions();
    let kinds: Vec<String> = document["$defs"].as_object().unwrap().keys().cloned().collect();
    compiler.add_resource("urn:wps:tests", document).unwrap();
    for kind in kinds {
        let index = compiler.compile(&format!("urn:wps:tests#/$defs/{kind}"), &mut schemas).unwrap();
        by_type.insert(kind, index);
    }
    Records { schemas, by_type }
});

/// Nothing but the fields that are named.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            // A field may have that name too; its neighbour `type` is no word then.
            if members.contains_key("properties") && members.get("type").is_some_and(|kind| kind == "object") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Fails when it is a record, and not as the schema says.
#[track_caller]
pub fn check(value: &Value) {
    // Frames of the service have a type and no time.
    let Some(kind) = value["type"].as_str().filter(|_| value["time"].is_string()) else { return };
    let index = RECORDS.by_type.get(kind).unwrap_or_else(|| panic!("no type of record: {value}"));
    if let Err(error) = RECORDS.schemas.validate(value, *index) {
        panic!("{error}\n{value}");
    }
}

/// The same for each line of a stdout, all of which are records if `only` that was asked for.
#[track_caller]
pub fn check_stdout(stdout: &[u8], only: bool) {
    for line in stdout.split_inclusive(|byte| *byte == b'\n') {
        match read(line) {
            Some(value) => {
                assert!(!only || value["type"].is_string() && value["time"].is_string(), "not a record: {value}");
                check(&value);
            }
            // The reader may have gone in the middle of one.
            None => assert!(!only || !line.ends_with(b"\n"), "not a record: {}", String::from_utf8_lossy(line)),
        }
    }
}

/// An object. `data` that is too deep for a parser, or no Unicode, is passed on as it came: it is anything.
fn read(line: &[u8]) -> Option<Value> {
    if let Ok(object) = serde_json::from_slice::<Map<String, Value>>(line) {
        return Some(Value::Object(object));
    }
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(line).ok()?;
    let field = |(name, text): (String, Box<RawValue>)| {
        let value = serde_json::from_str(text.get()).ok().or_else(|| (name == "data").then_some(Value::Null))?;
        Some((name, value))
    };
    fields.into_iter().map(field).collect()
}

#[test]
fn what_is_not_in_the_schema_is_found() {
    let mut record: Value = serde_json::json!({
        "type": "stopped", "time": "2026-01-02T03:04:05.678Z", "reason": "failed", "exitCode": 7,
        "error": {"message": "m"},
    });
    check(&record);
    let fails = |record: &Value| std::panic::catch_unwind(|| check(record)).is_err();
    for (pointer, bad) in [
        ("/exitCode", Value::from(256)),
        ("/exitCode", Value::Null),
        ("/time", "yesterday".into()),
        ("/type", "no-type".into()),
        ("/error/message", 1.into()),
    ] {
        let mut record = record.clone();
        *record.pointer_mut(pointer).unwrap() = bad;
        assert!(fails(&record), "{record}");
    }
    record["error"]["word"] = 1.into();
    assert!(fails(&record));
}
