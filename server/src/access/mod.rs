//! Who may ask: keys, origins of web pages, names of the server. What does not belong here: what is asked.

mod keys;
mod origins;

pub use keys::Keys;
pub use origins::{Origin, Origins, check_host};
