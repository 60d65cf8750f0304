//! Merging neighbours: the best pair first and the leftmost of equals, until none is left.
//!
//! What belongs here: the order of the merges. What does not: which pairs merge and how good that is, which the two
//! kinds of vocabulary say. The algorithm is that of llama.cpp (`llm_tokenizer_spm`, `llm_tokenizer_bpe`) and of HF
//! tokenizers: a queue of pairs, and a list of the pieces in force. It takes `n log n` steps for `n` characters.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

/// The pieces of a text whose characters were merged. `goodness` says of two neighbouring pieces how good their union
/// is, or that they do not merge.
pub fn merged<B: Ord>(
    text: &str,
    goodness: impl Fn(Range<usize>, Range<usize>) -> Option<B>,
) -> impl Iterator<Item = Range<usize>> {
    let mut merger = Merger { pieces: characters(text), queue: BinaryHeap::new(), goodness };
    merger.run();
    merger.pieces.into_iter().filter(|piece| piece.end > piece.start).map(|piece| piece.start..piece.end)
}

/// A stretch of the text; the stretches in force form a doubly linked list and cover the text.
#[derive(Clone, Copy)]
struct Piece {
    start: usize,
    end: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

fn characters(text: &str) -> Vec<Piece> {
    let count = text.chars().count();
    let piece = |(index, (start, character)): (usize, (usize, char))| Piece {
        start,
        end: start + character.len_utf8(),
        previous: index.checked_sub(1),
        next: Some(index + 1).filter(|&next| next < count),
    };
    text.char_indices().enumerate().map(piece).collect()
}

/// Two neighbours that merge. `len` tells whether they still are what they were when this was queued.
struct Candidate<B> {
    goodness: B,
    left: usize,
    right: usize,
    len: usize,
}

impl<B: Ord> Ord for Candidate<B> {
    fn cmp(&self, other: &Candidate<B>) -> Ordering {
        let better = self.goodness.cmp(&other.goodness).then(other.left.cmp(&self.left));
        better.then(other.right.cmp(&self.right)).then(other.len.cmp(&self.len))
    }
}

impl<B: Ord> PartialOrd for Candidate<B> {
    fn partial_cmp(&self, other: &Candidate<B>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<B: Ord> PartialEq for Candidate<B> {
    fn eq(&self, other: &Candidate<B>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<B: Ord> Eq for Candidate<B> {}

/// The state of merging one text.
struct Merger<B, G> {
    pieces: Vec<Piece>,
    queue: BinaryHeap<Candidate<B>>,
    goodness: G,
}

impl<B: Ord, G: Fn(Range<usize>, Range<usize>) -> Option<B>> Merger<B, G> {
    fn run(&mut self) {
        for left in 0..self.pieces.len() {
            self.propose(left, self.pieces[left].next);
        }
        while let Some(Candidate { left, right, len, .. }) = self.queue.pop() {
            let (l, r) = (self.pieces[left], self.pieces[right]);
            let alive = l.end > l.start && r.end > r.start && r.end - l.start == len;
            if !alive {
                continue;
            }
            self.pieces[left] = Piece { end: r.end, next: r.next, ..l };
            self.pieces[right].end = r.start;
            if let Some(next) = r.next {
                self.pieces[next].previous = Some(left);
            }
            if let Some(previous) = l.previous {
                self.propose(previous, Some(left));
            }
            self.propose(left, r.next);
        }
    }

    /// Queues a pair if it merges.
    fn propose(&mut self, left: usize, right: Option<usize>) {
        let Some(right) = right else { return };
        let (l, r) = (self.pieces[left], self.pieces[right]);
        if let Some(goodness) = (self.goodness)(l.start..l.end, r.start..r.end) {
            self.queue.push(Candidate { goodness, left, right, len: r.end - l.start });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Reverse;

    #[test]
    fn the_best_pair_comes_first_and_of_equals_the_leftmost() {
        let text = "aabaaé";
        let rank = |of: &[&str]| {
            let good = |left: Range<usize>, right: Range<usize>| {
                let union = &text[left.start..right.end];
                of.iter().position(|merge| *merge == union).map(Reverse)
            };
            merged(text, good).map(|piece| text[piece].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(rank(&[]), ["a", "a", "b", "a", "a", "é"]);
        assert_eq!(rank(&["aa"]), ["aa", "b", "aa", "é"]);
        assert_eq!(rank(&["ab", "aa"]), ["a", "ab", "aa", "é"]);
        assert_eq!(rank(&["aa", "aab", "aabaa"]), ["aabaa", "é"]);
        assert_eq!(rank(&["aé", "aa", "ab"]), ["aa", "b", "a", "aé"]);
        assert_eq!(merged("", |_, _| Some(0)).count(), 0);
    }
}
