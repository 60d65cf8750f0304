//! Which prompts a step takes a part of, and how much. What does not belong here: how much fits (`pace.rs`).

use trine_kernels::PAGE;

/// A sequence whose prompt is not complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prompting {
    /// Which of the running sequences, in the order in which they were admitted.
    pub index: usize,
    /// Tokens of the prompt that are in the cache.
    pub done: usize,
    /// Tokens of the prompt.
    pub of: usize,
    /// What its key has got.
    pub got: u64,
}

impl Prompting {
    /// Most tokens that it takes in a step: no more than its page has room for, so that each page is complete behind
    /// some step and can be shared then.
    fn most(&self) -> usize {
        (self.of - self.done).min(PAGE - self.done % PAGE)
    }
}

/// The sequences that take a part of `chunk` tokens, and how many each takes. Half is for the one whose key has got
/// least, the oldest of these, and half for the one that is done soonest. What they do not use is for the others, the
/// oldest first.
pub(super) fn chunks(mut prompting: Vec<Prompting>, chunk: usize) -> Vec<(usize, usize)> {
    prompting.sort_by_key(|prompt| (prompt.got, prompt.index));
    let Some(soonest) = (1..prompting.len()).min_by_key(|&at| prompting[at].of - prompting[at].done) else {
        return prompting.iter().map(|prompt| (prompt.index, prompt.most().min(chunk))).collect();
    };
    prompting[1..=soonest].rotate_right(1);
    let mut taken = vec![0; prompting.len()];
    let mut left = chunk;
    let first = chunk.div_ceil(2).min(prompting[0].most());
    for (at, most) in [(0, first)].into_iter().chain((1..prompting.len()).map(|at| (at, prompting[at].most()))) {
        taken[at] = most.min(left);
        left -= taken[at];
    }
    taken[0] += (prompting[0].most() - taken[0]).min(left);
    let taken = prompting.iter().zip(taken).map(|(prompt, taken)| (prompt.index, taken));
    taken.filter(|(_, taken)| *taken > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(index: usize, done: usize, of: usize, got: u64) -> Prompting {
        Prompting { index, done, of, got }
    }

    #[test]
    fn half_is_for_the_least_served_and_half_for_the_soonest() {
        let three = vec![prompt(0, 0, 1000, 9), prompt(1, 0, 1000, 3), prompt(2, 90, 150, 9)];
        assert_eq!(chunks(three.clone(), 64), [(1, 32), (2, 32)]);
        // What the soonest does not use is for the others, the oldest first.
        assert_eq!(chunks(three.clone(), 200), [(1, 100), (2, 60), (0, 40)]);
        assert_eq!(chunks(three, 512), [(1, 256), (2, 60), (0, 196)]);
    }

    #[test]
    fn no_part_goes_beyond_its_page() {
        assert_eq!(chunks(vec![prompt(4, 250, 1000, 0)], 512), [(4, 6)]);
        assert_eq!(chunks(vec![prompt(4, 256, 300, 0)], 16), [(4, 16)]);
        assert_eq!(chunks(vec![prompt(0, 250, 1000, 0), prompt(1, 500, 1000, 0)], 64), [(0, 6), (1, 12)]);
        assert_eq!(chunks(Vec::new(), 64), []);
        // The first one takes what nobody else does.
        assert_eq!(chunks(vec![prompt(0, 0, 1000, 0), prompt(1, 0, 5, 0)], 64), [(0, 59), (1, 5)]);
    }
}
