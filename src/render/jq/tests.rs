//! What expressions give, and how they are given up.

use super::*;

fn is_true(expression: &str, record: &str) -> Result<bool, String> {
    Jq::compile(expression).unwrap().is_true(record.as_bytes(), &Limits::shared_thread())
}

fn results(expression: &str, record: &str) -> String {
    let mut out = Vec::new();
    let jq = Jq::compile(expression).unwrap();
    let end = jq.each(record.as_bytes(), &Limits::shared_thread(), |value| {
        write_json(&mut out, value);
        out.push(b' ');
        ControlFlow::Continue(())
    });
    if let Err(error) = end {
        out.extend_from_slice(format!("!{error}").as_bytes());
    }
    String::from_utf8(out).unwrap().trim_end().to_owned()
}

#[test]
fn an_expression_is_true_when_a_result_is() {
    let record = r#"{"type":"group-message","group":"g","data":{"a":[1,2]}}"#;
    for (expression, expected) in [
        (".type == \"group-message\"", true),
        (".type == \"ack\"", false),
        ("select(.group == \"g\")", true),
        ("select(.group == \"h\")", false),
        (".data.a[] == 2", true),
        (".missing", false),
        ("0", true),
        ("empty", false),
        (".data.a | length == 2 and (.[0] | . == 1)", true),
        (".group | test(\"^g$\")", true),
    ] {
        assert_eq!(is_true(expression, record), Ok(expected), "{expression}");
    }
}

#[test]
fn large_integers_keep_their_digits() {
    assert_eq!(is_true(".a == 9007199254740993", "{\"a\":9007199254740993}"), Ok(true));
    assert_eq!(is_true(".a == 9007199254740993", "{\"a\":9007199254740992}"), Ok(false));
    assert_eq!(is_true(".a == 18446744073709551615", "{\"a\":18446744073709551615}"), Ok(true));
}

#[test]
fn what_goes_wrong_with_a_record_is_said() {
    assert!(is_true(".a + 1", "{\"a\":{}}").is_err());
    assert!(is_true("error(\"no\")", "{}").is_err());
    assert_eq!(is_true("true, error(\"no\")", "{}"), Ok(true), "it was true before it failed");
    assert_eq!(is_true("halt(3)", "{}"), Err("the expression halts".into()));
}

#[test]
fn a_bad_expression_is_told_with_its_place() {
    for (expression, place) in [
        (".a ==", "column 6"),
        ("foo", "column 1: `foo`"),
        (".a | $x", "column 6: `$x`"),
        ("(.a", "column"),
        (".a\n| nope", "line 2, column 3: `nope`"),
        ("input", "no filter `input`"),
    ] {
        let error = Jq::compile(expression).unwrap_err().to_string();
        assert!(error.contains(place), "{expression}: {error}");
    }
}

#[test]
fn what_an_expression_does_not_touch_comes_out_as_it_went_in() {
    for json in [
        "12345678901234567890.10",
        "123456789012345678901234567890",
        "9007199254740993",
        "1.0",
        "1e400",
        "-1E-7",
        r#"{"b":1,"a":{"z":1.10,"y":[null,true,"\u0001\n\"é"]}}"#,
    ] {
        assert_eq!(results(".data", &format!("{{\"data\":{json}}}")), json);
    }
}

