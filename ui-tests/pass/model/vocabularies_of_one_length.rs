//! They are the same if all their tokens are.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }
fn shared(
    draft: (Vocab<Draft>, &[String]),
    target: (Vocab<Target>, &[String]),
) -> Result<Same<Vocab<Draft>, Vocab<Target>>, NotSame> {
    Same::check_items(draft, target)
}

fn main() {}
