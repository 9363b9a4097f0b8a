use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

struct Someone {
    user: Option<&'static str>,
    groups: BTreeSet<&'static str>,
    protocol: Option<&'static str>,
}

impl Subject for Someone {
    fn user_id(&self) -> Option<&str> {
        self.user
    }

    fn connection_id(&self) -> &str {
        "c1"
    }

    fn protocol(&self) -> Option<&str> {
        self.protocol
    }

    fn is_in_group(&self, group: &str) -> bool {
        self.groups.contains(group)
    }
}

fn alice() -> Someone {
    Someone { user: Some("Alice"), groups: BTreeSet::from(["g1", "it's"]), protocol: Some("json.webpubsub.azure.v1") }
}

fn nobody() -> Someone {
    Someone { user: None, groups: BTreeSet::new(), protocol: None }
}

fn holds(filter: &str, of: &Someone) -> bool {
    Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}")).matches(of)
}

fn problem(filter: &str) -> String {
    Filter::parse(filter).expect_err(filter).to_string()
}

#[test]
fn filters_say_which_connections_are_meant() {
    for (filter, of_alice, of_nobody) in [
        // PROTOCOL §13.
        ("userId ne null", true, false),
        ("'g1' in groups and not ('g2' in groups)", true, false),
        ("startswith(userId,'A') and length(userId) gt 2", true, false),
        // Identifiers, keywords and functions have no case; strings do.
        ("USERID EQ 'Alice'", true, false),
        ("userId eq 'alice'", false, false),
        ("ToLower(userId) eq 'alice'", true, false),
        ("toupper(userId) eq 'ALICE'", true, false),
        ("connectionId eq 'c1'", true, true),
        ("protocol eq 'json.webpubsub.azure.v1'", true, false),
        ("protocol eq null", false, true),
        ("null eq userId", false, true),
        ("userId in ('Bob','Alice')", true, false),
        ("userId in ('Bob',null)", false, true),
        ("length(userId) in (5, 6)", true, false),
        ("'it''s' in groups", true, false),
        ("concat('g','1') in groups", true, false),
        ("userId in groups", false, false),
        ("trim('  x ') eq 'x'", true, true),
        ("substring(userId,1) eq 'lice'", true, false),
        ("substring(userId,1,2) eq 'li'", true, false),
        ("substring(userId,99,-1) eq ''", true, false),
        ("endswith(userId,'ce')", true, false),
        ("contains(userId,'lic') eq true", true, false),
        ("indexof(userId,'i') eq 2 and indexof(userId,'z') eq -1", true, false),
        ("length('é😀') eq 2 and indexof('é😀','😀') eq 1", true, true),
        ("length(userId) ge 5 and length(userId) le 5 and not (length(userId) lt 5)", true, false),
        // A test of null is false, and not of that is true.
        ("length(userId) gt 0", true, false),
        ("not startswith(userId,'A')", false, true),
        ("not startswith(userId,'A') eq false", true, false),
        // Precedence: not, comparison, and, or.
        ("true or false and false", true, true),
        ("(true or false) and false", false, false),
        ("not false and false", false, false),
        ("not not true", true, true),
        ("(userId) eq ('Alice')", true, false),
        ("\tuserId\n eq\r 'Alice' ", true, false),
    ] {
        assert_eq!((holds(filter, &alice()), holds(filter, &nobody())), (of_alice, of_nobody), "{filter}");
    }
}

#[test]
fn a_wrong_filter_is_refused_with_its_place_and_what_is_wrong() {
    for (filter, expected) in [
        ("", "at character 1: the filter is empty"),
        ("   ", "at character 4: the filter is empty"),
        ("userId", "at character 1: a filter takes true or false, and this is a string"),
        ("userId eq", "at character 10: expected a value, a name or `(`, found the end"),
        ("user eq 'a'", "at character 1: `user` is unknown; there are `userId`"),
        ("userId eq alice", "at character 11: `alice` is unknown"),
        ("userId eq \"a\"", "at character 11: strings stand in single quotes"),
        ("userId = 'a'", "at character 8: `=` means nothing here"),
        ("userId eq 'a", "at character 11: this string has no closing quote"),
        ("userId eq 'a' 'b'", "at character 15: expected `and`, `or` or the end, found a string"),
        ("'é' eq 'a' )", "at character 12: this `)` closes nothing"),
        ("(userId eq 'a'", "at character 15: expected `)`, found the end"),
        ("userId eq 1", "at character 8: `eq` cannot compare a string and a number"),
        ("userId gt 'a'", "at character 1: `gt` takes a number, and this is a string"),
        ("length(userId) gt 1.5", "at character 19: `1.5` is no whole number"),
        ("length(userId) gt 99999999999999999999", "is no whole number"),
        ("1 eq -", "`-` is no whole number"),
        ("length(1) eq 1", "at character 8: `length` takes a string, and this is a number"),
        ("length() eq 1", "at character 1: `length` takes 1 arguments, and here are 0"),
        ("length(userId,'a') eq 1", "at character 15: `length` takes no more arguments"),
        ("size(userId) eq 1", "at character 1: there is no function `size`"),
        ("groups eq 'a'", "`eq` cannot compare the collection `groups` and a string"),
        ("groups eq null", "`eq` cannot compare"),
        ("1 in groups", "`in groups` takes a string, and this is a number"),
        ("userId in 'a'", "at character 11: expected `groups` or a list in parentheses, found a string"),
        ("userId in ()", "at character 12: expected a string, a number or `null`, found `)`"),
        ("userId in ('a',2)", "at character 16: a string cannot be in a list of a number"),
        (
            "not userId eq 'Alice'",
            "at character 5: `not` takes true or false, and this is a string; a comparison stands in",
        ),
        ("not 'g' in groups", "at character 5: `not` takes true or false"),
        ("user name", "at character 6: expected `and`, `or` or the end, found `name`"),
        ("not userId", "at character 5: `not` takes true or false, and this is a string"),
        ("userId and true", "`and` takes true or false"),
        ("true eq true eq true", "expected `and`, `or` or the end, found `eq`"),
    ] {
        let problem = problem(filter);
        assert!(problem.contains(expected), "{filter}: {problem}");
    }
}

