//! Fragments of group streams as they come, for `-o text` and `-o data` (PROTOCOL §9.1, §19.27).
//!
//! Those of one stream are written one behind the other, without newlines between: in `data` always, in `text` on a
//! terminal. On a pipe `text` has a line a fragment.

use std::borrow::Cow;

use owo_colors::Style as Paint;

use super::console::Style;
use super::text;
use webpubsub_net::secret::excerpt;
use webpubsub_proto::{Data, Message, Origin, StreamError, StreamInfo};

/// A stream whose last fragment is the last that was written.
#[derive(Debug, PartialEq, Eq)]
struct FragmentLine {
    group: String,
    stream_id: String,
    user: Option<String>,
}

/// The line of a stream that may go on.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    open: Option<FragmentLine>,
    /// What was written of it is bytes, behind which nothing may stand that is none of theirs.
    is_binary: bool,
    /// It ends with a newline of its own.
    at_start: bool,
    /// Each has a line of its own, everywhere.
    apart: bool,
    /// What people are to know of the one that comes next.
    mark: Option<String>,
}

/// How fragments are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum FragmentStyle {
    /// With their source, as people read them.
    Text,
    /// The payloads alone.
    Data,
}

impl Fragments {
    /// From now on each has a line of its own, or only where that is the manner.
    pub(super) fn set_apart(&mut self, apart: bool) {
        self.apart = apart;
    }

    /// What people are to know of the one that comes next.
    pub(super) fn mark_next(&mut self, words: Option<String>) {
        self.mark = words;
    }

