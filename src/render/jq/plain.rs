//! Expressions that need no interpreter, which is most of what people write: paths, comparisons with a constant, `and`,
//! `or`, `select`, and these one behind another.
//!
//! They are found in the text of a record, and only what they give is made a value of. Where a record or a value is
//! anything but plain (a name with an escape, a field of something that has none), nothing is said here, and the
//! interpreter evaluates the whole expression: what fails, fails there.

use super::read;
use super::value::Val;
use webpubsub_proto::skim::{behind_blanks, end_of_plain, end_of_value, has_control_characters};

/// The largest record that is looked at here: what may be too much for the interpreter is for it to say.
const LARGEST: usize = 1024 * 1024;

/// Words that are no names everywhere.
const RESERVED: [&str; 17] = [
    "__loc__", "and", "as", "catch", "def", "elif", "else", "end", "foreach", "if", "import", "include", "label", "or",
    "reduce", "then", "try",
];

/// What an expression does with a value, one after another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlainExpression(Vec<Stage>);

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// Goes on with the field of a field of …
    Path(Path),
    /// Goes on with the same, if this is true.
    Select(ExpressionCondition),
    /// Ends with whether this is true.
    Test(ExpressionCondition),
}

/// The names of fields, from the outside in.
type Path = Vec<String>;

#[derive(Debug, PartialEq, Eq)]
enum ExpressionCondition {
    /// The value there is neither `false` nor `null`.
    Is(Path),
    /// The value there compared with this one.
    Compare(Path, ComparisonOperator, Constant),
    And(Box<[ExpressionCondition; 2]>),
    Or(Box<[ExpressionCondition; 2]>),
}

