//! The line editor, on a thread of its own. It reads on while a command runs, so the prompt is always there.

use std::io;
use std::sync::{Arc, PoisonError};

use rustyline::config::Behavior;
use rustyline::error::ReadlineError;
use rustyline::history::{History as _, MemHistory};
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Editor, Event, EventContext, EventHandler,
    KeyEvent, Prompt, RepeatCount,
};
use tokio::sync::mpsc::UnboundedSender;

use super::LEAVES;
use super::burst::{Burst, LastKey, Repaint};
use super::busy::BusyCounter;
use super::helper::EditorHelper;
use super::history::History;
use super::lines::{ReplEntries, ReplInput, entries};
use super::observer::EditorView;
use super::resize::LastPainted;
use super::screen::{EditorPrinter, Screen, discard};
use super::typed::UserAction;
use crate::render::ConsoleStream;
use webpubsub_proto::session::Standing;

/// An editor that has not begun yet.
pub struct Terminal {
    editor: Editor<EditorHelper, MemHistory>,
    screen: Screen,
    shared: Arc<EditorView>,
    history: Arc<History>,
    /// What the editor's own history holds.
    known: Vec<String>,
    color: bool,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").finish_non_exhaustive()
    }
}

impl Terminal {
    /// Prepares the terminal. With `own`, the editor uses the controlling terminal: stdout is not one. There is no printer
    /// where the terminal cannot place the cursor, as there is no place above the prompt.
    pub fn open(
        help: impl FnOnce(Burst) -> EditorHelper,
        screen: Screen,
        shared: Arc<EditorView>,
        history: Arc<History>,
        own: bool,
    ) -> Result<(Self, Option<EditorPrinter>), ReadlineError> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            // Nothing is printed while the editor waits for another TAB, or for an answer.
            .completion_show_all_if_ambiguous(true)
            .completion_prompt_limit(usize::MAX)
            // Colour or not is the helper's matter: it has to be asked at every painting.
            .color_mode(ColorMode::Forced)
            .behavior(if own { Behavior::PreferTerm } else { Behavior::Stdio })
            .history_ignore_dups(false)?
            .max_history_size(usize::MAX)?
            .build();
        let memory = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, memory)?;
        let (key, (repaint, asked)) = (LastKey::default(), Repaint::new());
        let help = help(Burst::new(key.clone(), repaint));
        let color = help.color();
        let painted = help.last();
        editor.set_helper(Some(help));
        for key in ['C', 'D', 'Z', 'L'].map(KeyEvent::ctrl) {
            let handler = EventHandler::Conditional(Box::new(TerminalKey {
                screen: screen.clone(),
                painted: LastPainted::clone(&painted),
                key,
            }));
            editor.bind_sequence(key, handler);
        }
        editor.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(key)));
        let mut printer = || editor.create_external_printer().ok().map(|printer| Box::new(printer) as EditorPrinter);
        if let Some(printer) = printer() {
            asked.start(screen.clone(), printer)?;
        }
        let printer = printer();
        let terminal = Self { editor, screen, shared, history, known: Vec::new(), color };
        Ok((terminal, printer))
    }

    /// Begins to read, on a thread of its own.
    pub fn start(self, typed: UnboundedSender<UserAction>, busy: BusyCounter, notes: ConsoleStream) -> io::Result<()> {
        self.screen.begin();
        let screen = self.screen.clone();
        let spawned = std::thread::Builder::new().name("editor".into()).spawn(move || {
            self.read(&typed, &busy, &notes);
        });
        if spawned.is_err() {
            screen.end();
        }
        spawned.map(drop)
    }

    fn read(mut self, typed: &UnboundedSender<UserAction>, busy: &BusyCounter, notes: &ConsoleStream) {
        let mut kept = (String::new(), 0);
        let mut asked = false;
        loop {
            self.refresh_history();
            let wide = self.editor.dimensions().is_none_or(|(columns, _)| columns >= WIDE);
            let prompt = StandingPrompt { shared: Arc::clone(&self.shared), wide, color: self.color };
            let (text, cursor) = std::mem::take(&mut kept);
            let cursor = cursor.min(text.len());
            if let Some(helper) = self.editor.helper() {
                helper.begin(&text, cursor);
            }
            let read = self.editor.readline_with_initial(&prompt, (&text[..cursor], &text[cursor..]));
            self.screen.leaving();
            if let Some(left) = self.editor.helper().map(EditorHelper::left) {
                self.screen.remember(&left);
            }
            match read {
                Ok(text) => {
                    asked = false;
                    if !self.take(text, typed, busy, notes) {
                        break;
                    }
                }
                Err(ReadlineError::Interrupted) => {
                    let line = self.editor.helper().map(EditorHelper::typed).unwrap_or_default();
                    if busy.any() || (self.shared.is_in_stream() && line.0.is_empty()) {
                        // What is being typed is none of the command's.
                        kept = line;
                        if typed.send(UserAction::Abandon).is_err() {
                            break;
                        }
                    } else if !line.0.is_empty() {
                        asked = false;
                    } else if asked {
                        let _ = typed.send(UserAction::Leave);
                        break;
                    } else {
                        asked = true;
                        notes.line(&notes.style.dim(LEAVES));
                    }
                }
                // A terminal with another character set, or something binary that was pasted.
                Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    // Whether Enter is among what the editor has dropped, nobody knows. So none of the line may stay, to
                    // which the next one would be added.
                    discard();
                    let (text, _) = self.editor.helper().map(EditorHelper::typed).unwrap_or_default();
                    let _ = self.history.add(&text);
                    notes.line(&format!("{} {NO_UTF_8}", notes.style.label("warning:")));
                }
                Err(ReadlineError::Eof) if self.shared.is_in_stream() => {
                    self.shared.set_in_stream(false);
                    busy.add();
                    if typed.send(UserAction::Line(ReplInput::EndOfStream)).is_err() {
                        break;
                    }
                }
                Err(ReadlineError::Eof) => {
                    let _ = typed.send(UserAction::Leave);
                    break;
                }
                Err(ReadlineError::Io(error)) => {
                    let _ = typed.send(UserAction::Failed(error));
                    break;
                }
                Err(error) => {
                    let _ = typed.send(UserAction::Failed(io::Error::other(error.to_string())));
                    break;
                }
            }
        }
        self.screen.end();
    }

    /// Passes on what was entered. Returns whether to go on.
    fn take(
        &mut self,
        text: String,
        typed: &UnboundedSender<UserAction>,
        busy: &BusyCounter,
        notes: &ConsoleStream,
    ) -> bool {
        let was_in_stream = self.shared.is_in_stream();
        // Fragments are no commands, to be entered again.
        if !was_in_stream && let Some(problem) = self.history.add(&text) {
            notes.line(&notes.style.dim(&format!("the history is not kept: {problem}")));
        }
        let ReplEntries { entries, in_stream, .. } = entries(&text, was_in_stream);
        self.shared.set_in_stream(in_stream);
        for entry in entries {
            if let ReplInput::Command(command) = &entry.what {
                match command.trim() {
                    "clear" => {
                        let _ = self.editor.clear_screen();
                        self.screen.cleared();
                        continue;
                    }
                    "quit" | "exit" => {
                        let _ = typed.send(UserAction::Leave);
                        return false;
                    }
                    _ => {}
                }
            }
            busy.add();
            if typed.send(UserAction::Line(entry.what)).is_err() {
                return false;
            }
        }
        true
    }

    /// Has the editor's own history follow, in which each line is once.
    fn refresh_history(&mut self) {
        let entries = self.history.entries();
        if entries != self.known {
            let memory = self.editor.history_mut();
            let _ = memory.clear();
            for entry in &entries {
                let _ = memory.add(entry);
            }
            self.known = entries;
        }
    }
}

