//! Attention over tensors.

use crate::fixture::{assert_near, cpu, numbers, tensor};
use trine_ops::Window;
use trine_shapes::{Axis, Fixed, Shape, Tensor, Value};

type Heads = Fixed<2>;
type Values<K> = Tensor<f32, (K, Heads, Value<Fixed<4>>)>;

fn queries() -> Tensor<f32, (Fixed<5>, Heads, Fixed<3>)> {
    tensor("attend.q", (Fixed, Fixed, Fixed))
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
    let y: Tensor<f32, (Fixed<5>, Heads, Fixed<4>)> = cpu().attend(queries().view(), k.view(), v.view());
    assert_near(y.data(), "attend.all", 1);
}

#[test]
fn causal_and_windowed_attention_see_some() {
    let (k, v) = keys(Fixed::<5>);
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

#[test]
fn without_keys_there_is_no_mean() {
    let (k, v) = keys(Fixed::<0>);
    assert!(cpu().attend(queries().view(), k.view(), v.view()).data().iter().all(|y| y.is_nan()));
}