/// A constant.
#[derive(Debug, PartialEq, Eq)]
struct Constant {
    /// Its JSON.
    text: String,
    /// Its number, see [`small`].
    small: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ComparisonOperator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value in the text of its record.
#[derive(Clone, Copy)]
enum RecordValue<'a> {
    /// All of it, which may be anything yet.
    Record(&'a [u8]),
    /// As it stands there: a value.
    Text(&'a [u8]),
    /// A field that is not there.
    Nothing,
}

impl PlainExpression {
    /// Of an expression; `None`: it needs the interpreter, or is none. What is plain, the interpreter would take.
    pub(super) fn read(expression: &str) -> Option<Self> {
        let mut reader = ExpressionReader { rest: expression.trim() };
        let mut stages = Vec::new();
        loop {
            let stage = reader.stage()?;
            let ends = matches!(stage, Stage::Test(_));
            stages.push(stage);
            if reader.rest.is_empty() {
                // All of a record is a value to be made, which is what costs.
                let all = |stage: &Stage| matches!(stage, Stage::Path(path) if path.is_empty());
                return (!stages.iter().all(all)).then_some(Self(stages));
            }
            if ends || !reader.pass("|") {
                return None;
            }
        }
    }

    /// What it gives for a record: one value or none. `None`: the interpreter is to say.
    pub(super) fn evaluate(&self, record: &[u8]) -> Option<Option<Val>> {
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        if record.len() > LARGEST || has_control_characters(record) {
            return None;
        }
        let mut place = RecordValue::Record(record);
        for stage in &self.0 {
            match stage {
                Stage::Path(path) => place = place.at(path)?,
                Stage::Select(condition) => {
                    if !condition.is_met(place)? {
                        return Some(None);
                    }
                }
                Stage::Test(condition) => return Some(Some(Val::Bool(condition.is_met(place)?))),
            }
        }
        place.value().map(Some)
    }
}

impl ExpressionCondition {
    fn is_met(&self, place: RecordValue<'_>) -> Option<bool> {
        Some(match self {
            Self::Is(path) => match place.at(path)? {
                RecordValue::Record(text) | RecordValue::Text(text) => !matches!(text, b"null" | b"false"),
                RecordValue::Nothing => false,
            },
            Self::Compare(path, comparison, constant) => {
                let place = place.at(path)?;
                match comparison.holds_of_text(place, constant) {
                    Some(holds) => holds,
                    None => comparison.holds(&place.value()?, &read::parse(constant.text.as_bytes()).ok()?),
                }
            }
            Self::And(both) => both[0].is_met(place)? && both[1].is_met(place)?,
            Self::Or(both) => both[0].is_met(place)? || both[1].is_met(place)?,
        })
    }
}

/// A whole number of a few digits, in the one way to write it.
fn small(text: &[u8]) -> Option<u64> {
    let is_plain = text.first().is_some_and(|first| *first != b'0' || text.len() == 1);
    if !is_plain || text.len() > 18 {
        return None;
    }
    let mut number = 0;
    for byte in text {
        number = number * 10 + u64::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
    }
    Some(number)
}

/// The characters of a string without escapes.
fn plain_string(text: &[u8]) -> Option<&[u8]> {
    let inner = text.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    memchr::memchr(b'\\', inner).is_none().then_some(inner)
}

impl ComparisonOperator {
    /// The same without making values, where both are small numbers or strings without escapes; `None` elsewhere.
    fn holds_of_text(self, place: RecordValue<'_>, constant: &Constant) -> Option<bool> {
        let RecordValue::Text(text) = place else { return None };
        if let Some(right) = constant.small {
            return Some(self.holds(&small(text)?, &right));
        }
        // Their order is that of their bytes.
        Some(self.holds(plain_string(text)?, plain_string(constant.text.as_bytes())?))
    }

    /// As the interpreter does it.
    fn holds<T: PartialOrd + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

impl RecordValue<'_> {
    /// What stands at the end of a path. With a record it is looked through whole, so that it is one.
    fn at(self, path: &[String]) -> Option<Self> {
        let mut place = match self {
            RecordValue::Record(text) if path.is_empty() || text.first() != Some(&b'{') => {
                RecordValue::Text((end_of_value(text, 0)? == text.len()).then_some(text)?)
            }
            place => place,
        };
        for name in path {
            place = match place {
                RecordValue::Record(text) | RecordValue::Text(text) if text.first() == Some(&b'{') => {
                    field(text, name)?.map_or(RecordValue::Nothing, RecordValue::Text)
                }
                // A field of nothing is nothing.
                RecordValue::Text(b"null") | RecordValue::Nothing => RecordValue::Nothing,
                RecordValue::Record(_) | RecordValue::Text(_) => return None,
            };
        }
        Some(place)
    }

    fn value(self) -> Option<Val> {
        match self {
            RecordValue::Record(text) | RecordValue::Text(text) => read::parse(text).ok(),
            RecordValue::Nothing => Some(Val::Null),
        }
    }
}

/// The last field of that name in a text that has to be an object and nothing else, as it stands there.
fn field<'a>(object: &'a [u8], name: &str) -> Option<Option<&'a [u8]>> {
    let mut found = None;
    let mut at = behind_blanks(object, 1);
    if object.get(at)? == &b'}' {
        return (at + 1 == object.len()).then_some(None);
    }
    loop {
        if object.get(at)? != &b'"' {
            return None;
        }
        // A name with an escape may be the one, too.
        let quote = end_of_plain(object, at + 1)?;
        let is_it = object.get(at + 1..quote)? == name.as_bytes();
        let colon = behind_blanks(object, quote + 1);
        if object.get(colon)? != &b':' {
            return None;
        }
        let start = behind_blanks(object, colon + 1);
        let end = end_of_value(object, start)?;
        if is_it {
            found = object.get(start..end);
        }
        at = behind_blanks(object, end);
        match object.get(at)? {
            b',' => at = behind_blanks(object, at + 1),
            b'}' if at + 1 == object.len() => return Some(found),
            _ => return None,
        }
    }
}

/// Reads an expression, of which it understands only what is done here.
struct ExpressionReader<'e> {
    rest: &'e str,
}

