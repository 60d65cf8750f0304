//! Experts: which tokens go to which, and the sum of what the experts make of them.
//!
//! What belongs here: the axis of the tokens of one expert, and what leads to it and back. What does not: what an
//! expert computes, and the scores that decide.
//!
//! Source: Shazeer et al. 2017 (arXiv 1701.06538), section 2, with shares as Qwen3 has them: the largest probabilities
//! of a softmax over all experts, divided by their sum.

use crate::cpu::Cpu;
use crate::linear::Activations;
use alloc::vec::Vec;
use trine_shapes::{Axis, Branch, Buffer, Idx, Plain, Probability, Roleless, Tensor, axis, product_of};

axis! {
    /// Tokens that go to one expert.
    pub struct Routed<'scope>;
}

/// A token that goes to an expert, and the expert's share of what is added up for the token.
#[derive(Clone, Copy, Debug)]
struct Share {
    token: u32,
    weight: f32,
}

/// Which of the tokens `T` go to which of the experts `E`, each with a share; the shares of a token add up to 1.
#[derive(Debug)]
pub struct Routing<T, E> {
    tokens: T,
    experts: E,
    /// Those of the first expert in the order of the tokens, then those of the second, and so on.
    shares: Vec<Share>,
    /// Where the shares of each expert begin, and behind them where the last ones end.
    starts: Vec<usize>,
}

impl<T: Axis, E: Axis> Routing<T, E> {
    /// The tokens.
    pub fn tokens(&self) -> T {
        self.tokens
    }

    /// The experts.
    pub fn experts(&self) -> E {
        self.experts
    }

    /// How many tokens go to an expert.
    pub fn count(&self, expert: Idx<E>) -> usize {
        self.shares_of(expert).len()
    }

    /// The experts that have tokens, in their order, where each of them has all that there are: those of a single
    /// token.
    pub fn of_all(&self) -> Option<Vec<Idx<E>>> {
        let experts: Vec<_> = Idx::all(self.experts).filter(|expert| self.count(*expert) > 0).collect();
        experts.iter().all(|expert| self.count(*expert) == self.tokens.len()).then_some(experts)
    }

    fn shares_of(&self, expert: Idx<E>) -> &[Share] {
        &self.shares[self.starts[expert.get()]..self.starts[expert.get() + 1]]
    }

    /// The shares of `(expert, share)` of all tokens, `used` of each, token after token.
    fn new(tokens: T, experts: E, used: usize, of_tokens: impl Iterator<Item = (Idx<E>, f32)> + Clone) -> Self {
        let mut starts = alloc::vec![0; experts.len() + 1];
        of_tokens.clone().for_each(|(expert, _)| starts[expert.get() + 1] += 1);
        (0..experts.len()).for_each(|expert| starts[expert + 1] += starts[expert]);
        let mut next = starts.clone();
        let mut shares = alloc::vec![Share { token: 0, weight: 0.0 }; starts[experts.len()]];
        for (at, (expert, weight)) in of_tokens.enumerate() {
            let token = u32::try_from(at / used).expect("tokens of a step are counted in 32 bits");
            shares[next[expert.get()]] = Share { token, weight };
            next[expert.get()] += 1;
        }
        Routing { tokens, experts, shares, starts }
    }
}

impl Cpu {
    /// The `used` experts of each token with the largest probabilities, whose shares are these divided by their sum:
    /// `(T, Probability<E>) -> Routing<T, E>`. Of equal probabilities the first counts.
    ///
    /// ```
    /// use trine_ops::{Cpu, Routing};
    /// use trine_shapes::*;
    ///
    /// type Scores<T, M> = Tensor<f32, (T, Experts<M>)>;
    /// fn route<T: Step, M: Model>(cpu: &Cpu, scores: Scores<T, M>, used: UsedExperts<M>) -> Routing<T, Experts<M>> {
    ///     cpu.route(cpu.softmax(scores), used)
    /// }
    /// ```
    /// Scores are no probabilities:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cpu, Routing};
    /// # use trine_shapes::*;
    /// # type Scores<T, M> = Tensor<f32, (T, Experts<M>)>;
    /// fn route<T: Step, M: Model>(cpu: &Cpu, scores: Scores<T, M>, used: UsedExperts<M>) -> Routing<T, Experts<M>> {
    ///     cpu.route(scores, used)
    /// }
    /// ```
    pub fn route<T: Roleless, E: Roleless, K: Axis>(
        &self,
        probabilities: Tensor<f32, (T, Probability<E>)>,
        used: K,
    ) -> Routing<T, E> {
        let (tokens, experts) = probabilities.shape();
        let (indices, values) = self.top_k(probabilities.view(), used);
        let used = used.len().min(experts.len()).max(1);
        let sums = values.data().chunks(used).map(|best| best.iter().sum::<f32>());
        let divided = values.data().chunks(used).zip(sums).flat_map(|(best, sum)| best.iter().map(move |p| p / sum));
        Routing::new(tokens, experts.inner(), used, indices.data().iter().copied().zip(divided))
    }

