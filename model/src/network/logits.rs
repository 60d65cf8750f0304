//! The logits that follow a sequence, of every token or of some. What belongs here: the two forms and what a program
//! reads of them. What does not: which are asked for (`request.rs`), and what becomes of them (`candidates.rs`).

use trine_kernels::RowProducts;
use trine_shapes::{Axis, Idx, Plain, Tensor};

/// Logits of the tokens of a vocabulary `V`: of every token, or of some that include the largest.
///
/// ```
/// use trine_model::Logits;
/// use trine_shapes::{Fixed, Idx, Tensor};
///
/// let all = Logits::dense(Tensor::from_data((Fixed::<3>,), [0.5, -1.0, 2.0]));
/// let some = Logits::sparse(Fixed::<3>, vec![0, 2], vec![0.5, 2.0])?;
/// let [one, two] = [1, 2].map(|id| Idx::new(Fixed::<3>, id).expect("one of three"));
/// assert_eq!((all.get(two), some.get(two)), (Some(2.0), Some(2.0)));
/// assert_eq!((all.get(one), some.get(one)), (Some(-1.0), None));
/// assert_eq!(some.argmax(), Some(two));
/// # Ok::<(), trine_model::LogitsError>(())
/// ```
/// A token of another vocabulary is not asked for:
/// ```compile_fail,E0308
/// # use trine_model::Logits;
/// # use trine_shapes::{Idx, Model, Vocab};
/// fn of<M: Model, N: Model>(logits: &Logits<Vocab<M>>, token: Idx<Vocab<N>>) -> Option<f32> {
///     logits.get(token)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Logits<V> {
    vocab: V,
    values: Vec<f32>,
    /// The token of each value, ascending; of all tokens there are none.
    ids: Option<Vec<u32>>,
}

/// Logits that belong to no vocabulary, or that do not say what is asked of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogitsError {
    /// Another number of ids than of logits.
    #[error("sparse logits have {ids} ids and {values} values: expected as many")]
    Lengths {
        /// Number of ids.
        ids: usize,
        /// Number of values.
        values: usize,
    },
    /// Ids that do not ascend.
    #[error("token {id} follows token {before} in sparse logits: expected ascending ids")]
    Order {
        /// An id.
        before: u32,
        /// The one after it.
        id: u32,
    },
    /// An id beyond the vocabulary.
    #[error("token {id}: there are logits of {tokens} tokens")]
    UnknownToken {
        /// The id.
        id: u32,
        /// Length of the vocabulary.
        tokens: usize,
    },
    /// Not all logits, where a probability needs them.
    #[error(
        "{found} of {tokens} logits are given: log-probabilities need all of them, so ask for `LogitsRequest::All`"
    )]
    Sparse {
        /// Number of logits.
        found: usize,
        /// Length of the vocabulary.
        tokens: usize,
    },
}

/// Logits of a vocabulary whose tokens are ids to whoever reads them: what samplers and generations take. It is
/// implemented by [`Logits`] and by those of an engine.
pub trait TokenLogits {
    /// Length of the vocabulary.
    fn tokens(&self) -> usize;

    /// Ids and their logits, by ascending id.
    fn by_id(&self) -> impl Iterator<Item = (u32, f32)>;

    /// The values, where there is one for each token.
    fn as_dense(&self) -> Option<&[f32]>;

    /// Number of logits.
    fn count(&self) -> usize;

    /// The logit of an id, where it is given.
    fn of_id(&self, id: u32) -> Option<f32>;
}

impl<V: Axis> TokenLogits for Logits<V> {
    fn tokens(&self) -> usize {
        self.vocab.len()
    }

    fn by_id(&self) -> impl Iterator<Item = (u32, f32)> {
        let id = |at: usize| self.ids.as_ref().map_or(at as u32, |ids| ids[at]);
        self.values.iter().enumerate().map(move |(at, &value)| (id(at), value))
    }

    fn as_dense(&self) -> Option<&[f32]> {
        Logits::as_dense(self)
    }

    fn count(&self) -> usize {
        self.values.len()
    }

    fn of_id(&self, id: u32) -> Option<f32> {
        let at = match &self.ids {
            Some(ids) => ids.binary_search(&id).ok()?,
            None => id as usize,
        };
        self.values.get(at).copied()
    }
}

