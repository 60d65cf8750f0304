//! What a vocabulary must satisfy, and what small vocabularies encode to. Real vocabularies and other programs' ids are
//! in `tests/tokenizer.rs` of the workspace.

use proptest::prelude::*;
use trine_loader::{Array, Gguf, GgufWriter, StringArray, Value};

use super::*;

/// SentencePiece with `<unk>`, `<s>`, `</s>`, all bytes and a few pieces; ids of the pieces begin at 259.
fn sentencepiece_data() -> VocabularyData {
    let pieces = ["▁", "a", "b", "c", "ab", "bc", "▁a", "[x]", "[x][y]"];
    let scores = [-9.0, -9.0, -9.0, -9.0, -2.0, -1.0, -3.0, 0.0, 0.0];
    let bytes = (0..=255u8).map(|byte| format!("<0x{byte:02X}>"));
    let tokens = ["<unk>", "<s>", "</s>"].map(str::to_owned).into_iter().chain(bytes);
    VocabularyData {
        model: "llama".to_owned(),
        tokens: tokens.chain(pieces.map(str::to_owned)).collect(),
        token_types: Some([&[2, 3, 3][..], &[6; 256], &[1; 7], &[4; 2]].concat()),
        scores: Some([&[0.0; 259][..], &scores].concat()),
        special: SpecialIds { bos: Some(1), eos: Some(2), unknown: Some(0), ..SpecialIds::default() },
        ..VocabularyData::default()
    }
}

/// Byte-level BPE of a few letters and a space, with three merges and one control token.
fn bpe_data() -> VocabularyData {
    let tokens = ["a", "b", "c", "Ġ", "ab", "abc", "Ġa", "<|eot_id|>"];
    VocabularyData {
        model: "gpt2".to_owned(),
        pre: Some("gpt-2".to_owned()),
        tokens: tokens.map(str::to_owned).to_vec(),
        token_types: Some(vec![1, 1, 1, 1, 1, 1, 1, 4]),
        merges: Some(["a b", "ab c", "Ġ a"].map(str::to_owned).to_vec()),
        ..VocabularyData::default()
    }
}

fn plain(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    tokenizer.encode(text, EncodeOptions::PLAIN).unwrap()
}

/// The message of the error that a changed vocabulary gives.
fn refusal(mut data: VocabularyData, change: impl FnOnce(&mut VocabularyData)) -> String {
    change(&mut data);
    Tokenizer::from_data(data).unwrap_err().to_string()
}

#[test]
fn the_best_score_merges_first() {
    let tokenizer = Tokenizer::from_data(sentencepiece_data()).unwrap();
    // "bc" (-1) before "ab" (-2); then "▁a" (-3).
    assert_eq!(plain(&tokenizer, "abc"), [265, 264]);
    assert_eq!(plain(&tokenizer, "aab"), [265, 263]);
    // Equal scores: the left one first.
    let mut data = sentencepiece_data();
    data.scores.as_mut().unwrap()[263] = -1.0;
    assert_eq!(plain(&Tokenizer::from_data(data).unwrap(), "abc"), [259, 263, 262]);
}

#[test]
fn text_without_a_token_becomes_bytes() {
    let tokenizer = Tokenizer::from_data(sentencepiece_data()).unwrap();
    assert_eq!(plain(&tokenizer, "é"), [259, 3 + 0xc3, 3 + 0xa9]);
    assert_eq!(tokenizer.decode(&[259, 3 + 0xc3, 3 + 0xa9], false).unwrap(), "é");
}

#[test]
fn text_without_bytes_becomes_unknown_or_an_error() {
    let mut data = sentencepiece_data();
    data.tokens[3 + 0xa9] = "filler".to_owned();
    data.token_types.as_mut().unwrap()[3 + 0xa9] = 5;
    let tokenizer = Tokenizer::from_data(data.clone()).unwrap();
    assert_eq!(plain(&tokenizer, "é"), [259, 0]);
    data.special.unknown = None;
    let error = Tokenizer::from_data(data).unwrap().encode("é", EncodeOptions::PLAIN).unwrap_err();
    assert!(error.to_string().contains("'é' (U+00E9), which has no tokens"), "{error}");
}

