//! What was computed and may be of use again: a tree of pages. What belongs here: which pages begin with which tokens,
//! and which go first when room is needed. What does not: memory itself (`engine/memory.rs`), and requests.
//!
//! A node is a page: up to [`PAGE`] tokens behind those of its ancestors. Its memory is that of a sequence of all these
//! tokens, which shares the pages of the ancestors, so that the node alone keeps its own page alive. Tokens are
//! compared one by one, so that no two beginnings are taken for one another. A page of fewer tokens is a leaf. A
//! running sequence pins the node of its last complete page.

#[cfg(test)]
mod tests;

use super::scores::Scores;
use crate::engine::Memory;
use crate::generation::Logprobs;
use std::collections::HashMap;
use trine_kernels::PAGE;

/// The memory of a sequence, as the tree sees it.
pub(super) trait Remembered {
    /// The memory of the first `len` positions, in the same pages, or of as many as [`reach`](Remembered::reach) says.
    fn beginning(&self, len: usize) -> Self;

    /// The most positions, at most `len`, that it can be cut to.
    fn reach(&self, len: usize) -> usize;

    /// Forgets what cannot be cut, so that its room is free again.
    fn forget(&mut self);
}

impl Remembered for Memory {
    fn beginning(&self, len: usize) -> Self {
        Memory::beginning(self, len)
    }

    fn reach(&self, len: usize) -> usize {
        Memory::reach(self, len)
    }

    fn forget(&mut self) {
        self.forget_recurrent();
    }
}

/// A node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(u64);

#[derive(Debug)]
struct Node<S> {
    parent: Option<NodeId>,
    ids: Vec<u32>,
    /// Of all tokens up to here; none of a root.
    memory: Option<S>,
    /// Of the first tokens of the page.
    scores: Option<Scores>,
    children: Vec<NodeId>,
    depth: usize,
    /// Running sequences whose last complete page it is.
    pins: usize,
    used: u64,
}

impl<S> Node<S> {
    /// Tokens from the beginning of the page that are of use where so many of the best are asked for beside their
    /// log-probabilities, or none are asked for. The first token of a text has none.
    fn usable(&self, best: Option<usize>) -> usize {
        let Some(best) = best else { return self.ids.len() };
        let scores = self.scores.as_ref().filter(|scores| scores.best >= best);
        scores.map_or(0, |scores| scores.of.len() + usize::from(self.depth == 1))
    }

    /// Learns scores of the tokens, where they say more than those that are known.
    fn learn(&mut self, scores: Option<Scores>) {
        if let Some(scores) = scores
            && self.scores.as_ref().is_none_or(|known| !known.covers(&scores))
        {
            self.scores = Some(scores);
        }
    }
}

/// The tree: a root for each salt.
#[derive(Debug)]
pub(super) struct Prefixes<S> {
    roots: HashMap<Option<String>, NodeId>,
    nodes: HashMap<NodeId, Node<S>>,
    next: u64,
    time: u64,
}

/// What the tree has of some tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The node of the last complete page.
    pub node: NodeId,
    /// Tokens that are known.
    pub len: usize,
    /// The node whose memory begins with them; none where there are none.
    source: Option<NodeId>,
}

/// Tokens that two texts begin with alike.
pub(super) fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

impl<S: Remembered> Prefixes<S> {
    pub fn new() -> Self {
        Prefixes { roots: HashMap::new(), nodes: HashMap::new(), next: 0, time: 0 }
    }

    /// The longest known beginning of `ids`, for requests of a salt; where log-probabilities of its tokens are asked
    /// for, with so many of the best beside them. Its node is pinned.
    pub fn find(&mut self, salt: &Option<String>, ids: &[u32], best: Option<usize>) -> Found {
        self.time += 1;
        let mut node = self.root(salt);
        let (mut len, mut source) = (0, None);
        loop {
            let mut longest = (0, None);
            for child in &self.nodes[&node].children {
                let page = &self.nodes[child];
                let known = common(&page.ids, &ids[len..]).min(page.usable(best));
                if known > longest.0 {
                    longest = (known, Some(*child));
                }
            }
            let (known, Some(child)) = longest else { break };
            self.touch(child);
            (len, source) = (len + known, Some(child));
            if known < PAGE {
                break;
            }
            node = child;
        }
        while let Some(last) = source
            && self.nodes[&last].memory.as_ref().is_none_or(|memory| memory.reach(len) < len)
        {
            source = self.nodes[&last].parent.filter(|parent| self.nodes[parent].memory.is_some());
            len = source.map_or(0, |source| self.nodes[&source].depth * PAGE);
        }
        let node = self.ancestor(node, len / PAGE);
        self.pin(node);
        Found { node, len, source }
    }

