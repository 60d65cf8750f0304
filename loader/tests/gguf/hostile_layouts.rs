//! Type numbers that programs use for several layouts: files of none, of several at once, and of those that are not
//! read. Each is refused in one line that says what the file has.

use crate::builder::{Builder, F32, side_by_side};

/// Two tensors whose rows are of 512 elements, 6144 and 3072 in all, and of which the larger one has `bytes`.
fn two(id: u32, bytes: usize) -> Builder {
    side_by_side(&[("a", &[512, 12], id, bytes), ("n", &[3], F32, 12), ("b", &[512, 6], id, bytes / 2)])
}

/// The file is refused at its first tensor of the id, named for what it has.
#[track_caller]
fn named(file: Builder, id: u32, name: &str) {
    file.refused_with(&[
        "tensor \"a\", byte 53: expected a tensor type among F32, ",
        &format!("found {name} (id {id}); "),
        "take another file of this model",
    ]);
}

#[test]
fn stq1_0_has_two_numbers() {
    for id in [42, 43] {
        let file = two(id, 1008).open().expect("a type that is read");
        assert!(
            file.tensors()
                .iter()
                .filter(|tensor| tensor.ne.elements() == 6144)
                .all(|t| t.kind == trine_loader::TensorType::STQ1_0)
        );
    }
    // An upload with integer scales has the number of NVFP4.
    named(two(40, 1008), 40, "STQ1_0 of an early upload, whose scales are integers");
}

#[test]
fn other_types_of_llama_cpp_and_bitnet_cpp_are_named() {
    named(two(36, 3456), 36, "IQ4_NL_4_4, removed from ggml");
    named(two(39, 3264), 39, "MXFP4 of llama.cpp");
    named(two(40, 3456), 40, "NVFP4 of llama.cpp");
    named(two(41, 1152), 41, "Q1_0 in groups of 32, a first version of the type");
    named(two(43, 6144), 43, "FP8");
}

#[test]
fn types_of_ik_llama_cpp_under_the_numbers_of_prismml_are_named() {
    // A quarter of a byte for each element, and four bytes for each row of 512, or two for each block of 256.
    named(two(142, 1536 + 12 * 4), 142, "IQ2_TN of ik_llama.cpp");
    named(two(142, 1536 + 24 * 2), 142, "IQ2_TN of ik_llama.cpp");
    named(two(143, 12 * (2 + 8 * 13)), 143, "IQ1_TN of ik_llama.cpp");
}

#[test]
fn contents_that_are_not_known_under_numbers_that_are() {
    named(two(40, 2000), 40, "NVFP4 of llama.cpp or STQ1_0 of an early upload");
    side_by_side(&[("a", &[512, 12], 39, 2000)]).refused_with(&[
        "found MXFP4 of llama.cpp or TL2 of bitnet.cpp (id 39); if it is TL1 or TL2, its bytes are laid out for one",
    ]);
    // Where one layout alone is read, the gap that it leaves is what is wrong.
    for id in [36, 41, 43, 142, 143] {
        let file = side_by_side(&[("a", &[512, 12], id, 4000), ("n", &[3], F32, 12)]);
        file.refused_with(&["tensor \"n\"", "an element type or a shape in this file is not what its writer meant"]);
    }
}

#[test]
fn lengths_that_no_layout_of_id_42_gives() {
    side_by_side(&[("a", &[512, 12], 42, 2000), ("n", &[3], F32, 12)]).refused(
        "tensor \"a\", byte 24: expected 1728 bytes of Q2_0 in groups of 64 or 1632 bytes of Q2_0 in groups of 128 \
         (legacy, the bytes of PQ2_0) or 1008 bytes of STQ1_0, as type id 42 may mean, found 2016 bytes \
         up to the next tensor: no layout fits, so the file is damaged or of an unknown one: take another file \
         of this model",
    );
}