#[test]
fn results_are_json_also_where_the_values_are_not() {
    for (expression, expected) in [
        ("nan, infinite, -infinite", "null 1.7976931348623157e+308 -1.7976931348623157e+308"),
        ("1.50e3, 1 + 0.5", "1.50e3 1.5"),
        ("{(1): 2}", r#"{"1":2}"#),
        ("\"a\", error(\"no\"), 3", "\"a\" !no"),
        ("empty", ""),
        ("1, halt, 2", "1 !the expression halts"),
        ("[range(5; 0; -2)], [range(2)], [range(0; 1; 0.5)]", "[5,3,1] [0,1] [0,0.5]"),
        ("$ENV | type", "\"object\""),
        ("env | has(\"PATH\")", "true"),
        ("now > 0", "true"),
        ("debug, 1", "{} 1"),
    ] {
        assert_eq!(results(expression, "{}"), expected, "{expression}");
    }
}

#[test]
fn what_has_no_end_is_given_up() {
    for expression in ["def f: f; f", "last(repeat(1))", "[range(0; 1; 0)] | length", "until(false; .)"] {
        let mut limits = Limits::shared_thread();
        limits.time = std::time::Duration::from_millis(20);
        let error = Jq::compile(expression).unwrap().is_true(b"{}", &limits).unwrap_err();
        assert!(error.contains("takes longer than"), "{expression}: {error}");
    }
}

#[test]
fn what_goes_too_deep_is_given_up() {
    for expression in ["def f: 1 + f; f", "def f: [f]; f", "def f: f | 1; f"] {
        let error = is_true(expression, "{}").unwrap_err();
        assert!(error.contains("too deep") || error.contains("takes longer"), "{expression}: {error}");
    }
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    let error = is_true(".", &deep).unwrap_err();
    assert!(error.contains("nested deeper"), "{error}");
    let quoted = format!("{{\"a\":\"{}\"}}", "[{\\\"".repeat(20_000));
    assert_eq!(is_true(".a", &quoted), Ok(true), "brackets in a string are none");
}

#[test]
fn what_takes_too_much_memory_is_given_up_and_however_deep_it_was_nested_is_freed() {
    // On a thread as those of the program are: an overflow of its stack would end all tests.
    let thread = std::thread::Builder::new().stack_size(STACK);
    let evaluate = || {
        for expression in [
            "def f(g): f(g | g); f(.)",
            "[recurse([.])]",
            "reduce repeat(1) as $i (null; [.])",
            "reduce repeat(1) as $i (null; {a: .})",
            "[range(1e12)]",
            "reduce range(60) as $i ([1]; . + .)",
        ] {
            let mut limits = Limits::own_thread(None);
            limits.memory /= 4;
            let error = Jq::compile(expression).unwrap().is_true(b"{}", &limits).unwrap_err();
            // On a very busy machine the time may be over first.
            assert!(
                ["too much memory", "longer than", "nested deeper"].iter().any(|why| error.contains(why)),
                "{expression}: {error}"
            );
        }
    };
    thread.spawn(evaluate).unwrap().join().unwrap();
}

#[test]
fn an_expression_that_is_nested_deep_is_no_end_of_the_program() {
    let deep = format!("{}1{}", "(".repeat(20_000), ")".repeat(20_000));
    assert!(Jq::compile(&deep).is_ok());
    assert!(Jq::compile(&"[".repeat(60_000)).is_err());
}

/// What doubles at each level, and takes next to nothing: its parts are shared.
const SHARED: &str = "reduce range(100) as $i (1; [., .])";

#[test]
fn a_single_step_is_given_up_as_well() {
    let thread = std::thread::Builder::new().stack_size(STACK);
    let evaluate = || {
        let steps = [
            // Large texts of small ones.
            "\"=\" * .n",
            ".n * \"ab\"",
            "\"=\" * 1e300",
            "reduce range(100) as $i (\"x\"; . + .)",
            "(\"x\" * 20000000) | [., 1] | tojson * 100",
            "(\"\u{1}\" * 20000000) | tojson",
            "(\"&\" * 20000000) | @html",
            "(\"'\" * 20000000) | @sh",
            "(\" \" * 20000000) | @uri",
            "(\"x\" * 20000000) | explode",
            "[range(10000000)] | implode",
            "(\"x,\" * 20000000) / \",\"",
            "(\"x\" * 20000000) / \"\"",
            "[\"x\" * 1000000 | ., .] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | join(\",\")",
            "0 | strftime(\"%255Y\" * 1000000)",
            // Large arrays.
            "null | .[1000000000] = 1",
            "[] | .[1e18] = 1",
            "[1] | .[1e300] = 1",
            "[1] | setpath([4000000000]; 1)",
            "[limit(1e12; repeat(1))]",
            "[range(5000)] | [combinations(3)]",
            "[range(100000)] | [., ., .] | [combinations]",
            "[[range(10000)]] + [range(10000) | []] | transpose",
            "reduce range(60) as $i ([1]; . + .)",
            "[range(1e12) as $x | $x]",
            "[range(1e12)] | sort_by(.)",
            "[1, 2] | sort_by(range(1e12))",
            "[1, 2] | group_by(range(1e12))",
            "reduce range(1e12) as $i ((0, 1); .)",
            "[splits(\"a\"; \"b\") , repeat(1)]",
            // Long searches.
            "(\"a\" * 1000000) | indices(\"a\" * 500000)",
            "(\"ab\" * 1000000) | [match(\"(a|b|ab)*c|a\"; \"g\")]",
            "(\"é\" * 1000000) | test(\"\\\\b(é?){300}\\\\bx\")",
            "(\"a\" * 10000000) | [match(\"\"; \"g\")]",
            "\"a\" | test(\"((((a{0,100}){0,100}){0,100}){0,100}){0,100}\")",
            "\"a\" | test(\"a\" * 10000000)",
            "jn(2000000000; 1.5)",
            "(\"[\" * 1000000) | fromjson",
            // What has many parts and takes no memory.
            &format!("{SHARED} | tojson"),
            &format!("{SHARED} | tostring"),
            &format!("{SHARED} | @text"),
            &format!("{SHARED} | @json"),
            &format!("{SHARED} | last(..)"),
            &format!("{SHARED} | [..] | length"),
            &format!("{SHARED} | flatten"),
            &format!("{SHARED} | {SHARED} == ({SHARED})"),
            &format!("{SHARED} | . < ({SHARED})"),
            &format!("{SHARED} | sort"),
            &format!("{SHARED} | unique"),
            &format!("{SHARED} | contains(({SHARED}))"),
            &format!("{SHARED} | walk(.)"),
            &format!("{SHARED} | [paths]"),
            &format!("{SHARED} | tostream"),
            &format!("{SHARED} | last(tostream)"),
            &format!("[{SHARED}] | index([{SHARED}])"),
            &format!("{SHARED} - ({SHARED})"),
            &format!("{SHARED} | @sh"),
            &format!("{SHARED} | .[0] |= ."),
            &format!("{SHARED} | (.. | numbers) |= . + 1"),
        ];
        for expression in steps {
            let mut limits = Limits::own_thread(None);
            limits.memory /= 4;
            limits.time = std::time::Duration::from_millis(300);
            let begun = std::time::Instant::now();
            let mut printed = Vec::new();
            let jq = Jq::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
            let result = jq.each(br#"{"n":10000000000000}"#, &limits, |value| {
                write_json(&mut printed, value);
                ControlFlow::Continue(())
            });
            let error = result.expect_err(expression);
            assert!(begun.elapsed() < std::time::Duration::from_secs(6), "{expression}: {:?}", begun.elapsed());
            assert!(error.len() < 1000, "{expression}");
        }
    };
    thread.spawn(evaluate).unwrap().join().unwrap();
}

