//! Periodic readings, their jitter, and outages of gateways.

use crate::arrival::Arrival;
use crate::arrivals::Arrivals;
use crate::param::ParamValue;
use crate::spec::WorkloadSpec;
use crate::stream::DAY_NS;

const MINUTE: u64 = 60_000_000_000;

fn spec(mode: &str) -> WorkloadSpec {
    let mut spec = WorkloadSpec::new("icu", "iot").unwrap();
    spec.hospitals = 20;
    spec.set_word("mode", mode).unwrap();
    spec.set("alarms_per_bed_day", ParamValue::Number(0.0)).unwrap();
    spec.set("reads_per_write", ParamValue::Number(0.0)).unwrap();
    spec
}

fn draw(spec: &WorkloadSpec, load: f64, end_ns: u64) -> Vec<Arrival> {
    Arrivals::new(std::slice::from_ref(spec), load, 21, 0, end_ns).unwrap().collect()
}

#[test]
fn without_jitter_every_device_sends_once_in_every_interval() {
    for (mode, devices) in [("raw", 600), ("anchored", 60)] {
        let mut spec = spec(mode);
        spec.set("jitter", ParamValue::Span(0)).unwrap();
        let arrivals = draw(&spec, 1.0, 30 * MINUTE);
        assert_eq!(arrivals.len(), 30 * devices, "{mode}");
        for minute in 0..30 {
            assert_eq!(arrivals.iter().filter(|a| a.at_ns / MINUTE == minute).count(), devices, "{mode}");
        }
        for hospital in 0..20 {
            assert_eq!(arrivals.iter().filter(|a| a.hospital == hospital).count(), 30 * devices / 20, "{mode}");
        }
    }
}

#[test]
fn with_jitter_the_rate_stays_and_no_device_is_off_by_more_than_one() {
    let mut spec = spec("raw");
    spec.hospitals = 1;
    spec.set("beds", ParamValue::Count(1)).unwrap();
    spec.set("jitter", ParamValue::Span(MINUTE)).unwrap();
    let arrivals = draw(&spec, 1.0, DAY_NS);
    assert!(arrivals.len().abs_diff(1_440) <= 1, "{} readings", arrivals.len());
    let gaps = arrivals.windows(2).map(|w| w[1].at_ns - w[0].at_ns).collect::<Vec<_>>();
    assert!(gaps.iter().all(|g| *g <= 2 * MINUTE));
    assert!(gaps.iter().any(|g| *g < MINUTE / 2) && gaps.iter().any(|g| *g > 3 * MINUTE / 2));
}

#[test]
fn load_shortens_the_interval() {
    let mut spec = spec("raw");
    spec.set("jitter", ParamValue::Span(0)).unwrap();
    assert_eq!(draw(&spec, 2.5, 2 * MINUTE).len(), 600 * 5);
}

#[test]
fn sizes_go_on_chain_by_mode() {
    let raw = draw(&spec("raw"), 1.0, MINUTE)[0];
    assert_eq!((raw.chain_bytes(true), raw.chain_bytes(false)), (1_074, 1_074));
    assert_eq!((raw.off_chain_bytes(true), raw.off_chain_bytes(false)), (0, 0));
    let root = draw(&spec("anchored"), 1.0, MINUTE)[0];
    assert_eq!((root.chain_bytes(true), root.chain_bytes(false)), (200, 200));
    assert_eq!((root.off_chain_bytes(true), root.off_chain_bytes(false)), (9_000, 9_000));
    let mut alarms = spec("anchored");
    alarms.set("alarms_per_bed_day", ParamValue::Number(6.0)).unwrap();
    let alarm = draw(&alarms, 1.0, DAY_NS).into_iter().find(|a| a.kind == 2).unwrap();
    assert_eq!((alarm.chain_bytes(true), alarm.chain_bytes(false)), (1_074, 300));
    assert_eq!((alarm.off_chain_bytes(true), alarm.off_chain_bytes(false)), (0, 900));
}

#[test]
fn outages_delay_messages_and_flush_them_together() {
    let mut failing = spec("raw");
    failing.hospitals = 1;
    failing.set("outages_per_day", ParamValue::Number(4.0)).unwrap();
    let mut calm = failing.clone();
    calm.set("outages_per_day", ParamValue::Number(0.0)).unwrap();
    let (failing, calm) = (draw(&failing, 1.0, 10 * DAY_NS), draw(&calm, 1.0, 10 * DAY_NS));
    // 30 minutes of ten beds wait at each outage's end.
    let mut bursts = 0_u32;
    for burst in failing.chunk_by(|a, b| a.at_ns == b.at_ns).filter(|b| b.len() > 100) {
        assert!(burst.len().abs_diff(300) <= 10, "a burst of {}", burst.len());
        bursts += 1;
    }
    // 3 gateways, 10 days, one outage in 6 hours of uptime and 30 minutes of outage.
    let mean = 3.0 * 10.0 * 24.0 / 6.5;
    assert!((f64::from(bursts) - mean).abs() < 4.0 * mean.sqrt(), "{bursts} bursts for a mean of {mean}");
    // Only messages that still wait at the end are missing.
    let missing = calm.len() - failing.len();
    assert!(missing <= 900, "{missing} messages are missing");
    assert!(failing.is_sorted_by_key(|a| a.at_ns));
}

#[test]
fn no_message_leaves_during_an_outage() {
    let mut spec = spec("raw");
    spec.hospitals = 1;
    spec.set("gateways", ParamValue::Count(1)).unwrap();
    spec.set("outages_per_day", ParamValue::Number(4.0)).unwrap();
    let arrivals = draw(&spec, 1.0, 10 * DAY_NS);
    let before_bursts = arrivals.windows(200).filter(|w| w[1].at_ns == w[199].at_ns && w[0].at_ns < w[1].at_ns);
    let silences = before_bursts.map(|w| w[1].at_ns - w[0].at_ns).collect::<Vec<_>>();
    assert!(silences.len() > 20, "{} outages", silences.len());
    assert!(silences.iter().all(|s| *s >= 30 * MINUTE && *s < 31 * MINUTE), "{silences:?}");
}
