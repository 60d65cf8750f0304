//! Properties: what is written is read back, and no bytes whatever make the reader panic.

use bytes::Bytes;
use proptest::{collection::vec, prelude::*, sample::select};
use trine_loader::{Array, Gguf, GgufWriter, StringArray, TensorType, Value};

use crate::builder::{Builder, side_by_side, valid};

fn array() -> impl Strategy<Value = Array> {
    let plain = prop_oneof![
        vec(any::<u8>(), 0..9).prop_map(Array::U8),
        vec(any::<i8>(), 0..9).prop_map(Array::I8),
        vec(any::<u16>(), 0..9).prop_map(Array::U16),
        vec(any::<i16>(), 0..9).prop_map(Array::I16),
        vec(any::<u32>(), 0..9).prop_map(Array::U32),
        vec(any::<i32>(), 0..9).prop_map(Array::I32),
        vec(any::<f32>(), 0..9).prop_map(Array::F32),
        vec(any::<bool>(), 0..9).prop_map(Array::Bool),
        vec(any::<String>(), 0..9).prop_map(|strings| Array::String(strings.into_iter().collect::<StringArray>())),
        vec(any::<u64>(), 0..9).prop_map(Array::U64),
        vec(any::<i64>(), 0..9).prop_map(Array::I64),
        vec(any::<f64>(), 0..9).prop_map(Array::F64),
    ];
    plain.prop_recursive(3, 24, 4, |inner| vec(inner, 0..4).prop_map(Array::Array))
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u8>().prop_map(Value::U8),
        any::<i8>().prop_map(Value::I8),
        any::<u16>().prop_map(Value::U16),
        any::<i16>().prop_map(Value::I16),
        any::<u32>().prop_map(Value::U32),
        any::<i32>().prop_map(Value::I32),
        any::<f32>().prop_map(Value::F32),
        any::<bool>().prop_map(Value::Bool),
        any::<String>().prop_map(Value::String),
        array().prop_map(Value::Array),
        any::<u64>().prop_map(Value::U64),
        any::<i64>().prop_map(Value::I64),
        any::<f64>().prop_map(Value::F64),
    ]
}

#[derive(Debug, Clone)]
struct Tensor {
    shape: Vec<usize>,
    kind: TensorType,
    bytes: Vec<u8>,
}

fn tensor() -> impl Strategy<Value = Tensor> {
    let kinds: Vec<TensorType> = TensorType::all().collect();
    (select(kinds), vec(1..4usize, 0..3), 1..4usize, any::<u8>()).prop_map(|(kind, mut shape, blocks, seed)| {
        shape.push(kind.row_group() as usize);
        shape.push(blocks * kind.block_elements() as usize);
        let len = kind.byte_len(&trine_loader::Ne::from_row_major(&shape).unwrap()).unwrap();
        let bytes = (0..len).map(|i| (i as u8).wrapping_mul(31) ^ seed).collect();
        Tensor { shape, kind, bytes }
    })
}

