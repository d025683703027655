//! How fast arrivals are drawn; run by hand in release.

use super::spec;
use crate::arrivals::Arrivals;
use crate::param::ParamValue;
use crate::profile::HOUR_NS;

fn time(name: &str, arrivals: Arrivals) -> f64 {
    #[expect(clippy::disallowed_methods, reason = "measures the machine, not a run")]
    let start = std::time::Instant::now();
    let (mut n, mut sum) = (0_u64, 0_u64);
    for a in arrivals.take(20_000_000) {
        (n, sum) = (n + 1, sum ^ a.at_ns ^ a.object_bytes ^ u64::from(a.hospital));
    }
    let ns = start.elapsed().as_nanos() as f64 / n as f64;
    println!("{name}: {ns:.1} ns an arrival, {n} arrivals, check {sum:x}");
    ns
}

#[test]
#[ignore = "a wall-clock time: run in release on an idle machine with --ignored --nocapture"]
fn twenty_million_arrivals() {
    let mut fixed = spec("fixed", 16);
    fixed.set("rate_tx_per_s", ParamValue::Number(1e6)).unwrap();
    let start = 9 * HOUR_NS;
    let plain = time("fixed", Arrivals::new(&[fixed.clone()], 1.0, 1, start, u64::MAX).unwrap());
    let clinical = ["ehr", "img", "iot"].map(|kind| spec(kind, 20));
    let specs = clinical.iter().cloned().chain([fixed]).collect::<Vec<_>>();
    time("fixed beside ehr, img and iot", Arrivals::new(&specs, 1.0, 1, start, u64::MAX).unwrap());
    time("ehr, img and iot", Arrivals::new(&clinical, 1_000.0, 1, start, u64::MAX).unwrap());
    assert!(plain < 200.0, "{plain} ns an arrival is below 5 million a second");
}
