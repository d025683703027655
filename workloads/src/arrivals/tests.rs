//! Rates, sizes, order and independence of what is drawn, with pinned seeds.

use super::Arrivals;
use crate::arrival::{Arrival, Operation};
use crate::expected::{expected_between, expected_by_record};
use crate::param::ParamValue;
use crate::profile::{HOUR_NS, Profile};
use crate::spec::{ArrivalMode, WorkloadSpec};
use crate::stream::{DAY_NS, WEEK_NS};

mod speed;

fn spec(kind: &str, hospitals: u32) -> WorkloadSpec {
    let mut spec = WorkloadSpec::new("north", kind).unwrap();
    spec.hospitals = hospitals;
    spec
}

fn draw(specs: &[WorkloadSpec], seed: u64, start_ns: u64, end_ns: u64) -> Vec<Arrival> {
    Arrivals::new(specs, 1.0, seed, start_ns, end_ns).unwrap().collect()
}

/// A Poisson count lies within 4 sigma of its mean.
fn within_4_sigma(count: usize, mean: f64, what: &str) {
    let sigmas = (count as f64 - mean) / mean.sqrt();
    assert!(sigmas.abs() < 4.0, "{what}: {count} for a mean of {mean}, {sigmas:.1} sigma");
}

fn writes(arrivals: &[Arrival]) -> Vec<Arrival> {
    arrivals.iter().copied().filter(|a| a.operation == Operation::Write).collect()
}

#[test]
fn counts_meet_expectations_by_week_day_and_hour() {
    for kind in ["ehr", "img"] {
        let specs = [spec(kind, 20)];
        let arrivals = draw(&specs, 1, 0, WEEK_NS);
        let count = |from: u64, to: u64, op| {
            arrivals.iter().filter(|a| a.operation == op && (from..to).contains(&a.at_ns)).count()
        };
        let check = |from: u64, to: u64| {
            let expected = expected_between(&specs[0], 1.0, from, to).unwrap();
            within_4_sigma(count(from, to, Operation::Write), expected.writes, kind);
            within_4_sigma(count(from, to, Operation::Read), expected.reads, kind);
        };
        check(0, WEEK_NS);
        (0..7).for_each(|d| check(d * DAY_NS, (d + 1) * DAY_NS));
        (0..24).for_each(|h| check(h * HOUR_NS, (h + 1) * HOUR_NS));
        check(HOUR_NS / 3, 9 * HOUR_NS + 7);
    }
}

#[test]
fn emergencies_follow_their_own_profile() {
    let mut ehr = spec("ehr", 200);
    ehr.set("reads_per_write", ParamValue::Number(0.0)).unwrap();
    let arrivals = draw(&[ehr], 2, 0, WEEK_NS);
    let per_week = 200.0 * 7.0 * 116.0;
    for hour in 0..168 {
        let of_hour = arrivals.iter().filter(|a| a.kind == 0 && a.at_ns / HOUR_NS == hour);
        let share = Profile::Emergency.weeks_between(hour * HOUR_NS, (hour + 1) * HOUR_NS);
        within_4_sigma(of_hour.count(), per_week * share, &format!("emergencies in hour {hour}"));
    }
}

#[test]
fn a_run_starts_at_its_hour_of_the_week() {
    let specs = [spec("ehr", 200)];
    let start = 2 * DAY_NS + 9 * HOUR_NS + HOUR_NS / 2;
    for start in [start, start + 40 * WEEK_NS] {
        let arrivals = draw(&specs, 3, start, HOUR_NS);
        let expected = expected_between(&specs[0], 1.0, start, start + HOUR_NS).unwrap();
        within_4_sigma(writes(&arrivals).len(), expected.writes, "from Wednesday 09:30");
        assert!(arrivals.iter().all(|a| a.at_ns < HOUR_NS));
    }
}

