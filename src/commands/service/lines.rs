//! `wps service send --lines`: a message a line, so many requests at once.
//!
//! Standard input is read by a thread of its own, no faster than requests are answered. With one request at a time the
//! messages arrive in their order; side by side they are requests of their own, and the service takes them as they come.

use std::cell::RefCell;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};

use super::call::{body_of, call_of};
use super::report;
use super::settings::Lines;
use super::settings::operation::ServiceOperation;
use crate::commands::bulk::{InputLine, LineCutter, Pace};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::data::payload::too_large_body;
use crate::options::stdin::StandardInput;
use crate::render::Printer;
use crate::run::ending::at;
use crate::run::errand::RunCounts;
use crate::run::rest::{RestAnswer, RestClient, RestRequest};
use crate::run::verdict::Verdict;
use webpubsub_proto::MAX_FRAME_BYTES;

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Most lines handed on at once.
const BATCH: usize = 256;
/// The longest line: hexadecimal has two digits a byte, with a blank between.
const LONGEST_LINE: usize = 4 * MAX_FRAME_BYTES;

/// A line that was read, from 1.
struct ServiceLine {
    number: u64,
    body: Result<Bytes, Failure>,
}

enum LineBatch {
    Entries(Vec<ServiceLine>),
    Failed(Failure),
}

/// The lines of stdin, in order.
pub struct ServiceIntake(mpsc::Receiver<LineBatch>);

impl ServiceIntake {
    /// Starts to read.
    pub fn open(lines: Lines) -> Result<Self, Failure> {
        let (sender, receiver) = mpsc::channel(1);
        thread::Builder::new().name("stdin".into()).spawn(move || read(lines, &sender)).or_internal()?;
        Ok(Self(receiver))
    }
}

fn read(lines: Lines, sender: &mpsc::Sender<LineBatch>) {
    let mut input = StandardInput;
    let mut chunk = vec![0; CHUNK];
    let mut cutter = LineCutter::new(LONGEST_LINE);
    let mut entries = Vec::new();
    let hand_on = |entries: &mut Vec<ServiceLine>| {
        entries.is_empty() || sender.blocking_send(LineBatch::Entries(std::mem::take(entries))).is_ok()
    };
    let take = |entries: &mut Vec<ServiceLine>, number: u64, line: InputLine<'_>| {
        let body = match line {
            InputLine::Whole(bytes) => lines.data_type.decode(bytes).and_then(|data| body_of(data.as_data())),
            InputLine::TooLong => Err(too_large_body(&format!("more than {LONGEST_LINE} bytes"))),
        };
        let ends = body.is_err() && !lines.keep_going;
        entries.push(ServiceLine { number, body });
        if entries.len() >= BATCH || ends { hand_on(entries) && !ends } else { true }
    };
    loop {
        match input.read(&mut chunk) {
            Ok(0) => {
                cutter.finish(|number, line| take(&mut entries, number, line));
                hand_on(&mut entries);
                return;
            }
            Ok(count) => {
                let more = cutter.cut(&chunk[..count], |number, line| take(&mut entries, number, line));
                // A line is sent when it is there, not when a batch is full.
                if !(hand_on(&mut entries) && more) {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                let failure = anyhow::Error::new(error).context("could not read standard input");
                // Nobody takes it any more: the run has ended already.
                let _ = sender.blocking_send(LineBatch::Failed(Failure::new(Kind::Input, failure)));
                return;
            }
        }
    }
}

/// What is known of all lines.
#[derive(Default)]
struct FailureTally {
    /// The lowest line that failed, and how.
    first: Option<(u64, Failure)>,
    failed: u64,
}

impl FailureTally {
    fn fail(&mut self, number: u64, failure: Failure) {
        self.failed += 1;
        if self.first.as_ref().is_none_or(|(first, _)| number < *first) {
            self.first = Some((number, failure));
        }
    }
}

