//! A row of the canonical set: a figure, and beside it what bounds it and what it replaces.
//!
//! The parts of a row are measured turn by turn, so their ratios survive a noisy machine. Every part is called
//! [`REPEATS`] times and the median counts; a part whose first call takes longer than [`LONG_S`] is called once.

use serde::{Deserialize, Serialize};

use crate::clock::{REPEATS, cpu_s, median};

/// A call that takes more CPU seconds is not repeated: the whole set shall end within a minute.
pub const LONG_S: f64 = 2.0;

/// The unit of rows where less is better: CPU seconds.
pub const SECONDS: &str = "s";

/// One figure.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit: something per CPU second, the more the better, or [`SECONDS`], the less the better.
    pub unit: String,
    /// The same work without what the engine adds.
    pub floor: Option<f64>,
    /// The same work on the reference heap.
    pub reference: Option<f64>,
    /// The same work on the engine with an event for each step of a message.
    pub naive: Option<f64>,
    /// The same work without any queue: a second floor, below the first.
    #[serde(skip)]
    pub queueless: Option<f64>,
    /// Names of the parts that took too long to be repeated.
    #[serde(skip)]
    pub once: Vec<&'static str>,
}

impl Row {
    /// How many times as fast the row's value is as another figure of it.
    pub fn ratio(&self, other: f64) -> f64 {
        if self.unit == SECONDS { other / self.value } else { self.value / other }
    }
}

/// One part of a row: gives a figure when called.
pub type Part = Box<dyn Fn() -> f64>;

/// The parts of a row.
pub struct Bench {
    /// Of the figures of all parts.
    pub unit: &'static str,
    /// Value, floor, reference, naive, queueless.
    parts: [Option<Part>; 5],
}

/// Names of the parts, in the order of their calls.
const PARTS: [&str; 5] = ["value", "floor", "reference", "naive", "queueless"];

impl Bench {
    /// With a value alone.
    pub fn new(unit: &'static str, value: impl Fn() -> f64 + 'static) -> Bench {
        Bench { unit, parts: [Some(Box::new(value)), None, None, None, None] }
    }
    /// With a floor.
    pub fn floor(self, part: impl Fn() -> f64 + 'static) -> Bench {
        self.with(1, Some(Box::new(part)))
    }
    /// With a reference, or without.
    pub fn reference(self, part: Option<Part>) -> Bench {
        self.with(2, part)
    }
    /// With the naive engine, or without.
    pub fn naive(self, part: Option<Part>) -> Bench {
        self.with(3, part)
    }
    /// With the floor that has no queue.
    pub fn queueless(self, part: impl Fn() -> f64 + 'static) -> Bench {
        self.with(4, Some(Box::new(part)))
    }
    fn with(mut self, index: usize, part: Option<Part>) -> Bench {
        self.parts[index] = part;
        self
    }

    /// Measures all parts.
    pub fn measure(&self, name: &str) -> Row {
        let mut figures: [Vec<f64>; 5] = Default::default();
        let mut once = vec![];
        for round in 0..REPEATS {
            for (i, part) in self.parts.iter().enumerate() {
                let Some(part) = part.as_ref().filter(|_| !once.contains(&PARTS[i])) else { continue };
                let start = cpu_s();
                figures[i].push(part());
                if round == 0 && cpu_s() - start > LONG_S {
                    once.push(PARTS[i]);
                }
            }
        }
        let [value, floor, reference, naive, queueless] =
            figures.map(|figures| (!figures.is_empty()).then(|| median(figures)));
        let value = value.expect("every row has a value");
        let unit = self.unit.to_owned();
        Row { name: name.to_owned(), value, unit, floor, reference, naive, queueless, once }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn counting(step: f64) -> impl Fn() -> f64 {
        let count = Cell::new(0.0);
        move || {
            count.set(count.get() + step);
            count.get()
        }
    }

    #[test]
    fn a_row_holds_the_medians_of_its_parts() {
        let row = Bench::new(SECONDS, counting(1.0)).floor(counting(2.0)).naive(Some(Box::new(|| 7.0))).measure("x");
        assert_eq!((row.value, row.floor, row.reference, row.naive), (3.0, Some(6.0), None, Some(7.0)));
        assert!(row.once.is_empty());
        assert_eq!((row.ratio(6.0), Row { unit: "tx/s".into(), ..row }.ratio(6.0)), (2.0, 0.5));
    }

    #[test]
    fn a_long_part_is_measured_once_and_the_others_are_not() {
        let long = counting(1.0);
        let spin = move || {
            let start = cpu_s();
            while cpu_s() - start < LONG_S * 1.02 {
                std::hint::spin_loop();
            }
            long()
        };
        let row = Bench::new("tx/s", counting(1.0)).reference(Some(Box::new(spin))).measure("x");
        assert_eq!((row.value, row.reference, row.once), (3.0, Some(1.0), vec!["reference"]));
    }

    #[test]
    fn a_row_is_written_with_six_fields_and_read_back() {
        let row = Bench::new("tx/s", counting(1.0)).queueless(|| 9.0).measure("x");
        let json = serde_json::to_value(&row).expect("a value");
        let expected = serde_json::json!({
            "name": "x", "value": 3.0, "unit": "tx/s", "floor": null, "reference": null, "naive": null
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Row>(json).expect("a row"), Row { queueless: None, ..row });
    }
}