    /// What the experts make of their tokens, each times its share, added up for every token in the order of the
    /// experts: `Routing<T, E>, (T, I) -> (T, Branch<A>)`.
    ///
    /// `expert` is called for each expert that has tokens, with these tokens alone, in their order. Their axis belongs
    /// to that call: what is made of the tokens of one expert is not added to those of another. Of all tokens, such as
    /// a single one, `x` is shared and not copied, so that it is quantized once for all experts.
    ///
    /// ```
    /// use trine_kernels::Matrix;
    /// use trine_ops::{Activations, Cpu, Routing, Weight};
    /// use trine_shapes::*;
    ///
    /// type Normalised<T, M> = Activations<T, Normed<FfnNorm, Hidden<M>>>;
    /// type Weights<M> = PerLayer<Experts<M>, Weight<Matrix, Branch<Hidden<M>>, Normed<FfnNorm, Hidden<M>>>>;
    /// fn mixed<T: Step, M: Model>(
    ///     cpu: &Cpu,
    ///     routing: &Routing<T, Experts<M>>,
    ///     x: &Normalised<T, M>,
    ///     weights: &Weights<M>,
    ///     hidden: Hidden<M>,
    /// ) -> Tensor<f32, (T, Branch<Hidden<M>>)> {
    ///     cpu.mixture(routing, x, hidden, |expert, x| cpu.linear(&x, &weights[expert]))
    /// }
    /// ```
    /// What an expert would make of all tokens is not what it makes of its own:
    /// ```compile_fail,E0308
    /// # use trine_kernels::Matrix;
    /// # use trine_ops::{Activations, Cpu, Routing, Weight};
    /// # use trine_shapes::*;
    /// # type Normalised<T, M> = Activations<T, Normed<FfnNorm, Hidden<M>>>;
    /// # type Weights<M> = PerLayer<Experts<M>, Weight<Matrix, Branch<Hidden<M>>, Normed<FfnNorm, Hidden<M>>>>;
    /// fn mixed<T: Step, M: Model>(
    ///     cpu: &Cpu,
    ///     routing: &Routing<T, Experts<M>>,
    ///     all: &Normalised<T, M>,
    ///     weights: &Weights<M>,
    ///     hidden: Hidden<M>,
    /// ) -> Tensor<f32, (T, Branch<Hidden<M>>)> {
    ///     cpu.mixture(routing, all, hidden, |expert, x| cpu.linear(all, &weights[expert]))
    /// }
    /// ```
    pub fn mixture<T: Axis, E: Axis, I: Axis, A: Plain>(
        &self,
        routing: &Routing<T, E>,
        x: &Activations<T, I>,
        out: A,
        mut expert: impl for<'r> FnMut(Idx<E>, Activations<Routed<'r>, I>) -> Tensor<f32, (Routed<'r>, Branch<A>)>,
    ) -> Tensor<f32, (T, Branch<A>)> {
        let width = out.len();
        let mut sum = self.zeros(product_of(&[routing.tokens.len(), width]));
        for index in Idx::all(routing.experts) {
            let shares = routing.shares_of(index);
            if shares.is_empty() {
                continue;
            }
            Routed::scope(shares.len(), |axis| {
                let made = expert(index, self.routed(x, shares, axis));
                add_shares(&mut sum, width, shares, made.data());
            });
        }
        Tensor::assume((routing.tokens, Branch::of(out)), sum, "the outputs of all experts of a token make its branch")
    }

