//! Defaults, setters and every message of a workload that cannot be run.

use super::{ArrivalMode, WorkloadSpec};
use crate::arrivals::Arrivals;
use crate::param::ParamValue;
use crate::registry::KINDS;

fn spec(kind: &str) -> WorkloadSpec {
    let mut spec = WorkloadSpec::new("north", kind).unwrap();
    spec.hospitals = 20;
    spec
}

fn message<T: std::fmt::Debug>(result: Result<T, crate::WorkloadError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn every_kind_runs_with_its_defaults() {
    for kind in KINDS {
        let spec = spec(kind.id);
        spec.check().unwrap();
        assert!(spec.iter().all(|(p, v)| p.default == v && p.same_type(v) && p.allows(v)));
        assert!(spec.iter().all(|(p, _)| !p.doc.is_empty() && !p.source.is_empty()));
        assert!(spec.streams().iter().all(|s| s.per_week >= 0.0 && usize::from(s.kind) < kind.records.len()));
    }
}

#[test]
fn ids_and_keys_are_unique() {
    let ids = KINDS.iter().map(|k| k.id).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(ids.len(), KINDS.len());
    for kind in KINDS {
        let keys = kind.params.iter().map(|p| p.name).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(keys.len(), kind.params.len(), "{}", kind.id);
        let reserved = ["kind", "hospitals", "multiplier", "arrival", "load"];
        assert!(reserved.iter().all(|key| !keys.contains(key)), "{} redefines a common key", kind.id);
        assert!(kind.records.iter().filter_map(|r| r.deadline).all(|key| keys.contains(key)));
    }
}

#[test]
fn deadlines_come_from_parameters() {
    let mut iot = spec("iot");
    iot.set("alarm_deadline", ParamValue::Span(7_000_000_000)).unwrap();
    assert_eq!((iot.deadline_ns(0), iot.deadline_ns(2)), (None, Some(7_000_000_000)));
    assert_eq!(spec("ehr").deadline_ns(3), Some(2_000_000_000));
}

#[test]
fn unknown_names_are_told_with_what_is_known() {
    assert_eq!(
        message(WorkloadSpec::new("north", "eher")),
        "workload `north`: unknown kind `eher`; known are ehr, img, iot, fixed"
    );
    assert_eq!(
        message(spec("fixed").set("rate", ParamValue::Number(1.0))),
        "workload `north`: unknown key `rate`; `fixed` has rate_tx_per_s, bytes, spacing, reads_per_write"
    );
    assert_eq!(
        message(spec("iot").set_word("mode", "cooked")),
        "workload `north`: `mode` is `cooked`, must be one of raw, anchored"
    );
}

#[test]
fn values_outside_their_limits_are_refused() {
    let refused = |kind: &str, key: &str, value| message(spec(kind).set(key, value));
    assert_eq!(
        refused("fixed", "rate_tx_per_s", ParamValue::Number(-1.0)),
        "workload `north`: `rate_tx_per_s` is -1, must be from 0 to 1000000000"
    );
    assert_eq!(
        refused("fixed", "rate_tx_per_s", ParamValue::Number(f64::NAN)),
        "workload `north`: `rate_tx_per_s` is NaN, must be from 0 to 1000000000"
    );
    assert_eq!(
        refused("ehr", "remote_share", ParamValue::Share(1.5)),
        "workload `north`: `remote_share` is 1.5, must be from 0 to 1"
    );
    assert_eq!(
        refused("iot", "window", ParamValue::Span(0)),
        "workload `north`: `window` is 0 s, must be from 0.001 s to 86400 s"
    );
    assert_eq!(
        refused("img", "pointer_bytes", ParamValue::Bytes(0)),
        "workload `north`: `pointer_bytes` is 0 B, must be from 1 B to 1048576 B"
    );
    assert_eq!(
        refused("ehr", "people", ParamValue::Number(5.0)),
        "workload `north`: `people` is a number, must be a whole number"
    );
    assert_eq!(
        message(spec("ehr").set_word("people", "many")),
        "workload `north`: `people` is a word, must be a whole number"
    );
    assert!(spec("iot").set("mode", ParamValue::Word(2)).is_err());
}

#[test]
fn a_refused_value_changes_nothing() {
    let mut ehr = spec("ehr");
    assert!(ehr.set("remote_share", ParamValue::Share(-0.1)).is_err());
    assert_eq!(ehr, spec("ehr"));
}

#[test]
fn hospitals_multiplier_load_and_clients_are_checked() {
    let ehr = WorkloadSpec::new("north", "ehr").unwrap();
    assert_eq!(message(ehr.check()), "workload `north`: `hospitals` is 0, must be from 1 to 1000000");
    assert_eq!(WorkloadSpec::new("plain", "fixed").unwrap().check(), Ok(()));
    for (multiplier, shown) in [(-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let mut ehr = spec("ehr");
        ehr.multiplier = multiplier;
        let expected = format!("workload `north`: `multiplier` is {shown}, must be from 0 to 1000000000");
        assert_eq!(message(ehr.check()), expected);
        assert_eq!(message(Arrivals::new(&[ehr], 1.0, 1, 0, 1)), expected);
    }
    for load in [-0.5, f64::NAN] {
        let expected = format!("`load` is {load}, must be from 0 to 1000000000");
        assert_eq!(message(Arrivals::new(&[spec("ehr")], load, 1, 0, 1)), expected);
    }
    let mut fixed = spec("fixed");
    fixed.arrival = ArrivalMode::Closed { clients: 0, think_ns: 0 };
    assert_eq!(message(fixed.check()), "workload `north`: `arrival` has 0 clients, must be from 1 to 10000000");
}

#[test]
fn parameters_are_checked_against_each_other() {
    let mut ehr = spec("ehr");
    ehr.set("emergency_per_day", ParamValue::Number(719.0)).unwrap();
    assert_eq!(message(ehr.check()), "workload `north`: `emergency_per_day` is 719, must be from 0 to 718");
    let mut iot = spec("iot");
    iot.hospitals = 1_000_000;
    assert_eq!(message(iot.check()), "workload `north`: `beds` is 30, must be from 1 to 10");
}
