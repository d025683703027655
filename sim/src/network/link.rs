//! One direction of a host's network card: bytes queue, they never pass through each other.
//!
//! First in, first out, without a queue in memory: the card remembers only when it is free. Every transmission is
//! audited: none starts before the last one ended, so the card never carries more than its rate.

use ledgerlab_consensus::{Span, Time};

/// A rate in bit/s.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    bits_per_s: u64,
}

/// Nanoseconds in which a link of 1 bit/s carries a byte.
const BYTE_NS: u64 = 8_000_000_000;

impl Rate {
    /// A rate in bit/s; `u64::MAX` is unlimited.
    pub fn bits_per_s(rate: u64) -> Rate {
        assert!(rate > 0, "a link without a rate");
        Rate { bits_per_s: rate }
    }
    /// Bytes carried in a time, rounded down.
    pub fn bytes_in(self, time: Span) -> u64 {
        (u128::from(time.0) * u128::from(self.bits_per_s) / u128::from(BYTE_NS)).min(u128::from(u64::MAX)) as u64
    }
    /// Time to carry `bytes`, rounded up.
    pub fn carry(self, bytes: u64) -> Span {
        if self.bits_per_s == u64::MAX {
            return Span::ZERO;
        }
        // What fits into 64 bits is divided there: at most 2 GiB, so nearly always.
        match bytes.checked_mul(BYTE_NS) {
            Some(product) => Span(product.div_ceil(self.bits_per_s)),
            None => Span((u128::from(bytes) * u128::from(BYTE_NS)).div_ceil(u128::from(self.bits_per_s)) as u64),
        }
    }
}

/// A card's direction.
#[derive(Clone, Debug)]
pub struct Link {
    rate: Rate,
    free: Time,
    bytes: u64,
    busy: Span,
    /// The second that is being filled, how long it was busy, and the busiest one before it.
    second: u64,
    filled: Span,
    peak: Span,
}

const SECOND: u64 = 1_000_000_000;

impl Link {
    /// An idle link.
    pub fn new(rate: Rate) -> Link {
        Link { rate, free: Time::ZERO, bytes: 0, busy: Span::ZERO, second: 0, filled: Span::ZERO, peak: Span::ZERO }
    }
    /// Queues `bytes` that are there at `at`; returns when the last of them has passed.
    pub fn carry(&mut self, at: Time, bytes: u32) -> Time {
        let start = self.free.max(at);
        let took = self.rate.carry(u64::from(bytes));
        self.free = start + took;
        self.bytes += u64::from(bytes);
        self.busy += took;
        self.fill(start, took);
        self.free
    }
    /// Accounts a transmission to the seconds in which it lies; none may be filled beyond its end.
    fn fill(&mut self, start: Time, took: Span) {
        let (mut at, mut left) = (start.0, took.0);
        loop {
            if at / SECOND != self.second {
                self.peak = self.peak.max(self.filled);
                (self.second, self.filled) = (at / SECOND, Span::ZERO);
            }
            let part = left.min(SECOND - at % SECOND);
            self.filled += Span(part);
            assert!(self.filled.0 <= SECOND, "a link carries more than its rate");
            left -= part;
            at += part;
            if left == 0 {
                return;
            }
        }
    }
    /// The busiest second, as a share of the rate.
    pub fn peak(&self) -> f64 {
        self.peak.max(self.filled).0 as f64 / SECOND as f64
    }
    /// When everything that is queued has passed.
    pub fn free(&self) -> Time {
        self.free
    }
    /// Bytes carried or queued so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
    /// Share of the time up to `now` that it was busy.
    pub fn utilisation(&self, now: Time) -> f64 {
        let waiting = self.free.since(now);
        self.busy.0.saturating_sub(waiting.0) as f64 / now.0.max(1) as f64
    }
    /// Whether everything carried fits into the time up to `now` and the queue behind it.
    pub fn within_rate(&self, now: Time) -> bool {
        self.busy.0 <= self.free.max(now).0 && self.rate.carry(self.bytes).0 <= self.free.max(now).0
    }
    /// Forgets what is queued behind `now`: the machine crashed.
    pub fn reset(&mut self, now: Time) {
        let lost = self.free.since(now);
        self.busy = Span(self.busy.0.saturating_sub(lost.0));
        self.bytes = self.bytes.min(self.rate.bytes_in(self.busy));
        self.free = self.free.min(now);
        if self.free.0 / SECOND <= self.second {
            (self.second, self.filled) = (self.free.0 / SECOND, Span::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_queue_and_fractions_are_kept() {
        let mut l = Link::new(Rate::bits_per_s(1_000_000_000));
        assert_eq!(l.carry(Time(100), 125), Time(1_100));
        assert_eq!(l.carry(Time(100), 125), Time(2_100), "the second waits for the first");
        assert_eq!(l.carry(Time(5_000), 125), Time(6_000), "an idle link starts at once");
        assert_eq!(Rate::bits_per_s(100_000_000_000).carry(1_000), Span(80));
        assert!(l.within_rate(Time(6_000)));
        assert!((l.utilisation(Time(6_000)) - 0.5).abs() < 1e-9);
    }
}
