//! What a repl sees of its client: where the connection stands, the names to complete, and the records that an `expect`
//! may still want.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use super::typed::UserAction;
use crate::render::{Format, Printer, Recorder};
use crate::run::observer::{Interruption, Reaction, RunObserver};
use webpubsub_client::event::{Flow, Invoked, Lifecycle, Received, WireFrame};
use webpubsub_proto::session::{Standing, StreamNews};

/// Records kept for an `expect` to come, in bytes; older ones are forgotten.
const KEPT: usize = 16 * 1024 * 1024;
/// What a record costs besides its text.
const OVERHEAD: usize = 64;
/// Longest message shown whole at a terminal.
const CUT: usize = 1000;

/// What the editor's thread may look at.
#[derive(Debug, Default)]
pub struct EditorView {
    standing: AtomicU8,
    /// Lines are fragments of a stream.
    in_stream: AtomicBool,
    names: Mutex<CompletionNames>,
}

/// Names to complete.
#[derive(Clone, Debug, Default)]
pub struct CompletionNames {
    /// Groups that are joined.
    pub joined: BTreeSet<String>,
    /// Groups that were named.
    pub groups: BTreeSet<String>,
    /// Events that were named.
    pub events: BTreeSet<String>,
}

impl EditorView {
    /// Where the connection stands.
    pub fn standing(&self) -> Standing {
        match self.standing.load(Ordering::Relaxed) {
            0 => Standing::Connecting,
            1 => Standing::Connected,
            2 => Standing::Recovering,
            3 => Standing::Reconnecting,
            _ => Standing::Stopped,
        }
    }

    /// Says where it stands.
    pub fn set_standing(&self, standing: Standing) {
        let number = match standing {
            Standing::Connecting => 0,
            Standing::Connected => 1,
            Standing::Recovering => 2,
            Standing::Reconnecting => 3,
            Standing::Stopped => 4,
        };
        self.standing.store(number, Ordering::Relaxed);
    }

    /// Whether lines are fragments of a stream.
    pub fn is_in_stream(&self) -> bool {
        self.in_stream.load(Ordering::SeqCst)
    }

    /// Says whether they are.
    pub fn set_in_stream(&self, in_stream: bool) {
        self.in_stream.store(in_stream, Ordering::SeqCst);
    }

    pub fn names(&self) -> MutexGuard<'_, CompletionNames> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change of what is printed, to be made before the next thing is.
#[derive(Clone, Copy, Debug)]
pub enum PrintChange {
    /// What stdout carries.
    Format(Format),
    /// Whether with the time.
    Timestamps(bool),
    /// Whether long data is shown whole.
    Full(bool),
    /// Whether each fragment of a stream has a line of its own.
    Apart(bool),
}

/// How messages are printed.
#[derive(Clone, Copy, Debug)]
pub struct PrintSettings {
    /// What stdout carries.
    pub format: Format,
    /// With the time.
    pub timestamps: bool,
    /// Long data is shown whole.
    pub full: bool,
}

/// Sees everything that comes.
#[derive(Debug)]
pub struct ReplObserver {
    shared: Arc<EditorView>,
    recorder: Recorder,
    /// As it will be when the changes are made.
    printed: Cell<PrintSettings>,
    changes: RefCell<Vec<PrintChange>>,
    has_changes: Cell<bool>,
    records: RefCell<RecentRecords>,
    /// A record came since the last flush.
    fresh: Cell<bool>,
    came: Notify,
    moved: Notify,
    /// Id of the stream whose fragments lines are.
    publishing: RefCell<Option<String>>,
    /// Who is told of Ctrl-C, where it comes as a signal.
    interrupts: RefCell<Option<UnboundedSender<UserAction>>>,
}

#[derive(Debug, Default)]
struct RecentRecords {
    kept: VecDeque<Vec<u8>>,
    /// Number of the first one kept.
    first: u64,
    bytes: usize,
    /// Some were forgotten that no `expect` had passed.
    forgotten: u64,
}

impl RecentRecords {
    fn push(&mut self, record: Vec<u8>) {
        self.bytes += record.len() + OVERHEAD;
        self.kept.push_back(record);
        while self.bytes > KEPT && self.kept.len() > 1 {
            self.drop_first();
            self.forgotten += 1;
        }
    }

    fn drop_first(&mut self) {
        if let Some(record) = self.kept.pop_front() {
            self.bytes -= record.len() + OVERHEAD;
            self.first += 1;
        }
    }
}

impl ReplObserver {
    /// Watches a client.
    pub fn new(shared: Arc<EditorView>, recorder: Recorder, printed: PrintSettings) -> Rc<Self> {
        Rc::new(Self {
            shared,
            recorder,
            printed: Cell::new(printed),
            changes: RefCell::new(vec![PrintChange::Full(printed.full), PrintChange::Apart(!printed.full)]),
            has_changes: Cell::new(true),
            records: RefCell::default(),
            fresh: Cell::new(false),
            came: Notify::new(),
            moved: Notify::new(),
            publishing: RefCell::default(),
            interrupts: RefCell::default(),
        })
    }

    /// What the editor sees too.
    pub fn shared(&self) -> &Arc<EditorView> {
        &self.shared
    }

