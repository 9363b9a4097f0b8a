//! What the driver's task puts in for the readers of streams.
//!
//! One lock and one measure of what waits are for all of them: a client with many streams holds no more than one with
//! few. The driver asks for room here as it does with the queue of events.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::reader::{StreamReadError, Streams};
use crate::stream::{MOST_BYTES, Message, StreamPart};
use webpubsub_proto::session::StreamTrouble;

/// So many streams have readers at a time; the fragments of more are messages.
const MOST_STREAMS: usize = 10_000;

/// Who listens to the streams of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerId(u64);

/// What waits for one reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotId(u64);

/// A stream that nobody has taken yet.
#[derive(Debug)]
pub struct StreamArrival {
    pub slot: SlotId,
    pub stream_id: String,
    pub user_id: Option<String>,
}

#[derive(Debug)]
pub struct Inbox {
    limit: usize,
    state: Mutex<InboxState>,
}

#[derive(Debug, Default)]
struct InboxState {
    listeners: HashMap<String, StreamListener>,
    /// The streams under way that have readers, by group and id. Publishers that chose the same id are told apart by their
    /// user (PROTOCOL §17.14).
    open: HashMap<String, HashMap<String, Vec<ActiveStream>>>,
    slots: HashMap<SlotId, ReaderSlot>,
    next: u64,
    /// Fragments and errors that wait, of all slots.
    waiting: usize,
    /// Bytes of their data.
    bytes: usize,
    /// Waits for room.
    writer: Option<Waker>,
    /// Nothing follows.
    ended: bool,
}

#[derive(Debug)]
struct StreamListener {
    id: ListenerId,
    arrivals: VecDeque<StreamArrival>,
    reader: Option<Waker>,
}

#[derive(Debug)]
struct ActiveStream {
    user_id: Option<String>,
    slot: SlotId,
}

#[derive(Debug, Default)]
struct ReaderSlot {
    items: VecDeque<Result<Message, StreamReadError>>,
    reader: Option<Waker>,
    /// Nothing follows.
    is_over: bool,
    /// Nobody reads.
    is_abandoned: bool,
}

impl Inbox {
    /// For so many fragments that nobody has taken.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit: limit.max(1), state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, InboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the streams of the group that begin go to whoever holds what this gives, and to nobody else.
    pub fn listen(self: &Arc<Self>, group: String) -> Streams {
        let mut state = self.state();
        let id = ListenerId(state.name());
        if !state.ended {
            let listener = StreamListener { id, arrivals: VecDeque::new(), reader: None };
            if let Some(before) = state.listeners.insert(group.clone(), listener) {
                state.dismiss(before);
            }
        }
        drop(state);
        Streams { inbox: Arc::clone(self), group, id }
    }

    pub fn stop_listening(&self, group: &str, id: ListenerId) {
        let mut state = self.state();
        if state.listeners.get(group).is_some_and(|listener| listener.id == id)
            && let Some(listener) = state.listeners.remove(group)
        {
            state.dismiss(listener);
        }
    }

