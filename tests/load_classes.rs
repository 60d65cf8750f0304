//! Mistakes that engines have made when they read a model, one test each: the right file loads, the wrong file is
//! refused with one line. `docs/checked-load.md` lists them; a test here keeps that list complete.
//!
//! Every wrong file is the embedded model with one thing changed. What belongs elsewhere: damage without a meaning,
//! such as cuts at every byte (`hostile`), and what the compiler refuses (`ui-tests`).

use crate::api::*;
use crate::hostile::corpus::model;
use crate::hostile::load_all;
use crate::support::{cpu, logits_of, matrix_of, relative_error, with_model};
use trine::loader::{Array, StringArray, TensorInfo, Value};

const GATE: &str = "blk.2.ffn_gate.weight";
const QUERY: &str = "blk.1.attn_q.weight";
const LAST: &str = "blk.3.ffn_down.weight";
/// Bytes of the codes of `QUERY`, 256 x 256 of them; its scale follows.
const QUERY_CODES: usize = 256 * 256 / 4;

/// A model file, taken apart.
struct File {
    metadata: Vec<(String, Value)>,
    tensors: Vec<(String, Vec<usize>, TensorType, Vec<u8>)>,
}

impl File {
    /// The embedded model.
    fn right() -> File {
        let model = model();
        let metadata = model.metadata().iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
        let parts = |tensor: &TensorInfo| {
            let TensorInfo { name, ne, kind, .. } = tensor;
            (name.clone(), ne.row_major(), *kind, model.bytes(tensor).to_vec())
        };
        File { metadata, tensors: model.tensors().iter().map(parts).collect() }
    }

    /// Sets a metadata key, new or not.
    fn set(mut self, key: &str, value: impl Into<Value>) -> File {
        self = self.without_key(key);
        self.metadata.push((key.to_owned(), value.into()));
        self
    }

    fn without_key(mut self, key: &str) -> File {
        self.metadata.retain(|(found, _)| found != key);
        self
    }

    /// Replaces a tensor, or appends one.
    fn tensor(mut self, name: &str, dims: [usize; 2], kind: TensorType, bytes: Vec<u8>) -> File {
        let tensor = (name.to_owned(), dims.to_vec(), kind, bytes);
        match self.tensors.iter().position(|(found, ..)| found == name) {
            Some(at) => self.tensors[at] = tensor,
            None => self.tensors.push(tensor),
        }
        self
    }

    fn without_tensor(mut self, name: &str) -> File {
        self.tensors.retain(|(found, ..)| found != name);
        self
    }

    /// Changes the bytes of a tensor.
    fn edit(mut self, name: &str, edit: impl FnOnce(&mut Vec<u8>)) -> File {
        edit(&mut self.tensors.iter_mut().find(|(found, ..)| found == name).expect("a tensor").3);
        self
    }

    /// Gives a tensor of the same length other dimensions.
    fn shaped(mut self, name: &str, dims: [usize; 2]) -> File {
        self.tensors.iter_mut().find(|(found, ..)| found == name).expect("a tensor").1 = dims.to_vec();
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut writer = GgufWriter::new();
        for (key, value) in &self.metadata {
            writer.set(key, value.clone()).expect("a valid entry");
        }
        for (name, dims, kind, bytes) in &self.tensors {
            writer.tensor(name, dims, *kind, bytes.clone()).expect("a valid tensor");
        }
        let mut file = Vec::new();
        writer.write_to(&mut file).expect("memory takes everything");
        file
    }

