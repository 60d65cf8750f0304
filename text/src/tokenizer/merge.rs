//! Merging neighbours: the best pair first and the leftmost of equals, until none is left.
//!
//! What belongs here: the order of the merges. What does not: which pairs merge and how good that is, which the two
//! kinds of vocabulary say. The algorithm is that of llama.cpp (`llm_tokenizer_spm`, `llm_tokenizer_bpe`) and of HF
//! tokenizers: a queue of pairs, and a list of the pieces in force. It takes `n log n` steps for `n` characters.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

/// The pieces of a text whose characters were merged, each with what it is. `of_character` says what a character is,
/// and `union` of two neighbouring pieces how good their union is and what it is, or that they do not merge.
pub fn merged<T: Copy, B: Ord>(
    text: &str,
    of_character: impl Fn(Range<usize>) -> T,
    union: impl Fn((Range<usize>, T), (Range<usize>, T)) -> Option<(B, T)>,
) -> impl Iterator<Item = (Range<usize>, T)> {
    let mut merger = Merger { pieces: characters(text, of_character), queue: BinaryHeap::new(), union };
    merger.run();
    merger.pieces.into_iter().filter(|piece| piece.end > piece.start).map(|piece| piece.described())
}

/// A stretch of the text; the stretches in force form a doubly linked list and cover the text.
#[derive(Clone, Copy)]
struct Piece<T> {
    start: usize,
    end: usize,
    is: T,
    previous: Option<usize>,
    next: Option<usize>,
}

impl<T: Copy> Piece<T> {
    fn described(&self) -> (Range<usize>, T) {
        (self.start..self.end, self.is)
    }
}

fn characters<T>(text: &str, of_character: impl Fn(Range<usize>) -> T) -> Vec<Piece<T>> {
    let count = text.chars().count();
    let piece = |(index, (start, character)): (usize, (usize, char))| Piece {
        start,
        end: start + character.len_utf8(),
        is: of_character(start..start + character.len_utf8()),
        previous: index.checked_sub(1),
        next: Some(index + 1).filter(|&next| next < count),
    };
    text.char_indices().enumerate().map(piece).collect()
}

/// Two neighbours that merge. `len` tells whether they still are what they were when this was queued.
struct Candidate<B, T> {
    goodness: B,
    /// What their union is.
    is: T,
    left: usize,
    right: usize,
    len: usize,
}

impl<B: Ord, T> Ord for Candidate<B, T> {
    fn cmp(&self, other: &Candidate<B, T>) -> Ordering {
        let better = self.goodness.cmp(&other.goodness).then(other.left.cmp(&self.left));
        better.then(other.right.cmp(&self.right)).then(other.len.cmp(&self.len))
    }
}

impl<B: Ord, T> PartialOrd for Candidate<B, T> {
    fn partial_cmp(&self, other: &Candidate<B, T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<B: Ord, T> PartialEq for Candidate<B, T> {
    fn eq(&self, other: &Candidate<B, T>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<B: Ord, T> Eq for Candidate<B, T> {}

/// The state of merging one text.
struct Merger<T, B, U> {
    pieces: Vec<Piece<T>>,
    queue: BinaryHeap<Candidate<B, T>>,
    union: U,
}

impl<T: Copy, B: Ord, U: Fn((Range<usize>, T), (Range<usize>, T)) -> Option<(B, T)>> Merger<T, B, U> {
    fn run(&mut self) {
        for left in 0..self.pieces.len() {
            self.propose(left, self.pieces[left].next);
        }
        while let Some(Candidate { is, left, right, len, .. }) = self.queue.pop() {
            let (l, r) = (self.pieces[left], self.pieces[right]);
            let alive = l.end > l.start && r.end > r.start && r.end - l.start == len;
            if !alive {
                continue;
            }
            self.pieces[left] = Piece { end: r.end, is, next: r.next, ..l };
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
        if let Some((goodness, is)) = (self.union)(l.described(), r.described()) {
            self.queue.push(Candidate { goodness, is, left, right, len: r.end - l.start });
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
            let union = |(left, ()): (Range<usize>, ()), (right, ()): (Range<usize>, ())| {
                let union = &text[left.start..right.end];
                of.iter().position(|merge| *merge == union).map(|place| (Reverse(place), ()))
            };
            merged(text, |_| (), union).map(|(piece, ())| text[piece].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(rank(&[]), ["a", "a", "b", "a", "a", "é"]);
        assert_eq!(rank(&["aa"]), ["aa", "b", "aa", "é"]);
        assert_eq!(rank(&["ab", "aa"]), ["a", "ab", "aa", "é"]);
        assert_eq!(rank(&["aa", "aab", "aabaa"]), ["aabaa", "é"]);
        assert_eq!(rank(&["aé", "aa", "ab"]), ["aa", "b", "a", "aé"]);
        assert_eq!(merged("", |_| (), |_, _| Some((0, ()))).count(), 0);
    }
}
