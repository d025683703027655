//! When the records of one stream come: Poisson with a weekly profile, or at equal distances.

use rand_chacha::ChaCha8Rng;

use crate::exponential::Exponential;
use crate::profile::{HOUR_NS, Profile, WEEK_HOURS, hour_of_week};
use crate::stream::WEEK_NS;

/// The time from which and until which records come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Window {
    /// Start of the run, ns since Monday 00:00.
    pub(crate) start_ns: u64,
    /// End, ns since the start of the run; not included.
    pub(crate) end_ns: u64,
}

/// A Poisson process by exact inversion: unit exponentials are spent along the integral of a rate that is constant
/// within each hour of the week. Times are kept as an offset within the hour, so they are exact to 1 ns in any year.
#[derive(Clone, Debug)]
pub(crate) struct Poisson {
    rng: ChaCha8Rng,
    exponential: Exponential,
    /// Rate in each hour of the week, 1/ns.
    rates: [f64; WEEK_HOURS],
    /// Start of the current hour, ns since the Monday before the run.
    hour_ns: u64,
    /// Of the current hour.
    rate: f64,
    /// `1 / rate`.
    gap_ns: f64,
    /// Since the start of the current hour.
    offset_ns: f64,
    window: Window,
}

impl Poisson {
    /// `per_week` must be positive.
    pub(crate) fn new(per_week: f64, profile: Profile, rng: ChaCha8Rng, window: Window) -> Poisson {
        let mean = per_week / WEEK_NS as f64;
        let into_hour_ns = window.start_ns % HOUR_NS;
        let mut process = Poisson {
            rng,
            exponential: Exponential::new(),
            rates: profile.week().map(|factor| factor * mean),
            hour_ns: window.start_ns - into_hour_ns,
            rate: 0.0,
            gap_ns: 0.0,
            offset_ns: into_hour_ns as f64,
            window,
        };
        process.enter_hour();
        process
    }

    fn enter_hour(&mut self) {
        self.rate = self.rates[hour_of_week(self.hour_ns)];
        self.gap_ns = 1.0 / self.rate;
    }

    /// Draws the next times; says how many there are: fewer than there is room for once the process ends.
    pub(crate) fn draw(&mut self, planned: &mut [(u64, u32)]) -> usize {
        for (i, place) in planned.iter_mut().enumerate() {
            let exponential = self.exponential.draw(&mut self.rng);
            match self.after(exponential) {
                Some(at_ns) => place.0 = at_ns,
                None => return i,
            }
        }
        planned.len()
    }

    #[inline]
    fn after(&mut self, exponential: f64) -> Option<u64> {
        let offset = self.offset_ns + exponential * self.gap_ns;
        if offset < HOUR_NS as f64 {
            self.offset_ns = offset;
            self.planned()
        } else {
            self.next_in_later_hour(exponential)
        }
    }

    fn next_in_later_hour(&mut self, mut left: f64) -> Option<u64> {
        loop {
            left = (left - (HOUR_NS as f64 - self.offset_ns) * self.rate).max(0.0);
            self.hour_ns = self.hour_ns.checked_add(HOUR_NS)?;
            if self.hour_ns - self.window.start_ns >= self.window.end_ns {
                return None;
            }
            self.enter_hour();
            let offset = left * self.gap_ns;
            self.offset_ns = 0.0;
            if offset < HOUR_NS as f64 {
                self.offset_ns = offset;
                return self.planned();
            }
        }
    }

    #[inline]
    fn planned(&self) -> Option<u64> {
        // Less than an hour, so that a signed conversion, which takes fewer instructions, is the same.
        let at_ns = self.hour_ns.checked_add(self.offset_ns as i64 as u64)? - self.window.start_ns;
        (at_ns < self.window.end_ns).then_some(at_ns)
    }
}

/// Records at equal distances, the first after half a distance, each from the next hospital in turn.
#[derive(Clone, Debug)]
pub(crate) struct Spaced {
    gap_ns: f64,
    count: u64,
    hospitals: u64,
    end_ns: u64,
}

impl Spaced {
    /// `per_week` must be positive.
    pub(crate) fn new(per_week: f64, hospitals: u32, window: Window) -> Spaced {
        Spaced { gap_ns: WEEK_NS as f64 / per_week, count: 0, hospitals: u64::from(hospitals), end_ns: window.end_ns }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<(u64, u32)> {
        let at_ns = ((self.count as f64 + 0.5) * self.gap_ns) as u64;
        let hospital = (self.count % self.hospitals) as u32;
        self.count += 1;
        (at_ns < self.end_ns).then_some((at_ns, hospital))
    }
}
