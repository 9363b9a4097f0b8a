//! A window that gets another size while a line is typed in it.
//!
//! Most terminals fold the text on the screen anew: a line that had two rows then has three, or one. The editor clears the
//! rows that the line had before. Here is what puts that right: rows that were left are cleared too, and text above that
//! was cleared by mistake is printed again. A window that loses height loses the rows below the cursor first, and so perhaps
//! rows of the line, which the editor takes for still there.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use unicode_width::UnicodeWidthChar as _;

/// Most text remembered, in bytes. It is as much as a line that was folded once too often can cost.
const MOST: usize = 32 * 1024;

/// How a line was painted.
#[derive(Clone, Debug)]
pub struct PaintedLine {
    /// Width of the window.
    pub columns: usize,
    /// Height of the window.
    pub height: usize,
    /// What stood before the line.
    pub prompt: String,
    /// The line, without a hint.
    pub line: String,
    /// Where the cursor was in it, in bytes.
    pub cursor: usize,
    /// What stood behind the line.
    pub hint: String,
}

impl PaintedLine {
    /// The prompt and the line up to the cursor.
    pub fn before(&self) -> String {
        format!("{}{}", self.prompt, self.line.get(..self.cursor).unwrap_or_default())
    }

    /// Where the editor takes the cursor and the end to be, in rows below the one in which the prompt begins.
    pub fn rows(&self) -> (usize, usize) {
        let row = |text: &str| rows(text, self.columns) - 1 + usize::from(is_full(text, self.columns));
        (row(&self.before()), row(&format!("{}{}{}", self.prompt, self.line, self.hint)))
    }
}

/// The line as it was painted last, known to all who need it.
pub type LastPainted = Arc<Mutex<Option<PaintedLine>>>;

/// What was printed last above the prompt.
#[derive(Debug, Default)]
pub struct Tail {
    /// Lines without their ends, the newest last.
    lines: VecDeque<String>,
    bytes: usize,
}

impl Tail {
    /// This was printed, up to the end of a line.
    pub fn push(&mut self, text: &str) {
        let mut start = text.len().saturating_sub(MOST);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        for line in text[start..].lines() {
            self.bytes += line.len() + 1;
            self.lines.push_back(line.to_owned());
        }
        while self.bytes > MOST && self.lines.len() > 1 {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len() + 1);
        }
    }

    /// The screen was cleared.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What is to be printed after the editor has cleared what it takes for the rows of a line that was painted like that,
    /// in a window of that height now. Where the line stood can be told only once the window has been filled; before, it is
    /// taken to have kept its rows.
    fn repair_height(&self, was: &PaintedLine, height: usize) -> String {
        let (cursor, end) = was.rows();
        let printed: usize = self.lines.iter().map(|line| row_starts(line, was.columns).len()).sum();
        if height >= was.height || printed + end < was.height {
            return String::new();
        }
        match (was.height - height).min(end - cursor.min(end)) {
            0 => String::new(),
            lost => format!("\r\x1b[J{}", self.last(lost, was.columns)),
        }
    }

    /// The last rows of it, in a window of that width.
    fn last(&self, rows: usize, columns: usize) -> String {
        let mut wanted = rows;
        let mut parts = Vec::new();
        for line in self.lines.iter().rev() {
            if wanted == 0 {
                break;
            }
            let starts = row_starts(line, columns);
            let skipped = starts.len().saturating_sub(wanted);
            let start = starts.get(skipped).copied().unwrap_or(0);
            // The colour in which the row begins was set before it.
            let mut part: String = escapes(&line[..start]).collect();
            part.push_str(&line[start..]);
            parts.push(part);
            wanted -= starts.len() - skipped;
        }
        parts.iter().rev().fold(String::new(), |mut text, part| {
            let _ = writeln!(text, "{part}");
            text
        })
    }
}

/// What is to be printed before the prompt, after the editor has cleared what it takes for the rows of a line that was
/// painted like that, in a window that has this size now.
pub fn repair(was: &PaintedLine, columns: usize, height: usize, tail: &Tail) -> String {
    if was.columns == columns {
        return tail.repair_height(was, height);
    }
    let at_end = was.cursor == was.line.len() && was.hint.is_empty();
    repair_width(&was.before(), at_end, was.columns, columns, tail)
}

