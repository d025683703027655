//! What happens at a node and when: the heap's elements.

use std::cmp::Ordering;

use crate::message::PayloadRef;
use crate::protocol::{Peer, Protocol, Verdict};
use crate::types::{Digest, LogSeq, NodeId, Ticket, Time, Tip, Topic};

/// An input of a replica, or an event of its host.
#[derive(Clone, Debug)]
pub(super) enum Input<P: Protocol> {
    Start,
    Message {
        from: NodeId,
        topic: Option<Topic>,
        message: P::Message,
    },
    Timer {
        kind: usize,
        set: u64,
        timer: P::Timer,
    },
    Work,
    Payload(Ticket, PayloadRef),
    Judged(Ticket, Verdict),
    Checked(Ticket),
    Durable {
        upto: LogSeq,
    },
    Mined {
        race: u64,
        ticket: Ticket,
    },
    State(Tip),
    Peer(NodeId, Peer),
    /// The answer to a fetch is due from the peer `tries` places after the hint.
    Fetch {
        key: Digest,
        hint: NodeId,
        tries: u32,
    },
    /// As `Fetch`, for the ledger.
    Sync {
        tip: Tip,
        hint: NodeId,
        tries: u32,
    },
    /// A `Build` with this number must be answered with what is there.
    Deadline {
        build: u64,
    },
    /// Transactions came: a waiting `Build` may be answered.
    Supply,
}

/// An input at its time; `incarnation` is the recipient's when it was queued, so a crash loses it.
#[derive(Clone, Debug)]
pub(super) struct Event<P: Protocol> {
    pub at: Time,
    pub from: NodeId,
    pub seq: u64,
    pub to: NodeId,
    pub incarnation: u32,
    pub input: Input<P>,
}

impl<P: Protocol> Event<P> {
    fn key(&self) -> (Time, NodeId, u64) {
        (self.at, self.from, self.seq)
    }
}

impl<P: Protocol> PartialEq for Event<P> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl<P: Protocol> Eq for Event<P> {}
impl<P: Protocol> PartialOrd for Event<P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<P: Protocol> Ord for Event<P> {
    /// Reversed: the heap's greatest is the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}
