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
/// The links of a card, by what [`LinkAudit::link`] says: a number, since there are very many audits.
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
            link: LINKS.iter().position(|name| *name == link).expect("a card has two links") as u8,
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
mod tests;