/// The same for a window of another width. `before`
/// is the prompt and the line up to the cursor, as it was painted when the window had the other width; `at_end`: nothing
/// stood behind the cursor.
fn repair_width(before: &str, at_end: bool, old_columns: usize, columns: usize, tail: &Tail) -> String {
    // Where the editor takes the cursor to be, and where it is: rows below the one in which the prompt begins.
    let was = rows(before, old_columns) - 1 + usize::from(is_full(before, old_columns));
    let is = match (at_end, is_full(before, old_columns)) {
        // The editor itself has begun the row below, with a line's end.
        (true, true) => rows(before, columns),
        (true, false) => rows(before, columns) - 1,
        (false, _) => rows(before, columns) - 1 + usize::from(is_full(before, columns)),
    };
    if is >= was {
        let up = is - was;
        return if up > 0 { format!("\x1b[{up}A\r\x1b[J") } else { String::new() };
    }
    format!("\r\x1b[J{}", tail.last(was - is, columns))
}

/// The column behind a text, as the editor counts: a row that is full is followed by an empty one.
pub fn end_column(text: &str, columns: usize) -> usize {
    let last = text.rsplit('\n').next().unwrap_or_default();
    let start = row_starts(last, columns).last().copied().unwrap_or(0);
    let column = width(&last[start..]);
    if column >= columns { 0 } else { column }
}

/// The last rows of a text, in the colour that they begin in. `None`: it has no more than that.
pub fn last_rows(text: &str, columns: usize, wanted: usize) -> Option<&str> {
    let mut left = wanted;
    let mut end = text.len();
    loop {
        let begin = text[..end].rfind('\n').map_or(0, |newline| newline + 1);
        let starts = row_starts(&text[begin..end], columns);
        if starts.len() > left {
            let row = starts.len() - left;
            return Some(&text[starts.get(row).map_or(end, |start| begin + start)..]);
        }
        left -= starts.len();
        if begin == 0 {
            return None;
        }
        end = begin - 1;
        if left == 0 {
            return Some(&text[begin..]);
        }
    }
}

/// The escape sequence that was in force where `rest` begins, which is the end of `text`.
pub fn color_before<'t>(text: &'t str, rest: &str) -> &'t str {
    let before = &text[..text.len() - rest.len()];
    let sequence = before.rfind("\x1b[").map(|start| &before[start..]);
    sequence.and_then(|sequence| sequence.split_inclusive('m').next()).unwrap_or_default()
}

/// How many rows a text takes.
fn rows(text: &str, columns: usize) -> usize {
    text.split('\n').map(|line| row_starts(line, columns).len()).sum()
}

/// Whether a text ends where a row does.
fn is_full(text: &str, columns: usize) -> bool {
    let last = text.rsplit('\n').next().unwrap_or_default();
    let start = row_starts(last, columns).last().copied().unwrap_or(0);
    width(&last[start..]) >= columns
}

/// Where the rows of a line begin.
fn row_starts(line: &str, columns: usize) -> Vec<usize> {
    let mut starts = vec![0];
    let mut column = 0;
    for (at, c) in visible(line) {
        let width = c.width().unwrap_or(0);
        if column + width > columns && column > 0 {
            starts.push(at);
            column = 0;
        }
        column += width;
    }
    starts
}

fn width(text: &str) -> usize {
    visible(text).map(|(_, c)| c.width().unwrap_or(0)).sum()
}

/// The characters that are no part of an escape sequence.
fn visible(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut escaped = false;
    text.char_indices().filter(move |(_, c)| {
        let hidden = escaped || *c == '\x1b';
        escaped = hidden && *c != 'm';
        !hidden
    })
}

/// The escape sequences: colours only, as anything else was escaped.
fn escapes(text: &str) -> impl Iterator<Item = char> {
    let mut escaped = false;
    text.chars().filter(move |c| {
        let hidden = escaped || *c == '\x1b';
        escaped = hidden && *c != 'm';
        hidden
    })
}

