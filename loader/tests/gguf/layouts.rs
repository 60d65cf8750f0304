//! Type numbers that programs use for several layouts: what a whole file, or a model in several, decides.

use std::{fs, path::Path};

use trine_loader::{Gguf, GgufWriter, TensorType};

use crate::builder::{Builder, F32, side_by_side};

/// Bytes of `elements` of Q2_0 in groups of 64 and of 128.
const fn g64(elements: usize) -> usize {
    elements / 64 * 18
}

const fn g128(elements: usize) -> usize {
    elements / 128 * 34
}

fn kinds(gguf: &Gguf) -> Vec<TensorType> {
    gguf.tensors().iter().map(|tensor| tensor.kind).collect()
}

/// The layouts of a file as they are printed.
fn layouts(gguf: &Gguf) -> Vec<String> {
    gguf.layouts().iter().map(ToString::to_string).collect()
}

#[test]
fn id_42_in_groups_of_64() {
    let file =
        |last| side_by_side(&[("a", &[256, 24], 42, g64(6144)), ("n", &[3], F32, 12), ("b", &[192, 8], 42, last)]);
    let gguf = file(g64(1536)).open().expect("one layout fits");
    assert_eq!(kinds(&gguf), [TensorType::Q2_0, TensorType::F32, TensorType::Q2_0]);
    assert_eq!(layouts(&gguf), ["type id 42 is Q2_0 in groups of 64: 2 tensors"]);
    assert_eq!(gguf.tensor("a").map(|tensor| tensor.len), Some(1728));
}

#[test]
fn id_42_in_groups_of_128_is_pq2_0() {
    let gguf = side_by_side(&[("n", &[3], F32, 12), ("a", &[256, 24], 42, g128(6144))]).open().expect("one fits");
    assert_eq!(kinds(&gguf), [TensorType::F32, TensorType::PQ2_0]);
    assert_eq!(layouts(&gguf), ["type id 42 is Q2_0 in groups of 128 (legacy, the bytes of PQ2_0): 1 tensor"]);
    assert_eq!(gguf.tensor("a").map(|tensor| tensor.len), Some(1632));
    let layout = &gguf.layouts()[0];
    assert_eq!((layout.id, layout.kind, layout.tensors), (42, TensorType::PQ2_0, 1));
    assert_eq!(layout.kind.id(), 142, "it is written under a number of its own");
}

/// The padding of a small tensor hides which layout it has; a larger one tells, wherever it lies.
#[test]
fn small_tensors_have_the_layout_of_large_ones() {
    for (kind, large) in [(TensorType::Q2_0, g64(6144)), (TensorType::PQ2_0, g128(6144))] {
        let gguf =
            side_by_side(&[("small", &[128], 42, 34), ("large", &[256, 24], 42, large)]).open().expect("one fits");
        assert_eq!(kinds(&gguf), [kind, kind]);
    }
}

/// A file may lack the padding after its last tensor; with it, nothing tells.
#[test]
fn the_end_of_the_file_tells_a_small_last_tensor() {
    let file = |bytes| Builder::header(1, 0).line("w", &[512], 42, 0).pad(32).zeros(bytes);
    assert_eq!(kinds(&file(g128(512)).open().expect("the exact length")), [TensorType::PQ2_0]);
    assert_eq!(kinds(&file(g64(512)).open().expect("the exact length")), [TensorType::Q2_0]);
    file(160).refused_with(&["tensor \"w\"", "too small to tell"]);
}

/// The order of the table is not that of the data.
#[test]
fn the_room_of_a_tensor_is_up_to_the_next_in_the_file() {
    let table = Builder::header(2, 0).line("second", &[256, 24], 42, 1632).line("first", &[256, 24], 42, 0);
    let gguf = table.pad(32).zeros(2 * g128(6144)).open().expect("one layout fits");
    assert_eq!(kinds(&gguf), [TensorType::PQ2_0; 2]);
}

