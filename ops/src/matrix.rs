//! Packed matrices and shortlists as the storage of weights.

use crate::weight::{Affine, RowMajor};
use alloc::boxed::Box;
use trine_kernels::{Matrix, Packed, Packing, Shortlist};

impl RowMajor for Matrix {
    fn rows(&self) -> usize {
        Matrix::rows(self)
    }
    fn cols(&self) -> usize {
        Matrix::cols(self)
    }
}

impl RowMajor for Shortlist {
    fn rows(&self) -> usize {
        Shortlist::rows(self)
    }
    fn cols(&self) -> usize {
        Shortlist::cols(self)
    }
}

impl<P: Packing> RowMajor for Packed<P> {
    fn rows(&self) -> usize {
        Packed::rows(self)
    }
    fn cols(&self) -> usize {
        Packed::cols(self)
    }
}

impl Affine for Matrix {
    fn with_bias(self, bias: Box<[f32]>) -> Matrix {
        Matrix::with_bias(self, bias)
    }
}
