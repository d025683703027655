//! Which records the log still has to keep: what a restarted replica could not do without.
//!
//! - The last one: the vote that must not be contradicted, the lock, the view and how it was entered.
//! - Blocks above the committed tip, whose certificates would otherwise certify what nobody has.
//! - A record with a higher certificate than the last one has, since new-views must tell the highest.
//!
//! Records go from the old end only, so one that is needed keeps those after it, and several at a time, since a log
//! with some more of them recovers the same.

use std::collections::VecDeque;

use super::HotStuff;
use super::message::Block;
use crate::effect::Cx;
use crate::types::{Height, LogSeq, View};

/// The log is not looked at before it has so many records, and old blocks are given up so many at a time.
pub const MANY: usize = 16;

/// What decides on a record.
#[derive(Clone, Copy, Debug)]
struct Entry {
    seq: LogSeq,
    height: Height,
    certified: View,
}

/// The records from the oldest that is needed on.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    entries: VecDeque<Entry>,
}

impl Kept {
    /// A record was logged.
    pub fn add(&mut self, seq: LogSeq, block: &Block) {
        self.entries.push_back(Entry { seq, height: block.height, certified: block.justify.what.major });
    }
    /// Everything up to `height` is in the ledger: gives up the records that nothing needs, and what is older than these.
    pub fn commit(&mut self, height: Height, cx: &mut Cx<'_, HotStuff>) {
        let Some(last) = self.entries.back().copied().filter(|_| self.entries.len() >= MANY) else { return };
        let before = self.entries.len();
        let done = |e: &Entry| e.seq < last.seq && e.height <= height && e.certified <= last.certified;
        while self.entries.front().is_some_and(done) {
            self.entries.pop_front();
        }
        if self.entries.len() < before {
            cx.truncate(self.entries[0].seq);
        }
    }
}
