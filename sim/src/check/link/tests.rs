//! Transmissions that pass, and some that must be caught.

use super::*;

fn link(rate: u64) -> LinkAudit {
    LinkAudit::new("uplink", 2, rate)
}
fn length(bytes: u64, rate: u64) -> u64 {
    (bytes * 8 * SECOND).div_ceil(rate)
}

#[test]
fn a_full_pipe_passes_for_any_rate_and_size() {
    for rate in [1_000_000, 12_345_679, 1_000_000_000, 10_000_000_000] {
        for bytes in [1_u64, 200, 1_447, 1_000_000] {
            let (mut l, mut at) = (link(rate), 0);
            for _ in 0..2_000 {
                let end = at + length(bytes, rate);
                l.transmit(Time(at), Time(end), bytes).unwrap();
                at = end;
            }
        }
    }
}

#[test]
fn copies_are_audited_as_if_they_were_shown_one_by_one() {
    // 1,000 bits at 3 Gbit/s last 333.3 ns: 333 each is too fast from the third on, 334 never is.
    for (each, copies) in [(333, 0), (333, 1), (333, 2), (333, 3), (334, 1), (334, 9), (334, 5_000_000)] {
        let (mut together, mut apart) = (link(3_000_000_000), link(3_000_000_000));
        let start = Time(SECOND / 2);
        let all = together.stream(start, Span(each), 125, copies);
        let single = |i| apart.transmit(start + Span(each) * i, start + Span(each) * (i + 1), 125);
        let (ok, peak) = ((0..copies).try_for_each(single).is_ok(), apart.peak());
        assert_eq!((all.is_ok(), together.last_end), (ok, apart.last_end), "{copies} of {each} ns");
        assert!(!ok || together.peak().to_bits() == peak.to_bits());
    }
}

#[test]
fn what_follows_is_counted_as_if_it_were_transmitted() {
    use ledgerlab_consensus::types::mix64;
    for case in 0..200 {
        let (mut fast, mut plain, mut at, mut followed) = (link(1_000_000_000), link(1_000_000_000), 0_u64, 0);
        for i in 0..500 {
            let r = mix64(case ^ mix64(i));
            // Pauses, ends that touch, overlaps, and now and then too much in too little time.
            at += [0, 0, 50, 90_000, 3_000_000_000][r as usize % 5];
            // Many of one size, or all of different ones.
            let bytes = 1 + (r >> 16) % if case % 2 == 0 && r >> 40 & 7 > 0 { 2 } else { 1_500 };
            let start = at.saturating_sub(u64::from(r >> 8 & 0x3F == 0));
            let end = start + bytes * 8 - u64::from(r >> 32 & 0x3F == 0);
            let before = fast.clone();
            let follows = fast.follows(Time(start), Time(end), bytes);
            assert!(follows || format!("{fast:?}") == format!("{before:?}"), "it does nothing else");
            let fine = follows || fast.transmit(Time(start), Time(end), bytes).is_ok();
            assert_eq!(fine, plain.transmit(Time(start), Time(end), bytes).is_ok(), "{start} to {end}");
            assert_eq!(format!("{:?}", LinkAudit { slow: NONE, ..fast.clone() }), format!("{plain:?}"));
            (at, followed) = (at.max(end), followed + u64::from(follows));
        }
        assert!(followed > 100, "{followed} of 500");
    }
}

#[test]
fn a_pipe_that_carries_fractions_of_nanoseconds_passes() {
    // 200 bytes at 7 Gbit/s last 228.57 ns; ends are cut to whole nanoseconds, the remainder is carried on.
    let rate = 7_000_000_000_u128;
    let (mut l, mut at) = (link(rate as u64), 0);
    for i in 1..=100_000_u128 {
        let end = (i * 1_600 * u128::from(SECOND) / rate) as u64;
        l.transmit(Time(at), Time(end), 200).unwrap();
        at = end;
    }
    assert!(l.peak() < 1.0);
}

