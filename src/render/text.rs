//! Output for people: a line a message, and lifecycle in words.

use std::borrow::Cow;
use std::time::Duration;

use owo_colors::{OwoColorize as _, Style as Paint};

use super::console::Style;
use super::layout::{compact, pretty};
use super::sanitize::{for_line, for_terminal};
use webpubsub_client::event::{FailedAttempt, Lifecycle, Nack, OperationKind, StateChange, WireFrame};
use webpubsub_net::secret::{excerpt, redact_frame};
use webpubsub_proto::{Data, Message, Origin};

/// Appends a message as a line: `[group] user: payload`, with `(redelivered)` before the payload
/// when it may have been printed before.
pub fn message(out: &mut Vec<u8>, style: Style, time: Option<&str>, message: &Message<'_>) {
    source(out, style, time, message);
    payload(out, style, message.data);
    out.push(b'\n');
}

/// Appends what stands before a payload.
pub(super) fn source(out: &mut Vec<u8>, style: Style, time: Option<&str>, message: &Message<'_>) {
    if let Some(time) = time {
        out.extend_from_slice(style.paint(time, Paint::new().dimmed()).as_bytes());
        out.push(b' ');
    }
    let (source, user, colour) = match &message.origin {
        Origin::Group { group, user_id } => (group.as_ref(), user_id.as_deref(), Paint::new().cyan()),
        Origin::Server => ("server", None, Paint::new().magenta()),
    };
    painted(out, style, ["[", &style.name(source), "]"], colour);
    out.push(b' ');
    if let Some(user) = user {
        painted(out, style, [&style.name(user), ":", ""], Paint::new().green());
        out.push(b' ');
    }
    if message.redelivered {
        painted(out, style, ["(redelivered)", "", ""], Paint::new().yellow());
        out.push(b' ');
    }
}

/// Appends text in a colour, when there is colour; by the thousand there is none.
fn painted(out: &mut Vec<u8>, style: Style, parts: [&str; 3], paint: Paint) {
    if style.color {
        return out.extend_from_slice(style.paint(&parts.concat(), paint).as_bytes());
    }
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

/// Appends the payload of an answer as a line; on a terminal JSON on several, which is all that is printed, so that none of
/// them passes for another.
pub fn answer(out: &mut Vec<u8>, style: Style, data: Data<'_>) {
    match data {
        Data::Json(json) if style.terminal => {
            for line in pretty(json).lines() {
                out.extend_from_slice(style.clean(line).as_bytes());
                out.push(b'\n');
            }
        }
        data => {
            payload(out, style, data);
            out.push(b'\n');
        }
    }
}

pub(super) fn payload(out: &mut Vec<u8>, style: Style, data: Data<'_>) {
    match data {
        Data::Json(json) if style.terminal => out.extend_from_slice(style.clean(&pretty(json)).as_bytes()),
        Data::Json(json) => compact(json, out),
        Data::Text(text) => out.extend_from_slice(style.clean(&text.decode()).as_bytes()),
        Data::Binary(octets) | Data::Protobuf(octets) => {
            let base64 = octets.base64();
            let padding = base64.bytes().rev().take_while(|byte| *byte == b'=').count();
            let bytes = (base64.len() / 4 * 3).saturating_sub(padding);
            let label = format!("({} of {bytes} bytes) ", data.kind().name());
            out.extend_from_slice(style.paint(&label, Paint::new().dimmed()).as_bytes());
            out.extend_from_slice(style.clean(&base64).as_bytes());
        }
    }
}

/// Appends a message's payload alone, for `-o data`: a newline after it unless it is binary.
pub fn data(out: &mut Vec<u8>, style: Style, data: Data<'_>) {
    match data {
        Data::Json(json) => {
            let start = out.len();
            compact(json, out);
            if style.terminal {
                let json = String::from_utf8_lossy(&out.split_off(start)).into_owned();
                out.extend_from_slice(style.clean(&json).as_bytes());
            }
            out.push(b'\n');
        }
        Data::Text(text) => {
            out.extend_from_slice(style.clean(&text.decode()).as_bytes());
            out.push(b'\n');
        }
        Data::Binary(octets) | Data::Protobuf(octets) => match octets.decode() {
            Some(bytes) if style.terminal => {
                out.extend_from_slice(style.clean(&String::from_utf8_lossy(&bytes)).as_bytes());
            }
            Some(bytes) => out.extend_from_slice(&bytes),
            // Not base64 after all: nothing is lost by showing what came.
            None => out.extend_from_slice(style.clean(&octets.base64()).as_bytes()),
        },
    }
}

/// What a member of a group says of itself, as a line.
pub fn state(out: &mut Vec<u8>, style: Style, time: Option<&str>, group: &str, change: &StateChange) {
    if let Some(time) = time {
        out.extend_from_slice(style.dim(time).as_bytes());
        out.push(b' ');
    }
    let who = match &change.user_id {
        Some(user) => format!("{user} ({})", change.connection_id),
        None => format!("({})", change.connection_id),
    };
    let who = format!("[{group}] {who}: ");
    let words = match &change.state {
        None => "no state".to_owned(),
        Some(state) if state.entries.is_empty() => "empty".to_owned(),
        Some(state) => {
            let entries = state.entries.iter().map(|(name, value)| format!("{}={}", bare(name), bare(value)));
            entries.collect::<Vec<_>>().join(" ")
        }
    };
    out.extend_from_slice(style.name(&who).as_bytes());
    out.extend_from_slice(style.clean(&words).as_bytes());
    out.push(b'\n');
}

/// A name or a value, in quotes where it could be taken for more than one.
fn bare(text: &str) -> Cow<'_, str> {
    let is_plain = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '='));
    if is_plain { Cow::Borrowed(text) } else { Cow::Owned(format!("{text:?}")) }
}

