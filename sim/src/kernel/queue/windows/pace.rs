//! How wide windows shall be, from what was seen: a function of the pushes and pops alone, so it is deterministic.
//!
//! A window shall hold enough events for its opening to be cheap per event, and few enough for its sort to stay within
//! the caches. The order of events never depends on the width.

/// Least window in bits: 16 ns.
pub const MIN_SHIFT: u32 = 4;
/// Greatest window in bits: three days.
pub const MAX_SHIFT: u32 = 48;
/// Width to begin with in bits: a millisecond.
pub const FIRST_SHIFT: u32 = 20;

/// Fewest events that a window shall hold.
const LEAST: usize = 48;
/// Most events that a window shall hold.
const MOST: usize = 4_096;
/// Windows that the pending events shall fill, within these limits.
const SPREAD: usize = 64;
/// A window that holds so many times what it shall is divided at once, whatever the density was before.
const CROWD: u128 = 8;
/// Fewest steps between two looks at the width.
const PATIENCE: usize = 256;

/// What was seen since the last look.
#[derive(Debug, Default)]
pub struct Pace {
    /// Time of the last look.
    from: Option<u64>,
    /// Pending events then.
    pending: usize,
    /// Events of the windows opened since then.
    opened: usize,
    /// Events pushed into the open window since then.
    late: usize,
    /// By how many powers of two windows are narrower than they should be by density, because pushes came late.
    narrower: u32,
}

impl Pace {
    /// A window of `count` events that starts at `start` was opened.
    #[inline]
    pub fn opened(&mut self, count: usize, start: u64) {
        self.opened += count;
        self.from.get_or_insert(start);
    }

    /// An event was pushed into the open window.
    #[inline]
    pub fn late(&mut self) {
        self.late += 1;
    }

    /// Of what was opened and came late, `count` events still wait.
    pub fn waiting(&mut self, count: usize) {
        self.opened = self.opened.saturating_sub(count);
    }

    /// Whether so much has happened that redistributing `pending` events costs a constant for each step.
    pub fn due(&self, pending: usize) -> bool {
        let steps = self.opened + pending.saturating_sub(self.pending);
        steps.max(self.late) >= pending.max(PATIENCE)
    }

    /// The width in bits that events should have from now on, if it is not near the present one.
    ///
    /// `pending` events wait, none of them before `start`; the window that begins there holds `count`, or none if
    /// it is open already.
    pub fn look(&mut self, (shift, widest): (u32, u32), pending: usize, start: u64, count: usize) -> Option<u32> {
        let end = start.saturating_add(if count > 0 { 1 << shift } else { 0 });
        let span = end.saturating_sub(self.from.unwrap_or(start)).max(1);
        let seen = (self.opened + self.late + count).max(1);
        if self.late * 4 > seen {
            self.narrower = (self.narrower + 1).min(5);
        }
        *self = Pace { from: Some(start), pending, narrower: self.narrower, ..Pace::default() };
        let target = ((pending / SPREAD).clamp(LEAST, MOST) >> self.narrower).max(LEAST / 3) as u128;
        let mut width = u128::from(span) * target / seen as u128;
        if count as u128 > CROWD * target {
            // What is about to come is denser than what was.
            width = width.min((target << shift) / count as u128);
        }
        let near = (1 << shift) / 3..3 << shift;
        let best = if near.contains(&width) { shift } else { width.max(1).ilog2() };
        Some(best.clamp(MIN_SHIFT, widest)).filter(|s| *s != shift)
    }
}
