//! Little's law, exactly: the area under N(t) equals the sum of all sojourn times.
//!
//! The area is integrated from entries and departures in order of time; the sojourn times come from the host's own
//! column of submit times. Both are exact integers (customers x ns), so they must be equal, not close: L = lambda W
//! (Little, Operations Research 1961) over a finite horizon is an identity once those still inside at the end
//! count up to the end. A difference means that a transaction was dropped, counted twice or given another time.

use ledgerlab_consensus::Time;

use super::{Outcome, Violation};

/// Both sides of the law.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sides {
    /// Integral of the number inside, customers x ns.
    pub area_ns: u128,
    /// Sum of sojourn times, ns.
    pub sojourn_ns: u128,
    /// Mean number inside, L.
    pub mean_inside: f64,
    /// Arrivals per second, lambda.
    pub arrivals_per_s: f64,
    /// Mean sojourn time in seconds, W.
    pub mean_sojourn_s: f64,
}

/// The observer of one system: a queue, a pool, or everything from submission to finality.
#[derive(Clone, Debug, Default)]
pub struct Little {
    /// Entries since the last [`Little::advance`], in any order.
    entries: Vec<Time>,
    /// Departures since then, in any order: those of a block leave at one moment.
    departures: Vec<(Time, u64)>,
    upto: Time,
    inside: u64,
    area: u128,
    entered: u64,
    left: u64,
    sojourn: u128,
    /// Those who will not leave before the end: how many, and the sum of their entry times.
    stay: (u64, u128),
}

impl Little {
    /// An empty system at time zero.
    pub fn new() -> Little {
        Little::default()
    }

    /// Customers enter.
    pub fn enter(&mut self, at: impl IntoIterator<Item = Time>) {
        let before = self.entries.len();
        self.entries.extend(at);
        self.entered += (self.entries.len() - before) as u64;
    }
    /// Those who entered at these times leave.
    pub fn leave(&mut self, at: Time, entered: impl IntoIterator<Item = Time>) {
        let (mut count, mut sojourn) = (0, 0);
        for entered in entered {
            count += 1;
            sojourn += u128::from(at.since(entered).0);
        }
        self.left += count;
        self.sojourn += sojourn;
        match self.departures.last_mut() {
            Some(last) if last.0 == at => last.1 += count,
            _ if count > 0 => self.departures.push((at, count)),
            _ => {}
        }
    }

    /// Somebody who entered at `entered` is still inside at the end, whenever that will be.
    pub fn stays(&mut self, entered: Time) {
        self.stay.0 += 1;
        self.stay.1 += u128::from(entered.0);
    }

    /// Integrates up to `to`: nothing before it is reported any more. Calls keep the memory small.
    pub fn advance(&mut self, to: Time) -> Outcome {
        let mut entries = std::mem::take(&mut self.entries);
        // They come nearly in order: a stable sort merges a few runs.
        if !entries.is_sorted() {
            entries.sort();
        }
        self.departures.sort_unstable();
        let mut from = 0;
        let due = self.departures.partition_point(|d| d.0 <= to);
        for (at, count) in self.departures.drain(..due).collect::<Vec<_>>() {
            // Who leaves in the nanosecond of its entry has entered first.
            from += self.integrate(at, &entries[from..])?;
            let inside = self.inside.checked_sub(count);
            self.inside = inside.ok_or_else(|| fault(at, format!("{} are inside, and {count} leave", self.inside)))?;
        }
        from += self.integrate(self.upto.max(to), &entries[from..])?;
        entries.drain(..from);
        self.entries = entries;
        Ok(())
    }

