//! Sizes: products of lengths that cannot wrap around, on 32-bit machines neither.
//!
//! What belongs here: the arithmetic and its limit. What does not: which lengths make a size.

/// The most elements that memory can hold: a slice has at most this many bytes.
pub const MAX_ELEMENTS: usize = isize::MAX as usize;

/// The product of some lengths, unless it exceeds `limit`.
///
/// ```
/// use trine_memory::product_within;
/// assert_eq!(product_within(&[3, 5, 7], 105), Some(105));
/// assert_eq!(product_within(&[3, 5, 7], 104), None);
/// assert_eq!(product_within(&[usize::MAX, usize::MAX, 0], 1), Some(0));
/// ```
#[inline]
pub const fn product_within(lengths: &[usize], limit: usize) -> Option<usize> {
    let (mut product, mut fits) = (1_usize, true);
    let mut i = 0;
    while i < lengths.len() {
        if lengths[i] == 0 {
            return Some(0);
        }
        product = match product.checked_mul(lengths[i]) {
            Some(product) => product,
            None => {
                fits = false;
                1
            }
        };
        fits &= product <= limit;
        i += 1;
    }
    if fits && product <= limit { Some(product) } else { None }
}

/// The product of some lengths.
///
/// # Panics
/// If it exceeds [`MAX_ELEMENTS`]: no memory holds so many elements.
#[inline(always)]
#[track_caller]
pub fn product_of(lengths: &[usize]) -> usize {
    // The common case without a branch for each length.
    let (mut product, mut wrapped) = (1_usize, false);
    for &length in lengths {
        let (next, wraps) = product.overflowing_mul(length);
        (product, wrapped) = (next, wrapped | wraps);
    }
    if wrapped || product > MAX_ELEMENTS { product_beyond(lengths) } else { product }
}

/// [`product_of`] where a product on the way is too large, which a length of 0 would mend.
#[cold]
#[inline(never)]
#[track_caller]
fn product_beyond(lengths: &[usize]) -> usize {
    match product_within(lengths, MAX_ELEMENTS) {
        Some(product) => product,
        None => panic!("{lengths:?} elements do not fit in memory"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Lengths of all magnitudes, those around powers of two more often.
    fn length() -> impl Strategy<Value = usize> {
        (0..usize::BITS, -2..=2_isize, any::<usize>()).prop_map(|(bits, near, any)| match near {
            -2 => any >> bits,
            near => (1_usize << bits).wrapping_add_signed(near),
        })
    }

    /// The product as a number that is large enough for it, saturating.
    fn exact(lengths: &[usize]) -> u128 {
        if lengths.contains(&0) { 0 } else { lengths.iter().fold(1, |n: u128, &len| n.saturating_mul(len as u128)) }
    }

    proptest! {
        /// With the limits of 32-bit machines, of this one, and any other.
        #[test]
        fn products_are_exact_or_refused(lengths in vec(length(), 0..6), any in length()) {
            for limit in [i32::MAX as usize, u32::MAX as usize, MAX_ELEMENTS, usize::MAX, any] {
                let exact = exact(&lengths);
                let expected = (exact <= limit as u128).then_some(exact as usize);
                prop_assert_eq!(product_within(&lengths, limit), expected);
            }
        }

        #[test]
        fn what_no_memory_holds_panics(lengths in vec(length(), 1..5)) {
            let found = std::panic::catch_unwind(|| product_of(&lengths));
            let expected = Some(exact(&lengths)).filter(|&exact| exact <= MAX_ELEMENTS as u128);
            prop_assert_eq!(found.ok().map(|found| found as u128), expected);
        }
    }
}
