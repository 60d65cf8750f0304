//! Attention over tensors.

use crate::fixture::{assert_near, cpu, numbers, tensor};
use std::ops::Range;
use trine_ops::Window;
use trine_shapes::{Axis, Fixed, Flat, Ragged, Second, Seq, Shape, Span, Tensor, Third, Value, axis};

axis! { struct Words = 5; }
type Heads = Fixed<2>;
type Values<K> = Tensor<f32, (K, Heads, Value<Fixed<4>>)>;

fn queries() -> Tensor<f32, (Words, Heads, Fixed<3>)> {
    tensor("attend.q", (Words, Fixed, Fixed))
}

/// The first keys and values of the golden ones.
fn keys<K: Axis>(keys: K) -> (Tensor<f32, (K, Heads, Fixed<3>)>, Values<K>) {
    let (key, value) = ((keys, Fixed, Fixed), (keys, Fixed, Value::of(Fixed)));
    let first = |name: &str, count: usize| numbers(name)[..count].to_vec();
    let k = Tensor::assume(key, first("attend.k", key.elements()), "a test");
    (k, Tensor::assume(value, first("attend.v", value.elements()), "a test"))
}

#[test]
fn cross_attention_sees_all_keys() {
    let (k, v) = keys(Fixed::<7>);
    let y: Tensor<f32, (Words, Heads, Fixed<4>)> = cpu().attend(queries().view(), k.view(), v.view());
    assert_near(y.data(), "attend.all", 1);
}

#[test]
fn causal_and_windowed_attention_see_some() {
    let (k, v) = keys(Words);
    let causal = cpu().attend_causal(queries().view(), k.view(), v.view());
    assert_near(causal.data(), "attend.causal", 1);
    let window = |before, after| {
        let window = Window { before, after };
        cpu().attend_window(queries().view(), k.view(), v.view(), window).data().to_vec()
    };
    assert_near(&window(2, 1), "attend.window", 1);
    assert_eq!(window(4, 4), cpu().attend(queries().view(), k.view(), v.view()).data());
    assert_eq!(window(usize::MAX, usize::MAX), window(4, 4));
    assert_eq!(window(0, 0), v.data());
}

/// Two sequences of a step, as if each were alone.
#[test]
fn tokens_of_a_step_see_those_of_their_sequence() {
    let spans = [Span { past: 3, tokens: 2 }, Span { past: 0, tokens: 3 }];
    let (k, v) = keys(Words);
    Ragged::assume(&spans, "a test", |step| {
        let [q, k] = [queries(), k.clone()].map(|x| Tensor::assume((step, Fixed, Fixed::<3>), x.into_data(), "a test"));
        let v = Tensor::assume((step, Fixed, Value::of(Fixed)), v.clone().into_data(), "a test");
        for window in [Window::ALL, Window::CAUSAL, Window { before: 1, after: 0 }] {
            let y: Tensor<f32, (_, Heads, Fixed<4>)> = cpu().attend_sequences(q.view(), k.view(), v.view(), window);
            let alone = [part(0..2, window), part(2..5, window)].concat();
            assert_eq!(y.data(), alone, "{window:?}");
        }
    });
}

/// Grouped heads: as many keys as the heads of a group have in common.
#[test]
fn groups_of_heads_share_keys_that_are_repeated() {
    type Grouped = Flat<Heads, Fixed<3>>;
    let (k, v) = keys(Words);
    let q: Tensor<f32, (Words, Grouped, Fixed<3>)> = queries().view().repeat(Fixed::<3>, Third).merge_at(Second);
    let k_of_group = k.view().repeat(Fixed::<3>, Third).merge_at(Second);
    let v_of_group = v.view().repeat(Fixed::<3>, Third).merge_at(Second);
    let y: Tensor<f32, (Words, Grouped, Fixed<4>)> = cpu().attend(q.view(), k_of_group.view(), v_of_group.view());
    let alone = cpu().attend(queries().view(), k.view(), v.view());
    let expected: Tensor<f32, (Words, Grouped, Fixed<4>)> = alone.view().repeat(Fixed::<3>, Third).merge_at(Second);
    assert_eq!(y.data(), expected.data());
}

/// Attention of some of the tokens.
fn part(tokens: Range<usize>, window: Window) -> Vec<f32> {
    let part = |name: &str, width: usize| numbers(name)[tokens.start * 2 * width..tokens.end * 2 * width].to_vec();
    Seq::scope(tokens.len(), |seq| {
        let [q, k] = ["attend.q", "attend.k"].map(|name| Tensor::from_data((seq, Fixed::<2>, Fixed), part(name, 3)));
        let v = Tensor::assume((seq, Fixed::<2>, Value::of(Fixed::<4>)), part("attend.v", 4), "a test");
        let q: Tensor<f32, (_, Heads, Fixed<3>)> = q;
        cpu().attend_window(q.view(), k.view(), v.view(), window).data().to_vec()
    })
}

#[test]
fn without_keys_there_is_no_mean() {
    let (k, v) = keys(Fixed::<0>);
    assert!(cpu().attend(queries().view(), k.view(), v.view()).data().iter().all(|y| y.is_nan()));
}