    /// Both sides over [0, `end`]; `inside` are the entry times of those who have not left by then,
    /// beside those who are known to stay.
    pub fn finish(&mut self, end: Time, inside: impl IntoIterator<Item = Time>) -> Result<Sides, Violation> {
        self.advance(end)?;
        let (mut still, entries) = self.stay;
        let mut sojourn = self.sojourn + (u128::from(still) * u128::from(end.0)).saturating_sub(entries);
        for entered in inside {
            still += 1;
            sojourn += u128::from(end.since(entered).0);
        }
        if self.entered != self.left + still {
            let what = format!("{} entered, but {} left and {still} are still inside", self.entered, self.left);
            return Err(fault(end, what));
        }
        if self.area != sojourn {
            let what = format!("the area under N(t) is {} ns, but sojourn times sum up to {sojourn} ns", self.area);
            return Err(fault(end, what));
        }
        let per = |x: u128, y: f64| if y > 0.0 { x as f64 / y } else { 0.0 };
        Ok(Sides {
            area_ns: self.area,
            sojourn_ns: sojourn,
            mean_inside: per(self.area, end.0 as f64),
            arrivals_per_s: per(u128::from(self.entered) * 1_000_000_000, end.0 as f64),
            mean_sojourn_s: per(sojourn, self.entered as f64 * 1e9),
        })
    }

    /// Adds the area up to `to`, into which fall the first of these entries; says how many.
    fn integrate(&mut self, to: Time, entries: &[Time]) -> Result<usize, Violation> {
        let count = entries.partition_point(|at| *at <= to);
        if let Some(at) = entries[..count].first().copied().into_iter().chain([to]).find(|at| *at < self.upto) {
            return Err(fault(at, format!("a change after everything up to {} ns was integrated", self.upto.0)));
        }
        self.area += u128::from(self.inside) * u128::from(to.since(self.upto).0);
        self.area += entries[..count].iter().map(|at| u128::from(to.since(*at).0)).sum::<u128>();
        self.inside += count as u64;
        self.upto = to;
        Ok(count)
    }
}

