//! How a rate varies over the week: factors around a mean of 1, constant within each hour.
//!
//! Limits: no holidays, seasons or local time; every hospital follows the clock of the run.

use crate::stream::{DAY_NS, WEEK_NS};

/// Hours of a week, from Monday 00:00.
pub const WEEK_HOURS: usize = 168;
/// Nanoseconds of an hour.
pub const HOUR_NS: u64 = DAY_NS / 24;

/// A weekly profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// The same at all times.
    Flat,
    /// Arrivals at an emergency department.
    Emergency,
    /// Outpatient work: clinics and planned imaging.
    Outpatient,
}

/// Emergency arrivals by hour of day. The shape is constructed so that 70 % arrive from 08:00 to 20:00, as in AIHW,
/// "Emergency department care 2017-18".
const EMERGENCY_HOURS: [f64; 24] = [
    0.541, 0.453, 0.401, 0.366, 0.349, 0.383, 0.47, 0.645, 1.03, 1.313, 1.454, 1.495, 1.474, 1.443, 1.424, 1.413,
    1.434, 1.454, 1.454, 1.413, 1.133, 0.977, 0.819, 0.663,
];

/// Outpatient work by hour of day: assumption (two peaks around a lunch break).
const OUTPATIENT_HOURS: [f64; 24] = [
    0.021, 0.021, 0.021, 0.021, 0.021, 0.021, 0.103, 0.621, 1.966, 2.69, 2.793, 2.586, 1.759, 2.276, 2.69, 2.483,
    1.862, 1.034, 0.517, 0.259, 0.124, 0.062, 0.031, 0.021,
];

/// Emergency arrivals on a Monday: assumption. The other six days share what is left of a weekly mean of 1.
const EMERGENCY_MONDAY: f64 = 1.08;

/// Outpatient work from Monday to Sunday: assumption. The mean is 1.
const OUTPATIENT_DAYS: [f64; 7] = [1.36, 1.36, 1.36, 1.36, 1.36, 0.15, 0.05];

impl Profile {
    /// The factor of every hour of the week; the mean is 1. Hours of the day are divided by their own mean, since
    /// the rounded figures add up to 24.001 and 24.003.
    pub fn week(self) -> [f64; WEEK_HOURS] {
        let rest = (7.0 - EMERGENCY_MONDAY) / 6.0;
        match self {
            Profile::Flat => [1.0; WEEK_HOURS],
            Profile::Emergency => product(&[EMERGENCY_MONDAY, rest, rest, rest, rest, rest, rest], &EMERGENCY_HOURS),
            Profile::Outpatient => product(&OUTPATIENT_DAYS, &OUTPATIENT_HOURS),
        }
    }

    /// The factor at a time since Monday 00:00 of the first week.
    pub fn factor_at(self, since_monday_ns: u64) -> f64 {
        self.week()[hour_of_week(since_monday_ns)]
    }

    /// Integral of the factor from `from_ns` to `to_ns` since Monday 00:00, in weeks; a whole week gives 1.
    pub fn weeks_between(self, from_ns: u64, to_ns: u64) -> f64 {
        let week = self.week();
        self.weeks_until(&week, to_ns) - self.weeks_until(&week, from_ns)
    }

    fn weeks_until(self, week: &[f64; WEEK_HOURS], at_ns: u64) -> f64 {
        let hour = hour_of_week(at_ns);
        let whole = week[..hour].iter().sum::<f64>();
        let part = (at_ns % HOUR_NS) as f64 / HOUR_NS as f64 * week[hour];
        (at_ns / WEEK_NS) as f64 + (whole + part) / WEEK_HOURS as f64
    }
}

/// Which hour of its week a time since Monday 00:00 lies in.
pub(crate) fn hour_of_week(since_monday_ns: u64) -> usize {
    (since_monday_ns / HOUR_NS % WEEK_HOURS as u64) as usize
}

fn product(days: &[f64; 7], hours: &[f64; 24]) -> [f64; WEEK_HOURS] {
    let mean = (days.iter().sum::<f64>() / 7.0) * (hours.iter().sum::<f64>() / 24.0);
    std::array::from_fn(|i| days[i / 24] * hours[i % 24] / mean)
}

#[cfg(test)]
mod tests {
    use super::{HOUR_NS, Profile};
    use crate::stream::{DAY_NS, WEEK_NS};

    const ALL: [Profile; 3] = [Profile::Flat, Profile::Emergency, Profile::Outpatient];

    #[test]
    fn a_week_has_a_mean_of_one() {
        for profile in ALL {
            let mean = profile.week().iter().sum::<f64>() / 168.0;
            assert!((mean - 1.0).abs() < 1e-12, "{profile:?} has a mean of {mean}");
            assert!((profile.weeks_between(5 * DAY_NS + 7, 5 * DAY_NS + 7 + 3 * WEEK_NS) - 3.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_day_of_the_week_and_the_hour_matter() {
        let day = |p: Profile, d: u64| 7.0 * p.weeks_between(d * DAY_NS, (d + 1) * DAY_NS);
        assert!((day(Profile::Emergency, 0) - 1.08).abs() < 1e-12);
        assert!((day(Profile::Emergency, 6) - 5.92 / 6.0).abs() < 1e-12);
        assert!((day(Profile::Outpatient, 4) - 1.36).abs() < 1e-12);
        assert!((day(Profile::Outpatient, 5) - 0.15).abs() < 1e-12);
        assert!((day(Profile::Outpatient, 6) - 0.05).abs() < 1e-12);
        let share = Profile::Emergency.weeks_between(DAY_NS + 8 * HOUR_NS, DAY_NS + 20 * HOUR_NS) * 7.0
            / day(Profile::Emergency, 1);
        assert!((share - 0.70).abs() < 0.005, "{share} of emergencies from 08:00 to 20:00");
    }

    #[test]
    fn the_integral_is_that_of_the_factor() {
        for profile in ALL {
            let half = HOUR_NS / 2;
            let steps = (0..700).map(|i| profile.factor_at(i * half + half / 2)).sum::<f64>() / 336.0;
            assert!((profile.weeks_between(0, 700 * half) - steps).abs() < 1e-9);
        }
    }
}