#[test]
fn the_longest_user_defined_token_is_matched_first_and_without_parse_special() {
    let tokenizer = Tokenizer::from_data(sentencepiece_data()).unwrap();
    assert_eq!(plain(&tokenizer, "[x][y][x]</s>a")[..2], [267, 266]);
    let parsed = tokenizer.encode("[x]</s>a", EncodeOptions::PROMPT).unwrap();
    assert_eq!(parsed, [1, 266, 2, 265]);
}

#[test]
fn no_space_prefix_where_the_file_says_so() {
    let data = VocabularyData { add_space_prefix: Some(false), ..sentencepiece_data() };
    let tokenizer = Tokenizer::from_data(data).unwrap();
    assert_eq!(plain(&tokenizer, "a"), [260]);
    assert_eq!(tokenizer.decode(&[265], false).unwrap(), " a");
}

#[test]
fn merges_apply_in_order_and_bytes_without_a_token_are_refused() {
    let tokenizer = Tokenizer::from_data(bpe_data()).unwrap();
    assert_eq!(plain(&tokenizer, "abc ab ac"), [5, 3, 4, 6, 2]);
    let error = tokenizer.encode("abd", EncodeOptions::PLAIN).unwrap_err();
    assert!(error.to_string().contains("'d' (U+0064), which has no tokens"), "{error}");
}

/// U+00A0 and U+00AD are no letters of the alphabet of bytes, though their numbers are those of bytes.
#[test]
fn a_character_outside_the_alphabet_of_bytes_stands_for_itself() {
    let mut bytes = Vec::new();
    ByteLevelBpe::decode("aĠ\u{a0}\u{ad}é\u{3bb}", &mut bytes);
    assert_eq!(bytes, [&b"a "[..], "\u{a0}\u{ad}".as_bytes(), &[0xe9], "\u{3bb}".as_bytes()].concat());
}

#[test]
fn a_name_that_ends_generations_is_a_control_token_whatever_the_file_says() {
    let tokenizer = Tokenizer::from_data(bpe_data()).unwrap();
    assert_eq!(tokenizer.kind(7), Some(TokenKind::Control));
    assert_eq!(tokenizer.end_of_generation(), [7]);
    assert_eq!(tokenizer.decode(&[5, 7], false).unwrap(), "abc");
    assert_eq!(tokenizer.decode(&[5, 7], true).unwrap(), "abc<|eot_id|>");
}

#[test]
fn bos_and_eos_are_added_as_the_file_says() {
    let mut data = bpe_data();
    data.special = SpecialIds { bos: Some(3), eos: Some(7), ..SpecialIds::default() };
    (data.add_bos, data.add_eos) = (Some(true), Some(true));
    let tokenizer = Tokenizer::from_data(data).unwrap();
    assert_eq!(tokenizer.encode("ab", EncodeOptions::DOCUMENT).unwrap(), [3, 4, 7]);
    assert_eq!(tokenizer.encode("ab<|eot_id|>", EncodeOptions::DOCUMENT).unwrap(), [3, 4, 7]);
    assert_eq!(plain(&tokenizer, "ab"), [4]);
}

#[test]
fn bos_by_default_needs_an_id() {
    let data = VocabularyData { pre: Some("llama3".to_owned()), ..bpe_data() };
    let tokenizer = Tokenizer::from_data(data).unwrap();
    assert!(!tokenizer.adds_bos());
    assert_eq!(tokenizer.warnings(), [TokenizerWarning::NoBos]);
    assert_eq!(tokenizer.pre(), Some("llama-bpe"));
}

