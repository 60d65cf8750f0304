//! Steps of sequences: each gets what it gets alone, and a step that is refused changes nothing.

use super::*;
use crate::{Cpu, Rope};
use proptest::prelude::*;
use std::num::NonZeroUsize;
use trine_kernels::{CpuOptions, Isa};
use trine_shapes::{AttentionLayers, Fixed, HeadDim, Heads, KvHeads, Seq, Tensor, Uniform, axis, static_model};

axis! {
    struct Words = 2;
}

static_model! {
    struct Small {
        vocab: 17, hidden: 10, ffn: 27, heads: 6, kv_heads: 2, head_dim: 18, attention_layers: 2,
    }
}

type Pool = KvPool<AttentionLayers<Small>, KvHeads<Small>, HeadDim<Small>>;
type Sequence = KvSequence<AttentionLayers<Small>, KvHeads<Small>, HeadDim<Small>>;
type Caches<'c, T> = KvStep<'c, T, AttentionLayers<Small>, KvHeads<Small>, HeadDim<Small>>;

const KINDS: [CacheType; 3] = [CacheType::F32, CacheType::F16, CacheType::Q8];

fn pool(pages: usize, kind: CacheType) -> Pool {
    KvPool::new(AttentionLayers::of(Small), KvHeads::of(Small), HeadDim::of(Small), pages, kind).unwrap()
}

fn cpu(isa: Option<Isa>) -> Cpu {
    Cpu::new(CpuOptions { threads: NonZeroUsize::new(3), isa }).unwrap()
}