fn fault(at: Time, what: String) -> Violation {
    Violation { check: "little", at, node: None, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledgerlab_consensus::types::mix64;

    /// Enter times and sojourns of `n` customers, from a counter hash.
    fn customers(n: u64) -> Vec<(Time, Time)> {
        let one = |i: u64| {
            let at = mix64(i) % 1_000_000;
            (Time(at), Time(at + mix64(i ^ 0xABCD) % 50_000))
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn both_sides_are_equal_whatever_the_order_of_reports() {
        let (all, end) = (customers(10_000), Time(1_020_000));
        let mut l = Little::new();
        l.enter(all.iter().map(|c| c.0));
        all.iter().filter(|c| c.1 <= end).for_each(|c| l.leave(c.1, [c.0]));
        let once = l.finish(end, all.iter().filter(|c| c.1 > end).map(|c| c.0)).unwrap();
        assert_eq!(once.area_ns, once.sojourn_ns);
        assert!((once.mean_inside - once.arrivals_per_s * once.mean_sojourn_s).abs() < 1e-9 * once.mean_inside);

        // Reported in another order, and integrated in between.
        let mut l = Little::new();
        for step in 0..102 {
            let (from, to) = (step * 10_000, (step + 1) * 10_000);
            let within = |t: Time| t.0 >= from && t.0 < to;
            all.iter().filter(|c| within(c.1)).for_each(|c| l.leave(c.1, [c.0]));
            all.iter().filter(|c| within(c.0)).for_each(|c| l.enter([c.0]));
            l.advance(Time(to - 1)).unwrap();
            assert!(l.entries.is_empty() && l.departures.is_empty());
        }
        all.iter().filter(|c| c.1 == end).for_each(|c| l.leave(c.1, [c.0]));
        assert_eq!(l.finish(end, all.iter().filter(|c| c.1 > end).map(|c| c.0)).unwrap(), once);
    }

    /// One change of N after the other, in order of time, as the definition says.
    fn plain_area(customers: &[(Time, Time)]) -> u128 {
        let mut changes: Vec<(Time, i128)> = customers.iter().flat_map(|c| [(c.0, 1), (c.1, -1)]).collect();
        changes.sort_unstable_by_key(|c| c.0);
        let (mut upto, mut inside, mut area) = (Time::ZERO, 0, 0);
        for (at, by) in changes {
            area += inside * i128::from(at.since(upto).0);
            (upto, inside) = (at, inside + by);
        }
        area as u128
    }

    #[test]
    fn the_area_is_that_of_the_definition() {
        let all = customers(3_000);
        let mut l = Little::new();
        // Blocks of customers who leave together.
        let block = |i: u64| Time(i.div_ceil(9_000) * 9_000);
        let blocks: std::collections::BTreeSet<Time> = all.iter().map(|c| block(c.1.0)).collect();
        l.enter(all.iter().map(|c| c.0));
        blocks.iter().for_each(|at| l.leave(*at, all.iter().filter(|c| block(c.1.0) == *at).map(|c| c.0)));
        let together: Vec<(Time, Time)> = all.iter().map(|c| (c.0, block(c.1.0))).collect();
        assert_eq!(l.finish(Time(2_000_000), []).unwrap().area_ns, plain_area(&together));
    }

    #[test]
    fn stepwise_integration_gives_the_same_area() {
        let all = customers(2_000);
        let mut events: Vec<(Time, Option<Time>)> = all.iter().map(|c| (c.0, None)).collect();
        events.extend(all.iter().map(|c| (c.1, Some(c.0))));
        events.sort_unstable_by_key(|e| e.0);
        let mut l = Little::new();
        for (at, entered) in events {
            match entered {
                Some(e) => l.leave(at, [e]),
                None => l.enter([at]),
            }
            if at.0 % 7 == 0 {
                l.advance(Time(at.0.saturating_sub(1))).unwrap();
            }
            assert!(l.entries.len() + l.departures.len() < 200);
        }
        let sides = l.finish(Time(2_000_000), []).unwrap();
        assert_eq!(sides.sojourn_ns, all.iter().map(|c| u128::from(c.1.0 - c.0.0)).sum::<u128>());
    }

    #[test]
    fn who_is_refused_at_once_has_entered_before_leaving() {
        let mut l = Little::new();
        // Two refused in one flush, the second planned at the very moment of it.
        l.enter([Time(10)]);
        l.leave(Time(30), [Time(10)]);
        l.leave(Time(30), [Time(30)]);
        l.advance(Time(20)).unwrap();
        l.enter([Time(30)]);
        let sides = l.finish(Time(40), []).unwrap();
        assert_eq!((sides.area_ns, sides.sojourn_ns), (20, 20));
    }

    #[test]
    fn a_wrong_time_a_lost_and_an_unknown_customer_are_caught() {
        let mut l = Little::new();
        l.enter([Time(10)]);
        l.leave(Time(30), [Time(11)]);
        let wrong = l.finish(Time(40), []).unwrap_err();
        assert_eq!(wrong.what, "the area under N(t) is 20 ns, but sojourn times sum up to 19 ns");

        let mut l = Little::new();
        l.enter([Time(10)]);
        assert!(l.finish(Time(40), []).unwrap_err().what.contains("1 entered, but 0 left and 0 are still inside"));

        let mut l = Little::new();
        l.leave(Time(30), [Time(10)]);
        assert!(l.finish(Time(40), []).unwrap_err().what.contains("0 are inside, and 1 leave"));
    }

    #[test]
    fn a_change_in_the_integrated_past_is_caught() {
        let mut l = Little::new();
        l.advance(Time(100)).unwrap();
        l.enter([Time(99)]);
        assert!(l.advance(Time(200)).is_err());
    }

    #[test]
    fn nothing_at_all_has_no_nan() {
        let s = Little::new().finish(Time::ZERO, []).unwrap();
        assert_eq!((s.mean_inside, s.arrivals_per_s, s.mean_sojourn_s), (0.0, 0.0, 0.0));
    }
}