    /// The nearest page at or above a node that a sequence can go on from, and its memory; a root has none.
    pub fn resume(&self, mut id: NodeId) -> (NodeId, Option<S>) {
        loop {
            let node = &self.nodes[&id];
            let len = node.depth * PAGE;
            match (&node.memory, node.parent) {
                (Some(memory), _) if memory.reach(len) == len => return (id, Some(memory.beginning(len))),
                (_, Some(parent)) => id = parent,
                (_, None) => return (id, None),
            }
        }
    }

    /// Forgets what cannot be cut of the memory of a page: sequences go on from an earlier one.
    pub fn forget(&mut self, id: NodeId) {
        if let Some(memory) = &mut self.node(id).memory {
            memory.forget();
        }
    }

    /// Keeps what cannot be cut for few of the pages that lead to a new one: those that another text may branch off
    /// from (it did before, or their number is a power of two), and the two before the new one.
    pub fn thin_out(&mut self, id: NodeId) {
        let depth = self.nodes[&id].depth;
        let mut at = id;
        while let Some(parent) = self.nodes[&at].parent {
            at = parent;
            let node = &self.nodes[&at];
            if node.depth + 1 < depth && !node.depth.is_power_of_two() && node.children.len() < 2 {
                self.forget(at);
            }
        }
    }

    /// The memory of the first `len` tokens of what was found; none where nothing was.
    pub fn memory(&self, found: &Found, len: usize) -> Option<S> {
        let memory = self.nodes[&found.source?].memory.as_ref()?;
        Some(memory.beginning(len))
    }

    /// Log-probabilities of so many tokens of what was found, behind the first one of the text.
    pub fn scores(&self, found: &Found, count: usize, best: usize) -> Vec<Logprobs> {
        let (mut at, mut pages) = (found.source, Vec::new());
        while let Some(id) = at {
            pages.extend(&self.nodes[&id].scores);
            at = self.nodes[&id].parent;
        }
        let all = pages.into_iter().rev().flat_map(|scores| scores.beginning(PAGE, best));
        all.take(count).collect()
    }

    fn root(&mut self, salt: &Option<String>) -> NodeId {
        match self.roots.get(salt) {
            Some(root) => *root,
            None => {
                let root = self.insert(None, Vec::new(), None, None);
                self.roots.insert(salt.clone(), root);
                root
            }
        }
    }

    fn insert(&mut self, parent: Option<NodeId>, ids: Vec<u32>, memory: Option<S>, scores: Option<Scores>) -> NodeId {
        let id = NodeId(self.next);
        self.next += 1;
        let depth = parent.map_or(0, |parent| self.nodes[&parent].depth + 1);
        if let Some(parent) = parent {
            self.node(parent).children.push(id);
        }
        let (children, used) = (Vec::new(), self.time);
        self.nodes.insert(id, Node { parent, ids, memory, scores, children, depth, pins: 0, used });
        id
    }

    fn node(&mut self, id: NodeId) -> &mut Node<S> {
        self.nodes.get_mut(&id).expect("a node of the tree")
    }

    fn touch(&mut self, id: NodeId) {
        let time = self.time;
        self.node(id).used = time;
    }

    /// The page of `ids` behind a node, where it is known. It learns the scores of its tokens.
    pub fn child(&mut self, parent: NodeId, ids: &[u32], scores: Option<&Scores>) -> Option<NodeId> {
        let child = self.nodes[&parent].children.iter().copied().find(|child| self.nodes[child].ids == ids)?;
        self.node(child).learn(scores.cloned());
        Some(child)
    }

