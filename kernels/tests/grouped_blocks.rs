//! Blocks of the types with a scale for each group, and int8 activations in blocks of 32, as llama.cpp has them.
//!
//! `tools/golden/grouped.py` writes `tests/fixtures/grouped`: blocks and their values with numpy and with llama.cpp's
//! decoders, activations and products with llama.cpp's library.

use bytes::Bytes;
use safetensors::SafeTensors;
use trine_kernels::activations::{ActivationRows, BlockRule};
use trine_kernels::packing::{Coded, PackScales, Packed, Pq2_0, Ptq1_0, Q1_0, Q2_0};
use trine_kernels::{ActivationMode, CpuOptions, Isa, Machine, Matrix, PackingKind};

fn read(name: &str) -> Vec<u8> {
    let path = format!("{}/../tests/fixtures/grouped/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn bytes(file: &[u8], name: &str) -> Bytes {
    Bytes::copy_from_slice(SafeTensors::deserialize(file).unwrap().tensor(name).unwrap().data())
}

fn floats(file: &[u8], name: &str) -> Vec<f32> {
    bytes(file, name).as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

fn shape(file: &[u8], name: &str) -> [usize; 2] {
    SafeTensors::deserialize(file).unwrap().tensor(name).unwrap().shape().try_into().unwrap()
}

/// The bytes decode to the values, and packing the values' codes and scales gives the bytes.
fn matches<P: Coded>(name: &str, kind: PackingKind) {
    let file = read("blocks.safetensors");
    let (values, [rows, cols]) = (floats(&file, &format!("{name}.values")), shape(&file, &format!("{name}.values")));
    let packed = Packed::<P>::new(rows, cols, bytes(&file, &format!("{name}.bytes"))).unwrap();
    let matrix = Matrix::new(kind, rows, cols, packed.bytes().clone()).unwrap();
    for (row, expected) in values.chunks_exact(cols).enumerate() {
        let mut found = vec![f32::NAN; cols];
        packed.decode_row(row, &mut found);
        assert_eq!(found, expected, "{name}, row {row}");
        found.fill(f32::NAN);
        matrix.decode_row(row, &mut found);
        assert_eq!(found, expected, "{name}, row {row} of the matrix");
    }
    let scale = |block: &[f32]| block.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let scales: Vec<f32> = packed.scales();
    for (found, block) in scales.iter().zip(values.chunks_exact(P::BLOCK)) {
        assert!(*found == scale(block) || P::HAS_ZERO && scale(block) == 0.0, "{name}: {found}");
    }
    // A sign stands for a weight where there is no zero, also under the scale 0.
    let code = |value: &f32| match P::HAS_ZERO {
        true => 1 + u8::from(*value > 0.0) - u8::from(*value < 0.0),
        false => 2 * u8::from(value.is_sign_positive()),
    };
    let codes: Vec<u8> = values.iter().map(code).collect();
    let again = Packed::<P>::pack(rows, cols, &codes, PackScales::Blocks(&scales)).unwrap();
    assert_eq!(again.bytes(), packed.bytes(), "{name}");
}

#[test]
fn q2_0_is_what_llama_cpp_writes() {
    matches::<Q2_0>("Q2_0", PackingKind::Q2_0);
}

#[test]
fn q1_0_is_what_llama_cpp_writes() {
    matches::<Q1_0>("Q1_0", PackingKind::Q1_0);
}

#[test]
fn pq2_0_and_ptq1_0_hold_the_same_weights() {
    matches::<Pq2_0>("PQ2_0", PackingKind::Pq2_0);
    matches::<Ptq1_0>("PTQ1_0", PackingKind::Ptq1_0);
    let file = read("blocks.safetensors");
    let of = |name: &str| bytes(&file, &format!("{name}.bytes"));
    let pairs = Packed::<Pq2_0>::new(3, 640, of("PQ2_0")).unwrap();
    assert_eq!(*pairs.convert::<Ptq1_0>().unwrap().bytes(), of("PTQ1_0"));
    let trits = Packed::<Ptq1_0>::new(3, 640, of("PTQ1_0")).unwrap();
    assert_eq!(*trits.convert::<Pq2_0>().unwrap().bytes(), of("PQ2_0"));
    let halves = pairs.convert::<Q2_0>().unwrap();
    assert_eq!(*halves.convert::<Pq2_0>().unwrap().bytes(), of("PQ2_0"), "through groups of 64 and back");
}

fn machines() -> impl Iterator<Item = (Isa, Machine)> {
    let machine = |isa| Machine::new(CpuOptions { isa: Some(isa), ..CpuOptions::default() }).expect("available");
    Isa::ALL.into_iter().filter(|isa| isa.is_available()).map(move |isa| (isa, machine(isa)))
}

#[test]
fn q8_0_activations_are_those_of_llama_cpp() {
    let file = read("q8_0.safetensors");
    let ([rows, cols], values) = (shape(&file, "values"), floats(&file, "values"));
    let codes: Vec<i8> = bytes(&file, "x86.codes").iter().map(|&byte| byte as i8).collect();
    let scales = bytes(&file, "x86.scales");
    let scales: Vec<f32> =
        scales.as_chunks::<2>().0.iter().map(|&bytes| half::f16::from_le_bytes(bytes).to_f32()).collect();
    // llama.cpp has codes under a scale that is 0 in f16; they mean 0, as the codes 0 do here.
    let expected = codes.iter().enumerate().map(|(index, &code)| if scales[index / 32] == 0.0 { 0 } else { code });
    let expected: Vec<i8> = expected.collect();
    assert_ne!(expected, codes, "there is such a block");
    for (isa, cpu) in machines() {
        let activations = ActivationRows::new(cols, values.clone());
        let found = activations.blocks(&cpu, BlockRule::Q8_0);
        assert_eq!((found.quantized().rows(), found.quantized().stride()), (rows, cols), "{isa}");
        assert_eq!(found.quantized().codes(), expected, "{isa}");
        assert_eq!(found.scales(), scales, "{isa}");
    }
}

#[test]
fn products_in_mode_q8_0_are_those_of_llama_cpp() {
    let file = read("q8_0.safetensors");
    let (cols, values) = (shape(&file, "values")[1], floats(&file, "values"));
    for (name, kind) in [("Q1_0", PackingKind::Q1_0), ("Q2_0", PackingKind::Q2_0)] {
        let ([_, rows], products) = (shape(&file, &format!("{name}.products")), format!("{name}.products"));
        let matrix = Matrix::new(kind, rows, cols, bytes(&file, &format!("{name}.bytes"))).unwrap();
        let matrix = matrix.with_activation_mode(ActivationMode::Q8_0).unwrap();
        for (isa, cpu) in machines() {
            let found = cpu.products(&ActivationRows::new(cols, values.clone()), &matrix);
            for (found, expected) in found.chunks_exact(rows).zip(floats(&file, &products).chunks_exact(rows)) {
                let largest = expected.iter().fold(0.0f32, |most, value| most.max(value.abs()));
                for (found, expected) in found.iter().zip(expected) {
                    let error = (found - expected).abs() / largest;
                    assert!(error < 5e-7, "{name} on {isa}: {found}, llama.cpp {expected}");
                }
            }
        }
    }
}
