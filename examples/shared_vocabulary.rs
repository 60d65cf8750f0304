//! Two models, one vocabulary: a token of the draft model reaches the target only through evidence that their
//! vocabularies have one length.

use trine::prelude::*;
use trine::shapes::Same;

pinned_model! {
    /// Proposes tokens.
    struct Draft;
}
pinned_model! {
    /// Judges them.
    struct Target;
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let draft = Draft::pin(Dims::new(2048, 128, 384, 4, 2, 32, 2)?)?;
    let target = Target::pin(Dims::new(2048, 256, 768, 4, 2, 64, 3)?)?;
    let same = Same::check(Vocab::of(draft), Vocab::of(target))?;

    let proposed: Idx<Vocab<Draft>> = Idx::new(Vocab::of(draft), 17)?;
    let judged: Idx<Vocab<Target>> = proposed.relabel(same);
    println!("token {} is in both vocabularies", judged.get());
    if let Err(error) = Same::check(Hidden::of(draft), Hidden::of(target)) {
        println!("but {error}");
    }
    Ok(())
}
