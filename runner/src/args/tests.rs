//! Command lines as people type them.

use super::*;
use clap::CommandFactory;
use std::num::NonZeroUsize;
use trine::kernels::{ActivationMode, CacheType, PackingKind};
use trine::model::{GroupSize, Quantize, SamplerOptions};

fn parse(line: &str) -> Result<Command, clap::Error> {
    Arguments::of(line.split_whitespace().map(OsString::from)).map(|arguments| arguments.command)
}

fn run(line: &str) -> RunArguments {
    match parse(line).unwrap() {
        Command::Run(arguments) => arguments,
        other => panic!("expected `run`, found {other:?}"),
    }
}

#[test]
fn the_definitions_are_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn no_words_are_a_story_from_the_built_in_model() {
    let arguments = run("trine");
    assert_eq!((arguments.model, arguments.prompt.as_deref()), (None, Some(DEFAULT_PROMPT)));
    assert_eq!(run("trine run").prompt, None);
}

#[test]
fn a_run_has_its_defaults() {
    let arguments = run("trine run m.gguf -p Hello -n 7");
    assert_eq!((arguments.model, arguments.tokens), (Some(PathBuf::from("m.gguf")), 7));
    assert_eq!(arguments.generation.kv, CacheType::F16);
    assert_eq!((arguments.generation.temperature, arguments.generation.seed), (None, None));
    assert_eq!((arguments.load.activations, arguments.load.quantize.chosen(), arguments.cpu.isa), (None, None, None));
}

/// What the help says of the four that a publisher may decide is what the library has.
#[test]
fn sampling_has_the_defaults_of_the_library() {
    let (arguments, options) = (run("trine run").generation, SamplerOptions::default());
    assert_eq!((arguments.temperature, arguments.top_k, arguments.top_p, arguments.min_p), (None, None, None, None));
    let help = Arguments::command().find_subcommand_mut("run").expect("a command").render_long_help().to_string();
    let words: Vec<_> = help.split_whitespace().collect();
    let help = words.join(" ");
    let SamplerOptions { temperature, top_k, top_p, min_p, .. } = options;
    for (option, usual) in [("temperature", temperature), ("top-k", top_k as f32), ("top-p", top_p), ("min-p", min_p)] {
        let of_option = help.split(&format!("--{option} ")).nth(1).expect("an option");
        let said = of_option.split("[default: ").nth(1).expect("a default");
        let number: String = said.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        assert_eq!(number.parse(), Ok(usual), "{option}");
    }
    let found = SamplerOptions {
        repetition_penalty: arguments.repetition_penalty,
        frequency_penalty: arguments.frequency_penalty,
        presence_penalty: arguments.presence_penalty,
        repetition_window: arguments.repetition_window,
        logit_bias: arguments.logit_bias,
        ..options.clone()
    };
    assert_eq!(found, options);
    assert_eq!(run("trine run").logprobs, None);
}

#[test]
fn biases_are_repeatable_and_penalties_may_be_negative() {
    let line = "trine run --logit-bias 5=-1.5 --logit-bias 9=-inf --frequency-penalty -0.5 --presence-penalty 1";
    let arguments = run(&format!("{line} --logprobs 3"));
    let generation = arguments.generation;
    assert_eq!(generation.logit_bias, vec![(5, -1.5), (9, f32::NEG_INFINITY)]);
    assert_eq!((generation.frequency_penalty, generation.presence_penalty), (-0.5, 1.0));
    assert_eq!(arguments.logprobs, Some(3));
}

#[test]
fn names_become_values() {
    let arguments =
        run("trine run --isa avx2 --threads 3 --activations q8_k --quantize absmean --head q6_k --pre gpt-2 --kv f32");
    assert_eq!(arguments.cpu.isa, Some(Isa::Avx2));
    assert_eq!(arguments.cpu.threads, NonZeroUsize::new(3));
    assert_eq!(arguments.load.activations, Some(ActivationMode::Q8K));
    assert_eq!(arguments.load.quantize.chosen(), Some(Quantize::Absmean));
    let grouped = run("trine run --quantize absmean --group 128 --activations int8-group").load;
    assert_eq!(grouped.quantize.chosen(), Some(Quantize::AbsmeanOfGroups(GroupSize::Columns128)));
    assert_eq!(grouped.activations, Some(ActivationMode::Int8PerGroup));
    assert_eq!(arguments.load.head, Some(PackingKind::Q6K));
    assert_eq!(arguments.generation.kv, CacheType::F32);
    assert_eq!(arguments.load.vocabulary.pre.as_deref(), Some("gpt-2"));
}

#[test]
fn stops_are_repeatable_and_may_begin_with_a_hyphen() {
    let arguments = run("trine run --stop --- --stop End --stop-id 5 --stop-id 9 -p -");
    assert_eq!(
        (arguments.generation.stop, arguments.generation.stop_id),
        (vec!["---".into(), "End".into()], vec![5, 9])
    );
    assert_eq!(arguments.prompt.as_deref(), Some("-"));
}

#[test]
fn logits_take_ids_and_an_exact_cache() {
    let Command::Logits(arguments) = parse("trine logits m.gguf --ids 1,5,9").unwrap() else { panic!("`logits`") };
    assert_eq!((arguments.ids, arguments.kv), (vec![1, 5, 9], CacheType::F32));
}

