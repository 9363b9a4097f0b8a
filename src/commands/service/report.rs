//! What `wps service` prints: a record an answer, and a line where the answer is what was asked for.

use std::time::Duration;

use serde::Serialize;

use super::settings::operation::Operation;
use crate::render::Printer;
use crate::run::rest::{Answered, Said};
use webpubsub_net::clock::fractional_millis;

/// What every record of an operation has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    operation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permission: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exists: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    granted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    elapsed_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorFields>,
}

#[derive(Serialize)]
struct ErrorFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// A connection in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed<'a> {
    /// Its id.
    pub connection_id: &'a str,
    /// Its user, unless it is anonymous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
}

impl Listed<'_> {
    pub fn print(&self, printer: &mut Printer) {
        let clean = |text: &str| printer.console().out.style.clean(text).into_owned();
        let id = clean(self.connection_id);
        let line = match self.user_id {
            Some(user) => format!("{id}\t{}\n", clean(user)),
            None => format!("{id}\n"),
        };
        printer.finding("connection", self, &line);
    }
}

fn fields<'a>(operation: &'a Operation, answered: &Answered) -> Fields<'a> {
    Fields {
        operation: operation.name(),
        target: operation.target(),
        group: operation.group(),
        permission: operation.permission(),
        status: Some(answered.answer.status.as_u16()),
        exists: None,
        granted: None,
        line: None,
        attempts: (answered.attempts > 1).then_some(answered.attempts),
        elapsed_ms: fractional_millis(answered.elapsed),
        error: None,
    }
}

/// An answer that says no more than whether it was done. `line`: of a stream of them.
pub fn response(printer: &mut Printer, operation: &Operation, answered: &Answered, line: Option<u64>) {
    let refused = !answered.answer.status.is_success();
    let error = refused.then(|| {
        let Said { code, message } = Said::of(&answered.answer);
        ErrorFields { name: code, message }
    });
    printer.finding("response", &Fields { line, error, ..fields(operation, answered) }, "");
}

/// An answer that is yes or no.
pub fn existence(printer: &mut Printer, operation: &Operation, answered: &Answered, exists: bool) {
    let lines = if exists { "yes\n" } else { "no\n" };
    printer.finding("exists", &Fields { exists: Some(exists), ..fields(operation, answered) }, lines);
}

/// Whether a connection is in a group.
pub fn membership(printer: &mut Printer, connection: &str, group: &str, (exists, elapsed): (bool, Duration)) {
    let fields = Fields {
        operation: "memberExists",
        target: Some(connection),
        group: Some(group),
        permission: None,
        status: None,
        exists: Some(exists),
        granted: None,
        line: None,
        attempts: None,
        elapsed_ms: fractional_millis(elapsed),
        error: None,
    };
    printer.finding("exists", &fields, if exists { "yes\n" } else { "no\n" });
}

/// Whether a connection has a permission.
pub fn permission(printer: &mut Printer, operation: &Operation, answered: &Answered, granted: bool) {
    let lines = if granted { "granted\n" } else { "not granted\n" };
    printer.finding("permission", &Fields { granted: Some(granted), ..fields(operation, answered) }, lines);
}
