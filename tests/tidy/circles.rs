//! No circles among the rooms of a crate: what its top folders and files use of each other has a direction, so that
//! each can be read after those below it.
//!
//! A use is a path that starts at the root of the crate, `crate::room` or as many `super::` as lead there; a name that
//! the root re-exports belongs to the room that it comes from. Comments and tests are not counted.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

/// The crates with rooms.
const CRATES: [&str; 10] =
    ["memory", "shapes", "kernels", "ops", "loader", "text", "model", "server", "runner", "python"];

/// What each room uses of which other ones, with a file that does.
type Graph = BTreeMap<String, BTreeMap<String, PathBuf>>;

#[test]
fn rooms_of_a_crate_use_each_other_in_one_direction() {
    let mut findings = Vec::new();
    for name in CRATES {
        let graph = graph(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join("src"));
        findings.extend(circles(&graph).iter().map(|circle| described(name, circle, &graph)));
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

/// A crate's files with the module that each of them is, and their text without comments and tests.
struct Code {
    files: Vec<(PathBuf, Vec<String>, String)>,
    /// Names at the root, and the room that each comes from.
    names: HashMap<String, String>,
}

fn graph(src: &Path) -> Graph {
    let mut code = Code { files: Vec::new(), names: HashMap::new() };
    collect(src, src, &mut code.files);
    let rooms: BTreeSet<String> = code.files.iter().filter_map(|(_, module, _)| module.first().cloned()).collect();
    assert!(!rooms.is_empty(), "{} has no rooms", src.display());
    for (_, _, text) in code.files.iter().filter(|(_, module, _)| module.is_empty()) {
        for statement in text.split("pub use ").skip(1) {
            let statement = statement.split(';').next().unwrap_or_default();
            let room = first_word(statement);
            let exported = words(statement).filter(|word| *word != room).map(|word| (word.to_owned(), room.to_owned()));
            code.names.extend(rooms.contains(room).then_some(exported).into_iter().flatten());
        }
    }
    let mut graph = Graph::new();
    for (path, module, text) in &code.files {
        let Some(from) = module.first() else { continue };
        for used in used_at_root(text, module.len()) {
            let room = if rooms.contains(used) { Some(used) } else { code.names.get(used).map(String::as_str) };
            if let Some(to) = room.filter(|to| to != from) {
                graph.entry(from.clone()).or_default().entry(to.to_owned()).or_insert_with(|| path.clone());
            }
        }
    }
    graph
}

fn collect(src: &Path, folder: &Path, files: &mut Vec<(PathBuf, Vec<String>, String)>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    entries.sort();
    for path in entries {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name in ASCII").to_owned();
        if stem == "tests" || stem.ends_with("_tests") {
            continue;
        } else if path.is_dir() {
            collect(src, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let below = path.strip_prefix(src).expect("a file of the crate").with_extension("");
            let mut module: Vec<_> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if ["mod", "lib", "main"].contains(&&*stem) {
                module.pop();
            }
            let below = path.strip_prefix(src).expect("a file of the crate").to_owned();
            files.push((below, module, counted(&text)));
        }
    }
}

/// The code of a file: without lines of comment, and up to a module of tests, which is the last thing in a file.
fn counted(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The first names of all paths that start at the root, in a file that is `depth` modules below it.
fn used_at_root(text: &str, depth: usize) -> Vec<&str> {
    let from_above = "super::".repeat(depth);
    let mut found = Vec::new();
    for root in ["crate::", &from_above] {
        for (at, _) in text.match_indices(root) {
            let before = text[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || "_$:".contains(c)) {
                found.extend(first_names(&text[at + root.len()..]));
            }
        }
    }
    found
}

/// The first names of what follows the root in a path: one, or those of a list in braces.
fn first_names(path: &str) -> Vec<&str> {
    let Some(list) = path.strip_prefix('{') else { return vec![first_word(path)] };
    let (mut depth, mut names, mut is_next) = (0_usize, Vec::new(), true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_next = true,
            c if is_next && !c.is_whitespace() => {
                names.push(first_word(&list[at..]));
                is_next = false;
            }
            _ => {}
        }
    }
    names
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The shortest circle through each room, once for the rooms that it goes through.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let mut seen = BTreeSet::new();
    let shortest = graph.keys().filter_map(|room| circle(graph, room));
    shortest.filter(|circle| seen.insert(circle.iter().cloned().collect::<BTreeSet<_>>())).collect()
}

/// The rooms of the shortest circle from a room back to it, the room at both ends.
fn circle(graph: &Graph, start: &str) -> Option<Vec<String>> {
    let mut paths = VecDeque::from([vec![start.to_owned()]]);
    let mut visited = BTreeSet::new();
    while let Some(path) = paths.pop_front() {
        for next in path.last().and_then(|last| graph.get(last)).into_iter().flat_map(BTreeMap::keys) {
            let longer = path.iter().chain([next]).cloned().collect();
            if next == start {
                return Some(longer);
            }
            if visited.insert(next.clone()) {
                paths.push_back(longer);
            }
        }
    }
    None
}

fn described(name: &str, circle: &[String], graph: &Graph) -> String {
    let uses =
        circle.windows(2).map(|pair| format!("{} uses {} ({})", pair[0], pair[1], graph[&pair[0]][&pair[1]].display()));
    format!("{name}: {}: move what one of them needs to where both may use it", uses.collect::<Vec<_>>().join(", "))
}

#[test]
fn uses_are_found_and_comments_and_tests_are_not() {
    let text = "use crate::{a::B, c::{d, e}};\n// crate::f\nfn g() { crate::h::i(); super::super::j(); super::k(); }\n\
                macro_rules! m { () => { $crate::n } }\n#[cfg(test)]\nmod tests {\n    use crate::o;\n}\n";
    assert_eq!(used_at_root(&counted(text), 2), ["a", "c", "h", "j"]);
    let edge = |from: &str, to: &str| (from.to_owned(), BTreeMap::from([(to.to_owned(), PathBuf::from(from))]));
    let graph = Graph::from([edge("a", "b"), edge("b", "c"), edge("c", "a"), edge("d", "a")]);
    let found = circles(&graph);
    assert_eq!(found, [["a", "b", "c", "a"]]);
    let says = described("x", &found[0], &graph);
    assert!(says.starts_with("x: a uses b (a), b uses c (b), c uses a (c): "), "{says}");
}
