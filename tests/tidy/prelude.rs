//! The prelude is small enough to be known by heart.

const MOST: usize = 40;

#[test]
fn the_prelude_has_few_names_and_each_is_written_out() {
    let text = include_str!("../../src/lib.rs");
    let (_, prelude) = text.split_once("pub mod prelude {").expect("the prelude");
    let (prelude, _) = prelude.split_once("\n}").expect("its end");
    assert!(!prelude.contains('*'), "the prelude takes in all of a crate: {prelude}");
    let names = |statement: &str| statement.rsplit("::").next().map(|last| last.matches(',').count() + 1);
    let lists = prelude.split(';').filter(|statement| statement.contains("pub use"));
    let count: usize = lists.map(|list| names(list.trim_end_matches(['}', '\n', ' ', ','])).unwrap_or_default()).sum();
    assert!((30..=MOST).contains(&count), "the prelude has {count} names, expected at most {MOST}");
}
