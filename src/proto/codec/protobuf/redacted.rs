//! A frame of the service's own, as it may be shown.

use std::borrow::Cow;

use prost::Message as _;

use super::schema::{Downstream, DownstreamMessage, System};

/// The frame with `token` for its reconnection token and every other text that the service itself says as `redact` gives
/// it; the same bytes where that changes nothing. `None`: it cannot be read, or is of an unknown kind.
pub fn redacted<'f>(bytes: &'f [u8], token: &str, redact: impl Fn(&str) -> Option<String>) -> Option<Cow<'f, [u8]>> {
    let mut frame = DownstreamMessage::decode(bytes).ok()?;
    let mut changed = false;
    let mut clean = |text: &mut String| {
        if let Some(clean) = redact(text) {
            *text = clean;
            changed = true;
        }
    };
    let token_gone = match frame.message.as_mut()? {
        Downstream::Ack(ack) => {
            if let Some(error) = &mut ack.error {
                clean(&mut error.name);
                clean(&mut error.message);
            }
            false
        }
        Downstream::System(system) => match system.message.as_mut()? {
            System::Connected(connected) => {
                clean(&mut connected.connection_id);
                clean(&mut connected.user_id);
                let given = connected.reconnection_token.as_mut().filter(|given| !given.is_empty());
                given.map(|given| token.clone_into(given)).is_some()
            }
            System::Disconnected(disconnected) => {
                clean(&mut disconnected.reason);
                false
            }
        },
        Downstream::InvokeResponse(response) => {
            if let Some(error) = &mut response.error {
                clean(&mut error.name);
                clean(&mut error.message);
            }
            false
        }
        Downstream::StreamNack(nack) => {
            clean(&mut nack.name);
            clean(&mut nack.message);
            false
        }
        Downstream::StreamClosed(closed) => {
            if let Some(error) = &mut closed.error {
                clean(&mut error.name);
                clean(&mut error.message);
            }
            false
        }
        // What users say.
        Downstream::Data(_)
        | Downstream::Pong(_)
        | Downstream::StreamAck(_)
        | Downstream::GroupStateUpdate(_)
        | Downstream::GroupStateSnapshot(_) => false,
    };
    Some(if changed || token_gone { Cow::Owned(frame.encode_to_vec()) } else { Cow::Borrowed(bytes) })
}
