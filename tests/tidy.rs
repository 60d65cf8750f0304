//! The rules of style that a program can check; the reasons are in `docs/style.md`.

mod circles;
mod prelude;

use std::fs;
use std::path::{Path, PathBuf};

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 70;
const MAX_LINE_CHARS: usize = 120;

/// Folders with Rust code of the project, below the root.
const CODE: [&str; 13] = [
    "src", "memory", "shapes", "kernels", "ops", "loader", "text", "model", "server", "runner", "python", "tests",
    "examples",
];

struct Source {
    path: PathBuf,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in CODE {
        collect(&root.join(folder), &mut found);
    }
    assert!(found.len() > 50, "only {} files found: the list of folders is wrong", found.len());
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            found.push(Source { path, text });
        }
    }
}

/// Runs `rule` over every file and reports all its findings at once.
fn check(rule: impl Fn(&Source) -> Vec<(usize, String)>) {
    let mut findings = Vec::new();
    for source in sources() {
        for (line, what) in rule(&source) {
            findings.push(format!("{}:{line}: {what}", source.path.display()));
        }
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

fn numbered(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source.text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

#[test]
fn files_and_lines_are_short() {
    check(|source| {
        let long = numbered(source).filter(|(_, line)| line.chars().count() > MAX_LINE_CHARS);
        let mut findings: Vec<_> = long.map(|(at, _)| (at, format!("more than {MAX_LINE_CHARS} characters"))).collect();
        let lines = source.text.lines().count();
        if lines > MAX_FILE_LINES {
            findings.push((lines, format!("the file has {lines} lines, more than {MAX_FILE_LINES}")));
        }
        findings
    });
}

#[test]
fn functions_are_short() {
    check(|source| {
        let lines: Vec<_> = source.text.lines().collect();
        let mut findings = Vec::new();
        for (start, line) in lines.iter().enumerate() {
            let code = line.trim_start();
            let is_function = code.starts_with("fn ")
                || (code.contains(" fn ") && ["pub", "const", "unsafe"].iter().any(|word| code.starts_with(word)));
            if !is_function {
                continue;
            }
            // rustfmt closes a function with a brace at the indentation of its first line.
            let closing = format!("{}}}", " ".repeat(line.len() - code.len()));
            let length = lines[start..].iter().position(|line| *line == closing).map_or(1, |end| end + 1);
            if length > MAX_FUNCTION_LINES && !code.ends_with(';') {
                findings.push((start + 1, format!("the function has {length} lines, more than {MAX_FUNCTION_LINES}")));
            }
        }
        findings
    });
}

#[test]
fn every_module_says_what_it_is_for() {
    check(|source| {
        let first = source.text.lines().find(|line| !line.is_empty() && !line.starts_with("#!"));
        if first.is_some_and(|line| line.starts_with("//!")) {
            Vec::new()
        } else {
            vec![(1, "no `//!` documentation at the top".to_owned())]
        }
    });
}

#[test]
fn nothing_is_left_undone_and_no_environment_variable_is_read() {
    // Written so that this file does not contain the words themselves.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("#[ign", "ore"),
        concat!("env::", "var"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("option_", "env!("),
    ];
    check(|source| {
        // What cargo tells a build script is how it was called, not what is around the program.
        if source.path.ends_with("build.rs") {
            return Vec::new();
        }
        let mut findings = Vec::new();
        for (at, line) in numbered(source) {
            findings.extend(words.iter().filter(|word| line.contains(**word)).map(|word| (at, format!("`{word}`"))));
        }
        findings
    });
}

#[test]
fn unsafe_code_is_in_the_kernels_and_at_the_map_and_is_proven() {
    let allowed = |path: &Path| {
        let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path);
        path.starts_with("kernels") || path == Path::new("loader/src/map.rs")
    };
    check(|source| {
        let lines: Vec<_> = source.text.lines().collect();
        let mut findings = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let opens = ["{", "impl"].iter().any(|next| code.contains(&format!("{} {next}", concat!("un", "safe"))));
            if !opens {
                continue;
            }
            if !allowed(&source.path) {
                findings.push((at + 1, "code outside kernels and the memory map that opts out of checks".to_owned()));
            }
            let before = &lines[at.saturating_sub(10)..=at];
            if !before.iter().any(|line| line.contains("SAFETY")) {
                findings.push((at + 1, "no `SAFETY` proof within ten lines before".to_owned()));
            }
        }
        findings
    });
}

/// A new kind of error is no reason for a program not to compile.
#[test]
fn enums_of_errors_may_grow() {
    let mut seen = 0;
    for source in sources() {
        let lines: Vec<_> = source.text.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("pub enum ")) {
            let begin = lines[..at].iter().rposition(|line| line.is_empty() || *line == "}").map_or(0, |end| end + 1);
            let attributes = lines[begin..at].join(" ");
            if attributes.contains("Error)]") {
                seen += 1;
                let place = format!("{}:{}", source.path.display(), at + 1);
                assert!(attributes.contains("#[non_exhaustive]"), "{place}: `{line}` is not `#[non_exhaustive]`");
            }
        }
    }
    assert!(seen > 30, "only {seen} enums of errors found: the rule looks at the wrong lines");
}

/// What was done to a tensor is in its type because an operation did it: nothing above the operations declares it.
#[test]
fn nothing_above_the_operations_assumes_what_was_done() {
    let above = ["src", "model", "server", "runner", "python", "examples"];
    check(|source| {
        let path = source.path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&source.path);
        if !above.iter().any(|folder| path.starts_with(folder)) {
            return Vec::new();
        }
        let lines = source.text.lines().enumerate();
        // An architecture says in one place which norms it lacks.
        let lacks = |line: &str| line.contains("impl LacksNorm<") && !path.ends_with("description/graph.rs");
        let ways = ["assume(", "assume_", ".plain()"];
        let leaves = |line: &str| ways.iter().any(|way| line.contains(way)) || lacks(line);
        let assumed = lines.filter(|(_, line)| leaves(line));
        assumed.map(|(at, _)| (at + 1, "`assume` outside of the operations".to_owned())).collect()
    });
}

/// Programs whose tensors keep their types from the first line to the last.
const TYPED: [&str; 10] = [
    "mixture_of_experts",
    "lstm",
    "selective_scan",
    "qwen3_attention",
    "vit_block",
    "lora",
    "cross_attention",
    "grammar",
    "speculative",
    "contrastive",
];
const MAX_TYPED_LINES: usize = 79;

/// No example of typed tensors reads their elements, declares what was done to them, or takes it off.
#[test]
fn typed_examples_are_short_and_stay_inside_the_types() {
    let ways_out = [".data(", "data_mut", "into_data", "assume", "plain()", "values()"];
    for name in TYPED {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).with_extension("rs");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let lines = text.lines().count();
        assert!(lines <= MAX_TYPED_LINES, "{name} has {lines} lines, more than {MAX_TYPED_LINES}");
        for way in ways_out {
            assert!(!text.contains(way), "{name} leaves the types by `{way}`");
        }
    }
}

#[test]
fn crates_without_unsafe_code_forbid_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = ["src/lib.rs", "memory/src/lib.rs", "shapes/src/lib.rs", "ops/src/lib.rs", "text/src/lib.rs"];
    for file in
        crates.into_iter().chain(["model/src/lib.rs", "server/src/lib.rs", "runner/src/main.rs", "python/src/lib.rs"])
    {
        let text = fs::read_to_string(root.join(file)).expect(file);
        assert!(text.contains("#![forbid(unsafe_code)]"), "{file}");
    }
}
