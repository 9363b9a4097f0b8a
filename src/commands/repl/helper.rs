//! What the editor asks while a line is typed: completion, hints, colours, whether the line is complete. It also learns
//! here what the editor is doing, see [`Screen`].

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustyline::CompletionType;
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::SearchDirection;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::burst::{Burst, KeyPainting};
use super::complete::{CompletionTarget, candidates, wanted};
use super::highlight::highlight;
use super::lines;
use super::observer::EditorView;
use super::resize::{LastPainted, PaintedLine, color_before, last_rows, size};
use super::screen::Screen;

/// Helps the editor.
#[derive(Debug)]
pub struct EditorHelper {
    screen: Screen,
    shared: Arc<EditorView>,
    color: bool,
    files: Files,
    /// The line and the cursor as they were painted last.
    typed: Arc<Mutex<(String, usize)>>,
    /// The next painting is the editor's own doing.
    by_key: Cell<bool>,
    /// The cursor is where the line is painted for.
    mark_brackets: Cell<bool>,
    /// What was painted last of the line being typed.
    painted: LastPainted,
    /// The terminal folds long lines anew when its width changes.
    refolds: bool,
    /// Which keys are painted.
    burst: Burst,
    /// The prompt before a line of more rows than the window has, which is painted with it.
    taller: RefCell<Option<TallLine>>,
}

/// A line of more rows than the window.
#[derive(Debug)]
struct TallLine {
    prompt: String,
    columns: usize,
    height: usize,
}

struct Files(FilenameCompleter);

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Files")
    }
}

impl EditorHelper {
    /// For that terminal, in colour or not; `refolds` says what it does when its width changes.
    pub fn new(screen: Screen, shared: Arc<EditorView>, color: bool, refolds: bool, burst: Burst) -> Self {
        Self {
            screen,
            shared,
            color,
            files: Files(FilenameCompleter::new()),
            typed: Arc::default(),
            by_key: Cell::new(false),
            mark_brackets: Cell::new(false),
            painted: LastPainted::default(),
            refolds,
            burst,
            taller: RefCell::default(),
        }
    }

    /// The line being typed, and where the cursor is in it.
    pub fn typed(&self) -> (String, usize) {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another line begins, with this in it.
    pub fn begin(&self, text: &str, cursor: usize) {
        self.note(text, cursor);
        *lock(&self.painted) = None;
    }

    /// Whether the line has colours.
    pub fn color(&self) -> bool {
        self.color
    }

    /// What stays on the screen of the line that was typed.
    pub fn left(&self) -> String {
        let painted = lock(&self.painted);
        painted.as_ref().map(|painted| format!("{}{}\n", painted.prompt, painted.line)).unwrap_or_default()
    }

    /// How the line was painted last.
    pub fn last(&self) -> LastPainted {
        LastPainted::clone(&self.painted)
    }

    /// Notes how the line is painted, and returns what is to be printed before.
    fn paint(&self, prompt: &str) -> String {
        let Some((columns, height)) = size() else { return String::new() };
        let (line, cursor) = self.typed();
        let now = PaintedLine { columns, height, prompt: prompt.to_owned(), line, cursor, hint: String::new() };
        self.burst.painted(&now);
        if now.rows().1 >= height && height > 0 {
            *self.taller.borrow_mut() = Some(TallLine { prompt: prompt.to_owned(), columns, height });
        }
        let was = lock(&self.painted).replace(now);
        match was {
            Some(was) if (was.columns, was.height) != (columns, height) && self.refolds => {
                self.screen.repair(&was, columns, height)
            }
            _ => String::new(),
        }
    }

    fn note(&self, line: &str, cursor: usize) {
        *self.typed.lock().unwrap_or_else(PoisonError::into_inner) = (line.to_owned(), cursor);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Helper for EditorHelper {}

impl Completer for EditorHelper {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        if self.shared.is_in_stream() {
            return Ok((cursor, Vec::new()));
        }
        // The last command of a text with several is the one being typed.
        let (wanted, start) = wanted(&line[..cursor]);
        if wanted == CompletionTarget::File {
            let (at, pairs) = self.files.0.complete_path(&line[start..cursor], cursor - start)?;
            return Ok((start + at, pairs));
        }
        let names = self.shared.names().clone();
        let found = candidates(&wanted, &line[start..cursor], &names);
        let pairs = found.into_iter().map(|word| Pair { display: word.clone(), replacement: format!("{word} ") });
        Ok((start, pairs.collect()))
    }
}

impl Hinter for EditorHelper {
    type Hint = String;

    fn hint(&self, line: &str, cursor: usize, context: &Context<'_>) -> Option<String> {
        self.by_key.set(true);
        let may_offer = self.burst.changes(&self.typed(), line, cursor);
        self.note(line, cursor);
        let offered = if may_offer { self.offered(line, cursor, context) } else { None };
        self.burst.hints(offered.is_some());
        offered
    }
}

impl EditorHelper {
    /// How the history continues the line.
    fn offered(&self, line: &str, cursor: usize, context: &Context<'_>) -> Option<String> {
        // Without colour it could not be told from what was typed. Fragments are none of the history's.
        if !self.color || self.shared.is_in_stream() || line.trim().is_empty() || cursor < line.len() {
            return None;
        }
        let history = context.history();
        let start = context.history_index().min(history.len().checked_sub(1)?);
        let found = history.starts_with(line, start, SearchDirection::Reverse).ok()??;
        let rest = found.entry.get(cursor..)?;
        // More than a line of it would move the prompt.
        Some(rest.lines().next().unwrap_or_default().to_owned()).filter(|rest| !rest.is_empty())
    }
}

impl Validator for EditorHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        if !lines::entries(context.input(), self.shared.is_in_stream()).complete {
            return Ok(ValidationResult::Incomplete);
        }
        self.screen.leaving();
        Ok(ValidationResult::Valid(None))
    }
}

