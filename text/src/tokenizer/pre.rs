//! Pre-tokenizers: the regular expressions that cut a text into words before the merges of a byte-level BPE apply, by
//! the name that `tokenizer.ggml.pre` gives them. A new family is a new row of [`PRE_TOKENIZERS`]. Merging is not here.
//!
//! The expressions of a row apply one after another, each to the pieces that the one before left; matches and the text
//! between them both become pieces. Names and expressions are those of llama.cpp (`llama-vocab.cpp`), so that a file
//! means the same here, but for what looks ahead: the engine (`regex`) does not, and so takes time in proportion to the
//! text. Where theirs have `\s+(?!\S)`, white space up to the last sign before a word, these have `\s+`, and the match
//! gives that sign back.

use regex::Regex;

use super::error::TokenizerError;

/// One way to cut text into words.
#[derive(Debug)]
pub struct PreTokenizer {
    /// Names under which files ask for it; the first one is its own.
    names: &'static [&'static str],
    /// Expressions, in the order in which they apply.
    patterns: &'static [&'static str],
    /// A word that is a token as it stands becomes that token, whatever the merges would make of it.
    pub ignore_merges: bool,
    /// Whether a text begins with the BOS token when the file does not say.
    pub add_bos: bool,
}

/// The alternative of most expressions for white space up to a line's end.
const LINES: &str = r"\s*[\r\n]+";

/// Cuts at words, numbers, other signs and spaces; a space belongs to the word after it (GPT-2).
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+";

/// As [`GPT2`] with contractions in either case, newlines apart and numbers of up to three digits (Llama 3).
const LLAMA3: &str = concat!(
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+"
);

/// As [`LLAMA3`] with each digit apart (Qwen 2).
const QWEN2: &str = concat!(
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+"
);

/// As [`QWEN2`] with combining marks inside words (Qwen 3.5).
const QWEN35: &str = concat!(
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|",
    r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+"
);

/// Cuts a word also where capitals follow small letters (GPT-4o, Llama 4).
const GPT4O: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{L}--[a-z]]*[\p{L}--[A-Z]]+(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|",
    r"[^\r\n\p{L}\p{N}]?[\p{L}--[a-z]]+[\p{L}--[A-Z]]*(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|",
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+"
);

/// As [`GPT4O`] without contractions and with each digit apart (Mistral's Tekken).
const TEKKEN: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{L}--[a-z]]*[\p{L}--[A-Z]]+|",
    r"[^\r\n\p{L}\p{N}]?[\p{L}--[a-z]]+[\p{L}--[A-Z]]*|",
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+"
);

const DEEPSEEK_V3: &[&str] = &[
    r"\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    concat!(
        r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"##,
        r" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+"
    ),
];

const DEEPSEEK_CODER: &[&str] = &[r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\u{d7ff}]+", r"\p{N}"];

