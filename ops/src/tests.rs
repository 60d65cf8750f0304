//! The typed operations against the plain loops: axes in the right order, heads with their key/value heads, positions
//! with their angles.

use crate::{Activations, Bias, Cpu, Embedding, Gating, Head, KvPool, KvSequence, KvStep, RmsNorm, Rope, Weight};
use bytes::Bytes;
use std::num::NonZeroUsize;
use trine_kernels::packing::WeightScale;
use trine_kernels::{CacheType, CpuOptions, GateActivation, Matrix, PAGE, PackingKind, reference};
use trine_shapes::{
    Adjacent, AttentionLayers, Axis, Branch, Ffn, Fixed, Gate, HeadDim, Heads, Hidden, Idx, KvHeads, KvWidth, Made,
    Normed, OutputNorm, QWidth, RopePairing, Shape, Tensor, Uniform, Value, View, Vocab, norm_role, static_model,
};

static_model! {
    struct Toy { vocab: 17, hidden: 10, ffn: 27, heads: 6, kv_heads: 2, head_dim: 8, attention_layers: 2 }
}

norm_role! {
    enum AfterFfn: BranchNorm = "post_ffn_norm";
}

/// Two sequences of five tokens behind three positions.
type Step = Uniform<Fixed<2>, Fixed<3>, Fixed<5>>;
fn step() -> Step {
    Uniform::assume(Fixed, Fixed, Fixed, "a test")
}

fn cpu() -> Cpu {
    Cpu::new(CpuOptions { threads: NonZeroUsize::new(3), isa: None }).unwrap()
}

/// Distinct numbers of both signs below 2.
fn numbers(seed: usize, count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729) % 4001) as f32 / 1000.0 - 2.0).collect()
}

fn tensor<S: Shape>(seed: usize, shape: S) -> Tensor<f32, S> {
    Tensor::assume(shape, numbers(seed, shape.elements()), "a test")
}

fn matrix(seed: usize, rows: usize, cols: usize) -> (Matrix, Vec<f32>) {
    let values = numbers(seed, rows * cols);
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    (Matrix::new(PackingKind::F32, rows, cols, Bytes::from(bytes)).unwrap(), values)
}

fn weight<O: Made, I: Axis>(seed: usize, out: O, input: I) -> (Weight<Matrix, O, I>, Vec<f32>) {
    let (matrix, values) = matrix(seed, out.len(), input.len());
    (Weight::check("weight", matrix, (out, input)).unwrap(), values)
}

#[test]
fn linear_and_logits_multiply_every_position() {
    let (hidden, vocab) = (Hidden::of(Toy), Vocab::of(Toy));
    let (w, values) = weight(1, QWidth::of(Toy), hidden);
    let x: Tensor<f32, (Step, Hidden<Toy>)> = tensor(2, (step(), hidden));
    let y = cpu().linear(&Activations::new(x.clone()), &w);
    assert_eq!(y.shape().lens(), [10, 48]);
    assert_eq!(y.data(), reference::dense::product(&values, 1.0, x.data(), 10));

    let (table, values) = matrix(3, 17, 10);
    let table = Head::check("head", table, (vocab, hidden)).unwrap();
    let normed = tensor(4, (step(), Normed::<OutputNorm, _>::of(hidden)));
    let logits = cpu().logits(&Activations::new(normed.clone()), &table);
    assert_eq!(logits.shape().lens(), [10, 17]);
    assert_eq!(logits.data(), reference::dense::product(&values, 1.0, normed.data(), 10));
}

#[test]
fn a_bias_is_added_after_the_scale_at_every_position() {
    let (hidden, ffn) = (Hidden::of(Toy), Ffn::of(Toy));
    let (w, values) = weight(1, ffn, hidden);
    let b = numbers(3, 27);
    let scale = |matrix: &Matrix| matrix.clone().with_multiplier(WeightScale::new(0.75).unwrap()).unwrap();
    let w = Weight::check("weight", scale(w.data()), (ffn, hidden)).unwrap();
    let w = w.with_bias(Bias::check("bias", b.clone(), &[27], (ffn, hidden)).unwrap());
    let x = tensor(2, (step(), hidden));
    let y = cpu().linear(&Activations::new(x.clone()), &w);
    let products = reference::dense::product(&values, 0.75, x.data(), 10);
    let expected: Vec<f32> = products.iter().zip(b.iter().cycle()).map(|(product, b)| product + b).collect();
    assert_eq!(y.data(), expected);
    let copy = w.data().requantize(&cpu(), PackingKind::F16, |_| ()).unwrap();
    assert_eq!((copy.kind(), copy.bias()), (PackingKind::F16, Some(&b[..])));
    assert!(Bias::check("bias", b, &[26], (ffn, hidden)).is_err());
}

