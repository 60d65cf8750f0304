//! Ids become tokens by one check.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn feed<M: Model>(session: &mut Session<M>, ids: &[u32]) -> Result<(), Box<dyn std::error::Error>> {
    let tokens = session.tokens_of(ids)?;
    session.feed(&tokens)?;
    Ok(())
}

fn main() {}