impl<'e> ExpressionReader<'e> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n']);
    }

    /// Passes this sign, and the space behind it, if it comes next.
    fn pass(&mut self, sign: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        self.rest = rest;
        self.skip_space();
        true
    }

    /// Passes this word likewise.
    fn pass_word(&mut self, word: &str) -> bool {
        let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || "_:.".contains(next));
        self.rest.strip_prefix(word).is_some_and(ends) && self.pass(word)
    }

    fn stage(&mut self) -> Option<Stage> {
        if self.pass_word("select") {
            let inner = self.pass("(").then(|| self.alternatives()).flatten()?;
            return self.pass(")").then_some(Stage::Select(inner));
        }
        Some(match self.alternatives()? {
            ExpressionCondition::Is(path) => Stage::Path(path),
            condition @ (ExpressionCondition::Compare(..)
            | ExpressionCondition::And(_)
            | ExpressionCondition::Or(_)) => Stage::Test(condition),
        })
    }

    /// `or` binds less than `and`, and that less than comparisons.
    fn alternatives(&mut self) -> Option<ExpressionCondition> {
        let mut all = self.conjunction()?;
        while self.pass_word("or") {
            all = ExpressionCondition::Or(Box::new([all, self.conjunction()?]));
        }
        Some(all)
    }

    fn conjunction(&mut self) -> Option<ExpressionCondition> {
        let mut all = self.comparison()?;
        while self.pass_word("and") {
            all = ExpressionCondition::And(Box::new([all, self.comparison()?]));
        }
        Some(all)
    }

    fn comparison(&mut self) -> Option<ExpressionCondition> {
        let path = self.path()?;
        let signs = [
            ("==", ComparisonOperator::Equal),
            ("!=", ComparisonOperator::Unequal),
            ("<=", ComparisonOperator::LessOrEqual),
            (">=", ComparisonOperator::GreaterOrEqual),
            ("<", ComparisonOperator::Less),
            (">", ComparisonOperator::Greater),
        ];
        match signs.into_iter().find(|(sign, _)| self.pass(sign)) {
            Some((_, comparison)) => {
                let text = self.constant()?;
                let small = small(text.as_bytes());
                Some(ExpressionCondition::Compare(path, comparison, Constant { text, small }))
            }
            None => Some(ExpressionCondition::Is(path)),
        }
    }

    /// `.` or `.name.name`, of plain names.
    fn path(&mut self) -> Option<Path> {
        let mut path = Path::new();
        while let Some(rest) = self.rest.strip_prefix('.') {
            let is_inner = |next: char| next.is_ascii_alphanumeric() || next == '_';
            let (name, behind) = rest.split_at(rest.find(|next| !is_inner(next)).unwrap_or(rest.len()));
            if name.starts_with(|first: char| first.is_ascii_digit()) || RESERVED.contains(&name) {
                return None;
            }
            self.rest = behind;
            if name.is_empty() {
                // The dot alone; two of them, or one behind a name, are something else.
                let alone = path.is_empty() && !behind.starts_with(['.', '[', '"', '?']);
                self.skip_space();
                return alone.then_some(path);
            }
            path.push(name.to_owned());
        }
        // What else may stand directly behind a path is not understood here.
        let ends = !self.rest.starts_with(['[', '?', '"']);
        self.skip_space();
        (ends && !path.is_empty()).then_some(path)
    }

    /// A literal whose JSON is the same.
    fn constant(&mut self) -> Option<String> {
        if let Some(word) = ["true", "false", "null"].into_iter().find(|word| self.pass_word(word)) {
            return Some(word.to_owned());
        }
        let end = match self.rest.strip_prefix('"') {
            Some(inner) => inner.find('"')? + 2,
            None => self.rest.find(|next: char| !(next.is_ascii_digit() || next == '.')).unwrap_or(self.rest.len()),
        };
        let (literal, behind) = self.rest.split_at(end);
        let is_plain = !literal.bytes().any(|byte| byte == b'\\' || byte < b' ');
        // A number with an exponent, or a literal that something is done with.
        let ends = !behind.starts_with(|next: char| next.is_alphanumeric() || "_.[?:".contains(next));
        let taken = is_plain && ends && end_of_value(literal.as_bytes(), 0) == Some(literal.len());
        self.rest = behind;
        self.skip_space();
        taken.then(|| literal.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::super::{Jq, Limits, write_json};
    use super::*;

    /// The results of an expression, the plain way and the interpreter's, and whether there was a plain way.
    fn both(expression: &str, record: &str) -> (String, String, bool) {
        let mut jq = Jq::compile(expression).unwrap();
        let plain = jq.plain.as_ref().is_some_and(|plain| plain.evaluate(record.as_bytes()).is_some());
        let all = |jq: &Jq| {
            let mut out = Vec::new();
            let end = jq.each(record.as_bytes(), &Limits::shared_thread(), |value| {
                write_json(&mut out, value);
                out.push(b'\n');
                ControlFlow::Continue(())
            });
            format!("{}{}", String::from_utf8(out).unwrap(), end.err().unwrap_or_default())
        };
        let fast = all(&jq);
        jq.plain = None;
        (fast, all(&jq), plain)
    }

    #[test]
    fn plain_expressions_are_evaluated_without_the_interpreter() {
        let record = r#"{"type":"group-message","group":"g","data":{"n":3,"s":"x","o":{"p":[1]}},"n":1,"n":-0}"#;
        for (expression, expected) in [
            (".data.n", "3\n"),
            (".data", "{\"n\":3,\"s\":\"x\",\"o\":{\"p\":[1]}}\n"),
            (" .data | .o|.p ", "[1]\n"),
            (".data.n == 3", "true\n"),
            (".data.n==3.0", "true\n"),
            (".data.n >= 4 or .data.s == \"x\"", "true\n"),
            (".type == \"ack\" or .data.n > 2 and .data.s != \"x\"", "false\n"),
            ("select(.type == \"group-message\") | .data.s", "\"x\"\n"),
            ("select(.type == \"ack\") | .data.s", ""),
            ("select(.data.n)|select(.nothing.there == null)|.group", "\"g\"\n"),
            (".n", "-0\n"),
            (".data.missing.deeper", "null\n"),
            (".group < \"h\"", "true\n"),
        ] {
            assert_eq!(both(expression, record), (expected.to_owned(), expected.to_owned(), true), "{expression}");
        }
        assert_eq!(both(". == 2", "2\n"), ("true\n".to_owned(), "true\n".to_owned(), true));
    }

    #[test]
    fn what_is_not_plain_is_for_the_interpreter() {
        for expression in [
            ".",
            ".data[]",
            ".data.a?",
            ".data[0]",
            ".[\"a\"]",
            ".data.\"a\"",
            "..",
            ".a | length",
            ".a // 1",
            ".a + 1",
            ".a == .b",
            "3 == .a",
            "-1",
            ".a == -1",
            ".a == 1e3",
            ".a == \"\\n\"",
            ".a == \"\\(.b)\"",
            "(.a)",
            "{a: .a}",
            ".a, .b",
            ".a as $x | $x",
            "select(.a) as $x | $x",
            ".a | not",
            "if .a then 1 else 2 end",
            "def f: 1; .a",
            ".a == true | not",
            ".a == \"b\" | length",
            "select(.a).b",
            "[.a]",
            ".a == \"b\"[0:1]",
            ".a #x",
            "$ENV.a",
        ] {
            assert_eq!(PlainExpression::read(expression), None, "{expression}");
        }
        for (expression, record) in [
            (".a", "{\"a\":1} 2"),
            (".a", "{\"\\u0061\":1}"),
            (".a.b", "{\"a\":[1]}"),
            (".a.b", "{\"a\":\"s\"}"),
            (".a.b == 1", "5"),
            (".a", "{\"a\":01}"),
            (".a", "{\"a\":NaN}"),
            (".a", "{\"a\":\"\u{1}\"}"),
            (".a", ""),
        ] {
            let (fast, slow, plain) = both(expression, record);
            assert_eq!((fast, plain), (slow, false), "{expression} of {record}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100));
        let (fast, slow, plain) = both(".a", &deep);
        assert_eq!((fast, plain), (slow, false));
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            prop::sample::select(vec![
                "null",
                "true",
                "false",
                "0",
                "-0",
                "3",
                "3.0",
                "-1",
                "1.50",
                "1e400",
                "12345678901234567890",
                "\"\"",
                "\"x\"",
                "\"b\\u0061\"",
                "\"\\ud800\"",
                "\"é\\n\"",
                "{}",
                "[]",
                "[1, 2]",
            ])
            .prop_map(str::to_owned),
            "\"[a-c]{0,2}\"",
            "\"[ !ab]{0,3}\"",
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let name = prop::sample::select(vec!["a", "b", "c", "data", "\\u0061", ""]);
            prop::collection::vec((name, prop::sample::select(vec![":", " : "]), inner), 0..4).prop_map(|fields| {
                let fields: Vec<String> =
                    fields.into_iter().map(|(name, colon, value)| format!("\"{name}\"{colon}{value}")).collect();
                format!("{{{}}}", fields.join(","))
            })
        })
    }

    fn expression() -> impl Strategy<Value = String> {
        let path = prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "data"]), 0..3)
            .prop_map(|names| if names.is_empty() { ".".to_owned() } else { format!(".{}", names.join(".")) });
        let constant = prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "3",
            "3.0",
            "1.5",
            "12345678901234567890",
            "\"\"",
            "\"x\"",
            "\"ba\"",
            "\"b!\"",
            "\"é\"",
        ]);
        let sign = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">=", " == ", " < "]);
        let test = prop_oneof![
            path.clone(),
            (path, sign, constant).prop_map(|(path, sign, constant)| format!("{path}{sign}{constant}")),
        ];
        let tests =
            prop::collection::vec((test, prop::sample::select(vec![" and ", " or "])), 1..4).prop_map(|tests| {
                let mut all = String::new();
                for (number, (test, word)) in tests.iter().enumerate() {
                    all.push_str(if number > 0 { word } else { "" });
                    all.push_str(test);
                }
                all
            });
        let stage = prop_oneof![2 => tests.clone(), 1 => tests.prop_map(|tests| format!("select({tests})"))];
        prop::collection::vec(stage, 1..4).prop_map(|stages| stages.join(" | "))
    }

    #[test]
    fn a_record_that_is_wrong_in_one_place_is_for_the_interpreter() {
        let records = [r#"{"a":{"b":1, "c":"x"},"d":[1,{}]}"#, "5", r#"{"a":null}"#, "{}"];
        let mut jqs: Vec<Jq> =
            [".a.b", ".a == 1", ". == 5", "select(.d) | .a"].map(|it| Jq::compile(it).unwrap()).into();
        let results = |jq: &Jq, record: &str| {
            let mut out = Vec::new();
            let end = jq.each(record.as_bytes(), &Limits::shared_thread(), |value| {
                write_json(&mut out, value);
                ControlFlow::Continue(())
            });
            (out, end)
        };
        let mut cases = Vec::new();
        for record in records {
            for at in 0..=record.len() {
                let (before, after) = record.split_at(at);
                cases.push(format!("{before}{}", after.get(1..).unwrap_or_default()));
                for byte in "\"{}[]:, 0x\\".chars() {
                    cases.push(format!("{before}{byte}{after}"));
                    cases.push(format!("{before}{byte}{}", after.get(1..).unwrap_or_default()));
                }
            }
        }
        let fast: Vec<_> =
            jqs.iter().map(|jq| cases.iter().map(|case| results(jq, case)).collect::<Vec<_>>()).collect();
        jqs.iter_mut().for_each(|jq| jq.plain = None);
        for (jq, fast) in jqs.iter().zip(fast) {
            for (case, fast) in cases.iter().zip(fast) {
                assert_eq!(fast, results(jq, case), "{case}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_plain_compiles(expression in "(\\.|[a-c_]{1,2}|select|and|or|if|==|<=|[|()<>=\"? 0-9]|true|null|\\.data){1,8}") {
            if PlainExpression::read(&expression).is_some() {
                prop_assert!(super::super::compiled(&expression).is_ok(), "{}", expression);
            }
        }

        #[test]
        fn both_ways_give_the_same(expression in expression(), record in json()) {
            let (fast, slow, _) = both(&expression, &record);
            prop_assert_eq!(fast, slow);
        }
    }
}
