//! Results have the same bits on every instruction set and for every number of threads.

use crate::fixture::machine;
use trine_kernels::Isa;
use trine_ops::{Cpu, Function, LayerNorm, RmsNorm};
use trine_shapes::{AttnNorm, Fixed, Idx, KeyNorm, PlainShape, Shape, Tensor, Uniform, Value, axis};

axis! { struct Rows = 143; struct Words = 37; }
type Large = (Fixed<11>, Fixed<13>, Fixed<270>);

/// Distinct numbers of both signs below 4.
fn numbers<S: PlainShape>(seed: usize, shape: S) -> Tensor<f32, S> {
    Tensor::from_fn(shape, |i| ((i * 7919 + seed * 104_729) % 40_009) as f32 / 5000.0 - 4.0)
}

/// Asserts that `results` are those of one thread without vector instructions, and that other threads take part.
fn assert_equal_bits(results: impl Fn(&Cpu) -> Vec<Vec<f32>>) {
    assert_same(results, |count| count);
}

/// Asserts that `results` are those of one thread without vector instructions, and that so many of them, as their count
/// gives, are handed over to other threads.
fn assert_same(results: impl Fn(&Cpu) -> Vec<Vec<f32>>, least: impl Fn(u64) -> u64) {
    let bits =
        |cpu: &Cpu| -> Vec<Vec<u32>> { results(cpu).iter().map(|y| y.iter().map(|y| y.to_bits()).collect()).collect() };
    let expected = bits(&machine(Isa::Portable, 1));
    for isa in Isa::available() {
        for threads in [1, 2, 3] {
            let cpu = machine(isa, threads);
            let found = bits(&cpu);
            let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
            assert_eq!(differs, None, "result with {threads} threads of {isa}");
            let least = if threads == 1 { 0 } else { least(found.len() as u64) };
            assert!(cpu.fork_joins() >= least, "threads have work in each operation");
        }
    }
}

#[test]
fn elementwise_operations() {
    let shape = Large::default();
    let x = |seed| numbers(seed, shape);
    assert_equal_bits(|cpu| {
        let functions = [Function::Silu, Function::Gelu, Function::GeluTanh, Function::Softplus, Function::Tanh];
        let mut results: Vec<_> = functions.map(|function| cpu.map(x(1), function).data().to_vec()).into();
        results.push(cpu.product(x(1), x(2).view()).data().to_vec());
        results.push(cpu.quotient(x(1), x(2).view()).data().to_vec());
        results.push(cpu.multiply_rows(x(1), numbers(3, (shape.2,)).view()).data().to_vec());
        results.push(cpu.scale_rows(x(1), numbers(4, (shape.0, shape.1)).view()).data().to_vec());
        results
    });
}

#[test]
fn reductions_and_selections() {
    let shape = Large::default();
    let x = numbers(5, shape);
    assert_equal_bits(|cpu| {
        let (indices, values) = cpu.top_k(x.view(), Fixed::<17>);
        vec![
            cpu.sum(x.view(), shape.0).data().to_vec(),
            cpu.mean(x.view(), shape.1).data().to_vec(),
            cpu.sum(x.view(), shape.2).data().to_vec(),
            cpu.softmax(x.clone()).data().to_vec(),
            cpu.log_softmax(x.clone()).data().to_vec(),
            cpu.log_sum_exp(x.view()).data().to_vec(),
            cpu.argmax(x.view()).data().iter().map(|index| index.get() as f32).collect(),
            indices.data().iter().map(|index| index.get() as f32).chain(values.data().to_vec()).collect(),
        ]
    });
    assert_eq!(x.shape().elements(), 38_610);
}

#[test]
fn products_and_norms() {
    let x = numbers(6, (Fixed::<3>, Fixed::<37>, Fixed::<29>));
    let y = numbers(7, (Fixed::<3>, Fixed::<29>, Fixed::<41>));
    let (row, columns) = (numbers(8, (Fixed::<270>,)), numbers(9, (Fixed::<270>, Fixed::<4>)));
    let rows = numbers(10, (Rows, Fixed::<270>));
    let layer = LayerNorm::<AttnNorm, _>::new(row.clone(), row.clone(), 1e-5);
    let root = RmsNorm::<KeyNorm, _>::new(row.clone(), 1e-5);
    assert_equal_bits(|cpu| {
        vec![
            cpu.matrix_product(x.view(), y.view()).data().to_vec(),
            cpu.outer_product(row.view(), row.view()).data().to_vec(),
            cpu.row_products(rows.view(), rows.view()).data().to_vec(),
            cpu.layer_norm(rows.clone(), &layer).data().to_vec(),
            cpu.norm_heads(rows.clone(), &root).data().to_vec(),
            cpu.causal_convolution(rows.view(), columns.view()).data().to_vec(),
        ]
    });
}

#[test]
fn attention() {
    let (q, k) = (numbers(11, (Words, Fixed::<3>, Fixed::<8>)), numbers(12, (Fixed::<29>, Fixed::<3>, Fixed::<8>)));
    let values = |count: usize| numbers(13, (Words, Fixed::<3>, Fixed::<5>)).data()[..count * 15].to_vec();
    let v = Tensor::assume((Fixed::<29>, Fixed::<3>, Value::of(Fixed::<5>)), values(29), "a test");
    let own = Tensor::assume((Words, Fixed::<3>, Value::of(Fixed::<5>)), values(37), "a test");
    assert_equal_bits(|cpu| {
        vec![
            cpu.attend(q.view(), k.view(), v.view()).data().to_vec(),
            cpu.attend_causal(q.view(), q.view(), own.view()).data().to_vec(),
        ]
    });
}

/// Operations of one thread.
#[test]
fn sums_in_one_order() {
    let x = numbers(14, (Rows, Fixed::<270>));
    let step = Uniform::assume(Fixed::<11>, Fixed::<0>, Fixed::<13>, "a test");
    let tokens = Tensor::assume((step, Fixed::<270>), x.data(), "a test");
    let indices: Vec<_> = (0..143).map(|i| Idx::new(Rows, i * i % 143).unwrap()).collect();
    let indices = Tensor::from_data((Rows,), indices);
    let initial = numbers(15, (Fixed::<270>,));
    let results = |cpu: &Cpu| {
        let factors = cpu.scale(x.clone(), 0.25);
        vec![
            cpu.scan(initial.clone(), factors.view(), x.clone()).0.data().to_vec(),
            cpu.scatter_add(x.clone(), indices.view(), x.view()).data().to_vec(),
            cpu.mean_of_sequences(tokens.view()).data().to_vec(),
            vec![cpu.total(x.view())],
        ]
    };
    assert_same(results, |_| 0);
}
