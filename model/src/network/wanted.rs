//! The logits of some tokens of a step, each as its sequence wants them. What belongs here: which rows meet the head.
//! What does not: the forward pass before that (`transformer.rs`).

use super::ops::Ops;
use super::step::StepInput;
use super::transformer::Transformer;
use super::{Logits, LogitsRequest};
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
        // Those that want the same from the head meet it together; those that name tokens, each alone.
        let (mut all, mut largest, mut among) = (Vec::new(), Vec::new(), Vec::new());
        for (at, (_, request)) in wanted.iter().enumerate() {
            match request {
                LogitsRequest::Among(_) => among.push(at),
                LogitsRequest::Largest(_) if self.shortlist.is_some() => largest.push(at),
                LogitsRequest::Largest(_) | LogitsRequest::All => all.push(at),
            }
        }
        for places in all.chunks(ROWS).chain(largest.chunks(ROWS)).chain(among.chunks(1)) {
            let rows: Vec<_> = places.iter().map(|&at| wanted[at].0).collect();
            let requests = places.iter().map(|&at| &wanted[at].1);
            let together = requests.clone().cloned().reduce(LogitsRequest::and).unwrap_or(LogitsRequest::All);
            let logits = self.logits_of_rows(ops, x.view(), &rows, &together);
            for ((at, request), logits) in places.iter().zip(requests).zip(logits) {
                see(
                    *at,
                    if let LogitsRequest::Largest(count) = request { logits.largest(count.get()) } else { logits },
                );
            }
        }
    }

    /// The logits of some rows that `request` asks for, or more.
    fn logits_of_rows<T: Step>(
        &self,
        ops: &impl Ops,
        x: View<'_, f32, (T, Hidden<M>)>,
        rows: &[Idx<T>],
        request: &LogitsRequest,
    ) -> Vec<Logits<Vocab<M>>> {
        Wanted::scope(rows.len(), |axis| {
            let rows = x.gather(Tensor::from_data((axis,), rows.to_vec()).view());
            self.some_logits(ops, rows, request).into_data().into_vec()
        })
    }
}
