//! The reference queue: a plain 4-ary heap, O(log n) for everything, whatever the schedule.

use ledgerlab_consensus::Time;

use super::{Event, Queue};

/// A 4-ary heap of events by value.
#[derive(Debug, Default)]
pub struct Heap {
    items: Vec<Event>,
}

impl Heap {
    /// The event that would be popped.
    #[inline]
    pub fn first(&self) -> Option<&Event> {
        self.items.first()
    }

    /// Events that there is room for.
    pub(super) fn capacity(&self) -> usize {
        self.items.capacity()
    }

    /// All events, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Event> {
        self.items.iter()
    }

    /// Takes all events out, in no order.
    pub(super) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.items)
    }
}

impl Queue for Heap {
    fn push(&mut self, event: Event) {
        let mut i = self.items.len();
        self.items.push(event);
        while i > 0 {
            let parent = (i - 1) / 4;
            if !event.precedes(&self.items[parent]) {
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
            let children = self.items[first.min(self.items.len())..].iter().take(4).enumerate();
            let least = children.reduce(|a, b| if b.1.precedes(a.1) { b } else { a });
            let Some((place, &least)) = least.filter(|(_, least)| least.precedes(&last)) else { break };
            self.items[i] = least;
            i = first + place;
        }
        self.items[i] = last;
        Some(top)
    }

    fn next_at(&mut self) -> Option<Time> {
        self.items.first().map(|e| e.at)
    }

    fn len(&self) -> usize {
        self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::queue::Origin;
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
}
