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
            let synthetic = Synthetic { matrices, table, ..Synthetic::tiny() }.with_architecture(architecture);
            let file = synthetic.gguf().unwrap();
            assert_eq!(Config::from_gguf(&file).unwrap(), synthetic.config);
            Dyn::scope(synthetic.config.dims, |model| {
                let loaded = load(model, &file, &cpu, &LoadOptions::default()).unwrap();
                assert_eq!(loaded.warnings, []);
                let is = |matrix: &Matrix, kind: TensorType| matrix.kind().name() == kind.name().to_lowercase();
                assert!(is(loaded.transformer.embedding.data(), table));
                let experts = synthetic.config.dims.experts.count;
                let mut coded = loaded.transformer.matrices().filter(|matrix| matrix.rows() != experts);
                assert!(coded.all(|matrix| is(matrix, matrices)));
            });
        }
    }
}

/// As many weights as the published ones have, and a norm for each matrix.
#[test]
fn embedding_models_are_like_those_of_bitnet() {
    for (mut like, weights) in
        [(Synthetic::bitnet_embedding_0_6b(), 440_401_920), (Synthetic::bitnet_embedding_270m(), 100_270_080)]
    {
        let roles = Role::all(&like.config);
        let blocks = like.config.dims.blocks();
        let matrices: Vec<_> = roles.iter().filter(|role| matches!(role, Role::Matrix(..))).collect();
        let norms = roles.iter().filter(|role| matches!(role, Role::InputNorm(..))).count();
        assert_eq!((matrices.len(), norms), (7 * blocks, 7 * blocks));
        let of = |role: &&Role| role.dims(&like.config).iter().product::<usize>();
        assert_eq!(matrices.iter().map(of).sum::<usize>(), weights);
        let sizes =
            Sizes { vocab: 301, hidden: 256, ffn: 384, heads: 4, kv_heads: 2, head_dim: 128, attention_layers: 1 };
        like.config.dims = Dims::new(sizes).unwrap();
        like.config.rope.rotated = like.config.dims.head_dim;
        like = like.clone().with_architecture(like.config.architecture);
        let file = like.gguf().unwrap();
        assert_eq!(Config::from_gguf(&file).unwrap(), like.config);
        Dyn::scope(like.config.dims, |model| {
            let cpu = Cpu::new(CpuOptions::default()).unwrap();
            let loaded = load(model, &file, &cpu, &LoadOptions::default()).unwrap();
            assert_eq!(loaded.warnings, []);
            let query = loaded.transformer.attention.iter().next().unwrap().query.matrix().activation_mode();
            assert_eq!(query, trine_kernels::ActivationMode::Int8PerToken);
        });
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
        (Synthetic::bonsai_27b(), 26_869_760_000, 402),
    ] {
        let config = &like.config;
        let is_coded = |role: &Role| match role {
            Role::Matrix(_, matrix) => !matrix.is_never_ternary(),
            role => matches!(role, Role::TokenEmbedding | Role::Output),
        };
        let is_there =
            |role: &Role| role.presence_in(config) == Presence::Required || (*role == Role::Output && !like.tied);
        let roles = Role::all(config).into_iter().filter(|role| is_coded(role) && is_there(role));
        let dims: Vec<_> = roles.map(|role| role.dims(config)).collect();
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

/// The state of a sequence of the largest, and its keys and values, which are those of a quarter of the blocks.
#[test]
fn a_sequence_of_bonsai_27b_takes_what_its_blocks_remember() {
    let Dims { recurrent, attention_layers, kv_heads, head_dim, .. } = Synthetic::bonsai_27b().config.dims;
    assert_eq!(recurrent.state_elements() * 4, 48 * (48 * 128 * 128 + 3 * 10_240) * 4);
    assert_eq!(attention_layers * 2 * kv_heads * head_dim * 2, 64 << 10);
}

/// How many matrices a model has that comes back from its file without a warning, and how many of them are ternary.
fn loads_as_described(synthetic: &Synthetic, cpu: &Cpu) -> (usize, usize) {
    let file = synthetic.gguf().unwrap();
    assert_eq!(Config::from_gguf(&file).unwrap(), synthetic.config);
    Dyn::scope(synthetic.config.dims, |model| {
        let loaded = load(model, &file, cpu, &LoadOptions::default()).unwrap();
        assert_eq!(loaded.warnings, []);
        let of_codes = loaded.transformer.matrices().filter(|matrix| matrix.is_ternary()).count();
        (loaded.transformer.matrices().count(), of_codes)
    })
}

/// Every kind of block comes back from the file, in each form that says which is which.
#[test]
fn hybrid_models_load_as_described() {
    let cpu = Cpu::new(CpuOptions::default()).unwrap();
    for order in [MixerOrder::AttentionEvery(4), MixerOrder::Listed((0..8).map(|at| at != 0 && at != 5).collect())] {
        let mut synthetic = Synthetic::tiny_hybrid();
        synthetic.config.layers.order = order;
        assert_eq!(loads_as_described(&synthetic, &cpu), (62, 50));
    }
}

/// As many weights as the published one has; with another number of blocks the lists are as long.
#[test]
fn models_with_experts_are_like_maple() {
    let like = Synthetic::maple();
    let weights = |synthetic: &Synthetic| {
        let roles = Role::all(&synthetic.config).into_iter().filter(|role| matches!(role, Role::Matrix(..)));
        roles.map(|role| role.dims(&synthetic.config).iter().product::<usize>()).sum::<usize>()
    };
    let of_block = 2048 * (2 * 2048 + 2 * 512) + 256 * 2048 + 3 * 256 * 512 * 2048;
    assert_eq!(weights(&like), 24 * of_block);
    assert_eq!(weights(&like.clone().with_blocks(5).unwrap()), 5 * of_block);
    assert!(Synthetic::bonsai_27b().with_blocks(3).is_none());
    let cpu = Cpu::new(CpuOptions::default()).unwrap();
    for matrices in [TensorType::TQ2_0, TensorType::TQ1_0, TensorType::I2S] {
        for blocks in [4, 6] {
            let synthetic = Synthetic { matrices, ..Synthetic::tiny_mixture() }.with_blocks(blocks).unwrap();
            assert_eq!(loads_as_described(&synthetic, &cpu).1, blocks * (4 + 3 * 7), "{matrices}");
        }
    }
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
