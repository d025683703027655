//! The replica's log of proposals: a ring of slots, one for each height between the water marks.
//!
//! A slot is reused by the height one window above it; executed blocks stay until then, so that peers can fetch
//! them.

use std::sync::Arc;

use super::block::{Header, PrePrepare};
use crate::message::SharedCertificate;
use crate::types::{Digest, Height, LogSeq, View};

/// Slots of a ring at first.
const FIRST: u64 = 8;

/// What a replica knows of one height.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    height: Height,
    /// The newest proposal.
    pub proposal: Option<Arc<PrePrepare>>,
    /// Whether its payload is at hand.
    pub held: bool,
    /// Whether this replica has bound itself to it in its view, by a pre-prepare or a prepare.
    pub voted: bool,
    /// The log record of that vote.
    pub logged: LogSeq,
    /// The oldest log record about the proposal's block, 0 if there is none.
    pub since: LogSeq,
    /// The newest prepared certificate for the proposal's block: the backups' prepares.
    pub prepared: Option<SharedCertificate>,
    /// The commits of a quorum for the proposal's block.
    pub commits: Option<SharedCertificate>,
    /// A block that an honest replica votes for.
    pub hint: Option<Digest>,
}

impl Slot {
    /// The proposed block.
    pub fn header(&self) -> Option<&Header> {
        self.proposal.as_ref().map(|p| &p.header)
    }
    /// The proposed block's digest.
    pub fn block(&self) -> Option<Digest> {
        self.header().map(|h| h.block)
    }
    /// Whether a prepared certificate of this view is here.
    #[inline]
    pub fn prepared_in(&self, view: View) -> bool {
        self.prepared.as_ref().is_some_and(|c| c.what.minor == view)
    }
    /// This replica is bound to the proposal by a log record.
    pub fn bind(&mut self, seq: LogSeq) {
        self.voted = true;
        self.logged = seq;
        if self.since == LogSeq(0) {
            self.since = seq;
        }
    }
    /// Takes a proposal of another view; what is known of the block survives if it is the same block.
    pub fn propose(&mut self, proposal: Arc<PrePrepare>) {
        if self.block() != Some(proposal.header.block) {
            *self = Slot { height: self.height, hint: self.hint, ..Slot::default() };
        }
        self.voted = false;
        self.proposal = Some(proposal);
    }
}

/// The ring.
#[derive(Clone, Debug)]
pub struct Window {
    len: u64,
    /// A power of two, at most the next one of `len`: as many as heights have been met, up to the window.
    ring: Vec<Slot>,
}

impl Window {
    /// Room for `len` heights.
    pub fn new(len: u64) -> Window {
        Window { len, ring: vec![Slot::default(); len.next_power_of_two().min(FIRST) as usize] }
    }
    /// Number of heights.
    pub fn len(&self) -> u64 {
        self.len
    }
    #[inline]
    fn index(&self, height: Height) -> usize {
        height as usize & (self.ring.len() - 1)
    }
    /// The slot of a height, if it is in use.
    #[inline]
    pub fn get(&self, height: Height) -> Option<&Slot> {
        Some(&self.ring[self.index(height)]).filter(|s| s.height == height && height > 0)
    }
    /// The slot of a height, if it is in use.
    pub fn get_mut(&mut self, height: Height) -> Option<&mut Slot> {
        let i = self.index(height);
        Some(&mut self.ring[i]).filter(|s| s.height == height && height > 0)
    }
    /// The slot of a height; takes the place of the height one window below.
    pub fn open(&mut self, height: Height) -> &mut Slot {
        let mut i = self.index(height);
        while ![0, height].contains(&self.ring[i].height) && !self.is_whole() {
            self.grow();
            i = self.index(height);
        }
        let slot = &mut self.ring[i];
        if slot.height != height {
            *slot = Slot { height, ..Slot::default() };
        }
        slot
    }
    fn is_whole(&self) -> bool {
        self.ring.len() as u64 >= self.len
    }
    /// Makes room for twice as many heights.
    fn grow(&mut self) {
        let all = std::mem::take(&mut self.ring);
        self.ring.resize(2 * all.len(), Slot::default());
        for slot in all.into_iter().filter(|s| s.height > 0) {
            let i = self.index(slot.height);
            self.ring[i] = slot;
        }
    }
    /// Forgets what is known of a height.
    pub fn clear(&mut self, height: Height) {
        let i = self.index(height);
        if self.ring[i].height == height {
            self.ring[i] = Slot { height, ..Slot::default() };
        }
    }
    /// The proposal of a block.
    pub fn find(&self, block: Digest) -> Option<&Slot> {
        self.ring.iter().find(|s| s.block() == Some(block))
    }
    /// Number of slots that hold a proposal.
    #[cfg(test)]
    pub fn used(&self) -> usize {
        self.ring.iter().filter(|s| s.proposal.is_some()).count()
    }
}
