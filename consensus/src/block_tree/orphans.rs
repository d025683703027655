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

/// The orphans.
#[derive(Clone, Debug)]
pub struct Orphans<B> {
    limit: usize,
    /// Nothing until the first one comes: most replicas never see any.
    waiting: Option<Box<Waiting<B>>>,
}

/// By id, by the parent for which they wait, and by age.
#[derive(Clone, Debug)]
struct Waiting<B> {
    by_id: BTreeMap<Digest, Orphan<B>>,
    by_parent: BTreeMap<Digest, Vec<Digest>>,
    age: VecDeque<Digest>,
}

impl<B> Orphans<B> {
    /// At most `limit` blocks wait.
    pub fn new(limit: usize) -> Orphans<B> {
        assert!(limit > 0, "no room for orphans");
        Orphans { limit, waiting: None }
    }
    /// Number of blocks that wait.
    pub fn len(&self) -> usize {
        self.waiting.as_ref().map_or(0, |w| w.by_id.len())
    }
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Whether a block waits.
    pub fn has(&self, id: Digest) -> bool {
        self.get(id).is_some()
    }
    /// A block that waits.
    pub fn get(&self, id: Digest) -> Option<&B> {
        self.waiting.as_ref()?.by_id.get(&id).map(|o| &o.block)
    }
    /// Keeps a block that came from `from`; says which ancestor is missing, following other orphans down.
    pub fn add(&mut self, id: Digest, parent: Digest, height: Height, from: NodeId, block: B) -> Missing {
        if !self.has(id) {
            if self.len() == self.limit {
                self.forget_oldest();
            }
            let empty = || Waiting { by_id: BTreeMap::new(), by_parent: BTreeMap::new(), age: VecDeque::new() };
            let waiting = self.waiting.get_or_insert_with(|| Box::new(empty()));
            waiting.by_id.insert(id, Orphan { parent, height, from, block });
            waiting.by_parent.entry(parent).or_default().push(id);
            waiting.age.push_back(id);
        }
        self.missing(id)
    }
    /// The lowest unknown ancestor of an orphan.
    ///
    /// # Panics
    /// If the block is not an orphan.
    pub fn missing(&self, id: Digest) -> Missing {
        let by_id = &self.waiting.as_ref().expect("the block is an orphan").by_id;
        let mut o = &by_id[&id];
        while let Some(below) = by_id.get(&o.parent).filter(|below| below.height < o.height) {
            o = below;
        }
        Missing { id: o.parent, height: o.height.saturating_sub(1) }
    }
    /// Every unknown ancestor, with the peer that sent a block on top of it.
    pub fn all_missing(&self) -> Vec<(Missing, NodeId)> {
        let Some(w) = &self.waiting else { return vec![] };
        let lowest = w.by_parent.iter().filter(|(parent, _)| !w.by_id.contains_key(*parent));
        lowest
            .map(|(parent, children)| {
                let o = &w.by_id[&children[0]];
                (Missing { id: *parent, height: o.height.saturating_sub(1) }, o.from)
            })
            .collect()
    }
    /// Takes the blocks that wait for `parent`, in the order in which they came.
    pub fn take(&mut self, parent: Digest) -> Vec<(NodeId, B)> {
        let Some(w) = &mut self.waiting else { return vec![] };
        let Some(ids) = w.by_parent.remove(&parent) else { return vec![] };
        w.age.retain(|id| !ids.contains(id));
        ids.into_iter().filter_map(|id| w.by_id.remove(&id)).map(|o| (o.from, o.block)).collect()
    }
    /// Forgets every block that descends from the unknown `ancestor`.
    pub fn forget(&mut self, ancestor: Digest) {
        let Some(w) = &mut self.waiting else { return };
        let mut stack = vec![ancestor];
        while let Some(parent) = stack.pop() {
            let ids = w.by_parent.remove(&parent).unwrap_or_default();
            w.age.retain(|id| !ids.contains(id));
            for id in ids {
                w.by_id.remove(&id);
                stack.push(id);
            }
        }
    }
    fn forget_oldest(&mut self) {
        if let Some(id) = self.waiting.as_ref().and_then(|w| w.age.front().copied()) {
            self.remove(id);
        }
    }
    /// Forgets one block; those that wait for it stay.
    pub fn remove(&mut self, id: Digest) {
        let Some(w) = &mut self.waiting else { return };
        let Some(o) = w.by_id.remove(&id) else { return };
        w.age.retain(|a| *a != id);
        let siblings = w.by_parent.get_mut(&o.parent).expect("an orphan is listed under its parent");
        siblings.retain(|s| *s != id);
        if siblings.is_empty() {
            w.by_parent.remove(&o.parent);
        }
    }
}