#[test]
fn a_long_transmission_fills_its_seconds_and_no_more() {
    let mut l = link(8_000);
    l.transmit(Time(SECOND / 2), Time(SECOND * 7 / 2), 3_000).unwrap();
    assert!((l.peak() - 1.0).abs() < 1e-6, "{}", l.peak());
    assert!(l.transmit(Time(SECOND * 7 / 2), Time(SECOND * 9 / 2), 1_001).is_err());
}

#[test]
fn stretches_in_which_it_is_never_idle_are_known() {
    let mut l = link(8_000);
    let full = |l: &LinkAudit, now: u64| l.full(Time(now)).map(|w| (w.from.0, w.to.0)).collect::<Vec<_>>();
    l.transmit(Time(0), Time(SECOND / 2), 500).unwrap();
    l.transmit(Time(SECOND), Time(2 * SECOND), 1_000).unwrap();
    l.transmit(Time(2 * SECOND), Time(4 * SECOND), 2_000).unwrap();
    assert_eq!(full(&l, SECOND * 3 / 2), []);
    assert_eq!(full(&l, 3 * SECOND), [(SECOND, 3 * SECOND)]);
    l.transmit(Time(5 * SECOND), Time(6 * SECOND), 1_000).unwrap();
    assert_eq!(full(&l, 9 * SECOND), [(SECOND, 4 * SECOND), (5 * SECOND, 6 * SECOND)]);
}

#[test]
fn a_crash_frees_the_link() {
    let mut l = link(8_000);
    l.transmit(Time(0), Time(3 * SECOND), 3_000).unwrap();
    l.reset(Time(SECOND / 2));
    l.transmit(Time(SECOND), Time(2 * SECOND), 1_000).unwrap();
    l.reset(Time(5 * SECOND));
    assert!(l.transmit(Time(SECOND), Time(2 * SECOND), 1_000).is_err(), "an idle link is not set back");
}

#[test]
fn shared_transmissions_may_overlap_and_are_not_faster_together() {
    // Two of 1,000 bytes that share 8 kbit/s from the start, and one that follows when they are through.
    let mut l = link(8_000);
    l.passed(Time(0), Time(2 * SECOND), 1_000).unwrap();
    l.passed(Time(0), Time(2 * SECOND), 1_000).unwrap();
    l.passed(Time(2 * SECOND), Time(3 * SECOND), 1_000).unwrap();
    assert!((l.peak() - 1.0).abs() < 1e-6, "{}", l.peak());
    let mut l = link(8_000);
    l.passed(Time(0), Time(SECOND * 3 / 2), 1_000).unwrap();
    assert!(l.passed(Time(0), Time(SECOND * 3 / 2), 1_000).is_err(), "both within a second and a half");
    let v = l.passed(Time(SECOND), Time(9 * SECOND), 1).unwrap_err();
    let what = "uplink of host 2: a busy period begins at 1000000000 ns, but the one before it ends at 2000000000 ns";
    assert_eq!(v.what, what);
}

#[test]
fn overlapping_transmissions_are_caught() {
    let mut l = link(SECOND);
    l.transmit(Time(0), Time(8_000), 1_000).unwrap();
    let v = l.transmit(Time(7_999), Time(15_999), 1_000).unwrap_err();
    assert_eq!(v.what, "uplink of host 2: a transmission from 7999 to 15999 ns, but the link is busy to 8000 ns");
    assert!(l.transmit(Time(9_000), Time(8_999), 0).is_err());
}

#[test]
fn a_transmission_that_is_too_fast_is_caught_also_when_each_is_only_a_little() {
    assert!(link(SECOND).transmit(Time(0), Time(7_999), 1_000).is_err());
    // 1,000 bits at 3 Gbit/s last 333.3 ns; cut to 333 each, without carrying the third, they run ahead.
    let mut l = link(3_000_000_000);
    let caught = (0..10_u64).find(|i| l.transmit(Time(i * 333), Time(i * 333 + 333), 125).is_err());
    assert_eq!(caught, Some(2));
}