impl<V: Plain> Logits<V> {
    /// One logit for each token.
    pub fn dense(row: Tensor<f32, (V,)>) -> Self {
        let (vocab,) = row.shape();
        Logits { vocab, values: row.into_data().into_vec(), ids: None }
    }

    /// The logits of some tokens of a vocabulary: each value is that of the id at its place, and ids ascend. The tokens
    /// left out have smaller logits than was asked for ([`LogitsRequest`](crate::LogitsRequest)).
    ///
    /// # Errors
    /// [`LogitsError`] where ids are not as many as values, do not ascend or are beyond the vocabulary.
    pub fn sparse(vocab: V, ids: Vec<u32>, values: Vec<f32>) -> Result<Self, LogitsError> {
        if ids.len() != values.len() {
            return Err(LogitsError::Lengths { ids: ids.len(), values: values.len() });
        }
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(LogitsError::Order { before: pair[0], id: pair[1] });
        }
        match ids.last() {
            Some(&id) if id as usize >= vocab.len() => Err(LogitsError::UnknownToken { id, tokens: vocab.len() }),
            _ => Ok(Logits { vocab, values, ids: Some(ids) }),
        }
    }
}

impl<V: Axis> Logits<V> {
    /// Some logits of a vocabulary, whose tokens are the rows of the head.
    pub(crate) fn of_rows(vocab: V, products: RowProducts) -> Self {
        Logits { vocab, values: products.values, ids: Some(products.rows) }
    }

    /// The `count` largest and those equal to the last of them. What is left depends on the logits alone, so not on how
    /// many others a shortlist has found. Where one is no number, all are left, for whoever looks for that.
    pub(super) fn largest(self, count: usize) -> Self {
        if count >= self.len() || self.values.iter().any(|value| value.is_nan()) {
            return self;
        }
        let (mut kept, mut most): (Vec<(u32, f32)>, usize) = (Vec::new(), 4 * count + 1024);
        let raise = |kept: &mut Vec<(u32, f32)>| {
            let mut values: Vec<f32> = kept.iter().map(|(_, value)| *value).collect();
            let threshold = *values.select_nth_unstable_by(count - 1, |a, b| b.total_cmp(a)).1;
            kept.retain(|(_, value)| *value >= threshold);
            threshold
        };
        let mut smallest = f32::NEG_INFINITY;
        for (id, value) in self.by_id() {
            if value >= smallest {
                kept.push((id, value));
            }
            if kept.len() == most {
                smallest = raise(&mut kept);
                most = most.max(2 * kept.len());
            }
        }
        raise(&mut kept);
        let (ids, values) = kept.into_iter().unzip();
        Logits { vocab: self.vocab, values, ids: Some(ids) }
    }

    /// The vocabulary.
    pub fn vocab(&self) -> V {
        self.vocab
    }

    /// Length of the vocabulary.
    pub fn tokens(&self) -> usize {
        self.vocab.len()
    }

    /// Number of logits: [`tokens`](Logits::tokens), or less where they are sparse.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no logit.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values, where there is one for each token.
    pub fn as_dense(&self) -> Option<&[f32]> {
        match &self.ids {
            Some(_) => None,
            None => Some(&self.values),
        }
    }

    /// A value for each token: minus infinity for those that were left out.
    pub fn into_dense(self) -> Vec<f32> {
        let Some(ids) = self.ids else { return self.values };
        let mut values = vec![f32::NEG_INFINITY; self.vocab.len()];
        ids.iter().zip(self.values).for_each(|(&id, value)| values[id as usize] = value);
        values
    }

    /// The logit of a token, where it is given.
    pub fn get(&self, token: Idx<V>) -> Option<f32> {
        self.of_id(token.get() as u32)
    }

    /// The token with the largest logit, of equal ones the first; none where no logit is a number.
    pub fn argmax(&self) -> Option<Idx<V>> {
        let larger = |best: (u32, f32), next: (u32, f32)| if next.1 > best.1 { next } else { best };
        let (id, _) = self.by_id().filter(|(_, logit)| !logit.is_nan()).reduce(larger)?;
        Idx::new(self.vocab, id).ok()
    }

