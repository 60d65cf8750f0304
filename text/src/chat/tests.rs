//! What templates may do, what they get from files, and that whatever they do ends. What HF transformers makes of
//! templates is in `probes.rs` and in `tests/chat.rs` of the workspace.

use super::environment::strftime;
use super::*;
use crate::tokenizer::{Tokenizer, TokenizerOptions, VocabularyData};
use jiff::Timestamp;
use trine_loader::{GgufWriter, StringArray, Value as Metadatum};

fn render(source: &str, messages: &[Message]) -> Result<String, ChatError> {
    ChatTemplate::new(source, "<s>", "</s>").unwrap().render(messages, true)
}

#[test]
fn deep_templates_are_read_or_refused_but_never_overflow() {
    let longest = |piece: &str| piece.repeat((MAX_TEMPLATE - 16) / piece.len());
    let sources = [
        format!("{{{{ {}1 }}}}", longest("-")),
        format!("{{{{ 1{} }}}}", longest("+1")),
        format!("{{{{ {}1 }}}}", longest("not ")),
        format!("{{{{ a{} }}}}", longest(".b")),
        format!("{{{{ {} }}}}", longest("[")),
        longest("{% if 1 %}"),
    ];
    for source in sources {
        let template = ChatTemplate::new(&source, "<s>", "</s>");
        drop(template.and_then(|template| template.render(&[], true)));
    }
    let error = ChatTemplate::new(&"a".repeat(MAX_TEMPLATE + 1), "", "").unwrap_err();
    assert!(error.to_string().contains("65537 bytes, more than 65536"), "{error}");
}

#[test]
fn a_refused_conversation_says_why() {
    let source = "{% if messages[0].role != 'user' %}{{ raise_exception('begin with a user') }}{% endif %}";
    let error = render(source, &[Message::new("assistant", "Hi")]).unwrap_err().to_string();
    assert!(error.starts_with("tokenizer.chat_template cannot write this conversation"), "{error}");
    assert!(error.contains("begin with a user"), "{error}");
    assert_eq!(render(source, &[Message::new("user", "Hi")]).unwrap(), "");
}

#[test]
fn a_broken_template_is_a_syntax_error_and_an_endless_one_ends() {
    let error = ChatTemplate::new("{% for m in messages %}", "", "").unwrap_err().to_string();
    assert!(error.starts_with("tokenizer.chat_template is not a valid template: "), "{error}");
    let digits = "{% for a in range(9999) %}{% for b in range(9999) %}{% set c = a %}{% endfor %}{% endfor %}";
    let error = render(digits, &[]).unwrap_err().to_string();
    assert!(error.contains("fuel"), "{error}");
}

#[test]
fn dates_are_written_in_english_and_utc() {
    let time: Timestamp = "2024-02-05T23:59:58Z".parse().unwrap();
    assert_eq!(strftime("%d %b %Y", time).unwrap(), "05 Feb 2024");
    assert_eq!(strftime("%A, %B %-d, %H:%M", time).unwrap(), "Monday, February 5, 23:59");
    assert!(strftime("%", time).is_err());
    let year: u32 = render("{{ strftime_now('%Y') }}", &[]).unwrap().parse().unwrap();
    assert!((2024..3000).contains(&year));
}

#[test]
fn a_file_gives_its_template_and_the_texts_of_its_tokens() {
    let file = |template: Option<&str>| {
        let mut tokens = StringArray::default();
        ["a", "<begin>", "<end>"].iter().for_each(|token| tokens.push(token));
        let mut writer = GgufWriter::new();
        writer.set("tokenizer.ggml.model", "gpt2").unwrap();
        writer.set("tokenizer.ggml.pre", "gpt-2").unwrap();
        writer.set("tokenizer.ggml.tokens", tokens).unwrap();
        writer.set("tokenizer.ggml.merges", StringArray::default()).unwrap();
        writer.set("tokenizer.ggml.bos_token_id", Metadatum::U32(1)).unwrap();
        writer.set("tokenizer.ggml.eos_token_id", Metadatum::U32(2)).unwrap();
        if let Some(template) = template {
            writer.set(KEY, template).unwrap();
        }
        let mut bytes = Vec::new();
        writer.write_to(&mut bytes).unwrap();
        let gguf = Gguf::from_bytes("chat.gguf", bytes.into()).unwrap();
        let tokenizer = Tokenizer::from_gguf(&gguf, &TokenizerOptions::default()).unwrap();
        ChatTemplate::from_gguf(&gguf, &tokenizer)
    };
    let template = file(Some("{{ bos_token }}{{ messages[0]['content'] }}{{ eos_token }}")).unwrap();
    assert_eq!(template.render(&[Message::new("user", "Hi")], false).unwrap(), "<begin>Hi<end>");
    let error = file(None).unwrap_err().to_string();
    assert!(error.starts_with("chat.gguf: the file has no tokenizer.chat_template"), "{error}");
}

