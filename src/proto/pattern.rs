//! Patterns of group names in roles (PROTOCOL §11): read by the emulator, which grants by them, and by whoever explains
//! a token.

/// The longest pattern, in characters.
pub const LONGEST_PATTERN: usize = 1024;
/// Most `*` characters in a pattern.
pub const MOST_STARS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatternPart {
    /// This character.
    Char(char),
    /// `?`: one character that is not a dot.
    One,
    /// `*`: any number of characters that are not dots.
    Run,
    /// `**`: any number of any characters.
    Any,
}

/// A pattern of group names, as the plural roles have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPattern(Vec<PatternPart>);

impl GroupPattern {
    /// `None` when the pattern breaks a limit or ends in a lone backslash.
    pub fn parse(text: &str) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut stars = 0;
        let mut chars = text.chars().peekable();
        if text.is_empty() || text.chars().nth(LONGEST_PATTERN).is_some() {
            return None;
        }
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '\\' => PatternPart::Char(chars.next()?),
                '?' => PatternPart::One,
                '*' => {
                    stars += 1;
                    if chars.next_if_eq(&'*').is_some() {
                        stars += 1;
                        PatternPart::Any
                    } else {
                        PatternPart::Run
                    }
                }
                plain => PatternPart::Char(plain),
            });
        }
        (stars <= MOST_STARS).then_some(Self(tokens))
    }

    /// Follows all ways through the pattern at once, so no pattern takes more than its length times the group's.
    pub fn matches(&self, group: &str) -> bool {
        let tokens = &self.0;
        // `at[i]`: the characters so far can be matched by the first i tokens.
        let mut at = vec![false; tokens.len() + 1];
        at[0] = true;
        skip_empty_runs(tokens, &mut at);
        for c in group.chars() {
            let mut next = vec![false; tokens.len() + 1];
            for (i, token) in tokens.iter().enumerate().filter(|(i, _)| at[*i]) {
                match token {
                    PatternPart::Char(expected) => next[i + 1] |= c == *expected,
                    PatternPart::One => next[i + 1] |= c != '.',
                    PatternPart::Run => next[i] |= c != '.',
                    PatternPart::Any => next[i] = true,
                }
            }
            skip_empty_runs(tokens, &mut next);
            at = next;
        }
        at[tokens.len()]
    }
}

/// `*` and `**` match nothing, too.
fn skip_empty_runs(tokens: &[PatternPart], at: &mut [bool]) {
    for (i, token) in tokens.iter().enumerate() {
        if at[i] && matches!(token, PatternPart::Run | PatternPart::Any) {
            at[i + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names_with_case() {
        for (pattern, group, matches) in [
            ("room?", "room1", true),
            ("room?", "room.", false),
            ("room*", "room.1", false),
            ("room*", "Room1", false),
            ("room.**", "room.a.b", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
        ] {
            assert_eq!(GroupPattern::parse(pattern).unwrap().matches(group), matches, "{pattern} {group}");
        }
    }

    #[test]
    fn patterns_beyond_the_limits_are_none() {
        for pattern in ["******", "***a***", "a\\", "", &"a".repeat(1025)] {
            assert_eq!(GroupPattern::parse(pattern), None, "{pattern}");
        }
        assert!(GroupPattern::parse(r"*****\*\*").is_some());
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = GroupPattern::parse(&format!("**a**{}", "?".repeat(500))).unwrap();
        assert!(!pattern.matches(&"a.".repeat(512)));
    }
}
