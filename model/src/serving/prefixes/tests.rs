//! Beginnings are found to the token, and what cannot be cut where it ends.

use super::*;
use std::rc::Rc;

/// Pages that are counted, and a length.
#[derive(Debug)]
struct Fake(Vec<Rc<()>>);

impl Fake {
    /// A sequence that goes on from another one by a page of its own.
    fn after(before: Option<Fake>, page: &Rc<()>) -> Fake {
        let mut pages = before.map_or(Vec::new(), |before| before.0);
        pages.push(page.clone());
        Fake(pages)
    }
}

impl Remembered for Fake {
    fn beginning(&self, len: usize) -> Self {
        Fake(self.0[..len.div_ceil(PAGE)].to_vec())
    }

    fn reach(&self, len: usize) -> usize {
        len
    }

    fn forget(&mut self) {}
}

/// A sequence that is one length and cannot be cut.
#[derive(Debug)]
struct Whole(usize);

impl Remembered for Whole {
    fn beginning(&self, len: usize) -> Self {
        Whole(self.reach(len))
    }

    fn reach(&self, len: usize) -> usize {
        if len == self.0 { len } else { 0 }
    }

    fn forget(&mut self) {
        self.0 = 0;
    }
}

/// What cannot be cut is found where a page or a text ends, and nowhere between.
#[test]
fn what_cannot_be_cut_is_found_at_its_ends() {
    let (mut tree, none) = (Prefixes::new(), None);
    let text = ids(0, 5 * PAGE + 40);
    let mut node = tree.find(&none, &[], None).node;
    for (page, ids) in text.chunks(PAGE).enumerate() {
        let next = tree.keep(node, ids, Whole(page * PAGE + ids.len()), None).unwrap();
        if ids.len() == PAGE {
            tree.pin(next);
            tree.unpin(node);
            tree.thin_out(next);
            node = next;
        }
    }
    let mut known = |len: usize| {
        let found = tree.find(&none, &text[..len], None);
        assert_eq!(tree.memory(&found, found.len).map_or(0, |memory| memory.0), found.len);
        assert_eq!(tree.depth(found.node), found.len / PAGE);
        tree.unpin(found.node);
        found.len / PAGE * 1000 + found.len % PAGE
    };
    // The third page was thinned out when the fifth one came.
    let found: Vec<usize> = (1..=5).map(|pages| known(pages * PAGE + 7)).collect();
    assert_eq!(found, [1000, 2000, 2000, 4000, 5000]);
    assert_eq!((known(255), known(text.len()), known(text.len() - 1)), (0, 5040, 5000));
    let third = tree.ancestor(node, 3);
    let (resumed, memory) = tree.resume(third);
    assert_eq!((tree.depth(resumed), memory.map(|memory| memory.0)), (2, Some(2 * PAGE)));
    tree.unpin(node);
}

fn ids(first: u32, count: usize) -> Vec<u32> {
    (first..).take(count).collect()
}

/// Keeps complete pages and a tail of `ids`, all in one page of their own each; says the number of nodes.
fn keep(tree: &mut Prefixes<Fake>, salt: &Option<String>, ids: &[u32]) -> Vec<Rc<()>> {
    let found = tree.find(salt, &[], None);
    let (mut node, mut own) = (found.node, Vec::new());
    for page in ids.chunks(PAGE) {
        let memory = Rc::new(());
        let kept = match tree.child(node, page, None) {
            Some(known) => Some(known),
            None => tree.keep(node, page, Fake::after(tree.page(node), &memory), None),
        };
        own.push(memory);
        if let Some(next) = kept.filter(|_| page.len() == PAGE) {
            tree.pin(next);
            tree.unpin(node);
            node = next;
        }
    }
    tree.unpin(node);
    own
}

/// How many tokens are known, and from how many pages.
fn known(tree: &mut Prefixes<Fake>, salt: &Option<String>, ids: &[u32]) -> (usize, usize) {
    let found = tree.find(salt, ids, None);
    let pages = tree.memory(&found, found.len).map_or(0, |memory| memory.0.len());
    assert_eq!(tree.depth(found.node), found.len / PAGE);
    tree.unpin(found.node);
    (found.len, pages)
}

#[test]
fn beginnings_are_known_to_the_token() {
    let (mut tree, none) = (Prefixes::new(), None);
    let text = ids(0, 600);
    keep(&mut tree, &none, &text);
    assert_eq!(known(&mut tree, &none, &text), (600, 3));
    for len in [1, 255, 256, 257, 512, 599] {
        assert_eq!(known(&mut tree, &none, &text[..len]), (len, len.div_ceil(PAGE)));
        let other: Vec<u32> = text[..len].iter().copied().chain([7777]).collect();
        assert_eq!(known(&mut tree, &none, &other), (len, len.div_ceil(PAGE)));
    }
    assert_eq!(known(&mut tree, &none, &[7777]), (0, 0));
    assert_eq!(known(&mut tree, &none, &[]), (0, 0));
    assert_eq!(known(&mut tree, &Some("salt".to_owned()), &text), (0, 0));
    assert_eq!(tree.pages(), (3, 0));
}

#[test]
fn a_longer_page_takes_the_place_of_its_beginning() {
    let (mut tree, none) = (Prefixes::new(), None);
    let text = ids(0, 700);
    keep(&mut tree, &none, &text[..300]);
    keep(&mut tree, &none, &text[..290]);
    assert_eq!(tree.pages(), (2, 0));
    keep(&mut tree, &none, &text[..310]);
    assert_eq!((tree.pages(), known(&mut tree, &none, &text)), ((2, 0), (310, 2)));
    let mut fork = text[..305].to_vec();
    fork.extend([9, 9, 9]);
    keep(&mut tree, &none, &fork);
    assert_eq!((tree.pages(), known(&mut tree, &none, &fork)), ((3, 0), (308, 2)));
    keep(&mut tree, &none, &text);
    assert_eq!((tree.pages(), known(&mut tree, &none, &text)), ((4, 0), (700, 3)));
}

#[test]
fn the_leaf_that_was_used_longest_ago_makes_room_and_frees_its_page() {
    let (mut tree, none) = (Prefixes::new(), None);
    let (one, other) = (ids(0, 600), ids(5000, 600));
    let pages = keep(&mut tree, &none, &one);
    let others = keep(&mut tree, &none, &other);
    let alive = |pages: &[Rc<()>]| pages.iter().map(|page| Rc::strong_count(page) > 1).collect::<Vec<_>>();
    assert_eq!((alive(&pages), alive(&others)), (vec![true; 3], vec![true; 3]));
    known(&mut tree, &none, &one);
    assert!(tree.evict() && tree.evict());
    assert_eq!((alive(&pages), alive(&others)), (vec![true; 3], vec![true, false, false]));
    // What a running sequence stands on stays.
    let found = tree.find(&none, &one[..512], None);
    assert_eq!(tree.pages(), (4, 2));
    assert!(tree.evict() && tree.evict());
    assert!(!tree.evict());
    assert_eq!((alive(&pages), alive(&others)), (vec![true, true, false], vec![false; 3]));
    assert_eq!(tree.ancestor(found.node, 1), tree.find(&none, &one[..256], None).node);
    tree.unpin(tree.ancestor(found.node, 1));
    tree.unpin(found.node);
    assert!(tree.evict() && tree.evict() && !tree.evict());
    assert_eq!((tree.nodes.len(), tree.roots.len()), (0, 0), "roots go with their last page");
}
