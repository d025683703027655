//! No uplink or downlink ever carries more than its rate.
//!
//! Every transmission of a link is shown, in order. Three things must hold: transmissions, or where they share the
//! link its busy periods, do not overlap; a busy period never runs ahead of the rate by a nanosecond's worth of bits;
//! and no second of the run carries more than the rate. The parts of a transmission that lies in several
//! seconds are counted in fixed point (2^-16 bit); they add up to the whole.

use ledgerlab_consensus::{Span, Time};

use super::{Outcome, Violation};
use crate::fault::Window;

const SECOND: u64 = 1_000_000_000;
const POINT: u32 = 16;
/// No transmission: bytes and nanoseconds.
const NONE: (u32, u32) = (0, u32::MAX);
const LINKS: [&str; 2] = ["uplink", "downlink"];

/// The observer of one direction of one network card.
#[derive(Clone, Debug)]
pub struct LinkAudit {
    link: u8,
    host: u32,
    rate: u64,
    last_end: Time,
    busy_since: Time,
    busy_bits: u64,
    /// The last busy period of a second or more before this one.
    full: (Time, Time),
    /// When the second began that is being filled.
    second: Time,
    second_bits: u64,
    second_limit: u64,
    fullest: u64,
    /// Bytes and nanoseconds of a transmission that is no faster than the rate: a busy period that is within the rate
    /// is still so after another one of them. There is none where the busy period is not.
    slow: (u32, u32),
}

impl LinkAudit {
    /// An observer of `link` ("uplink") of a host that carries `rate` bit/s.
    pub fn new(link: &'static str, host: u32, rate_bit_per_s: u64) -> LinkAudit {
        assert!(rate_bit_per_s > 0, "a link without a rate");
        // One nanosecond's worth above the rate, as in a busy period.
        let limit = (u128::from(rate_bit_per_s) << POINT) * u128::from(SECOND + 1) / u128::from(SECOND);
        LinkAudit {
            link: u8::from(link == LINKS[1]),
            host,
            rate: rate_bit_per_s,
            last_end: Time::ZERO,
            busy_since: Time::ZERO,
            busy_bits: 0,
            full: (Time::ZERO, Time::ZERO),
            second: Time::ZERO,
            second_bits: 0,
            second_limit: u64::try_from(limit).unwrap_or(u64::MAX),
            fullest: 0,
            slow: NONE,
        }
    }

    /// Counts `bytes` that occupy the link by themselves from `start` to `end` if all is well and they lie within the
    /// second that is being filled, as nearly all do; does nothing else. Says whether it did.
    #[inline(always)]
    pub fn follows(&mut self, start: Time, end: Time, bytes: u64) -> bool {
        let (pause, (slow, time)) = (start > self.last_end, self.slow);
        let known = (bytes, end.0.wrapping_sub(start.0)) == (slow.into(), time.into());
        let second_bits = self.second_bits.saturating_add((bytes * 8) << POINT);
        debug_assert!(self.second <= self.last_end);
        let fits = self.last_end <= start
            && end.0.wrapping_sub(self.second.0) <= SECOND
            && second_bits <= self.second_limit
            // Before a pause a long busy period is kept.
            && !(pause && self.last_end.0 - self.busy_since.0 >= SECOND)
            && (known || self.goes_on(start, end, bytes));
        if fits {
            if pause {
                (self.busy_since, self.busy_bits) = (start, 0);
            }
            self.busy_bits += bytes * 8;
            (self.last_end, self.second_bits) = (end, second_bits);
        }
        fits
    }

    /// Whether the busy period is within the rate after a transmission; remembers one that is no faster by itself.
    #[inline(never)]
    fn goes_on(&mut self, start: Time, end: Time, bytes: u64) -> bool {
        let (since, before) = if start > self.last_end { (start, 0) } else { (self.busy_since, self.busy_bits) };
        let (bits, took) = (bytes * 8, end.0.wrapping_sub(start.0));
        let fits = start <= end && self.is_within_rate(before + bits, end.0 - since.0);
        if fits && u128::from(bits) * u128::from(SECOND) <= u128::from(self.rate) * u128::from(took) {
            self.slow = u32::try_from(bytes).ok().zip(u32::try_from(took).ok()).unwrap_or(NONE);
        }
        fits
    }

    /// `bytes` occupy the link by themselves from `start` to `end`. Calls come in order of `start`.
    pub fn transmit(&mut self, start: Time, end: Time, bytes: u64) -> Outcome {
        if start < self.last_end || end < start {
            return Err(self.overlap(start, end));
        }
        let bits = bytes * 8;
        if start > self.last_end {
            self.turn_busy(start);
        }
        (self.busy_bits, self.last_end) = (self.busy_bits + bits, end);
        self.within_rate(end)?;
        if self.second <= start && end.0 - self.second.0 <= SECOND {
            return self.fill(bits << POINT);
        }
        self.spread(start, end, bits)
    }

