//! A long short-term memory over sentences: three gates and the memory have roles, so that none stands in for another.
//!
//! Source: Gers, Schmidhuber and Cummins 2000; the equations are those of `torch.nn.LSTM`.

use trine::ops::{Activations, Bias, Function};
use trine::prelude::*;
use trine::shapes::{Made, Roleless, role};

axis! { pub(crate) struct Steps = 5; pub(crate) struct Sentences = 3; struct Inputs = 4; pub(crate) struct Cells = 6; }
role! {
    /// How much of the candidates enters the memory.
    struct Enter<A>: Made;
    /// How much of the memory stays.
    struct Keep<A>: Made;
    /// How much of the memory is seen outside.
    struct Emit<A>: Made;
    /// What the cells remember.
    struct Memory<A>;
}
type Rows<T, A> = Tensor<f32, (T, A)>;
/// What a cell shows, and what it remembers.
type State<B> = (Rows<B, Cells>, Rows<B, Memory<Cells>>);

/// `W x + U h + b`.
struct Affine<O>(Weight<Matrix, O, Inputs>, Weight<Matrix, O, Cells>);

impl<O: Made> Affine<O> {
    fn new(out: O, seed: usize) -> Self {
        let bias = Bias::from_fn((out, Inputs), wave(seed + 2));
        let input = Weight::from_fn((out, Inputs), wave(seed)).with_bias(bias);
        Affine(input, Weight::from_fn((out, Cells), wave(seed + 1)))
    }

    fn of<B: Roleless>(&self, cpu: &Cpu, x: &Activations<B, Inputs>, h: &Activations<B, Cells>) -> Rows<B, O> {
        cpu.add(cpu.linear(x, &self.0), cpu.linear(h, &self.1).view())
    }
}

struct Lstm {
    enter: Affine<Enter<Cells>>,
    keep: Affine<Keep<Cells>>,
    emit: Affine<Emit<Cells>>,
    candidate: Affine<Cells>,
}

/// `c' = sigmoid(keep) c + sigmoid(enter) tanh(candidate)` and `h' = sigmoid(emit) tanh(c')`.
fn step<B: Roleless>((cpu, lstm): (&Cpu, &Lstm), x: Rows<B, Inputs>, (h, c): State<B>) -> State<B> {
    let (x, h) = (Activations::new(x), Activations::new(h));
    let open = |gate| cpu.map(gate, Function::Sigmoid);
    let candidate = cpu.map(lstm.candidate.of(cpu, &x, &h), Function::Tanh);
    let entered = cpu.product(open(Enter::take(lstm.enter.of(cpu, &x, &h))), candidate.view());
    let kept = cpu.product(open(Keep::take(lstm.keep.of(cpu, &x, &h))), Memory::take(c).view());
    let c = cpu.add(kept, entered.view());
    let seen = cpu.map(c.clone(), Function::Tanh);
    (cpu.product(open(Emit::take(lstm.emit.of(cpu, &x, &h))), seen.view()), Memory::give(c))
}

fn wave(seed: usize) -> impl Fn(usize) -> f32 {
    move |i| ((0.37 * (i * i) as f64 + seed as f64).sin() / 2.0) as f32
}

/// The outputs of all steps.
pub(crate) fn example(cpu: &Cpu) -> Tensor<f32, (Steps, Sentences, Cells)> {
    let (enter, keep) = (Affine::new(Enter::of(Cells), 1), Affine::new(Keep::of(Cells), 4));
    let lstm = Lstm { enter, keep, candidate: Affine::new(Cells, 7), emit: Affine::new(Emit::of(Cells), 10) };
    let x = Tensor::from_fn((Steps, Sentences, Inputs), wave(13));
    let zeros = Tensor::zeros((Sentences, Cells));
    let mut state = (zeros.clone(), Memory::give(zeros));
    Tensor::stack_by(Steps, (Sentences, Cells), |t| {
        state = step((cpu, &lstm), x.view().take(t), state.clone());
        state.0.clone()
    })
}

fn main() -> Result<(), trine::kernels::CpuError> {
    Cpu::new(CpuOptions::default()).map(|cpu| println!("{:?}", example(&cpu).view()))
}
