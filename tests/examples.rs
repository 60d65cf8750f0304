//! Every program in `examples/` runs and prints what it promises, and computes what numpy does. Cargo builds them with
//! the tests.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs as modules, for what they compute.
macro_rules! programs {
    ($($path:literal $name:ident;)*) => {$(
        #[allow(dead_code, private_interfaces, reason = "a program's `main` and its axes")]
        #[path = $path]
        mod $name;
    )*};
}

mod golden;
mod text;

/// The folder of built examples, beside that of this test.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.parent().and_then(Path::parent).expect("a build folder");
    profile.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

fn output_of(name: &str) -> String {
    let path = built(name);
    let output = Command::new(&path).output().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_example_prints_what_it_promises() {
    let promised = [
        ("story", "there was"),
        ("batch", "\""),
        ("attention", "5 positions of 96 values"),
        ("shared_vocabulary", "is the same token in both vocabularies"),
        ("perceptron", "Images(3) of 10 classes"),
        ("patch_embedding", "[6, 48] become [6, 30]"),
        ("mixture_of_experts", "shape: (Tokens, Width)"),
        ("lstm", "shape: (Steps, Sentences, Cells)"),
        ("selective_scan", "shape: (Steps, Width)"),
        ("qwen3_attention", "shape: (Texts, Fixed, Hidden(Small))"),
        ("vit_block", "shape: (Images(Small), Patches(Small), Width(Small))"),
        ("lora", "shape: (Tokens, Width)"),
        ("cross_attention", "shape: (Target, Width)"),
        ("grammar", "The clock struck "),
        ("speculative", "tokens were proposed by the draft"),
        ("contrastive", "The king"),
        ("write_gguf", "output_norm.weight [6] F32 24 bytes"),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path());
    let programs = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert_eq!(programs.count(), promised.len(), "an example is not in the list");
    for (name, words) in promised {
        let output = output_of(name);
        assert!(output.contains(words), "{name} printed: {output}");
    }
}
