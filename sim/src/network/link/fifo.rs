//! First in, first out, without a queue in memory: the link remembers only when it is free.

use ledgerlab_consensus::{Span, Time};

use super::Rate;

/// A link on which bytes queue and never pass through each other.
#[derive(Clone, Debug)]
pub struct Fifo {
    rate: Rate,
    free: Time,
    bytes: u64,
    busy: Span,
    /// The last size, and how long it took: copies of a message follow each other.
    last: (u32, Span),
}

impl Fifo {
    /// An idle link.
    pub fn new(rate: Rate) -> Fifo {
        Fifo { rate, free: Time::ZERO, bytes: 0, busy: Span::ZERO, last: (0, Span::ZERO) }
    }
    /// How long so many bytes take.
    #[inline]
    fn takes(&mut self, bytes: u32) -> Span {
        if self.last.0 != bytes {
            self.measure(bytes);
        }
        self.last.1
    }
    #[cold]
    #[inline(never)]
    fn measure(&mut self, bytes: u32) {
        self.last = (bytes, self.rate.carry(u64::from(bytes)));
    }
    /// When the first of `bytes` that are there at `at` would begin to pass if they were queued next, and when the last
    /// would have.
    #[inline]
    pub fn foresee(&mut self, at: Time, bytes: u32) -> (Time, Time) {
        let begin = self.free.max(at);
        (begin, begin + self.takes(bytes))
    }
    /// Queues `bytes` as foreseen.
    #[inline]
    pub fn take(&mut self, (begin, end): (Time, Time), bytes: u32) {
        self.free = end;
        self.bytes += u64::from(bytes);
        self.busy.0 += end.0 - begin.0;
    }
    /// Queues `bytes` that are there at `at`; returns when the first of them begins to pass and when the last has.
    #[inline]
    pub fn carry(&mut self, at: Time, bytes: u32) -> (Time, Time) {
        let passage = self.foresee(at, bytes);
        self.take(passage, bytes);
        passage
    }
    /// The same for copies: returns when the first begins to pass, and for how long each passes.
    #[inline]
    pub fn stream(&mut self, at: Time, bytes: u32, copies: u32) -> (Time, Span) {
        let begin = self.free.max(at);
        let each = self.takes(bytes);
        self.free = begin + each * u64::from(copies);
        self.bytes += u64::from(bytes) * u64::from(copies);
        self.busy += each * u64::from(copies);
        (begin, each)
    }
    /// From when on nothing is queued.
    pub fn free(&self) -> Time {
        self.free
    }
    /// Bytes carried or queued so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
    /// For how long it was busy up to `now`.
    pub fn busy(&self, now: Time) -> Span {
        Span(self.busy.0.saturating_sub(self.free.since(now).0))
    }
    /// Forgets what is queued behind `now`.
    pub fn reset(&mut self, now: Time) {
        let lost = self.free.since(now);
        self.busy = self.busy(now);
        self.bytes = self.bytes.saturating_sub(self.rate.bytes_in(lost));
        self.free = self.free.min(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_queue_and_fractions_are_kept() {
        let mut l = Fifo::new(Rate::bits_per_s(1_000_000_000));
        assert_eq!(l.carry(Time(100), 125), (Time(100), Time(1_100)));
        assert_eq!(l.carry(Time(100), 125), (Time(1_100), Time(2_100)), "the second waits for the first");
        assert_eq!(l.carry(Time(5_000), 125), (Time(5_000), Time(6_000)), "an idle link starts at once");
        assert_eq!(Rate::bits_per_s(100_000_000_000).carry(1_000), Span(80));
        assert_eq!((l.bytes(), l.busy(Time(6_000)), l.busy(Time(5_500))), (375, Span(3_000), Span(2_500)));
    }

    #[test]
    fn a_crash_loses_what_waits() {
        let mut l = Fifo::new(Rate::bits_per_s(8_000_000_000));
        l.carry(Time(0), 1_000);
        l.carry(Time(0), 1_000);
        l.reset(Time(1_200));
        assert_eq!((l.bytes(), l.busy(Time(5_000))), (1_200, Span(1_200)));
        assert_eq!(l.carry(Time(1_500), 10), (Time(1_500), Time(1_510)));
    }
}
