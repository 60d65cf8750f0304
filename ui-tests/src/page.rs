//! The gallery page, `ui-tests/README.md`, made from the cases.
//!
//! What belongs here: the order of the relations, their introductions, the layout. What does not: what a mistake is
//! and what is right instead, which is in the case itself.

use crate::case::{Case, cases};
use crate::effects;
use std::fmt::Write;

/// How to read a message and what the types mean. `{{message}}` stands for that of [`EXAMPLE`].
const INTRODUCTION: &str = include_str!("introduction.md");

/// What is caught elsewhere.
const LIMITS: &str = include_str!("limits.md");

/// What stands above the table of sizes.
const SIZES: &str = include_str!("sizes.md");

/// The case whose message the introduction explains.
const EXAMPLE: &str = "residual/ffn_added_to_hidden";

/// Folders in the order of the page, with title and introduction.
const RELATIONS: [(&str, &str, &str); 21] = [
    (
        "first",
        "First programs",
        "A function names the axes that it works on and leaves the others open as type parameters, each with a bound: \
         `T: Axis` for any axis, `T: Roleless` for one to which nothing was done, `T: Plain` for data, `M: Model` for \
         what gives axes their lengths. Messages that say less than they could are explained in \
         [messages](../docs/messages.md).",
    ),
    ("rank", "Axes of a tensor", "A tensor has the axes that its type lists, outermost first, and no others."),
    (
        "residual",
        "The residual stream",
        "A norm takes the residual stream and gives it back in two parts: what it made, and a `Residual` that waits \
         for a branch. What is added is a `Branch` of its width, its model, its sequences and its positions, once.",
    ),
    (
        "step",
        "Steps",
        "The tokens of a step are one axis, which knows whose they are and behind how many positions. Tensors of two \
         steps do not mix, and what depends on positions takes them from there. `Sequences<T>` is what `last` leaves \
         of a step: one row for each of its sequences. A ragged step has no name but its lifetime, so there the \
         compiler speaks of lifetimes.",
    ),
    (
        "norm",
        "Norms",
        "A norm knows which norm of the block it is. What it makes is `Normed` by it, and each matrix says what it \
         takes.",
    ),
    (
        "linear",
        "Matrices",
        "`Weight<Matrix, Out, In>` takes axis `In` to axis `Out`. A block has its matrices as `Linear<Out, In>`: \
         weights that also know which matrix of the block they are.",
    ),
    (
        "heads",
        "Heads",
        "Queries are `Heads x HeadDim`, keys and values are `KvHeads x HeadDim`, and nothing else splits into heads.",
    ),
    (
        "attention",
        "Attention",
        "Queries and keys are rotated alike, values are not and have an axis of their own. What a layer has cached for \
         a step `T` are the positions `Causal<T>`: for each token the earlier ones of its sequence, and its own. The \
         causal mask follows from that.",
    ),
    ("cache", "The cache", "A step is tokens together with the cache that they extend, and is taken once."),
    (
        "state",
        "The state of a sequence",
        "Keys and values lie in pages of a pool, and a sequence has some of them. While a step is open, its state \
         belongs to the step alone.",
    ),
    (
        "layer",
        "Kinds of layers",
        "Layers of a kind are an axis. Weights and state of a layer are found by one index of it, and neither a number \
         nor the index of another kind will do. A program declares further kinds as it declares axes.",
    ),
    (
        "recurrent",
        "Recurrent layers",
        "Blocks with the gated delta rule have a convolution and a state for each head of values. Heads of keys, heads \
         of values and channels are axes, and what was convolved is `Convolved<A>`.",
    ),
    (
        "experts",
        "Experts",
        "In a block with experts each token goes to some of many feed-forward networks. The experts are an axis, and \
         the tokens of one expert are an axis that belongs to one call: what the expert makes of them is added to \
         these tokens and to no others. A message speaks of `Routed<'_>`, the tokens of one expert, and in the words of \
         lifetimes where tokens of two experts meet: `'1` and `'2` are their calls.",
    ),
    (
        "embedding",
        "Tokens and embedding",
        "A token is an index that was checked against one vocabulary; the embedding has one row for each.",
    ),
    (
        "text",
        "Text and choices",
        "A tokenizer of a model makes tokens of that model, a session takes no others, and the largest logit is found \
         as a token. Probabilities are not logits, and logits of all positions are not those that follow.",
    ),
    (
        "model",
        "Models",
        "Axes of two models differ, whatever their lengths. Two files that are open in scopes of their own have no \
         names, so there the compiler tells them apart by lifetimes and speaks of borrowed data that escapes: `a` and \
         `b` in that message are the two models. Models that are declared with `pinned_model!` have names, and the \
         same mistake then reads like all others.",
    ),
    (
        "scope",
        "What cannot leave a scope",
        "An axis whose length is known at run time has a type that only its scope knows, so that no other axis can be \
         taken for it, not even one of equal length. So nothing of that type leaves the scope, and the compiler says \
         so in the words of lifetimes. Numbers and data leave it. What a program has to keep stands in a `Kept`, which \
         makes the scope again for each visit, and models of files stand in an `Engine`.",
    ),
    (
        "engine",
        "Opened models",
        "A program that opens any file has no type for its model. Typed code visits it, and each visit has a model of \
         its own: what belongs to one opened model does not fit another.",
    ),
    (
        "ops",
        "Programs of one's own",
        "Operations name the axis they reduce, join or index, and give no role that they did not earn: what a norm \
         made is not scaled and still called normalised.",
    ),
    (
        "file",
        "Files of one's own",
        "A program with a network of its own declares its parameters: the name of each in a file, and what it is. Each \
         is a type, and `Parameters` reads it by the type that the tensor has in the file, once. What only a file can \
         tell, such as a tensor that is missing, has other dimensions or is of another type than the program wants, is \
         one refused conversion, a line that names the tensor.",
    ),
    (
        "packing",
        "Packed numbers",
        "Codes are not values, each packing has its own order of them, and a scale is applied once, the right way \
         round.",
    ),
];

