//! The logits of some tokens of a step, each as its sequence wants them. What belongs here: which rows meet the head.
//! What does not: the forward pass before that (`transformer.rs`).

use super::ops::Ops;
use super::step::StepInput;
use super::transformer::Transformer;
use super::{Logits, LogitsRequest};
use trine_ops::Activations;
use trine_shapes::{Hidden, Idx, Model, Step, Tensor, View, Vocab, axis};

axis! {
    /// Tokens of a step whose logits are wanted.
    struct Wanted<'scope>;
}

/// Rows that meet the head together. The logits of more would take memory for nothing: those of a row are as many as
/// there are tokens in the vocabulary.
const ROWS: usize = 64;

impl<M: Model> Transformer<M> {
    /// Runs one step, and computes the logits of the tokens that are wanted, of each as they are asked for: `see` gets
    /// the place of a token in `wanted`, and the logits that follow it. They come in blocks, so that a long text takes
    /// no more memory than 64 tokens do; those that want all are in their order.
    ///
    /// What a token gets depends neither on what else is wanted nor on other sequences of the step.
    pub fn wanted_logits<T: Step>(
        &self,
        ops: &impl Ops,
        step: StepInput<'_, M, T>,
        wanted: &[(Idx<T>, LogitsRequest)],
        see: &mut dyn FnMut(usize, Logits<Vocab<M>>),
    ) {
        let x = self.residual(ops, step, &mut |_, _| ());
        let count = |at: &usize| match wanted[*at].1 {
            LogitsRequest::Largest(count) => Some(count.get()),
            LogitsRequest::All => None,
        };
        let by_shortlist = |at: &usize| self.shortlist.is_some() && count(at).is_some();
        let (largest, all): (Vec<usize>, Vec<usize>) = (0..wanted.len()).partition(by_shortlist);
        for places in all.chunks(ROWS).chain(largest.chunks(ROWS)) {
            let rows: Vec<_> = places.iter().map(|&at| wanted[at].0).collect();
            let most = places.iter().filter(|at| by_shortlist(at)).filter_map(count).max();
            let logits = self.logits_of_rows(ops, x.view(), &rows, most);
            for (at, logits) in places.iter().zip(logits) {
                see(*at, logits.largest(count(at).unwrap_or(usize::MAX)));
            }
        }
    }

    /// The logits of some rows: of every token, or at least so many of the largest.
    fn logits_of_rows<T: Step>(
        &self,
        ops: &impl Ops,
        x: View<'_, f32, (T, Hidden<M>)>,
        rows: &[Idx<T>],
        largest: Option<usize>,
    ) -> Vec<Logits<Vocab<M>>> {
        Wanted::scope(rows.len(), |axis| {
            let rows = x.gather(Tensor::from_data((axis,), rows.to_vec()).view());
            match (largest, &self.shortlist) {
                (Some(count), Some(shortlist)) => {
                    let h = Activations::new(self.normed(ops, rows));
                    let vocab = Vocab::of(self.model);
                    let largest = ops.cpu().largest_logits(&h, &self.head, shortlist, count);
                    largest.map(|largest| self.seen_largest(ops, vocab, largest))
                }
                _ => self.head_logits(ops, rows).into_rows().map(Logits::dense),
            }
            .into_data()
            .into_vec()
        })
    }
}
