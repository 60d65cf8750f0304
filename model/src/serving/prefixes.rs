//! What was computed and may be of use again: a tree of pages. What belongs here: which pages begin with which tokens,
//! and which go first when room is needed. What does not: memory itself (`engine/memory.rs`), and requests.
//!
//! A node is a page: up to [`PAGE`] tokens behind those of its ancestors. Its memory is that of a sequence of all these
//! tokens, which shares the pages of the ancestors, so that the node alone keeps its own page alive. Tokens are
//! compared one by one, so that no two beginnings are taken for one another. A page of fewer tokens is a leaf. A
//! running sequence pins the node of its last complete page.

use crate::engine::Memory;
use std::collections::HashMap;
use trine_kernels::PAGE;

/// The memory of a sequence, as the tree sees it.
pub(super) trait Remembered {
    /// The memory of the first `len` positions, in the same pages.
    fn beginning(&self, len: usize) -> Self;
}

impl Remembered for Memory {
    fn beginning(&self, len: usize) -> Self {
        Memory::beginning(self, len)
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
    children: Vec<NodeId>,
    depth: usize,
    /// Running sequences whose last complete page it is.
    pins: usize,
    used: u64,
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

    /// The longest known beginning of `ids`, for requests of a salt. Its node is pinned.
    pub fn find(&mut self, salt: &Option<String>, ids: &[u32]) -> Found {
        self.time += 1;
        let mut node = self.root(salt);
        let (mut len, mut source) = (0, None);
        loop {
            let mut best = (0, None);
            for child in &self.nodes[&node].children {
                let known = common(&self.nodes[child].ids, &ids[len..]);
                if known > best.0 {
                    best = (known, Some(*child));
                }
            }
            let (known, Some(child)) = best else { break };
            self.touch(child);
            (len, source) = (len + known, Some(child));
            if known < PAGE {
                break;
            }
            node = child;
        }
        self.pin(node);
        Found { node, len, source }
    }

    /// The memory of what was found; none where nothing was.
    pub fn memory(&self, found: &Found) -> Option<S> {
        let memory = self.nodes[&found.source?].memory.as_ref()?;
        Some(memory.beginning(found.len))
    }

    fn root(&mut self, salt: &Option<String>) -> NodeId {
        match self.roots.get(salt) {
            Some(root) => *root,
            None => {
                let root = self.insert(None, Vec::new(), None);
                self.roots.insert(salt.clone(), root);
                root
            }
        }
    }

    fn insert(&mut self, parent: Option<NodeId>, ids: Vec<u32>, memory: Option<S>) -> NodeId {
        let id = NodeId(self.next);
        self.next += 1;
        let depth = parent.map_or(0, |parent| self.nodes[&parent].depth + 1);
        if let Some(parent) = parent {
            self.node(parent).children.push(id);
        }
        self.nodes.insert(id, Node { parent, ids, memory, children: Vec::new(), depth, pins: 0, used: self.time });
        id
    }

    fn node(&mut self, id: NodeId) -> &mut Node<S> {
        self.nodes.get_mut(&id).expect("a node of the tree")
    }

    fn touch(&mut self, id: NodeId) {
        let time = self.time;
        self.node(id).used = time;
    }

    /// The page of `ids` behind a node, where it is known.
    pub fn child(&self, parent: NodeId, ids: &[u32]) -> Option<NodeId> {
        self.nodes[&parent].children.iter().copied().find(|child| self.nodes[child].ids == ids)
    }

    /// The memory of a page that is not a root, as that of a sequence which ends with it.
    pub fn page(&self, id: NodeId) -> Option<S> {
        let node = &self.nodes[&id];
        node.memory.as_ref().map(|memory| memory.beginning(node.depth * PAGE))
    }

    /// Keeps a page of `ids` behind a pinned node. Those that it begins with are of no use any more; where a page that
    /// begins with it is known, it is not kept.
    pub fn keep(&mut self, parent: NodeId, ids: &[u32], memory: S) -> Option<NodeId> {
        self.time += 1;
        let children = self.nodes[&parent].children.clone();
        if let Some(longer) = children.iter().copied().find(|child| self.nodes[child].ids.starts_with(ids)) {
            self.touch(longer);
            return None;
        }
        let shorter = |child: &&NodeId| ids.starts_with(&self.nodes[*child].ids);
        let shorter: Vec<NodeId> = children.iter().filter(shorter).copied().collect();
        shorter.into_iter().for_each(|child| self.remove(child));
        Some(self.insert(Some(parent), ids.to_vec(), Some(memory)))
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