#[test]
fn what_fails_with_a_large_value_shows_the_beginning_of_it() {
    for expression in [". + 1", ".[\"a\"]", "error", "error([.])", "-.", "keys | .[0] | keys", "{(.): 1}", "fromjson"] {
        let error = is_true(&format!("{SHARED} | {expression}"), "{}").unwrap_err();
        assert!(error.len() < 2_100, "{expression}: {error}");
    }
}

#[test]
fn memory_is_counted_for_the_evaluation_and_freed_with_its_values() {
    for (expression, expected) in [
        // Several times what may be held at once, one after the other.
        ("reduce range(4) as $i (0; . + (\"x\" * 100000000 | length))", "400000000"),
        ("reduce range(30000) as $i (\"\"; . + \"0123456789\") | length", "300000"),
        ("reduce range(30000) as $i ([]; . + [$i]) | length", "30000"),
        ("reduce range(30000) as $i ({}; .[\"\\($i % 100)\"] = $i) | length", "100"),
    ] {
        let mut limits = Limits::own_thread(None);
        limits.time *= 10;
        let jq = Jq::compile(&format!("{expression} == {expected}")).unwrap();
        assert_eq!(jq.is_true(b"{}", &limits), Ok(true), "{expression}");
    }
}

#[test]
fn a_message_with_half_a_character_is_seen() {
    let record = r#"{"data":{"kind":"alarm","title":"cut \ud83d","b":"\udc00\ud83d\ude00\ud83dx\u00e9"}}"#;
    assert_eq!(results(".data.kind", record), r#""alarm""#);
    assert_eq!(results(".data.title, .data.b", record), "\"cut \u{fffd}\" \"\u{fffd}😀\u{fffd}xé\"");
}

#[test]
fn what_is_no_json_is_no_record() {
    for json in [
        "",
        "{",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{,}",
        "{\"a\":1,}",
        "01",
        "-",
        "1.",
        ".5",
        "+1",
        "1e",
        "tru",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"a\nb\"",
        "1 2",
        "[1]]",
        "'a'",
    ] {
        assert!(is_true("true", json).is_err(), "{json}");
    }
    for json in ["[]", "{}", " [ 1 , { \"a\" : [ ] } ] ", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "-0.0e-0", "[[[]]]"] {
        assert_eq!(is_true("true", json), Ok(true), "{json}");
    }
    assert_eq!(results(".", r#"{"b":1,"a":2,"b":3}"#), r#"{"b":3,"a":2}"#);
}

#[test]
fn a_zero_keeps_its_sign() {
    for (expression, expected) in
        [(".", "-0"), ("-0", "-0"), ("[-0, 0, -.]", "[-0,0,0]"), (". == 0", "true"), (". + 0", "0.0"), ("-0.0", "-0.0")]
    {
        assert_eq!(results(expression, "-0"), expected, "{expression}");
    }
}

#[test]
fn functions_of_jq_are_there() {
    let mut wrong = String::new();
    for (expression, expected) in [
        ("[1, \"a\\\"b\", null, true, 1.50] | @csv", r#""1,\"a\"\"b\",,true,1.50""#),
        ("[1, \"a\\tb\\\\c\\nd\"] | @tsv", r#""1\ta\\tb\\\\c\\nd""#),
        ("try ([{}] | @csv) catch .", r#""{} is not valid in a row of csv""#),
        ("try (1 | @tsv) catch .", r#""1 cannot be written as tsv: only an array can""#),
        ("@csv \"x \\([1, 2])\"", r#""x 1,2""#),
        ("\"hello\" | @base32, (@base32 | @base32d)", r#""NBSWY3DP" "hello""#),
        ("\"a\", \"ab\", \"\" | @base32", r#""ME======" "MFRA====" """#),
        ("\"hello\" | @base64, (@base64 | @base64d)", r#""aGVsbG8=" "hello""#),
        ("\"aGVsbG8\", \"/w==\" | @base64d", "\"hello\" \"\u{fffd}\""),
        ("\"<&'\\\">\" | @html", r#""&lt;&amp;&#39;&quot;&gt;""#),
        ("\"ü -_.~/\" | @uri, (@uri | @urid)", r#""%C3%BC%20-_.~%2F" "ü -_.~/""#),
        ("[\"a b\", 1] | @sh", r#""'a b' 1""#),
        ("2 | IN(1, 2), IN(3)", "true false"),
        ("IN(1, 2; 2, 3)", "true"),
        ("[{\"id\": 1}, {\"id\": \"b\"}] | INDEX(.id)", r#"{"1":{"id":1},"b":{"id":"b"}}"#),
        ("INDEX({\"a\": 7}; .a)", r#"{"7":{"a":7}}"#),
        ("[[\"a\", 1]] | JOIN({\"a\": 2}; .[0])", r#"[[["a",1],2]]"#),
        ("{\"a\": [1, {\"b\": 2}]} | [tostream]", r#"[[["a",0],1],[["a",1,"b"],2],[["a",1,"b"]],[["a",1]],[["a"]]]"#),
        ("fromstream({\"a\": [1, {\"b\": 2}]} | tostream)", r#"{"a":[1,{"b":2}]}"#),
        ("[1 | truncate_stream([[0], 1], [[1, 0], 2], [[1, 0]], [[1]])]", "[[[0],2],[[0]]]"),
        (
            "[limit(2; 1, 2, 3)], [skip(1; 1, 2)], first(5, 6), nth(1; 5, 6), (1 | until(. > 9; . * 2))",
            "[1,2] [2] 5 6 16",
        ),
        ("65 | ascii", "\"A\""),
        ("[1, [2]] | toarray, (1 | toarray)", "[1,[2]] [1]"),
        ("\"xax\" | ltrimstr(\"x\"), rtrimstr(\"x\"), trimstr(\"x\"), (1 | ltrimstr(\"x\"))", r#""ax" "xa" "a" 1"#),
        ("{\"a\": 1, \"b\": {\"c\": [1, 2]}} | pick(.b.c[1])", r#"{"b":{"c":[null,2]}}"#),
        ("[1, 2, 3] | del(.[0, 1]), delpaths([[0], [2]])", "[3] [2]"),
        ("{\"a\": 1} | del(.a, .b.c), del(.x[0]?)", r#"{} {"a":1}"#),
        ("null | .a.b = 1, .[2] = 1", r#"{"a":{"b":1}} [null,null,1]"#),
        ("[1] | .[3] = 2, .[-1] = 5, .[1:] = [7, 8], .[:1] |= map(. + 1)", "[1,null,null,2] [5] [1,7,8] [2]"),
        ("[1, 2, 3] | .[1.7], .[-1], .[9], .[1:], .[:-1], .[0.5:1.5]", "2 3 null [2,3] [1,2] [1,2]"),
        ("\"aé😀\" | .[1:], .[:-1], length, utf8bytelength, explode", "\"é😀\" \"aé\" 3 7 [97,233,128512]"),
        ("[97, 233, 55296] | implode", "\"aé\u{fffd}\""),
        ("[{\"k\": \"a\", \"v\": 1}, {\"name\": \"b\", \"value\": null}] | from_entries", r#"{"a":1,"b":null}"#),
        ("{\"a\": 1} | to_entries, with_entries(.value += 1)", r#"[{"key":"a","value":1}] {"a":2}"#),
        ("[1, null, \"a\", true] | join(\"-\")", r#""1--a-true""#),
        ("[] | join(\",\"), add, transpose", r#""" null []"#),
        ("[[1, 2], [3]] | transpose, add, flatten", "[[1,3],[2,null]] [1,2,3] [1,2,3]"),
        (
            "\"a,b\" | split(\",\"), index(\",\"), indices(\"b\"), ascii_upcase, test(\"B\"; \"i\")",
            r#"["a","b"] 1 [2] "A,B" true"#,
        ),
        (
            "\"test\" | test([\"T\", \"i\"]), [scan(\"t\")], sub(\"t\"; \"x\"), gsub(\"t\"; \"x\")",
            r#"true ["t","t"] "xest" "xesx""#,
        ),
        (
            "\"aé1 b22\" | [match(\"(?<w>[a-z])(?:é)?(\\\\d+)\"; \"g\") | .offset, .length, .string, .captures[1].offset]",
            r#"[0,3,"aé1",2,4,3,"b22",5]"#,
        ),
        (
            "\"xyz\" | capture(\"(?<a>x)(?<n>q)?\"), [match(\"(q)?x\").captures[0].string]",
            r#"{"a":"x","n":null} [null]"#,
        ),
        (
            "\"abc\" | gsub(\"\"; \"-\"), [splits(\"b\")], gsub(\"(?<l>[a-z])\"; \"\\(.l)\\(.l)\")",
            r#""-a-b-c-" ["a","c"] "aabbcc""#,
        ),
        ("\"a1b\" | split(\"[0-9]\"; null), ascii_downcase, @json", r#"["a","b"] "a1b" "\"a1b\"""#),
        ("\"12\", \"1.50\", \"-0\", 3 | tonumber", "12 1.50 -0 3"),
        ("try (\"x1\" | tonumber) catch .", r#""\"x1\" cannot be parsed as a number""#),
        ("\"true\" | toboolean", "true"),
        ("\"[1,{\\\"a\\\":2}]\" | fromjson", r#"[1,{"a":2}]"#),
        (
            "\"abc\" * 2, \"abc\" * 0, \"a\" * 0.5, {\"a\": {\"b\": 1}} * {\"a\": {\"c\": 2}}",
            r#""abcabc" null "a" {"a":{"b":1,"c":2}}"#,
        ),
        ("[1, 2, 1] - [1], 7 % 3, -7 % 3, 5 / 2, 6 / 2", "[2] 1 -1 2.5 3.0"),
        (
            "9223372036854775807 + 1, 4611686018427387904 * 4, 170141183460469231731687303715884105727 + 1",
            "9223372036854775808 18446744073709551616 1.7014118346046923e+38",
        ),
        ("[nan, 1, null, \"a\", [], {}, true, false] | sort", r#"[null,false,true,null,1,"a",[],{}]"#),
        ("nan < nan, nan == nan, (nan | isnan), (1 | isnan)", "true false true false"),
        ("[{\"a\": 2}, {\"a\": 1}] | sort_by(.a), group_by(.a), min_by(.a), unique_by(.a) | length", "2 2 1 2"),
        (
            "{\"b\": 1, \"a\": 2} | keys, keys_unsorted, has(\"a\"), length, map_values(. + 1)",
            r#"["a","b"] ["b","a"] true 2 {"b":2,"a":3}"#,
        ),
        ("\"foobar\" | contains(\"bar\"), ([\"foobar\"] | contains([\"bar\"])), inside(\"xfoobar\")", "true true true"),
        ("[1, 3] | bsearch(3), bsearch(2), (.[1] as $x | any(. == $x)), all(. > 0)", "1 -2 true true"),
        ("{\"a\": [1, {\"b\": 2}]} | [paths], [leaf_paths] | length", "4 2"),
        (
            "{\"a\": [1, 2]} | getpath([\"a\", 1]), [paths(type == \"number\")], (try error(\"x\") catch .)",
            r#"2 [["a",0],["a",1]] "x""#,
        ),
        (
            "0 | todate, (\"1970-01-01T00:00:01Z\" | fromdate), strftime(\"%Y\"), gmtime, (gmtime | mktime)",
            r#""1970-01-01T00:00:00Z" 1 "1970" [1970,0,1,0,0,0,4,0] 0"#,
        ),
        (
            "[3.7, -3.7 | floor, ceil, round, fabs], (16 | sqrt, pow(.; 2), log2), (-5 | abs)",
            "[3,4,4,3.7,-4,-3,-4,3.7] 4.0 256.0 4.0 5",
        ),
        ("label $out | 1, break $out, 2", "1"),
        ("[foreach range(4) as $i (0; . + $i; [$i, .])] | last, (reduce .[] as [$a, $b] (0; . + $b))", "[3,6] 10"),
        ("{\"a\": 1} as {a: $x} | $x, (try ([] | .a) catch \"no\"), ([] | .a?), \"end\"", r#"1 "no" "end""#),
        ("[[1, 2], [3, 4]] | [combinations]", "[[1,3],[1,4],[2,3],[2,4]]"),
        ("[1, [2]] | walk(if type == \"number\" then . + 1 else . end)", "[2,[3]]"),
        ("getpath([\"a\", \"b\"]), ([paths] | length)", "null 0"),
        ("[.[]?] | isvalid(error), isvalid(1), have_literal_numbers", "false true true"),
    ] {
        let given = results(expression, "{}");
        if given != expected {
            wrong.push_str(&format!("{expression}\n   gives {given}\n  wanted {expected}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
