//! The gated delta rule, and what stands around it in a block: a short convolution, gates, and a norm of each head.
//!
//! What belongs here: arithmetic on one layer of a step. What does not: whose state it is (`recurrent.rs`), and
//! products with matrices ([`Cpu::linear`]).
//!
//! Tokens go through the rule one after the other, also those of a prompt, so that a token gets the same bits whatever
//! else is in its step.

use crate::cpu::Cpu;
use crate::gate::Gating;
use crate::map::Function;
use crate::norm::RmsNorm;
use crate::parts::for_rows;
use crate::recurrent::{ConvolutionState, DeltaState};
use alloc::vec;
use alloc::vec::Vec;
use trine_kernels::{GateActivation, slices};
use trine_shapes::{
    Axis, ConvolutionTaps, Convolved, DeltaChannels, DeltaHeads, DeltaValue, Gate, GatedQWidth, HeadDim, HeadNorm,
    Heads, Model, Normed, Plain, Product, QWidth, Recurrent, Step, Tensor, View,
};

/// Partial sums of a product of two rows: as many as a vector register of the largest machines holds.
const LANES: usize = 16;

/// Which head of queries and keys a head of values has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadOrder {
    /// Head `n` of values has head `n mod nk` of `nk`: as GGUF files have them.
    Tiled,
    /// Head `n` of values has head `n / r`, where `r` heads of values share one: as directories of HF transformers have
    /// them.
    Grouped,
}

impl HeadOrder {
    /// The head of keys of a head of values.
    pub fn key_head(self, head: usize, of: Recurrent) -> usize {
        match self {
            HeadOrder::Tiled => head % of.key_heads,
            HeadOrder::Grouped => head / (of.value_heads / of.key_heads),
        }
    }
}

/// How fast the heads of a layer forget: `A` and the bias of the time step.
#[derive(Clone, Debug)]
pub struct DeltaRates<M> {
    decay: Tensor<f32, (DeltaHeads<M>,)>,
    step: Tensor<f32, (DeltaHeads<M>,)>,
}

impl<M: Model> DeltaRates<M> {
    /// `decay` is `A`, of which none is above 0, `step` the bias of the time step.
    pub fn new(decay: Tensor<f32, (DeltaHeads<M>,)>, step: Tensor<f32, (DeltaHeads<M>,)>) -> Self {
        DeltaRates { decay, step }
    }

    /// `A`.
    pub fn decay(&self) -> View<'_, f32, (DeltaHeads<M>,)> {
        self.decay.view()
    }

    /// The bias of the time step.
    pub fn step(&self) -> View<'_, f32, (DeltaHeads<M>,)> {
        self.step.view()
    }

    /// Bytes of both.
    pub fn bytes(&self) -> usize {
        size_of_val(self.decay.data()) + size_of_val(self.step.data())
    }
}

/// What a token does to the state of each head: how much of it stays, and how much of the token it takes.
#[derive(Debug)]
pub struct DeltaGates<T, M> {
    kept: Tensor<f32, (T, DeltaHeads<M>)>,
    strength: Tensor<f32, (T, DeltaHeads<M>)>,
}

