//! Convolution and recurrences along a sequence.

use crate::fixture::{assert_near, cpu, tensor};
use trine_shapes::{First, Fixed, Plus, Ragged, Seq, Span, Tensor, axis};

axis! { struct Positions = 6; struct Steps = 5; struct Four = 4; struct Two = 2; }
type Channels = Fixed<3>;

#[test]
fn a_convolution_sees_its_past_alone() {
    let x = tensor("convolution.x", (Positions, Fixed::<3>));
    let kernel = tensor("convolution.kernel", (Fixed::<3>, Fixed::<4>));
    assert_near(cpu().causal_convolution(x.view(), kernel.view()).data(), "convolution.y", 0);
    let before = tensor("convolution.before", (Fixed::<2>, Fixed::<3>));
    let y = cpu().causal_convolution_after(before.view(), x.view(), kernel.view());
    assert_near(y.data(), "convolution.after", 0);
}

/// A sequence in two parts, the second of which knows more positions of the first than it needs.
#[test]
fn a_convolution_goes_on_where_it_ended() {
    let whole: Tensor<f32, (Plus<Steps, Fixed<1>>, Channels)> = tensor("convolution.x", (Plus(Steps, Fixed), Fixed));
    let kernel = tensor("convolution.kernel", (Fixed::<3>, Fixed::<4>));
    let (start, end) = whole.view().cut(First);
    let first = cpu().causal_convolution(start.view(), kernel.view());
    let second = cpu().causal_convolution_after(start.view(), end.view(), kernel.view());
    assert_near(first.view().concat(second.view(), First).data(), "convolution.y", 0);
}

/// Sequences of a step, each as if it were alone.
#[test]
fn a_convolution_of_a_step_keeps_sequences_apart() {
    let whole: Tensor<f32, (Plus<Four, Two>, Channels)> = tensor("convolution.x", (Plus(Four, Two), Fixed));
    let kernel = tensor("convolution.kernel", (Fixed::<3>, Fixed::<4>));
    let (left, right) = whole.view().cut(First);
    let spans = [Span { past: 0, tokens: 4 }, Span { past: 7, tokens: 2 }];
    let together = Ragged::assume(&spans, "a test", |step| {
        let slices = [left.data(), right.data()];
        let x = Tensor::of_sequence_rows("x", step, Fixed::<3>, &slices).unwrap();
        cpu().causal_convolution_of_sequences(x.view(), kernel.view()).data().to_vec()
    });
    let alone = cpu().causal_convolution(left.view(), kernel.view());
    let alone = alone.view().concat(cpu().causal_convolution(right.view(), kernel.view()).view(), First);
    assert_eq!(together, alone.data());
}

#[test]
fn a_scan_gives_all_states_and_the_last() {
    let shape = (Steps, Fixed::<2>, Fixed::<3>);
    let initial = || tensor("scan.initial", (Fixed::<2>, Fixed::<3>));
    let (states, last) = cpu().scan(initial(), tensor("scan.a", shape).view(), tensor("scan.b", shape));
    assert_near(states.data(), "scan.h", 0);
    assert_eq!(last.data(), &states.data()[24..]);
    Seq::scope(0, |none| {
        let none = Tensor::zeros((none, Fixed::<2>, Fixed::<3>));
        let (states, last) = cpu().scan(initial(), none.view(), none.clone());
        assert_eq!((states.data().len(), last.data()), (0, initial().data()));
    });
}
