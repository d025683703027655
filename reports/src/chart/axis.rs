//! An axis with its own ticks, linear or logarithmic, so that both kinds are one type and no range lacks labels.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// Most ticks of a linear axis.
const MOST_TICKS: f64 = 8.0;
/// A positive range wider than this factor is drawn logarithmically.
const WIDE_RANGE: f64 = 20.0;

/// A scale with what is written on it.
pub struct Axis {
    /// What is measured, with its unit.
    pub title: String,
    /// Where values go.
    pub scale: Scale,
    /// Text of a tick.
    pub label: Box<dyn Fn(f64) -> String>,
}

/// Maps values to pixels; what lies outside is drawn on the edge.
#[derive(Clone, PartialEq, Debug)]
pub struct Scale {
    /// Value at the start.
    pub from: f64,
    /// Value at the end.
    pub to: f64,
    /// Whether distances are ratios.
    pub log: bool,
    /// Labelled values, ascending.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// Linear, as given, at least from `from` to a little more.
    pub fn linear(title: &str, from: f64, to: f64, label: impl Fn(f64) -> String + 'static) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        let scale = Scale { from, to, log: false, ticks: linear_ticks(from, to) };
        Self { title: title.to_owned(), scale, label: Box::new(label) }
    }

    /// Linear from zero to a tick above all `values`.
    pub fn from_zero(
        title: &str,
        values: impl IntoIterator<Item = f64>,
        label: impl Fn(f64) -> String + 'static,
    ) -> Self {
        let largest = values.into_iter().fold(0.0, f64::max);
        let largest = if largest > 0.0 { largest } else { 1.0 };
        let step = nice_step(largest);
        Self::linear(title, 0.0, (largest / step + 0.05).ceil() * step, label)
    }

    /// Over positive `values`: logarithmic where they range widely, else from zero.
    pub fn fitting(
        title: &str,
        values: impl IntoIterator<Item = f64>,
        label: impl Fn(f64) -> String + 'static,
    ) -> Self {
        let values: Vec<f64> = values.into_iter().filter(|value| *value > 0.0).collect();
        let (low, high) = values.iter().fold((f64::INFINITY, 0.0), |(l, h), v| (v.min(l), v.max(h)));
        if values.is_empty() || high / low <= WIDE_RANGE {
            return Self::from_zero(title, values, label);
        }
        let mut axis = Self::log(title, low / 1.2, high * 1.2, label);
        axis.title.push_str(", logarithmic");
        axis
    }

    /// Logarithmic between two positive values.
    pub fn log(title: &str, from: f64, to: f64, label: impl Fn(f64) -> String + 'static) -> Self {
        let scale = Scale { from, to, log: true, ticks: log_ticks(from, to) };
        Self { title: title.to_owned(), scale, label: Box::new(label) }
    }

    /// One tick in the middle of each name's unit interval; names are thinned out where there are many.
    pub fn categories(title: &str, names: Vec<String>, most: usize) -> Self {
        let every = names.len().div_ceil(most.max(1)).max(1);
        let ticks = (0..names.len()).step_by(every).map(|index| index as f64 + 0.5).collect();
        let scale = Scale { from: 0.0, to: names.len().max(1) as f64, log: false, ticks };
        let label = move |tick: f64| names.get(tick as usize).cloned().unwrap_or_default();
        Self { title: title.to_owned(), scale, label: Box::new(label) }
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let place = |value: f64| if self.log { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let share = (place(*value) - place(self.from)) / (place(self.to) - place(self.from));
        limit.0 + (share.clamp(0.0, 1.0) * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        value.to_string()
    }
}

/// The smallest of 1, 2, 5 times a power of ten that gives at most [`MOST_TICKS`] steps over `span`.
fn nice_step(span: f64) -> f64 {
    let power = 10_f64.powf((span / MOST_TICKS).log10().floor());
    let wanted = span / MOST_TICKS / power;
    power * [1.0, 2.0, 5.0].into_iter().find(|step| *step >= wanted * 0.999_999).unwrap_or(10.0)
}

fn linear_ticks(from: f64, to: f64) -> Vec<f64> {
    let step = nice_step(to - from);
    let (first, last) = ((from / step - 1e-9).ceil() as i64, (to / step + 1e-9).floor() as i64);
    (first..=last).map(|index| index as f64 * step).collect()
}

/// 1, 2 and 5 of each decade, or the decades alone where those would crowd.
fn log_ticks(from: f64, to: f64) -> Vec<f64> {
    let decades = (to / from).log10();
    let steps: &[f64] = if decades <= 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    let every = (decades / MOST_TICKS).ceil().max(1.0) as usize;
    (first..=last)
        .step_by(every)
        .flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)))
        .filter(|tick| (from * 0.999_999..=to * 1.000_001).contains(tick))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(value: f64) -> String {
        value.to_string()
    }

    #[test]
    fn linear_ticks_are_round_and_few() {
        assert_eq!(linear_ticks(0.0, 480.0), [0.0, 100.0, 200.0, 300.0, 400.0]);
        assert_eq!(linear_ticks(120.0, 420.0), [150.0, 200.0, 250.0, 300.0, 350.0, 400.0]);
        assert!((1..500).all(|to| (2..=9).contains(&linear_ticks(0.0, f64::from(to)).len())));
    }

    #[test]
    fn a_range_from_zero_ends_on_a_tick_above_all_values() {
        let axis = Axis::from_zero("rate", [149.0, 151.0], plain);
        assert_eq!((axis.scale.from, axis.scale.to), (0.0, 160.0));
        assert!((Axis::from_zero("rate", [], plain).scale.to - 1.2).abs() < 1e-9);
    }

    #[test]
    fn wide_ranges_become_logarithmic() {
        let axis = Axis::fitting("latency", [0.2, 60.0, 0.0], plain);
        assert!(axis.scale.log && axis.title.ends_with("logarithmic"));
        assert_eq!(axis.scale.ticks, [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert!(!Axis::fitting("latency", [3.0, 4.0], plain).scale.log);
        assert!(!Axis::fitting("latency", [], plain).scale.log);
    }

    #[test]
    fn the_middle_of_a_logarithmic_axis_is_the_geometric_mean() {
        let axis = Axis::log("latency", 1.0, 100.0, plain);
        assert_eq!([1.0, 10.0, 100.0].map(|value| axis.scale.map(&value, (0, 200))), [0, 100, 200]);
        assert_eq!([0.0, 1e9].map(|value| axis.scale.map(&value, (0, 200))), [0, 200]);
    }

    #[test]
    fn categories_are_thinned_out() {
        let names: Vec<_> = (0..128).map(|node| node.to_string()).collect();
        let axis = Axis::categories("node", names, 16);
        assert_eq!(axis.scale.ticks.len(), 16);
        assert_eq!((axis.label)(axis.scale.ticks[1]), "8");
    }
}
