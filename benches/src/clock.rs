//! CPU time of the calling thread, and medians of it.
//!
//! On a shared machine CPU time varies less than wall time, but still by tens of per cent from hour to hour: compare
//! ratios of figures from one run.

/// How often everything is measured; the median counts.
pub const REPEATS: usize = 5;

/// CPU seconds that this thread has used; where the system does not tell, seconds on the wall.
pub fn cpu_s() -> f64 {
    #[cfg(unix)]
    {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
    }
    #[cfg(not(unix))]
    {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(std::time::Instant::now).elapsed().as_secs_f64()
    }
}

/// CPU seconds of a call, and what it returned.
pub fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = cpu_s();
    let result = work();
    ((cpu_s() - start).max(1e-9), result)
}

/// The median; the lower one of two.
///
/// # Panics
/// If there are no values, or one of them is not a number.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(|a, b| a.partial_cmp(b).expect("a number"));
    values[(values.len() - 1) / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time_and_the_median_lies_in_the_middle() {
        let (s, sum) = timed(|| (0..10_000_000_u64).fold(0, |a, b| std::hint::black_box(a ^ b)));
        assert!(s > 1e-4, "{s} s for {sum}");
        assert_eq!(median(vec![3.0, 1.0, 9.0, 2.0, 8.0]), 3.0);
    }
}