    /// Ends the line: something else follows.
    #[inline]
    pub(super) fn close(&mut self, out: &mut Vec<u8>, manner: FragmentStyle) {
        if self.open.is_some() {
            self.end_line(out, manner);
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>, manner: FragmentStyle) {
        self.open = None;
        if !self.is_binary {
            match manner {
                FragmentStyle::Text if self.at_start => {}
                FragmentStyle::Text | FragmentStyle::Data => out.push(b'\n'),
            }
        }
    }

    /// Appends a fragment, or what the end of the stream adds. Gives what is to be said of a stream that has failed.
    pub(super) fn put(
        &mut self,
        out: &mut Vec<u8>,
        style: Style,
        manner: FragmentStyle,
        time: Option<&str>,
        message: &Message<'_>,
        info: &StreamInfo<'_>,
    ) -> Option<String> {
        let line = FragmentLine::of(message, info);
        let mark = self.mark.take();
        // The end has none of its own, whatever stands for it.
        if !(info.is_end() && message.data.is_placeholder()) {
            self.put_payload(out, style, (manner, mark.as_deref()), time, message, &line);
        }
        if !info.is_end() {
            return None;
        }
        if self.open.as_ref() == Some(&line) {
            self.close(out, manner);
        }
        info.error.as_ref().map(|error| failed(info, message, error))
    }

    fn put_payload(
        &mut self,
        out: &mut Vec<u8>,
        style: Style,
        (manner, mark): (FragmentStyle, Option<&str>),
        time: Option<&str>,
        message: &Message<'_>,
        line: &FragmentLine,
    ) {
        let joins = match manner {
            _ if self.apart => false,
            FragmentStyle::Text => style.terminal,
            FragmentStyle::Data => true,
        };
        let goes_on = joins && self.open.as_ref() == Some(line);
        if !goes_on {
            self.close(out, manner);
        } else if self.at_start && style.terminal {
            // As lines after the first are in one payload.
            out.extend_from_slice(INDENT);
        }
        match manner {
            FragmentStyle::Data => {
                text::data(out, style, message.data);
                self.is_binary = matches!(message.data, Data::Binary(_) | Data::Protobuf(_));
                if !self.is_binary {
                    out.pop();
                }
            }
            FragmentStyle::Text => {
                if !goes_on {
                    text::source(out, style, time, message);
                    let of = format!("(stream {}) ", style.name(&line.stream_id));
                    out.extend_from_slice(style.paint(&of, Paint::new().dimmed()).as_bytes());
                    if let Some(mark) = mark {
                        out.extend_from_slice(style.paint(&format!("({mark}) "), Paint::new().yellow()).as_bytes());
                    }
                }
                text::payload(out, style, message.data);
                self.is_binary = false;
            }
        }
        if style.terminal && out.ends_with(INDENTED) {
            // Whatever comes next says whether that line goes on.
            out.truncate(out.len() - INDENT.len());
        }
        if joins {
            self.at_start = out.last() == Some(&b'\n');
            if !goes_on {
                self.open = Some(line.clone());
            }
        } else if out.last() != Some(&b'\n') {
            out.push(b'\n');
        }
    }
}

impl FragmentLine {
    fn of(message: &Message<'_>, info: &StreamInfo<'_>) -> Self {
        let (group, user) = match &message.origin {
            Origin::Group { group, user_id } => (group.as_ref(), user_id.as_deref()),
            Origin::Server => ("", None),
        };
        Self { group: group.to_owned(), stream_id: info.stream_id.to_string(), user: user.map(str::to_owned) }
    }
}

impl Clone for FragmentLine {
    fn clone(&self) -> Self {
        Self { group: self.group.clone(), stream_id: self.stream_id.clone(), user: self.user.clone() }
    }
}

/// What stands before further lines of a payload on a terminal, see [`sanitize`](super::sanitize).
const INDENT: &[u8] = b"  ";
/// A line of its own that has only that.
const INDENTED: &[u8] = b"\n  ";

/// Longest part of a publisher's words that is repeated, in characters.
const SHOWN: usize = 500;

fn failed(info: &StreamInfo<'_>, message: &Message<'_>, error: &StreamError<'_>) -> String {
    let StreamError { name, message: words, user_error_code } = error;
    let group = match &message.origin {
        Origin::Group { group, .. } => format!(" in `{group}`"),
        Origin::Server => String::new(),
    };
    let part = |before: &str, text: &str, after: &str| match text.is_empty() {
        true => Cow::Borrowed(""),
        false => Cow::Owned(format!("{before}{}{after}", excerpt(text, SHOWN))),
    };
    let (name, code, words) = (part(" `", name, "`"), part(" (code `", user_error_code, "`)"), part(": ", words, ""));
    format!("stream `{}`{group} ended with an error{name}{code}{words}", info.stream_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use webpubsub_proto::{Downstream, decode_downstream};

    const PIPE: Style = Style { color: false, terminal: false };
    const TERMINAL: Style = Style { color: false, terminal: true };

    /// What is written of fragments: `id`, number, payload; a number of 0: the end.
    fn written(style: Style, manner: FragmentStyle, parts: &[(&str, u64, &str)]) -> String {
        written_by(Fragments::default(), style, manner, parts)
    }

    fn written_by(
        mut fragments: Fragments,
        style: Style,
        manner: FragmentStyle,
        parts: &[(&str, u64, &str)],
    ) -> String {
        let mut out = Vec::new();
        for (id, number, text) in parts {
            let end = if *number == 0 { ",\"endOfStream\":true" } else { "" };
            let stream = format!(r#"{{"streamId":"{id}","streamSequenceId":{number}{end}}}"#);
            let data = serde_json::to_string(text).unwrap();
            let frame = format!(
                r#"{{"type":"message","from":"group","group":"g","fromUserId":"u","dataType":"text","data":{data},"stream":{stream}}}"#
            );
            let Downstream::Message(message) = decode_downstream(&frame) else { panic!("{frame}") };
            let info = StreamInfo::parse(message.stream.unwrap()).unwrap();
            fragments.put(&mut out, style, manner, None, &message, &info);
        }
        fragments.close(&mut out, manner);
        String::from_utf8(out).unwrap()
    }

    const ONE: &[(&str, u64, &str)] = &[("s", 1, "a\n"), ("s", 2, "b"), ("s", 0, "")];
    const TWO: &[(&str, u64, &str)] =
        &[("s", 1, "a"), ("t", 1, "x"), ("s", 2, "b"), ("s", 3, "c"), ("t", 2, "y"), ("s", 0, ""), ("t", 0, "")];

    #[test]
    fn data_is_the_payloads_with_a_newline_at_the_end_and_where_another_stream_comes_between() {
        assert_eq!(written(PIPE, FragmentStyle::Data, ONE), "a\nb\n");
        assert_eq!(written(PIPE, FragmentStyle::Data, TWO), "a\nx\nbc\ny\n");
    }

    #[test]
    fn text_on_a_pipe_is_a_line_a_fragment_with_the_streams_id() {
        assert_eq!(written(PIPE, FragmentStyle::Text, ONE), "[g] u: (stream s) a\n[g] u: (stream s) b\n");
    }

    #[test]
    fn text_on_a_terminal_is_joined_as_it_comes() {
        assert_eq!(
            written(TERMINAL, FragmentStyle::Text, TWO),
            "[g] u: (stream s) a\n[g] u: (stream t) x\n[g] u: (stream s) bc\n[g] u: (stream t) y\n"
        );
    }

    #[test]
    fn further_lines_are_indented_on_a_terminal_and_none_is_left_empty() {
        let lines = [("s", 1, "one\n"), ("s", 2, "two"), ("s", 3, " and more\nthree\n"), ("s", 0, "")];
        assert_eq!(written(TERMINAL, FragmentStyle::Text, &lines), "[g] u: (stream s) one\n  two and more\n  three\n");
        let between = [("s", 1, "one\n"), ("t", 1, "x\n"), ("s", 2, "two\n")];
        let expected = "[g] u: (stream s) one\n[g] u: (stream t) x\n[g] u: (stream s) two\n";
        assert_eq!(written(TERMINAL, FragmentStyle::Text, &between), expected);
        assert_eq!(written(TERMINAL, FragmentStyle::Data, &lines), "one\n  two and more\n  three\n\n");
    }

    #[test]
    fn above_a_prompt_each_has_a_line_of_its_own() {
        let mut fragments = Fragments::default();
        fragments.set_apart(true);
        let expected = "[g] u: (stream s) one\n[g] u: (stream s) two\n";
        assert_eq!(
            written_by(fragments, TERMINAL, FragmentStyle::Text, &[("s", 1, "one\n"), ("s", 2, "two"), ("s", 0, "")]),
            expected
        );
    }

    #[test]
    fn a_failure_is_said_with_its_code() {
        let frame = r#"{"type":"message","from":"group","group":"g","dataType":"text","data":"","stream":{"streamId":"s","streamSequenceId":2,"endOfStream":true,"error":{"name":"UserError","message":"m","userErrorCode":"c"}}}"#;
        let Downstream::Message(message) = decode_downstream(frame) else { panic!("{frame}") };
        let info = StreamInfo::parse(message.stream.unwrap()).unwrap();
        let said = Fragments::default().put(&mut Vec::new(), PIPE, FragmentStyle::Text, None, &message, &info);
        assert_eq!(said.as_deref(), Some("stream `s` in `g` ended with an error `UserError` (code `c`): m"));
    }
}