/// Every pre-tokenizer.
static PRE_TOKENIZERS: &[PreTokenizer] = &[
    PreTokenizer {
        names: &[
            "llama-bpe",
            "llama3",
            "llama-v3",
            "falcon3",
            "falcon-h1",
            "pixtral",
            "midm-2.0",
            "lfm2",
            "jina-v5-nano",
        ],
        patterns: &[LLAMA3],
        ignore_merges: true,
        add_bos: true,
    },
    PreTokenizer {
        names: &["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"],
        patterns: &[LLAMA3],
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer {
        names: &["gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "exaone4", "gigachat", "mellum"],
        patterns: &[GPT2],
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer {
        names: &["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"],
        patterns: &[r"\p{N}", GPT2],
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer {
        names: &[
            "qwen2",
            "stablelm2",
            "deepseek-r1-qwen",
            "kormo",
            "f2llmv2",
            "megrez",
            "hunyuan",
            "grok-2",
            "solar-open",
        ],
        patterns: &[QWEN2],
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer { names: &["qwen35"], patterns: &[QWEN35], ignore_merges: false, add_bos: false },
    PreTokenizer {
        names: &["falcon"],
        patterns: &[r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"],
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer { names: &["gpt-4o", "llama4", "kanana2"], patterns: &[GPT4O], ignore_merges: false, add_bos: false },
    PreTokenizer { names: &["tekken"], patterns: &[TEKKEN], ignore_merges: true, add_bos: true },
    PreTokenizer { names: &["deepseek-coder"], patterns: DEEPSEEK_CODER, ignore_merges: false, add_bos: false },
    PreTokenizer { names: &["deepseek-v3"], patterns: DEEPSEEK_V3, ignore_merges: false, add_bos: false },
    PreTokenizer {
        names: &["default"],
        patterns: &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
        ignore_merges: false,
        add_bos: false,
    },
];

/// Every name that `tokenizer.ggml.pre` or `--pre` may give.
pub fn known_names() -> impl Iterator<Item = &'static str> {
    PRE_TOKENIZERS.iter().flat_map(|pre| pre.names).copied()
}

impl PreTokenizer {
    /// The pre-tokenizer with this name.
    ///
    /// # Errors
    /// [`TokenizerError::UnknownPre`] with the known names.
    pub fn named(name: &str) -> Result<&'static PreTokenizer, TokenizerError> {
        PRE_TOKENIZERS
            .iter()
            .find(|pre| pre.names.contains(&name))
            .ok_or_else(|| TokenizerError::UnknownPre { found: name.to_owned(), known: join_known_names() })
    }

    /// Its own name, the first of those it is known by.
    pub fn name(&self) -> &'static str {
        self.names[0]
    }

    /// Compiles the expressions.
    ///
    /// # Errors
    /// [`TokenizerError::Split`] where an expression is not accepted.
    pub fn splitter(&'static self) -> Result<Splitter, TokenizerError> {
        let expressions = self.patterns.iter().map(|pattern| Regex::new(pattern).map_err(|e| self.split_error(e)));
        Ok(Splitter { pre: self, expressions: expressions.collect::<Result<_, _>>()? })
    }

    fn split_error(&self, source: regex::Error) -> TokenizerError {
        TokenizerError::Split { pre: self.name(), source: Box::new(source) }
    }
}

/// The known names in one string.
pub(super) fn join_known_names() -> String {
    known_names().collect::<Vec<_>>().join(", ")
}

/// A pre-tokenizer with its expressions compiled.
#[derive(Debug)]
pub struct Splitter {
    pre: &'static PreTokenizer,
    expressions: Vec<Regex>,
}

impl Splitter {
    /// The pre-tokenizer that this splits for.
    pub fn pre(&self) -> &'static PreTokenizer {
        self.pre
    }

    /// The words of a text. They join to the text again.
    pub fn split<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let mut pieces = vec![text];
        for expression in &self.expressions {
            let mut finer = Vec::with_capacity(pieces.len());
            pieces.into_iter().for_each(|piece| split_by(expression, piece, &mut finer));
            finer.retain(|piece| !piece.is_empty());
            pieces = finer;
        }
        pieces
    }
}

/// Appends the matches of an expression, and the text between them.
fn split_by<'t>(expression: &Regex, text: &'t str, pieces: &mut Vec<&'t str>) {
    let mut done = 0;
    while let Some(found) = expression.find_at(text, done) {
        let end = found.start() + without_last_space(expression, found.as_str(), &text[found.end()..]);
        pieces.extend([&text[done..found.start()], &text[found.start()..end]]);
        done = end;
    }
    pieces.push(&text[done..]);
}

/// How much of a match counts: white space before a word leaves its last sign to it, unless the expression has another
/// alternative for what ends in a line's end.
fn without_last_space(expression: &Regex, found: &str, after: &str) -> usize {
    let is_space = |text: &str| text.starts_with(char::is_whitespace);
    let Some((last, _)) = found.char_indices().next_back() else { return 0 };
    let ends_line = || found.ends_with(['\r', '\n']) && expression.as_str().contains(LINES);
    let before_word = last > 0 && !after.is_empty() && !is_space(after);
    if before_word && found.chars().all(char::is_whitespace) && !ends_line() { last } else { found.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static LLAMA_BPE: LazyLock<Splitter> = LazyLock::new(|| splitter("llama-bpe"));
    static QWEN2: LazyLock<Splitter> = LazyLock::new(|| splitter("qwen2"));

    fn splitter(pre: &str) -> Splitter {
        PreTokenizer::named(pre).unwrap().splitter().unwrap()
    }

    #[test]
    fn qwen2_has_the_names_of_llama_cpp() {
        for name in ["qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2"] {
            let pre = PreTokenizer::named(name).unwrap();
            assert_eq!((pre.name(), pre.ignore_merges, pre.add_bos), ("qwen2", false, false), "{name}");
        }
    }

    #[test]
    fn qwen2_cuts_by_its_rules() {
        let cases: [(&str, &[&str]); 14] = [
            // One number character at a time, of whatever script, and no space before it.
            ("a1234 56", &["a", "1", "2", "3", "4", " ", "5", "6"]),
            ("٣Ⅷ½", &["٣", "Ⅷ", "½"]),
            // Contractions in any case, before anything else.
            ("I'LL we'Ve don'T it's", &["I", "'LL", " we", "'Ve", " don", "'T", " it", "'s"]),
            ("'REx'Dog'm'M", &["'RE", "x", "'D", "og", "'m", "'M"]),
            // What is none takes its apostrophe along, as a word takes any one character before it.
            ("'x (abc \tdef_ghi", &["'x", " (", "abc", " ", "\tdef", "_ghi"]),
            // But neither CR nor LF nor a number.
            ("\nab\rcd1ef", &["\n", "ab", "\r", "cd", "1", "ef"]),
            // A run of other signs takes one space before it, and all CR and LF after it.
            ("a ?!\r\n\nb", &["a", " ?!\r\n\n", "b"]),
            ("((a  ...\n c", &["((", "a", " ", " ...\n", " c"]),
            // Spaces up to the last CR or LF; then those before the last space; the last one goes with a word.
            ("a  \n \r\n   b", &["a", "  \n \r\n", "  ", " b"]),
            ("a   1", &["a", "  ", " ", "1"]),
            ("a \u{3000} ", &["a", " \u{3000} "]),
            // A combining mark is neither letter, number nor space.
            ("cafe\u{301}s", &["cafe", "\u{301}s"]),
            ("e\u{301}\u{302}\n", &["e", "\u{301}\u{302}\n"]),
            ("你好，世界", &["你好", "，世界"]),
        ];
        for (text, expected) in cases {
            assert_eq!(QWEN2.split(text), expected, "{text:?}");
        }
        assert_eq!(splitter("qwen35").split("cafe\u{301}s"), ["cafe\u{301}s"]);
    }

    proptest! {
        /// Without numbers there is no difference between Qwen 2 and Llama 3, and with them it is in the numbers alone.
        #[test]
        fn qwen2_is_llama3_with_numbers_apart(text in "['sStTlL a-dÉ\u{301}!?_\\r\\n\\t\u{a0}0-9Ⅷ]{0,40}") {
            let apart = |piece: &&str| match piece.chars().all(char::is_numeric) {
                true => piece.chars().map(String::from).collect(),
                false => vec![(*piece).to_owned()],
            };
            let expected: Vec<String> = LLAMA_BPE.split(&text).iter().flat_map(apart).collect();
            prop_assert_eq!(QWEN2.split(&text), expected);
        }
    }
}