impl Cpu {
    /// A depthwise convolution along each sequence, and SiLU: `(T, C), (C, K) -> (T, Convolved<C>)`. The inputs before
    /// the step are those of the state, zeros before the first. Products are rounded to f32 and added in f32 in the
    /// order of the taps, from 0. Source: Yang, Kautz and Hatamizadeh 2024 (arXiv 2412.06464), section 3.4.
    ///
    /// ```
    /// use trine_ops::{ConvolutionState, Cpu};
    /// use trine_shapes::*;
    ///
    /// type Channels<T, M> = Tensor<f32, (T, DeltaChannels<M>)>;
    /// type Taps<'k, M> = View<'k, f32, (DeltaChannels<M>, ConvolutionTaps<M>)>;
    /// fn convolved<T: Step, M: Model>(cpu: &Cpu, x: Channels<T, M>, taps: Taps<M>, state: ConvolutionState<T, M>) {
    ///     cpu.short_convolution(x, taps, state);
    /// }
    /// ```
    /// The state is as wide as all channels, not as the values alone:
    /// ```compile_fail,E0308
    /// # use trine_ops::{ConvolutionState, Cpu};
    /// # use trine_shapes::*;
    /// # type Channels<T, M> = Tensor<f32, (T, DeltaWidth<M>)>;
    /// # type Taps<'k, M> = View<'k, f32, (DeltaChannels<M>, ConvolutionTaps<M>)>;
    /// fn convolved<T: Step, M: Model>(cpu: &Cpu, x: Channels<T, M>, taps: Taps<M>, state: ConvolutionState<T, M>) {
    ///     cpu.short_convolution(x, taps, state);
    /// }
    /// ```
    pub fn short_convolution<T: Step, M: Model>(
        &self,
        x: Tensor<f32, (T, DeltaChannels<M>)>,
        kernel: View<'_, f32, (DeltaChannels<M>, ConvolutionTaps<M>)>,
        state: ConvolutionState<'_, T, M>,
    ) -> Tensor<f32, (T, Convolved<DeltaChannels<M>>)> {
        let (step, axis) = x.shape();
        let (channels, taps) = (axis.len(), kernel.shape().1.len());
        let before = taps - 1;
        // Of each token its sequence, the first token of it, and where in it the token is.
        let places: Vec<(usize, usize, usize)> = state
            .step
            .spans()
            .scan(0, |first, span| {
                let begin = *first;
                *first += span.tokens;
                Some((begin, span.tokens))
            })
            .enumerate()
            .flat_map(|(sequence, (first, tokens))| (0..tokens).map(move |at| (sequence, first, at)))
            .collect();
        let (data, inputs) = (x.data(), &state.inputs);
        let mut y = self.zeros(data.len());
        for_rows(self, &mut y, channels, channels * taps, |row, y| {
            let (sequence, first, at) = places[row];
            for tap in 0..taps {
                let from = match (at + tap).checked_sub(before) {
                    Some(own) => &data[(first + own) * channels..][..channels],
                    None => &inputs[sequence][(at + tap) * channels..][..channels],
                };
                let weights = kernel.data().iter().skip(tap).step_by(taps);
                y.iter_mut().zip(from).zip(weights).for_each(|((y, x), weight)| *y += weight * x);
            }
        });
        remember(state, data, channels, before);
        let ones = vec![1.0; y.len()];
        slices::gated(self, GateActivation::Silu, &mut y, &ones);
        Tensor::assume((step, Convolved::of(axis)), y, "the convolution was applied")
    }

    /// What the tokens do to the states: `exp(A softplus(alpha + bias))` stays, and `sigmoid(beta)` of a token is
    /// taken: `(T, H), (T, Gate<H>) -> DeltaGates<T>`. Source: arXiv 2412.06464, equation 10, with the decay of
    /// Mamba 2.
    ///
    /// ```
    /// use trine_ops::{Cpu, DeltaRates};
    /// use trine_shapes::*;
    ///
    /// type Of<T, A> = Tensor<f32, (T, A)>;
    /// type Heads<M> = DeltaHeads<M>;
    /// fn gates<T: Step, M: Model>(
    ///     cpu: &Cpu, alpha: Of<T, Heads<M>>, beta: Of<T, Gate<Heads<M>>>, rates: &DeltaRates<M>,
    /// ) {
    ///     cpu.delta_gates(alpha, beta, rates);
    /// }
    /// ```
    /// What is forgotten and what is taken do not change places:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cpu, DeltaRates};
    /// # use trine_shapes::*;
    /// # type Of<T, A> = Tensor<f32, (T, A)>;
    /// # type Heads<M> = DeltaHeads<M>;
    /// fn gates<T: Step, M: Model>(
    ///     cpu: &Cpu, alpha: Of<T, Heads<M>>, beta: Of<T, Gate<Heads<M>>>, rates: &DeltaRates<M>,
    /// ) {
    ///     cpu.delta_gates(beta, alpha, rates);
    /// }
    /// ```
    pub fn delta_gates<T: Step, M: Model>(
        &self,
        alpha: Tensor<f32, (T, DeltaHeads<M>)>,
        beta: Tensor<f32, (T, Gate<DeltaHeads<M>>)>,
        rates: &DeltaRates<M>,
    ) -> DeltaGates<T, M> {
        let (mut kept, shape) = (alpha, beta.shape());
        let heads = shape.1.len().max(1);
        let reason = "each head has a factor of its own";
        for row in kept.assume_mut(reason).chunks_exact_mut(heads) {
            for ((kept, a), bias) in row.iter_mut().zip(rates.decay.data()).zip(rates.step.data()) {
                *kept = Function::Exp.at(a * Function::Softplus.at(*kept + bias));
            }
        }
        let mut strength = beta.into_data();
        strength.iter_mut().for_each(|beta| *beta = Function::Sigmoid.at(*beta));
        let strength = Tensor::assume((shape.0, shape.1.inner()), strength, "the gate went through its activation");
        DeltaGates { kept, strength }
    }