    /// [`Cpu::mixture`] where each expert has all tokens ([`Routing::of_all`]), and has made its output of them:
    /// `Routing<T, E>, [(T, Branch<A>)] -> (T, Branch<A>)`, with the same bits.
    ///
    /// # Panics
    /// If `made` is not one output of each expert that has tokens, in the order of the experts, or one of them does not
    /// have all tokens.
    pub fn mixed<T: Axis, E: Axis, A: Plain>(
        &self,
        routing: &Routing<T, E>,
        made: &[(Idx<E>, Tensor<f32, (T, Branch<A>)>)],
        out: A,
    ) -> Tensor<f32, (T, Branch<A>)> {
        let experts = made.iter().map(|(expert, _)| *expert);
        assert!(routing.of_all().is_some_and(|all| all.into_iter().eq(experts)), "an output of each expert in order");
        let width = out.len();
        let mut sum = self.zeros(product_of(&[routing.tokens.len(), width]));
        for (expert, made) in made {
            add_shares(&mut sum, width, routing.shares_of(*expert), made.data());
        }
        Tensor::assume((routing.tokens, Branch::of(out)), sum, "the outputs of all experts of a token make its branch")
    }

    /// The tokens of one expert.
    fn routed<'r, T: Axis, I: Axis>(
        &self,
        x: &Activations<T, I>,
        shares: &[Share],
        axis: Routed<'r>,
    ) -> Activations<Routed<'r>, I> {
        let (tokens, input) = x.shape();
        if shares.len() == tokens.len() {
            return x.shared(axis);
        }
        let width = input.len();
        let mut rows: Buffer<f32> = self.zeros(product_of(&[shares.len(), width]));
        for (row, share) in rows.chunks_exact_mut(width).zip(shares) {
            row.copy_from_slice(&x.values()[share.token as usize * width..][..width]);
        }
        Activations::new(Tensor::assume((axis, input), rows, "the rows of some tokens, as they were"))
    }
}

