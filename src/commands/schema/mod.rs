//! `wps schema`: the JSON Schema of the records of `-o ndjson`.

pub mod args;

use self::args::SchemaArgs;
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind};
use crate::options::environment::{Environment, Input};
use crate::records::schema;
use crate::run::process::put;

impl CommandArgs for SchemaArgs {
    fn settle(self: Box<Self>, _: &Environment, _: &mut dyn Input) -> Result<Task, Failure> {
        let text = match &self.kind {
            None => schema::text().to_owned(),
            Some(kind) => schema::of(kind)
                .ok_or_else(|| Failure::message(Kind::Internal, format!("`{kind}` is missing in the schema")))?,
        };
        Ok(Box::new(move |_| put(text.as_bytes())))
    }
}