/// What templates can do to a program that runs them; each is a shape of which there are many.
const HOSTILE: [&str; 41] = [
    "{{ '%*d' % (999999999, 1) }}",
    // Values that hold themselves, and what reads them.
    "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
    "{% set ns = namespace() %}{% set ns.a = [{'x': ns}] %}{{ ns == ns }}{{ ns | tojson }}",
    "{% set ns = namespace() %}{% set other = namespace(ns=ns) %}{% set ns.a = other %}{{ ns }}",
    "{% set ns = namespace() %}{% set ns.a, b = ns, 1 %}{{ ns }}",
    // Values that share their parts, and what does not see that they do.
    "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(40) %}{% set ns.a = [ns.a, ns.a] %}\
     {% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
    "{% set ns = namespace(a=[1]) %}{% for i in range(40) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ ns.a }}",
    "{% set ns = namespace(a=[1]) %}{% for i in range(40) %}{% set ns.a = {'a': ns.a, 'b': ns.a} %}{% endfor %}\
     {{ ns.a | tojson(indent=2) }}",
    "{% set ns = namespace(a=1) %}{% for i in range(40) %}{% set ns.a = dict(a=ns.a, b=ns.a) %}{% endfor %}{{ ns.a }}",
    "{% set ns = namespace(a=[1]) %}{% for i in range(40) %}{% set ns.a = [ns.a, ns.a] | list %}{% endfor %}{{ ns.a }}",
    // Lists that are made when they are read.
    "{% set ns = namespace(a=[1, 2]) %}{% for i in range(40) %}{% set ns.a = ns.a + ns.a %}{% endfor %}\
     {{ ns.a | length }}",
    "{% set ns = namespace(a=[1, 2]) %}{% for i in range(40) %}{% set ns.a = (ns.a + ns.a)[:] %}{% endfor %}{{ ns.a }}",
    "{{ ([1] * 9999999) | length }}{{ [[0] * 99999] * 99999 }}",
    // Bytes that a filter, a method or an operator makes.
    "{{ range(9999) | list | tojson(indent=9999999) | length }}",
    "{{ [1] | tojson(separators=('x' * 9999999, ':')) }}",
    "{{ '{:>999999999}'.format('x') | length }}",
    "{{ '%999999999d' | format(1) | length }}{{ '%*d' % (999999999, 1) }}",
    "{{ '%999999999d' % 1 }}",
    "{{ ('{0:9999}' * 1000000).format('x') | length }}",
    "{{ ('{0}' * 100000).format('x' * 999999) | length }}",
    "{{ ('{0[a]}' * 100000).format({'a': 'x' * 999999}) | length }}",
    "{{ ('%(a)s' * 100000) % {'a': 'x' * 999999} }}",
    "{{ ('%(a)s' * 100000) | format(a='x' * 999999) }}",
    "{{ ['%(a)s' * 100000] | map('format', {'a': 'x' * 999999}) | list | length }}",
    "{{ ('%9999s' * 100000) % ('x',) }}{{ ('%.9999f' * 100000) | format(1.5) }}",
    "{{ ('\\n' * 99999) | wordwrap(9, wrapstring='x' * 99999) | length }}",
    "{{ 'x'.center(999999999) }}",
    "{{ 'x'.ljust(999999999) }}{{ 'x'.zfill(9999999999) }}",
    "{{ '\t'.expandtabs(999999999) }}{{ ('\t' * 9999).expandtabs(99999) }}",
    "{{ ('x' * 99999).replace('x', 'y' * 99999) | length }}{{ ('x' * 99999) | replace('x', 'y' * 99999) }}",
    "{{ ('a\\n' * 99999) | indent(99999) }}",
    "{% set ns = namespace(a='x') %}{% for i in range(40) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}\
     {{ ns.a | length }}",
    // Cyclers, which hold values that are not seen in them.
    "{% set ns = namespace() %}{% set ns.a = cycler(ns) %}{{ ns }}",
    "{% set ns = namespace(a=1) %}{% for i in range(40) %}{% set ns.a = cycler(ns.a, ns.a) %}{% endfor %}{{ ns.a }}",
    "{% set ns = namespace(a=1) %}{% for i in range(9999) %}{% set ns.a = cycler(ns.a) %}{% endfor %}{{ ns.a }}",
    // Work on bytes.
    "{{ ('a' * 10000000) | wordwrap(1) | length }}{{ ('a ' * 5000000) | wordwrap(1) | length }}",
    "{% set a = 'x' * 999999 %}{% set b = 'y' * 999999 ~ 'x' %}{% for i in range(9999) %}\
     {% if a.strip(b) or a.lstrip(b) or a.rstrip(b) or a | trim(b) %}{% endif %}{% endfor %}",
    "{% set a = 'x' * 999999 %}{% set b = 'x' * 999999 %}{% for i in range(9999) %}{% for j in range(99) %}\
     {% if a == b %}{% endif %}{% endfor %}{% endfor %}",
    "{% set a = 'x' * 999999 %}{% for i in range(9999) %}{% for j in range(99) %}{% if a.find('y') > 1 %}{% endif %}\
     {% endfor %}{% endfor %}",
    "{% set a = 'é' * 499999 %}{% for i in range(9999) %}{% for j in range(99) %}{% set c = a[-1] %}\
     {% set d = a[9:8] %}{% endfor %}{% endfor %}",
    "{% set a = [['x' * 9999] * 9999] %}{% for i in range(9999) %}\
     {% if a | sort | length == 2 or a in [a] %}{% endif %}{% endfor %}",
];

