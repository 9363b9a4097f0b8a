//! What no run may print: words of the language that it is written in, which tell a person nothing.
//!
//! Every run of these tests is looked at when it ends, whatever else the test wants of it.

/// Debug text, words of libraries for programmers, and plurals that nobody has decided on.
const BANNED: [&str; 17] = [
    "(s) ",
    "..=",
    "invalid digit found",
    "expected struct",
    "expected a map at",
    "did not match any variant",
    "PubSub(",
    "AckReport",
    "OtherError(",
    "Context {",
    "Some(",
    "Os { code",
    "could not connect: could not connect",
    "called `Result::",
    "called `Option::",
    "RUST_BACKTRACE",
    " in 0.0 s",
];

/// Fails when there is one of them in what was said. What is quoted is not ours.
#[track_caller]
pub fn check(said: &str) {
    for line in said.lines() {
        // `-vv` shows frames, and `-vvv` what libraries say.
        if line.contains(" DEBUG ") || line.contains(" TRACE ") || line.contains('→') || line.contains('←') {
            continue;
        }
        let own: String = line.split('`').step_by(2).collect();
        for banned in BANNED {
            assert!(!own.contains(banned), "`{banned}` is not for people:\n{line}");
        }
        assert!(!has_long_fraction(&own), "more digits than anybody reads:\n{line}");
    }
}

/// The same for stdout, as far as it is text for people: records and frames hold what others wrote.
#[track_caller]
pub fn check_stdout(stdout: &[u8]) {
    let Ok(text) = std::str::from_utf8(stdout) else { return };
    for line in text.lines().filter(|line| !line.starts_with(['{', '['])) {
        check(line);
    }
}

/// A number of seconds with four digits or more behind its point.
fn has_long_fraction(text: &str) -> bool {
    text.split(' ').zip(text.split(' ').skip(1)).any(|(number, unit)| {
        let digits = number.split_once('.').filter(|(whole, _)| whole.bytes().all(|byte| byte.is_ascii_digit()));
        unit.starts_with('s')
            && unit.trim_end_matches([',', ':', ';', ')']) == "s"
            && digits.is_some_and(|(_, digits)| digits.len() > 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

#[test]
fn words_for_programmers_are_found_and_quotes_are_not_ours() {
    check("error: `Some(` is not a group\nwarning: 2 messages (and more) in 1.5 s\n→ PubSub(Json)\n");
    for bad in ["replayed 1 message(s) in 1 s", "99999 is not in 1..=65535", "nothing for 38.215312419 s: x"] {
        assert!(std::panic::catch_unwind(|| check(bad)).is_err(), "{bad}");
    }
}