/// Numbers in -2..2 that look random, faster than random ones are made.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let number = |i: u64| {
        let bits = (seed << 32 | (i + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((bits ^ bits >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / (1 << 22) as f32 - 2.0
    };
    (0..count as u64).map(number).collect()
}

/// What the queries of each sequence get from all layers, as bits. What a sequence brings follows from its seed.
fn attend<T: Step>(cpu: &Cpu, caches: &mut Caches<'_, T>, seeds: &[u64]) -> Vec<Vec<u32>> {
    let (step, heads, kv_heads, head) = (caches.axis(), Heads::of(Small), KvHeads::of(Small), HeadDim::of(Small));
    let rope = Rope::new(head, RopePairing::NeoX, 1e4, &[1.0; 9], 3 * PAGE);
    let rows = |what: u64, heads: usize| -> Vec<f32> {
        let of_sequence = |(span, seed): (Span, &u64)| numbers(6 * seed + what, span.tokens * heads * head.len());
        step.spans().zip(seeds).flat_map(of_sequence).collect()
    };
    let mut outputs = vec![Vec::new(); step.sequences()];
    for layer in Idx::all(AttentionLayers::of(Small)) {
        let what = 3 * layer.get() as u64;
        let q = cpu.rope(Tensor::assume((step, heads, head), rows(what, heads.len()), "a test"), &rope);
        let k = cpu.rope(Tensor::assume((step, kv_heads, head), rows(what + 1, kv_heads.len()), "a test"), &rope);
        let v = Tensor::assume((step, kv_heads, Value::of(head)), rows(what + 2, kv_heads.len()), "a test");
        let y = cpu.attention(q.view(), &caches.layer(layer).append(k.view(), v.view()));
        let mut y = y.data().iter().map(|output| output.to_bits());
        for (outputs, span) in outputs.iter_mut().zip(step.spans()) {
            outputs.extend(y.by_ref().take(span.tokens * heads.len() * head.len()));
        }
    }
    outputs
}

/// [`attend`] in a ragged step that becomes part of the past.
fn go_on(
    cpu: &Cpu,
    sequences: Vec<&mut Sequence>,
    tokens: &[usize],
    seeds: &[u64],
) -> Result<Vec<Vec<u32>>, CacheStepError> {
    KvSequence::step(sequences, tokens, |mut caches| {
        let outputs = attend(cpu, &mut caches, seeds);
        caches.commit();
        outputs
    })
}

/// [`go_on`] with one sequence, for which there is memory.
fn alone(cpu: &Cpu, sequence: &mut Sequence, tokens: usize, seed: u64) -> Vec<u32> {
    go_on(cpu, vec![sequence], &[tokens], &[seed]).unwrap().remove(0)
}

/// A new sequence after some steps: the tokens and the seed of each.
fn after(cpu: &Cpu, pool: &Pool, steps: &[(usize, u64)]) -> Sequence {
    let mut sequence = pool.sequence();
    for &(tokens, seed) in steps.iter().filter(|(tokens, _)| *tokens > 0) {
        alone(cpu, &mut sequence, tokens, seed);
    }
    sequence
}

/// Why a step is refused.
fn refused(sequences: Vec<&mut Sequence>, tokens: &[usize]) -> CacheStepError {
    KvSequence::step(sequences, tokens, |_| ()).unwrap_err()
}

proptest! {
    #![proptest_config(crate::cases(8))]

    #[test]
    fn a_ragged_step_gives_each_sequence_what_it_gets_alone(
        spans in prop::collection::vec((0_usize..600, prop_oneof![Just(1_usize), 1_usize..40]), 1..=17),
        seed in 0_u64..1000,
    ) {
        let machines: Vec<Cpu> = Isa::available().into_iter().map(|isa| cpu(Some(isa))).collect();
        let best = cpu(None);
        for kind in KINDS {
            let pool = pool(17 * 6, kind);
            let seeds: Vec<u64> = (0..spans.len() as u64).map(|sequence| 100 * seed + sequence).collect();
            let tokens: Vec<usize> = spans.iter().map(|span| span.1).collect();
            let (mut pasts, mut expected) = (Vec::new(), Vec::new());
            for (&(past, tokens), &seed) in spans.iter().zip(&seeds) {
                let sequence = after(&best, &pool, &[(past, seed + 50)]);
                expected.push(alone(&best, &mut sequence.fork(), tokens, seed));
                pasts.push(sequence);
            }
            for cpu in &machines {
                let mut sequences: Vec<Sequence> = pasts.iter().map(Sequence::fork).collect();
                let found = go_on(cpu, sequences.iter_mut().collect(), &tokens, &seeds).unwrap();
                for (sequence, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    prop_assert!(found == expected, "sequence {sequence} of {spans:?}, {kind} on {}", cpu.isa());
                }
                let lens = sequences.iter().map(Sequence::len);
                prop_assert!(lens.eq(spans.iter().map(|(past, tokens)| past + tokens)));
            }
        }
    }
}

#[test]
fn a_pool_says_what_it_has() {
    for (kind, bytes) in [
        // Keys of 18 elements and values of 32, of which bytes have a scale for each position.
        (CacheType::F32, 2 * 2 * 256 * 4 * (18 + 32)),
        (CacheType::F16, 2 * 2 * 256 * 2 * (18 + 32)),
        (CacheType::Q8, 2 * 2 * 256 * (18 + 32 + 2 * 4)),
    ] {
        let (cpu, pool) = (cpu(None), pool(4, kind));
        assert_eq!((pool.pages(), pool.free_pages(), pool.kind(), pool.bytes_per_page()), (4, 4, kind, bytes));
        let sequence = after(&cpu, &pool, &[(PAGE, 1), (1, 2)]);
        assert_eq!((sequence.len(), sequence.is_empty(), pool.clone().free_pages()), (PAGE + 1, false, 2));
        drop(sequence);
        assert!(pool.free_pages() == 4 && pool.sequence().is_empty());
    }
    assert_eq!([0, 1, PAGE, PAGE + 1].map(Pool::pages_for), [0, 1, 1, 2]);
}

/// Both sequences of a step are as they were where it is refused: their lengths, their pages and what is in them.
#[test]
fn a_step_that_is_refused_changes_nothing() {
    let cpu = cpu(None);
    for kind in KINDS {
        let (pool, other) = (pool(6, kind), pool(2, kind));
        let [mut one, mut two] = [(20, 1), (PAGE - 1, 2)].map(|past| after(&cpu, &pool, &[past]));
        let mut stranger = after(&cpu, &other, &[(20, 3)]);
        // A fork shares all pages, and is what the step would have changed.
        let [mut one_before, mut two_before] = [one.fork(), two.fork()];

        let error = refused(vec![&mut one, &mut two], &[PAGE, 3 * PAGE]);
        assert_eq!(error, CacheStepError::Full(CacheFull::Pages { needed: 6, free: 4, pages: 6 }));
        assert_eq!(
            error.to_string(),
            "6 more pages of 256 positions are needed and 4 of the pool's 6 are free; end a sequence, or make the pool \
             larger"
        );
        let error = refused(vec![&mut one, &mut two], &[usize::MAX - PAGE, 1]);
        assert!(matches!(error, CacheStepError::Full(CacheFull::Pages { free: 4, .. })), "{error}");

        let error = refused(vec![&mut one, &mut two], &[1]);
        assert_eq!(error, CacheStepError::Sequences { step: 1, caches: 2 });
        assert_eq!(error.to_string(), "a step of 1 sequences needs as many caches, and there are 2");

        assert_eq!(refused(vec![&mut one, &mut stranger], &[1, 1]), CacheStepError::OtherPool { sequence: 1 });

        let step = Uniform::assume(Fixed::<2>, Fixed::<20>, Fixed::<300>, "a test");
        let error = KvStep::open(step, vec![&mut one, &mut two]).map(|_| ()).unwrap_err();
        assert_eq!(error, CacheStepError::Past { sequence: 1, expected: 20, found: PAGE - 1 });
        let error = KvStep::open(step, vec![&mut one]).map(|_| ()).unwrap_err();
        assert_eq!(error, CacheStepError::Sequences { step: 2, caches: 1 });

        assert_eq!((one.len(), two.len(), stranger.len()), (20, PAGE - 1, 20));
        assert_eq!((pool.free_pages(), other.free_pages()), (4, 1));
        let found = go_on(&cpu, vec![&mut one, &mut two], &[5, 1], &[4, 5]).unwrap();
        assert_eq!(found, [alone(&cpu, &mut one_before, 5, 4), alone(&cpu, &mut two_before, 1, 5)]);
    }
}

/// A pool of one page takes [`PAGE`] positions and not one more.
#[test]
fn a_full_pool_takes_no_more() {
    let (cpu, pool) = (cpu(None), pool(1, CacheType::Q8));
    let mut sequence = after(&cpu, &pool, &[(PAGE - 5, 1), (5, 2)]);
    let error = refused(vec![&mut sequence], &[1]);
    assert_eq!(error, CacheStepError::Full(CacheFull::Pages { needed: 1, free: 0, pages: 1 }));
    assert_eq!((sequence.len(), sequence.rewind(PAGE - 1)), (PAGE, PAGE - 1));
    alone(&cpu, &mut sequence, 1, 3);
    assert_eq!((sequence.len(), pool.free_pages()), (PAGE, 0));
}

/// Whichever goes on first, and where both go on in one step.
#[test]
fn forks_go_on_as_if_they_were_alone() {
    let cpu = cpu(None);
    for kind in KINDS {
        for past in [7, PAGE - 1, PAGE, PAGE + 30] {
            let pool = pool(12, kind);
            let separate = |seed| alone(&cpu, &mut after(&cpu, &pool, &[(past, 1)]), 3, seed);
            let (left, right) = (separate(2), separate(3));
            let mut origin = after(&cpu, &pool, &[(past, 1)]);
            let [mut first, mut second, mut third] = [origin.fork(), origin.fork(), origin.fork()];
            let before = Pool::pages_for(past);
            assert_eq!(12 - pool.free_pages(), before, "forks have no pages of their own");

            let both = go_on(&cpu, vec![&mut first, &mut second], &[3, 3], &[2, 3]).unwrap();
            assert_eq!(both, [left.clone(), right.clone()]);
            assert_eq!(alone(&cpu, &mut origin, 3, 3), right);
            assert_eq!(alone(&cpu, &mut third, 3, 2), left);
            let full = past / PAGE;
            let own = Pool::pages_for(past + 3) - full;
            assert_eq!(12 - pool.free_pages(), full + 4 * own, "full pages stay shared");
            assert_eq!([&origin, &first, &second, &third].map(KvSequence::len), [past + 3; 4]);

            // What is behind a fork is what it has itself.
            let mut longer = after(&cpu, &pool, &[(past, 1), (3, 2)]);
            assert_eq!(alone(&cpu, &mut first, 2, 4), alone(&cpu, &mut longer, 2, 4));
        }
    }
}

#[test]
fn reserved_pages_are_those_of_the_next_steps() {
    let (cpu, pool) = (cpu(None), pool(5, CacheType::F32));
    let mut one = after(&cpu, &pool, &[(PAGE + 3, 1)]);
    let mut other = one.fork();
    other.rewind(PAGE + 1);
    let expected = {
        let mut third = other.fork();
        alone(&cpu, &mut third, 5, 7)
    };
    assert_eq!(pool.free_pages(), 3);
    // A copy of the page that both have, and a page behind it.
    other.reserve(PAGE).unwrap();
    assert_eq!((pool.free_pages(), other.len()), (1, PAGE + 1));
    assert_eq!(alone(&cpu, &mut other, 5, 7), expected);
    alone(&cpu, &mut one, 1, 8);
    assert_eq!(pool.free_pages(), 1, "each has a page of its own");
    let error = other.reserve(3 * PAGE).unwrap_err();
    assert_eq!((error, other.len()), (CacheFull::Pages { needed: 2, free: 1, pages: 5 }, PAGE + 6));
    other.rewind(PAGE + 6);
    assert_eq!(pool.free_pages(), 2, "what is reserved goes back");
}

#[test]
fn what_is_rewound_is_forgotten_and_its_pages_are_free() {
    let cpu = cpu(None);
    for kind in KINDS {
        let pool = pool(6, kind);
        let mut sequence = after(&cpu, &pool, &[(PAGE + 9, 1), (PAGE, 2)]);
        assert_eq!((sequence.rewind(3 * PAGE), pool.free_pages()), (2 * PAGE + 9, 3));
        let fork = sequence.fork();
        assert_eq!((sequence.rewind(PAGE + 9), pool.free_pages()), (PAGE + 9, 3), "the fork has them");
        drop(fork);
        assert_eq!(pool.free_pages(), 4);
        let mut expected = after(&cpu, &pool, &[(PAGE + 9, 1)]);
        assert_eq!(alone(&cpu, &mut sequence, 40, 3), alone(&cpu, &mut expected, 40, 3));
        assert_eq!((sequence.rewind(0), sequence.is_empty(), pool.free_pages()), (0, true, 4));
        let mut expected = pool.sequence();
        assert_eq!(alone(&cpu, &mut sequence, 4, 3), alone(&cpu, &mut expected, 4, 3));
    }
}

#[test]
fn a_step_counts_once_it_is_committed() {
    let cpu = cpu(None);
    for kind in KINDS {
        let pool = pool(4, kind);
        let mut sequence = after(&cpu, &pool, &[(PAGE - 2, 1)]);
        let mut expected = sequence.fork();
        let expected = alone(&cpu, &mut expected, 5, 2);
        let dropped =
            KvSequence::step(vec![&mut sequence], &[5], |mut caches| attend(&cpu, &mut caches, &[2])).unwrap();
        assert_eq!((&dropped[0], sequence.len()), (&expected, PAGE - 2));
        // Other tokens take the place of those that did not count, in the same pages.
        let free = pool.free_pages();
        let other = KvSequence::step(vec![&mut sequence], &[4], |mut caches| attend(&cpu, &mut caches, &[7])).unwrap();
        assert_ne!(other, dropped);
        assert_eq!((alone(&cpu, &mut sequence, 5, 2), sequence.len()), (expected, PAGE + 3));
        assert_eq!(pool.free_pages(), free);
    }
}

#[test]
fn each_sequence_of_a_step_has_a_token() {
    let (cpu, pool) = (cpu(None), pool(2, CacheType::F16));
    let mut sequence = after(&cpu, &pool, &[(7, 1)]);
    assert_eq!(refused(vec![&mut sequence], &[0]), CacheStepError::Empty { sequence: 0 });
    assert_eq!((sequence.len(), pool.free_pages()), (7, 1));
    assert!(go_on(&cpu, vec![], &[], &[]).unwrap().is_empty());
    let empty = Seq::scope(0, |none| KvSequence::step_of_batch(vec![&mut sequence], Fixed::<1>, none, |_| ()));
    assert_eq!(empty, Err(CacheStepError::Empty { sequence: 0 }));
}

/// A batch takes the step that each of its sequences would take alone, and its past is what they have.
#[test]
fn a_batch_takes_a_rectangular_step() {
    let (cpu, pool) = (cpu(None), pool(4, CacheType::F32));
    let mut sequences = [after(&cpu, &pool, &[(7, 1)]), after(&cpu, &pool, &[(7, 2)])];
    let expected: Vec<Vec<u32>> =
        [3, 4].into_iter().zip(&sequences).map(|(seed, sequence)| alone(&cpu, &mut sequence.fork(), 2, seed)).collect();
    let step = KvSequence::step_of_batch(sequences.iter_mut().collect(), Fixed::<2>, Words, |mut caches| {
        let outputs = attend(&cpu, &mut caches, &[3, 4]);
        let past = caches.axis().past().len();
        caches.commit();
        (outputs, past)
    });
    assert_eq!(step, Ok((expected, 7)));
    alone(&cpu, &mut sequences[1], 1, 5);
    let apart = KvSequence::step_of_batch(sequences.iter_mut().collect(), Fixed::<2>, Fixed::<1>, |_| ());
    assert_eq!(apart, Err(CacheStepError::Past { sequence: 1, expected: 9, found: 10 }));
    let three = KvSequence::step_of_batch(sequences.iter_mut().collect(), Fixed::<3>, Fixed::<1>, |_| ());
    assert_eq!(three, Err(CacheStepError::Sequences { step: 3, caches: 2 }));
}

/// Else the next step would see what its pages held before.
#[test]
#[should_panic(expected = "layer 1 has no keys and values of this step")]
fn a_step_gives_every_layer_its_keys_and_values() {
    let (cpu, pool) = (cpu(None), pool(1, CacheType::F32));
    let (heads, head) = (KvHeads::of(Small), HeadDim::of(Small));
    let rope = Rope::new(head, RopePairing::NeoX, 1e4, &[], 16);
    let mut sequence = pool.sequence();
    let _ = KvSequence::step(vec![&mut sequence], &[1], |mut caches| {
        let step = caches.axis();
        let keys = cpu.rope(Tensor::assume((step, heads, head), vec![0.0; 36], "a test"), &rope);
        let values = Tensor::assume((step, heads, Value::of(head)), vec![0.0; 36], "a test");
        let first = Idx::all(AttentionLayers::of(Small)).next().unwrap();
        caches.layer(first).append(keys.view(), values.view());
        caches.commit();
    });
}