#[test]
fn embed_takes_the_rows_of_its_ids() {
    let (vocab, hidden) = (Vocab::of(Toy), Hidden::of(Toy));
    let (table, values) = matrix(5, 17, 10);
    let table = Embedding::check("embedding", table, (vocab, hidden)).unwrap();
    let ids = [3, 16, 0, 3, 7, 1].map(|id| Idx::new(vocab, id).unwrap());
    let ids = View::check("ids", &ids, &[6], (Fixed::<6>,)).unwrap();
    let x = cpu().embed(ids, &table);
    for (row, id) in x.data().chunks_exact(10).zip([3, 16, 0, 3, 7, 1]) {
        assert_eq!(row, &values[id * 10..(id + 1) * 10]);
    }
}

#[test]
fn norms_and_gates_and_sums() {
    let shape = (Fixed::<22>, Ffn::of(Toy));
    let (x, other) = (tensor(6, shape), tensor(7, shape));
    let norm: RmsNorm<OutputNorm, Ffn<Toy>> = RmsNorm::new(tensor(8, (Ffn::of(Toy),)), 1e-5);
    let normed = cpu().rms_norm(x.clone(), &norm);
    let norm_of = |row| reference::float::rms_norm(row, norm.gain().data(), 1e-5);
    assert_eq!(normed.data(), x.data().chunks_exact(27).flat_map(norm_of).collect::<Vec<f32>>());

    for activation in [GateActivation::Silu, GateActivation::ReluSquared] {
        let gate = tensor(6, (Fixed::<22>, Gate::of(Ffn::of(Toy))));
        let gated = cpu().gated(Gating::new(Ffn::of(Toy), activation), gate, other.clone());
        assert_eq!(gated.data(), reference::float::gated(activation, x.data(), other.data()));
    }

    let sum = cpu().add(x.clone(), other.view());
    assert!(sum.data().iter().zip(x.data()).zip(other.data()).all(|((sum, x), y)| *sum == x + y));
    let (again, residual) = cpu().pre_norm(x.clone(), &norm);
    assert_eq!(again.data(), normed.data());
    let branch = || tensor(7, (Fixed::<22>, Branch::of(Ffn::of(Toy))));
    assert_eq!(cpu().add_branch(residual, branch()).data(), sum.data());
    let both = cpu().add(branch(), branch().view());
    assert!(both.data().iter().zip(other.data()).all(|(both, y)| *both == y + y));
    let of_branch: RmsNorm<AfterFfn, Ffn<Toy>> = RmsNorm::new(tensor(8, (Ffn::of(Toy),)), 1e-5);
    assert_eq!(cpu().branch_norm(branch(), &of_branch).data(), cpu().rms_norm(other, &norm).data());
}

/// Long enough to be cut into tasks of every operation.
#[test]
fn long_tensors_are_cut_without_a_seam() {
    let shape = (Fixed::<1300>, Ffn::of(Toy));
    let (x, other) = (tensor(9, shape), tensor(10, shape));
    let gate = tensor(9, (Fixed::<1300>, Gate::of(Ffn::of(Toy))));
    let gating = Gating::new(Ffn::of(Toy), GateActivation::Silu);
    let gated = cpu().gated(gating, gate, other.clone());
    assert_eq!(gated.data(), reference::float::gated(GateActivation::Silu, x.data(), other.data()));
}

