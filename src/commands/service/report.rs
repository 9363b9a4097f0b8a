//! What `wps service` prints: a record an answer, and a line where the answer is what was asked for.

use std::time::Duration;

use super::settings::operation::ServiceOperation;
use crate::failure::{Failure, Kind};
use crate::records::{Answer, Connection, Exists, Permission, Response, RestError};
use crate::render::Printer;
use crate::run::rest::{RestAnswer, ServiceError};
use webpubsub_net::clock::fractional_millis;

/// A connection of a list.
pub fn connection(printer: &mut Printer, connection: &Connection<'_>) {
    let name = |text: &str| printer.console().out.style.name(text).into_owned();
    let id = name(connection.connection_id);
    let line = match connection.user_id {
        Some(user) => format!("{id}\t{}\n", name(user)),
        None => format!("{id}\n"),
    };
    printer.finding(connection, &line);
}

fn answer<'a>(operation: &'a ServiceOperation, answered: &RestAnswer) -> Answer<'a> {
    Answer {
        operation: operation.name(),
        target: operation.target(),
        group: operation.group(),
        permission: operation.permission(),
        attempts: (answered.attempts > 1).then_some(answered.attempts),
        elapsed_ms: fractional_millis(answered.elapsed),
    }
}

/// An answer that says no more than whether it was done. `line`: of a stream of them.
pub fn response(printer: &mut Printer, operation: &ServiceOperation, answered: &RestAnswer, line: Option<u64>) {
    let done = answered.answer.status == operation.ok();
    let error = (!done).then(|| {
        let ServiceError { code, message } = ServiceError::of(&answered.answer);
        RestError { name: code, message }
    });
    let answer = Some(answer(operation, answered));
    let status = Some(answered.answer.status.as_u16());
    let fields = Response { answer, status, line, error, ..Response::default() };
    printer.finding(&fields, "");
}

/// That there was no answer: `OutcomeUnknown` where it may have been done all the same. `line`: as of an answer.
pub fn unanswered(
    printer: &mut Printer,
    operation: &ServiceOperation,
    (failure, elapsed): (&Failure, Duration),
    line: Option<u64>,
) {
    let name = (failure.kind == Kind::OperationUnknown).then(|| "OutcomeUnknown".to_owned());
    let answer = Some(Answer {
        operation: operation.name(),
        target: operation.target(),
        group: operation.group(),
        permission: operation.permission(),
        attempts: None,
        elapsed_ms: fractional_millis(elapsed),
    });
    let error = Some(RestError { name, message: Some(failure.summary()) });
    printer.finding(&Response { answer, line, error, ..Response::default() }, "");
}

/// An answer that is yes or no.
pub fn existence(printer: &mut Printer, operation: &ServiceOperation, answered: &RestAnswer, exists: bool) {
    let status = Some(answered.answer.status.as_u16());
    printer.finding(&Exists { answer: answer(operation, answered), status, exists }, yes_or_no(exists));
}

/// Whether a connection is in a group.
pub fn membership(printer: &mut Printer, connection: &str, group: &str, (exists, elapsed): (bool, Duration)) {
    let answer = Answer {
        operation: "memberExists",
        target: Some(connection),
        group: Some(group),
        permission: None,
        attempts: None,
        elapsed_ms: fractional_millis(elapsed),
    };
    printer.finding(&Exists { answer, status: None, exists }, yes_or_no(exists));
}

fn yes_or_no(exists: bool) -> &'static str {
    if exists { "yes\n" } else { "no\n" }
}

/// Whether a connection has a permission.
pub fn permission(printer: &mut Printer, operation: &ServiceOperation, answered: &RestAnswer, granted: bool) {
    let lines = if granted { "granted\n" } else { "not granted\n" };
    let status = answered.answer.status.as_u16();
    printer.finding(&Permission { answer: answer(operation, answered), status, granted }, lines);
}