    pub fn poll_arrival(&self, cx: &mut Context<'_>, group: &str, id: ListenerId) -> Poll<Option<StreamArrival>> {
        let mut state = self.state();
        let ended = state.ended;
        let Some(listener) = state.listeners.get_mut(group).filter(|listener| listener.id == id) else {
            return Poll::Ready(None);
        };
        if let Some(arrival) = listener.arrivals.pop_front() {
            return Poll::Ready(Some(arrival));
        }
        if ended {
            return Poll::Ready(None);
        }
        listener.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    pub fn poll_fragment(&self, cx: &mut Context<'_>, slot: SlotId) -> Poll<Option<Result<Message, StreamReadError>>> {
        let mut state = self.state();
        let Some(found) = state.slots.get_mut(&slot) else { return Poll::Ready(None) };
        let Some(item) = found.items.pop_front() else {
            if found.is_over {
                return Poll::Ready(None);
            }
            found.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        state.waiting -= 1;
        state.bytes -= weight(&item);
        // As with the queue of events: half of it is worth waking somebody for.
        if state.waiting <= self.limit / 2 && state.bytes <= MOST_BYTES / 2 {
            state.wake_writer();
        }
        Poll::Ready(Some(item))
    }

    /// Nobody reads it any more.
    pub fn let_go(&self, slot: SlotId) {
        self.state().let_go(slot);
    }

    /// Takes a fragment whose stream has a reader, or is to have one. Gives the message back otherwise.
    pub fn put(&self, message: Message) -> Option<Message> {
        let mut state = self.state();
        let (Some(part), Some(group)) = (&message.stream, message.group()) else { return Some(message) };
        let found = state.find(group, &part.stream_id, message.user_id());
        let Some(slot) = found.or_else(|| state.begin(group, part, message.user_id())) else { return Some(message) };
        let is_end = part.is_end.then(|| part.error.clone());
        if is_end.is_some() {
            state.forget(group, &part.stream_id, message.user_id());
        }
        // The end has no payload of its own, whatever stands for it.
        if !(is_end.is_some() && message.data.as_data().is_placeholder()) {
            state.push(slot, Ok(message));
        }
        if let Some(error) = is_end {
            if let Some(error) = error {
                state.push(slot, Err(StreamReadError::Failed(error)));
            }
            state.finish(slot);
        }
        None
    }

    /// Takes what is wrong with a stream that has a reader. `false`: it has none.
    pub fn trouble(&self, group: &str, stream_id: &str, user_id: Option<&str>, trouble: StreamTrouble) -> bool {
        let mut state = self.state();
        let Some(slot) = state.find(group, stream_id, user_id) else {
            // The reader that its fragment begins says so itself.
            let begins = matches!(trouble, StreamTrouble::JoinedLate { .. });
            return begins && state.listeners.contains_key(group) && state.slots.len() < MOST_STREAMS;
        };
        let error = StreamReadError::from(trouble);
        let is_last = error.is_last();
        state.push(slot, Err(error));
        if is_last {
            state.forget(group, stream_id, user_id);
            state.finish(slot);
        }
        true
    }

    /// There is a new connection: what was under way on the one before has been cut.
    pub fn cut(&self) {
        self.state().finish_all(&StreamReadError::Cut);
    }

    /// The client has ended.
    pub fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        state.finish_all(&StreamReadError::Closed);
        state.listeners.values_mut().filter_map(|listener| listener.reader.take()).for_each(Waker::wake);
    }

    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.waiting < self.limit && state.bytes < MOST_BYTES {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl InboxState {
    fn name(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn find(&self, group: &str, stream_id: &str, user_id: Option<&str>) -> Option<SlotId> {
        let open = self.open.get(group)?.get(stream_id)?;
        open.iter().find(|open| open.user_id.as_deref() == user_id).map(|open| open.slot)
    }

    fn forget(&mut self, group: &str, stream_id: &str, user_id: Option<&str>) {
        let Some(streams) = self.open.get_mut(group) else { return };
        let Some(open) = streams.get_mut(stream_id) else { return };
        open.retain(|open| open.user_id.as_deref() != user_id);
        if open.is_empty() {
            streams.remove(stream_id);
        }
        if streams.is_empty() {
            self.open.remove(group);
        }
    }

    /// A stream has begun, for whoever listens to its group.
    fn begin(&mut self, group: &str, part: &StreamPart, user_id: Option<&str>) -> Option<SlotId> {
        if self.slots.len() >= MOST_STREAMS || !self.listeners.contains_key(group) {
            return None;
        }
        let slot = SlotId(self.name());
        self.slots.insert(slot, ReaderSlot::default());
        if part.number != 1 {
            self.push(slot, Err(StreamReadError::JoinedLate { first: part.number }));
        }
        let user_id = user_id.map(str::to_owned);
        let open = ActiveStream { user_id: user_id.clone(), slot };
        self.open.entry(group.to_owned()).or_default().entry(part.stream_id.clone()).or_default().push(open);
        let listener = self.listeners.get_mut(group)?;
        listener.arrivals.push_back(StreamArrival { slot, stream_id: part.stream_id.clone(), user_id });
        if let Some(reader) = listener.reader.take() {
            reader.wake();
        }
        Some(slot)
    }

    fn push(&mut self, slot: SlotId, item: Result<Message, StreamReadError>) {
        let Some(slot) = self.slots.get_mut(&slot).filter(|slot| !slot.is_abandoned) else { return };
        self.waiting += 1;
        self.bytes += weight(&item);
        slot.items.push_back(item);
        if let Some(reader) = slot.reader.take() {
            reader.wake();
        }
    }

    /// Nothing follows in this one.
    fn finish(&mut self, slot: SlotId) {
        let Some(found) = self.slots.get_mut(&slot) else { return };
        found.is_over = true;
        if let Some(reader) = found.reader.take() {
            reader.wake();
        }
        if found.is_abandoned {
            self.slots.remove(&slot);
        }
    }

    fn finish_all(&mut self, why: &StreamReadError) {
        let open = std::mem::take(&mut self.open);
        let slots = open.into_values().flat_map(HashMap::into_values).flatten().map(|open| open.slot);
        for slot in slots {
            self.push(slot, Err(why.clone()));
            self.finish(slot);
        }
    }

    fn let_go(&mut self, slot: SlotId) {
        let Some(found) = self.slots.get_mut(&slot) else { return };
        let items = std::mem::take(&mut found.items);
        found.is_abandoned = true;
        if found.is_over {
            self.slots.remove(&slot);
        }
        self.waiting -= items.len();
        self.bytes -= items.iter().map(weight).sum::<usize>();
        self.wake_writer();
    }

    /// Lets a listener go, and what it has not taken.
    fn dismiss(&mut self, listener: StreamListener) {
        for arrival in listener.arrivals {
            self.let_go(arrival.slot);
        }
        if let Some(reader) = listener.reader {
            reader.wake();
        }
    }

    fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}

fn weight(item: &Result<Message, StreamReadError>) -> usize {
    item.as_ref().map_or(0, Message::weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use webpubsub_proto::{Downstream, decode_downstream};

    /// A fragment of the stream `s` in `g`, whose publisher is `user`.
    fn fragment(user: &str, number: u64, end: bool) -> Message {
        let end = if end { ",\"endOfStream\":true" } else { "" };
        let data = if end.is_empty() { "x" } else { "" };
        let frame = format!(
            r#"{{"type":"message","from":"group","group":"g","fromUserId":"{user}","dataType":"text","data":"{data}","stream":{{"streamId":"s","streamSequenceId":{number}{end}}}}}"#
        );
        let Downstream::Message(message) = decode_downstream(&frame) else { panic!("{frame}") };
        Message::of(&message)
    }

    fn context() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    fn arrival(inbox: &Inbox, streams: &Streams) -> Option<StreamArrival> {
        match inbox.poll_arrival(&mut context(), &streams.group, streams.id) {
            Poll::Ready(arrival) => arrival,
            Poll::Pending => None,
        }
    }

    /// The numbers of the fragments that wait, and the errors; `end`, if nothing follows.
    fn taken(inbox: &Inbox, slot: SlotId) -> Vec<String> {
        let mut taken = Vec::new();
        loop {
            match inbox.poll_fragment(&mut context(), slot) {
                Poll::Pending => return taken,
                Poll::Ready(None) => {
                    taken.push("end".to_owned());
                    return taken;
                }
                Poll::Ready(Some(Ok(message))) => taken.push(message.stream.unwrap().number.to_string()),
                Poll::Ready(Some(Err(error))) => taken.push(format!("{error:?}")),
            }
        }
    }

    #[test]
    fn what_is_wrong_stands_before_the_fragment_that_shows_it() {
        let inbox = Inbox::new(10);
        assert!(inbox.put(fragment("a", 1, false)).is_some());
        let streams = inbox.listen("g".to_owned());
        assert!(inbox.trouble("g", "s", Some("a"), StreamTrouble::JoinedLate { first: 3 }));
        assert!(inbox.put(fragment("a", 3, false)).is_none());
        let slot = arrival(&inbox, &streams).unwrap().slot;
        assert!(inbox.trouble("g", "s", Some("a"), StreamTrouble::Gap { expected: 4, number: 6 }));
        assert!(inbox.put(fragment("a", 6, false)).is_none());
        assert!(!inbox.trouble("g", "s", Some("b"), StreamTrouble::Cut));
        assert!(inbox.put(fragment("a", 7, true)).is_none());
        assert_eq!(taken(&inbox, slot), ["JoinedLate { first: 3 }", "3", "Gap { expected: 4, number: 6 }", "6", "end"]);
        // Its name begins anew.
        assert!(inbox.put(fragment("a", 1, false)).is_none());
        assert_ne!(arrival(&inbox, &streams).unwrap().slot, slot);
    }

    #[test]
    fn publishers_of_one_id_are_told_apart_and_all_are_cut_with_the_connection() {
        let inbox = Inbox::new(10);
        let streams = inbox.listen("g".to_owned());
        inbox.put(fragment("a", 1, false));
        inbox.put(fragment("b", 1, false));
        inbox.put(fragment("a", 2, false));
        let [a, b] = [(); 2].map(|()| arrival(&inbox, &streams).unwrap());
        assert_eq!((a.user_id.as_deref(), b.user_id.as_deref()), (Some("a"), Some("b")));
        assert_eq!(
            (taken(&inbox, a.slot), taken(&inbox, b.slot)),
            (vec!["1".into(), "2".into()], vec!["1".to_owned()])
        );
        inbox.cut();
        assert_eq!(
            (taken(&inbox, a.slot), taken(&inbox, b.slot)),
            (vec!["Cut".into(), "end".into()], vec!["Cut".into(), "end".to_owned()])
        );
        inbox.put(fragment("a", 1, false));
        inbox.end();
        let last = arrival(&inbox, &streams).unwrap();
        assert_eq!(taken(&inbox, last.slot), ["1", "Closed", "end"]);
        assert!(arrival(&inbox, &streams).is_none());
    }

    #[test]
    fn what_nobody_takes_is_let_go_and_leaves_nothing_behind() {
        let inbox = Inbox::new(2);
        let streams = inbox.listen("g".to_owned());
        inbox.put(fragment("a", 1, false));
        assert!(inbox.poll_room(&mut context()).is_ready());
        inbox.put(fragment("b", 1, false));
        assert!(inbox.poll_room(&mut context()).is_pending());
        let a = arrival(&inbox, &streams).unwrap();
        inbox.let_go(a.slot);
        // One that was dropped goes nowhere until its end, one that was never taken is let go with the listener.
        assert!(inbox.put(fragment("a", 2, false)).is_none());
        drop(streams);
        assert!(inbox.poll_room(&mut context()).is_ready());
        assert!(inbox.put(fragment("b", 2, true)).is_none() && inbox.put(fragment("a", 3, true)).is_none());
        assert!(inbox.put(fragment("c", 1, false)).is_some());
        let state = inbox.state();
        assert_eq!((state.slots.len(), state.open.len(), state.waiting, state.bytes), (0, 0, 0, 0));
    }
}