#[test]
fn hostile_templates_end_in_an_error() {
    for source in HOSTILE {
        let error = render(source, &[Message::new("user", "hi")]).expect_err(source).to_string();
        let limits = ["ran out of fuel", "holds a namespace", "more than", "longer than", "two short texts"];
        assert!(limits.iter().any(|limit| error.contains(limit)), "{source}: {error}");
        assert!(!error.contains('\n') && error.len() < 400, "{source}: {error}");
    }
}

#[test]
fn a_check_refuses_what_no_conversation_makes_sound() {
    let check = |source| ChatTemplate::new(source, "<s>", "</s>").unwrap().check();
    for (source, limit) in [
        ("{% set ns = namespace() %}{% set ns.a = ns %}", "holds a namespace"),
        ("{{ range(9999) | list | tojson(indent=9999999) }}", "more than 64"),
        ("{% for i in range(9999) %}{% for j in range(9999) %}{% set a = 1 %}{% endfor %}{% endfor %}", "fuel"),
        ("{{ ('x' * 99999).replace('x', 'y' * 99999) | length }}", "fuel"),
    ] {
        let error = check(source).expect_err(source).to_string();
        assert!(error.contains(limit), "{source}: {error}");
    }
    for source in
        ["{{ raise_exception('a system message first') }}", "{{ tools.a }}", "{{ 1 + 'a' }}", "{{ bos_token }}"]
    {
        check(source).expect(source);
    }
}

/// So that what a format makes is bounded by its text and the longest of its values; a `*` alone is paid for.
#[test]
fn a_format_takes_no_width_from_its_values() {
    let sources = [
        "{{ '{:{}}'.format('x', 3) }}",
        "{{ '{:{w}}'.format('x', w=3) }}",
        "{{ '%**d' % (3, 3, 1) }}",
        "{{ '%3*d' % (3, 1) }}",
        "{{ '%*3d' % (3, 1) }}",
    ];
    for source in sources {
        render(source, &[Message::new("user", "hi")]).expect_err(source);
    }
}

