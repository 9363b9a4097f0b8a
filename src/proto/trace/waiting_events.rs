//! Events that wait for their templates, in the order in which they came, and the templates that are known.
//!
//! An event that waits holds back those behind it, so that traces keep their order; none waits longer than the patience,
//! and when too many wait the first is shown as it is. Templates outlive connections, questions do not (PROTOCOL §21.4).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Trace;
use super::log_event::{LogEvent, Template};

/// The most events that wait, and the most memory that they may take, in bytes.
const MOST_EVENTS: usize = 4096;
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The most kinds of event that are known or asked for, and the most memory of their templates, in bytes.
const MOST_TEMPLATES: usize = 4096;
const MOST_TEMPLATE_BYTES: usize = 8 * 1024 * 1024;

/// What is wanted for an event that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventNeed {
    Nothing,
    /// Its kind is a new one.
    Template,
}

#[derive(Debug)]
enum TemplateState {
    /// Asked for, then.
    Asked(Duration),
    Known(Template),
}

/// Events that wait, and what is known of all kinds.
#[derive(Debug)]
pub(super) struct WaitingEvents {
    patience: Duration,
    kinds: BTreeMap<i64, TemplateState>,
    /// Of the templates in `kinds`.
    template_bytes: usize,
    events: VecDeque<LogEvent>,
    /// Of `events`.
    bytes: usize,
}

impl WaitingEvents {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, kinds: BTreeMap::new(), template_bytes: 0, events: VecDeque::new(), bytes: 0 }
    }

    /// Takes in an event, and says whether its template is to be asked for.
    pub(super) fn take_in(&mut self, now: Duration, event: LogEvent) -> EventNeed {
        let id = event.event_id;
        self.bytes += event.cost();
        self.events.push_back(event);
        if self.kinds.contains_key(&id) || self.kinds.len() >= MOST_TEMPLATES {
            return EventNeed::Nothing;
        }
        self.kinds.insert(id, TemplateState::Asked(now));
        EventNeed::Template
    }

    /// The kind of the last event that has come.
    pub(super) fn newest(&self) -> Option<i64> {
        self.events.back().map(|event| event.event_id)
    }

    /// A template has come, asked for or not.
    pub(super) fn learn(&mut self, template: Template) {
        let id = template.event_id;
        let bytes = template.text.len() + template.name.as_ref().map_or(0, String::len);
        let before = match self.kinds.get(&id) {
            Some(TemplateState::Known(known)) => known.text.len() + known.name.as_ref().map_or(0, String::len),
            Some(TemplateState::Asked(_)) => 0,
            None if self.kinds.len() >= MOST_TEMPLATES => return,
            None => 0,
        };
        let total = self.template_bytes - before + bytes;
        if total <= MOST_TEMPLATE_BYTES {
            self.template_bytes = total;
            self.kinds.insert(id, TemplateState::Known(template));
        }
    }

    /// The next event that waits no longer, in words.
    pub(super) fn take_out(&mut self, now: Duration) -> Option<Trace> {
        let first = self.events.front()?;
        let crowded = self.events.len() > MOST_EVENTS || self.bytes > MOST_BYTES;
        if self.waits_until(first).is_some_and(|until| now < until) && !crowded {
            return None;
        }
        let event = self.events.pop_front()?;
        self.bytes -= event.cost();
        Some(self.put_into_words(event))
    }

    /// When the first waits no longer.
    pub(super) fn due(&self) -> Option<Duration> {
        self.events.front().and_then(|event| self.waits_until(event))
    }

    /// The time since then does not count: what was asked for could not be heard.
    pub(super) fn wait_anew(&mut self, since: Duration, now: Duration) {
        for kind in self.kinds.values_mut() {
            match kind {
                // One that was waited for in vain stays so.
                TemplateState::Asked(at) if at.saturating_add(self.patience) > since => *at = now,
                TemplateState::Asked(_) | TemplateState::Known(_) => {}
            }
        }
    }

    /// What was asked for will not be answered: the connection is gone.
    pub(super) fn forget_asked(&mut self) {
        self.kinds.retain(|_, kind| matches!(kind, TemplateState::Known(_)));
    }

    /// `None`: it does not wait.
    fn waits_until(&self, event: &LogEvent) -> Option<Duration> {
        match self.kinds.get(&event.event_id) {
            Some(TemplateState::Asked(at)) => Some(at.saturating_add(self.patience)),
            Some(TemplateState::Known(_)) | None => None,
        }
    }

    fn put_into_words(&self, event: LogEvent) -> Trace {
        let LogEvent { time, event_id, context, values, exception } = event;
        let (event_name, level, message) = match self.kinds.get(&event_id) {
            Some(TemplateState::Known(template)) => (template.name.clone(), template.level, template.fill(&values)),
            Some(TemplateState::Asked(_)) | None => (None, None, values.join(", ")),
        };
        Trace { time, event_id, event_name, level, message, exception, properties: context }
    }
}
