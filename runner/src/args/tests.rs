//! Command lines as people type them.

use super::*;
use clap::CommandFactory;

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
    assert_eq!((arguments.generation.temperature, arguments.generation.seed), (0.8, None));
    assert_eq!((arguments.load.activations, arguments.load.quantize, arguments.cpu.isa), (None, None, None));
}

#[test]
fn names_become_values() {
    let arguments =
        run("trine run --isa avx2 --threads 3 --activations q8_k --quantize absmean --head q6_k --pre gpt-2 --kv f32");
    assert_eq!(arguments.cpu.isa, Some(Isa::Avx2));
    assert_eq!(arguments.cpu.threads, NonZeroUsize::new(3));
    assert_eq!(arguments.load.activations, Some(ActivationMode::Q8K));
    assert_eq!(arguments.load.quantize, Some(Quantize::Absmean));
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
fn words_that_mean_nothing_are_refused() {
    let lines = [
        "trine rnu",
        "trine run -p a -f b",
        "trine run --greedy --seed 3",
        "trine run --isa sse9",
        "trine run --kv f64",
        "trine run --threads 0",
        "trine run --pre no-such-splitter",
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
