//! Answers with calls, whole and cut everywhere.

use super::*;
use proptest::prelude::*;

fn tools() -> Vec<Tool> {
    let parameters = [("days", false), ("city", true)].map(|(name, is_text)| (name.to_owned(), is_text));
    vec![Tool { name: "weather".to_owned(), parameters: parameters.into() }]
}

/// All parts of a text that arrives in pieces of so many characters.
fn parts(format: CallFormat, text: &str, size: usize) -> Vec<CallPart> {
    let (mut parser, characters) = (CallParser::new(tools(), format), text.chars().collect::<Vec<_>>());
    let mut parts = Vec::new();
    for piece in characters.chunks(size) {
        parts.extend(parser.push(&piece.iter().collect::<String>()));
    }
    parts.extend(parser.finish());
    joined(parts)
}

fn content(text: &str) -> CallPart {
    CallPart::Content(text.to_owned())
}

fn call(arguments: &str) -> Vec<CallPart> {
    vec![CallPart::Name("weather".to_owned()), CallPart::Arguments(arguments.to_owned()), CallPart::End]
}

fn check(format: CallFormat, text: &str, expected: &[CallPart]) {
    for size in [1, 2, 3, 7, 1000] {
        assert_eq!(parts(format, text, size), expected, "{text}, in pieces of {size}");
    }
}

const JSON: &str =
    "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"}B\\\"\", \"a\": [1, null]}}\n</tool_call>";
const JSON_ARGUMENTS: &str = "{\"city\": \"}B\\\"\", \"a\": [1, null]}";
const MARKED: &str = "<tool_call>\n<function=weather>\n<parameter=days>\n3\n</parameter>\n\
                      <parameter=city>\n12 \"<a>\"\n</parameter>\n</function>\n</tool_call>";
const MARKED_ARGUMENTS: &str = "{\"days\": 3, \"city\": \"12 \\\"<a>\\\"\"}";

#[test]
fn calls_between_tags_are_told_from_content() {
    let tagged = CallFormat::Tagged;
    check(tagged, "a < b <tool", &[content("a < b <tool")]);
    check(tagged, JSON, &call(JSON_ARGUMENTS));
    check(tagged, &JSON[..JSON.len() - 13], &call(JSON_ARGUMENTS));
    check(tagged, MARKED, &call(MARKED_ARGUMENTS));
    let both = format!("So: {JSON}\n{MARKED}\n!");
    check(
        tagged,
        &both,
        &[vec![content("So: ")], call(JSON_ARGUMENTS), call(MARKED_ARGUMENTS), vec![content("!")]].concat(),
    );
    for (text, arguments) in [
        ("<tool_call>{\"name\": \"weather\"}</tool_call>", "{}"),
        ("<tool_call>{\"name\": \"weather\", \"arguments\": null}</tool_call>", "{}"),
        (
            "<tool_call>{\"id\": [1], \"parameters\": {\"a\":1}, \"name\": \"weather\", \"x\": 1}</tool_call>",
            "{\"a\":1}",
        ),
        ("<tool_call>{\"name\": \"weather\", \"arguments\": \"{\\\"a\\\": 1}\"}</tool_call>", "{\"a\": 1}"),
        ("<tool_call><function=weather></function></tool_call>", "{}"),
        ("<tool_call><function=weather><parameter=days>x</parameter></function>", "{\"days\": \"x\"}"),
    ] {
        check(tagged, text, &call(arguments));
    }
}

#[test]
fn what_is_no_call_is_content() {
    for text in [
        "<tool_call>nonsense</tool_call>",
        "<tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call>",
        "<tool_call>{\"name\": \"weather\", \"arguments\": 3}</tool_call>",
        "<tool_call>{\"name\": \"weather\", \"arguments\": \"x\"}</tool_call>",
        "<tool_call>{\"arguments\": {}}</tool_call>",
        "<tool_call>{\"name\": \"weather\", \"arg",
        "<tool_call><function=other><parameter=days>3</parameter></function></tool_call>",
        "<tool_call><func",
        "<tool_cal",
        "</tool_call>",
    ] {
        check(CallFormat::Tagged, text, &[content(text)]);
    }
    let twice = format!("<tool_call> is a tag: {JSON}");
    check(CallFormat::Tagged, &twice, &[vec![content("<tool_call> is a tag: ")], call(JSON_ARGUMENTS)].concat());
}

#[test]
fn a_call_that_goes_wrong_behind_its_name_stands_as_far_as_it_goes() {
    let name = CallPart::Name("weather".to_owned());
    let arguments = |text: &str| CallPart::Arguments(text.to_owned());
    let cut = "<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"Bo";
    check(CallFormat::Tagged, cut, &[name.clone(), arguments("{\"city\": \"Bo"), CallPart::End]);
    let wrong = "<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": ]}";
    check(CallFormat::Tagged, wrong, &[name.clone(), arguments("{\"city\": "), CallPart::End, content("]}")]);
    let marked = "<tool_call><function=weather><parameter=days>3</parameter>oh</function>";
    check(CallFormat::Tagged, marked, &[name, arguments("{\"days\": 3"), CallPart::End, content("oh</function>")]);
}

