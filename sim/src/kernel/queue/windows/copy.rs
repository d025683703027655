//! A copy of a stored message in 8 bytes: its time within a window, its recipient and the message's slot.
//!
//! The origin is the message's, so it is kept once, by slot.

use ledgerlab_consensus::Time;

use super::super::{Event, Origin};

/// Bits of the time within a window: windows of up to 2^24 ns (17 ms).
pub const OFFSET_BITS: u32 = 24;
/// Bits of the recipient: 262,144 nodes.
const TARGET_BITS: u32 = 18;
/// Bits of the slot: 4 million messages on their way.
const SLOT_BITS: u32 = 22;

/// Time within its window, recipient and slot, from the high bits down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Copy8(u64);

impl Copy8 {
    /// Whether a recipient and a slot have a place in a record.
    #[inline]
    pub fn fits(target: u32, slot: u32) -> bool {
        target >> TARGET_BITS == 0 && slot >> SLOT_BITS == 0
    }
    /// Of a recipient and a slot that fit, in a window of at most 2^[`OFFSET_BITS`] ns.
    #[inline]
    pub fn pack(offset: u64, target: u32, slot: u32) -> Copy8 {
        Copy8(offset << (64 - OFFSET_BITS) | u64::from(target) << SLOT_BITS | u64::from(slot))
    }
    /// Time since the window's start.
    #[inline]
    pub fn offset(self) -> u64 {
        self.0 >> (64 - OFFSET_BITS)
    }
    /// The recipient.
    #[inline]
    pub fn target(self) -> u32 {
        (self.0 >> SLOT_BITS) as u32 & ((1 << TARGET_BITS) - 1)
    }
    /// The message's slot.
    #[inline]
    pub fn slot(self) -> u32 {
        self.0 as u32 & ((1 << SLOT_BITS) - 1)
    }
    /// The event in a window that starts at `base`.
    #[inline]
    pub fn event(self, base: u64, origins: &[Origin]) -> Event {
        let at = Time(base + self.offset());
        Event { at, origin: origins[self.slot() as usize], target: self.target(), what: self.slot() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_loses_nothing_up_to_the_limits() {
        let origins = vec![Origin::new(9, 8); 1 << SLOT_BITS];
        for (offset, target, what) in [(0, 0, 0), ((1 << 24) - 1, (1 << 18) - 1, (1 << 22) - 1), (77, 5, 1 << 20)] {
            let event = Event { at: Time(1 << 40 | offset), origin: Origin::new(9, 8), target, what };
            assert!(Copy8::fits(target, what));
            assert_eq!(Copy8::pack(offset, target, what).event(1 << 40, &origins), event);
        }
        assert!(!Copy8::fits(1 << 18, 0) && !Copy8::fits(0, 1 << 22));
    }
}
