//! What clients of a closed loop ask for.

use super::ClosedLoop;
use crate::arrival::{Arrival, Operation};
use crate::param::ParamValue;
use crate::spec::{ArrivalMode, WorkloadSpec};

fn closed(kind: &str) -> WorkloadSpec {
    let mut spec = WorkloadSpec::new("clinic", kind).unwrap();
    spec.hospitals = 8;
    spec.arrival = ArrivalMode::Closed { clients: 100, think_ns: 5 };
    spec
}

fn draws(spec: &WorkloadSpec, seed: u64) -> Vec<Arrival> {
    let loop_ = ClosedLoop::new(spec, 3, seed).unwrap().unwrap();
    (0..loop_.clients).flat_map(|c| (0..200).map(move |n| (c, n))).map(|(c, n)| loop_.draw(c, n, n)).collect()
}

#[test]
fn an_open_workload_is_no_closed_loop() {
    let mut spec = closed("ehr");
    spec.arrival = ArrivalMode::Open;
    assert!(ClosedLoop::new(&spec, 0, 1).unwrap().is_none());
    spec.hospitals = 0;
    assert!(ClosedLoop::new(&spec, 0, 1).is_err());
}

#[test]
fn requests_do_not_depend_on_their_order() {
    let all = ClosedLoop::new(&closed("ehr"), 3, 1).unwrap().unwrap();
    let late = all.draw(7, 50, 9);
    (0..50).for_each(|n| assert_ne!(all.draw(7, n, 9), all.draw(8, n, 9)));
    assert_eq!(all.draw(7, 50, 9), late);
    assert_ne!(draws(&closed("ehr"), 1), draws(&closed("ehr"), 2));
}

#[test]
fn the_mix_is_that_of_the_rates_and_ignores_the_multiplier() {
    let mut spec = closed("ehr");
    let requests = draws(&spec, 1);
    let share =
        |test: &dyn Fn(&Arrival) -> bool| requests.iter().filter(|a| test(a)).count() as f64 / requests.len() as f64;
    let near = |got: f64, p: f64| {
        let sigma = (p * (1.0 - p) / requests.len() as f64).sqrt();
        assert!((got - p).abs() < 4.0 * sigma, "share {got}, not {p}");
    };
    near(share(&|a| a.operation == Operation::Write), 0.1);
    near(share(&|a| a.kind == 0), 0.1 * 116.0 / 718.0);
    near(share(&|a| a.kind == 3), 0.9 * 0.005);
    near(share(&|a| a.remote()), 0.9 * 0.15);
    let mean = requests.iter().map(|a| f64::from(a.record_bytes)).sum::<f64>() / requests.len() as f64;
    assert!((mean - 6_769.0).abs() < 4.0 * 8_000.0 / (requests.len() as f64).sqrt(), "mean size {mean}");
    assert!(requests.iter().all(|a| a.hospital < 8 && a.holder < 8 && a.workload == 3));
    spec.multiplier = 0.0;
    assert_eq!(draws(&spec, 1), requests);
}

#[test]
fn a_plain_loop_writes_records_of_one_size() {
    let mut spec = closed("fixed");
    spec.set("rate_tx_per_s", ParamValue::Number(0.0)).unwrap();
    let requests = draws(&spec, 1);
    assert!(requests.iter().all(|a| a.operation == Operation::Write && a.chain_bytes(false) == 512));
    assert!(requests.iter().enumerate().all(|(i, a)| a.hospital == (i / 200) as u32 % 8));
}