#[test]
fn rope_turns_every_head_by_its_position() {
    let (heads, head) = (Heads::of(Toy), HeadDim::of(Toy));
    // Three of four pairs rotate, the third at half the speed.
    let rope = Rope::new(head, RopePairing::NeoX, 100.0, &[1.0, 1.0, 2.0], 8);
    let x: Tensor<f32, (Step, Heads<Toy>, HeadDim<Toy>)> = tensor(11, (step(), heads, head));
    let rotated = cpu().rope(x.clone(), &rope);
    let inverse = [0, 1, 2].map(|i| 1.0 / 100f64.powf(f64::from(2.0 * i as f32 / 6.0)) as f32);
    let inverse = [inverse[0], inverse[1], inverse[2] / 2.0];
    for (row, (found, x)) in rotated.data().chunks_exact(8).zip(x.data().chunks_exact(8)).enumerate() {
        let position = 3 + row / 6 % 5;
        let angles = inverse.map(|inverse| f64::from(position as f32 * inverse));
        let [cos, sin] = [angles.map(|angle| angle.cos() as f32), angles.map(|angle| angle.sin() as f32)];
        assert_eq!(
            found,
            reference::float::rotate(x, trine_kernels::slices::RopePairing::NeoX, &cos, &sin),
            "row {row}"
        );
    }
}

#[test]
fn rope_multiplies_what_it_rotates() {
    let (heads, head) = (Heads::of(Toy), HeadDim::of(Toy));
    let rope = || Rope::new(head, RopePairing::NeoX, 100.0, &[1.0; 4], 8);
    let x: Tensor<f32, (Step, Heads<Toy>, HeadDim<Toy>)> = tensor(11, (step(), heads, head));
    let plain = cpu().rope(x.clone(), &rope());
    assert_eq!(cpu().rope(x.clone(), &rope().with_multiplier(1.0)).data(), plain.data());
    // A power of two, so that nothing is rounded.
    let doubled: Vec<f32> = plain.data().iter().map(|value| value * 2.0).collect();
    assert_eq!(cpu().rope(x, &rope().with_multiplier(2.0)).data(), doubled);
}

/// Positions that the table keeps, and those beyond it.
#[test]
fn positions_beyond_the_context_rotate_too() {
    let (heads, head) = (Heads::of(Toy), HeadDim::of(Toy));
    let step = Uniform::assume(Fixed::<1>, Fixed::<60>, Fixed::<9>, "a test");
    let rotated = [0, 64, 1000].map(|context| {
        let rope = Rope::new(head, Adjacent, 1e4, &[1.0; 4], context);
        cpu().rope(tensor(12, (step, heads, head)), &rope).into_data().into_vec()
    });
    assert!(rotated[0] == rotated[2] && rotated[1] == rotated[2]);
}

type Pool = KvPool<AttentionLayers<Toy>, KvHeads<Toy>, HeadDim<Toy>>;
type Sequence = KvSequence<AttentionLayers<Toy>, KvHeads<Toy>, HeadDim<Toy>>;

fn pool(pages: usize, kind: CacheType) -> Pool {
    KvPool::new(AttentionLayers::of(Toy), KvHeads::of(Toy), HeadDim::of(Toy), pages, kind).unwrap()
}

fn layer(index: u32) -> Idx<AttentionLayers<Toy>> {
    Idx::new(AttentionLayers::of(Toy), index).unwrap()
}

/// Keys and values of `n` positions: `[batch][position][kv_head][head_dim]`.
fn key_rows(seed: usize, n: usize) -> Vec<f32> {
    numbers(seed, 2 * n * 2 * 8)
}

/// Positions `range` of all sequences.
fn positions(rows: &[f32], n: usize, range: std::ops::Range<usize>) -> Vec<f32> {
    let (first, last) = (range.start * 16, range.end * 16);
    rows.chunks_exact(n * 16).flat_map(|sequence| sequence[first..last].to_vec()).collect()
}

