//! Blocks that wait for their parent: a bounded number, the oldest is forgotten first.

use std::collections::{BTreeMap, VecDeque};

use crate::types::{Digest, Height, NodeId};

#[derive(Clone, Debug)]
struct Orphan<B> {
    parent: Digest,
    height: Height,
    from: NodeId,
    block: B,
}

/// The lowest unknown ancestor of an orphan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missing {
    /// Its id.
    pub id: Digest,
    /// Its height, as its child says.
    pub height: Height,
}

/// The orphans, by id and by the parent for which they wait.
#[derive(Clone, Debug)]
pub struct Orphans<B> {
    limit: usize,
    by_id: BTreeMap<Digest, Orphan<B>>,
    by_parent: BTreeMap<Digest, Vec<Digest>>,
    age: VecDeque<Digest>,
}

impl<B> Orphans<B> {
    /// At most `limit` blocks wait.
    pub fn new(limit: usize) -> Orphans<B> {
        assert!(limit > 0, "no room for orphans");
        Orphans { limit, by_id: BTreeMap::new(), by_parent: BTreeMap::new(), age: VecDeque::new() }
    }
    /// Number of blocks that wait.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
    /// Whether a block waits.
    pub fn has(&self, id: Digest) -> bool {
        self.by_id.contains_key(&id)
    }
    /// A block that waits.
    pub fn get(&self, id: Digest) -> Option<&B> {
        self.by_id.get(&id).map(|o| &o.block)
    }
    /// Keeps a block that came from `from`; says which ancestor is missing, following other orphans down.
    pub fn add(&mut self, id: Digest, parent: Digest, height: Height, from: NodeId, block: B) -> Missing {
        if !self.has(id) {
            if self.by_id.len() == self.limit {
                self.forget_oldest();
            }
            self.by_id.insert(id, Orphan { parent, height, from, block });
            self.by_parent.entry(parent).or_default().push(id);
            self.age.push_back(id);
        }
        self.missing(id)
    }
    /// The lowest unknown ancestor of an orphan.
    ///
    /// # Panics
    /// If the block is not an orphan.
    pub fn missing(&self, id: Digest) -> Missing {
        let mut o = &self.by_id[&id];
        while let Some(below) = self.by_id.get(&o.parent).filter(|below| below.height < o.height) {
            o = below;
        }
        Missing { id: o.parent, height: o.height.saturating_sub(1) }
    }
    /// Every unknown ancestor, with the peer that sent a block on top of it.
    pub fn all_missing(&self) -> Vec<(Missing, NodeId)> {
        let lowest = self.by_parent.iter().filter(|(parent, _)| !self.has(**parent));
        lowest
            .map(|(parent, children)| {
                let o = &self.by_id[&children[0]];
                (Missing { id: *parent, height: o.height.saturating_sub(1) }, o.from)
            })
            .collect()
    }
    /// Takes the blocks that wait for `parent`, in the order in which they came.
    pub fn take(&mut self, parent: Digest) -> Vec<(NodeId, B)> {
        let Some(ids) = self.by_parent.remove(&parent) else { return vec![] };
        self.age.retain(|id| !ids.contains(id));
        ids.into_iter().filter_map(|id| self.by_id.remove(&id)).map(|o| (o.from, o.block)).collect()
    }
    /// Forgets every block that descends from the unknown `ancestor`.
    pub fn forget(&mut self, ancestor: Digest) {
        let mut stack = vec![ancestor];
        while let Some(parent) = stack.pop() {
            let ids = self.by_parent.remove(&parent).unwrap_or_default();
            self.age.retain(|id| !ids.contains(id));
            for id in ids {
                self.by_id.remove(&id);
                stack.push(id);
            }
        }
    }
    fn forget_oldest(&mut self) {
        if let Some(id) = self.age.front() {
            self.remove(*id);
        }
    }
    /// Forgets one block; those that wait for it stay.
    pub fn remove(&mut self, id: Digest) {
        let Some(o) = self.by_id.remove(&id) else { return };
        self.age.retain(|a| *a != id);
        let siblings = self.by_parent.get_mut(&o.parent).expect("an orphan is listed under its parent");
        siblings.retain(|s| *s != id);
        if siblings.is_empty() {
            self.by_parent.remove(&o.parent);
        }
    }
}