/// What was read with it is in a buffer that the editor has dropped.
const NO_UTF_8: &str = "what was typed is not UTF-8: the line is left out, with what was pasted behind it; `↑` brings back \
                        what stood before it";

/// From so many columns on there is room for a word before the prompt.
const WIDE: u16 = 50;

/// The prompt, which says how the connection stands whenever it is painted. All have the same width.
#[derive(Debug)]
struct StandingPrompt {
    shared: Arc<EditorView>,
    wide: bool,
    color: bool,
}

impl Prompt for StandingPrompt {
    fn raw(&self) -> &str {
        if self.shared.is_in_stream() {
            return if self.wide { "stream       > " } else { "||> " };
        }
        match (self.shared.standing(), self.wide) {
            (Standing::Connecting, true) => "connecting   > ",
            (Standing::Connected, true) => "connected    > ",
            (Standing::Recovering, true) => "recovering   > ",
            (Standing::Reconnecting, true) => "reconnecting > ",
            (Standing::Stopped, true) => "stopped      > ",
            (Standing::Connecting, false) => "..> ",
            (Standing::Connected, false) => "on> ",
            (Standing::Recovering, false) => "~~> ",
            (Standing::Reconnecting, false) => "??> ",
            (Standing::Stopped, false) => "!!> ",
        }
    }

    fn styled(&self) -> &str {
        // Where the connection stands is said by other lines meanwhile.
        if !self.color || self.shared.is_in_stream() {
            return self.raw();
        }
        match (self.shared.standing(), self.wide) {
            (Standing::Connecting, true) => "\x1b[33mconnecting\x1b[0m   > ",
            (Standing::Connected, true) => "\x1b[32mconnected\x1b[0m    > ",
            (Standing::Recovering, true) => "\x1b[33mrecovering\x1b[0m   > ",
            (Standing::Reconnecting, true) => "\x1b[31mreconnecting\x1b[0m > ",
            (Standing::Stopped, true) => "\x1b[31mstopped\x1b[0m      > ",
            (Standing::Connecting, false) => "\x1b[33m..\x1b[0m> ",
            (Standing::Connected, false) => "\x1b[32mon\x1b[0m> ",
            (Standing::Recovering, false) => "\x1b[33m~~\x1b[0m> ",
            (Standing::Reconnecting, false) => "\x1b[31m??\x1b[0m> ",
            (Standing::Stopped, false) => "\x1b[31m!!\x1b[0m> ",
        }
    }
}

/// A key that ends the reading of a line, stops the process amid it, or clears the screen, which has to know before.
struct TerminalKey {
    screen: Screen,
    /// The line as it is painted.
    painted: LastPainted,
    key: KeyEvent,
}

impl ConditionalEventHandler for TerminalKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        if self.key == KeyEvent::ctrl('L') {
            self.screen.cleared();
            return None;
        }
        // Ctrl-D in a line that is not empty takes a character away.
        if self.key != KeyEvent::ctrl('D') || context.line().is_empty() {
            self.screen.leaving();
        }
        if context.has_hint() {
            // What was not typed does not stay.
            self.screen.erase_below();
        }
        if cfg!(unix) && self.key == KeyEvent::ctrl('Z') {
            let painted = self.painted.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (cursor, end) = painted.map_or((0, 0), |painted| painted.rows());
            self.screen.suspend(cursor, end);
            return Some(Cmd::Repaint);
        }
        None
    }
}
