//! The logits that follow a sequence, of every token or of some. What belongs here: the two forms and what a program
//! reads of them. What does not: which are asked for (`request.rs`), and what becomes of them (`candidates.rs`).

use trine_kernels::LargestProducts;

/// Logits of the tokens of a vocabulary: of every token, or of some that include the largest.
///
/// ```
/// use trine_model::Logits;
///
/// let all = Logits::dense(vec![0.5, -1.0, 2.0]);
/// let some = Logits::sparse(3, vec![0, 2], vec![0.5, 2.0])?;
/// assert_eq!((all.get(2), some.get(2)), (Some(2.0), Some(2.0)));
/// assert_eq!((all.get(1), some.get(1)), (Some(-1.0), None));
/// # Ok::<(), trine_model::LogitsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    tokens: usize,
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

impl Logits {
    /// One logit for each token, in the order of their ids.
    ///
    /// # Panics
    /// If there are more than ids, 2^32.
    pub fn dense(values: Vec<f32>) -> Logits {
        assert!(u32::try_from(values.len().saturating_sub(1)).is_ok(), "more logits than ids");
        Logits { tokens: values.len(), values, ids: None }
    }

    /// The logits of some tokens of a vocabulary of `tokens`: each value is that of the id at its place, and ids
    /// ascend. The tokens left out have smaller logits than was asked for ([`LogitsRequest`](crate::LogitsRequest)).
    ///
    /// # Errors
    /// [`LogitsError`] where ids are not as many as values, do not ascend or are beyond the vocabulary.
    pub fn sparse(tokens: usize, ids: Vec<u32>, values: Vec<f32>) -> Result<Logits, LogitsError> {
        if ids.len() != values.len() {
            return Err(LogitsError::Lengths { ids: ids.len(), values: values.len() });
        }
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(LogitsError::Order { before: pair[0], id: pair[1] });
        }
        match ids.last() {
            Some(&id) if id as usize >= tokens => Err(LogitsError::UnknownToken { id, tokens }),
            _ => Ok(Logits { tokens, values, ids: Some(ids) }),
        }
    }

    /// The largest logits of a vocabulary, whose tokens are the rows of the head.
    pub(crate) fn of_largest(tokens: usize, largest: LargestProducts) -> Logits {
        Logits { tokens, values: largest.values, ids: Some(largest.rows) }
    }

    /// Length of the vocabulary.
    pub fn tokens(&self) -> usize {
        self.tokens
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
        let mut values = vec![f32::NEG_INFINITY; self.tokens];
        ids.iter().zip(self.values).for_each(|(&id, value)| values[id as usize] = value);
        values
    }

    /// The logit of a token, where it is given.
    pub fn get(&self, id: u32) -> Option<f32> {
        let at = match &self.ids {
            Some(ids) => ids.binary_search(&id).ok()?,
            None => id as usize,
        };
        self.values.get(at).copied()
    }

    /// Ids and their logits, by ascending id.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f32)> {
        let id = |at: usize| self.ids.as_ref().map_or(at as u32, |ids| ids[at]);
        self.values.iter().enumerate().map(move |(at, &value)| (id(at), value))
    }
}

impl From<Vec<f32>> for Logits {
    /// As [`Logits::dense`].
    fn from(values: Vec<f32>) -> Logits {
        Logits::dense(values)
    }
}

impl From<Box<[f32]>> for Logits {
    /// As [`Logits::dense`].
    fn from(values: Box<[f32]>) -> Logits {
        Logits::dense(values.into_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same_of_a_token() {
        let sparse = Logits::sparse(6, vec![1, 4], vec![0.5, -2.0]).unwrap();
        assert_eq!((sparse.tokens(), sparse.len(), sparse.is_empty()), (6, 2, false));
        assert_eq!(sparse.iter().collect::<Vec<_>>(), [(1, 0.5), (4, -2.0)]);
        assert_eq!([0, 1, 4, 5, 99].map(|id| sparse.get(id)), [None, Some(0.5), Some(-2.0), None, None]);
        assert_eq!(sparse.as_dense(), None);
        let dense = Logits::dense(sparse.into_dense());
        let infinity = f32::NEG_INFINITY;
        assert_eq!(dense.as_dense(), Some(&[infinity, 0.5, infinity, infinity, -2.0, infinity][..]));
        assert_eq!([1, 4, 6].map(|id| dense.get(id)), [Some(0.5), Some(-2.0), None]);
        assert_eq!(dense.iter().nth(4), Some((4, -2.0)));
        assert!(Logits::dense(Vec::new()).is_empty());
    }

    #[test]
    fn logits_of_no_vocabulary_are_refused() {
        let refusal = |tokens, ids: &[u32], values: &[f32]| {
            Logits::sparse(tokens, ids.to_vec(), values.to_vec()).unwrap_err().to_string()
        };
        assert_eq!(refusal(9, &[1], &[]), "sparse logits have 1 ids and 0 values: expected as many");
        let message = "token 3 follows token 3 in sparse logits: expected ascending ids";
        assert_eq!(refusal(9, &[1, 3, 3], &[0.0; 3]), message);
        assert_eq!(refusal(4, &[1, 4], &[0.0; 2]), "token 4: there are logits of 4 tokens");
        assert!(Logits::sparse(0, Vec::new(), Vec::new()).is_ok());
    }
}