/// `sum[token] += weight * made[row]` for the row of each share.
fn add_shares(sum: &mut [f32], width: usize, shares: &[Share], made: &[f32]) {
    for (share, row) in shares.iter().zip(made.chunks_exact(width.max(1))) {
        let sum = &mut sum[share.token as usize * width..][..width];
        sum.iter_mut().zip(row).for_each(|(sum, made)| *sum += share.weight * made);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trine_shapes::{Fixed, Ragged, Span};

    axis! {
        struct Width = 3;
        struct Five = 5;
    }

    /// Rows of numbers that differ, for so many tokens.
    fn rows<T: Axis>(tokens: T) -> Tensor<f32, (T, Width)> {
        let data: Vec<f32> = (0..tokens.len() * 3).map(|i| 0.5 + i as f32 * 1.25).collect();
        Tensor::assume((tokens, Width), data, "a test")
    }

    proptest! {
        #![proptest_config(crate::cases(64))]
        /// Against the sum over all experts, those that are not chosen with a share of 0.
        #[test]
        fn every_token_meets_the_experts_of_its_largest_scores(scores in prop::collection::vec(-4.0f32..4.0, 5..60)) {
            let cpu = Cpu::new(Default::default()).expect("a machine");
            let tokens = scores.len() / 5;
            let scores = scores[..tokens * 5].to_vec();
            Ragged::assume(&[Span { past: 7, tokens }], "a test", |step| {
                let probabilities = cpu.softmax(Tensor::assume((step, Five), scores.clone(), "a test"));
                let p = probabilities.data().to_vec();
                let routing = cpu.route(probabilities, Fixed::<2>);
                let x = Activations::new(rows(step));
                let mut seen = 0;
                let mixed = cpu.mixture(&routing, &x, Width, |expert, x| {
                    seen += x.shape().0.len();
                    assert_eq!(x.shape().0.len(), routing.count(expert));
                    // Of expert `e` the output is `(e + 1) x`.
                    let made: Vec<f32> = x.values().iter().map(|x| (expert.get() + 1) as f32 * x).collect();
                    Tensor::assume((x.shape().0, Branch::of(Width)), made, "a test")
                });
                assert_eq!(seen, 2 * tokens);
                for token in 0..tokens {
                    let p = &p[token * 5..][..5];
                    let mut order: Vec<usize> = (0..5).collect();
                    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]).then(a.cmp(b)));
                    let sum = p[order[0]] + p[order[1]];
                    let factor: f32 = order[..2].iter().map(|&e| p[e] / sum * (e + 1) as f32).sum();
                    for (found, x) in mixed.data()[token * 3..][..3].iter().zip(&x.values()[token * 3..]) {
                        assert!((found - factor * x).abs() <= 1e-5 * (factor * x).abs(), "{found} {factor} {x}");
                    }
                }
            });
        }
    }

    /// What a token gets does not depend on which tokens are beside it: the bits of each alone.
    #[test]
    fn tokens_do_not_depend_on_each_other() {
        let cpu = Cpu::new(Default::default()).expect("a machine");
        let scores: Vec<f32> = (0..35).map(|i| ((i * 7) % 11) as f32 * 0.3).collect();
        let mixed = |scores: &[f32], x: &[f32]| {
            let tokens = scores.len() / 5;
            Ragged::assume(&[Span { past: 0, tokens }], "a test", |step| {
                let routing = cpu.route(cpu.softmax(Tensor::assume((step, Five), scores.to_vec(), "")), Fixed::<3>);
                let x = Activations::new(Tensor::assume((step, Width), x.to_vec(), "a test"));
                let mixed = cpu.mixture(&routing, &x, Width, |expert, x| {
                    let made: Vec<f32> = x.values().iter().map(|x| x * x - expert.get() as f32 * 0.7).collect();
                    Tensor::assume((x.shape().0, Branch::of(Width)), made, "a test")
                });
                mixed.data().to_vec()
            })
        };
        let x: Vec<f32> = (0..21).map(|i| i as f32 * 0.37 - 2.0).collect();
        let all = mixed(&scores, &x);
        for token in 0..7 {
            assert_eq!(mixed(&scores[token * 5..][..5], &x[token * 3..][..3]), all[token * 3..][..3]);
        }
    }

    /// Of a single token, outputs that are made together are added up as those that are made one by one.
    #[test]
    fn outputs_of_one_token_add_up_alike() {
        let cpu = Cpu::new(Default::default()).expect("a machine");
        let of_step = |tokens| {
            Ragged::assume(&[Span { past: 3, tokens }], "a test", |step| {
                let scores: Vec<f32> = (0..5 * tokens).map(|i| ((i * 7) % 11) as f32 * 0.3).collect();
                let routing = cpu.route(cpu.softmax(Tensor::assume((step, Five), scores, "a test")), Fixed::<3>);
                let x = Activations::new(rows(step));
                let make = |expert: Idx<Five>, x: &[f32]| -> Vec<f32> {
                    x.iter().map(|x| x * x - expert.get() as f32 * 0.7).collect()
                };
                let one_by_one = cpu.mixture(&routing, &x, Width, |expert, x| {
                    Tensor::assume((x.shape().0, Branch::of(Width)), make(expert, x.values()), "a test")
                });
                let made = |expert| {
                    let made = make(expert, x.values());
                    (expert, Tensor::assume((step, Branch::of(Width)), made, "a test"))
                };
                let together = routing.of_all().map(|all| all.into_iter().map(made).collect::<Vec<_>>());
                together.map(|made| (cpu.mixed(&routing, &made, Width).into_data(), one_by_one.into_data()))
            })
        };
        let (together, one_by_one) = of_step(1).expect("experts of one token");
        assert!(together == one_by_one, "{together:?} {one_by_one:?}");
        assert!(of_step(7).is_none(), "experts have some of several tokens");
    }

    /// Equal scores go to the first experts, and the shares are equal.
    #[test]
    fn of_equal_probabilities_the_first_counts() {
        let cpu = Cpu::new(Default::default()).expect("a machine");
        Ragged::assume(&[Span { past: 0, tokens: 1 }], "a test", |step| {
            let routing = cpu.route(cpu.softmax(Tensor::assume((step, Five), alloc::vec![0.25; 5], "")), Fixed::<2>);
            let counts: Vec<usize> = Idx::all(Five).map(|expert| routing.count(expert)).collect();
            assert_eq!((counts, routing.shares[0].weight), (alloc::vec![1, 1, 0, 0, 0], 0.5));
        });
    }
}
