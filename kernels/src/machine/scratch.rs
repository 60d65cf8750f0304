//! Memory that a thread keeps for the next operation that needs as much.
//!
//! What belongs here: `scratch!`. What does not: memory that an operation hands to its caller.

/// Declares memory with `take` and `set`: what a thread sets it takes again. Without an operating system nothing is
/// kept, and what is taken is the type's default.
macro_rules! scratch {
    ($(#[$doc:meta])* static $name:ident: $memory:ty;) => {
        #[cfg(feature = "std")]
        std::thread_local! {
            $(#[$doc])*
            static $name: core::cell::Cell<$memory> = core::cell::Cell::default();
        }
        #[cfg(not(feature = "std"))]
        $(#[$doc])*
        static $name: crate::machine::scratch::Nothing<$memory> = crate::machine::scratch::Nothing::new();
    };
}
pub(crate) use scratch;

/// Where there is no thread to keep memory.
#[cfg(not(feature = "std"))]
pub(crate) struct Nothing<T>(core::marker::PhantomData<fn() -> T>);

#[cfg(not(feature = "std"))]
impl<T: Default> Nothing<T> {
    pub(crate) const fn new() -> Self {
        Nothing(core::marker::PhantomData)
    }

    /// No memory yet.
    pub(crate) fn take(&self) -> T {
        T::default()
    }

    /// Gives the memory back.
    pub(crate) fn set(&self, memory: T) {
        drop(memory);
    }
}