/// What the queries of a step get from one layer of their sequences; `keys` and `values` are those of the step. The
/// other layer gets other numbers. Nothing rotates.
fn attend<T: trine_shapes::Step>(
    cpu: &Cpu,
    step: T,
    sequences: &mut [Sequence],
    q: Tensor<f32, (T, Heads<Toy>, HeadDim<Toy>)>,
    [keys, values]: [Vec<f32>; 2],
) -> Tensor<f32, (T, Heads<Toy>, HeadDim<Toy>)> {
    let (heads, head) = (KvHeads::of(Toy), HeadDim::of(Toy));
    let rope = Rope::new(head, RopePairing::NeoX, 1e4, &[], 16);
    let k = cpu.rope(Tensor::assume((step, heads, head), keys, "a test"), &rope);
    let v = Tensor::assume((step, heads, Value::of(head)), values, "a test");
    let q = cpu.rope(q, &rope);
    let mut caches = KvStep::open(step, sequences.iter_mut().collect()).unwrap();
    let y = cpu.attention(q.view(), &caches.layer(layer(1)).append(k.view(), v.view()));
    let other = cpu.rope(tensor(19, (step, heads, head)), &rope);
    caches.layer(layer(0)).append(other.view(), v.view());
    caches.commit();
    y
}

/// A first step of three positions, then one of five: what each query head sees is what the plain loops say.
#[test]
fn attention_sees_the_past_and_itself() {
    let cpu = cpu();
    let (keys, values) = (key_rows(13, 8), key_rows(14, 8));
    for kind in [CacheType::F32, CacheType::F16, CacheType::Q8] {
        let round = |x: &f32| if kind == CacheType::F16 { half::f16::from_f32(*x).to_f32() } else { *x };
        let pool = pool(2, kind);
        let mut sequences = [pool.sequence(), pool.sequence()];
        let rows = |range: std::ops::Range<usize>| [&keys, &values].map(|from| positions(from, 8, range.clone()));

        let first = Uniform::assume(Fixed::<2>, Fixed::<0>, Fixed::<3>, "a test");
        attend(&cpu, first, &mut sequences, tensor(20, (first, Heads::of(Toy), HeadDim::of(Toy))), rows(0..3));
        let queries = tensor(15, (step(), Heads::of(Toy), HeadDim::of(Toy)));
        let y = attend(&cpu, step(), &mut sequences, queries.clone(), rows(3..8));
        assert_eq!((y.shape().lens(), sequences.each_ref().map(Sequence::len)), ([10, 6, 8], [8, 8]));

        for (row, (found, query)) in y.data().chunks_exact(8).zip(queries.data().chunks_exact(8)).enumerate() {
            let (sequence, position, kv_head) = (row / 30, row / 6 % 5, row % 6 / 3);
            let seen = |rows: &[f32]| -> Vec<f32> {
                let of_position = |p: usize| rows[((sequence * 8 + p) * 2 + kv_head) * 8..][..8].iter().map(round);
                (0..3 + position + 1).flat_map(of_position).collect()
            };
            let attend = match kind {
                CacheType::Q8 => reference::attention::attend_int8,
                CacheType::F32 | CacheType::F16 => reference::float::attend,
            };
            assert_eq!(found, attend(query, &seen(&keys), &seen(&values)), "{kind:?}, row {row}");
        }
    }
}

#[test]
fn a_cache_beyond_memory_is_an_error() {
    for pages in [usize::MAX, usize::MAX >> 5, usize::MAX >> 6, usize::MAX >> 15] {
        for kind in [CacheType::F32, CacheType::F16, CacheType::Q8] {
            let error =
                KvPool::<_, _, _>::new(AttentionLayers::of(Toy), KvHeads::of(Toy), HeadDim::of(Toy), pages, kind);
            let message = error.map(|_: Pool| ()).unwrap_err().to_string();
            let positions = pages.saturating_mul(PAGE);
            assert!(message.starts_with(&format!("a cache of {positions} positions does not fit")), "{message}");
        }
    }
}

/// The projections of a block meet: widths split into heads, and heads merge back.
#[test]
fn projections_split_into_heads() {
    let hidden = Hidden::of(Toy);
    let x = Activations::new(tensor(17, (step(), hidden)));
    let (k, _) = weight(18, KvWidth::of(Toy), hidden);
    let k = cpu().linear(&x, &k);
    let merged: Tensor<f32, (Step, KvWidth<Toy>)> = k.clone().split::<KvHeads<Toy>, HeadDim<Toy>>().merge();
    assert_eq!(merged.data(), k.data());
}
