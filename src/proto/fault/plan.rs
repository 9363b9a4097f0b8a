//! The faults in force: who is asked when, and what was counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::model::{DropTime, Fault, FaultTarget, Point, Points};

/// Most faults at a time.
const MOST_FAULTS: usize = 1000;
/// Most notes that wait to be taken; the newest of more are left out.
const MOST_NOTES: usize = 256;

/// The list of faults in force. Clones share it.
#[derive(Clone, Debug)]
pub struct Faults(Arc<SharedPlan>);

#[derive(Debug)]
struct SharedPlan {
    /// The points where any fault may happen: all that is looked at where there is none.
    points: AtomicU32,
    /// There are notes to be taken.
    noted: AtomicBool,
    plan: Mutex<Plan>,
}

#[derive(Debug)]
struct Plan {
    seed: u64,
    /// How many faults there ever were.
    added: u64,
    entries: Vec<FaultEntry>,
    /// What happened and was not told yet.
    notes: VecDeque<String>,
}

/// A fault in force.
#[derive(Debug)]
struct FaultEntry {
    id: u64,
    fault: Arc<Fault>,
    /// Opportunities so far.
    met: u64,
    /// How often it happened.
    fired: u64,
}

/// A fault as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultListing {
    /// Its number, never used again.
    pub id: u64,
    /// In the grammar.
    pub fault: String,
    /// How often it could have happened.
    pub met: u64,
    /// How often it happened.
    pub fired: u64,
    /// It cannot happen any more.
    pub done: bool,
}

/// What is about to happen.
#[derive(Clone, Copy, Debug)]
pub struct Opportunity<'a> {
    /// Where.
    pub point: Point,
    /// Lower-case.
    pub hub: &'a str,
    /// `None` when anonymous.
    pub user: Option<&'a str>,
    /// `None` before there is one.
    pub connection: Option<&'a str>,
    /// Of the operation or the message, if it has one.
    pub group: Option<&'a str>,
    /// Of the operation, if it is an event.
    pub event: Option<&'a str>,
    /// At [`Point::Frame`]: how many have passed.
    pub frames: u64,
}

/// A fault that happens now.
#[derive(Clone, Debug)]
pub struct FiredFault {
    /// What happens.
    pub fault: Arc<Fault>,
    /// Decides what the action leaves to chance.
    pub chance: u64,
}