    /// Copies of `bytes` each, which follow one another from `start` and each occupy the link for `each`.
    pub fn stream(&mut self, start: Time, each: Span, bytes: u64, copies: u64) -> Outcome {
        if copies == 0 {
            return Ok(());
        }
        let end = start + each * copies;
        if bytes * 8 * copies >= 1 << (64 - POINT) || start.0 / SECOND != end.0 / SECOND {
            return (0..copies).try_for_each(|i| self.transmit(start + each * i, start + each * (i + 1), bytes));
        }
        // What is carried and what may be both grow by the same with each, so that the first and all of them tell.
        self.transmit(start, start + each, bytes)?;
        if copies == 1 {
            return Ok(());
        }
        self.transmit(start + each, end, bytes * (copies - 1))
    }

    /// `bytes` that shared the link with others have passed by `at`, in a period since `since` for which it was never
    /// idle. Calls come in order of `at`.
    pub fn passed(&mut self, since: Time, at: Time, bytes: u64) -> Outcome {
        if since != self.busy_since {
            if since < self.last_end {
                let (since, last) = (since.0, self.last_end.0);
                let what = format!("a busy period begins at {since} ns, but the one before it ends at {last} ns");
                return Err(self.fault(at, what));
            }
            self.turn_busy(since);
        }
        // Who was served when does not matter for the sum: bits count as if they had passed one after the other.
        let place = |bits: u64| since.0 + (u128::from(bits) * u128::from(SECOND) / u128::from(self.rate)) as u64;
        let bits = bytes * 8;
        let (from, to) = (place(self.busy_bits), place(self.busy_bits + bits));
        self.busy_bits += bits;
        self.last_end = Time(to);
        self.within_rate(at)?;
        self.spread(Time(from), Time(to), bits)
    }

    #[inline]
    fn turn_busy(&mut self, now: Time) {
        if self.last_end.since(self.busy_since).0 >= SECOND {
            self.full = (self.busy_since, self.last_end);
        }
        (self.busy_since, self.busy_bits) = (now, 0);
    }

    /// The present busy period and the last long one before, as far as they have lasted for a second by `now`.
    pub fn full(&self, now: Time) -> impl Iterator<Item = Window> {
        let present = (self.busy_since, self.last_end.min(now));
        [self.full, present].into_iter().filter(|(a, b)| b.since(*a).0 >= SECOND).map(|(from, to)| Window { from, to })
    }

    fn within_rate(&mut self, at: Time) -> Outcome {
        let spent = at.since(self.busy_since).0;
        if self.is_within_rate(self.busy_bits, spent) {
            return Ok(());
        }
        self.slow = NONE;
        Err(self.too_fast(at, spent))
    }

    /// Durations are whole nanoseconds: a busy period may be ahead by less than one.
    #[inline]
    fn is_within_rate(&self, bits: u64, spent: u64) -> bool {
        u128::from(bits) * u128::from(SECOND) < u128::from(self.rate) * u128::from(spent + 1)
    }

    #[cold]
    fn overlap(&self, start: Time, end: Time) -> Violation {
        let (s, e, last) = (start.0, end.0, self.last_end.0);
        self.fault(start, format!("a transmission from {s} to {e} ns, but the link is busy to {last} ns"))
    }

    #[cold]
    fn too_fast(&self, at: Time, spent: u64) -> Violation {
        let (b, since) = (self.busy_bits, self.busy_since.0);
        let what = format!("{b} bits in {spent} ns since {since} ns, at most {} bit/s are allowed", self.rate);
        self.fault(at, what)
    }

    /// What was to be transmitted after `now` is lost: the machine crashed. Its second is audited from here on.
    pub fn reset(&mut self, now: Time) {
        if self.last_end > now {
            self.last_end = now;
            self.turn_busy(now);
            (self.second, self.second_bits) = (Time(now.0 / SECOND * SECOND), 0);
        }
    }

    /// Share of its rate in its fullest second, 0 to 1.
    pub fn peak(&self) -> f64 {
        (self.fullest.max(self.second_bits) >> POINT) as f64 / self.rate as f64
    }