#[test]
fn each_kind_of_record_has_its_share() {
    for kind in ["ehr", "img", "iot"] {
        let specs = [spec(kind, 20)];
        let arrivals = draw(&specs, 4, 0, WEEK_NS);
        for (record, name) in specs[0].kind.records.iter().enumerate().map(|(i, r)| (i as u8, r.name)) {
            for op in [Operation::Write, Operation::Read] {
                let of_record = arrivals.iter().filter(|a| a.kind == record && a.operation == op).count();
                let parts = expected_by_record(&specs[0], 1.0, 0, WEEK_NS).unwrap();
                let parts = parts.into_iter().filter(|p| p.0 == record && p.1 == op);
                let mean = parts.map(|p| p.2.writes + p.2.reads).sum::<f64>();
                within_4_sigma(of_record, mean.max(f64::MIN_POSITIVE), &format!("{kind} {name}"));
            }
        }
    }
}

#[test]
fn hospitals_share_evenly_and_remote_reads_have_their_share() {
    let arrivals = draw(&[spec("img", 20)], 5, 0, WEEK_NS);
    for hospital in 0..20 {
        let of_hospital = arrivals.iter().filter(|a| a.hospital == hospital).count();
        within_4_sigma(of_hospital, arrivals.len() as f64 / 20.0, &format!("hospital {hospital}"));
    }
    let reads = arrivals.iter().filter(|a| a.operation == Operation::Read).collect::<Vec<_>>();
    let remote = reads.iter().filter(|a| a.remote()).count();
    within_4_sigma(remote, 0.15 * reads.len() as f64, "remote reads");
    assert!(arrivals.iter().all(|a| a.hospital < 20 && a.holder < 20));
    assert!(arrivals.iter().all(|a| a.operation == Operation::Read || !a.remote()));
    assert!(draw(&[spec("img", 1)], 5, 0, WEEK_NS).iter().all(|a| !a.remote() && a.hospital == 0));
}

#[test]
fn ehr_sizes_are_those_of_the_sample() {
    let mut records = writes(&draw(&[spec("ehr", 20)], 6, 0, WEEK_NS));
    let n = records.len();
    let mean = records.iter().map(|a| f64::from(a.record_bytes)).sum::<f64>() / n as f64;
    // Standard deviation of the sample about 8,000 B.
    assert!((mean - 6_769.0).abs() < 4.0 * 8_000.0 / (n as f64).sqrt(), "mean {mean}");
    let objects = records.iter().map(|a| a.object_bytes as f64).sum::<f64>() / n as f64;
    assert!((objects - 1_218.0).abs() < 4.0 * 900.0 / (n as f64).sqrt(), "zlib mean {objects}");
    records.sort_by_key(|a| a.record_bytes);
    for (p, bytes) in [(0.5, 2_952.0), (0.95, 21_607.0), (0.99, 31_287.0)] {
        let got = f64::from(records[(p * n as f64) as usize].record_bytes);
        assert!((got / bytes - 1.0).abs() < 0.02, "quantile {p} is {got}, not {bytes}");
    }
    assert!(records.iter().all(|a| a.pointer_bytes == 300 && a.object_bytes < u64::from(a.record_bytes)));
}

#[test]
fn studies_have_the_means_of_their_modalities() {
    let specs = [spec("img", 200)];
    let studies = writes(&draw(&specs, 7, 0, WEEK_NS));
    let mean = studies.iter().map(|a| a.object_bytes as f64).sum::<f64>() / studies.len() as f64;
    // Standard deviation of the mix about 140 MB.
    assert!((mean - 74.963e6).abs() < 4.0 * 140e6 / (studies.len() as f64).sqrt(), "mean {mean}");
    let mut ct = studies.iter().filter(|a| a.kind == 2).map(|a| a.object_bytes).collect::<Vec<_>>();
    ct.sort_unstable();
    let median = ct[ct.len() / 2] as f64;
    assert!((median / 220e6 - 1.0).abs() < 0.05, "median of CT {median}");
    assert!(
        studies
            .iter()
            .all(|a| a.pointer_bytes == 330 && u64::from(a.record_bytes) == a.object_bytes.min(u32::MAX.into()))
    );
}