#[test]
fn short_forms_are_those_of_other_programs() {
    let arguments = run("trine run m.gguf Hello -n -1 -t 3 -c 100 -s 7 --temp 0.5 -q");
    assert_eq!((arguments.text.as_deref(), arguments.tokens), (Some("Hello"), usize::MAX));
    assert_eq!((arguments.cpu.threads, arguments.generation.context), (NonZeroUsize::new(3), NonZeroUsize::new(100)));
    assert_eq!((arguments.generation.seed, arguments.generation.temperature), (Some(7), Some(0.5)));
}

#[test]
fn a_cache_may_be_of_bytes() {
    assert_eq!(run("trine run --kv q8").generation.kv, CacheType::Q8);
}

#[test]
fn a_perplexity_needs_a_text_and_may_name_a_model() {
    let positions = |line| match parse(line).unwrap() {
        Command::Perplexity(arguments) => (arguments.file, arguments.text),
        other => panic!("expected `perplexity`, found {other:?}"),
    };
    assert_eq!(positions("trine perplexity t.txt"), (None, PathBuf::from("t.txt")));
    assert_eq!(positions("trine perplexity m.gguf t.txt"), (Some(PathBuf::from("m.gguf")), PathBuf::from("t.txt")));
}

#[test]
fn a_number_below_its_range_is_told_the_range() {
    for option in ["--seed", "--top-k", "--context", "--threads", "--stop-id", "--logprobs"] {
        let message = parse(&format!("trine run {option} -1")).unwrap_err().to_string();
        let least = i32::from(["--context", "--threads"].contains(&option));
        assert!(message.contains(&format!("expected a whole number of at least {least}")), "{message}");
    }
    assert_eq!(run("trine run --temperature -1").generation.temperature, Some(-1.0), "the library refuses it");
    let message = parse("trine synth out.gguf --seed 99999999999999999999").unwrap_err().to_string();
    assert!(message.contains("too large"), "{message}");
}

#[test]
fn texts_may_begin_with_a_hyphen() {
    let words = ["trine", "chat", "m.gguf", "--system", "- be brief"].map(OsString::from);
    let Command::Chat(arguments) = Arguments::of(words).unwrap().command else { panic!("`chat`") };
    assert_eq!(arguments.system.as_deref(), Some("- be brief"));
    let Command::Check(arguments) = parse("trine check --trace -p --x").unwrap() else { panic!("`check`") };
    assert_eq!(arguments.prompt, "--x");
}

#[test]
fn words_that_mean_nothing_are_refused() {
    let lines = [
        "trine rnu",
        "trine run -p a -f b",
        "trine run m.gguf a -p b",
        "trine run --system a --raw",
        "trine run -n -2",
        "trine logits --top-k 3 --ids 1",
        "trine run --greedy --seed 3",
        "trine run --isa sse9",
        "trine run --kv f64",
        "trine run --threads 0",
        "trine run --pre no-such-splitter",
        "trine run --logit-bias 5",
        "trine run --logit-bias x=1",
        "trine run --logit-bias 5=much",
        "trine run --logprobs -1",
        "trine run -1",
        "trine logits m.gguf",
        "trine logits m.gguf --ids",
        "trine logits m.gguf --ids 1,x",
        "trine logits m.gguf --ids -1",
        "trine perplexity",
    ];
    for line in lines {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}

/// Options that the page of the command line names and that are of other programs.
const OF_OTHERS: [&str; 4] = ["--model", "--path", "--release", "--version"];

/// The words of a text that are long options.
fn options_in(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let words = text.split(|c: char| !word(c)).filter(|word| word.starts_with("--") && word.len() > 3);
    words.map(|word| word.trim_end_matches('-').to_owned()).collect()
}

/// The pages of the command line and of the server name every option of every command, and none that does not exist.
#[test]
fn the_documentation_names_the_options() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let text = ["cli.md", "serving.md"].map(|page| std::fs::read_to_string(docs.join(page)).unwrap()).concat();
    let page = options_in(&text);
    let definition = Arguments::definition();
    let commands = [&definition].into_iter().chain(definition.get_subcommands());
    let options = commands.flat_map(clap::Command::get_arguments).filter(|arg| !arg.is_hide_set());
    let names = options.flat_map(|arg| arg.get_long_and_visible_aliases().unwrap_or_default());
    let names: std::collections::BTreeSet<String> = names.map(|name| format!("--{name}")).collect();
    let missing: Vec<_> = names.iter().filter(|name| !page.contains(name)).collect();
    assert!(missing.is_empty(), "docs/cli.md and docs/serving.md do not name {missing:?}");
    let is_known = |name: &String| names.contains(name) || OF_OTHERS.contains(&name.as_str()) || name == "--help";
    let unknown: Vec<_> = page.iter().filter(|name| !is_known(name)).collect();
    assert!(unknown.is_empty(), "docs/cli.md or docs/serving.md names {unknown:?}");
}

/// Who reads the page of the command line reads less than who asks every command for `--help`.
#[test]
fn the_documentation_is_shorter_than_the_help() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let page = std::fs::read_to_string(page).unwrap().len();
    let mut definition = Arguments::definition();
    definition.build();
    let mut help = definition.render_long_help().to_string().len();
    for command in definition.get_subcommands_mut() {
        help += command.render_long_help().to_string().len();
    }
    assert!(page < help, "docs/cli.md has {page} bytes, the help of all commands {help}");
}