impl Faults {
    /// None yet. The seed decides everything that is left to chance.
    pub fn new(seed: u64) -> Self {
        let plan = Plan { seed, added: 0, entries: Vec::new(), notes: VecDeque::new() };
        Self(Arc::new(SharedPlan { points: AtomicU32::new(0), noted: AtomicBool::new(false), plan: Mutex::new(plan) }))
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a fault in force; gives its number, or `None` when there are a thousand already.
    pub fn add(&self, fault: Fault) -> Option<u64> {
        let mut plan = self.plan();
        if plan.entries.len() >= MOST_FAULTS {
            return None;
        }
        plan.added += 1;
        let id = plan.added;
        plan.entries.push(FaultEntry { id, fault: Arc::new(fault), met: 0, fired: 0 });
        self.refresh(&plan);
        Some(id)
    }

    /// Takes a fault out of force. Tells whether there was one.
    pub fn remove(&self, id: u64) -> bool {
        let mut plan = self.plan();
        let before = plan.entries.len();
        plan.entries.retain(|entry| entry.id != id);
        self.refresh(&plan);
        plan.entries.len() < before
    }

    /// Takes all out of force. Tells how many there were.
    pub fn clear(&self) -> usize {
        let mut plan = self.plan();
        let count = plan.entries.len();
        plan.entries.clear();
        self.refresh(&plan);
        count
    }

    /// All in force, the oldest first.
    pub fn list(&self) -> Vec<FaultListing> {
        self.plan().entries.iter().map(FaultEntry::listed).collect()
    }

    /// One of them.
    pub fn get(&self, id: u64) -> Option<FaultListing> {
        self.plan().entries.iter().find(|entry| entry.id == id).map(FaultEntry::listed)
    }

    /// The number of the newest fault there ever was.
    pub fn newest(&self) -> u64 {
        self.plan().added
    }

    fn refresh(&self, plan: &Plan) {
        let live = plan.entries.iter().filter(|entry| !entry.is_done());
        self.0.points.store(live.fold(0, |bits, entry| bits | entry.fault.points.0), Ordering::Relaxed);
    }

    /// Whether any fault may happen at any of these points. Cheap.
    pub fn care_for(&self, points: Points) -> bool {
        Points(self.0.points.load(Ordering::Relaxed)).meets(points)
    }

    /// Which faults happen here, the oldest first. Everyone that could is counted.
    pub fn fire(&self, opportunity: &Opportunity<'_>) -> Vec<FiredFault> {
        self.fire_newer(0, opportunity)
    }

    /// The same of those that came after the one of this number.
    pub fn fire_newer(&self, than: u64, opportunity: &Opportunity<'_>) -> Vec<FiredFault> {
        if !self.care_for(Points::of(&[opportunity.point])) {
            return Vec::new();
        }
        let mut plan = self.plan();
        let plan = &mut *plan;
        let mut fired = Vec::new();
        for entry in plan.entries.iter_mut().filter(|entry| entry.id > than) {
            if let Some(chance) = entry.meet(opportunity, plan.seed) {
                if plan.notes.len() < MOST_NOTES {
                    plan.notes.push_back(note(entry, opportunity));
                }
                fired.push(FiredFault { fault: Arc::clone(&entry.fault), chance });
            }
        }
        if !fired.is_empty() {
            self.0.noted.store(true, Ordering::Relaxed);
            self.refresh(plan);
        }
        fired
    }

    /// What happened since the last time, in words. Cheap when nothing did.
    pub fn take_notes(&self) -> VecDeque<String> {
        if !self.0.noted.swap(false, Ordering::Relaxed) {
            return VecDeque::new();
        }
        std::mem::take(&mut self.plan().notes)
    }
}

/// One line about a fault that happened.
fn note(entry: &FaultEntry, opportunity: &Opportunity<'_>) -> String {
    let mut place = match opportunity.point {
        Point::Connect => "a handshake",
        Point::Recover => "the handshake of a recovery",
        Point::Opened => "a new connection",
        Point::Recovering | Point::Recovered => "a recovery",
        Point::JoinGroup => "joinGroup",
        Point::LeaveGroup => "leaveGroup",
        Point::SendToGroup => "sendToGroup",
        Point::Event => "an event",
        Point::Invoke => "an invocation",
        Point::CancelInvocation => "a cancelInvocation",
        Point::SetGroupState => "setGroupState",
        Point::SubscribeGroupState => "subscribeGroupState",
        Point::UnsubscribeGroupState => "unsubscribeGroupState",
        Point::Ping => "a ping",
        Point::SequenceAck => "a sequenceAck",
        Point::Message => "a message",
        Point::Control => "an answer",
        Point::Frame => "a frame",
        Point::Attached => "a socket",
        Point::StreamStart => "the start of a stream",
        Point::StreamData => "a fragment of a stream",
        Point::StreamKeepalive => "a keep-alive of a stream",
        Point::StreamEnd => "the end of a stream",
        Point::Tunnel => "a request through a tunnel",
    }
    .to_owned();
    if let Some(group) = opportunity.group {
        place += &format!(" of group `{group}`");
    }
    let who = match (opportunity.connection, opportunity.user) {
        (Some(id), Some(user)) => format!(", connection {id} of `{user}`"),
        (Some(id), None) => format!(", connection {id}"),
        (None, Some(user)) => format!(" of `{user}`"),
        (None, None) => String::new(),
    };
    format!("fault {} (`{}`) at {place}{who}, hub `{}`: time {}", entry.id, entry.fault, opportunity.hub, entry.fired)
}

impl FaultEntry {
    fn is_done(&self) -> bool {
        self.fault.trigger.limit().is_some_and(|limit| self.fired >= limit)
    }

    fn listed(&self) -> FaultListing {
        let done = self.is_done();
        FaultListing { id: self.id, fault: self.fault.to_string(), met: self.met, fired: self.fired, done }
    }

    /// Counts an opportunity, if this is one. `Some` when the fault takes it.
    fn meet(&mut self, opportunity: &Opportunity<'_>, seed: u64) -> Option<u64> {
        let fault = &self.fault;
        if self.is_done() || !fault.points.holds(opportunity.point) || !fault.target.covers(opportunity) {
            return None;
        }
        if let DropTime::Frames(frames) = fault.action.when()
            && opportunity.frames != frames
        {
            return None;
        }
        self.met += 1;
        let trigger = fault.trigger;
        // How far behind the first that it takes; `every` alone begins with the Nth.
        let first = trigger.nth.or(trigger.every).unwrap_or(1);
        let behind = self.met.checked_sub(first)?;
        if !behind.is_multiple_of(trigger.every.unwrap_or(1)) {
            return None;
        }
        let chance = mix(seed ^ mix(self.id) ^ mix(self.met).rotate_left(32));
        if trigger.probability.is_some_and(|millionths| chance % 1_000_000 >= u64::from(millionths)) {
            return None;
        }
        self.fired += 1;
        Some(mix(chance))
    }
}

impl FaultTarget {
    fn covers(&self, opportunity: &Opportunity<'_>) -> bool {
        let same =
            |target: &Option<String>, is: Option<&str>| target.as_deref().is_none_or(|target| is == Some(target));
        same(&self.hub, Some(opportunity.hub))
            && same(&self.user, opportunity.user)
            && same(&self.connection, opportunity.connection)
            && same(&self.group, opportunity.group)
            && same(&self.event, opportunity.event)
    }
}

/// SplitMix64: turns a number into one that looks like chance.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
