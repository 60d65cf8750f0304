//! Some columns of a row-major matrix, to write: what a thread fills of an output that all threads share.
//!
//! What belongs here: the window and how it is cut. What does not: who gets which part ([`crate::Machine`]).

use core::marker::PhantomData;
use core::ops::Range;

/// The columns from one on of consecutive rows of a matrix that is borrowed for writing.
#[derive(Debug)]
pub(crate) struct ColumnsMut<'a, T> {
    /// The first element of the first row. Element `c` of row `r` is `r * stride + c` further; for `r < rows` those
    /// before `c = width` are in the matrix, no other window has them, and that one is at most where the matrix ends.
    start: *mut T,
    rows: usize,
    width: usize,
    stride: usize,
    matrix: PhantomData<&'a mut [T]>,
}

// SAFETY: a window is a borrow of its elements that nobody else has, as `&mut [T]` is.
unsafe impl<T: Send> Send for ColumnsMut<'_, T> {}

impl<'a, T> ColumnsMut<'a, T> {
    /// All columns of a matrix of rows of `width` elements.
    ///
    /// # Panics
    /// If the elements are not whole rows.
    pub(crate) fn new(elements: &'a mut [T], width: usize) -> Self {
        assert!(width > 0 && elements.len().is_multiple_of(width), "{} elements in rows of {width}", elements.len());
        let rows = elements.len() / width;
        ColumnsMut { start: elements.as_mut_ptr(), rows, width, stride: width, matrix: PhantomData }
    }

    /// Number of rows.
    #[inline(always)]
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[inline(always)]
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The elements of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub(crate) fn row(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: the elements are in the matrix and of this window alone, which is borrowed for as long as the slice.
        unsafe { core::slice::from_raw_parts_mut(self.start.add(row * self.stride), self.width) }
    }

    /// The same columns of some of the rows.
    ///
    /// # Panics
    /// If there are no such rows.
    #[inline(always)]
    pub(crate) fn of_rows(&mut self, rows: Range<usize>) -> ColumnsMut<'_, T> {
        assert!(rows.start <= rows.end && rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        // The start of no rows may be beyond the matrix: it is only reached with a row.
        let start = self.start.wrapping_add(rows.start * self.stride);
        ColumnsMut { start, rows: rows.len(), width: self.width, stride: self.stride, matrix: PhantomData }
    }

    /// The first `width` columns, and the others.
    ///
    /// # Panics
    /// If there are fewer.
    pub(crate) fn split_at(self, width: usize) -> (Self, Self) {
        assert!(width <= self.width, "{width} of {} columns", self.width);
        // Where nothing is left, at most where the matrix ends, in its last row.
        let rest = ColumnsMut { start: self.start.wrapping_add(width), width: self.width - width, ..self };
        (ColumnsMut { width, ..self }, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns 0 to 1, 2 to 4 and none of three rows of five.
    #[test]
    fn windows_are_parts_of_the_matrix() {
        let mut elements: Vec<u32> = (0..15).collect();
        let (mut left, rest) = ColumnsMut::new(&mut elements, 5).split_at(2);
        let (mut middle, none) = rest.split_at(3);
        assert_eq!((left.rows(), left.width(), middle.width(), none.width()), (3, 2, 3, 0));
        assert_eq!((&*left.row(1), &*middle.row(2)), (&[5, 6][..], &[12, 13, 14][..]));
        let mut last = middle.of_rows(1..3);
        assert_eq!((last.rows(), &*last.row(0)), (2, &[7, 8, 9][..]));
        last.row(1)[0] = 70;
        assert_eq!(middle.of_rows(3..3).rows(), 0);
        assert_eq!((elements[12], elements[13]), (70, 13));
    }

    #[test]
    #[should_panic(expected = "row 3 of 3")]
    fn a_row_beyond_the_last_is_refused() {
        ColumnsMut::new(&mut [0; 6], 2).row(3);
    }
}