/// Lines and bytes of what other libraries print: case, dfdx, glowstick.
const OTHERS: [(&str, &str, &str); 7] = [
    ("attention/keys_with_query_heads", "20 / 2102", "18 / 2516"),
    ("embedding/table_transposed", "13 / 1039", ""),
    ("heads/merged_to_hidden", "21 / 1458, not by `cargo check`", "42 / 4682"),
    ("linear/square_weight_transposed", "accepted", "accepted"),
    ("linear/weight_transposed", "20 / 2059", "18 / 2443"),
    ("norm/gain_of_another_width", "28 / 1995", "13 / 1964"),
    ("residual/ffn_added_to_hidden", "24 / 1750", "32 / 2263"),
];

/// The whole page.
///
/// # Panics
/// If a case does not have the form of a case, or its folder is not one that this page knows.
pub fn page() -> String {
    let cases = cases();
    for case in &cases {
        assert!(RELATIONS.iter().any(|relation| relation.0 == case.relation), "`{}` is not on the page", case.relation);
    }
    let example = cases.iter().find(|case| case.path() == EXAMPLE).expect("the example is a case");
    let mut page = INTRODUCTION.replace("{{message}}", example.message.trim_end());
    for (folder, title, introduction) in RELATIONS {
        let _ = write!(page, "\n## {title}\n\n{introduction}\n");
        for case in cases.iter().filter(|case| case.relation == folder) {
            page.push_str(&section(case));
        }
    }
    page.push('\n');
    page.push_str(LIMITS);
    page.push_str(SIZES);
    page.push_str(&sizes(&cases));
    page
}

/// One mistake: what it is, the program, the message, the correction.
fn section(case: &Case) -> String {
    let Case { mistake, remedy, code, message, wrong, right, .. } = case;
    let (path, title) = (case.path(), title(&case.name));
    let (message, effect) = (message.trim_end(), effects::of(&path).sentence());
    format!(
        "\n### [{title}](fail/{path}.rs)\n\n{mistake} {effect}\n\n```rust\n{code}\n```\n\n```text\n{message}\n```\n\n\
         {remedy}\n\n```diff\n-{wrong}\n+{right}\n```\n"
    )
}

/// `gain_of_another_width` as words.
fn title(name: &str) -> String {
    let words = name.replace('_', " ");
    let (first, rest) = words.split_at(1);
    first.to_uppercase() + rest
}

/// The table of sizes, one row for each case.
fn sizes(cases: &[Case]) -> String {
    let mut table = "| mistake | Trine | dfdx | glowstick |\n|---|---|---|---|\n".to_owned();
    for case in cases {
        let path = case.path();
        let (lines, bytes) = (case.message.lines().count(), case.message.len());
        let other = OTHERS.iter().find(|other| other.0 == path);
        let (dfdx, glowstick) = other.map_or(("", ""), |other| (other.1, other.2));
        let _ = writeln!(table, "| {path} | {lines} / {bytes} | {dfdx} | {glowstick} |");
    }
    table
}