#[test]
fn inconsistent_vocabularies_are_refused() {
    let (spm, bpe) = (sentencepiece_data, bpe_data);
    let cases = [
        (refusal(spm(), |d| d.model = "bert".to_owned()), "tokenizer.ggml.model is \"bert\""),
        (refusal(spm(), |d| d.tokens.clear()), "tokenizer.ggml.tokens is empty"),
        (refusal(spm(), |d| d.tokens[260] = "b".to_owned()), "token \"b\" stands at 260 and again at 261"),
        (
            refusal(spm(), |d| d.token_types = Some(vec![1; 7])),
            "tokenizer.ggml.token_type holds 7 values: expected 268",
        ),
        (refusal(spm(), |d| d.token_types.as_mut().unwrap()[5] = 7), "tokenizer.ggml.token_type of token 5 is 7"),
        (refusal(spm(), |d| d.token_types.as_mut().unwrap()[6] = -1), "of token 6 is -1: expected 0 to 6"),
        (refusal(spm(), |d| d.token_types.as_mut().unwrap()[260] = 6), "token 260 \"a\" has the type byte"),
        (refusal(spm(), |d| d.scores = None), "the file has no tokenizer.ggml.scores"),
        (refusal(spm(), |d| d.scores = Some(vec![])), "tokenizer.ggml.scores holds 0 values: expected 268"),
        (refusal(spm(), |d| d.scores.as_mut().unwrap()[9] = f32::NAN), "tokenizer.ggml.scores of token 9 is NaN"),
        (
            refusal(spm(), |d| d.special.bos = Some(268)),
            "tokenizer.ggml.bos_token_id is 268, outside the vocabulary of 268",
        ),
        (refusal(spm(), |d| d.special.eot = Some(u32::MAX)), "tokenizer.ggml.eot_token_id is 4294967295"),
        (refusal(bpe(), |d| d.merges = None), "the file has no tokenizer.ggml.merges"),
        (refusal(bpe(), |d| d.pre = None), "the file has no tokenizer.ggml.pre"),
        (refusal(bpe(), |d| d.pre = Some("gpt-5".to_owned())), "unknown pre-tokenizer \"gpt-5\": known are llama-bpe"),
        (refusal(bpe(), |d| d.merges.as_mut().unwrap()[1] = "ab".to_owned()), "tokenizer.ggml.merges[1] is \"ab\""),
        (
            refusal(bpe(), |d| d.merges.as_mut().unwrap()[1] = "a b c".to_owned()),
            "merges[1] is \"a b c\": expected two",
        ),
        (refusal(bpe(), |d| d.merges.as_mut().unwrap()[2] = "a z".to_owned()), "\"z\" is not among"),
        (refusal(bpe(), |d| d.merges.as_mut().unwrap()[2] = "b c".to_owned()), "\"bc\" is not among"),
        (refusal(bpe(), |d| d.add_bos = Some(true)), "add_bos_token is true but the file has no tokenizer.ggml.bos"),
        (refusal(bpe(), |d| d.add_eos = Some(true)), "add_eos_token is true but the file has no tokenizer.ggml.eos"),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message}\n  should contain {expected}");
    }
}

#[test]
fn messages_stay_on_one_short_line() {
    let message = refusal(bpe_data(), |d| d.merges.as_mut().unwrap()[0] = "\n".repeat(100_000));
    assert!(message.len() < 400 && !message.contains('\n') && message.contains("(100000 bytes)"), "{message}");
}

#[test]
fn empty_tokens_match_nothing_and_ids_outside_are_refused() {
    let mut data = bpe_data();
    data.tokens.extend([String::new(), String::new()]);
    data.token_types = None;
    let tokenizer = Tokenizer::from_data(data).unwrap();
    assert!(plain(&tokenizer, "").is_empty());
    assert_eq!(tokenizer.decode(&[8, 4, 9], false).unwrap(), "ab");
    let error = tokenizer.decode(&[10], false).unwrap_err();
    assert_eq!(error.to_string(), "token 10 is outside the vocabulary of 10 tokens");
}

/// A file of this architecture with as many tokens, and no `tokenizer.ggml.pre`.
fn file_without_pre(architecture: &str, tokens: usize) -> Gguf {
    let mut strings = StringArray::default();
    (0..tokens).for_each(|id| strings.push(&format!("token{id}")));
    let mut writer = GgufWriter::new();
    writer.set("general.architecture", Value::String(architecture.to_owned())).unwrap();
    writer.set("tokenizer.ggml.model", Value::String("gpt2".to_owned())).unwrap();
    writer.set("tokenizer.ggml.tokens", Value::Array(Array::String(strings))).unwrap();
    writer.set("tokenizer.ggml.merges", Value::Array(Array::String(StringArray::default()))).unwrap();
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    Gguf::from_bytes("small.gguf", bytes.into()).unwrap()
}