    /// The gated delta rule, token after token: `(T, Convolved<C>) -> (T, H, V)` for channels `C` that are queries,
    /// keys and values of all heads. Queries and keys have length 1 first, `x / sqrt(sum(x^2) + epsilon)`, and queries
    /// are divided by the root of their width. Then, with the state `S` of each head of values,
    ///
    /// ```text
    /// S = kept S;  S = S + k (strength (v - S^T k))^T;  y = S^T q
    /// ```
    ///
    /// Sums are in f32, of 16 partial sums. Source: arXiv 2412.06464, equation 10.
    ///
    /// ```
    /// use trine_ops::{Cpu, DeltaGates, DeltaState, HeadOrder};
    /// use trine_shapes::*;
    ///
    /// type Channels<T, M> = Tensor<f32, (T, Convolved<DeltaChannels<M>>)>;
    /// type Mixed<T, M> = Tensor<f32, (T, DeltaHeads<M>, DeltaValue<M>)>;
    /// fn mixed<T: Step, M: Model>(
    ///     cpu: &Cpu, x: Channels<T, M>, gates: &DeltaGates<T, M>, state: DeltaState<T, M>,
    /// ) -> Mixed<T, M> {
    ///     cpu.delta_rule(x, gates, (HeadOrder::Tiled, 1e-6), state)
    /// }
    /// ```
    /// What it makes has a row for each head of values, not for each head of keys:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cpu, DeltaGates, DeltaState, HeadOrder};
    /// # use trine_shapes::*;
    /// # type Channels<T, M> = Tensor<f32, (T, Convolved<DeltaChannels<M>>)>;
    /// # type Mixed<T, M> = Tensor<f32, (T, DeltaKeyHeads<M>, DeltaValue<M>)>;
    /// fn mixed<T: Step, M: Model>(
    ///     cpu: &Cpu, x: Channels<T, M>, gates: &DeltaGates<T, M>, state: DeltaState<T, M>,
    /// ) -> Mixed<T, M> {
    ///     cpu.delta_rule(x, gates, (HeadOrder::Tiled, 1e-6), state)
    /// }
    /// ```
    pub fn delta_rule<T: Step, M: Model>(
        &self,
        x: Tensor<f32, (T, Convolved<DeltaChannels<M>>)>,
        gates: &DeltaGates<T, M>,
        (order, epsilon): (HeadOrder, f32),
        state: DeltaState<'_, T, M>,
    ) -> Tensor<f32, (T, DeltaHeads<M>, DeltaValue<M>)> {
        let (step, _) = x.shape();
        let model = gates.kept.shape().1.environment();
        let of = model.dims().recurrent;
        let (keys, values) = (of.key_heads * of.key_dim, of.value_heads * of.value_dim);
        let all = x.data().chunks_exact(of.channels());
        let part = |from: usize, len: usize| all.clone().flat_map(move |row| &row[from..from + len]).copied();
        let unit = |from: usize, length: f64| {
            // The mean square of a row of a norm is its square over its width.
            let gain = vec![length as f32; of.key_dim];
            let rows: Vec<f32> = part(from, keys).collect();
            slices::rms_norm(self, &rows, &gain, epsilon / of.key_dim as f32)
        };
        let width = of.key_dim as f64;
        let (q, k) = (unit(0, 1.0 / width), unit(keys, 1.0 / libm::sqrt(width)));
        let tokens = x.data().len() / of.channels().max(1);
        let mut mixed: Vec<f32> = vec![0.0; tokens * values];
        let (kept, strength) = (gates.kept.data(), gates.strength.data());
        let mut tasks = tasks(state, of, &mut mixed);
        self.for_each(&mut tasks, |_, task| {
            let key_head = order.key_head(task.head, of);
            for (token, y) in task.mixed.chunks_exact_mut(of.value_dim).enumerate() {
                let row = task.first + token;
                let key = (row * of.key_heads + key_head) * of.key_dim;
                let gate = row * of.value_heads + task.head;
                let v = &x.data()[row * of.channels() + 2 * keys + task.head * of.value_dim..][..of.value_dim];
                let token = Token { q: &q[key..][..of.key_dim], k: &k[key..][..of.key_dim], v };
                token.pass(task.state, (kept[gate], strength[gate]), y);
            }
        });
        let y = by_token(tasks, of, tokens);
        Tensor::assume((step, DeltaHeads::of(model), DeltaValue::of(model)), y, "each head read its state")
    }