/// Columns and rows of the terminal; `None` where they are not known, and nothing can be put right.
#[cfg(unix)]
pub fn size() -> Option<(usize, usize)> {
    use std::io::IsTerminal as _;
    let stdout = std::io::stdout();
    let size = match stdout.is_terminal() {
        true => rustix::termios::tcgetwinsize(&stdout),
        false => rustix::termios::tcgetwinsize(std::io::stdin()),
    };
    let size = size.ok().map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
    size.filter(|(columns, _)| *columns > 0)
}

/// The same; here the console's text is its own matter.
#[cfg(not(unix))]
pub fn size() -> Option<(usize, usize)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(text: &str) -> Tail {
        let mut tail = Tail::default();
        tail.push(text);
        tail
    }

    #[test]
    fn rows_are_counted_as_the_terminal_folds_them() {
        for (text, columns, expected) in [
            ("", 10, 1),
            ("123456789", 10, 1),
            ("1234567890", 10, 1),
            ("12345678901", 10, 2),
            ("日本語日本", 9, 2),
            ("\x1b[1mabc\x1b[0m", 4, 1),
            ("a\nb", 10, 2),
        ] {
            assert_eq!(rows(text, columns), expected, "{text}");
        }
    }

    #[test]
    fn a_narrower_window_has_the_rows_cleared_that_the_editor_does_not_know_of() {
        let before = "x".repeat(55);
        assert_eq!(repair_width(&before, true, 40, 20, &Tail::default()), "\x1b[1A\r\x1b[J");
        assert_eq!(repair_width(&before, true, 40, 30, &Tail::default()), "");
        assert_eq!(repair_width(&before, true, 40, 10, &Tail::default()), "\x1b[4A\r\x1b[J");
    }

    #[test]
    fn a_row_that_is_full_to_its_end_is_minded() {
        let before = "x".repeat(60);
        // The editor ended the row, so the cursor stays in a row of its own.
        assert_eq!(repair_width(&before, true, 60, 40, &Tail::default()), "\x1b[1A\r\x1b[J");
        assert_eq!(repair_width(&before, true, 60, 80, &Tail::default()), "");
        // The row becomes full, and the cursor stays in it.
        assert_eq!(repair_width(&before, true, 40, 60, &tail("one\n")), "\r\x1b[Jone\n");
        assert_eq!(repair_width(&before, false, 40, 60, &tail("one\n")), "");
    }

    #[test]
    fn a_wider_window_has_the_text_printed_again_that_the_editor_clears() {
        let before = "x".repeat(55);
        let tail = tail("one\ntwo\n\x1b[31mthree and more than a row\x1b[0m\n");
        assert_eq!(
            repair_width(&before, true, 20, 60, &tail),
            "\r\x1b[Jtwo\n\x1b[31mthree and more than a row\x1b[0m\n"
        );
        // In the colour that it had.
        assert_eq!(tail.last(1, 20), "\x1b[31ma row\x1b[0m\n");
        assert_eq!(repair_width(&before, true, 20, 60, &Tail::default()), "\r\x1b[J");
    }

    #[test]
    fn a_lower_window_has_the_text_printed_again_that_the_editor_clears() {
        let was = |cursor| PaintedLine {
            columns: 20,
            height: 5,
            prompt: "> ".into(),
            line: "x".repeat(50),
            cursor,
            hint: String::new(),
        };
        let full = tail("one\ntwo\nthree\n");
        assert_eq!(repair(&was(0), 20, 4, &full), "\r\x1b[Jthree\n");
        assert_eq!(repair(&was(0), 20, 2, &full), "\r\x1b[Jtwo\nthree\n");
        assert_eq!(repair(&was(25), 20, 2, &full), "\r\x1b[Jthree\n");
        // The cursor stands in the last row, or the window was not full, or got no lower.
        assert_eq!(repair(&was(50), 20, 2, &full), "");
        assert_eq!(repair(&was(0), 20, 2, &tail("one\ntwo\n")), "");
        assert_eq!(repair(&was(0), 20, 5, &full), "");
        assert_eq!(repair(&was(0), 20, 7, &full), "");
    }

    #[test]
    fn little_is_remembered() {
        let mut tail = Tail::default();
        for number in 0..10_000 {
            tail.push(&format!("line {number}\n"));
        }
        assert!(tail.bytes <= MOST);
        tail.push(&"é".repeat(MOST));
        assert_eq!(tail.lines.len(), 1);
        assert!(tail.bytes <= MOST + 1);
    }
}