#[test]
fn where_the_order_of_words_is_wrong_is_counted_as_odata_counts() {
    for (filter, syntax) in [
        // Recorded from the cloud (PROTOCOL §13).
        ("invalid filter", Some(14)),
        ("userId eq", Some(9)),
        ("'é' eq 'a' ) x", Some(12)),
        ("user eq 'a'", None),
        ("userId gt 'a'", None),
    ] {
        assert_eq!(Filter::parse(filter).unwrap_err().syntax, syntax, "{filter}");
    }
}

#[test]
fn depth_clauses_and_length_have_limits_and_what_is_within_them_is_taken() {
    let nested = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    assert!(holds(&nested(MAX_DEPTH), &alice()));
    assert!(problem(&nested(MAX_DEPTH + 1)).contains("nested deeper than 100"));
    assert!(problem(&nested(10_000)).contains("nested deeper"));
    assert!(problem(&format!("{}true", "not ".repeat(5_000))).contains("nested deeper"));
    let clauses = |count: usize| vec!["userId ne null"; count].join(" and ");
    assert!(holds(&clauses(MAX_CLAUSES), &alice()));
    assert!(problem(&clauses(MAX_CLAUSES + 1)).contains("more than 100 clauses"));
    // Values of a list are no clauses.
    let many = format!("userId in ({}'Alice')", "'someone else',".repeat(1000));
    assert!(holds(&many, &alice()));
    // A chain is not deep, however long.
    assert!(holds(&vec!["true"; 3000].join(" and "), &alice()));
    assert!(problem(&"x".repeat(MAX_BYTES + 1)).contains("more than 32768 bytes"));
}

/// A filter, and what it is of alice, by another way of computing.
fn truths() -> impl Strategy<Value = (String, bool)> {
    let leaf = prop_oneof![
        Just(("true".to_owned(), true)),
        Just(("false".to_owned(), false)),
        Just(("userId eq 'Alice'".to_owned(), true)),
        Just(("'g2' in groups".to_owned(), false)),
        (-3i64..9).prop_map(|n| (format!("length(userId) gt {n}"), 5 > n)),
        (-3i64..9).prop_map(|n| (format!("indexof(userId,'ice') le {n}"), 2 <= n)),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|(text, is)| (format!("not ({text})"), !is)),
            (inner.clone(), inner.clone()).prop_map(|((a, x), (b, y))| (format!("({a}) and ({b})"), x && y)),
            (inner.clone(), inner.clone()).prop_map(|((a, x), (b, y))| (format!("({a}) or ({b})"), x || y)),
            (inner.clone(), inner).prop_map(|((a, x), (b, y))| (format!("({a}) eq ({b})"), x == y)),
        ]
    })
}

proptest! {
    #[test]
    fn spoiled_filters_are_taken_or_refused(text in webpubsub_spoil::spoiled_text(&[
        "userId ne null and ('g1' in groups or not startswith(userId,'A'))",
        "length(userId) gt 2 and toupper(connectionId) eq 'C1'",
        "protocol eq 'json.webpubsub.azure.v1' or endswith(tolower(userId), 'it''s')",
    ])) {
        crate::fuzz::filter(&text);
    }

    #[test]
    fn any_text_is_taken_or_refused_and_never_breaks(text in ".{0,200}") {
        if let Ok(filter) = Filter::parse(&text) {
            filter.matches(&alice());
            filter.matches(&nobody());
        }
    }

    #[test]
    fn any_words_are_taken_or_refused_and_a_fault_lies_within_the_text(
        words in proptest::collection::vec(
            prop_oneof![
                Just("userId"), Just("groups"), Just("connectionId"), Just("null"), Just("and"), Just("or"), Just("not"),
                Just("eq"), Just("gt"), Just("in"), Just("("), Just(")"), Just(","), Just("'a'"), Just("'é"), Just("-1"),
                Just("7"), Just("length("), Just("substring("), Just("concat("), Just("true"),
            ],
            0..30,
        ),
    ) {
        let text = words.join(" ");
        match Filter::parse(&text) {
            Ok(filter) => {
                filter.matches(&alice());
                filter.matches(&nobody());
            }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.position), "{text}: {error}"),
        }
    }

    #[test]
    fn logic_is_that_of_its_parts((text, is) in truths()) {
        match Filter::parse(&text) {
            Ok(filter) => prop_assert_eq!(filter.matches(&alice()), is, "{}", text),
            Err(error) => prop_assert!(error.problem.contains("more than"), "{text}: {error}"),
        }
    }

    #[test]
    fn any_string_survives_quoting(user in ".{0,40}") {
        let quoted = user.replace('\'', "''");
        let length = user.chars().count();
        let filter = format!("'{quoted}' eq concat('{quoted}','') and length('{quoted}') eq {length}");
        prop_assert!(holds(&filter, &alice()), "{filter}");
    }
}