impl Highlighter for EditorHelper {
    fn highlight<'l>(&self, line: &'l str, cursor: usize) -> Cow<'l, str> {
        let mut painted = match self.color && !self.shared.is_in_stream() {
            true => Cow::Owned(highlight(line, self.mark_brackets.get().then_some(cursor))),
            false => Cow::Borrowed(line),
        };
        if let Some(TallLine { prompt, columns, height }) = self.taller.take() {
            // What does not fit would only be shifted out.
            let whole = prompt + &painted;
            painted = Cow::Owned(match last_rows(&whole, columns, height) {
                Some(rest) => format!("{}{rest}", color_before(&whole, rest)),
                None => whole,
            });
        }
        painted
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _default: bool) -> Cow<'b, str> {
        // Every painting comes by here. One that no key has caused is that of a text printed above.
        if !self.by_key.replace(false) {
            self.screen.painted();
        }
        let repair = self.paint(prompt);
        let prompt = if self.taller.borrow().is_some() { "" } else { prompt };
        if repair.is_empty() { Cow::Borrowed(prompt) } else { Cow::Owned(repair + prompt) }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if let Some(painted) = lock(&self.painted).as_mut() {
            hint.clone_into(&mut painted.hint);
        }
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }

    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        // The painting below the list is no printing either, and asks for no hint.
        self.by_key.set(true);
        Cow::Borrowed(candidate)
    }

    fn highlight_char(&self, line: &str, cursor: usize, kind: CmdKind) -> bool {
        self.by_key.set(true);
        self.note(line, cursor);
        self.mark_brackets.set(kind != CmdKind::ForcedRefresh);
        if kind != CmdKind::ForcedRefresh {
            self.screen.reading();
        }
        // Colours depend on all of the line, so it is painted anew with every key that somebody types.
        match self.burst.verdict() {
            KeyPainting::Painted => true,
            KeyPainting::Still => false,
            KeyPainting::Printed(_) => {
                // The next painting is one of its own.
                self.by_key.set(false);
                if let Some(painted) = lock(&self.painted).as_mut() {
                    line.clone_into(&mut painted.line);
                    painted.cursor = cursor;
                }
                false
            }
        }
    }
}
