//! Makes the schema from the types, and holds what is checked in against it.
//!
//! `WPS_REGENERATE=1 cargo test generated` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::super::list::{TYPES, schemas};
use super::{manual, of, text};

/// What adds something raises the minor one; what takes something away, or gives it another meaning, the major one.
const VERSION: &str = "1.0";

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The keywords of a schema, as they are laid out.
const KEYWORDS: [&str; 17] = [
    "$schema",
    "$id",
    "title",
    "description",
    "type",
    "const",
    "enum",
    "format",
    "minimum",
    "maximum",
    "items",
    "properties",
    "required",
    "additionalProperties",
    "oneOf",
    "$ref",
    "$defs",
];

/// The document as the types have it.
pub fn generated() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut out = String::new();
        document().write(&mut out, 0);
        out.push('\n');
        out
    })
}

fn document() -> Node {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let records = schemas(&mut generator);
    let types = Types { schemas: generator.take_definitions(true), fields: declared_fields() };
    let link = |kind: &&str| Node::Object(vec![("$ref".into(), Node::Value(format!("#/$defs/{kind}").into()))]);
    let links = TYPES.iter().map(link);
    let records = records.into_iter().map(|(kind, schema)| (kind.to_owned(), types.record(kind, schema.as_value())));
    let about = "A record is one of these, told by its `type`. Later minor versions have further types and fields: pass \
                 over what you do not know.";
    Node::Object(vec![
        ("$schema".into(), Node::Value(DIALECT.into())),
        ("$id".into(), Node::Value(format!("urn:wps:records:{VERSION}").into())),
        ("title".into(), Node::Value("wps record".into())),
        ("description".into(), Node::Value(about.into())),
        ("oneOf".into(), Node::List(links.collect())),
        ("$defs".into(), Node::Object(records.collect())),
    ])
}

/// JSON whose objects keep their order.
enum Node {
    Value(Value),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Node {
    fn write(&self, out: &mut String, depth: usize) {
        let line = |out: &mut String, depth: usize| {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        };
        match self {
            Self::Value(Value::Array(values)) => {
                let values: Vec<String> = values.iter().map(Value::to_string).collect();
                out.push_str(&format!("[{}]", values.join(", ")));
            }
            Self::Value(value) => out.push_str(&value.to_string()),
            Self::List(nodes) => {
                out.push('[');
                for (at, node) in nodes.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    line(out, depth + 1);
                    node.write(out, depth + 1);
                }
                line(out, depth);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, node)) in members.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    line(out, depth + 1);
                    out.push_str(&format!("{}: ", Value::from(name.as_str())));
                    node.write(out, depth + 1);
                }
                line(out, depth);
                out.push('}');
            }
        }
    }
}

/// What is known of the types that records are made of.
struct Types {
    /// Schemas by name.
    schemas: Map<String, Value>,
    /// The names of fields by the name of the type, in the order of the source: maps of the generator have none.
    fields: BTreeMap<String, Vec<String>>,
}

impl Types {
    /// The schema of a record.
    fn record(&self, kind: &str, schema: &Value) -> Node {
        let (name, mut schema) = self.resolved(schema);
        let properties = schema["properties"].as_object_mut().unwrap();
        let time = "When it was printed or, where the service says it, happened: RFC 3339, UTC, milliseconds.";
        let time = json!({"type": "string", "format": "date-time", "description": time});
        for (name, field) in
            [("type", json!({"type": "string", "const": kind, "description": "The type."})), ("time", time)]
        {
            assert!(properties.insert(name.into(), field).is_none(), "`{name}` of `{kind}` is everybody's");
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().cloned();
        schema["required"] = ["type".into(), "time".into()].into_iter().chain(required).collect();
        let order = ["type", "time"].into_iter().chain(self.fields[&name].iter().map(String::as_str));
        self.node(&schema, &order.collect::<Vec<_>>(), kind)
    }

    /// The name of the type that is referred to and its schema, with what is said of it there.
    fn resolved(&self, schema: &Value) -> (String, Value) {
        let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) else {
            return (String::new(), schema.clone());
        };
        let mut target = self.schemas[name].clone();
        let said = schema.as_object().unwrap().iter().filter(|(keyword, _)| *keyword != "$ref");
        said.for_each(|(keyword, value)| target[keyword] = value.clone());
        (name.to_owned(), target)
    }

