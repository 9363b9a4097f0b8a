//! `wps repl`: lines of the CLI's own grammar on one connection, from a person at a terminal or from a script.
//!
//! A person's lines come from an editor on a thread of its own, a script's from a reader on another; this task carries
//! them out one after another, beside the client. At a terminal everything is printed by the editor, above its prompt.

pub mod args;
mod burst;
mod busy;
mod complete;
mod editor;
mod execute;
mod helper;
mod highlight;
mod history;
pub mod line;
mod lines;
mod observer;
mod plain;
mod resize;
mod screen;
mod script;
pub mod settings;
mod typed;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IsTerminal as _};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use self::args::ReplArgs;
use self::settings::ReplSettings;
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::logging;
use crate::options::environment::{Environment, Input};
use crate::options::output::args::StderrArgs;
use crate::options::values::OutputFormat;
use crate::options::within::{TimeLimit, read_within};
use crate::render::{Console, Recorder, human};
use crate::run::context::{RunOptions, Surroundings, hub, print_format};
use crate::run::process::{console, on_one_thread};
use crate::run::run_observed;
use crate::run::sink::MessageScope;
use crate::run::verdict::Verdict;
use crate::run::voice::print_failure;
use busy::BusyCounter;
use editor::Terminal;
use execute::{Executor, LineResult};
use helper::EditorHelper;
use history::History;
use lines::{ReplEntry, ReplInput};
use observer::{EditorView, PrintSettings, ReplObserver};
use plain::PlainTerminal;
use screen::{HiddenCtrlC, Screen};
use script::ScriptEntries;
use typed::UserAction;

/// A line is a command or a usage error, wherever it is completed and however it is coloured: for fuzzing and tests.
#[cfg(any(test, fuzzing))]
pub fn fuzz(text: &str) {
    match line::parse_line(text, 80) {
        Ok(line::LineParsed::Run(command)) => {
            let _ = line::settings::settle_line(*command, webpubsub_proto::Codec::Json);
        }
        Ok(line::LineParsed::Print(_)) => {}
        Err(failure) => assert_eq!(failure.kind, Kind::Usage, "{text}"),
    }
    let (wanted, start) = complete::wanted(text);
    assert!(text.is_char_boundary(start), "{text}: {wanted:?}");
    let coloured = highlight::highlight(text, Some(start));
    assert!(coloured.len() >= text.len(), "{text}");
}

impl CommandArgs for ReplArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.connecting.output.talk)
    }

    fn prints_records(&self) -> bool {
        self.connecting.output.output == OutputFormat::Ndjson
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let settings = settings::settle(*self, environment, input)?;
        Ok(Box::new(move |process| {
            let opened = open(&settings, process.limit(settings.connection.timeout))?;
            let output = &settings.output;
            logging::start(output.verbosity, output.log_filter.as_deref(), &opened.console().err)?;
            let console = opened.console().clone();
            let surroundings = process.without_conditions(console);
            on_one_thread(repl(&surroundings, &settings, opened))
        }))
    }
}

/// Where the lines come from, and where output goes.
#[derive(Debug)]
pub struct ReplStreams {
    console: Console,
    shared: Arc<EditorView>,
    from: LineSource,
}

#[derive(Debug)]
enum LineSource {
    Script(ScriptEntries),
    Person(Box<Person>),
}

/// A person at a terminal.
#[derive(Debug)]
struct Person {
    front: PersonTerminal,
    history: Arc<History>,
    /// Why the history is not kept.
    note: Option<String>,
}

/// What stands between a person and the commands.
#[derive(Debug)]
enum PersonTerminal {
    Editor(Box<Terminal>, Screen),
    Plain(PlainTerminal),
}

impl ReplStreams {
    /// Where everything is printed.
    pub fn console(&self) -> &Console {
        &self.console
    }
}

