//! Every message at its sender's boundary: one row a copy.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::effect::Lane;
use crate::types::{Digest, Height, NodeId, Time};

/// One copy of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// When it left.
    pub time: Time,
    /// Its sender.
    pub from: NodeId,
    /// Its recipient.
    pub to: NodeId,
    /// [`crate::Message::kind`].
    pub kind: &'static str,
    /// Its lane.
    pub lane: Lane,
    /// The sender's finalised height.
    pub height: Height,
    /// Its encoded length in bytes.
    pub bytes: u32,
}

/// All messages of a run.
#[derive(Debug, Default)]
pub struct Traffic {
    /// In the order of their sends.
    pub sent: Vec<Sent>,
    /// When a payload was first carried by a message, and by whom it was sent.
    pub proposed: BTreeMap<Digest, (Time, NodeId)>,
}

impl Traffic {
    /// Copies sent in a span of time, by kind.
    pub fn by_kind(&self, when: Range<Time>) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for s in self.sent.iter().filter(|s| when.contains(&s.time)) {
            *counts.entry(s.kind).or_insert(0) += 1;
        }
        counts
    }
    /// Copies sent in a span of time.
    pub fn count(&self, when: Range<Time>) -> u64 {
        self.by_kind(when).values().sum()
    }
}