/// Sends them all.
pub async fn send(
    rest: &RestClient,
    (operation, lines, repeats): (&ServiceOperation, Lines, bool),
    mut intake: ServiceIntake,
    hub: &str,
    (printer, done): (&RefCell<Printer>, &RunCounts),
) -> Verdict {
    let template = Arc::new(call_of(operation, hub, lines.data_type, Bytes::new(), repeats));
    let mut under_way = FuturesUnordered::new();
    let mut ready = std::collections::VecDeque::new();
    let mut pace = lines.interval.map(|interval| Pace::new(interval, Instant::now()));
    let (mut tally, mut input_ended, mut stopped) = (FailureTally::default(), false, false);
    loop {
        while !stopped && under_way.len() < lines.in_flight {
            if ready.is_empty() || !pace.as_mut().is_none_or(|pace| pace.take(Instant::now())) {
                break;
            }
            let Some(ServiceLine { number, body }) = ready.pop_front() else { break };
            match body {
                Ok(body) => {
                    RunCounts::count(&done.sent);
                    under_way.push(one(rest, Arc::clone(&template), number, body));
                }
                Err(failure) => {
                    RunCounts::count(&done.failed);
                    warn(printer, number, &failure, lines);
                    tally.fail(number, failure);
                    stopped |= !lines.keep_going;
                }
            }
        }
        let over = stopped || (input_ended && ready.is_empty());
        if over && under_way.is_empty() {
            break;
        }
        let room = under_way.len() < lines.in_flight;
        let due = pace.as_ref().map(Pace::due).filter(|_| !stopped && room && !ready.is_empty());
        tokio::select! {
            biased;
            Some((number, outcome)) = under_way.next(), if !under_way.is_empty() => {
                let failure = settle(rest, (operation, &template), number, outcome, printer);
                match failure {
                    None => RunCounts::count(&done.acked),
                    Some(failure) => {
                        RunCounts::count(&done.failed);
                        warn(printer, number, &failure, lines);
                        tally.fail(number, failure);
                        stopped |= !lines.keep_going;
                    }
                }
                // Whoever reads the records sets the pace.
                room_in(printer).await;
            }
            batch = intake.0.recv(), if !stopped && !input_ended && ready.is_empty() => match batch {
                Some(LineBatch::Entries(entries)) => ready.extend(entries),
                Some(LineBatch::Failed(failure)) => {
                    tally.fail(u64::MAX, failure);
                    input_ended = true;
                }
                None => input_ended = true,
            },
            () = at(due), if due.is_some() => {}
        }
    }
    let FailureTally { first, failed } = tally;
    match first {
        None => Verdict::Done("done"),
        Some((u64::MAX, failure)) => Verdict::Failed(failure),
        Some((number, failure)) => {
            let more = if failed > 1 { format!(", and {} more lines failed", failed - 1) } else { String::new() };
            let acked = done.acked.get();
            let was = if failure.kind == Kind::OperationUnknown { "may have been sent" } else { "was not sent" };
            let sent = if acked == 1 { "1 was".to_owned() } else { format!("{acked} were") };
            Verdict::Failed(failure.context(format!("line {number} {was}{more}; {sent} sent")))
        }
    }
}

/// Waits until what was printed is read.
pub async fn room_in(printer: &RefCell<Printer>) {
    use webpubsub_client::event::EventSink as _;
    std::future::poll_fn(|cx| printer.borrow_mut().poll_room(cx)).await;
}

/// What came of a line, and how long that took.
type LineOutcome = (Result<RestAnswer, Failure>, Duration);

async fn one(rest: &RestClient, template: Arc<RestRequest>, number: u64, body: Bytes) -> (u64, LineOutcome) {
    let call = RestRequest { body, ..RestRequest::clone(&template) };
    let began = Instant::now();
    let outcome = rest.ask(&call).await;
    (number, (outcome, began.elapsed()))
}

fn settle(
    rest: &RestClient,
    (operation, call): (&ServiceOperation, &RestRequest),
    number: u64,
    (outcome, elapsed): LineOutcome,
    printer: &RefCell<Printer>,
) -> Option<Failure> {
    match outcome {
        Ok(answered) => {
            report::response(&mut printer.borrow_mut(), operation, &answered, Some(number));
            match answered.answer.status {
                status if status == operation.ok() => None,
                status if status.is_success() => Some(rest.mistaken(call, &answered, operation.ok())),
                _ => Some(rest.refused(call, &answered)),
            }
        }
        Err(failure) => {
            report::unanswered(&mut printer.borrow_mut(), operation, (&failure, elapsed), Some(number));
            Some(failure)
        }
    }
}

/// With `--keep-going` each failure is said as it comes; otherwise the one that ends the run is said at its end.
fn warn(printer: &RefCell<Printer>, number: u64, failure: &Failure, lines: Lines) {
    if lines.keep_going {
        let text = format!("line {number}: {}", failure.summary());
        printer.borrow_mut().note(crate::render::Weight::Warning, &text);
    }
}