    /// Tokens and their logits, by ascending id.
    pub fn iter(&self) -> impl Iterator<Item = (Idx<V>, f32)> {
        self.by_id().filter_map(|(id, logit)| Some((Idx::new(self.vocab, id).ok()?, logit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trine_shapes::Fixed;

    fn six(id: u32) -> Idx<Fixed<6>> {
        Idx::new(Fixed, id).unwrap()
    }

    #[test]
    fn both_forms_say_the_same_of_a_token() {
        let sparse = Logits::sparse(Fixed::<6>, vec![1, 4], vec![0.5, -2.0]).unwrap();
        assert_eq!((sparse.tokens(), sparse.len(), sparse.is_empty()), (6, 2, false));
        assert_eq!(sparse.iter().collect::<Vec<_>>(), [(six(1), 0.5), (six(4), -2.0)]);
        assert_eq!([0, 1, 4, 5].map(|id| sparse.get(six(id))), [None, Some(0.5), Some(-2.0), None]);
        assert_eq!((sparse.as_dense(), sparse.argmax()), (None, Some(six(1))));
        let dense = Logits::dense(Tensor::from_data((Fixed::<6>,), sparse.into_dense()));
        let infinity = f32::NEG_INFINITY;
        assert_eq!(dense.as_dense(), Some(&[infinity, 0.5, infinity, infinity, -2.0, infinity][..]));
        assert_eq!([1, 4].map(|id| dense.get(six(id))), [Some(0.5), Some(-2.0)]);
        assert_eq!((dense.iter().nth(4), dense.argmax()), (Some((six(4), -2.0)), Some(six(1))));
        assert!(Logits::dense(Tensor::zeros((Fixed::<0>,))).is_empty());
    }

    #[test]
    fn the_largest_are_those_of_a_sorted_list() {
        let logits = |values: Vec<f32>| Logits::dense(Tensor::from_data((Fixed::<5000>,), values));
        let random = |i: usize| ((i as u32).wrapping_mul(0x9e37_79b9) >> 20) as f32 / 16.0 - 100.0;
        for values in [(0..5000).map(random).collect(), (0..5000).map(|i| i as f32).collect(), vec![1.0; 5000]] {
            for count in [1, 7, 40, 1500, 4999, 5000, 6000] {
                let mut sorted: Vec<f32> = values.clone();
                sorted.sort_by(|a, b| b.total_cmp(a));
                let smallest = sorted[count.min(5000) - 1];
                let expected: Vec<_> = (0..).zip(values.iter().copied()).filter(|(_, v)| *v >= smallest).collect();
                assert_eq!(logits(values.clone()).largest(count).by_id().collect::<Vec<_>>(), expected);
            }
        }
        let mut broken = vec![1.0; 5000];
        broken[4000] = f32::NAN;
        assert_eq!(logits(broken).largest(3).len(), 5000);
        let sparse = Logits::sparse(Fixed::<6>, vec![1, 2, 5], vec![0.5, -2.0, 0.5]).unwrap();
        assert_eq!(sparse.largest(1).by_id().collect::<Vec<_>>(), [(1, 0.5), (5, 0.5)]);
    }

    #[test]
    fn the_largest_is_a_number_and_the_first_of_equals() {
        let argmax = |values: [f32; 6]| Logits::dense(Tensor::from_data((Fixed::<6>,), values)).argmax();
        assert_eq!(argmax([1.0, 3.0, f32::NAN, 3.0, -0.0, 0.0]), Some(six(1)));
        assert_eq!(argmax([f32::NAN, f32::NEG_INFINITY, f32::NAN, 0.0, -0.0, f32::NAN]), Some(six(3)));
        assert_eq!(argmax([f32::NAN; 6]), None);
    }

    #[test]
    fn logits_of_no_vocabulary_are_refused() {
        let refusal = |ids: &[u32], values: &[f32]| {
            Logits::sparse(Fixed::<6>, ids.to_vec(), values.to_vec()).unwrap_err().to_string()
        };
        assert_eq!(refusal(&[1], &[]), "sparse logits have 1 ids and 0 values: expected as many");
        let message = "token 3 follows token 3 in sparse logits: expected ascending ids";
        assert_eq!(refusal(&[1, 3, 3], &[0.0; 3]), message);
        assert_eq!(refusal(&[1, 6], &[0.0; 2]), "token 6: there are logits of 6 tokens");
        assert!(Logits::sparse(Fixed::<0>, Vec::new(), Vec::new()).is_ok());
    }
}
