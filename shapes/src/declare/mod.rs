//! Declaring axes, products, environments and roles.
//!
//! The axes of this crate are made by the same macros. What does not belong here: the traits that they implement
//! ([`axis`](crate::Axis), [`environment`](crate::Environment)).

#[macro_use]
mod axis;
#[macro_use]
mod environment;
#[macro_use]
mod product;
#[macro_use]
mod role;