#[test]
fn numbers_with_one_layout_that_is_read() {
    for (id, kind, bytes) in
        [(41, TensorType::Q1_0, 864), (142, TensorType::PQ2_0, 1632), (143, TensorType::PTQ1_0, 1344)]
    {
        let gguf = side_by_side(&[("a", &[512, 12], id, bytes), ("n", &[3], F32, 12)]).open().expect("it fits");
        assert_eq!((gguf.tensors()[0].kind, gguf.tensors()[0].len), (kind, bytes as u64));
        assert!(gguf.layouts().is_empty(), "nothing was chosen");
    }
}

#[test]
fn written_numbers_and_file_types() {
    let kinds = [TensorType::Q2_0, TensorType::PQ2_0, TensorType::PTQ1_0, TensorType::Q1_0];
    let expected = [(42, 41, 864), (142, 141, 816), (143, 143, 672), (41, 40, 432)];
    for (kind, (id, file_type, len)) in kinds.into_iter().zip(expected) {
        assert_eq!((kind.id(), kind.file_type()), (id, file_type), "{kind}");
        let mut writer = GgufWriter::new();
        writer.tensor("w", &[6, 512], kind, vec![0; len]).unwrap();
        let mut file = Vec::new();
        writer.write_to(&mut file).unwrap();
        assert_eq!(file[24 + 8 + 1 + 4 + 16..][..4], u32::to_le_bytes(id), "{kind}");
    }
}

#[test]
fn what_cannot_be_told_apart_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = GgufWriter::new();
    writer.tensor("small", &[128], TensorType::Q2_0, vec![0; 36]).unwrap();
    writer.tensor("larger", &[1, 256], TensorType::Q2_0, vec![0; 72]).unwrap();
    let message = "tensor \"larger\": Q2_0 shares its type id with another layout, and no tensor of it is large enough \
                   to tell which, as both take as many bytes with an alignment of 32; choose another type";
    assert_eq!(writer.write_to(&mut Vec::new()).unwrap_err().to_string(), message);
    assert_eq!(writer.write_file(folder.path().join("small.gguf")).unwrap_err().to_string(), message);
    writer.tensor("odd", &[1, 64], TensorType::Q2_0, vec![0; 18]).unwrap();
    writer.write_to(&mut Vec::new()).expect("a row of 64 is no group of 128");
}

/// Writes part `number` of two with one tensor of id 42 and a norm.
fn part(folder: &Path, number: u16, name: &str, rows: u64, bytes: usize) -> std::path::PathBuf {
    let whole = side_by_side(&[(name, &[256, rows], 42, bytes)]).0;
    let mut writer = GgufWriter::new();
    writer.set("split.no", number).unwrap().set("split.count", 2u16).unwrap();
    let mut header = Vec::new();
    writer.write_to(&mut header).unwrap();
    // The counts, the metadata of the one file, the table of the other and its data, aligned anew.
    let table = &whole[24..][..8 + name.len() + 4 + 16 + 4 + 8];
    let file = Builder::header(1, 2).raw(&header[24..]).raw(table).pad(32).zeros(bytes).pad(32);
    let path = folder.join(format!("m-{:05}-of-00002.gguf", number + 1));
    fs::write(&path, file.0).unwrap();
    path
}

#[test]
fn all_files_of_a_model_decide_together() {
    let folder = tempfile::tempdir().unwrap();
    let first = part(folder.path(), 0, "a", 1, 68);
    part(folder.path(), 1, "b", 24, g128(6144));
    let gguf = Gguf::open(&first).expect("the second file tells what the first does not");
    assert_eq!(kinds(&gguf), [TensorType::PQ2_0; 2]);
    assert_eq!(layouts(&gguf), ["type id 42 is Q2_0 in groups of 128 (legacy, the bytes of PQ2_0): 2 tensors"]);
    let second = part(folder.path(), 1, "b", 24, g64(6144));
    part(folder.path(), 0, "a", 24, g128(6144));
    let message = Gguf::open(&first).unwrap_err().to_string();
    assert!([first, second].iter().any(|path| message.starts_with(&path.display().to_string())), "{message}");
    assert!(message.contains("all must have one layout") && !message.contains('\n'), "{message}");
}
