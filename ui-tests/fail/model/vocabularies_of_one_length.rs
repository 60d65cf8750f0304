//! Two vocabularies are taken for the same as they have equally many tokens.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }
fn shared(
    draft: (Vocab<Draft>, &[String]),
    target: (Vocab<Target>, &[String]),
) -> Result<Same<Vocab<Draft>, Vocab<Target>>, NotSame> {
    Same::check(draft.0, target.0)
}

fn main() {}