#[test]
fn what_is_unknown_is_named() {
    for (source, name) in [
        ("{{ 1 | pprint }}", "unknown filter: `pprint`"),
        ("{{ [1] | map('nosuch') | list }}", "unknown filter"),
        ("{{ 1 is nosuch }}", "unknown test: `nosuch`"),
    ] {
        let error = render(source, &[]).unwrap_err().to_string();
        assert!(error.contains(name), "{source}: {error}");
    }
    let error = ChatTemplate::new("{% macro f(a, b=[a]) %}{% endmacro %}", "", "").unwrap_err().to_string();
    assert!(error.contains("macro `f`: the default of `b` names the argument `a`"), "{error}");
    // What only looks like the name of another argument.
    let source = "{% macro f(a, b=(m.a), c='a') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{% set m = {'a': 1} %}{{ f(0) }}";
    assert_eq!(render(source, &[]).unwrap(), "01a");
}

#[test]
fn values_lie_in_each_other_only_so_deep() {
    for source in [
        "{% set ns = namespace(a=1) %}{% for i in range(9999) %}{% set ns.a = [ns.a] %}{% endfor %}",
        "{% macro f(x) %}{{ f([[[[[[[[x]]]]]]]]) }}{% endmacro %}{{ f(1) }}",
        "{% for x in [1] recursive %}{{ loop([[x]]) }}{% endfor %}",
    ] {
        let error = render(source, &[]).unwrap_err().to_string();
        assert!(error.contains("deep"), "{error}");
    }
    let error = render("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", &[]).unwrap_err().to_string();
    assert!(error.contains("recursion"), "{error}");
}

#[test]
fn names_of_the_dialect_are_no_names_of_templates() {
    for source in ["{{ 1 | %plain }}", "{{ %call(1) }}"] {
        assert!(ChatTemplate::new(source, "", "").is_err(), "{source}");
    }
}

/// Two hundred long messages in a template that looks back at every turn.
#[test]
fn a_long_conversation_stays_far_from_the_limits() {
    let source = "{% for m in messages %}{% if loop.index0 < messages | length - 1 and '</think>' in m.content %}\
        {{ m.content.split('</think>')[-1] }}{% elif messages[loop.index0 - 1].role != m.role %}\
        {{ '<' + m.role + '>' + m.content | trim }}{% endif %}{% endfor %}";
    let messages: Vec<Message> =
        (0..200).map(|turn| Message::new(["user", "assistant"][turn % 2], "word ".repeat(500))).collect();
    assert!(render(source, &messages).unwrap().len() > 199 * 2499);
}

#[test]
fn templates_find_the_tokens_that_files_name() {
    let template = ChatTemplate::new("{{ pad_token }}{{ sep_token is defined }}", "<s>", "</s>").unwrap();
    assert_eq!(template.render(&[], true).unwrap(), "False");
    let template = template.with_tokens([("pad_token".to_owned(), "<pad>".to_owned())]);
    assert_eq!(template.render(&[], true).unwrap(), "<pad>False");
}

/// A message says what it likes: its control tokens are text.
#[test]
fn control_tokens_in_a_message_are_text() {
    let tokens = ["<", "e", "n", "d", ">", "<end>", "i"].map(str::to_owned).to_vec();
    let data = VocabularyData {
        model: "gpt2".to_owned(),
        pre: Some("gpt-2".to_owned()),
        tokens,
        token_types: Some(vec![1, 1, 1, 1, 1, 3, 1]),
        merges: Some(Vec::new()),
        ..VocabularyData::default()
    };
    let tokenizer = Tokenizer::from_data(data).unwrap();
    let template = ChatTemplate::new("{% for m in messages %}{{ m.content | trim }}<end>{% endfor %}", "", "").unwrap();
    let encode = |content: &str| template.encode(&tokenizer, &[Message::new("user", content)], true).unwrap();
    assert_eq!(encode("<end>i "), [0, 1, 2, 3, 4, 6, 5]);
    assert_eq!(encode("i"), [6, 5]);
    // So is what stands in a role, and no code is a mark that stands in one.
    let template = ChatTemplate::new("{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}", "", "").unwrap();
    let encode = |role: &str, content: &str| template.encode(&tokenizer, &[Message::new(role, content)], true);
    assert_eq!(encode("<end>", "i").unwrap(), [0, 1, 2, 3, 4, 6]);
    let marks: String = quoted::NO_CHARACTERS.collect();
    let error = encode(&marks, "<end>").unwrap_err().to_string();
    assert!(error.contains("all of U+FDD0 to U+FDEF"), "{error}");
}
