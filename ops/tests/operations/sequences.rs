//! Convolution and recurrences along a sequence.

use crate::fixture::{assert_near, cpu, tensor};
use trine_shapes::{First, Fixed, Plus, Tensor};

type Channels = Fixed<3>;

#[test]
fn a_convolution_sees_its_past_alone() {
    let x = tensor("convolution.x", (Fixed::<6>, Fixed::<3>));
    let kernel = tensor("convolution.kernel", (Fixed::<3>, Fixed::<4>));
    assert_near(cpu().causal_convolution(x.view(), kernel.view()).data(), "convolution.y", 0);
    let before = tensor("convolution.before", (Fixed::<2>, Fixed::<3>));
    let y = cpu().causal_convolution_after(before.view(), x.view(), kernel.view());
    assert_near(y.data(), "convolution.after", 0);
}

/// A sequence in two parts, the second of which knows more positions of the first than it needs.
#[test]
fn a_convolution_goes_on_where_it_ended() {
    let whole: Tensor<f32, (Plus<Fixed<5>, Fixed<1>>, Channels)> = tensor("convolution.x", (Plus(Fixed, Fixed), Fixed));
    let kernel = tensor("convolution.kernel", (Fixed::<3>, Fixed::<4>));
    let (start, end) = whole.view().cut(First);
    let first = cpu().causal_convolution(start.view(), kernel.view());
    let second = cpu().causal_convolution_after(start.view(), end.view(), kernel.view());
    assert_near(first.view().concat(second.view(), First).data(), "convolution.y", 0);
}

#[test]
fn a_scan_gives_all_states_and_the_last() {
    let shape = (Fixed::<5>, Fixed::<2>, Fixed::<3>);
    let initial = || tensor("scan.initial", (Fixed::<2>, Fixed::<3>));
    let (states, last) = cpu().scan(initial(), tensor("scan.a", shape).view(), tensor("scan.b", shape));
    assert_near(states.data(), "scan.h", 0);
    assert_eq!(last.data(), &states.data()[24..]);
    let none = Tensor::zeros((Fixed::<0>, Fixed::<2>, Fixed::<3>));
    let (states, last) = cpu().scan(initial(), none.view(), none.clone());
    assert_eq!((states.data().len(), last.data()), (0, initial().data()));
}
