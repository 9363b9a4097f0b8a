//! The grammar of a fault: `ACTION[=VALUE][,KEY=VALUE]…`, read with errors that say what, where and what else, and
//! printed in a form that reads back as the same fault.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::catalogue::{ACTIONS, ActionEntry, ActionKind, key_names};
use super::model::{
    Action, DropKind, DropTime, Fault, FaultTarget, Garbage, Garble, Point, Points, Span, Trigger, TunnelFault,
    TunnelTarget,
};
use crate::{check_event_name, check_group_name, check_hub_name};

/// Why a text is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GrammarError {
    /// What is wrong, and where.
    pub message: String,
    /// What can be done about it.
    pub hints: Vec<String>,
}

impl GrammarError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new() }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// Longest piece of a fault that an error repeats, in characters.
const LONGEST_SHOWN: usize = 40;
/// Largest garbage frame, and largest number of bytes a second.
const MOST_BYTES: u64 = 1 << 30;
/// Largest garbage frame.
const MOST_GARBAGE: u64 = 128 << 20;
/// Size of a huge frame when none is given: no frame of the service is larger than 1 MiB (PROTOCOL §12).
const HUGE: u64 = 2 << 20;
/// Longest duration.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A `key`, or a `key=value`.
#[derive(Debug)]
struct FaultItem {
    key: String,
    value: Option<String>,
    /// The character it begins at, from 1.
    at: usize,
}

impl FromStr for Fault {
    type Err = GrammarError;

    fn from_str(text: &str) -> Result<Self, GrammarError> {
        let mut items = split(text)?;
        let entry = take_action(&mut items)?;
        let mut fields = FaultFields { entry: entry.1, items };
        let fault = fields.fault(entry.0.value)?;
        fields.nothing_left()?;
        Ok(fault)
    }
}

/// Takes a text apart at commas that are not in quotes.
fn split(text: &str) -> Result<Vec<FaultItem>, GrammarError> {
    let (mut items, mut chars) = (Vec::new(), text.chars().enumerate().peekable());
    if text.trim().is_empty() {
        return Err(GrammarError::new("a fault begins with its action").hint(action_words()));
    }
    loop {
        while chars.next_if(|(_, c)| *c == ' ').is_some() {}
        let at = chars.peek().map_or(text.chars().count(), |(at, _)| *at) + 1;
        let mut key = String::new();
        while let Some((_, c)) = chars.next_if(|(_, c)| !matches!(c, ',' | '=')) {
            key.push(c);
        }
        let value = match chars.next_if(|(_, c)| *c == '=') {
            None => None,
            Some(_) => Some(match chars.next_if(|(_, c)| *c == '"') {
                Some(_) => quoted(&mut chars, &key, at)?,
                None => std::iter::from_fn(|| chars.next_if(|(_, c)| *c != ',')).map(|(_, c)| c).collect(),
            }),
        };
        if key.trim().is_empty() {
            return Err(GrammarError::new(format!("there is nothing before character {at}, where a word should be")));
        }
        items.push(FaultItem { key: key.trim().to_owned(), value, at });
        match chars.next() {
            None => return Ok(items),
            Some((_, ',')) => {}
            Some((at, _)) => {
                return Err(GrammarError::new(format!("a comma is missing at character {}", at + 1)));
            }
        }
    }
}

