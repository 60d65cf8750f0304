//! The elements of a tensor, and who gets their memory back.
//!
//! What belongs here: ownership of elements. What does not: their shape (`trine-shapes`), and when memory is
//! used again, which the crate of the arithmetic decides.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::take;
use core::ops::{Deref, DerefMut};

/// Takes memory back that a [`Buffer`] no longer needs, to lend it again.
pub trait Home<T>: Send + Sync {
    /// Takes the memory of a dropped buffer, with whatever elements it has.
    fn take_back(&self, memory: Vec<T>);
}

/// Owned elements. Their memory goes back to its [`Home`] when they are dropped, or to the allocator where there is
/// none.
///
/// ```
/// use trine_memory::Buffer;
/// let buffer = Buffer::from(vec![1.0, 2.0, 3.0]);
/// assert_eq!(buffer[1..], [2.0, 3.0]);
/// ```
pub struct Buffer<T> {
    elements: Vec<T>,
    home: Option<Arc<dyn Home<T>>>,
}

impl<T> Buffer<T> {
    /// Elements in memory that `home` gets back.
    pub fn lent(elements: Vec<T>, home: Arc<dyn Home<T>>) -> Self {
        Buffer { elements, home: Some(home) }
    }

    /// The elements alone; their memory no longer goes back.
    pub fn into_vec(mut self) -> Vec<T> {
        self.home = None;
        take(&mut self.elements)
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.take_back(take(&mut self.elements));
        }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.elements
    }
}

impl<T> DerefMut for Buffer<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.elements
    }
}

impl<T> From<Vec<T>> for Buffer<T> {
    fn from(elements: Vec<T>) -> Self {
        Buffer { elements, home: None }
    }
}

impl<T> From<Box<[T]>> for Buffer<T> {
    fn from(elements: Box<[T]>) -> Self {
        Buffer::from(elements.into_vec())
    }
}

impl<T, const N: usize> From<[T; N]> for Buffer<T> {
    fn from(elements: [T; N]) -> Self {
        Buffer::from(Vec::from(elements))
    }
}

impl<T: Clone> From<&[T]> for Buffer<T> {
    fn from(elements: &[T]) -> Self {
        Buffer::from(elements.to_vec())
    }
}

impl<T> FromIterator<T> for Buffer<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Buffer::from(Vec::from_iter(elements))
    }
}

impl<T: Clone> Clone for Buffer<T> {
    /// A copy in new memory.
    fn clone(&self) -> Self {
        Buffer::from(self.elements.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.elements.fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        self.elements == other.elements
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Returned(Mutex<Vec<Vec<u8>>>);

    impl Home<u8> for Returned {
        fn take_back(&self, memory: Vec<u8>) {
            self.0.lock().unwrap().push(memory);
        }
    }

    #[test]
    fn memory_goes_home_once_and_copies_have_none() {
        let home = Arc::new(Returned::default());
        let buffer = Buffer::lent(vec![1, 2, 3], home.clone());
        let copy = buffer.clone();
        drop(buffer);
        drop(copy);
        let kept = Buffer::lent(vec![4], home.clone()).into_vec();
        assert_eq!((home.0.lock().unwrap().as_slice(), kept), (&[vec![1, 2, 3]][..], vec![4]));
    }
}