    /// A schema without references, its parts in their order. `place`: for what is said when it cannot be.
    fn node(&self, schema: &Value, order: &[&str], place: &str) -> Node {
        let Some(schema) = schema.as_object() else { return Node::Value(schema.clone()) };
        let mut schema = schema.clone();
        // Of the formats others know only this one.
        if schema.get("format").is_some_and(|format| format != "date-time") {
            schema.remove("format");
        }
        schema.remove("default");
        if let Some(Value::String(words)) = schema.get_mut("description") {
            *words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        if let Some(alternatives) = schema.get("oneOf").and_then(Value::as_array).cloned() {
            // What a variant means stands in the source alone.
            schema.remove("oneOf");
            schema.insert("type".into(), "string".into());
            schema.insert("enum".into(), alternatives.iter().map(|it| it["const"].clone()).collect());
        }
        let required: Vec<String> =
            schema.get("required").map(|names| serde_json::from_value(names.clone()).unwrap()).unwrap_or_default();
        let mut keywords: Vec<(String, Value)> = schema.into_iter().collect();
        keywords.sort_by_key(|(keyword, _)| {
            KEYWORDS.iter().position(|known| known == keyword).unwrap_or_else(|| panic!("`{keyword}` of {place}"))
        });
        let parts = keywords.into_iter().map(|(keyword, value)| {
            let node = match (keyword.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    let mut properties: Vec<(String, Value)> = properties.into_iter().collect();
                    properties.sort_by_key(|(name, _)| {
                        let position = order.iter().position(|known| known == name);
                        position.unwrap_or_else(|| panic!("`{name}` of {place} is not found in the sources"))
                    });
                    let fields = properties.into_iter().map(|(name, field)| {
                        let place = format!("{place}.{name}");
                        let field = if required.contains(&name) { field } else { without_null(field) };
                        (name, self.field(&field, &place))
                    });
                    Node::Object(fields.collect())
                }
                ("items" | "additionalProperties", schema) if schema.is_object() => {
                    let (name, schema) = self.resolved(&schema);
                    self.node(&schema, &self.order(&name), place)
                }
                (_, value) => Node::Value(value),
            };
            (keyword, node)
        });
        Node::Object(parts.collect())
    }

    /// The schema of a field, which has to say what it means.
    fn field(&self, schema: &Value, place: &str) -> Node {
        let (name, schema) = self.resolved(schema);
        assert!(schema["description"].is_string(), "{place} has no doc comment");
        self.node(&schema, &self.order(&name), place)
    }

    fn order(&self, name: &str) -> Vec<&str> {
        self.fields.get(name).into_iter().flatten().map(String::as_str).collect()
    }
}

/// What is absent when there is none is never `null`.
fn without_null(mut field: Value) -> Value {
    if let Some(types) = field["type"].as_array().cloned() {
        field["type"] = types.into_iter().find(|kind| kind != "null").unwrap();
    }
    if let Some(alternatives) = field["anyOf"].as_array().cloned() {
        let reference = alternatives.iter().find(|it| it["$ref"].is_string()).unwrap().clone();
        field.as_object_mut().unwrap().remove("anyOf");
        field["$ref"] = reference["$ref"].clone();
    }
    field
}

/// The names of the fields of every type in this room, as they are written, with those of the types that are flattened
/// into it.
fn declared_fields() -> BTreeMap<String, Vec<String>> {
    let mut declared = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("src/records")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            read_types(std::fs::read_to_string(path).unwrap().parse().unwrap(), &mut declared);
        }
    }
    let flat = |name: &String| {
        let mut names = Vec::new();
        flatten(name, &declared, &mut names);
        (name.clone(), names)
    };
    declared.keys().map(flat).collect()
}

/// A field, or the name of a type whose fields stand in its place.
enum Declared {
    Field(String),
    All(String),
}

fn flatten(name: &str, declared: &BTreeMap<String, Vec<Declared>>, names: &mut Vec<String>) {
    for field in &declared[name] {
        match field {
            Declared::Field(name) => names.push(name.clone()),
            Declared::All(other) => flatten(other, declared, names),
        }
    }
}

fn read_types(tokens: TokenStream, declared: &mut BTreeMap<String, Vec<Declared>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let (TokenTree::Ident(word), Some(TokenTree::Ident(name))) = (token, tokens.get(at + 1)) else { continue };
        if word != "struct" {
            continue;
        }
        let body = tokens[at + 2..].iter().find_map(|token| match token {
            TokenTree::Group(group) => Some(group),
            _ => None,
        });
        if let Some(group) = body.filter(|group| group.delimiter() == Delimiter::Brace) {
            declared.insert(name.to_string(), read_fields(group.stream()));
        }
    }
}

fn read_fields(tokens: TokenStream) -> Vec<Declared> {
    let mut fields = Vec::new();
    let (mut attributes, mut words, mut depth) = (String::new(), Vec::new(), 0);
    let end = TokenTree::Punct(proc_macro2::Punct::new(',', proc_macro2::Spacing::Alone));
    for token in tokens.into_iter().chain([end]) {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket && words.is_empty() => {
                attributes.push_str(&group.stream().to_string());
            }
            TokenTree::Ident(word) if word != "pub" => words.push(word.to_string()),
            TokenTree::Punct(punct) => match punct.as_char() {
                '<' => depth += 1,
                '>' => depth -= 1,
                ',' if depth == 0 && !words.is_empty() => {
                    let named = words.iter().rfind(|word| word.starts_with(char::is_uppercase));
                    // Doc comments are attributes too.
                    let flat = attributes.contains("(flatten") && !attributes.contains("(with");
                    fields.push(match named {
                        Some(named) if flat => Declared::All(named.clone()),
                        _ => Declared::Field(camel(&words[0])),
                    });
                    attributes.clear();
                    words.clear();
                }
                _ => {}
            },
            _ => {}
        }
    }
    fields
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        let mut chars = part.chars();
        out + &chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn the_checked_in_schema_is_the_one_generated_from_the_types() {
    let path = root().join("src/records/records.schema.json");
    // A checkout on Windows may have turned the line ends.
    let read = || std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    if std::env::var_os("WPS_REGENERATE").is_some_and(|value| value == "1") {
        if let Ok(old) = serde_json::from_str(&read()) {
            let fault = fault_of_version(&old, &serde_json::from_str(generated()).unwrap());
            assert_eq!(fault, None, "raise VERSION in {}", file!());
        }
        std::fs::write(&path, generated()).unwrap();
    }
    let same = read() == generated();
    assert!(same, "{} is not up to date: run `WPS_REGENERATE=1 cargo test generated`", path.display());
}