#[test]
fn arrivals_are_in_order_across_workloads() {
    let mut raw = spec("iot", 5);
    raw.set_word("mode", "raw").unwrap();
    let specs = [spec("ehr", 20), raw, spec("img", 20), spec("fixed", 4), spec("iot", 20)];
    let arrivals = draw(&specs, 8, 9 * HOUR_NS, HOUR_NS);
    assert!(arrivals.is_sorted_by_key(|a| a.at_ns));
    assert!((0..5).all(|w| arrivals.iter().any(|a| a.workload == w)));
    for (i, one) in specs.iter().enumerate() {
        let expected = expected_between(one, 1.0, 9 * HOUR_NS, 10 * HOUR_NS).unwrap();
        let count = arrivals.iter().filter(|a| usize::from(a.workload) == i).count();
        within_4_sigma(count, expected.writes + expected.reads, &format!("workload {i}"));
    }
}

#[test]
fn ties_go_by_workload_and_hospital() {
    let mut spaced = spec("fixed", 1);
    spaced.set_word("spacing", "constant").unwrap();
    spaced.set("reads_per_write", ParamValue::Number(1.0)).unwrap();
    let arrivals = draw(&[spaced.clone(), spaced.clone(), spaced], 9, 0, 1_000_000_000);
    let order = arrivals.iter().map(|a| (a.at_ns, a.workload, a.hospital, a.operation)).collect::<Vec<_>>();
    assert_eq!(order.len(), 600);
    assert!(order.is_sorted());
    assert_eq!(order[0].0, order[5].0);
}

#[test]
fn constant_spacing_is_exact_and_takes_hospitals_in_turn() {
    let mut fixed = spec("fixed", 3);
    fixed.set_word("spacing", "constant").unwrap();
    fixed.set("rate_tx_per_s", ParamValue::Number(8.0)).unwrap();
    let arrivals = draw(&[fixed], 10, 0, 1_000_000_000);
    let got = arrivals.iter().map(|a| (a.at_ns, a.hospital)).collect::<Vec<_>>();
    let expected = (0..8).map(|i| (62_500_000 + i * 125_000_000, (i % 3) as u32)).collect::<Vec<_>>();
    assert_eq!(got, expected);
    assert!(arrivals.iter().all(|a| a.chain_bytes(true) == 512 && a.chain_bytes(false) == 512));
    assert!(arrivals.iter().all(|a| a.off_chain_bytes(false) == 0));
}

#[test]
fn gaps_of_the_poisson_load_are_exponential() {
    let mut fixed = spec("fixed", 16);
    fixed.set("rate_tx_per_s", ParamValue::Number(10_000.0)).unwrap();
    let arrivals = draw(&[fixed], 11, 0, 10_000_000_000);
    within_4_sigma(arrivals.len(), 100_000.0, "10 s at 10,000 tx/s");
    let gaps = arrivals.windows(2).map(|w| (w[1].at_ns - w[0].at_ns) as f64 / 1e5).collect::<Vec<_>>();
    let n = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / n;
    let variance = gaps.iter().map(|g| (g - mean) * (g - mean)).sum::<f64>() / n;
    // The variance of a sample variance of exponentials is 8 / n.
    assert!((variance - 1.0).abs() < 4.0 * (8.0 / n).sqrt(), "variance {variance}");
    let long = gaps.iter().filter(|g| **g > 3.0).count();
    within_4_sigma(long, n * libm::exp(-3.0), "gaps above 3 means");
}

#[test]
fn the_same_seed_gives_the_same_arrivals() {
    let specs = [spec("ehr", 20), spec("img", 20), spec("iot", 20), spec("fixed", 4)];
    let day = |seed| draw(&specs, seed, 0, HOUR_NS);
    assert_eq!(day(12), day(12));
    assert_ne!(day(12), day(13));
    let longer = draw(&specs, 12, 0, 2 * HOUR_NS);
    assert_eq!(day(12)[..], longer[..day(12).len()]);
}