/// The rest of a quoted value, without its quotes.
fn quoted(chars: &mut impl Iterator<Item = (usize, char)>, key: &str, at: usize) -> Result<String, GrammarError> {
    let mut value = String::new();
    while let Some((_, c)) = chars.next() {
        match c {
            '"' => return Ok(value),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    Err(GrammarError::new(format!("the quoted value of `{key}`, character {at}, does not end")))
}

/// Finds the one item that is an action.
fn take_action(items: &mut Vec<FaultItem>) -> Result<(FaultItem, &'static ActionEntry), GrammarError> {
    let entry = |item: &FaultItem| ACTIONS.iter().find(|entry| entry.name == item.key);
    let Some((index, found)) = items.iter().enumerate().find_map(|(index, item)| Some((index, entry(item)?))) else {
        let first = items.first().map(|item| (item.key.as_str(), item.at)).unwrap_or_default();
        let mut error = GrammarError::new(format!("`{}`, character {}, is not an action", shown(first.0), first.1));
        if let Some(near) = nearest(first.0, ACTIONS.iter().map(|entry| entry.name)) {
            error = error.hint(format!("did you mean `{near}`?"));
        }
        return Err(error.hint(action_words()));
    };
    let item = items.remove(index);
    if let Some(other) = items.iter().find(|item| entry(item).is_some()) {
        return Err(GrammarError::new(format!(
            "`{}`, character {}, is a second action: a fault has one",
            other.key, other.at
        ))
        .hint("give a `--fault` for each"));
    }
    Ok((item, found))
}

fn action_words() -> String {
    let words: Vec<_> = ACTIONS.iter().map(|entry| format!("`{}`", entry.name)).collect();
    format!("actions: {}", words.join(", "))
}

/// Whether anything is known at a point that a target can be judged by.
type PointTest = fn(Point) -> bool;

/// The items of one fault, which are taken out as they are understood.
struct FaultFields {
    entry: &'static ActionEntry,
    items: Vec<FaultItem>,
}

impl FaultFields {
    fn fault(&mut self, value: Option<String>) -> Result<Fault, GrammarError> {
        if value.is_some() && self.entry.value.is_empty() {
            return Err(self.error(format!("`{}` takes no value", self.entry.name)));
        }
        if value.is_none() && self.entry.value.starts_with('=') {
            return Err(
                self.error(format!("`{}` needs a value: {}{}", self.entry.name, self.entry.name, self.entry.value))
            );
        }
        self.known_keys()?;
        let action = self.action(value.as_deref())?;
        let target = self.target()?;
        let trigger = self.trigger()?;
        let (operations, points) = self.points(&action, &target)?;
        Ok(Fault { action, target, trigger, points, operations })
    }

    fn error(&self, message: impl Into<String>) -> GrammarError {
        GrammarError::new(message).hint(format!("for example `{}`", self.entry.example))
    }

    fn known_keys(&self) -> Result<(), GrammarError> {
        let known = || key_names().chain(self.entry.params.iter().copied());
        for (index, item) in self.items.iter().enumerate() {
            if !known().any(|name| name == item.key) {
                let action = self.entry.name;
                let what = format!("`{}`, character {}, is not a key of `{action}`", shown(&item.key), item.at);
                let mut error = GrammarError::new(what);
                if let Some(near) = nearest(&item.key, known()) {
                    error = error.hint(format!("did you mean `{near}`?"));
                }
                let words: Vec<_> = known().map(|name| format!("`{name}`")).collect();
                return Err(error.hint(format!("keys: {}", words.join(", "))));
            }
            if self.items[..index].iter().any(|before| before.key == item.key) {
                return Err(GrammarError::new(format!(
                    "`{}` is there twice, again at character {}",
                    item.key, item.at
                )));
            }
            if item.value.as_ref().is_none_or(String::is_empty) {
                return Err(GrammarError::new(format!("`{}`, character {}, needs a value", item.key, item.at)));
            }
        }
        Ok(())
    }

    /// The value of a key, which is understood now.
    fn take(&mut self, key: &str) -> Option<String> {
        let index = self.items.iter().position(|item| item.key == key)?;
        self.items.remove(index).value
    }

    /// A value that has to be read by `read`, which says what it expects otherwise.
    fn read<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, GrammarError> {
        let at = self.items.iter().find(|item| item.key == key).map_or(0, |item| item.at);
        let Some(value) = self.take(key) else { return Ok(None) };
        read(&value)
            .map(Some)
            .map_err(|expected| GrammarError::new(format!("`{key}={}`, character {at}: {expected}", shown(&value))))
    }

    fn nothing_left(&self) -> Result<(), GrammarError> {
        match self.items.first() {
            None => Ok(()),
            Some(item) => {
                let what = format!("`{}`, character {}, does not go with the rest", item.key, item.at);
                Err(self.error(what))
            }
        }
    }

    fn action(&mut self, value: Option<&str>) -> Result<Action, GrammarError> {
        let name = self.entry.name;
        let bad =
            |expected: String| GrammarError::new(format!("`{name}={}`: {expected}", shown(value.unwrap_or_default())));
        let given = value.unwrap_or_default();
        Ok(match self.entry.kind {
            ActionKind::Refuse => Action::Refuse {
                status: match value {
                    None => 503,
                    Some(text) => number(text, 300, 599).map_err(bad)? as u16,
                },
                retry_after: self.read("retry-after", seconds)?,
                body: self.take("body"),
            },
            ActionKind::Hang => Action::Hang(value.map(duration).transpose().map_err(bad)?),
            ActionKind::NoConnected => Action::NoConnected,
            ActionKind::RefuseRecovery => Action::RefuseRecovery(match value {
                None => 1008,
                Some(text) => close_code(text).map_err(bad)?,
            }),
            ActionKind::Drop => {
                let how = self.how(given)?;
                let frames = self.read("frames", |text| number(text, 1, u64::MAX))?;
                let after = self.read("after", span)?;
                let when = match (frames, after) {
                    (Some(_), Some(_)) => {
                        return Err(self.error("`frames` and `after` exclude each other"));
                    }
                    (Some(frames), None) => DropTime::Frames(frames),
                    (None, Some(after)) => DropTime::After(after),
                    (None, None) => DropTime::Met,
                };
                Action::Drop { how, when }
            }
            ActionKind::ExecuteThenDrop => Action::ExecuteThenDrop(match value {
                None => DropKind::Reset,
                Some(text) => self.how(text)?,
            }),
            ActionKind::Ignore => Action::Ignore,
            ActionKind::Nack => Action::Nack {
                name: if given.is_empty() { return Err(bad("an error needs a name".into())) } else { given.to_owned() },
                message: self.take("message").unwrap_or_else(|| "A fault of the emulator.".to_owned()),
            },
            ActionKind::CloseStream => Action::CloseStream {
                name: if given.is_empty() { return Err(bad("an error needs a name".into())) } else { given.to_owned() },
                message: self.take("message").unwrap_or_else(|| "A fault of the emulator.".to_owned()),
            },
            ActionKind::SwallowAck => Action::SwallowAck,
            ActionKind::DelayAck => Action::DelayAck(span(given).map_err(bad)?),
            ActionKind::DuplicateAck => Action::DuplicateAck,
            ActionKind::GarbleAnswer => Action::GarbleAnswer(match given {
                "null" => Garble::Null,
                "shape" => Garble::Shape,
                "truncated" => Garble::Truncated,
                other => return Err(choice("garble-answer", other, &["null", "shape", "truncated"])),
            }),
            ActionKind::Latency => Action::Latency(span(given).map_err(bad)?),
            ActionKind::Bandwidth => Action::Bandwidth(bytes(given, MOST_BYTES).map_err(bad)?),
            ActionKind::NoPong => Action::NoPong,
            ActionKind::Garbage => Action::Garbage(match given {
                "text" => Garbage::Text,
                "binary" => Garbage::Binary,
                "invalid-utf8" => Garbage::InvalidUtf8,
                "unknown-type" => Garbage::UnknownType,
                "huge" => {
                    let size = self.read("size", |text| bytes(text, MOST_GARBAGE))?.unwrap_or(HUGE);
                    Garbage::Huge(usize::try_from(size).unwrap_or(usize::MAX))
                }
                other => {
                    const KINDS: [&str; 5] = ["text", "binary", "invalid-utf8", "unknown-type", "huge"];
                    return Err(choice("garbage", other, &KINDS));
                }
            }),
            ActionKind::Expire => Action::Expire(duration(given).map_err(bad)?),
            ActionKind::Tunnel => Action::Tunnel(self.tunnel(given)?),
        })
    }

    /// What happens to a tunnel.
    fn tunnel(&mut self, value: &str) -> Result<TunnelFault, GrammarError> {
        Ok(match value {
            "lost" => TunnelFault::Lost,
            "slow" => {
                let second = Duration::from_secs(1);
                TunnelFault::Slow(self.read("delay", span)?.unwrap_or(Span { least: second, most: second }))
            }
            "reconnect" => TunnelFault::Reconnect(self.tunnel_target()?),
            "rebalance" => TunnelFault::Rebalance(self.tunnel_target()?),
            "close" => TunnelFault::Close,
            other => return Err(choice("tunnel", other, &["lost", "slow", "reconnect", "rebalance", "close"])),
        })
    }

    fn tunnel_target(&mut self) -> Result<TunnelTarget, GrammarError> {
        let url = |text: &str| {
            let known = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
            if known { Ok(text.to_owned()) } else { Err("not an `http://` or `https://` URL".to_owned()) }
        };
        Ok(TunnelTarget {
            endpoint: self.read("endpoint", url)?.unwrap_or_default(),
            target: self.take("target").unwrap_or_default(),
        })
    }

    /// How a socket is taken away.
    fn how(&mut self, value: &str) -> Result<DropKind, GrammarError> {
        let closes = value.starts_with(|c: char| c.is_ascii_digit());
        let reason = if closes { self.take("reason") } else { None };
        DropKind::parse(value, &reason.unwrap_or_default())
    }

    fn target(&mut self) -> Result<FaultTarget, GrammarError> {
        let checked = |result: Result<(), crate::NameError>, text: &str| {
            result.map(|()| text.to_owned()).map_err(|error| error.to_string())
        };
        Ok(FaultTarget {
            // Hub names have no case (PROTOCOL §1.3).
            hub: self.read("hub", |text| checked(check_hub_name(text), text))?.map(|hub| hub.to_ascii_lowercase()),
            user: self.take("user"),
            connection: self.take("connection"),
            group: self.read("group", |text| checked(check_group_name(text), text))?,
            event: self.read("event", |text| checked(check_event_name(text), text))?,
        })
    }

    fn trigger(&mut self) -> Result<Trigger, GrammarError> {
        let count = |text: &str| number(text, 1, u64::MAX);
        Ok(Trigger {
            nth: self.read("nth", count)?,
            times: self.read("times", count)?,
            every: self.read("every", count)?,
            probability: self.read("probability", probability)?,
        })
    }

    /// Where the fault is met: where the operations are, and where a target can be judged.
    fn points(&mut self, action: &Action, target: &FaultTarget) -> Result<(Vec<&'static str>, Points), GrammarError> {
        let entry = self.entry;
        let at = self.items.iter().find(|item| item.key == "op").map_or(0, |item| item.at);
        let mut operations: Vec<&'static str> = Vec::new();
        let mut points = Vec::new();
        for word in self.take("op").iter().flat_map(|words| words.split('|')) {
            let word = word.trim();
            let Some((name, point)) = entry.operations.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) else {
                let names: Vec<_> = entry.operations.iter().map(|(name, _)| *name).collect();
                let error = choice("op", word, &names);
                return Err(GrammarError {
                    message: format!("{}, character {at}, of `{}`", error.message, entry.name),
                    ..error
                });
            };
            operations.push(name);
            points.push(*point);
        }
        match (action.when(), operations.is_empty()) {
            (DropTime::Frames(_) | DropTime::After(_), false) => {
                return Err(self.error("`op` says when, and so do `frames` and `after`: one of them"));
            }
            (DropTime::Frames(_), true) => points.push(Point::Frame),
            (DropTime::After(_), true) => points.push(Point::Attached),
            (DropTime::Met, false) => {}
            (DropTime::Met, true) if !entry.by_default.is_empty() => points.extend_from_slice(entry.by_default),
            (DropTime::Met, true) => {
                if target.group.is_none() && target.event.is_none() {
                    return Err(self.error(format!(
                        "`{}` does not say when: with op=…, group=…, frames=N or after=D",
                        entry.name
                    )));
                }
                points.extend(entry.operations.iter().map(|(_, point)| *point));
            }
        }
        let targets: [(&str, bool, PointTest); 3] = [
            ("group", target.group.is_some(), Point::has_group),
            ("event", target.event.is_some(), Point::has_event),
            ("connection", target.connection.is_some(), Point::has_connection),
        ];
        for (key, _, knows) in targets.into_iter().filter(|(_, given, _)| *given) {
            let stranger = entry.operations.iter().find(|(name, point)| operations.contains(name) && !knows(*point));
            if let Some((name, _)) = stranger {
                return Err(self.untargetable(key, &format!(" at `{name}`"), knows));
            }
            // Of the points that nobody named, those that know nothing of the target are left out.
            points.retain(|point| knows(*point));
            if points.is_empty() {
                return Err(self.untargetable(key, " here", knows));
            }
        }
        Ok((operations, Points::of(&points)))
    }

    /// An error about a target that nothing is known of where the action would happen.
    fn untargetable(&self, key: &str, place: &str, knows: PointTest) -> GrammarError {
        let ActionEntry { name, operations, .. } = self.entry;
        let words = |able: &dyn Fn(Point) -> bool| {
            let words = operations.iter().filter(|(_, point)| able(*point)).map(|(word, _)| format!("`{word}`"));
            words.collect::<Vec<_>>().join(", ")
        };
        let error = GrammarError::new(format!("`{key}` cannot be an aim of `{name}`{place}: it would never happen"));
        let error = match words(&knows) {
            able if able.is_empty() => error.hint(format!("`{name}` happens at: {}", words(&|_| true))),
            able => error.hint(format!("`{key}` can be its aim at: {able}")),
        };
        error.hint(format!("for example `{}`", self.entry.example))
    }
}

impl DropKind {
    /// `reset`, `eof`, `silence`, or a close code, which may have a reason.
    pub fn parse(value: &str, reason: &str) -> Result<Self, GrammarError> {
        Ok(match value {
            "reset" => Self::Reset,
            "eof" => Self::Eof,
            "silence" => Self::Silence,
            code if code.starts_with(|c: char| c.is_ascii_digit()) => {
                let code = close_code(code).map_err(|expected| GrammarError::new(format!("`{code}`: {expected}")))?;
                if reason.len() > 123 {
                    return Err(GrammarError::new("the reason of a close frame has at most 123 bytes"));
                }
                Self::Close { code, reason: reason.to_owned() }
            }
            other => {
                return Err(choice("drop", other, &["reset", "eof", "silence"]).hint("or a close code such as `1001`"));
            }
        })
    }
}

/// An error about a word that is none of those that can be given.
fn choice(key: &str, given: &str, words: &[&'static str]) -> GrammarError {
    let mut error = GrammarError::new(format!("`{}` is not a value of `{key}`", shown(given)));
    if let Some(near) = nearest(given, words.iter().copied()) {
        error = error.hint(format!("did you mean `{near}`?"));
    }
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    error.hint(format!("possible: {}", words.join(", ")))
}

/// The word that was probably meant.
fn nearest(given: &str, words: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let given = given.to_lowercase().replace('_', "-");
    let near = words.map(|word| (strsim::damerau_levenshtein(&given, &word.to_lowercase()), word)).min()?;
    (near.0 <= 1 + given.len() / 4).then_some(near.1)
}

/// A piece of what was typed, if it is short.
fn shown(text: &str) -> String {
    if text.chars().count() <= LONGEST_SHOWN {
        return text.to_owned();
    }
    text.chars().take(LONGEST_SHOWN).chain(['…']).collect()
}

fn number(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let range = if most == u64::MAX { format!("{least} or more") } else { format!("{least} to {most}") };
    text.trim().parse().ok().filter(|number| (least..=most).contains(number)).ok_or(format!("not a number, {range}"))
}

fn close_code(text: &str) -> Result<u16, String> {
    // Those that must not stand in a close frame as well: gateways send them.
    Ok(number(text, 0, u64::from(u16::MAX))? as u16)
}

/// A duration with a unit, or a bare number of seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let bare = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.contains(|c: char| c.is_ascii_digit());
    let parsed = if bare {
        text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    } else {
        humantime::parse_duration(text).ok()
    };
    let parsed = parsed.filter(|duration| *duration <= LONGEST);
    parsed.ok_or_else(|| "not a duration such as `500ms`, `10s` or a number of seconds".to_owned())
}

fn span(text: &str) -> Result<Span, String> {
    let (least, most) = match text.split_once("..") {
        None => (duration(text)?, duration(text)?),
        Some((least, most)) => (duration(least)?, duration(most)?),
    };
    if least > most {
        return Err("the range ends before it begins".to_owned());
    }
    Ok(Span { least, most })
}

fn seconds(text: &str) -> Result<u64, String> {
    // The header has whole seconds.
    duration(text).map(|duration| duration.as_secs() + u64::from(duration.subsec_nanos() > 0))
}

fn bytes(text: &str, most: u64) -> Result<u64, String> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.trim_end_matches("/s").trim_end_matches('b').trim_end_matches('i');
    let (digits, unit) = match text.strip_suffix(['k', 'm', 'g']) {
        Some(digits) if text.ends_with('k') => (digits, 1 << 10),
        Some(digits) if text.ends_with('m') => (digits, 1 << 20),
        Some(digits) => (digits, 1 << 30),
        None => (text, 1),
    };
    let bytes = digits.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    bytes
        .filter(|bytes| (1..=most).contains(bytes))
        .ok_or_else(|| format!("not a number of bytes such as `500`, `64k` or `2M`, at most {}M", most >> 20))
}