#[test]
fn a_missing_pre_is_known_for_one_published_file_only() {
    let options = TokenizerOptions::default();
    for architecture in ["bitnet-b1.58", "bitnet-25"] {
        let tokenizer = Tokenizer::from_gguf(&file_without_pre(architecture, 128_256), &options).unwrap();
        assert_eq!(tokenizer.pre(), Some("llama-bpe"));
        assert_eq!(tokenizer.warnings()[0], TokenizerWarning::PreAssumed);
    }
    for (architecture, tokens) in [("llama", 128_256), ("bitnet-b1.58", 2048)] {
        let error = Tokenizer::from_gguf(&file_without_pre(architecture, tokens), &options).unwrap_err().to_string();
        assert!(
            error.starts_with("small.gguf: the file has no tokenizer.ggml.pre") && error.contains("--pre"),
            "{error}"
        );
    }
    let options = TokenizerOptions { pre: Some("qwen2".to_owned()) };
    let tokenizer = Tokenizer::from_gguf(&file_without_pre("llama", 300), &options).unwrap();
    assert_eq!((tokenizer.pre(), tokenizer.warnings().len()), (Some("qwen2"), 0));
}

#[test]
fn a_key_of_the_wrong_type_is_named() {
    let mut writer = GgufWriter::new();
    writer.set("tokenizer.ggml.model", Value::U32(5)).unwrap();
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    let gguf = Gguf::from_bytes("typed.gguf", bytes.into()).unwrap();
    let error = Tokenizer::from_gguf(&gguf, &TokenizerOptions::default()).unwrap_err().to_string();
    assert!(error.contains("typed.gguf") && error.contains("tokenizer.ggml.model"), "{error}");
}

proptest! {
    /// A token that goes from a letter to a space makes the engine merge over the whole text; one that nothing merges
    /// into changes no ids.
    #[test]
    fn merging_by_words_equals_merging_the_whole_text(text in "[abcé ▁]{0,30}") {
        let by_words = Tokenizer::from_data(sentencepiece_data()).unwrap();
        let mut data = sentencepiece_data();
        data.tokens.push("é▁z".to_owned());
        data.token_types.as_mut().unwrap().push(1);
        data.scores.as_mut().unwrap().push(0.0);
        let whole = Tokenizer::from_data(data).unwrap();
        prop_assert_eq!(plain(&by_words, &text), plain(&whole, &text));
    }

    /// Whatever the text, SentencePiece with all bytes gives it back.
    #[test]
    fn sentencepiece_round_trip(text in "[abc é🦙\\n]{0,40}") {
        let tokenizer = Tokenizer::from_data(sentencepiece_data()).unwrap();
        prop_assert_eq!(tokenizer.decode(&plain(&tokenizer, &text), false).unwrap(), text);
    }
}

/// What a message quotes is text wherever it stands, and is encoded as if it were plain.
#[test]
fn what_is_quoted_is_no_control_token() {
    let tokenizer = Tokenizer::from_data(sentencepiece_data()).unwrap();
    let mark = '\u{fdd0}';
    for content in ["</s>", "a</s>[x]</s>b", "</s></s>", "[x][y]", "<unk>a", "plain"] {
        let quoted = tokenizer.quote(content, mark);
        let ids = tokenizer.encode_quoted(&["</s>", &quoted, "</s>"].concat(), mark, EncodeOptions::PROMPT).unwrap();
        let expected = [&[1, 2][..], &plain(&tokenizer, content), &[2]].concat();
        assert_eq!(ids, expected, "{content:?}");
    }
    assert_eq!(tokenizer.quote("a[x]", mark), "a[x]");
}

