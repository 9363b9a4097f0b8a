//! Regular expressions in expressions, in a time that can be told before.
//!
//! A search takes about as many steps as the expression has states for each byte of the text, and there may be as many
//! searches as the text has bytes; the text comes from afar. A search that may be long is therefore made by an automaton
//! that takes a step a byte, and gives up where it would have to make up its states all the time; what it finds is looked
//! at closer. What neither is short nor can be done so is an error.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use jaq_core::Bind;
use jaq_core::native::{Fun, bome, run};
use regex_automata::hybrid::dfa::Config as LazyConfig;
use regex_automata::hybrid::regex::{Cache as LazyCache, Regex as Lazy};
use regex_automata::nfa::thompson::Config as NfaConfig;
use regex_automata::nfa::thompson::pikevm::{Cache as VmCache, PikeVM};
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax::Config as Syntax;
use regex_automata::{Anchored, Input, PatternID, Span};

use super::limits::{BoundedTypes, room, spend};
use super::natives::{array, text_of};
use super::value::{Error, Fields, Key, Object, Text, Val, ValR};

/// The longest expression, in bytes.
const LONGEST: usize = 64 * 1024;
/// The memory of its states, in bytes.
const SIZE: usize = 1 << 20;
/// Steps of a search that is just made.
const SHORT: usize = 200_000;
/// The most steps of one search, which is not interrupted.
const MOST: usize = 50_000_000;
/// Expressions that are kept.
const KEPT: usize = 8;

