//! Pages of the documentation against the code and against each other: tables of types, and links. The tables of
//! options and commands are compared in `runner/src`, the gallery in `ui-tests`.

use std::fs;
use std::path::{Path, PathBuf};
use trine::loader::{Ne, TensorType};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The bytes of a tensor of so many rows of one block.
fn bytes(kind: TensorType, rows: u64) -> u64 {
    let ne = Ne::new(&[kind.block_elements(), rows]).expect("a shape");
    kind.byte_len(&ne).expect("whole blocks")
}

/// A row of the table of types, as the table in the code has it.
fn row(kind: TensorType) -> String {
    let (rows, two) = (kind.row_group(), 2 * kind.row_group());
    let of_row = (bytes(kind, two) - bytes(kind, rows)) / rows;
    let once = bytes(kind, rows) - rows * of_row;
    // Rows of two blocks tell the bytes of a block from those of a row.
    let ne = Ne::new(&[2 * kind.block_elements(), rows]).expect("a shape");
    let block = (kind.byte_len(&ne).expect("whole blocks") - bytes(kind, rows)) / rows;
    let number = match kind {
        TensorType::PQ2_0 | TensorType::STQ1_0 => format!("{}, and 42 in older files", kind.id()),
        _ => kind.id().to_string(),
    };
    let group = if rows > 1 { format!(", and a multiple of {rows} rows") } else { String::new() };
    let besides = match (of_row - block, once) {
        (0, 0) => String::new(),
        (0, once) => format!(", and {once} more bytes once per tensor"),
        (row, _) => format!(", and {row} more bytes for each row"),
    };
    format!("| {} | {number} | {}{group} | {block}{besides} |", kind.name(), kind.block_elements())
}

#[test]
fn the_page_of_gguf_files_has_the_table_of_types() {
    let text = page("docs/gguf.md");
    let table = text.split("| type | number |").nth(1).expect("a table");
    let found: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    let expected: Vec<String> = TensorType::all().map(row).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_readme_names_every_type_that_loads() {
    let text = page("README.md");
    let loads = text.split("## What loads").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let words: Vec<&str> = loads.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    for kind in TensorType::all() {
        assert!(words.contains(&kind.name()), "the README does not name {kind}");
    }
}

/// All pages of the repository.
fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // The gallery's page is made of what is in the last folder, and has its links.
            let is_made = path.ends_with("ui-tests/src");
            let is_ours = !name.starts_with('.') && !["target", "models", "fixtures"].contains(&name) && !is_made;
            if path.is_dir() && is_ours {
                folders.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found
}

/// The text without code, in which brackets are no links.
fn prose(text: &str) -> String {
    let mut in_code = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    });
    let spans = lines.flat_map(|line| line.split('`').step_by(2).chain(["\n"]));
    spans.collect()
}

/// The places of a page that links lead to, by its headings.
fn anchors(text: &str) -> Vec<String> {
    let mut in_code = false;
    let headings = text.lines().filter(|line| {
        in_code ^= line.starts_with("```");
        !in_code && line.starts_with('#')
    });
    let titles = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |c: char| c.is_alphanumeric() || "-_ ".contains(c);
    // Of a heading that is a link only its text counts.
    let shown = |title: String| title.split("](").next().unwrap_or_default().to_owned();
    titles.map(shown).map(|title| title.chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn links_lead_somewhere() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for path in pages() {
        let text = fs::read_to_string(&path).expect("a page");
        let prose = prose(&text);
        let links = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            seen += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().expect("a folder").join(file) };
            let has_anchor =
                || fs::read_to_string(&target).is_ok_and(|text| anchors(&text).iter().any(|a| a == anchor));
            if !target.exists() || (!anchor.is_empty() && !has_anchor()) {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
    assert!(seen > 100, "only {seen} links found");
}
