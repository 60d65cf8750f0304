//! Made-up models load, are what was described, and differ where they should.

use super::*;
use crate::{LoadOptions, load};
use trine_kernels::{CpuOptions, Matrix};
use trine_ops::Cpu;
use trine_shapes::Dyn;

const MATRICES: [TensorType; 3] = [TensorType::I2S, TensorType::TQ1_0, TensorType::TQ2_0];
const TABLES: [TensorType; 5] =
    [TensorType::F32, TensorType::F16, TensorType::Q8_0, TensorType::Q6_K, TensorType::Q4_0];

#[test]
fn every_type_loads_as_described() {
    let cpu = Cpu::new(CpuOptions::default()).unwrap();
    for (matrices, table) in MATRICES.into_iter().cycle().zip(TABLES) {
        for architecture in Architecture::ALL {
            let mut synthetic = Synthetic { matrices, table, ..Synthetic::tiny() };
            synthetic.config.architecture = architecture;
            synthetic.config.rope.pairing = architecture.graph().rope_pairing;
            let file = synthetic.gguf().unwrap();
            assert_eq!(Config::from_gguf(&file).unwrap(), synthetic.config);
            Dyn::scope(synthetic.config.dims, |model| {
                let loaded = load(model, &file, &cpu, &LoadOptions::default()).unwrap();
                assert_eq!(loaded.warnings, []);
                let is = |matrix: &Matrix, kind: TensorType| matrix.kind().name() == kind.name().to_lowercase();
                assert!(is(loaded.transformer.embedding.data(), table));
                assert!(loaded.transformer.matrices().all(|matrix| is(matrix, matrices)));
            });
        }
    }
}

#[test]
fn weights_are_evenly_spread() {
    let Synthetic { config, .. } = &Synthetic::tiny();
    let file = Synthetic::tiny().gguf().unwrap();
    Dyn::scope(config.dims, |model| {
        let cpu = Cpu::new(CpuOptions::default()).unwrap();
        let transformer = load(model, &file, &cpu, &LoadOptions::default()).unwrap().transformer;
        assert!(transformer.matrices().all(|matrix| (matrix.share_of_zeros() - 0.5).abs() < 0.01));
    });
}

#[test]
fn the_seed_decides() {
    let bytes = |seed, name: &str| {
        let file = Synthetic { seed, ..Synthetic::tiny() }.gguf().unwrap();
        file.bytes(file.tensor(name).unwrap())
    };
    assert_eq!(bytes(7, "blk.0.attn_k.weight"), bytes(7, "blk.0.attn_k.weight"));
    assert_ne!(bytes(7, "blk.0.attn_k.weight"), bytes(8, "blk.0.attn_k.weight"));
    assert_ne!(bytes(7, "blk.0.attn_k.weight"), bytes(7, "blk.0.attn_v.weight"));
}

#[test]
fn what_cannot_be_made_up_is_said() {
    let message = |synthetic: &Synthetic| synthetic.writer().unwrap_err().to_string();
    let tiny = Synthetic::tiny;
    let matrices = message(&Synthetic { matrices: TensorType::F16, ..tiny() });
    assert_eq!(matrices, "matrices cannot be F16; expected one of I2_S, TQ1_0, TQ2_0");
    let table = message(&Synthetic { table: TensorType::TQ1_0, ..tiny() });
    assert_eq!(table, "the embedding cannot be TQ1_0; expected one of F32, F16, Q8_0, Q6_K, Q4_0");
    let dims = Dims { hidden: 384, ..tiny().config.dims };
    let odd = message(&Synthetic { matrices: TensorType::TQ2_0, ..Synthetic::with_dims(dims, 64) });
    assert!(odd.contains("blk.0.attn_q.weight") && odd.contains("found rows of 384"), "{odd}");
}
