//! Lets the crate know how it is compiled: cargo tells build scripts alone. What is done with it is the crate's.
//!
//! `cfg!(debug_assertions)` would not do: a profile may have assertions and optimisation, or neither.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(optimised)");
    // The level of this package, with the overrides that profiles have for it.
    if std::env::var_os("OPT_LEVEL").is_some_and(|level| level != "0") {
        println!("cargo::rustc-cfg=optimised");
    }
}