    /// The norm of each head, times an activated gate: `(T, H, D), (T, Gate<P>) -> (T, Normed<R, P>)` for `P = H x D`.
    /// Source: arXiv 2412.06464, section 3.4.
    pub fn gated_head_norm<T: Axis, H: Axis, D: Axis, P, R: HeadNorm>(
        &self,
        x: Tensor<f32, (T, H, D)>,
        norm: &RmsNorm<R, D>,
        gating: Gating<P>,
        gate: Tensor<f32, (T, Gate<P>)>,
    ) -> Tensor<f32, (T, Normed<R, P>)>
    where
        P: Plain + Product<Outer = H, Inner = D>,
    {
        let (tokens, axis) = (gate.shape().0, gate.shape().1.inner());
        let gated = self.gated(gating, gate, self.head_norm(x, norm).merge());
        Tensor::assume((tokens, Normed::of(axis)), gated.into_data(), "the norm was applied")
    }

    /// The queries of each head and the gates behind them, apart:
    /// `(T, GatedQWidth) -> (T, Heads, HeadDim), (T, Gate<QWidth>)`.
    pub fn queries_and_gates<T: Step, M: Model>(
        &self,
        x: Tensor<f32, (T, GatedQWidth<M>)>,
    ) -> (Tensor<f32, (T, Heads<M>, HeadDim<M>)>, Tensor<f32, (T, Gate<QWidth<M>>)>) {
        let (step, axis) = x.shape();
        let model = axis.environment();
        let head = HeadDim::of(model);
        let (mut queries, mut gates) = (self.zeros(x.data().len() / 2), self.zeros(x.data().len() / 2));
        let both = x.data().chunks_exact(2 * head.len());
        let halves = queries.chunks_exact_mut(head.len()).zip(gates.chunks_exact_mut(head.len()));
        for (both, (query, gate)) in both.zip(halves) {
            query.copy_from_slice(&both[..head.len()]);
            gate.copy_from_slice(&both[head.len()..]);
        }
        let queries = Tensor::assume((step, Heads::of(model), head), queries, "the first half of each head");
        let gates = Tensor::assume((step, Gate::of(QWidth::of(model))), gates, "the second half of each head");
        (queries, gates)
    }

