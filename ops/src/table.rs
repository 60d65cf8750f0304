//! Tables of a vocabulary: the embedding, whose rows are looked up, and the head, whose products are logits.
//!
//! What belongs here: the two types. What does not: layers ([`Weight`](crate::Weight)).

use crate::fold::{Fold, FoldTable};
use crate::weight::RowMajor;
use alloc::sync::Arc;
use trine_shapes::{Plain, ShapeError};

macro_rules! table {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<D, V, H> {
            data: D,
            axes: (V, H),
            fold: Option<Arc<FoldTable>>,
        }

        impl<D: RowMajor, V: Plain, H: Plain> $name<D, V, H> {
            /// The same table as one whose rows were rotated. What is looked up is rotated back; what its rows are
            /// multiplied with is rotated first.
            #[must_use]
            pub fn with_fold(self, fold: Fold<H>) -> Self {
                $name { fold: Some(fold.table()), ..self }
            }

            /// The one checked conversion into a typed table: a row for each token.
            ///
            /// # Errors
            /// [`ShapeError`], which says so when the matrix would fit transposed.
            pub fn check(name: &str, data: D, axes: (V, H)) -> Result<Self, ShapeError> {
                ShapeError::check(name, &[data.rows(), data.cols()], axes)?;
                Ok($name { data, axes, fold: None })
            }

        }

        impl<D, V: Copy, H: Copy> $name<D, V, H> {
            /// The storage.
            #[inline]
            pub fn data(&self) -> &D {
                &self.data
            }

            /// Whether its rows were rotated.
            pub fn is_folded(&self) -> bool {
                self.fold.is_some()
            }

            pub(crate) fn fold(&self) -> Option<&Arc<FoldTable>> {
                self.fold.as_ref()
            }

            /// The axis of the rows: tokens.
            #[inline]
            pub fn vocab(&self) -> V {
                self.axes.0
            }

            /// The axis of the columns.
            #[inline]
            pub fn hidden(&self) -> H {
                self.axes.1
            }
        }
    };
}

table! {
    /// The embedding: the row of a token is what the residual stream begins with. It is no linear layer, and no head.
    ///
    /// ```
    /// use trine_ops::{Embedding, Head, RowMajor};
    /// use trine_shapes::*;
    /// fn logits<D, V, H>(head: &Head<D, V, H>) {}
    /// fn tied<D: RowMajor + Clone, M: Model>(embedding: &Embedding<D, Vocab<M>, Hidden<M>>) {
    ///     logits(&embedding.tied_head())
    /// }
    /// ```
    /// A head of its own is another table than the embedding, so neither stands in for the other:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Embedding, Head, RowMajor};
    /// # use trine_shapes::*;
    /// # fn logits<D, V, H>(head: &Head<D, V, H>) {}
    /// fn untied<D, M: Model>(embedding: &Embedding<D, Vocab<M>, Hidden<M>>) {
    ///     logits(embedding)
    /// }
    /// ```
    Embedding
}

table! {
    /// The head: its product with the normalised stream is the logits.
    Head
}

impl<D: Clone, V: Copy, H: Copy> Embedding<D, V, H> {
    /// The head of a model whose head is tied to its embedding.
    pub fn tied_head(&self) -> Head<D, V, H> {
        Head { data: self.data.clone(), axes: self.axes, fold: self.fold.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weight::tests::Size;
    use trine_shapes::{Axis, Fixed};

    #[test]
    fn a_table_is_checked_once_and_a_tied_head_is_the_same_matrix() {
        let embedding = Embedding::check("e", Size(7, 5), (Fixed::<7>, Fixed::<5>)).unwrap();
        let head = embedding.tied_head();
        assert_eq!((head.vocab().len(), head.hidden().len(), head.data().1), (7, 5, 5));
        let error = Head::check("h", Size(5, 7), (Fixed::<7>, Fixed::<5>)).err().unwrap();
        assert_eq!(error.to_string(), "`h` should be [Fixed = 7, Fixed = 5] but is [5, 7] (it looks transposed)");
    }
}
