//! A block of a vision transformer: LayerNorm before each branch, attention to all patches, and a network with GELU.
//! Source: Dosovitskiy et al. 2020 (arXiv 2010.11929), equations 2 and 3.

use trine::ops::{Activations, Bias, Function, LayerNorm, Window};
use trine::prelude::*;
use trine::shapes::{AttnNorm, Branch, FfnNorm, Made, Normed, Uniform, Value};

environment! {
    pub(crate) struct Vit { images, patches, heads, head_width, inner }
    pub(crate) struct Small: Vit { images: 2, patches: 7, heads: 3, head_width: 4, inner: 20 }
}
axis! {
    pub(crate) struct Images<E: Environment<Vit>> = |vit| vit.images;
    pub(crate) struct Patches<E: Environment<Vit>> = |vit| vit.patches;
    pub(crate) struct Heads<E: Environment<Vit>> = |vit| vit.heads;
    pub(crate) struct HeadWidth<E: Environment<Vit>> = |vit| vit.head_width;
    struct Inner<E: Environment<Vit>> = |vit| vit.inner;
}
product! { pub(crate) struct Width<E: Environment<Vit>> = Heads<E> x HeadWidth<E>; }
type Stream<T, E> = Tensor<f32, (T, Width<E>)>;
type Linear<E, O, R> = Weight<Matrix, O, Normed<R, Width<E>>>;

struct Block<E> {
    attn_norm: LayerNorm<AttnNorm, Width<E>>,
    query: Linear<E, Width<E>, AttnNorm>,
    key: Linear<E, Width<E>, AttnNorm>,
    value: Linear<E, Value<Width<E>>, AttnNorm>,
    output: Weight<Matrix, Branch<Width<E>>, Width<E>>,
    ffn_norm: LayerNorm<FfnNorm, Width<E>>,
    up: Linear<E, Inner<E>, FfnNorm>,
    down: Weight<Matrix, Branch<Width<E>>, Inner<E>>,
}

/// The block for images side by side: patches see those of their image.
fn apply<T: Step, E: Environment<Vit>>(cpu: &Cpu, block: &Block<E>, x: Stream<T, E>) -> Stream<T, E> {
    let (h, residual) = cpu.pre_layer_norm(x, &block.attn_norm);
    let h = Activations::new(h);
    let (q, k) = (cpu.linear(&h, &block.query).split(), cpu.linear(&h, &block.key).split());
    let v = cpu.linear(&h, &block.value).split();
    let attended = cpu.attend_sequences(q.view(), k.view(), v.view(), Window::ALL);
    let x = cpu.add_branch(residual, cpu.linear(&Activations::new(attended.merge()), &block.output));
    let (h, residual) = cpu.pre_layer_norm(x, &block.ffn_norm);
    let inner = cpu.map(cpu.linear(&Activations::new(h), &block.up), Function::Gelu);
    cpu.add_branch(residual, cpu.linear(&Activations::new(inner), &block.down))
}

fn wave(seed: usize) -> impl Fn(usize) -> f32 {
    move |i| ((0.37 * (i * i) as f64 + seed as f64).sin() / 2.0) as f32
}

fn affine<O: Made, I: Axis>(out: O, input: I, seed: usize) -> Weight<Matrix, O, I> {
    Weight::from_fn((out, input), wave(seed)).with_bias(Bias::from_fn((out, input), wave(seed + 1)))
}

pub(crate) fn example(cpu: &Cpu) -> Tensor<f32, (Images<Small>, Patches<Small>, Width<Small>)> {
    let (width, inner, normal) = (Width::of(Small), Inner::of(Small), Normed::of(Width::of(Small)));
    let row = |seed| Tensor::from_fn((width,), wave(seed));
    let block = Block {
        attn_norm: LayerNorm::new(row(1), row(2), 1e-6),
        query: affine(width, normal, 3),
        key: affine(width, normal, 5),
        value: affine(Value::of(width), normal, 7),
        output: affine(Branch::of(width), width, 9),
        ffn_norm: LayerNorm::new(row(11), row(12), 1e-6),
        up: affine(inner, Normed::of(width), 13),
        down: affine(Branch::of(width), inner, 15),
    };
    let (images, patches) = (Images::of(Small), Patches::of(Small));
    let x = Tensor::from_fn((images, patches, width), wave(17)).in_step(Uniform::whole(images, patches));
    apply(cpu, &block, x).batched()
}

fn main() -> Result<(), trine::kernels::CpuError> {
    Cpu::new(CpuOptions::default()).map(|cpu| println!("{:?}", example(&cpu).view()))
}