/// The functions that those of `jq` are written with.
pub(super) fn functions() -> impl Iterator<Item = Fun<BoundedTypes>> {
    let arguments = || [Bind::Var(()), Bind::Var(())].into();
    [
        run(("matches", arguments(), |mut cv| {
            let (flags, regex) = (cv.0.pop_var(), cv.0.pop_var());
            bome(apply(&cv.1, &regex, &flags, false, true))
        })),
        run(("split_matches", arguments(), |mut cv| {
            let (flags, regex) = (cv.0.pop_var(), cv.0.pop_var());
            bome(apply(&cv.1, &regex, &flags, true, true))
        })),
        run(("split_", arguments(), |mut cv| {
            let (flags, regex) = (cv.0.pop_var(), cv.0.pop_var());
            bome(apply(&cv.1, &regex, &flags, true, false))
        })),
    ]
    .into_iter()
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct RegexFlags {
    /// All matches, not the first alone.
    global: bool,
    /// Empty matches are none.
    ignore_empty: bool,
    case_insensitive: bool,
    multi_line: bool,
    dot_matches_new_line: bool,
    swap_greed: bool,
    ignore_whitespace: bool,
}

impl RegexFlags {
    fn parse(text: &str) -> Result<Self, Error> {
        let mut flags = Self::default();
        for c in text.chars() {
            match c {
                'g' => flags.global = true,
                'n' => flags.ignore_empty = true,
                'i' => flags.case_insensitive = true,
                'm' => flags.multi_line = true,
                's' => flags.dot_matches_new_line = true,
                'l' => flags.swap_greed = true,
                'x' => flags.ignore_whitespace = true,
                'p' => (flags.multi_line, flags.dot_matches_new_line) = (true, true),
                _ => return Err(Error::str(format_args!("`{c}` is no flag of a regular expression"))),
            }
        }
        Ok(flags)
    }
}

/// A regular expression.
struct Regex {
    source: (String, RegexFlags),
    vm: PikeVM,
    lazy: Option<Lazy>,
    states: usize,
    caches: RefCell<(VmCache, Option<LazyCache>)>,
}

thread_local! {
    /// Those that were used last; most expressions have one, for each record.
    static REGEXES: RefCell<VecDeque<Rc<Regex>>> = const { RefCell::new(VecDeque::new()) };
}

impl Regex {
    fn get(pattern: &str, flags: &RegexFlags) -> Result<Rc<Self>, Error> {
        let same = |regex: &Rc<Self>| regex.source.0 == pattern && regex.source.1 == *flags;
        let known = REGEXES.with_borrow(|regexes| regexes.iter().find(|regex| same(regex)).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let regex = Rc::new(Self::build(pattern, flags)?);
        REGEXES.with_borrow_mut(|regexes| {
            regexes.truncate(KEPT - 1);
            regexes.push_front(Rc::clone(&regex));
        });
        Ok(regex)
    }

    fn build(pattern: &str, flags: &RegexFlags) -> Result<Self, Error> {
        if pattern.len() > LONGEST {
            return Err(Error::str(format_args!("the regular expression is longer than {LONGEST} bytes")));
        }
        spend(pattern.len());
        let syntax = Syntax::new()
            .case_insensitive(flags.case_insensitive)
            .multi_line(flags.multi_line)
            .dot_matches_new_line(flags.dot_matches_new_line)
            .swap_greed(flags.swap_greed)
            .ignore_whitespace(flags.ignore_whitespace);
        let nfa = NfaConfig::new().nfa_size_limit(Some(SIZE));
        let vm = PikeVM::builder().syntax(syntax).thompson(nfa.clone()).build(pattern).map_err(|error| {
            let error = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            Error::str(format_args!("`{pattern}` is no regular expression: {}", error.trim()))
        })?;
        let states = vm.get_nfa().states().len();
        let lazy = Lazy::builder()
            .syntax(syntax)
            .thompson(nfa)
            // A state takes about as long to make as a byte takes that all states are looked at for.
            .dfa(
                LazyConfig::new()
                    .unicode_word_boundary(true)
                    .minimum_cache_clear_count(Some(2))
                    .minimum_bytes_per_state(Some(states.max(10))),
            )
            .build(pattern)
            .ok();
        let caches = RefCell::new((vm.create_cache(), lazy.as_ref().map(Lazy::create_cache)));
        Ok(Self { source: (pattern.to_owned(), flags.clone()), vm, lazy, states, caches })
    }

    /// The next match from there on, with its groups.
    fn find(&self, text: &str, from: usize, found: &mut Captures) -> Result<(), Error> {
        let mut caches = self.caches.borrow_mut();
        let (vm, lazy) = &mut *caches;
        let mut input = Input::new(text).span(from..text.len());
        let steps = |span: Span| self.states.saturating_mul(span.len() + 1);
        if steps(input.get_span()) > SHORT
            && let (Some(regex), Some(cache)) = (&self.lazy, lazy)
        {
            spend(input.get_span().len() / 8);
            match regex.try_search(cache, &input) {
                Ok(Some(whole)) => input = input.span(whole.start()..whole.end()).anchored(Anchored::Yes),
                Ok(None) => {
                    found.set_pattern(None);
                    return Ok(());
                }
                // It has given up, or does not know where words end in this text.
                Err(_) => {}
            }
        }
        let steps = steps(input.get_span());
        if steps > MOST {
            return Err(Error::str("the text is too long for this regular expression"));
        }
        self.vm.search(vm, &input, found);
        spend(steps / 4);
        Ok(())
    }
}

fn apply(value: &Val, regex: &Val, flags: &Val, splits: bool, matches: bool) -> ValR {
    let text = text_of(value)?;
    // An array of both stands for two arguments.
    let (pattern, given) = match (regex, flags) {
        (Val::Arr(both), Val::Null) => {
            let part = |at: usize| both.items().get(at).cloned().unwrap_or_default();
            (part(0), part(1))
        }
        _ => (regex.clone(), flags.clone()),
    };
    let flags = match &given {
        Val::Null => RegexFlags::default(),
        given => RegexFlags::parse(text_of(given)?)?,
    };
    let regex = Regex::get(text_of(&pattern)?, &flags)?;
    let mut found = regex.vm.create_captures();
    let mut parts = Vec::new();
    let (mut from, mut copied, mut last_end) = (0, 0, None);
    let mut characters = Characters::default();
    while from <= text.len() {
        regex.find(text, from, &mut found)?;
        let Some(whole) = found.get_match() else { break };
        // Behind a match there is no empty one.
        if whole.is_empty() && last_end == Some(whole.end()) {
            from = next_character(text, whole.end());
            continue;
        }
        (from, last_end) = (whole.end(), Some(whole.end()));
        if whole.is_empty() && flags.ignore_empty {
            continue;
        }
        if splits {
            parts.push(Val::text(&text[copied..whole.start()]));
            copied = whole.end();
        }
        if matches {
            let start = characters.before(text, whole.start());
            let names = regex.vm.get_nfa().group_info().pattern_names(PatternID::ZERO);
            let groups =
                names.enumerate().map(|(index, name)| group(text, found.get_group(index), name, whole.start(), start));
            parts.push(array(groups.collect()));
        }
        room(parts.len() * 2 * size_of::<Val>());
        if !flags.global {
            break;
        }
    }
    if splits {
        parts.push(Val::text(&text[copied..]));
    }
    Ok(array(parts))
}

/// What a group, or the whole, has matched.
fn group(text: &str, span: Option<Span>, name: Option<&str>, whole: usize, start: usize) -> Val {
    let mut object = Object::new(Fields::default());
    let mut put = |name: &str, value: Val| object.insert(Key(Text::new(name.to_owned())), value);
    match span {
        Some(span) => {
            spend((span.end - whole) / 16);
            let part = &text[span.range()];
            put("offset", Val::from(start + text[whole..span.start].chars().count()));
            put("length", Val::from(part.chars().count()));
            put("string", Val::text(part));
        }
        None => {
            put("offset", Val::from(-1isize));
            put("length", Val::from(0usize));
            put("string", Val::Null);
        }
    }
    if let Some(name) = name {
        put("name", Val::text(name));
    }
    Val::Obj(object)
}

fn next_character(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}

/// Counts characters up to places that come later and later.
#[derive(Debug, Default)]
struct Characters {
    bytes: usize,
    count: usize,
}

impl Characters {
    fn before(&mut self, text: &str, bytes: usize) -> usize {
        self.count += text[self.bytes..bytes].chars().count();
        self.bytes = bytes;
        self.count
    }
}
