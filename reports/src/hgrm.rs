//! HdrHistogram's percentile distribution as text, which its plotters read.
//!
//! Columns: value in milliseconds, percentile, observations up to it, 1 / (1 - percentile).

use ledgerlab_sim::record::LatencyHistogram;
use std::fmt::Write;

/// Rows for each halving of the distance to 100 %: HdrHistogram's own default.
const TICKS: u32 = 5;

/// The text; of an empty histogram only header and footer.
#[must_use]
pub fn text(histogram: &LatencyHistogram) -> String {
    let mut text = format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    for row in histogram.percentiles(TICKS) {
        let _ = write!(text, "{:12.3} {:2.12} {:10}", row.latency_ms, row.quantile, row.count);
        if row.quantile < 1.0 {
            let _ = write!(text, " {:14.2}", 1.0 / (1.0 - row.quantile));
        }
        text.push('\n');
    }
    let figure = |value: Option<f64>| value.unwrap_or(0.0);
    let (mean, deviation) = (figure(histogram.mean_ms()), figure(histogram.deviation_ms()));
    let (max, count) = (figure(histogram.quantile_ms(1.0)), histogram.count());
    let _ = writeln!(text, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]");
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {count:12}]");
    let _ = writeln!(text, "#[Buckets = {:12}, SubBuckets     = {:12}]", histogram.buckets.len(), 2048);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_four_values() {
        let histogram = LatencyHistogram::from_values([1, 2, 3, 4].map(|ms| ms * 1_000_000));
        insta::assert_snapshot!(text(&histogram), @"");
    }

    #[test]
    fn an_empty_histogram_has_no_rows() {
        let text = text(&LatencyHistogram::default());
        assert_eq!(text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count(), 1);
    }
}