/// The state alone, as JSON.
pub fn state_data(out: &mut Vec<u8>, style: Style, change: &StateChange) {
    // Serialising a map of strings cannot fail.
    let json = serde_json::to_string(&change.state).unwrap_or_default();
    out.extend_from_slice(style.clean(&json).as_bytes());
    out.push(b'\n');
}

/// How much a lifecycle line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Good to know.
    Info,
    /// Something went wrong, or may be missing.
    Warning,
}

/// A lifecycle event in words, with its weight; `None` for those that need none.
pub fn lifecycle(event: &Lifecycle, hub: Option<&str>) -> Option<(Weight, String)> {
    let info = |text: String| Some((Weight::Info, text));
    let warning = |text: String| Some((Weight::Warning, text));
    match event {
        Lifecycle::Connected { connection_id, user_id } => {
            let hub = hub.map(|hub| format!(" to hub `{hub}`")).unwrap_or_default();
            let user = user_id.as_deref().map(|user| format!(" as `{user}`")).unwrap_or_default();
            info(format!("connected{hub}{user}, connection `{connection_id}`"))
        }
        Lifecycle::Recovering { loss, .. } => {
            warning(format!("the connection was lost, recovering it: {}", loss.describe()))
        }
        Lifecycle::Recovered { attempts, downtime, .. } => {
            let plural = if *attempts == 1 { "" } else { "s" };
            info(format!("recovered after {} ({attempts} attempt{plural}), nothing was lost", human(*downtime)))
        }
        Lifecycle::AttemptFailed { error, recovery: true } => warning(not_recovered(error)),
        Lifecycle::AttemptFailed { error, recovery: false } => warning(attempt_failed(error)),
        Lifecycle::Reconnecting { attempt, delay, .. } => {
            info(format!("trying again in {} (retry {attempt})", human(*delay)))
        }
        Lifecycle::SessionLost { reason, .. } => warning(format!("messages may be missing: {reason}")),
        // `session-lost`, which comes before it, has said why.
        Lifecycle::Disconnected { connection_id, .. } => info(format!("connection `{connection_id}` was given up")),
        // The command that asked for the operation says what became of it.
        Lifecycle::Ack(_) => None,
        Lifecycle::OperationRetried(FailedAttempt { operation, target, ack_id, attempt, error }) => warning(format!(
            "attempt {attempt} of {} `{target}` failed, trying again under ackId {ack_id}: {}",
            operation.name(),
            nack(error)
        )),
        Lifecycle::OperationUnknown { operation, target, ack_id, reason } => warning(format!(
            "whether the service did {} `{target}` (ackId {ack_id}), of an earlier run, is not known: {reason}",
            operation.name()
        )),
        Lifecycle::Stream(news) => super::streams::words(news),
        Lifecycle::Joined { group, rejoined: true, .. } => info(format!("rejoined `{group}`")),
        Lifecycle::Joined { group, rejoined: false, .. } => info(format!("joined `{group}`")),
        Lifecycle::Left { group, .. } => info(format!("left `{group}`")),
        Lifecycle::RejoinFailed { group, error } => {
            warning(format!("could not rejoin `{group}`, its messages will be missing: {}", nack(error)))
        }
        Lifecycle::RestateFailed { group, operation, error } => {
            let what = match operation {
                OperationKind::SetGroupState => "the state could not be set again",
                OperationKind::SubscribeGroupState
                | OperationKind::UnsubscribeGroupState
                | OperationKind::JoinGroup
                | OperationKind::LeaveGroup
                | OperationKind::SendToGroup
                | OperationKind::Event => "the states of the others are not told any more",
            };
            warning(format!("`{group}`: {what}: {}", nack(error)))
        }
        Lifecycle::SequenceGap { expected, sequence_id, not_understood } => {
            let missing = sequence_id.saturating_sub(*expected);
            let among = match not_understood {
                0 => String::new(),
                1 => "; the frame that was not understood may be one of them".to_owned(),
                frames => format!("; they may be among the {frames} frames that were not understood"),
            };
            let last = expected - 1;
            let verb = if missing == 1 { "is" } else { "are" };
            let missing = counted(missing, "message");
            warning(format!("{missing} {verb} missing: sequence id {sequence_id} came after {last}{among}"))
        }
    }
}