#[test]
fn calls_of_llama_are_the_whole_answer() {
    let bare = CallFormat::Bare;
    let one = "{\"name\": \"weather\", \"parameters\": {\"city\": \"Bonn\"}}";
    check(bare, one, &call("{\"city\": \"Bonn\"}"));
    check(
        bare,
        &format!("\n<|python_tag|>{one}; {one}\n"),
        &[call("{\"city\": \"Bonn\"}"), call("{\"city\": \"Bonn\"}")].concat(),
    );
    check(bare, &format!("Yes: {one}"), &[content(&format!("Yes: {one}"))]);
    check(bare, "{\"a\": 1} is JSON", &[content("{\"a\": 1} is JSON")]);
    check(bare, "<|pyth", &[content("<|pyth")]);
    check(bare, &format!("{one} done"), &[call("{\"city\": \"Bonn\"}"), vec![content("done")]].concat());
}

#[test]
fn no_more_is_held_back_than_may_be_a_call() {
    let mut parser = CallParser::new(tools(), CallFormat::Tagged);
    assert_eq!(parser.push("ab<tool"), [content("ab")]);
    assert_eq!(parser.push("s and <"), [content("<tools and ")]);
    assert_eq!(parser.finish(), [content("<")]);
    let mut parser = CallParser::new(tools(), CallFormat::Tagged);
    assert_eq!(parser.push("<tool_call>{\"name\": \"weather\", \"arguments\": "), []);
    let begun = [CallPart::Name("weather".to_owned()), CallPart::Arguments("{\"ci".to_owned())];
    assert_eq!(parser.push("{\"ci"), begun);
    assert_eq!(parser.push("ty\": 1"), [CallPart::Arguments("ty\": 1".to_owned())]);
    assert_eq!(parser.push("}}</tool_call> \n"), [CallPart::Arguments("}".to_owned()), CallPart::End]);
    assert_eq!(parser.push(" x"), [content("x")]);
}

/// Texts of calls, parts of calls and what is around them.
fn texts() -> impl Strategy<Value = String> {
    const PARTS: [&str; 22] = [
        "<tool_call>",
        "</tool_call>",
        "{\"name\": \"weather\", ",
        "\"arguments\": ",
        "{\"city\": \"B\"}",
        "}",
        "{",
        "\"",
        "<function=weather>",
        "</function>",
        "<parameter=days>",
        "</parameter>",
        "3",
        ";",
        " ",
        "\n",
        "<",
        "é",
        "[",
        JSON,
        MARKED,
        "{\"name\": \"weather\"}",
    ];
    prop::collection::vec(prop::sample::select(&PARTS[..]), 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    /// Wherever a text is cut it has the same parts; a call is a name, arguments and an end; a text without a name is
    /// content as it is.
    #[test]
    fn cuts_do_not_matter(text in texts(), sizes in prop::collection::vec(1usize..6, 1..30), bare: bool) {
        let format = if bare { CallFormat::Bare } else { CallFormat::Tagged };
        let whole = parts(format, &text, usize::MAX);
        let (mut parser, mut cut) = (CallParser::new(tools(), format), Vec::new());
        let (mut sizes, mut piece) = (sizes.iter().cycle(), String::new());
        let mut left = *sizes.next().unwrap();
        for character in text.chars() {
            piece.push(character);
            left -= 1;
            if left == 0 {
                cut.extend(parser.push(&take(&mut piece)));
                left = *sizes.next().unwrap();
            }
        }
        cut.extend(parser.push(&piece));
        cut.extend(parser.finish());
        prop_assert_eq!(joined(cut), whole.clone());
        let mut is_open = false;
        for part in &whole {
            match part {
                CallPart::Name(_) => prop_assert!(!std::mem::replace(&mut is_open, true)),
                CallPart::End => prop_assert!(std::mem::replace(&mut is_open, false)),
                CallPart::Arguments(_) => prop_assert!(is_open),
                CallPart::Content(text) => prop_assert!(!is_open && !text.is_empty()),
            }
        }
        prop_assert!(!is_open);
        if !whole.iter().any(|part| matches!(part, CallPart::Name(_))) {
            let text_of = |part: &CallPart| match part {
                CallPart::Content(text) => text.clone(),
                _ => String::new(),
            };
            let said: String = whole.iter().map(text_of).collect();
            let expected = if bare { text.strip_prefix("<|python_tag|>").unwrap_or(&text) } else { &text };
            prop_assert_eq!(said, expected);
        }
    }
}