/// Opens the terminal or the script, which has to be there within `limit`.
pub fn open(settings: &ReplSettings, limit: Option<TimeLimit>) -> Result<ReplStreams, Failure> {
    let shared = Arc::new(EditorView::default());
    if settings.script.is_none() && io::stdin().is_terminal() {
        return open_terminal(settings, shared);
    }
    let path = settings.script.clone();
    // Opening a pipe waits for whoever writes to it.
    let input = read_within(limit, "the script", move || script::open(path.as_deref()))?;
    let entries = script::read(input).or_internal()?;
    let console = console(settings.output.color)?;
    Ok(ReplStreams { console, shared, from: LineSource::Script(entries) })
}

fn open_terminal(settings: &ReplSettings, shared: Arc<EditorView>) -> Result<ReplStreams, Failure> {
    let (history, note) = History::open(&settings.history);
    let history = Arc::new(history);
    let screen = Screen::new();
    let color = settings.output.color.enabled(true);
    let help = |burst| EditorHelper::new(screen.clone(), Arc::clone(&shared), color, settings.refolds, burst);
    let opened =
        Terminal::open(help, screen.clone(), Arc::clone(&shared), Arc::clone(&history), !io::stdout().is_terminal());
    let (terminal, printer) = opened.or_fail(Kind::Internal, "could not use the terminal")?;
    let (front, above) = match printer {
        Some(printer) => {
            let above = screen.writer(printer);
            (PersonTerminal::Editor(Box::new(terminal), screen), above)
        }
        None => {
            let plain = PlainTerminal::new(Arc::clone(&shared));
            let above = plain.writer();
            (PersonTerminal::Plain(plain), above)
        }
    };
    let opened = Console::builder(|terminal| settings.output.color.enabled(terminal)).above(above).open();
    let (console, _) = opened.or_internal()?;
    Ok(ReplStreams { console, shared, from: LineSource::Person(Box::new(Person { front, history, note })) })
}

/// Runs until the lines end, or the session does. Returns the exit code.
pub async fn repl(surroundings: &Surroundings, settings: &ReplSettings, opened: ReplStreams) -> u8 {
    let run_options = RunOptions {
        shown: MessageScope::All,
        limit: None,
        follows_stdout: false,
        hosts: true,
        chatty: true,
        follows_conditions: false,
    };
    let recorder = Recorder::new(hub(&settings.connection), settings.connection.protocol.name());
    let ReplStreams { shared, from, .. } = opened;
    let (interactive, history) = match &from {
        LineSource::Script(_) => (false, Arc::default()),
        LineSource::Person(person) => (true, Arc::clone(&person.history)),
    };
    let printed = PrintSettings {
        format: print_format(settings.output.format),
        timestamps: settings.output.timestamps,
        full: !interactive,
    };
    let watch = ReplObserver::new(shared, recorder, printed);
    let observer = Rc::clone(&watch);
    run_observed(
        surroundings,
        &settings.connection,
        &settings.output,
        run_options,
        Some(observer),
        |client| async move {
            let (output, connection) = (&settings.output, &settings.connection);
            let executor = Executor {
                client,
                watch,
                surroundings,
                output,
                connection,
                history,
                interactive,
                amid: RefCell::default(),
                watched: RefCell::default(),
                stream: RefCell::default(),
                service: RefCell::default(),
            };
            let verdict = match from {
                LineSource::Script(entries) => run_script(&executor, entries, settings).await,
                LineSource::Person(person) => attend(&executor, *person).await,
            };
            executor.leave().await;
            verdict
        },
    )
    .await
}

/// Gives the terminal back, however the run ends.
struct ScreenHold(Screen);

