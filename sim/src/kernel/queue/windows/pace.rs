//! How wide windows shall be, from what was seen: a function of the pushes and pops alone, so it is deterministic.
//!
//! A window shall hold enough events for its opening to be cheap per event, and few enough for its sort to stay within
//! the caches and for few events to come into it once it is open. Windows are narrowed as soon as that is seen and
//! widened only after a while, because windows that are too narrow cost little: so a load that comes in pulses is not
//! redistributed with each of them. The order of events never depends on the width.

/// Least window in bits: 16 ns.
pub const MIN_SHIFT: u32 = 4;
/// Greatest window in bits: three days.
pub const MAX_SHIFT: u32 = 48;
/// Width to begin with in bits: a millisecond.
pub const FIRST_SHIFT: u32 = 20;

/// Fewest events that a window shall hold.
const LEAST: usize = 48;
/// Most events that a window shall hold.
const MOST: usize = 8_192;
/// Windows that the pending events shall fill, within these limits.
const SPREAD: usize = 8;
/// Fewest steps between two looks at the width.
const PATIENCE: usize = 256;
/// A late event counts as so many steps: it is dear, and a look may spare its successors.
const LATE_COUNTS: usize = 4;
/// Most powers of two by which late events narrow the windows.
const NARROWEST: u32 = 6;
/// Steps before windows are widened for holding too little.
const CALM: usize = 1 << 14;
/// The same for each of the most events that were pending at a time.
const CALM_EACH: usize = 4;

/// So many events taken at a time are a crowd: narrow windows save more on its order than they cost in reach.
const CROWD: usize = 128;
/// After so many events in crowds it is believed that most come so.
const CROWDED: usize = 4_096;

/// What was seen since the last look.
#[derive(Debug, Default)]
pub struct Pace {
    /// Pending events at the last look.
    pending: usize,
    /// Events of the windows opened since then.
    opened: usize,
    /// Events pushed into the open window since then.
    late: usize,
    /// Events pushed beyond the ring since then.
    far: usize,
    /// Steps since the width was changed, and the most events that were pending at a look.
    calm: usize,
    peak: usize,
    /// By how many powers of two windows are narrower than the number of events alone says, because many came late.
    narrower: u32,
    /// Whether the width follows from how windows are taken, not from what is seen here.
    told: bool,
    /// Events that came in crowds, above those that did not.
    crowded: usize,
    /// The width for crowds where that is so, until it was given to the windows.
    for_crowds: Option<u32>,
}

impl Pace {
    /// The width stays as it is until most events come in crowds, and then becomes this one for good.
    pub fn told(for_crowds: u32) -> Pace {
        Pace { told: true, for_crowds: Some(for_crowds), ..Pace::default() }
    }

    /// The width that windows should have after so many events were taken at a time, if another one.
    #[inline]
    pub fn taken(&mut self, count: usize) -> Option<u32> {
        if count < CROWD {
            self.crowded = self.crowded.saturating_sub(count);
            return None;
        }
        self.crowded += count;
        if self.crowded < CROWDED { None } else { self.for_crowds.take() }
    }

    /// A window of `count` events was opened.
    #[inline]
    pub fn opened(&mut self, count: usize) {
        self.opened += count;
    }

    /// An event was pushed into the open window.
    #[inline]
    pub fn late(&mut self) {
        self.late += 1;
    }

    /// An event was pushed beyond the ring.
    #[inline]
    pub fn far(&mut self) {
        self.far += 1;
    }

    /// Learns from what came late or far, and says by which part of the events to go: the nearest 1 / `part`. That is
    /// half of them, or less where many come late, because what waits for long says little about what comes and goes.
    pub fn part(&mut self) -> usize {
        if self.late * 8 > self.opened {
            let quickly = if self.late > self.opened { 3 } else { 1 };
            self.narrower = (self.narrower + quickly).min(NARROWEST);
        } else if self.many_far() {
            self.narrower = self.narrower.saturating_sub(1);
        }
        2 << self.narrower
    }

    fn many_far(&self) -> bool {
        self.far * 8 > self.opened
    }

    fn steps(&self, pending: usize) -> usize {
        (self.opened + pending.saturating_sub(self.pending)).max(self.late * LATE_COUNTS)
    }

    /// Whether so much has happened that redistributing `pending` events costs a constant for each step.
    pub fn due(&self, pending: usize) -> bool {
        !self.told && self.steps(pending) >= pending.max(PATIENCE)
    }

    /// The width in bits that windows should have from now on, at most `widest`, if it is not near the present one.
    ///
    /// `pending` events wait; `count` of them lie within the next `span` ns.
    pub fn look(&mut self, shift: u32, widest: u32, pending: usize, (count, span): (usize, u64)) -> Option<u32> {
        let steps = self.steps(pending);
        let many_far = self.many_far();
        let (calm, peak) = (self.calm + steps, self.peak.max(pending));
        *self = Pace { pending, calm, peak, narrower: self.narrower, ..Pace::default() };
        let target = ((pending / SPREAD).clamp(LEAST, MOST) >> self.narrower).max(LEAST);
        let width = u128::from(span.max(1)) * target as u128 / count.max(1) as u128;
        let near = (1 << shift) / 2..2 << shift;
        let best = if near.contains(&width) { shift } else { width.max(1).ilog2() }.clamp(MIN_SHIFT, widest);
        let wanted = best < shift || (best > shift && (many_far || calm >= CALM.max(CALM_EACH * peak)));
        if wanted {
            (self.calm, self.peak) = (0, pending);
        }
        wanted.then_some(best)
    }
}
