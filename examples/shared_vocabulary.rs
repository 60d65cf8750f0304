//! Two models, one vocabulary: a token of the draft model reaches the target only through evidence that their
//! vocabularies have the same tokens.

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

/// The text of every token.
fn tokens(tokenizer: &Tokenizer) -> Vec<&str> {
    (0..tokenizer.len() as u32).filter_map(|id| tokenizer.token(id)).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = trine::embedded_model()?;
    let tokenizer = Tokenizer::from_gguf(&file, &TokenizerOptions::default())?;
    let dims = Config::from_gguf(&file)?.dims;
    let draft = Draft::pin(Dims { hidden: dims.hidden / 2, ..dims })?;
    let target = Target::pin(dims)?;
    // The tokenizers of two files, which are the same one here.
    let (of_draft, of_target) = (tokens(&tokenizer), tokens(&tokenizer));
    let same = Same::check_items((Vocab::of(draft), &of_draft), (Vocab::of(target), &of_target))?;

    let proposed: Idx<Vocab<Draft>> = Idx::new(Vocab::of(draft), 17)?;
    let judged: Idx<Vocab<Target>> = proposed.relabel(same);
    println!("{:?} is the same token in both vocabularies", of_target[judged.get()]);
    if let Err(error) = Same::check(Hidden::of(draft), Hidden::of(target)) {
        println!("but {error}");
    }
    Ok(())
}
