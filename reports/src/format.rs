//! Figures for people: at most four significant digits, a unit that fits, and the interval in the same unit.

use ledgerlab_sim::record::Estimate;

/// Unit of a service level objective, with the space before it.
#[must_use]
pub fn slo_unit(key: &str) -> &'static str {
    match key {
        "latency_p99" => " ms",
        "throughput_tx_per_s" => " tx/s",
        _ => "",
    }
}

/// Shown where a figure does not exist.
pub const NONE: &str = "-";

/// Decimals beyond these are noise in any unit that is used here.
const MOST_DECIMALS: f64 = 15.0;

/// A unit with the factor that one of it has in base units.
type Unit = (f64, &'static str);

const BYTES: &[Unit] = &[(1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB"), (1e15, "PB")];
const MILLISECONDS: &[Unit] = &[(1e-3, "\u{b5}s"), (1.0, "ms"), (1e3, "s")];
const COUNT: &[Unit] = &[(1.0, "")];
const PERCENT: &[Unit] = &[(0.01, "%")];

/// A number of bytes in decimal units.
#[must_use]
pub fn bytes(value: f64) -> String {
    one(value, BYTES)
}

/// Milliseconds, in seconds where that reads better.
#[must_use]
pub fn milliseconds(value: f64) -> String {
    one(value, MILLISECONDS)
}

/// A plain number.
#[must_use]
pub fn number(value: f64) -> String {
    one(value, COUNT)
}

/// A share of 0 to 1 in percent.
#[must_use]
pub fn percent(value: f64) -> String {
    one(value, PERCENT)
}

/// A count with thin groups of three digits.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number on an axis: no more decimals than it has.
#[must_use]
pub fn tick(value: f64) -> String {
    trimmed(&format!("{value:.*}", decimals(value).max(6)))
}

/// Bytes on an axis.
#[must_use]
pub fn tick_bytes(value: f64) -> String {
    let text = bytes(value);
    text.split_once(' ').map_or(text.clone(), |(number, unit)| format!("{} {unit}", trimmed(number)))
}

/// Bytes with their interval.
#[must_use]
pub fn bytes_estimate(estimate: Option<Estimate>) -> String {
    spread(estimate, BYTES)
}

/// Milliseconds with their interval.
#[must_use]
pub fn milliseconds_estimate(estimate: Option<Estimate>) -> String {
    spread(estimate, MILLISECONDS)
}

/// A plain number with its interval.
#[must_use]
pub fn number_estimate(estimate: Option<Estimate>) -> String {
    spread(estimate, COUNT)
}

/// A share with its interval, in percent.
#[must_use]
pub fn percent_estimate(estimate: Option<Estimate>) -> String {
    spread(estimate, PERCENT)
}

/// An estimate in the unit that its metric names.
#[must_use]
pub fn estimate_in(unit: &str, name: &str, estimate: Option<Estimate>) -> String {
    match unit {
        "bytes" => bytes_estimate(estimate),
        "ms" => milliseconds_estimate(estimate),
        "" if name.contains("share") || name.contains("rate") => percent_estimate(estimate),
        "" => number_estimate(estimate),
        unit => match estimate {
            Some(_) => format!("{} {unit}", number_estimate(estimate)),
            None => NONE.into(),
        },
    }
}

/// A figure that may not exist.
#[must_use]
pub fn optional(value: Option<f64>, format: fn(f64) -> String) -> String {
    value.map_or_else(|| NONE.into(), format)
}

fn one(value: f64, units: &[Unit]) -> String {
    join(scaled(value, fitting(value, units).0), None, fitting(value, units).1)
}

fn spread(estimate: Option<Estimate>, units: &[Unit]) -> String {
    let Some(estimate) = estimate else { return NONE.into() };
    let (factor, unit) = fitting(estimate.mean, units);
    let decimals = decimals(estimate.mean / factor);
    let half_width = estimate.half_width.map(|half| format!("{:.decimals$}", half / factor));
    join(scaled(estimate.mean, factor), half_width, unit)
}

/// Without zeros at the end of a fraction.
fn trimmed(number: &str) -> String {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.').to_owned() } else { number.to_owned() }
}

fn join(value: String, half_width: Option<String>, unit: &str) -> String {
    let value = match half_width {
        Some(half_width) => format!("{value} \u{b1} {half_width}"),
        None => value,
    };
    if unit.is_empty() { value } else { format!("{value} {unit}") }
}

/// The largest unit in which the value is at least 1, or the smallest one; the base unit for zero.
fn fitting(value: f64, units: &[Unit]) -> Unit {
    let base = units.iter().find(|unit| unit.0 == 1.0).or(units.first()).copied().unwrap_or((1.0, ""));
    if value == 0.0 {
        return base;
    }
    units.iter().rev().find(|unit| value.abs() >= 0.9995 * unit.0).or(units.first()).copied().unwrap_or(base)
}

fn scaled(value: f64, factor: f64) -> String {
    let value = value / factor;
    format!("{value:.*}", decimals(value))
}

/// Decimals for four significant digits at most, fewer for large numbers, none for whole ones; a small one keeps two.
fn decimals(value: f64) -> usize {
    match value.abs() {
        0.0 => 0,
        size if size < 0.01 => (1.0 - size.log10().floor()).clamp(4.0, MOST_DECIMALS) as usize,
        size if size < 1.0 => 3,
        size if size < 10.0 => 2,
        size if size < 1000.0 => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        let bytes_of = [0.0, 999.0, 1_000.0, 1_234_567.0, 9.87e10, 2.5e16].map(bytes);
        assert_eq!(bytes_of, ["0 B", "999.0 B", "1.00 kB", "1.23 MB", "98.7 GB", "25.0 PB"]);
        assert_eq!([0.05, 412.34, 61_500.0].map(milliseconds), ["50.0 \u{b5}s", "412.3 ms", "61.5 s"]);
        assert_eq!([0.0, 0.004, 0.25, 149.8, 49_876.4].map(number), ["0", "0.0040", "0.250", "149.8", "49876"]);
        assert_eq!([0.000_4, 0.000_023_15].map(number), ["0.00040", "0.000023"]);
        assert_eq!([0.0, 0.9987, 1.0].map(percent), ["0 %", "99.9 %", "100.0 %"]);
        assert_eq!([7, 1_234, 1_234_567].map(count), ["7", "1,234", "1,234,567"]);
    }

    #[test]
    fn ticks_have_no_idle_zeros() {
        assert_eq!([0.0, 0.30000000000000004, 150.0, 2.5].map(tick), ["0", "0.3", "150", "2.5"]);
        assert_eq!(tick(0.000_000_2), "0.0000002");
        assert_eq!([0.0, 2e9, 2.5e9, 1e13].map(tick_bytes), ["0 B", "2 GB", "2.5 GB", "10 TB"]);
    }

    #[test]
    fn the_interval_has_the_unit_and_decimals_of_the_mean() {
        let estimate = |mean, half_width| Some(Estimate { mean, half_width, replications: 3 });
        assert_eq!(milliseconds_estimate(estimate(61_500.0, Some(2_040.0))), "61.5 \u{b1} 2.0 s");
        assert_eq!(bytes_estimate(estimate(1.5e9, Some(2e7))), "1.50 \u{b1} 0.02 GB");
        assert_eq!(number_estimate(estimate(149.8, None)), "149.8");
        assert_eq!(number_estimate(estimate(0.000_023_15, Some(0.000_004))), "0.000023 \u{b1} 0.000004");
        assert_eq!(percent_estimate(None), NONE);
        assert_eq!(estimate_in("tx/s", "throughput_tx_per_s", estimate(12.0, Some(0.5))), "12.0 \u{b1} 0.5 tx/s");
        assert_eq!(estimate_in("", "success_rate", estimate(0.5, None)), "50.0 %");
        assert_eq!(estimate_in("", "view_changes", estimate(3.0, None)), "3.00");
    }
}