impl Drop for ScreenHold {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// How the terminal was taken.
enum TerminalHold {
    Edited(#[expect(dead_code, reason = "its drop counts")] ScreenHold),
    Plain(#[expect(dead_code, reason = "its drop counts")] HiddenCtrlC),
}

/// Carries out what a person enters.
async fn attend(executor: &Executor<'_>, person: Person) -> Verdict {
    let Person { front, history, note } = person;
    let console = &executor.surroundings.console;
    if let Some(note) = note {
        console.err.line(&console.err.style.dim(&format!("the history is not kept: {note}")));
    }
    // What was said before the prompt stands before it.
    console.drained().await;
    let (sender, mut typed) = unbounded_channel();
    let busy = BusyCounter::default();
    let (started, held, plain) = match front {
        PersonTerminal::Editor(terminal, screen) => {
            let held = TerminalHold::Edited(ScreenHold(screen));
            (terminal.start(sender, busy.clone(), console.err.clone()), held, None)
        }
        PersonTerminal::Plain(plain) => {
            executor.watch.forward_interrupts(sender.clone());
            let ask = if console.err.style.terminal { console.err.clone() } else { console.out.clone() };
            let held = TerminalHold::Plain(HiddenCtrlC::begin());
            (plain.clone().start(sender, busy.clone(), history, ask), held, Some(plain))
        }
    };
    if let Err(error) = started {
        return Verdict::Failed(Failure::new(Kind::Internal, error));
    }
    let verdict = serve(executor, &mut typed, &busy, plain.as_ref()).await;
    executor.watch.shared().set_standing(webpubsub_proto::session::Standing::Stopped);
    drop(held);
    verdict
}

/// One command after another, each until it is done or abandoned.
async fn serve(
    executor: &Executor<'_>,
    typed: &mut UnboundedReceiver<UserAction>,
    busy: &BusyCounter,
    plain: Option<&PlainTerminal>,
) -> Verdict {
    let mut waiting: VecDeque<QueuedLine> = VecDeque::new();
    let (mut leaving, mut asked) = (false, false);
    loop {
        let Some(QueuedLine { line, .. }) = waiting.pop_front() else {
            if leaving {
                return Verdict::Done("quit");
            }
            match typed.recv().await {
                Some(UserAction::Line(line)) => {
                    asked = false;
                    waiting.push_back(QueuedLine::new(executor, line));
                }
                Some(UserAction::Abandon) => break_off(executor),
                Some(UserAction::Interrupt) if executor.stream.borrow().is_some() => {
                    plain.inspect(|plain| plain.interrupted());
                    break_off(executor);
                }
                Some(UserAction::Interrupt) if asked => {
                    leaving = true;
                    plain.inspect(|plain| plain.left());
                    executor.surroundings.console.err.line("");
                }
                Some(UserAction::Interrupt) => {
                    asked = true;
                    plain.inspect(|plain| plain.interrupted());
                    let err = &executor.surroundings.console.err;
                    err.line(&err.style.dim(LEAVES));
                }
                Some(UserAction::Leave) | None => leaving = true,
                Some(UserAction::Failed(error)) => return terminal_failed(error),
            }
            continue;
        };
        let begun = Instant::now();
        let mut running = std::pin::pin!(executor.carry_out(&line));
        let done = loop {
            let question = waiting.iter().position(|waiting| waiting.is_question);
            let due = question.and_then(|index| waiting.get(index)).map(|question| begun.max(question.since) + SOON);
            tokio::select! {
                biased;
                done = &mut running => break Some(done),
                next = typed.recv(), if !leaving => match next {
                    Some(UserAction::Line(line)) => waiting.push_back(QueuedLine::new(executor, line)),
                    Some(UserAction::Abandon) => break None,
                    Some(UserAction::Interrupt) => {
                        plain.inspect(|plain| plain.interrupted());
                        break None;
                    }
                    Some(UserAction::Leave) | None => leaving = true,
                    Some(UserAction::Failed(error)) => return terminal_failed(error),
                },
                () = sleep_until(due.unwrap_or(begun)), if due.is_some() => {
                    let Some(question) = question.and_then(|index| waiting.remove(index)) else { continue };
                    let amid = format!("`{}`, for {}{}", line.verb(), human(begun.elapsed()), behind(&waiting));
                    match executor.answer(&question.line, &amid).await {
                        LineResult::Next | LineResult::Quit => {}
                        LineResult::SessionEnded => return Verdict::SessionEnded,
                        LineResult::Failed(failure) => print_failure(&executor.surroundings.console, &failure),
                    }
                    busy.done(1);
                }
            }
        };
        let mut over = 1;
        match done {
            Some(LineResult::Next) => {}
            Some(LineResult::Quit) => leaving = true,
            Some(LineResult::SessionEnded) => return Verdict::SessionEnded,
            Some(LineResult::Failed(failure)) => print_failure(&executor.surroundings.console, &failure),
            None => {
                over += waiting.len();
                let also = match waiting.len() {
                    0 => String::new(),
                    more => format!(", and {more} that waited behind it"),
                };
                waiting.clear();
                let broken_off = executor.break_stream_off() || line.verb() == "stream";
                executor.print_result(&match broken_off {
                    true => format!("broke the stream off{also}"),
                    false => format!("abandoned{also}; what was sent already may still be carried out"),
                });
            }
        }
        busy.done(over);
    }
}

/// A line that is not carried out yet.
struct QueuedLine {
    line: ReplInput,
    /// When it was entered.
    since: Instant,
    is_question: bool,
}

impl QueuedLine {
    fn new(executor: &Executor<'_>, line: ReplInput) -> Self {
        Self { is_question: executor.is_question(&line), line, since: Instant::now() }
    }
}

/// Ctrl-C while nothing runs: the stream that is open ends.
fn break_off(executor: &Executor<'_>) {
    if executor.break_stream_off() {
        executor.print_result("broke the stream off");
    }
}

/// A question waits so long for the commands before it, so that lines entered together are answered in their order.
const SOON: Duration = Duration::from_millis(500);

fn behind(waiting: &VecDeque<QueuedLine>) -> String {
    match waiting.len() {
        0 => String::new(),
        more => format!("; {more} more behind it"),
    }
}

/// What the first Ctrl-C on an empty line is answered.
const LEAVES: &str = "Ctrl-C once more, or Ctrl-D, leaves";

fn terminal_failed(error: io::Error) -> Verdict {
    Verdict::Failed(Failure::new(Kind::Internal, error).context("could not read the terminal"))
}

/// Carries out a script, line by line.
async fn run_script(executor: &Executor<'_>, mut entries: ScriptEntries, settings: &ReplSettings) -> Verdict {
    let mut first: Option<Failure> = None;
    while let Some(entry) = entries.recv().await {
        let done = match entry {
            Ok(entry) => match executor.carry_out(&entry.what).await {
                LineResult::Failed(failure) => LineResult::Failed(at_line(failure, &entry)),
                done => done,
            },
            Err(failure) => LineResult::Failed(failure),
        };
        match done {
            LineResult::Next => {}
            LineResult::Quit => break,
            LineResult::SessionEnded => return Verdict::SessionEnded,
            LineResult::Failed(failure) if settings.keep_going => {
                print_failure(&executor.surroundings.console, &failure);
                first.get_or_insert(failure);
            }
            LineResult::Failed(failure) => return Verdict::Failed(failure),
        }
    }
    first.map_or(Verdict::Done("done"), Verdict::Told)
}

/// Says which line it was.
fn at_line(failure: Failure, entry: &ReplEntry) -> Failure {
    let text = format!("line {}: {}", entry.line, failure.error);
    let causes = failure.error.chain().skip(1).map(ToString::to_string);
    let texts: Vec<String> = std::iter::once(text).chain(causes).collect();
    let mut inmost_first = texts.into_iter().rev();
    let error = anyhow::Error::msg(inmost_first.next().unwrap_or_default());
    Failure { error: inmost_first.fold(error, anyhow::Error::context), ..failure }
}
