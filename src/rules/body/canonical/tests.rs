use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use proptest::prelude::*;

use super::*;

fn text_of(raw: &str) -> String {
    match canonical(raw.as_bytes()) {
        Ok(text) => String::from_utf8(text.into_owned()).unwrap(),
        Err(error) => panic!("{raw}: {error}"),
    }
}

fn kind_of(raw: impl AsRef<[u8]>) -> BodyErrorKind {
    canonical(raw.as_ref()).unwrap_err().kind
}

#[test]
fn what_is_canonical_is_borrowed() {
    for text in [
        "{}",
        r#"{"a":[1,-1.5,1e+21,1e-7,true,false,null,"x"],"b":{"0":1,"7":2,"4294967294":3,"x":{},"":[]}}"#,
        r#"{"a":"\"\\\b\f\n\r\t\u0000\u001f/é🎁 "}"#,
    ] {
        assert!(
            matches!(canonical(text.as_bytes()), Ok(Cow::Borrowed(same)) if same == text.as_bytes()),
            "{text}"
        );
        let framed = format!("\r\n {text}\t\n");
        assert!(matches!(canonical(framed.as_bytes()), Ok(Cow::Borrowed(same)) if same == text.as_bytes()));
    }
}

#[test]
fn blanks_between_tokens_go_and_within_strings_stay() {
    assert_eq!(
        text_of(" { \"a b\" :\t[ 1 ,\n2 , { } , [ ] ] , \"c\":\" \" } "),
        r#"{"a b":[1,2,{},[]],"c":" "}"#
    );
}

