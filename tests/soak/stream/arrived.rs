//! What arrived of one stream, held against what was given and what its publisher has said of it. Knows no process and
//! no clock.

use crate::checker::{Sequence, Wrong};
use crate::payload;

/// How a stream ended for its readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// As one that is whole.
    Clean,
    /// With an error of this name.
    Error(String),
}

/// What its publisher has said of it, and how much it was given.
#[derive(Clone, Debug)]
pub struct Said {
    /// Lines that it was given, and whether the input ended with them.
    pub given: u64,
    /// See there.
    pub finished: bool,
    /// It says that all of it has arrived, with its end.
    pub whole: bool,
    /// So many bytes are known to it to have arrived.
    pub known: u64,
}

/// What arrived.
#[derive(Debug, Default)]
pub struct Arrived {
    /// What its lines say that it is called, once one is there.
    pub name: Option<String>,
    /// Its fragments.
    pub fragments: Sequence,
    /// How many whole lines, as long as no fragment was missing.
    pub lines: u64,
    /// How many bytes.
    pub bytes: u64,
    /// A fragment was missing: from there on lines are not read.
    torn: bool,
    /// The beginning of the next line.
    rest: String,
    /// Its end, when it has come.
    pub end: Option<End>,
}

impl Arrived {
    /// A fragment, or the end.
    pub fn fragment(&mut self, number: u64, data: &str, end: Option<End>) -> Result<(), Wrong> {
        if let Some(was) = &self.end {
            return Err(Wrong::Other(format!("fragment {number} after the end ({was:?})")));
        }
        self.torn |= number > self.fragments.last() + 1;
        self.fragments.come(number, false, 0)?;
        (self.end, self.bytes) = (end, self.bytes + data.len() as u64);
        if self.torn {
            return Ok(());
        }
        self.rest.push_str(data);
        self.read()
    }

    fn read(&mut self) -> Result<(), Wrong> {
        while let Some(length) = self.rest.find('\n') {
            let line: String = self.rest.drain(..=length).collect();
            let line = &line[..length];
            let damaged = || Wrong::Other(format!("not line {}: {line:.200}", self.lines + 1));
            let (name, number) = payload::read(line).ok_or_else(damaged)?;
            if number != self.lines + 1 || self.name.as_ref().is_some_and(|known| known != name) {
                return Err(damaged());
            }
            let name = name.to_owned();
            self.name.get_or_insert(name);
            self.lines += 1;
        }
        Ok(())
    }

    /// The verdict, when nothing more comes.
    pub fn judge(&mut self, said: &Said) -> Vec<Wrong> {
        let mut wrong = self.fragments.take_missing();
        let mut other = |what: String| wrong.push(Wrong::Other(what));
        if self.lines > said.given {
            other(format!("{} lines came of {}", self.lines, said.given));
        }
        if !self.torn && self.bytes < said.known {
            other(format!("{} bytes came, and {} were said to have", self.bytes, said.known));
        }
        let all = said.finished && self.lines == said.given && self.rest.is_empty();
        match &self.end {
            None => other(format!("its end is never told, after {} of {} lines", self.lines, said.given)),
            Some(End::Clean) if !all && !self.torn => {
                other(format!("silently short: it ends well, after {} of {} lines", self.lines, said.given));
            }
            Some(End::Error(error)) if said.whole => {
                other(format!("said to be whole, and ended with {error} after {} of {}", self.lines, said.given));
            }
            Some(End::Clean | End::Error(_)) => {}
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of a stream, cut into fragments of so many bytes.
    fn fragments(lines: u64, size: usize) -> Vec<String> {
        let text: String = (1..=lines).map(|number| format!("{}\n", payload::text("t1", number))).collect();
        text.as_bytes().chunks(size).map(|chunk| String::from_utf8(chunk.to_vec()).unwrap()).collect()
    }

    fn verdict(fragments: &[(u64, &str)], end: Option<End>, said: &Said) -> Vec<String> {
        let mut arrived = Arrived::default();
        let mut wrong: Vec<Wrong> =
            fragments.iter().filter_map(|(number, data)| arrived.fragment(*number, data, None).err()).collect();
        if let Some(end) = end {
            wrong.extend(arrived.fragment(arrived.fragments.last() + 1, "", Some(end)).err());
        }
        wrong.extend(arrived.judge(said));
        wrong.iter().map(ToString::to_string).collect()
    }

    fn said(given: u64, whole: bool) -> Said {
        Said { given, finished: true, whole, known: 0 }
    }

    #[test]
    fn a_stream_that_is_whole_is_right_however_it_is_cut() {
        for size in [7, 100, 10_000] {
            let fragments = fragments(30, size);
            let numbered: Vec<(u64, &str)> = (1..).zip(fragments.iter().map(String::as_str)).collect();
            assert!(verdict(&numbered, Some(End::Clean), &said(30, true)).is_empty());
            let error = Some(End::Error("Cancelled".into()));
            assert!(verdict(&numbered[..1], error.clone(), &said(30, false)).is_empty());
            assert!(verdict(&numbered, error, &said(30, true))[0].contains("said to be whole"));
        }
    }

    #[test]
    fn one_that_is_short_without_a_word_is_seen_and_so_is_all_else() {
        let fragments = fragments(3, 10_000);
        let all = fragments[0].as_str();
        let lines: Vec<String> = all.lines().map(|line| format!("{line}\n")).collect();
        let [one, two, three] = [0, 1, 2].map(|at| lines[at].as_str());
        let (clean, seen) = (Some(End::Clean), |found: &[String], what: &str| found.iter().any(|it| it.contains(what)));
        assert!(seen(&verdict(&[(1, one), (2, two)], clean.clone(), &said(3, false)), "silently short"));
        assert!(seen(&verdict(&[(1, one), (3, three)], clean.clone(), &said(3, true)), "lost: 2"));
        assert!(seen(&verdict(&[(1, one), (2, two), (2, two)], None, &said(3, true)), "doubled: 2"));
        assert!(seen(&verdict(&[(1, one), (2, one)], None, &said(3, true)), "not line 2"));
        assert!(seen(&verdict(&[(1, one)], None, &said(3, false)), "never told"));
        let known = Said { known: 1000, ..said(1, false) };
        assert!(seen(&verdict(&[(1, one)], clean.clone(), &known), "were said to have"));
        let going_on = Said { finished: false, ..said(3, false) };
        assert!(seen(&verdict(&[(1, all)], clean, &going_on), "silently short"));
    }
}