/// The bits of everything that is drawn: changed only on purpose, with every golden digest of the simulator.
#[test]
fn the_draws_are_pinned() {
    let specs = [spec("ehr", 20), spec("img", 20), spec("iot", 20), spec("fixed", 4)];
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |x: u64| digest = (digest ^ x).wrapping_mul(0x0000_0100_0000_01b3);
    for a in draw(&specs, 42, 9 * HOUR_NS, HOUR_NS) {
        [a.at_ns, a.object_bytes, a.hospital.into(), a.holder.into(), a.record_bytes.into()]
            .into_iter()
            .for_each(&mut mix);
        [a.pointer_bytes.into(), a.workload.into(), a.kind.into(), a.operation as u64].into_iter().for_each(&mut mix);
    }
    assert_eq!(digest, 0x79a2_6210_d963_dd99, "digest {digest:#018x}");
}

#[test]
fn switching_reads_off_leaves_writes_alone() {
    for kind in ["ehr", "img", "iot", "fixed"] {
        let mut with = spec(kind, 20);
        with.set("reads_per_write", ParamValue::Number(2.0)).unwrap();
        let mut without = with.clone();
        without.set("reads_per_write", ParamValue::Number(0.0)).unwrap();
        let (with, without) = (draw(&[with], 14, 0, 12 * HOUR_NS), draw(&[without], 14, 0, 12 * HOUR_NS));
        assert!(with.len() > without.len());
        assert_eq!(writes(&with), without, "{kind}");
    }
}

#[test]
fn another_workload_leaves_the_first_alone() {
    let (ehr, fixed) = (spec("ehr", 20), spec("fixed", 4));
    let both = draw(&[ehr.clone(), fixed], 15, 0, 6 * HOUR_NS);
    let first = both.into_iter().filter(|a| a.workload == 0).collect::<Vec<_>>();
    assert_eq!(first, draw(&[ehr], 15, 0, 6 * HOUR_NS));
}

#[test]
fn load_multiplies_rates_and_leaves_the_sequence_of_sizes() {
    let mut ehr = spec("ehr", 20);
    ehr.set("reads_per_write", ParamValue::Number(0.0)).unwrap();
    ehr.set("emergency_per_day", ParamValue::Number(0.0)).unwrap();
    let sizes = |load| {
        let arrivals = Arrivals::new(std::slice::from_ref(&ehr), load, 16, 0, DAY_NS).unwrap();
        arrivals.map(|a| (a.hospital, a.record_bytes)).collect::<Vec<_>>()
    };
    let (one, ten) = (sizes(1.0), sizes(10.0));
    within_4_sigma(ten.len(), 10.0 * 20.0 * 718.0 * 1.36, "tenfold load");
    assert_eq!(one[..], ten[..one.len()]);
}

#[test]
fn nothing_comes_where_nothing_is_asked_for() {
    assert_eq!(draw(&[], 17, 0, WEEK_NS), []);
    assert_eq!(draw(&[spec("ehr", 20)], 17, 0, 0), []);
    let mut closed = spec("ehr", 20);
    closed.arrival = ArrivalMode::Closed { clients: 10, think_ns: 0 };
    assert_eq!(draw(&[closed], 17, 0, WEEK_NS), []);
    let specs = ["ehr", "img", "iot", "fixed"].map(|kind| spec(kind, 20));
    assert_eq!(Arrivals::new(&specs, 0.0, 17, 0, WEEK_NS).unwrap().count(), 0);
}

#[test]
fn a_run_without_end_goes_on_and_a_rare_one_ends() {
    let mut rare = spec("ehr", 1);
    rare.multiplier = 1e-6;
    let mut arrivals = Arrivals::new(&[rare.clone()], 1.0, 18, 0, u64::MAX).unwrap();
    let first = arrivals.next().unwrap();
    assert!(first.at_ns > 10 * DAY_NS, "{first:?}");
    assert!(arrivals.all(|a| a.at_ns >= first.at_ns));
    assert_eq!(Arrivals::new(&[rare], 1.0, 18, u64::MAX - DAY_NS, u64::MAX).unwrap().count(), 0);
}