/// What has changed though the version does not say so.
fn fault_of_version(old: &Value, new: &Value) -> Option<String> {
    let version = |document: &Value| {
        let id = document["$id"].as_str().unwrap_or_default();
        let numbers = id.rsplit(':').next().and_then(|version| version.split_once('.'));
        numbers.map(|(major, minor)| (major.parse::<u32>().unwrap(), minor.parse::<u32>().unwrap()))
    };
    let (old_version, new_version) = (version(old)?, version(new)?);
    let fields = |document: &Value| -> BTreeSet<String> {
        let records = document["$defs"].as_object().into_iter().flatten();
        let fields = records.flat_map(|(kind, record)| {
            let fields = record["properties"].as_object().into_iter().flatten();
            fields.map(move |(name, _)| format!("{kind}.{name}"))
        });
        fields.collect()
    };
    let (had, has) = (fields(old), fields(new));
    let gone: Vec<&String> = had.difference(&has).collect();
    if !gone.is_empty() && new_version.0 <= old_version.0 {
        return Some(format!("{gone:?} are gone: that needs a new major version"));
    }
    (bare(old) != bare(new) && new_version <= old_version)
        .then(|| "it is another schema of the same version".to_owned())
}

/// Without what is for people alone.
fn bare(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, value)| {
                !(value.is_string() && matches!(name.as_str(), "description" | "title" | "$id"))
            });
            Value::Object(kept.map(|(name, value)| (name.clone(), bare(value))).collect())
        }
        Value::Array(values) => values.iter().map(bare).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_change_needs_a_version_and_words_need_none() {
    let document = |version: &str, fields: Value| json!({"$id": format!("urn:wps:records:{version}"), "$defs": {"ack": {"properties": fields}}});
    let old = document("1.9", json!({"a": {"description": "x"}}));
    for (version, fields, fault) in [
        ("1.9", json!({"a": {"description": "y"}}), false),
        ("1.9", json!({"a": {"description": "x"}, "b": {}}), true),
        ("1.10", json!({"a": {"description": "x"}, "b": {}}), false),
        ("1.10", json!({"b": {}}), true),
        ("2.0", json!({"b": {}}), false),
    ] {
        assert_eq!(fault_of_version(&old, &document(version, fields.clone())).is_some(), fault, "{version} {fields}");
    }
}

#[test]
fn every_type_has_one_schema_which_stands_by_itself_too() {
    assert_eq!(TYPES.iter().collect::<BTreeSet<_>>().len(), TYPES.len());
    let all: Value = serde_json::from_str(text()).unwrap();
    for kind in TYPES {
        let one: Map<String, Value> = serde_json::from_str(&of(kind).unwrap()).unwrap();
        let record = all["$defs"][kind].as_object().unwrap();
        assert!(record.iter().all(|(keyword, value)| one[keyword] == *value), "{kind}");
        assert_eq!(one["$id"], format!("urn:wps:records:{VERSION}:{kind}"));
        assert_eq!(one["$schema"], DIALECT);
        assert_eq!(one["properties"]["type"]["const"], *kind);
    }
    assert_eq!(of("no-such-type"), None);
}

#[test]
fn fields_stand_as_they_are_written_those_of_objects_behind_them() {
    let manual = manual();
    assert_eq!(manual.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), TYPES);
    let fields = |kind: &str| -> Vec<String> {
        let entry = manual.iter().find(|entry| entry.kind == kind).unwrap();
        entry.fields.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(fields("connected"), ["[connectionId]", "[userId]", "[hub]", "protocol"]);
    let error = ["error", "error.name", "error.message"];
    assert_eq!(fields("rejoin-group-failed"), [["group"].as_slice(), &error].concat());
    assert!(fields("inspection").ends_with(&["findings[].severity", "findings[].message"].map(String::from)));
    let check = manual.iter().find(|entry| entry.kind == "check").unwrap();
    assert_eq!(check.meaning, "a step of `wps doctor` or `wps webhook`");
    assert!(check.fields[1].1.ends_with("how it went: `ok`, `warning`, `failed`, `skipped`"), "{:?}", check.fields);
}