    /// The memory of a page that is not a root, as that of a sequence which ends with it.
    pub fn page(&self, id: NodeId) -> Option<S> {
        let node = &self.nodes[&id];
        node.memory.as_ref().map(|memory| memory.beginning(node.depth * PAGE))
    }

    /// Keeps a page of `ids` behind a pinned node. Those that it begins with are of no use any more; where a page that
    /// begins with it is known, it is not kept, but for the scores of its tokens.
    pub fn keep(&mut self, parent: NodeId, ids: &[u32], memory: S, scores: Option<Scores>) -> Option<NodeId> {
        self.time += 1;
        let children = self.nodes[&parent].children.clone();
        if let Some(longer) = children.iter().copied().find(|child| self.nodes[child].ids.starts_with(ids)) {
            self.touch(longer);
            self.node(longer).learn(scores);
            return None;
        }
        let shorter = |child: &&NodeId| ids.starts_with(&self.nodes[*child].ids);
        let shorter: Vec<NodeId> = children.iter().filter(shorter).copied().collect();
        let node = self.insert(Some(parent), ids.to_vec(), Some(memory), scores);
        for child in shorter {
            let scores = self.nodes.get_mut(&child).and_then(|child| child.scores.take());
            self.node(node).learn(scores);
            self.remove(child);
        }
        Some(node)
    }

    /// A running sequence has this as its last complete page.
    pub fn pin(&mut self, id: NodeId) {
        self.node(id).pins += 1;
    }

    /// It has it no more.
    pub fn unpin(&mut self, id: NodeId) {
        let node = self.node(id);
        node.pins -= 1;
        self.prune(id);
    }

    /// The ancestor of a node that ends behind so many pages.
    pub fn ancestor(&self, mut id: NodeId, depth: usize) -> NodeId {
        while let Some(parent) = self.nodes[&id].parent.filter(|_| self.nodes[&id].depth > depth) {
            id = parent;
        }
        id
    }

    /// Pages in front of the end of a node.
    pub fn depth(&self, id: NodeId) -> usize {
        self.nodes[&id].depth
    }

    /// Forgets the page that was used longest ago among those that no other stands on; says whether there was one.
    pub fn evict(&mut self) -> bool {
        let free = |node: &Node<S>| node.parent.is_some() && node.children.is_empty() && node.pins == 0;
        let leaves = self.nodes.iter().filter(|(_, node)| free(node));
        let oldest = leaves.min_by_key(|(id, node)| (node.used, **id)).map(|(id, _)| *id);
        oldest.map(|id| self.remove(id)).is_some()
    }

    fn remove(&mut self, id: NodeId) {
        let Some(node) = self.nodes.remove(&id) else { return };
        if let Some(parent) = node.parent {
            self.node(parent).children.retain(|child| *child != id);
            self.prune(parent);
        }
    }

    /// Forgets a root that nothing stands on.
    fn prune(&mut self, id: NodeId) {
        let node = &self.nodes[&id];
        if node.parent.is_none() && node.children.is_empty() && node.pins == 0 {
            self.nodes.remove(&id);
            self.roots.retain(|_, root| *root != id);
        }
    }

    /// How many pages that no running sequence stands on have what cannot be cut.
    pub fn whole_pages(&self, active: usize) -> usize {
        let is_whole = |node: &&Node<S>| {
            let len = (node.depth.saturating_sub(1)) * PAGE + node.ids.len();
            node.memory.as_ref().is_some_and(|memory| memory.reach(len) == len)
        };
        self.nodes.values().filter(is_whole).count().saturating_sub(active)
    }

    /// All pages, and those of them that running sequences stand on.
    pub fn pages(&self) -> (usize, usize) {
        let pages = self.nodes.values().filter(|node| node.parent.is_some()).count();
        let mut active: Vec<NodeId> = Vec::new();
        for (id, _) in self.nodes.iter().filter(|(_, node)| node.pins > 0) {
            let mut at = Some(*id);
            while let Some(id) = at {
                at = self.nodes[&id].parent;
                active.extend(at.map(|_| id));
            }
        }
        active.sort_unstable();
        active.dedup();
        (pages, active.len())
    }
}