/// A negative ack in words, redacted.
pub fn nack(error: &Nack) -> String {
    let (name, message) = (excerpt(&error.name, SHOWN), excerpt(&error.message, TOLD));
    match (name.is_empty(), message.is_empty()) {
        (false, false) => format!("`{name}`: {message}"),
        (false, true) => format!("`{name}`"),
        (true, false) => message.into_owned(),
        (true, true) => "no reason given".into(),
    }
}

/// The most of what others say that stands in a line of ours, in characters.
pub const TOLD: usize = 2000;

/// The most of a frame that was not understood, and of why, that is shown in words, in characters.
const SHOWN: usize = 200;

/// A frame that was not understood, in words, redacted.
pub fn unknown_frame(frame: WireFrame<'_>, reason: &str) -> String {
    let reason = excerpt(reason, SHOWN);
    match frame {
        WireFrame::Text(text) => {
            let size = text.len();
            let text = redact_frame(text);
            let shown: Cow<'_, str> = match text.char_indices().nth(SHOWN) {
                Some((cut, _)) => format!("{}… ({size} bytes)", &text[..cut]).into(),
                None => text,
            };
            format!("a frame was not understood ({reason}): {shown}")
        }
        WireFrame::Binary(bytes) => format!("a frame was not understood ({reason}): {} bytes", bytes.len()),
    }
}

/// An attempt to recover that failed.
pub(super) fn not_recovered(error: &str) -> String {
    format!("could not recover yet: {error}")
}

/// An attempt to connect that failed, said once: some errors begin with it themselves.
pub(super) fn attempt_failed(error: &str) -> String {
    // What a server says may be a sentence; more may follow it here.
    let error = error.strip_suffix('.').unwrap_or(error);
    if error.starts_with("could not connect") { error.to_owned() } else { format!("could not connect: {error}") }
}

/// `1 message`, `2 messages`: a count with its noun.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `350 ms`, `1.2 s`, `75 s`, `12 min`, `3 h`, `4 days`.
pub fn human(duration: Duration) -> String {
    let (millis, secs) = (duration.as_millis(), duration.as_secs());
    match secs {
        0 if millis < 10 => format!("{:.1} ms", duration.as_secs_f64() * 1000.0),
        0 => format!("{millis} ms"),
        1..10 if millis.is_multiple_of(1000) => format!("{secs} s"),
        1..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..120 => format!("{secs} s"),
        120..7200 => format!("{} min", secs / 60),
        7200..172_800 => format!("{} h", secs / 3600),
        _ => format!("{} days", secs / 86_400),
    }
}

impl Style {
    /// `text` in that colour, when there is colour.
    pub(super) fn paint(self, text: &str, paint: Paint) -> String {
        if self.color { text.style(paint).to_string() } else { text.to_owned() }
    }