#[test]
fn numbers_take_the_form_of_ecmascript() {
    for (from, to) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("-0e7", "0"),
        ("1.0", "1"),
        ("1.50", "1.5"),
        ("1e2", "100"),
        ("1E+2", "100"),
        ("12e-1", "1.2"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("1e21", "1e+21"),
        ("123456789012345680000.0", "123456789012345680000"),
        ("5e-324", "5e-324"),
        ("1e-400", "0"),
        ("0.1000000000000000055", "0.1"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        // Digit for digit, the documented exception.
        ("9007199254740993", "9007199254740993"),
        ("-12345678901234567890123", "-12345678901234567890123"),
    ] {
        assert_eq!(text_of(&format!(r#"{{"n":{from}}}"#)), format!(r#"{{"n":{to}}}"#));
    }
    assert_eq!(kind_of(r#"{"n":1e400}"#), BodyErrorKind::NumberTooLarge);
    assert_eq!(kind_of(r#"{"n":-1e309}"#), BodyErrorKind::NumberTooLarge);
    assert_eq!(kind_of(format!(r#"{{"n":1{}}}"#, "0".repeat(309))), BodyErrorKind::NumberTooLarge);
    let largest = format!(r#"{{"n":1{}}}"#, "0".repeat(308));
    assert_eq!(text_of(&largest), largest);
}

#[test]
fn strings_are_escaped_as_json_stringify_does() {
    assert_eq!(
        text_of(
            r#"{"s":"\u0041\/\u0022\u005c\u0008\u0009\u000a\u000c\u000d\u000B\u001F\u007f\u00e9\u2028\ud83c\uDF81"}"#
        ),
        "{\"s\":\"A/\\\"\\\\\\b\\t\\n\\f\\r\\u000b\\u001f\u{7f}é\u{2028}🎁\"}"
    );
}

#[test]
fn lone_surrogates_are_refused() {
    for lone in
        [r"\ud83d", r"\udc00", r"\ud83dx", r"\ud83d\n", r"\ud83d\u0041", r"\ud83d\ud83d\udc00", r"\uDFFF"]
    {
        assert_eq!(kind_of(format!(r#"{{"s":"{lone}"}}"#)), BodyErrorKind::LoneSurrogate, "{lone}");
        assert_eq!(kind_of(format!(r#"{{"{lone}":1}}"#)), BodyErrorKind::LoneSurrogate, "{lone}");
    }
}

#[test]
fn keys_stand_in_the_order_that_javascript_keeps() {
    for (from, to) in [
        (r#"{"b":1,"2":2,"a":3,"10":4,"1":5}"#, r#"{"1":5,"2":2,"10":4,"b":1,"a":3}"#),
        (r#"{"x":1,"4294967295":2,"4294967294":3}"#, r#"{"4294967294":3,"x":1,"4294967295":2}"#),
        (
            r#"{"x":1,"01":2,"-1":3,"1.5":4,"":5,"99999999999":6}"#,
            r#"{"x":1,"01":2,"-1":3,"1.5":4,"":5,"99999999999":6}"#,
        ),
        (r#"{"a":1,"b":2,"a":[3]}"#, r#"{"a":[3],"b":2}"#),
        (r#"{"1":"x","0":{"1":1,"0":0},"1":"y"}"#, r#"{"0":{"0":0,"1":1},"1":"y"}"#),
        (r#"{"a":1,"\u0061":2}"#, r#"{"a":2}"#),
        (r#"{"z":1,"\u0031":2}"#, r#"{"1":2,"z":1}"#),
        (r#"{"__proto__":1,"a":2,"__proto__":{"0":3}}"#, r#"{"__proto__":{"0":3},"a":2}"#),
        (r#"[{"b":1,"0":2}]"#, r#"[{"0":2,"b":1}]"#),
    ] {
        assert_eq!(text_of(&format!(r#"{{"o":{from}}}"#)), format!(r#"{{"o":{to}}}"#));
    }
}

#[test]
fn doubled_keys_are_found_among_many() {
    let members: Vec<_> = (0..5_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
    let kept = format!("{{{}}}", members.join(","));
    assert!(matches!(canonical(kept.as_bytes()), Ok(Cow::Borrowed(_))));
    let doubled = format!(r#"{{{},"k7":"last"}}"#, members.join(","));
    assert_eq!(text_of(&doubled), kept.replace(r#""k7":7,"#, r#""k7":"last","#));
}

#[test]
fn sixty_four_levels_are_the_deepest() {
    let nested = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert_eq!(text_of(&nested(64)), nested(64));
    assert_eq!(kind_of(nested(65)), BodyErrorKind::TooDeep);
    assert_eq!(kind_of("{\"a\":".repeat(1_000_000)), BodyErrorKind::TooDeep);
}

#[test]
fn only_an_object_is_a_body() {
    for text in ["[]", "1", "\"{}\"", "null", " true "] {
        assert_eq!(kind_of(text), BodyErrorKind::NotAnObject, "{text}");
    }
    assert_eq!(kind_of("[1"), BodyErrorKind::Ends, "what is not even JSON is told first");
}

#[test]
fn an_error_says_what_and_where() {
    let error = canonical("{\n \"é\": 1,\n \"è\": tru }".as_bytes()).unwrap_err();
    assert_eq!((error.line, error.column, error.offset), (3, 10, 22));
    assert_eq!(error.to_string(), "line 3, column 10: expected true, false or null");
    for (text, kind) in [
        ("", BodyErrorKind::Ends),
        ("{", BodyErrorKind::Ends),
        ("{\"a\"", BodyErrorKind::Ends),
        ("{\"a\":\"\\u12", BodyErrorKind::Ends),
        ("{} {}", BodyErrorKind::Expected("nothing more")),
        ("{\"a\":1,}", BodyErrorKind::Expected("a key in quotes")),
        ("{a:1}", BodyErrorKind::Expected("a key in quotes")),
        ("{\"a\" 1}", BodyErrorKind::Expected("a colon")),
        ("{\"a\":01}", BodyErrorKind::Expected("a comma or the object's end")),
        ("{\"a\":+1}", BodyErrorKind::Expected("a value")),
        ("{\"a\":1.}", BodyErrorKind::Expected("a digit")),
        ("{\"a\":[1,]}", BodyErrorKind::Expected("a value")),
        ("{\"a\":'x'}", BodyErrorKind::Expected("a value")),
        ("\u{feff}{}", BodyErrorKind::Expected("a value")),
        ("{\"a\":\"\t\"}", BodyErrorKind::Control),
    ] {
        assert_eq!(kind_of(text), kind, "{text}");
    }
    assert_eq!(kind_of(b"{\"a\":\"\xff\"}"), BodyErrorKind::Encoding);
    assert_eq!(kind_of(b"{\"a\":\"\xed\xa0\x80\"}"), BodyErrorKind::Encoding, "a surrogate in UTF-8");
}

/// JavaScript's own word on a text, from one Node for all cases.
struct Oracle {
    node: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Self {
        let script = "require('readline').createInterface({input: process.stdin}).on('line', line => {
            let answer;
            try { answer = JSON.stringify(JSON.parse(JSON.parse(line))) } catch { answer = 'refused' }
            process.stdout.write(JSON.stringify(answer) + '\\n');
        })";
        let mut node = Command::new("node")
            .args(["-e", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test asks Node what JavaScript makes of JSON: install node");
        let (to, from) = (node.stdin.take().unwrap(), BufReader::new(node.stdout.take().unwrap()));
        Self { node, to, from }
    }

    /// `JSON.stringify(JSON.parse(text))`; none where it does not parse.
    fn ask(&mut self, text: &str) -> Option<String> {
        writeln!(self.to, "{}", serde_json::to_string(text).unwrap()).unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        let answer: String = serde_json::from_str(&line).unwrap();
        (answer != "refused").then_some(answer)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

/// Up to here, every integer is a double.
const SAFE: i64 = 1 << 53;

fn has_exact_integers(text: &str) -> bool {
    let numbers = text.split(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c));
    let integers = numbers.map(|number| number.trim_start_matches('-'));
    integers
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .all(|digits| digits.parse::<i64>().is_ok_and(|integer| integer <= SAFE))
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just(""), 1 => Just(" "), 1 => Just("\n\t"), 1 => Just("\r\n")]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        (-SAFE..=SAFE).prop_map(|n| n.to_string()),
        (-20i64..20).prop_map(|n| n.to_string()),
        "-?(0|[1-9][0-9]{0,20})\\.[0-9]{1,20}",
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?[eE][+-]?[0-9]{1,2}",
        "-?[1-9]\\.[0-9]{1,17}e-3[0-9]{2}",
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        Just("-0".to_owned()),
    ]
}

fn character() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -!#-\\[\\]-~]",
        1 => any::<char>().prop_filter("raw", |c| *c >= ' ' && *c != '"' && *c != '\\').prop_map(String::from),
        1 => "\\\\[\"\\\\/bfnrt]",
        1 => any::<char>().prop_map(|c| {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }),
        1 => "\\\\u00[0-7][0-9a-fA-F]",
    ]
}

fn string() -> impl Strategy<Value = String> {
    prop::collection::vec(character(), 0..8).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "\"[a-c]{0,2}\"",
        "\"[0-9]{1,2}\"",
        "\"42949672(9[3-7]|0[0-9]|100)\"",
        "\"(__proto__|constructor|toString|length|-1|1\\.5|01|\\\\u0061|\\\\u0031)\"",
        string(),
    ]
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("null".to_owned()),
        number(),
        string()
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        let item =
            (blank(), inner.clone(), blank()).prop_map(|(a, value, b)| format!("{a}{value}{b}")).boxed();
        prop_oneof![
            prop::collection::vec(item.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            object(item, 6),
        ]
    })
}

fn object(item: impl Strategy<Value = String>, members_max: usize) -> impl Strategy<Value = String> {
    let member =
        (blank(), key(), blank(), item).prop_map(|(a, key, b, value)| format!("{a}{key}{b}:{value}"));
    prop::collection::vec(member, 0..=members_max).prop_map(|members| format!("{{{}}}", members.join(",")))
}

fn check(oracle: &mut Oracle, text: &str) -> Result<(), TestCaseError> {
    let theirs = oracle.ask(text);
    match canonical(text.as_bytes()) {
        Ok(ours) => {
            let ours = std::str::from_utf8(&ours).unwrap();
            // Integers past 2^53, which a change can make, are the documented exception.
            if has_exact_integers(text) {
                prop_assert_eq!(Some(ours), theirs.as_deref(), "{}", text);
            } else {
                prop_assert!(theirs.is_some(), "{}", text);
            }
            prop_assert!(
                matches!(canonical(ours.as_bytes()), Ok(Cow::Borrowed(_))),
                "not a fixed point: {}",
                ours
            );
        }
        Err(BodyError {
            kind: BodyErrorKind::Ends | BodyErrorKind::Expected(_) | BodyErrorKind::Control,
            ..
        }) => {
            prop_assert_eq!(theirs, None, "{}", text);
        }
        Err(BodyError { kind: BodyErrorKind::NotAnObject, .. }) => prop_assert!(theirs.is_some(), "{}", text),
        // JavaScript would take these, but for what a later fault in the text may be.
        Err(BodyError { kind: BodyErrorKind::NumberTooLarge | BodyErrorKind::LoneSurrogate, .. }) => {}
        Err(error) => return Err(TestCaseError::fail(format!("{text}: {error}"))),
    }
    Ok(())
}

#[test]
fn the_canonical_form_is_what_javascript_makes_of_a_text() {
    let oracle = std::cell::RefCell::new(Oracle::start());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&object(json(), 20), |text| check(&mut oracle.borrow_mut(), &text));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn a_text_is_refused_exactly_when_javascript_refuses_it() {
    let oracle = std::cell::RefCell::new(Oracle::start());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    // A good text with one character taken out, put in or doubled.
    let broken = (
        object(json(), 20),
        any::<prop::sample::Index>(),
        "[\\]\\[{}\",:\\\\0-9eE.+tn \u{1}/-]{0,2}",
        0..3usize,
    )
        .prop_map(|(text, at, insert, removed)| {
            let characters: Vec<char> = text.chars().collect();
            let at = at.index(characters.len());
            let rest = characters[at..].iter().skip(removed);
            characters[..at].iter().copied().chain(insert.chars()).chain(rest.copied()).collect::<String>()
        });
    let outcome = runner.run(&broken, |text| check(&mut oracle.borrow_mut(), &text));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