    fn open(&self) -> Gguf {
        Gguf::from_bytes("right.gguf", self.bytes().into()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The line with which the file is refused.
    #[track_caller]
    fn refused(&self) -> String {
        refused(self.bytes())
    }
}

/// The line with which a file is refused, without the file's name.
#[track_caller]
fn refused(file: Vec<u8>) -> String {
    let line = load_all(file).expect_err("the wrong file is refused");
    assert!(!line.contains('\n'), "more than a line: {line}");
    line.strip_prefix("hostile.gguf: ").unwrap_or_else(|| panic!("no file named: {line}")).to_owned()
}

#[track_caller]
fn loads(file: &File) {
    assert_eq!(load_all(file.bytes()), Ok(()));
}

/// The file with another type number for a matrix; nothing else changes.
fn with_type_id(file: Vec<u8>, matrix: &str, id: u32) -> Vec<u8> {
    let mut file = file;
    let name = [&(matrix.len() as u64).to_le_bytes()[..], matrix.as_bytes()].concat();
    let at = file.windows(name.len()).position(|window| window == name).expect("a tensor") + name.len() + 4 + 2 * 8;
    file[at..at + 4].copy_from_slice(&id.to_le_bytes());
    file
}

/// Logits of three tokens.
fn logits(file: &File) -> Vec<f32> {
    with_model(&file.open(), &LoadOptions::default(), |transformer| logits_of(&cpu(), transformer, &[0, 17, 300]))
}

#[test]
fn dimensions_are_in_file_order_and_data_is_never_moved() {
    let right = File::right();
    with_model(&right.open(), &LoadOptions::default(), |transformer| {
        let gate = matrix_of(transformer, 2, Projection::Gate);
        assert_eq!((gate.rows(), gate.cols()), (768, 256));
        assert_eq!(gate.bytes(), &model().bytes(model().tensor(GATE).expect("a tensor")));
    });
    let expected =
        format!("tensor `{GATE}` should be [Ffn = 768, Hidden = 256] but is [256, 768] (it looks transposed)");
    assert_eq!(right.shaped(GATE, [256, 768]).refused(), expected);
}

#[test]
fn codes_mean_minus_one_zero_and_one() {
    let right = File::right();
    with_model(&right.open(), &LoadOptions::default(), |transformer| {
        let query = matrix_of(transformer, 1, Projection::Query);
        let (scale, mut row) = (query.scale().expect("one scale"), vec![0.0; 256]);
        query.decode_row(0, &mut row);
        // Element 32 k + m of a block of 128 is in byte m, the highest bits first.
        let code = |i: usize| query.bytes()[i / 128 * 32 + i % 32] >> (6 - 2 * (i % 128 / 32)) & 3;
        let expected: Vec<f32> = (0..256).map(|i| scale * (f32::from(code(i)) - 1.0)).collect();
        assert_eq!(row, expected);
    });
    // A map to {-2, -1, 1, 2} uses all four codes.
    let wrong = right.edit(QUERY, |bytes| bytes[1000] = 0b00_01_10_11);
    let line = wrong.refused();
    assert!(line.starts_with(&format!("tensor `{QUERY}` at byte ")), "{line}");
    let fault = "i2_s block 1 of row 15 (byte 992 of the tensor): element 104 has code 3; ternary codes are 0, 1 and 2 \
                 (-1, 0 and +1)";
    assert!(line.ends_with(fault), "{line}");
}

#[test]
fn another_layout_of_the_codes_has_another_type() {
    let right = File::right();
    loads(&right);
    for (id, name) in [(38, "TL1 of bitnet.cpp"), (39, "MXFP4 of llama.cpp or TL2 of bitnet.cpp")] {
        let line = refused(with_type_id(right.bytes(), QUERY, id));
        assert!(line.starts_with(&format!("tensor \"{QUERY}\", byte ")), "{line}");
        assert!(line.contains(&format!("found {name} (id {id}); if it is TL1 or TL2")), "{line}");
        assert!(line.contains("convert the checkpoint that it was made from") && line.ends_with("to I2_S"), "{line}");
    }
}

#[test]
fn the_scale_behind_the_codes_is_finite_and_positive() {
    loads(&File::right());
    let scale = |scale: f32| {
        let set = |bytes: &mut Vec<u8>| bytes[QUERY_CODES..][..4].copy_from_slice(&scale.to_le_bytes());
        File::right().edit(QUERY, set).refused()
    };
    for (found, shown) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (-0.25, "-0.25")] {
        let fault = format!("i2_s scale at byte 16384 of the tensor is {shown}; it must be finite and not negative");
        assert!(scale(found).ends_with(&fault), "{}", scale(found));
    }
    assert!(scale(0.0).contains("the scale is 0 but element "), "{}", scale(0.0));
}

#[test]
fn lengths_are_exact_to_the_byte() {
    let right = File::right().bytes();
    assert_eq!(load_all(right.clone()), Ok(()));
    let (length, start) = (right.len(), model().tensor(LAST).expect("a tensor").offset);
    let short = format!(
        "its data occupies bytes {start} to {length}, but the file has {} bytes: the file is truncated or damaged; \
         download or copy it again",
        length - 32
    );
    let line = refused(right[..length - 32].to_vec());
    assert!(line.ends_with(&short), "{line}");
    let long = format!(
        "byte {length}: expected the end of the file at byte {length}, after the last tensor and its padding, found {} \
         bytes: the rest belongs to nothing",
        length + 32
    );
    assert_eq!(refused([right, vec![0; 32]].concat()), long);
}

#[test]
fn codes_in_twos_complement_are_refused() {
    let right = File::right();
    loads(&right);
    // -1, 0 and 1 as the bits 11, 00 and 01.
    let twos_complement = |byte: u8| (0..4).map(|n| [3, 0, 1][usize::from(byte >> (2 * n) & 3)] << (2 * n)).sum::<u8>();
    let wrong = right.edit(QUERY, |bytes| bytes[..QUERY_CODES].iter_mut().for_each(|b| *b = twos_complement(*b)));
    let line = wrong.refused();
    assert!(line.contains("i2_s block 0 of row 0 (byte 0 of the tensor): element "), "{line}");
    assert!(line.ends_with("has code 3; ternary codes are 0, 1 and 2 (-1, 0 and +1)"), "{line}");
}

#[test]
fn a_matrix_labelled_with_another_type_does_not_fill_its_place() {
    let key = "blk.1.attn_k.weight";
    // Blocks of 32: a scale of 2^-6, then codes.
    let block = |i: usize| [&[0x00, 0x24][..], &[i as u8 % 100; 32]].concat();
    let q8_0 = File::right().tensor(key, [128, 256], TensorType::Q8_0, (0..1024).flat_map(block).collect());
    loads(&q8_0);
    let line = refused(with_type_id(q8_0.bytes(), key, 36));
    assert!(line.starts_with("tensor \"blk.1.attn_v.weight\", byte "), "{line}");
    assert!(
        line.contains("the bytes between belong to no tensor, so an element type or a shape in this file"),
        "{line}"
    );
}

#[test]
fn type_numbers_are_those_of_ggml() {
    let right = File::right();
    assert_eq!(right.open().metadata().u32("general.file_type").expect("a key"), 40);
    loads(&right);
    // 40 is I2_S as the type of a file, not of a tensor; 24 is I8, which some tables give to IQ2_S.
    for (id, name) in [(40, "NVFP4 of llama.cpp or STQ1_0 of an early upload"), (24, "I8")] {
        let line = refused(with_type_id(right.bytes(), QUERY, id));
        assert!(
            line.contains(&format!(
                " TQ1_0, TQ2_0, IQ1_BN, IQ2_BN, IQ2_BN_R4, Q2_0, PQ2_0, PTQ1_0, Q1_0, STQ1_0, found {name} (id {id}); "
            )),
            "{line}"
        );
    }
}

#[test]
fn the_header_ends_with_two_counts_and_alignment_is_metadata() {
    let aligned = File::right().set("general.alignment", 64u32);
    loads(&aligned);
    let right = File::right().set("general.alignment", 32u32).bytes();
    let at = right.windows(17).position(|window| window == b"general.alignment").expect("the key") + 17 + 4;
    let mut wrong = right.clone();
    wrong[at..at + 4].copy_from_slice(&48u32.to_le_bytes());
    let expected = "expected a power of two from 8 to 1048576, found 48";
    assert!(refused(wrong.clone()).ends_with(expected), "{}", refused(wrong));
    // A header that goes on with an alignment and the offset of the data.
    let more = [&32u32.to_le_bytes()[..], &4096u64.to_le_bytes()].concat();
    let line = refused([&right[..24], &more, &right[24..]].concat());
    assert!(
        line.starts_with("metadata entry 0, byte 32: metadata key needs 17592186044448 bytes, but the file "),
        "{line}"
    );
}

#[test]
fn metadata_has_one_meaning_each_and_none_is_guessed() {
    loads(&File::right());
    let context = File::right().without_key("bitnet-b1.58.context_length").refused();
    let missing = |key: &str| {
        format!("metadata key \"bitnet-b1.58.{key}\": expected a value of type u32, but the file has no such key")
    };
    assert_eq!(context, missing("context_length"));
    let head = File::right().set("bitnet-b1.58.attention.key_length", 80u32).refused();
    assert_eq!(head, "tensor `blk.0.attn_q.weight` should be [QWidth = 320, Hidden = 256] but is [256, 256]");
    let mut other = File::right();
    for (key, _) in &mut other.metadata {
        *key = key.replace("bitnet-b1.58.", "llama.");
    }
    assert_eq!(other.refused(), missing("attention.head_count"));
}

#[test]
fn every_tensor_has_exactly_one_role() {
    let right = File::right();
    loads(&right);
    let unused = File::right().tensor("blk.0.attn_q.bias", [1, 256], TensorType::F32, vec![0; 1024]).refused();
    let no_biases = "its matrices have no biases, so this is another model";
    assert_eq!(
        unused,
        format!("tensors have no role in architecture `bitnet-b1.58`: `blk.0.attn_q.bias`; {no_biases}")
    );
    let missing = File::right().without_tensor("blk.0.attn_sub_norm.weight").refused();
    assert_eq!(missing, "tensors are missing: `blk.0.attn_sub_norm.weight`");
    let (_, dims, kind, bytes) = right.tensors.iter().find(|tensor| tensor.0 == QUERY).expect("a tensor").clone();
    let renamed = right.without_tensor(QUERY).tensor("blk.1.wq.weight", [dims[0], dims[1]], kind, bytes).refused();
    let roles = "tensors have no role in architecture `bitnet-b1.58`: `blk.1.wq.weight`";
    assert_eq!(renamed, format!("tensors are missing: `{QUERY}`; {roles}"));
}

#[test]
fn keys_for_all_query_heads_are_not_cut_to_size() {
    let right = File::right();
    loads(&right);
    let query = right.tensors.iter().find(|tensor| tensor.0 == QUERY).expect("a tensor").3.clone();
    let wrong = right.tensor("blk.1.attn_k.weight", [256, 256], TensorType::I2S, query);
    let expected = "tensor `blk.1.attn_k.weight` should be [KvWidth = 128, Hidden = 256] but is [256, 256]";
    assert_eq!(wrong.refused(), expected);
}

#[test]
fn what_is_missing_of_a_matrix_is_not_filled_with_zeros() {
    let right = File::right().bytes();
    assert_eq!(load_all(right.clone()), Ok(()));
    let half = model().tensor(LAST).expect("a tensor").offset as usize + 24_576;
    let line = refused(right[..half].to_vec());
    assert!(line.starts_with(&format!("tensor \"{LAST}\", byte ")), "{line}");
    assert!(line.contains(&format!("but the file has {half} bytes: the file is truncated or damaged")), "{line}");
}

#[test]
fn blocks_are_as_many_as_the_metadata_says() {
    loads(&File::right());
    let blocks = |count: u32| File::right().set("bitnet-b1.58.block_count", count).refused();
    let names = "`blk.4.attn_norm.weight`, `blk.4.attn_sub_norm.weight`, `blk.4.ffn_norm.weight`, \
                 `blk.4.ffn_sub_norm.weight` and 7 more";
    assert_eq!(blocks(5), format!("tensors are missing: {names}"));
    assert!(blocks(3).starts_with("tensors have no role in architecture `bitnet-b1.58`: `blk.3.attn_norm.weight`"));
}

#[test]
fn the_residual_width_is_not_guessed_from_a_tensor() {
    loads(&File::right());
    let key = "bitnet-b1.58.embedding_length";
    let missing = File::right().without_key(key).refused();
    let expected = format!("metadata key \"{key}\": expected a value of type u32, but the file has no such key");
    assert_eq!(missing, expected);
    let wrong = File::right().set(key, 512u32).refused();
    assert_eq!(wrong, "tensor `token_embd.weight` should be [Vocab = 2048, Hidden = 512] but is [2048, 256]");
}

#[test]
fn a_head_is_tied_or_has_its_own_tensor() {
    let tied = File::right();
    let table = tied.tensors.iter().find(|tensor| tensor.0 == "token_embd.weight").expect("a tensor").3.clone();
    let own = File::right().tensor("output.weight", [2048, 256], TensorType::F16, table.clone());
    let has_head =
        |file: &File| with_model(&file.open(), &LoadOptions::default(), |transformer| !transformer.is_tied());
    assert_eq!((has_head(&tied), has_head(&own)), (false, true));
    assert_eq!(logits(&tied), logits(&own));
    let wrong = File::right().tensor("output.weight", [256, 2048], TensorType::F16, table).refused();
    let expected =
        "tensor `output.weight` should be [Vocab = 2048, Hidden = 256] but is [256, 2048] (it looks transposed)";
    assert_eq!(wrong, expected);
}

#[test]
fn gains_of_any_size_are_taken_as_they_are() {
    let norm = "blk.0.attn_norm.weight";
    let mut expected = Vec::new();
    let small = File::right().edit(norm, |bytes| {
        expected = bytes.as_chunks::<4>().0.iter().map(|gain| f32::from_le_bytes(*gain) * 0.01).collect();
        *bytes = expected.iter().flat_map(|gain| gain.to_le_bytes()).collect();
    });
    with_model(&small.open(), &LoadOptions::default(), |transformer| {
        assert_eq!(transformer.blocks.iter().next().unwrap().attn_norm.gain().data(), expected);
    });
    let wrong = File::right().edit(norm, |bytes| bytes.fill(0)).refused();
    assert_eq!(wrong, format!("tensor `{norm}` holds only zeros, expected gains that are not all zero"));
}

#[test]
fn a_vocabulary_fits_its_embedding_says_how_it_splits_and_begins_once() {
    let right = File::right();
    let tokenizer = Tokenizer::from_gguf(&right.open(), &TokenizerOptions::default()).expect("a tokenizer");
    let ids = |text| tokenizer.encode(text, EncodeOptions::PROMPT).expect("ids");
    assert_eq!(ids("<|endoftext|>Once upon"), ids("Once upon"));
    assert_eq!(ids("Once upon")[0], 0);

    let tokens = right.open().metadata().string_array("tokenizer.ggml.tokens").expect("tokens").clone();
    let mut more = StringArray::default();
    tokens.iter().chain(["<|one more|>"]).for_each(|token| more.push(token));
    let kinds = right.open().metadata().opt_i32_array("tokenizer.ggml.token_type").expect("kinds").map(<[i32]>::to_vec);
    let kinds = [kinds.expect("kinds"), vec![3]].concat();
    let longer = right
        .set("tokenizer.ggml.tokens", Value::Array(Array::String(more)))
        .set("tokenizer.ggml.token_type", Value::Array(Array::I32(kinds)));
    let size = "key `bitnet-b1.58.vocab_size` is 2048, expected 2049, the number of tokens in the vocabulary";
    assert_eq!(longer.refused(), size);
    let rows = "tensor `token_embd.weight` should be [Vocab = 2049, Hidden = 256] but is [2048, 256]";
    assert_eq!(longer.without_key("bitnet-b1.58.vocab_size").refused(), rows);

    let unsplit = File::right().without_key("tokenizer.ggml.pre").refused();
    let expected = "the file has no tokenizer.ggml.pre, so it is unknown how text is split before its merges apply: \
                    name the pre-tokenizer with --pre (known are ";
    assert!(unsplit.starts_with(expected), "{unsplit}");
}

#[test]
fn activations_exceed_half_precision_without_harm() {
    // The norm behind the gate divides the factor away again; squared, it lies far beyond 65504, the most of an f16.
    let large = File::right().edit("blk.0.ffn_gate.weight", |bytes| {
        let scale = bytes.len() - 32;
        let factor = f32::from_le_bytes(bytes[scale..][..4].try_into().expect("four bytes")) * 4096.0;
        bytes[scale..][..4].copy_from_slice(&factor.to_le_bytes());
    });
    let (found, expected) = (logits(&large), logits(&File::right()));
    assert!(found.iter().all(|logit| logit.is_finite()));
    assert!(relative_error(&found, &expected) < 0.01, "{}", relative_error(&found, &expected));
}

#[test]
fn the_list_in_the_documentation_is_complete() {
    let (code, list) = (include_str!("load_classes.rs"), include_str!("../docs/checked-load.md"));
    let tests: Vec<&str> = code
        .split("#[test]\nfn ")
        .skip(1)
        .filter_map(|test| test.split('(').next())
        .filter(|test| *test != "the_list_in_the_documentation_is_complete")
        .collect();
    let listed: Vec<&str> = list.lines().filter_map(|line| line.strip_suffix("` |")?.rsplit('`').next()).collect();
    assert_eq!(listed, tests);
}
