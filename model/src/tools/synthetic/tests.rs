//! Made-up models load, are what was described, and differ where they should.

use super::*;
use crate::{LoadOptions, load};
use trine_kernels::{CpuOptions, Matrix};
use trine_ops::Cpu;
use trine_shapes::Dyn;

const MATRICES: [TensorType; 6] =
    [TensorType::I2S, TensorType::TQ1_0, TensorType::TQ2_0, TensorType::PQ2_0, TensorType::PTQ1_0, TensorType::Q1_0];
const TABLES: [TensorType; 7] = [
    TensorType::F32,
    TensorType::F16,
    TensorType::Q8_0,
    TensorType::Q6_K,
    TensorType::Q4_0,
    TensorType::PQ2_0,
    TensorType::Q1_0,
];

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

/// Types, tied and separate heads of models that people run, and scales that differ.
#[test]
fn models_of_the_dimensions_of_bonsai_are_like_it() {
    for (like, weights, tensors) in [
        (Synthetic::bonsai_1_7b(), 1_719_904_256_u64, 197),
        (Synthetic::bonsai_4b(), 4_021_588_480, 253),
        (Synthetic::bonsai_8b(), 8_188_239_872, 254),
    ] {
        let graph = like.config.graph();
        let roles = Role::all(&like.config).into_iter().filter(|role| role.dims(&like.config.dims).len() == 2);
        let is_there =
            |role: &Role| role.presence(&graph) == Presence::Required || (*role == Role::Output && !like.tied);
        let dims: Vec<_> = roles.filter(is_there).map(|role| role.dims(&like.config.dims)).collect();
        assert_eq!(dims.len(), tensors);
        assert_eq!(dims.iter().map(|dims| dims.iter().product::<usize>() as u64).sum::<u64>(), weights);
    }
    let mut small = Synthetic::bonsai_8b();
    let sizes = Sizes { vocab: 301, hidden: 256, ffn: 384, heads: 4, kv_heads: 2, head_dim: 128, attention_layers: 1 };
    small.config.dims = Dims::new(sizes).unwrap();
    let file = small.gguf().unwrap();
    assert!(file.tensor("output.weight").is_some());
    Dyn::scope(small.config.dims, |model| {
        let cpu = Cpu::new(CpuOptions::default()).unwrap();
        let transformer = load(model, &file, &cpu, &LoadOptions::default()).unwrap().transformer;
        assert!(transformer.matrices().all(|matrix| matrix.scale().is_none()));
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
    assert_eq!(matrices, "matrices cannot be F16; expected one of I2_S, TQ1_0, TQ2_0, Q2_0, PQ2_0, PTQ1_0, Q1_0");
    let table = message(&Synthetic { table: TensorType::Q5_0, ..tiny() });
    assert_eq!(table, "the embedding cannot be Q5_0; expected one of F32, F16, Q8_0, Q6_K, Q4_0, or one for matrices");
    let dims = Dims { hidden: 384, ..tiny().config.dims };
    let odd = message(&Synthetic { matrices: TensorType::TQ2_0, ..Synthetic::with_dims(dims, 64) });
    assert!(odd.contains("blk.0.attn_q.weight") && odd.contains("384 columns"), "{odd}");
}
