//! Pending events, popped in the order of their key.
//!
//! The key is (time, sender, sender's sequence). The sender assigns it, so the order is the same for every queue,
//! partition and thread count; two events with equal keys are a bug. [`Heap`] is the plain reference: a 4-ary heap
//! of small values. A faster queue stands behind the same trait and is compared with it.

use ledgerlab_consensus::Time;

/// Sender and sequence number packed so that their order is the integers' order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Origin(pub u64);

/// Bits of [`Origin`] that hold the sequence number: 24 bits are left for the sender.
const SEQUENCE_BITS: u32 = 40;

impl Origin {
    /// A host's own wake: after everything else of the same time; it never enters a digest.
    pub const WAKE: Origin = Origin(u64::MAX);

    /// The `sequence`-th effect of a sender.
    ///
    /// # Panics
    /// If a sender takes more than 2^40 numbers or there are more than 2^24 senders.
    pub fn new(sender: u32, sequence: u64) -> Origin {
        assert!(sequence >> SEQUENCE_BITS == 0 && sender >> 24 == 0, "event key overflow: {sender}/{sequence}");
        Origin(u64::from(sender) << SEQUENCE_BITS | sequence)
    }
    /// The sender.
    pub fn sender(self) -> u32 {
        (self.0 >> SEQUENCE_BITS) as u32
    }
    /// The sender's sequence number.
    pub fn sequence(self) -> u64 {
        self.0 & ((1 << SEQUENCE_BITS) - 1)
    }
}

/// One pending event: 24 bytes, copied freely.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub at: Time,
    /// From whom; with `at` the key.
    pub origin: Origin,
    /// To which node or host.
    pub target: u32,
    /// What: a handle that only the target's owner understands.
    pub what: u32,
}

impl Event {
    fn key(&self) -> (Time, Origin, u32) {
        // One broadcast has one origin for all its recipients: the target tells its copies apart.
        (self.at, self.origin, self.target)
    }
}

/// What a kernel needs of a queue.
pub trait Queue {
    /// Adds an event; never earlier than the last one popped.
    fn push(&mut self, event: Event);
    /// Removes the event with the least key.
    fn pop(&mut self) -> Option<Event>;
    /// Time of the event that would be popped.
    fn next_at(&self) -> Option<Time>;
    /// Number of pending events.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The reference: a 4-ary heap, O(log n) for everything.
#[derive(Debug, Default)]
pub struct Heap {
    items: Vec<Event>,
}

impl Queue for Heap {
    fn push(&mut self, event: Event) {
        let mut i = self.items.len();
        self.items.push(event);
        while i > 0 {
            let parent = (i - 1) / 4;
            if self.items[parent].key() <= event.key() {
                break;
            }
            self.items[i] = self.items[parent];
            i = parent;
        }
        self.items[i] = event;
    }

    fn pop(&mut self) -> Option<Event> {
        let last = self.items.pop()?;
        let Some(&top) = self.items.first() else { return Some(last) };
        let mut i = 0;
        loop {
            let first = i * 4 + 1;
            let children = first..(first + 4).min(self.items.len());
            let Some(least) = children.min_by_key(|&c| self.items[c].key()) else { break };
            if last.key() <= self.items[least].key() {
                break;
            }
            self.items[i] = self.items[least];
            i = least;
        }
        self.items[i] = last;
        Some(top)
    }

    fn next_at(&self) -> Option<Time> {
        self.items.first().map(|e| e.at)
    }

    fn len(&self) -> usize {
        self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledgerlab_consensus::types::mix64;

    #[test]
    fn pops_in_key_order_ties_included() {
        let mut heap = Heap::default();
        let mut model = std::collections::BTreeSet::new();
        let mut now = 0;
        for i in 0..20_000_u64 {
            let r = mix64(i + 1);
            // Times collide often; half the steps pop.
            let event = Event {
                at: Time(now + r % 7),
                origin: Origin::new((r >> 8) as u32 % 5, i),
                target: (r >> 16) as u32 % 3,
                what: i as u32,
            };
            heap.push(event);
            model.insert((event.key(), event.what));
            if r & 1 << 40 != 0 {
                let popped = heap.pop().map(|e| (e.key(), e.what));
                assert_eq!(popped, model.pop_first());
                now = popped.map_or(now, |((at, ..), _)| at.0);
            }
            assert_eq!(heap.len(), model.len());
        }
        while let Some(e) = heap.pop() {
            assert_eq!(Some((e.key(), e.what)), model.pop_first());
        }
        assert!(model.is_empty());
    }

    #[test]
    fn an_origin_orders_by_sender_then_sequence() {
        assert!(Origin::new(1, (1 << 40) - 1) < Origin::new(2, 0));
        let o = Origin::new(77, 123);
        assert_eq!((o.sender(), o.sequence()), (77, 123));
    }
}