    /// Received text as this output may show it.
    pub fn clean(self, text: &str) -> Cow<'_, str> {
        if self.terminal { for_terminal(text) } else { Cow::Borrowed(text) }
    }

    /// A name or an id that others chose, in a line of ours: none of it begins a line, on a pipe either.
    pub fn name(self, text: &str) -> Cow<'_, str> {
        let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if is_plain { Cow::Borrowed(text) } else { for_line(text) }
    }

    /// A word like `error:` or `warning:` in its colour.
    pub fn label(self, label: &str) -> String {
        let paint = match label {
            "error:" => Paint::new().red().bold(),
            "warning:" => Paint::new().yellow().bold(),
            _ => Paint::new().bold(),
        };
        self.paint(label, paint)
    }

    /// The arrow of a frame's direction: `→` to the service, `←` from there.
    pub fn arrow(self, arrow: char) -> String {
        let paint = if arrow == '→' { Paint::new().cyan() } else { Paint::new().magenta() };
        self.paint(&arrow.to_string(), paint)
    }

    /// A line of lesser weight.
    pub fn dim(self, text: &str) -> String {
        self.paint(text, Paint::new().dimmed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use webpubsub_proto::{Downstream, OwnedData, decode_downstream};

    fn rendered(frame: &str, style: Style) -> String {
        let Downstream::Message(decoded) = decode_downstream(frame) else { panic!("{frame}") };
        let mut out = Vec::new();
        message(&mut out, style, None, &decoded);
        String::from_utf8(out).unwrap()
    }

    const PIPE: Style = Style { color: false, terminal: false };
    const TERMINAL: Style = Style { color: false, terminal: true };

    #[test]
    fn an_answer_on_a_terminal_has_its_brackets_below_each_other() {
        let answered = |data: Data<'_>| {
            let mut out = Vec::new();
            answer(&mut out, TERMINAL, data);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            answered(Data::Json("[1,{\"a\":\"\u{1b}[2J\"}]")),
            "[\n  1,\n  {\n    \"a\": \"\\u001b[2J\"\n  }\n]\n"
        );
        assert_eq!(answered(OwnedData::text("a\nb").as_data()), "a\n  b\n");
    }

    #[test]
    fn a_sentence_of_the_server_is_no_end_of_what_is_said() {
        assert_eq!(attempt_failed("500: The handler failed."), "could not connect: 500: The handler failed");
    }

    #[test]
    fn a_message_is_a_line_with_its_source() {
        let group = r#"{"type":"message","from":"group","group":"g","fromUserId":"al","dataType":"text","data":"hi"}"#;
        assert_eq!(rendered(group, PIPE), "[g] al: hi\n");
        let server = r#"{"type":"message","from":"server","dataType":"json","data":{"a":1}}"#;
        assert_eq!(rendered(server, PIPE), "[server] {\"a\":1}\n");
        assert_eq!(rendered(server, TERMINAL), "[server] {\n    \"a\": 1\n  }\n");
        let binary = r#"{"type":"message","from":"server","dataType":"binary","data":"AP8="}"#;
        assert_eq!(rendered(binary, PIPE), "[server] (binary of 2 bytes) AP8=\n");
    }

    #[test]
    fn escapes_of_data_reach_a_pipe_and_not_a_terminal_and_those_of_names_neither() {
        let frame = r#"{"type":"message","from":"group","group":"g\u001b","dataType":"text","data":"a\u001b[2Jb"}"#;
        assert_eq!(rendered(frame, PIPE), "[g\\u001b] a\u{1b}[2Jb\n");
        assert_eq!(rendered(frame, TERMINAL), "[g\\u001b] a\\u001b[2Jb\n");
    }

    #[test]
    fn no_name_makes_a_line_of_its_own() {
        let frame = r#"{"type":"message","from":"group","group":"é\n[g]","fromUserId":"eve\n[g] al","dataType":"text","data":"x\ny"}"#;
        assert_eq!(rendered(frame, PIPE), "[é\\n[g]] eve\\n[g] al: x\ny\n");
        assert_eq!(rendered(frame, TERMINAL), "[é\\n[g]] eve\\n[g] al: x\n  y\n");
        let change = StateChange {
            connection_id: "c\nd".into(),
            user_id: Some("eve\n[g] al".into()),
            state: None,
            updated_at: None,
            snapshot: false,
        };
        let mut out = Vec::new();
        state(&mut out, PIPE, None, "g\nh", &change);
        assert_eq!(String::from_utf8(out).unwrap(), "[g\\nh] eve\\n[g] al (c\\nd): no state\n");
    }

    #[test]
    fn data_output_is_the_payload_alone() {
        let rendered = |data_: Data<'_>| {
            let mut out = Vec::new();
            data(&mut out, PIPE, data_);
            out
        };
        assert_eq!(rendered(Data::Json("{\n\"a\":1.0}")), b"{\"a\":1.0}\n");
        assert_eq!(rendered(webpubsub_proto::OwnedData::text("x\ny").as_data()), b"x\ny\n");
        assert_eq!(rendered(webpubsub_proto::OwnedData::binary(&[0, 255]).as_data()), [0, 255]);
    }
}