    /// Adds the bits to the seconds in which they are carried, in proportion.
    fn spread(&mut self, start: Time, end: Time, bits: u64) -> Outcome {
        let (total, length) = (bits << POINT, (end - start).0.max(1));
        let (mut from, mut placed) = (start.0, 0);
        loop {
            let to = end.0.min((from / SECOND + 1) * SECOND);
            let upto = if to == end.0 {
                total
            } else {
                (u128::from(total) * u128::from(to - start.0) / u128::from(length)) as u64
            };
            self.carry(Time(from / SECOND * SECOND), upto - placed)?;
            (from, placed) = (to, upto);
            if from == end.0 {
                return Ok(());
            }
        }
    }

    fn carry(&mut self, second: Time, share: u64) -> Outcome {
        if second != self.second {
            self.fullest = self.fullest.max(self.second_bits);
            (self.second, self.second_bits) = (second, 0);
        }
        self.fill(share)
    }

    #[inline]
    fn fill(&mut self, share: u64) -> Outcome {
        self.second_bits = self.second_bits.saturating_add(share);
        if self.second_bits > self.second_limit {
            return Err(self.overfilled());
        }
        Ok(())
    }

    #[cold]
    fn overfilled(&self) -> Violation {
        let (second, bits) = (self.second.0 / SECOND, self.second_bits >> POINT);
        let what = format!("second {second} carries {bits} bits of {} allowed", self.rate);
        self.fault(self.second, what)
    }

