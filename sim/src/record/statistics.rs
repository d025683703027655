//! Means over replications with 95 % confidence intervals by Student's t.
//!
//! One replication gives one observation: samples within a run are autocorrelated, so an interval over them would be
//! far too narrow. With a single replication there is no interval.

use serde::{Deserialize, Serialize};

/// A mean over replications.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// Mean of the replications' values.
    pub mean: f64,
    /// Half width of the 95 % confidence interval; `None` below two replications.
    pub half_width: Option<f64>,
    /// Number of replications in which the figure exists.
    pub replications: u32,
}

impl Estimate {
    /// From one value a replication; `None` without any.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let average = mean(values.iter().copied())?;
        let half_width = (values.len() > 1).then(|| {
            let degrees = values.len() - 1;
            let squares: f64 = values.iter().map(|value| (value - average) * (value - average)).sum();
            let deviation = (squares / degrees as f64).sqrt();
            student_t95(degrees) * deviation / (values.len() as f64).sqrt()
        });
        Some(Self { mean: average, half_width, replications: values.len() as u32 })
    }

    /// Lower end of the interval; the mean where there is none.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.mean - self.half_width.unwrap_or(0.0)
    }

    /// Upper end of the interval; the mean where there is none.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.mean + self.half_width.unwrap_or(0.0)
    }
}

/// Arithmetic mean; `None` of nothing.
#[must_use]
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.into_iter().fold((0_u64, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

/// Two-sided 95 % quantile of Student's t distribution with `degrees` of freedom.
///
/// Up to 30 from the table (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2), beyond by the expansion in
/// 1/degrees of Abramowitz and Stegun 26.7.5, which is then within 1e-4.
///
/// # Panics
/// With 0 degrees of freedom, for which there is no quantile.
#[must_use]
pub fn student_t95(degrees: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];
    const Z: f64 = 1.959_963_985;
    assert!(degrees > 0, "student's t needs at least one degree of freedom");
    if let Some(&t) = TABLE.get(degrees - 1) {
        return t;
    }
    let inverse = 1.0 / degrees as f64;
    let z3 = Z * Z * Z;
    let first = (z3 + Z) / 4.0;
    let second = (5.0 * z3 * Z * Z + 16.0 * z3 + 3.0 * Z) / 96.0;
    Z + inverse * (first + inverse * second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_quantiles() {
        for (degrees, t) in
            [(1, 12.706), (2, 4.303), (4, 2.776), (30, 2.042), (40, 2.0211), (60, 2.0003), (120, 1.9799)]
        {
            assert!((student_t95(degrees) - t).abs() < 1e-4, "{degrees}: {} is not {t}", student_t95(degrees));
        }
        assert!((student_t95(1_000_000) - 1.96).abs() < 1e-4);
        assert!((1..200).all(|degrees| student_t95(degrees + 1) < student_t95(degrees)));
    }

    #[test]
    fn an_interval_from_five_replications() {
        let estimate = Estimate::of(&[10.0, 12.0, 11.0, 13.0, 14.0]).unwrap();
        assert_eq!((estimate.mean, estimate.replications), (12.0, 5));
        let expected = 2.776 * 2.5_f64.sqrt() / 5.0_f64.sqrt();
        assert!((estimate.half_width.unwrap() - expected).abs() < 1e-12);
        assert!((estimate.high() - estimate.low() - 2.0 * expected).abs() < 1e-12);
    }

    #[test]
    fn one_replication_has_no_interval_and_none_no_estimate() {
        assert_eq!(Estimate::of(&[7.0]), Some(Estimate { mean: 7.0, half_width: None, replications: 1 }));
        assert_eq!(Estimate::of(&[]), None);
    }
}