    /// Lines are fragments of that stream, or of none.
    pub fn publish(&self, stream_id: Option<&str>) {
        *self.publishing.borrow_mut() = stream_id.map(str::to_owned);
        self.shared.set_in_stream(stream_id.is_some());
    }

    /// Ctrl-C is sent there.
    pub fn forward_interrupts(&self, typed: UnboundedSender<UserAction>) {
        *self.interrupts.borrow_mut() = Some(typed);
    }

    /// Has a change made.
    pub fn change(&self, change: PrintChange) {
        let printed = self.printed.get();
        self.printed.set(match change {
            PrintChange::Format(format) => PrintSettings { format, ..printed },
            PrintChange::Timestamps(timestamps) => PrintSettings { timestamps, ..printed },
            PrintChange::Full(full) => PrintSettings { full, ..printed },
            PrintChange::Apart(_) => printed,
        });
        self.changes.borrow_mut().push(change);
        self.has_changes.set(true);
    }

    /// How messages are printed from now on.
    pub fn printed(&self) -> PrintSettings {
        self.printed.get()
    }

    /// Resolves when the connection stands differently.
    pub async fn moved(&self) {
        self.moved.notified().await;
    }

    /// Resolves when another record has come.
    pub async fn more(&self) {
        self.came.notified().await;
    }

    /// The record of that number, or the first one kept after it, with its number.
    pub fn record(&self, number: u64) -> Option<(u64, Vec<u8>)> {
        let records = self.records.borrow();
        let number = number.max(records.first);
        let index = usize::try_from(number - records.first).ok()?;
        records.kept.get(index).map(|record| (number, record.clone()))
    }

    /// Forgets the records up to that one.
    pub fn pass(&self, number: u64) {
        let mut records = self.records.borrow_mut();
        while records.first <= number && !records.kept.is_empty() {
            records.drop_first();
        }
    }

    /// How many records were forgotten that nobody had looked at, since it was asked last.
    pub fn take_forgotten(&self) -> u64 {
        std::mem::take(&mut self.records.borrow_mut().forgotten)
    }

    fn keep(&self, record: Option<Vec<u8>>) {
        if let Some(record) = record {
            self.records.borrow_mut().push(record);
            self.fresh.set(true);
        }
    }

    fn stand(&self, standing: Standing) {
        self.shared.set_standing(standing);
        self.moved.notify_one();
    }
}

impl RunObserver for ReplObserver {
    fn prepare(&self, printer: &mut Printer) {
        if !self.has_changes.replace(false) {
            return;
        }
        for change in self.changes.borrow_mut().drain(..) {
            match change {
                PrintChange::Format(format) => printer.set_format(format),
                PrintChange::Timestamps(timestamps) => printer.set_timestamps(timestamps),
                PrintChange::Full(full) => printer.set_cut((!full).then_some(CUT)),
                PrintChange::Apart(apart) => printer.set_apart(apart),
            }
        }
    }

    fn lifecycle(&self, event: &Lifecycle) {
        match event {
            Lifecycle::Connected { .. } | Lifecycle::Recovered { .. } => self.stand(Standing::Connected),
            Lifecycle::Recovering { .. } => self.stand(Standing::Recovering),
            Lifecycle::SessionLost { .. } | Lifecycle::Disconnected { .. } => {
                self.shared.names().joined.clear();
                self.stand(Standing::Reconnecting);
            }
            Lifecycle::Joined { group, .. } => {
                self.shared.names().joined.insert(group.clone());
            }
            Lifecycle::Left { group, .. } => {
                self.shared.names().joined.remove(group);
            }
            // Lines are commands again, whoever has ended it.
            Lifecycle::Stream(StreamNews::Ended(report)) => {
                if self.publishing.borrow().as_ref() == Some(&report.stream_id) {
                    self.publish(None);
                }
            }
            Lifecycle::AttemptFailed { .. }
            | Lifecycle::Reconnecting { .. }
            | Lifecycle::OperationRetried(_)
            | Lifecycle::Ack(_)
            | Lifecycle::OperationUnknown { .. }
            | Lifecycle::RejoinFailed { .. }
            | Lifecycle::Stream(StreamNews::Started { .. } | StreamNews::Trouble { .. })
            | Lifecycle::RestateFailed { .. }
            | Lifecycle::SequenceGap { .. } => {}
        }
        self.keep(self.recorder.lifecycle(event));
    }

    fn invoked(&self, invoked: &Invoked) {
        self.keep(self.recorder.invoked(invoked));
    }

    fn frame(&self, frame: WireFrame<'_>, received: &Received<'_>, _shown: bool) -> Flow {
        self.keep(self.recorder.frame(frame, received));
        Flow::Continue
    }

    fn interrupted(&self, by: Interruption) -> Reaction {
        // Only the key is for the line.
        let is_key = by == Interruption::Signal(2);
        let interrupts = self.interrupts.borrow();
        let typed = interrupts.as_ref().filter(|_| is_key);
        match typed.is_some_and(|typed| typed.send(UserAction::Interrupt).is_ok()) {
            true => Reaction::GoesOn,
            false => Reaction::Ends,
        }
    }

    fn flush(&self) {
        if self.fresh.replace(false) {
            self.came.notify_one();
        }
    }
}