#[test]
fn layouts_that_are_mixed() {
    let odd = |odd: &str| format!("tensor {odd:?}, byte ");
    let mixed = [("a", 1632), ("b", 1728), ("c", 1632)].map(|(name, bytes)| (name, &[512, 12][..], 42, bytes));
    side_by_side(&mixed).refused_with(&[
        &odd("b"),
        "found 1728 bytes up to the next tensor: other tensors of this id are Q2_0 in groups of 128 (legacy, the bytes \
         of PQ2_0); all must have one layout, but the writer mixed several: take another file of this model",
    ]);
    let with_stq1_0 = [("a", 1728), ("b", 1728), ("c", 1008)].map(|(name, bytes)| (name, &[512, 12][..], 42, bytes));
    side_by_side(&with_stq1_0)
        .refused_with(&[&odd("c"), "other tensors of this id are Q2_0 in groups of 64; all must"]);
    // A row of 192 is whole groups of 64 only.
    side_by_side(&[("a", &[512, 12], 42, 1632), ("b", &[512, 12], 42, 1632), ("c", &[192, 32], 42, 1632)])
        .refused_with(&[&odd("c"), "expected 1728 bytes of Q2_0 in groups of 64, as type id 42 may mean, found 1632"]);
}

#[test]
fn a_last_tensor_that_is_cut_short() {
    for (bytes, layout) in [(1728, "Q2_0 in groups of 64"), (1632, "Q2_0 in groups of 128")] {
        let whole = side_by_side(&[("a", &[512, 12], 42, bytes), ("b", &[512, 12], 42, bytes)]);
        assert!(whole.clone().open().is_ok());
        for left in [0, 1, bytes / 2, bytes - 1] {
            let mut cut = whole.clone();
            cut.0.truncate(whole.0.len().next_multiple_of(32) - bytes + left);
            cut.refused_with(&[
                "tensor \"b\", byte 65: expected 1728 bytes of Q2_0 in groups of 64 or 1632 bytes of Q2_0 in groups of",
                &format!("found {left} bytes up to the end of the file: other tensors of this id are {layout}"),
                "; truncated? Download or copy the file again",
            ]);
        }
    }
    // One tensor alone: every length but two is a cut.
    for left in [0, 100, 1631, 1727] {
        Builder::header(1, 0).line("w", &[512, 12], 42, 0).pad(32).zeros(left).refused_with(&[
            "tensor \"w\", byte 24: expected 1728 bytes",
            "up to the end of the file: truncated? Download or copy the file again",
        ]);
    }
    // The last tensor is of another type: its own check says so.
    let mut cut = side_by_side(&[("a", &[512, 12], 42, 1632), ("n", &[24], F32, 96)]);
    cut.0.truncate(cut.0.len() - 50);
    cut.refused_with(&["tensor \"n\", byte 65: its data occupies bytes", "the file is truncated or damaged"]);
}

#[test]
fn bytes_after_a_last_tensor_of_id_42() {
    side_by_side(&[("a", &[512, 12], 42, 1728)])
        .zeros(1)
        .refused_with(&["found 1729 bytes up to the end of the file: no layout fits"]);
}

#[test]
fn tensors_that_are_too_small_to_tell() {
    side_by_side(&[("small", &[128], 42, 36), ("larger", &[256, 1], 42, 72), ("n", &[3], F32, 12)]).refused(
        "tensor \"larger\", byte 61: type id 42 may mean 72 bytes of Q2_0 in groups of 64 or 68 bytes of Q2_0 in \
         groups of 128 (legacy, the bytes of PQ2_0), and with padding each takes 96, as in every tensor of this id: \
         they are too small to tell; write them as a type with an id of its own, such as PQ2_0",
    );
}

#[test]
fn places_that_are_impossible_do_not_decide() {
    let at = |first, second| {
        let table = Builder::header(2, 0).line("a", &[512, 12], 42, first).line("b", &[512, 12], 42, second);
        table.pad(32).zeros(2 * 1728 + 32)
    };
    at(0, 8).refused_with(&["tensor \"b\"", "expected the data at a multiple of 32 bytes, found offset 8"]);
    at(0, 0).refused_with(&["tensor \"a\"", "found 0 bytes up to the next tensor"]);
    at(0, u64::MAX - 31).refused_with(&["tensor \"a\"", "bytes up to the next tensor"]);
    at(1760, 3488).refused_with(&["tensor \"b\"", "found 0 bytes up to the end of the file"]);
    // The lengths are right, the place is not.
    at(32, 1760).refused_with(&["tensor \"a\"", "expected its data at byte"]);
}