/// Tokens that are found in the composed text, or take spaces along, are quoted like others, and the spaces stay.
#[test]
fn what_is_quoted_is_no_added_token_either() {
    let mut data = sentencepiece_data();
    data.tokens.extend(["<|end|>", "<|é|>"].map(str::to_owned));
    data.token_types.as_mut().unwrap().extend([3, 3]);
    data.scores.as_mut().unwrap().extend([0.0, 0.0]);
    data.nfc = true;
    let (strips, normalized) = (268, 269);
    let token = |id: u32| AddedToken {
        id,
        lstrip: id == strips,
        rstrip: id == strips,
        single_word: false,
        normalized: id == normalized,
        mergeable: false,
    };
    data.added = vec![token(strips), token(normalized)];
    let tokenizer = Tokenizer::from_data(data).unwrap();
    let mark = '\u{fdd0}';
    for written in ["<|é|>", "<|e\u{301}|>"] {
        assert_eq!(tokenizer.encode(written, EncodeOptions::PROMPT).unwrap(), [1, normalized]);
        for content in ["a <|end|>\n\nb", "<|é|>", "<|e\u{301}|>", "a<|é|> <|end|> b<|e\u{301}|>", "a\u{301} b"] {
            let text = [written, &tokenizer.quote(content, mark), written].concat();
            let ids = tokenizer.encode_quoted(&text, mark, EncodeOptions::PROMPT).unwrap();
            let expected = [&[1, normalized][..], &plain(&tokenizer, content), &[normalized]].concat();
            assert_eq!(ids, expected, "{content:?}");
        }
    }
    let quoted = tokenizer.quote("a <|end|>\n\nb", mark);
    assert_eq!(quoted.replace(mark, ""), "a <|end|>\n\nb");
    let ids = tokenizer.encode_quoted(&quoted, mark, EncodeOptions::PLAIN).unwrap();
    assert_eq!(tokenizer.decode(&ids, false).unwrap(), "a <|end|>\n\nb");
}

/// One word of a million letters, a million spaces, and 200,000 control tokens: time in proportion to the text.
#[test]
fn long_words_and_many_control_tokens_take_no_longer_than_their_length() {
    let mut data = bpe_data();
    data.tokens.extend((0..200_000).map(|id| format!("<|{id}|>")));
    data.token_types.as_mut().unwrap().extend(vec![3; 200_000]);
    let tokenizer = Tokenizer::from_data(data).unwrap();
    let text = format!("{}{}{}", "a".repeat(1_000_000), " ".repeat(1_000_000), "<|199999|><|7|>".repeat(1000));
    let ids = tokenizer.encode(&text, EncodeOptions { parse_special: true, ..EncodeOptions::PLAIN }).unwrap();
    assert_eq!((ids.len(), &ids[ids.len() - 2..]), (2_002_000, &[200_007, 15][..]));
}

/// Equal scores merge from the left, whatever the sign of a zero.
#[test]
fn a_score_of_minus_zero_is_a_zero() {
    for (first, second) in [(-0.0, 0.0), (0.0, -0.0)] {
        let mut data = sentencepiece_data();
        data.add_space_prefix = Some(false);
        let scores = data.scores.as_mut().unwrap();
        (scores[263], scores[264]) = (first, second);
        let tokenizer = Tokenizer::from_data(data).unwrap();
        assert_eq!(plain(&tokenizer, "abc"), [263, 262], "ab before bc with {first:?} and {second:?}");
    }
}

/// In a GGUF file the first place of a merge counts (llama.cpp); what a directory does is in `hf/tests.rs`.
#[test]
fn a_merge_that_stands_twice_has_its_first_place() {
    let mut data = bpe_data();
    data.tokens.push("bc".to_owned());
    data.token_types.as_mut().unwrap().push(1);
    data.merges = Some(["a b", "b c", "a b"].map(str::to_owned).to_vec());
    assert_eq!(plain(&Tokenizer::from_data(data.clone()).unwrap(), "abc"), [4, 2]);
    data.merges = Some(["b c", "a b", "b c"].map(str::to_owned).to_vec());
    assert_eq!(plain(&Tokenizer::from_data(data).unwrap(), "abc"), [0, 8]);
}

#[test]
fn marks_of_thoughts_are_text_also_as_control_tokens() {
    let mut data = bpe_data();
    data.tokens.extend(["<think>", "</think>", "<tool_call>", "</tool_call>"].map(str::to_owned));
    data.token_types.as_mut().unwrap().extend([3; 4]);
    data.token_types.as_mut().unwrap()[7] = 3;
    let tokenizer = Tokenizer::from_data(data).unwrap();
    assert_eq!(
        tokenizer.decode(&[8, 5, 9, 0, 7, 10, 1, 11], false).unwrap(),
        "<think>abc</think>a<tool_call>b</tool_call>"
    );
    // Nobody who writes them in a message begins a thought: the vocabulary has no other way to write them.
    let written = tokenizer.encode("a<think>", EncodeOptions::PLAIN);
    assert!(matches!(written, Err(TokenizerError::NoTokens { character: '<' })), "{written:?}");
}
