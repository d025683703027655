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
        insta::assert_snapshot!(text(&histogram), @r##"
               Value     Percentile TotalCount 1/(1-Percentile)

               1.000 0.000000000000          1           1.00
               1.000 0.100000000000          1           1.11
               1.000 0.200000000000          1           1.25
               2.001 0.300000000000          2           1.43
               2.001 0.400000000000          2           1.67
               2.001 0.500000000000          2           2.00
               3.000 0.550000000000          3           2.22
               3.000 0.600000000000          3           2.50
               3.000 0.650000000000          3           2.86
               3.000 0.700000000000          3           3.33
               3.000 0.750000000000          3           4.00
               4.002 1.000000000000          4
        #[Mean    =        2.500, StdDeviation   =        1.118]
        #[Max     =        4.002, Total count    =            4]
        #[Buckets =            4, SubBuckets     =         2048]
        "##);
    }

    #[test]
    fn an_empty_histogram_has_no_rows() {
        let text = text(&LatencyHistogram::default());
        assert_eq!(text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count(), 1);
    }
}