/// Whether all tensors of Q2_0, and there are some, may take as many bytes in groups of 128: a byte for 64 elements is
/// the difference.
fn are_small(tensors: &[Tensor], alignment: usize) -> bool {
    let mut sizes = tensors.iter().filter(|tensor| tensor.kind == TensorType::Q2_0).map(|tensor| &tensor.shape);
    let is_small = |shape: &Vec<usize>| shape.iter().product::<usize>() / 64 < alignment;
    sizes.clone().next().is_some() && sizes.all(is_small)
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        version in 2..=3u32,
        alignment in prop::option::of(3..10u32),
        entries in vec(("[a-z.]{1,9}", value()), 0..6),
        tensors in vec(tensor(), 0..6),
    ) {
        let mut writer = GgufWriter::new();
        writer.version(version).unwrap();
        for (index, (key, value)) in entries.iter().enumerate() {
            writer.set(format!("{key}{index}"), value.clone()).unwrap();
        }
        if let Some(bits) = alignment {
            writer.set("general.alignment", 1u32 << bits).unwrap();
        }
        for (index, Tensor { shape, kind, bytes }) in tensors.iter().enumerate() {
            writer.tensor(format!("tensor {index}"), shape, *kind, bytes.clone()).unwrap();
        }
        let mut file = Vec::new();
        if let Err(error) = writer.write_to(&mut file) {
            prop_assert!(error.to_string().contains("Q2_0 shares its type id with another layout"), "{error}");
            prop_assert!(are_small(&tensors, alignment.map_or(32, |bits| 1 << bits)));
            return Ok(());
        }
        let gguf = Gguf::from_bytes("written", file.into()).unwrap();

        prop_assert_eq!(gguf.version(), version);
        prop_assert_eq!(gguf.alignment(), alignment.map_or(32, |bits| 1 << bits));
        prop_assert_eq!(gguf.metadata().len(), entries.len() + usize::from(alignment.is_some()));
        for (index, (key, value)) in entries.iter().enumerate() {
            prop_assert_eq!(gguf.metadata().get(&format!("{key}{index}")), Some(value));
        }
        prop_assert_eq!(gguf.tensors().len(), tensors.len());
        for (index, (Tensor { shape, kind, bytes }, read)) in tensors.iter().zip(gguf.tensors()).enumerate() {
            prop_assert_eq!(&read.name, &format!("tensor {index}"));
            prop_assert_eq!((&read.ne.row_major(), read.kind), (shape, *kind));
            prop_assert_eq!(read.offset % gguf.alignment(), 0);
            prop_assert_eq!(&gguf.bytes(read)[..], &bytes[..]);
        }
        let layouts: Vec<_> = gguf.layouts().iter().map(|layout| (layout.id, layout.kind, layout.tensors)).collect();
        let q2_0 = tensors.iter().filter(|tensor| tensor.kind == TensorType::Q2_0).count();
        let expected: &[_] = if q2_0 > 0 { &[(42, TensorType::Q2_0, q2_0)] } else { &[] };
        prop_assert_eq!(layouts, expected);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in vec(any::<u8>(), 0..400), version in 0..5u32, counts in (0..4u8, 0..4u8)) {
        let mut file = b"GGUF".to_vec();
        file.extend(version.to_le_bytes());
        file.extend(u64::from(counts.0).to_le_bytes());
        file.extend(u64::from(counts.1).to_le_bytes());
        file.extend(&bytes);
        read_everything(file);
        read_everything(bytes);
    }

    /// Of type numbers with several layouts, with lengths that a layout gives, or others.
    #[test]
    fn tensors_of_shared_numbers_have_a_length_of_their_type_or_are_refused(
        id in select(vec![36, 39, 40, 41, 42, 43, 142, 143]),
        layout in select(vec![(64, 18), (128, 34), (128, 28), (256, 42), (256, 66), (32, 6), (32, 17), (64, 16)]),
        shapes in vec((1..12u64, 1..40u64), 1..5),
        change in (0..3u8, any::<prop::sample::Index>(), -64..64isize),
    ) {
        let bytes = |&(blocks, rows): &(u64, u64)| (blocks * rows * layout.1) as usize;
        let mut lengths: Vec<usize> = shapes.iter().map(bytes).collect();
        let changed = change.1.index(lengths.len());
        if change.0 == 0 {
            lengths[changed] = lengths[changed].saturating_add_signed(change.2);
        }
        let dimensions: Vec<[u64; 2]> = shapes.iter().map(|&(blocks, rows)| [blocks * layout.0, rows]).collect();
        let names: Vec<String> = (0..shapes.len()).map(|index| index.to_string()).collect();
        let tensors: Vec<(&str, &[u64], u32, usize)> =
            (0..shapes.len()).map(|index| (&*names[index], &dimensions[index][..], id, lengths[index])).collect();
        let file = side_by_side(&tensors).0;
        if let Ok(gguf) = Gguf::from_bytes("any", file.clone().into()) {
            let kinds: Vec<TensorType> = gguf.tensors().iter().map(|tensor| tensor.kind).collect();
            prop_assert!(kinds.iter().all(|kind| *kind == kinds[0]), "{kinds:?}");
            let is_older = id == 42 && matches!(kinds[0], TensorType::PQ2_0 | TensorType::STQ1_0);
            prop_assert!(kinds[0].id() == id || is_older, "{kinds:?}");
        }
        read_everything(file);
    }

    #[test]
    fn several_wrong_bytes_do_not_panic(
        start in select(vec![valid(), shared_numbers()]),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut file = start.0;
        for (index, byte) in changes {
            let index = index.index(file.len());
            file[index] = byte;
        }
        read_everything(file);
    }
}

#[test]
fn no_single_wrong_byte_panics() {
    for whole in [valid().0, shared_numbers().0] {
        for index in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff, whole[index] ^ 1, whole[index].wrapping_add(1)] {
                let mut file = whole.clone();
                file[index] = byte;
                read_everything(file);
            }
        }
    }
}

/// A valid file of types whose numbers have several layouts.
fn shared_numbers() -> Builder {
    side_by_side(&[
        ("a", &[128, 12], 42, 408),
        ("b", &[128, 2], 142, 68),
        ("c", &[128], 143, 28),
        ("d", &[128], 41, 18),
    ])
}

/// Opens a file; where that succeeds, every byte of every tensor must be there.
fn read_everything(file: Vec<u8>) {
    match Gguf::from_bytes("any", Bytes::from(file)) {
        Ok(gguf) => {
            for tensor in gguf.tensors() {
                assert_eq!(gguf.bytes(tensor).len() as u64, tensor.len);
            }
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with("any: ") && !message.contains('\n'), "{message}");
        }
    }
}