    /// Each head of `x` times the sigmoid of its gate, in the memory of `x`: `(T, A), (T, Gate<A>) -> (T, A)`. Source:
    /// Qiu et al. 2025 (arXiv 2505.06708), section 2.
    pub fn output_gated<T: Axis, A: Plain>(
        &self,
        x: Tensor<f32, (T, A)>,
        gate: Tensor<f32, (T, Gate<A>)>,
    ) -> Tensor<f32, (T, A)> {
        let (shape, mut y) = (x.shape(), x.into_data());
        let width = shape.1.len();
        for_rows(self, &mut y, width, 32 * width, |row, y| {
            let gates = &gate.data()[row * width..];
            y.iter_mut().zip(gates).for_each(|(y, gate)| *y *= Function::Sigmoid.at(*gate));
        });
        Tensor::assume(shape, y, "no axis has a role")
    }
}

/// One token for one head.
struct Token<'x> {
    q: &'x [f32],
    k: &'x [f32],
    v: &'x [f32],
}

impl Token<'_> {
    /// Changes the state, whose rows are as long as a key, and reads it.
    fn pass(&self, state: &mut [f32], (kept, strength): (f32, f32), y: &mut [f32]) {
        let rows = state.chunks_exact_mut(self.k.len());
        for ((row, v), y) in rows.zip(self.v).zip(y) {
            let new = strength * (v - kept * dot(row, self.k));
            row.iter_mut().zip(self.k).for_each(|(s, k)| *s = kept * *s + new * k);
            *y = dot(row, self.q);
        }
    }
}

/// The product of two rows: sums of every 16th product, added in pairs.
fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in x.iter().zip(y) {
        sums.iter_mut().zip(x.iter().zip(y)).for_each(|(sum, (x, y))| *sum += x * y);
    }
    sums.iter_mut().zip(x_rest.iter().zip(y_rest)).for_each(|(sum, (x, y))| *sum += x * y);
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

/// A head of one sequence: its state, and what it reads for the tokens of the sequence.
struct Task<'s> {
    head: usize,
    /// The first token of the sequence.
    first: usize,
    state: &'s mut [f32],
    mixed: &'s mut [f32],
}

/// A task for each head of each sequence; `mixed` is cut into `[sequence][head][token]`.
fn tasks<'s, T: Step, M>(state: DeltaState<'s, T, M>, of: Recurrent, mut mixed: &'s mut [f32]) -> Vec<Task<'s>> {
    let (mut tasks, mut first) = (Vec::new(), 0);
    for (heads, span) in state.heads.into_iter().zip(state.step.spans()) {
        for (head, state) in heads.chunks_exact_mut(of.value_dim * of.key_dim).enumerate() {
            let (own, rest) = mixed.split_at_mut(span.tokens * of.value_dim);
            tasks.push(Task { head, first, state, mixed: own });
            mixed = rest;
        }
        first += span.tokens;
    }
    tasks
}

/// What the tasks have read, token after token.
fn by_token(tasks: Vec<Task<'_>>, of: Recurrent, tokens: usize) -> Vec<f32> {
    let mut y = vec![0.0; tokens * of.value_heads * of.value_dim];
    for task in tasks {
        for (token, mixed) in task.mixed.chunks_exact(of.value_dim).enumerate() {
            let at = ((task.first + token) * of.value_heads + task.head) * of.value_dim;
            y[at..at + of.value_dim].copy_from_slice(mixed);
        }
    }
    y
}

/// Keeps the last inputs of each sequence.
fn remember<T: Step, M>(state: ConvolutionState<'_, T, M>, data: &[f32], channels: usize, before: usize) {
    let mut first = 0;
    for (inputs, span) in state.inputs.into_iter().zip(state.step.spans()) {
        let own = &data[first * channels..][..span.tokens * channels];
        let fresh = span.tokens.min(before) * channels;
        inputs.copy_within(fresh.., 0);
        let from = own.len() - fresh;
        let to = inputs.len() - fresh;
        inputs[to..].copy_from_slice(&own[from..]);
        first += span.tokens;
    }
}
