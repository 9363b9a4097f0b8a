//! What a line of the log looks like: time, then what is logged. Frames and handshakes begin with the arrow of their
//! direction, and everything else of our own goes without a level: that somebody asked for it says enough.

use std::fmt::{self, Write as _};
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::render::Style;
use crate::render::sanitize::for_line;
use webpubsub_net::clock;

/// Writes lines in this style.
pub(super) struct LineFormatter(pub(super) Style);

impl<S, N> FormatEvent<S, N> for LineFormatter
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut text = EventText::default();
        event.record(&mut text);
        let time = clock::millis(SystemTime::now());
        let meta = event.metadata();
        let target = text.target.as_deref().unwrap_or(meta.target());
        writer.write_str(&entry(self.0, &time, &origin(target, *meta.level()), &text.message))
    }
}

/// Who says it, where that is not us, and how urgent it is, where that is not what was asked for.
fn origin(target: &str, level: Level) -> String {
    let binary = target == "wps" || target.starts_with("wps::");
    match (super::is_own(target), level <= Level::WARN) {
        (true, false) if binary => String::new(),
        // A warning of ours is for people, whichever part it comes from.
        (true, true) => format!("{level} "),
        (true, false) | (false, _) => format!("{level} {target}: "),
    }
}

/// One line, harmless on a terminal.
fn entry(style: Style, time: &str, origin: &str, text: &str) -> String {
    let (arrow, rest) = match text.chars().next() {
        Some(arrow @ ('→' | '←')) => (style.arrow(arrow), &text[arrow.len_utf8()..]),
        _ => (String::new(), text),
    };
    format!("{} {}{arrow}{}\n", style.dim(time), for_line(origin), for_line(rest))
}

/// The message of an event, and its fields behind it.
#[derive(Default)]
struct EventText {
    message: String,
    /// Who said it, where that came by way of the `log` crate.
    target: Option<String>,
}

impl Visit for EventText {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into memory cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            "log.target" => {
                self.target = Some(format!("{value:?}").trim_matches('"').to_owned());
                Ok(())
            }
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.message, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPE: Style = Style { color: false, terminal: false };
    const TERMINAL: Style = Style { color: true, terminal: true };

    #[test]
    fn a_line_is_its_time_and_what_is_logged() {
        assert_eq!(entry(PIPE, "T", "", "→ {\"type\":\"ping\"}"), "T → {\"type\":\"ping\"}\n");
        assert_eq!(entry(PIPE, "T", &origin("wps::wire", Level::TRACE), "x"), "T x\n");
        assert_eq!(entry(PIPE, "T", &origin("rustls::x", Level::DEBUG), "x"), "T DEBUG rustls::x: x\n");
        assert_eq!(entry(PIPE, "T", &origin("wps", Level::WARN), "x"), "T WARN x\n");
        assert_eq!(entry(PIPE, "T", &origin("webpubsub_emulator::server", Level::WARN), "x"), "T WARN x\n");
        let driver = origin("webpubsub_client::driver", Level::DEBUG);
        assert_eq!(entry(PIPE, "T", &driver, "x"), "T DEBUG webpubsub_client::driver: x\n");
    }

    #[test]
    fn directions_have_a_colour_each_and_controls_are_shown() {
        let (out, come) = (entry(TERMINAL, "T", "", "→ a"), entry(TERMINAL, "T", "", "← a\u{1b}[2J\u{202e}"));
        assert!(out.contains("\u{1b}[36m→\u{1b}[") && come.contains("\u{1b}[35m←\u{1b}["), "{out:?} {come:?}");
        assert!(come.contains("a\\u001b[2J\\u202e"), "{come:?}");
        // A file is read by people and by programs too.
        assert_eq!(entry(PIPE, "T", "", "`a\n::error::\u{1b}[2J`"), "T `a\\n::error::\\u001b[2J`\n");
    }
}