fn probability(text: &str) -> Result<u32, String> {
    let value = text.trim().parse::<f64>().ok().filter(|value| (0.0..=1.0).contains(value));
    // In millionths; the cast is of a number from 0 to a million.
    let millionths = value.map(|value| (value * 1e6).round() as u32);
    millionths.filter(|millionths| *millionths > 0).ok_or_else(|| "not a chance from 0.000001 to 1".to_owned())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |duration: Duration| humantime::format_duration(duration).to_string().replace(' ', "");
        let span = |span: &Span| match span.least == span.most {
            true => text(span.least),
            false => format!("{}..{}", text(span.least), text(span.most)),
        };
        let mut pairs: Vec<(&str, Option<String>)> = Vec::new();
        let how = |name: &'static str, how: &DropKind| {
            let (value, reason) = match how {
                DropKind::Reset => ("reset".to_owned(), None),
                DropKind::Eof => ("eof".to_owned(), None),
                DropKind::Silence => ("silence".to_owned(), None),
                DropKind::Close { code, reason } => (code.to_string(), Some(reason.clone()).filter(|r| !r.is_empty())),
            };
            let mut pairs = vec![(name, Some(value))];
            pairs.extend(reason.map(|reason| ("reason", Some(reason))));
            pairs
        };
        match &self.action {
            Action::Refuse { status, retry_after, body } => {
                pairs.push(("refuse", Some(status.to_string())));
                pairs.extend(retry_after.map(|seconds| ("retry-after", Some(format!("{seconds}s")))));
                pairs.extend(body.clone().map(|body| ("body", Some(body))));
            }
            Action::Hang(duration) => pairs.push(("hang", duration.map(text))),
            Action::NoConnected => pairs.push(("no-connected", None)),
            Action::RefuseRecovery(code) => pairs.push(("refuse-recovery", Some(code.to_string()))),
            Action::Drop { how: ending, when } => {
                pairs.extend(how("drop", ending));
                match when {
                    DropTime::Met => {}
                    DropTime::Frames(frames) => pairs.push(("frames", Some(frames.to_string()))),
                    DropTime::After(after) => pairs.push(("after", Some(span(after)))),
                }
            }
            Action::ExecuteThenDrop(ending) => pairs.extend(how("execute-then-drop", ending)),
            Action::Ignore => pairs.push(("ignore", None)),
            Action::Nack { name, message } => {
                pairs.push(("nack", Some(name.clone())));
                pairs.push(("message", Some(message.clone())));
            }
            Action::CloseStream { name, message } => {
                pairs.push(("close-stream", Some(name.clone())));
                pairs.push(("message", Some(message.clone())));
            }
            Action::SwallowAck => pairs.push(("swallow-ack", None)),
            Action::DelayAck(delay) => pairs.push(("delay-ack", Some(span(delay)))),
            Action::DuplicateAck => pairs.push(("duplicate-ack", None)),
            Action::GarbleAnswer(kind) => {
                let word = match kind {
                    Garble::Null => "null",
                    Garble::Shape => "shape",
                    Garble::Truncated => "truncated",
                };
                pairs.push(("garble-answer", Some(word.to_owned())));
            }
            Action::Latency(delay) => pairs.push(("latency", Some(span(delay)))),
            Action::Bandwidth(bytes) => pairs.push(("bandwidth", Some(bytes.to_string()))),
            Action::NoPong => pairs.push(("no-pong", None)),
            Action::Garbage(kind) => {
                let (word, size) = match kind {
                    Garbage::Text => ("text", None),
                    Garbage::Binary => ("binary", None),
                    Garbage::InvalidUtf8 => ("invalid-utf8", None),
                    Garbage::UnknownType => ("unknown-type", None),
                    Garbage::Huge(size) => ("huge", Some(*size)),
                };
                pairs.push(("garbage", Some(word.to_owned())));
                pairs.extend(size.map(|size| ("size", Some(size.to_string()))));
            }
            Action::Expire(after) => pairs.push(("expire", Some(text(*after)))),
            Action::Tunnel(what) => {
                let (word, delay, to) = match what {
                    TunnelFault::Lost => ("lost", None, None),
                    TunnelFault::Slow(delay) => ("slow", Some(span(delay)), None),
                    TunnelFault::Reconnect(to) => ("reconnect", None, Some(to)),
                    TunnelFault::Rebalance(to) => ("rebalance", None, Some(to)),
                    TunnelFault::Close => ("close", None, None),
                };
                pairs.push(("tunnel", Some(word.to_owned())));
                pairs.extend(delay.map(|delay| ("delay", Some(delay))));
                let to = to.map(|to| [("endpoint", &to.endpoint), ("target", &to.target)]);
                let given = to.into_iter().flatten().filter(|(_, value)| !value.is_empty());
                pairs.extend(given.map(|(key, value)| (key, Some(value.clone()))));
            }
        }
        let FaultTarget { hub, user, connection, group, event } = &self.target;
        let targets = [("hub", hub), ("user", user), ("connection", connection), ("group", group), ("event", event)];
        pairs.extend(targets.into_iter().filter_map(|(key, value)| Some((key, Some(value.clone()?)))));
        if !self.operations.is_empty() {
            pairs.push(("op", Some(self.operations.join("|"))));
        }
        let Trigger { nth, times, every, probability } = self.trigger;
        let counts = [("nth", nth), ("times", times), ("every", every)];
        pairs.extend(counts.into_iter().filter_map(|(key, value)| Some((key, Some(value?.to_string())))));
        pairs.extend(probability.map(|p| ("probability", Some((f64::from(p) / 1e6).to_string()))));
        for (index, (key, value)) in pairs.iter().enumerate() {
            f.write_str(if index > 0 { "," } else { "" })?;
            f.write_str(key)?;
            match value {
                None => {}
                Some(value) if value.contains([',', '"', '\\']) || value.starts_with(' ') => {
                    write!(f, "=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))?;
                }
                Some(value) => write!(f, "={value}")?,
            }
        }
        Ok(())
    }
}
