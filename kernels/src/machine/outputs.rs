//! Places for outputs, each written once: new memory need not be cleared by one thread to be overwritten by all.
//!
//! What belongs here: the place for a number, and vectors that are made of places. What does not: products.

use alloc::vec::Vec;
use core::mem::MaybeUninit;

/// The place of one output. All that can be done with it is to write a number.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Output(MaybeUninit<f32>);

impl Output {
    /// Writes the output.
    #[inline(always)]
    pub(crate) fn put(&mut self, value: f32) {
        self.0.write(value);
    }

    /// The places of numbers, to overwrite some or all of them.
    pub(crate) fn over(numbers: &mut [f32]) -> &mut [Output] {
        // SAFETY: an `Output` has the layout of an `f32`. The numbers stay numbers, as the only way to change one is to
        // put a number there: outputs cannot be made elsewhere, and this crate exchanges none.
        unsafe { &mut *(core::ptr::from_mut(numbers) as *mut [Output]) }
    }

    /// `len` numbers that `fill` writes, in the memory of `numbers`.
    ///
    /// # Safety
    /// `fill` puts a number into every output.
    pub(crate) unsafe fn filled(mut numbers: Vec<f32>, len: usize, fill: impl FnOnce(&mut [Output])) -> Vec<f32> {
        numbers.clear();
        numbers.reserve(len);
        let spare = &mut numbers.spare_capacity_mut()[..len];
        // SAFETY: an `Output` has the layout of a `MaybeUninit<f32>`.
        fill(unsafe { &mut *(core::ptr::from_mut(spare) as *mut [Output]) });
        // SAFETY: the capacity is `len` or more, and the caller vouches that all of them are written.
        unsafe { numbers.set_len(len) };
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_become_numbers_in_their_order() {
        // SAFETY: the loop goes over all outputs.
        let numbers = unsafe {
            Output::filled(vec![9.0], 5, |outputs| {
                outputs.iter_mut().enumerate().for_each(|(i, output)| output.put(i as f32 - 2.0))
            })
        };
        assert_eq!(numbers, [-2.0, -1.0, 0.0, 1.0, 2.0]);
    }

    #[test]
    fn numbers_that_are_not_overwritten_stay() {
        let mut numbers = [1.0, 2.0, 3.0];
        Output::over(&mut numbers)[1].put(7.0);
        assert_eq!(numbers, [1.0, 7.0, 3.0]);
    }
}