    fn fault(&self, at: Time, what: String) -> Violation {
        let link = LINKS[usize::from(self.link)];
        Violation { check: "link", at, node: None, what: format!("{link} of host {}: {what}", self.host) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(rate: u64) -> LinkAudit {
        LinkAudit::new("uplink", 2, rate)
    }
    fn length(bytes: u64, rate: u64) -> u64 {
        (bytes * 8 * SECOND).div_ceil(rate)
    }

    #[test]
    fn a_full_pipe_passes_for_any_rate_and_size() {
        for rate in [1_000_000, 12_345_679, 1_000_000_000, 10_000_000_000] {
            for bytes in [1_u64, 200, 1_447, 1_000_000] {
                let (mut l, mut at) = (link(rate), 0);
                for _ in 0..2_000 {
                    let end = at + length(bytes, rate);
                    l.transmit(Time(at), Time(end), bytes).unwrap();
                    at = end;
                }
            }
        }
    }

    #[test]
    fn copies_are_audited_as_if_they_were_shown_one_by_one() {
        // 1,000 bits at 3 Gbit/s last 333.3 ns: 333 each is too fast from the third on, 334 never is.
        for (each, copies) in [(333, 0), (333, 1), (333, 2), (333, 3), (334, 1), (334, 9), (334, 5_000_000)] {
            let (mut together, mut apart) = (link(3_000_000_000), link(3_000_000_000));
            let start = Time(SECOND / 2);
            let all = together.stream(start, Span(each), 125, copies);
            let single = |i| apart.transmit(start + Span(each) * i, start + Span(each) * (i + 1), 125);
            let (ok, peak) = ((0..copies).try_for_each(single).is_ok(), apart.peak());
            assert_eq!((all.is_ok(), together.last_end), (ok, apart.last_end), "{copies} of {each} ns");
            assert!(!ok || together.peak().to_bits() == peak.to_bits());
        }
    }

    #[test]
    fn what_follows_is_counted_as_if_it_were_transmitted() {
        use ledgerlab_consensus::types::mix64;
        for case in 0..200 {
            let (mut fast, mut plain, mut at, mut followed) = (link(1_000_000_000), link(1_000_000_000), 0_u64, 0);
            for i in 0..500 {
                let r = mix64(case ^ mix64(i));
                // Pauses, ends that touch, overlaps, and now and then too much in too little time.
                at += [0, 0, 50, 90_000, 3_000_000_000][r as usize % 5];
                // Many of one size, or all of different ones.
                let bytes = 1 + (r >> 16) % if case % 2 == 0 && r >> 40 & 7 > 0 { 2 } else { 1_500 };
                let start = at.saturating_sub(u64::from(r >> 8 & 0x3F == 0));
                let end = start + bytes * 8 - u64::from(r >> 32 & 0x3F == 0);
                let before = fast.clone();
                let follows = fast.follows(Time(start), Time(end), bytes);
                assert!(follows || format!("{fast:?}") == format!("{before:?}"), "it does nothing else");
                let fine = follows || fast.transmit(Time(start), Time(end), bytes).is_ok();
                assert_eq!(fine, plain.transmit(Time(start), Time(end), bytes).is_ok(), "{start} to {end}");
                assert_eq!(format!("{:?}", LinkAudit { slow: NONE, ..fast.clone() }), format!("{plain:?}"));
                (at, followed) = (at.max(end), followed + u64::from(follows));
            }
            assert!(followed > 100, "{followed} of 500");
        }
    }

    #[test]
    fn a_pipe_that_carries_fractions_of_nanoseconds_passes() {
        // 200 bytes at 7 Gbit/s last 228.57 ns; ends are cut to whole nanoseconds, the remainder is carried on.
        let rate = 7_000_000_000_u128;
        let (mut l, mut at) = (link(rate as u64), 0);
        for i in 1..=100_000_u128 {
            let end = (i * 1_600 * u128::from(SECOND) / rate) as u64;
            l.transmit(Time(at), Time(end), 200).unwrap();
            at = end;
        }
        assert!(l.peak() < 1.0);
    }

    #[test]
    fn a_long_transmission_fills_its_seconds_and_no_more() {
        let mut l = link(8_000);
        l.transmit(Time(SECOND / 2), Time(SECOND * 7 / 2), 3_000).unwrap();
        assert!((l.peak() - 1.0).abs() < 1e-6, "{}", l.peak());
        assert!(l.transmit(Time(SECOND * 7 / 2), Time(SECOND * 9 / 2), 1_001).is_err());
    }

    #[test]
    fn stretches_in_which_it_is_never_idle_are_known() {
        let mut l = link(8_000);
        let full = |l: &LinkAudit, now: u64| l.full(Time(now)).map(|w| (w.from.0, w.to.0)).collect::<Vec<_>>();
        l.transmit(Time(0), Time(SECOND / 2), 500).unwrap();
        l.transmit(Time(SECOND), Time(2 * SECOND), 1_000).unwrap();
        l.transmit(Time(2 * SECOND), Time(4 * SECOND), 2_000).unwrap();
        assert_eq!(full(&l, SECOND * 3 / 2), []);
        assert_eq!(full(&l, 3 * SECOND), [(SECOND, 3 * SECOND)]);
        l.transmit(Time(5 * SECOND), Time(6 * SECOND), 1_000).unwrap();
        assert_eq!(full(&l, 9 * SECOND), [(SECOND, 4 * SECOND), (5 * SECOND, 6 * SECOND)]);
    }

    #[test]
    fn a_crash_frees_the_link() {
        let mut l = link(8_000);
        l.transmit(Time(0), Time(3 * SECOND), 3_000).unwrap();
        l.reset(Time(SECOND / 2));
        l.transmit(Time(SECOND), Time(2 * SECOND), 1_000).unwrap();
        l.reset(Time(5 * SECOND));
        assert!(l.transmit(Time(SECOND), Time(2 * SECOND), 1_000).is_err(), "an idle link is not set back");
    }

    #[test]
    fn shared_transmissions_may_overlap_and_are_not_faster_together() {
        // Two of 1,000 bytes that share 8 kbit/s from the start, and one that follows when they are through.
        let mut l = link(8_000);
        l.passed(Time(0), Time(2 * SECOND), 1_000).unwrap();
        l.passed(Time(0), Time(2 * SECOND), 1_000).unwrap();
        l.passed(Time(2 * SECOND), Time(3 * SECOND), 1_000).unwrap();
        assert!((l.peak() - 1.0).abs() < 1e-6, "{}", l.peak());
        let mut l = link(8_000);
        l.passed(Time(0), Time(SECOND * 3 / 2), 1_000).unwrap();
        assert!(l.passed(Time(0), Time(SECOND * 3 / 2), 1_000).is_err(), "both within a second and a half");
        let v = l.passed(Time(SECOND), Time(9 * SECOND), 1).unwrap_err();
        let what =
            "uplink of host 2: a busy period begins at 1000000000 ns, but the one before it ends at 2000000000 ns";
        assert_eq!(v.what, what);
    }

    #[test]
    fn overlapping_transmissions_are_caught() {
        let mut l = link(SECOND);
        l.transmit(Time(0), Time(8_000), 1_000).unwrap();
        let v = l.transmit(Time(7_999), Time(15_999), 1_000).unwrap_err();
        assert_eq!(v.what, "uplink of host 2: a transmission from 7999 to 15999 ns, but the link is busy to 8000 ns");
        assert!(l.transmit(Time(9_000), Time(8_999), 0).is_err());
    }

    #[test]
    fn a_transmission_that_is_too_fast_is_caught_also_when_each_is_only_a_little() {
        assert!(link(SECOND).transmit(Time(0), Time(7_999), 1_000).is_err());
        // 1,000 bits at 3 Gbit/s last 333.3 ns; cut to 333 each, without carrying the third, they run ahead.
        let mut l = link(3_000_000_000);
        let caught = (0..10_u64).find(|i| l.transmit(Time(i * 333), Time(i * 333 + 333), 125).is_err());
        assert_eq!(caught, Some(2));
    }
}
