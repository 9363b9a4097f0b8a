//! Invocations: events that are answered to the client that asked (PROTOCOL §9.2).
//!
//! They go to the handlers as events do, and wait for them as events do; what comes back is a control frame under the
//! client's id. None is deduplicated: the client's id says no more than which answer belongs to which question.

use super::Hub;
use super::boundary::{EventAnswer, EventId};
use super::injector::AckEffect;
use super::key::ConnectionKey;
use super::operation::{Flow, Operation};
use super::operations::Asked;
use crate::fault::Point;
use crate::{AckError, Data, Downstream, InvokeAnswer, Text};

impl Hub {
    /// A client asks for something, unless it has to wait.
    pub(super) fn invoke(
        &mut self,
        key: ConnectionKey,
        id: &str,
        event: &str,
        data: Option<Data<'_>>,
        metadata: Option<&str>,
    ) -> Flow {
        let shown = data.unwrap_or(Data::Text(Text::Plain("")));
        if self.must_wait(key, &Operation::Event { event, data: shown, metadata }) {
            return Flow::Wait;
        }
        let (effects, answer) = self.injector.on_invocation(&self.connections, key, event);
        for kind in effects.garbage {
            self.send_garbage(key, kind);
        }
        match effects.nack {
            Some((name, message)) => self.refuse_invocation(key, id, answer, &name, &message),
            None if effects.ignored => {}
            None if self.connections.get(key).is_some_and(|connection| connection.invocations.contains_key(id)) => {
                let message = "An invocation with this invocationId waits for its answer.";
                self.refuse_invocation(key, id, AckEffect::default(), "BadRequest", message);
            }
            None => {
                let asked = Asked::Invocation { id: id.into(), answer };
                if let Some(event_id) = self.ask_handler(key, event, data, metadata, asked)
                    && let Some(connection) = self.connections.get_mut(key)
                {
                    connection.invocations.insert(id.into(), event_id);
                }
            }
        }
        if let Some(how) = effects.drop {
            self.drop_socket(key, &how);
        }
        Flow::Done
    }

    /// A client does not wait any more. Best effort: the handler goes on, its answer is dropped. There is no answer to
    /// this, and an unknown id is ignored.
    pub(super) fn cancel_invocation(&mut self, key: ConnectionKey, id: &str) {
        if self.is_lost(key, Point::CancelInvocation) {
            return;
        }
        let event_id = self.connections.get_mut(key).and_then(|connection| connection.invocations.remove(id));
        if let Some(pending) = event_id.and_then(|event_id| self.events.get_mut(&event_id)) {
            // What is at the handlers goes on counting.
            pending.asked = Asked::Cancelled;
        }
    }

    /// The handler answered an invocation. Without a socket the answer is lost, as any control frame (PROTOCOL §7.1).
    pub(super) fn answer_invocation(
        &mut self,
        key: ConnectionKey,
        id: &str,
        event_id: EventId,
        effect: AckEffect,
        answer: &EventAnswer,
    ) {
        if let Some(connection) = self.connections.get_mut(key)
            && connection.invocations.get(id) == Some(&event_id)
        {
            connection.invocations.remove(id);
        }
        let failed = |message: &'static str| {
            InvokeAnswer::Failure(AckError { name: "InternalServerError".into(), message: message.into() })
        };
        let answer = match answer {
            EventAnswer::NoContent => InvokeAnswer::Success { data: None, metadata: None },
            EventAnswer::Reply { data, metadata } => {
                // The official client drops an answer of JSON `null`, and its call hangs.
                let data = Some(data.as_data()).filter(|data| !matches!(data, Data::Json("null")));
                InvokeAnswer::Success { data, metadata: metadata.as_deref() }
            }
            EventAnswer::Refused { status } => InvokeAnswer::Failure(AckError {
                name: "BadRequest".into(),
                message: format!("The event handler answered with status {status}.").into(),
            }),
            EventAnswer::Failed => failed("Internal server error"),
            EventAnswer::Unhandled => failed("There is no event handler that takes the event."),
        };
        self.tell_affected(key, &Downstream::InvokeResponse { invocation_id: id.into(), answer }, effect);
    }

    fn refuse_invocation(&mut self, key: ConnectionKey, id: &str, effect: AckEffect, name: &str, message: &str) {
        let answer = InvokeAnswer::Failure(AckError { name: name.into(), message: message.into() });
        self.tell_affected(key, &Downstream::InvokeResponse { invocation_id: id.into(), answer }, effect);
    }
}
