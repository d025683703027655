//! Processor sharing against its closed forms.

use super::*;
use ledgerlab_consensus::types::mix64;

/// A byte in 1 ns.
const RATE: u64 = 8_000_000_000;

fn link() -> Fair<u32> {
    Fair::new(Rate::bits_per_s(RATE))
}

fn parcel(at: u64, bytes: u32, to: u32, class: u8, what: u32) -> Parcel<u32> {
    Parcel { there: (Time(at), Time(at)), bytes, connection: (0, to, class), class, what }
}

/// Keeps all appointments; says what passed when.
fn play(l: &mut Fair<u32>) -> Vec<(u64, u32)> {
    let mut list = vec![];
    while let Some((at, number)) = l.watch() {
        list.extend(l.keep(at, number).into_iter().map(|p| (p.at.0, p.what)));
    }
    list
}

#[test]
fn equal_transfers_that_begin_together_end_together_at_twice_the_time() {
    let mut l = link();
    for i in 0..2 {
        assert!(l.carry(parcel(100, 1_000, i, 0, i)).is_none());
    }
    assert_eq!(play(&mut l), [(2_100, 0), (2_100, 1)]);
    assert_eq!((l.bytes(), l.busy(Time(9_000))), (2_000, Span(2_000)));
}

#[test]
fn staggered_transfers_share_from_the_moment_at_which_the_second_comes() {
    let mut l = link();
    // 600 ns alone, then half the rate: the first ends after 800 more, the second then has 600 left.
    l.carry(parcel(0, 1_000, 0, 0, 0));
    l.carry(parcel(600, 1_000, 1, 0, 1));
    assert_eq!(play(&mut l), [(1_400, 0), (2_000, 1)]);
    // Three of different sizes: 3 x 100, 2 x 200, then 400 alone.
    let mut l = link();
    for (i, bytes) in [(0, 100), (1, 300), (2, 700)] {
        l.carry(parcel(0, bytes, i, 0, i));
    }
    assert_eq!(play(&mut l), [(300, 0), (700, 1), (1_100, 2)]);
}

#[test]
fn transmissions_of_one_connection_follow_each_other_and_have_one_share() {
    let mut l = link();
    for i in 0..3 {
        l.carry(parcel(0, 100, 7, 0, i));
    }
    l.carry(parcel(0, 300, 8, 0, 9));
    assert_eq!(play(&mut l), [(200, 0), (400, 1), (600, 9), (600, 2)]);
}

#[test]
fn urgent_classes_interrupt_others() {
    let mut l = link();
    l.carry(parcel(0, 1_000, 0, 2, 0));
    l.carry(parcel(300, 100, 1, 0, 1));
    l.carry(parcel(350, 100, 2, 0, 2));
    // From 300 to 500 only the urgent two pass: 50 alone, then 50 left beside 100.
    assert_eq!(play(&mut l), [(450, 1), (500, 2), (1_200, 0)]);
}

#[test]
fn a_receiver_takes_bytes_while_they_come() {
    let mut l = link();
    let coming = |first, last, bytes, from, what| Parcel {
        there: (Time(first), Time(last)),
        bytes,
        connection: (0, from, 0),
        class: 0,
        what,
    };
    let p = l.carry(coming(0, 1_000, 1_000, 1, 1)).expect("it came as fast as it could pass");
    assert_eq!((p.since, p.at), (Time(0), Time(1_000)));
    let p = l.carry(coming(500, 1_500, 400, 1, 2)).expect("slower than it could pass");
    assert_eq!((p.since, p.at, p.what), (Time(1_000), Time(1_400), Time(1_500)));
    // Two that came at the same time: the first has passed, half of the second and a third one share.
    assert!(l.carry(coming(2_000, 3_000, 1_000, 1, 3)).is_some());
    assert!(l.carry(coming(2_500, 3_500, 1_000, 2, 4)).is_none());
    assert!(l.carry(coming(3_500, 3_500, 1_000, 3, 5)).is_none());
    assert_eq!(play(&mut l), [(4_500, 4), (5_000, 5)]);
    assert_eq!((l.bytes(), l.busy(Time(9_000))), (4_400, Span(1_400 + 3_000)));
}

#[test]
fn a_crash_takes_a_nodes_connections_off_the_link() {
    let mut l = link();
    for (node, what) in [(0, 10), (1, 11), (0, 12)] {
        l.carry(Parcel { connection: (node, what, 0), ..parcel(0, 1_000, 0, 0, what) });
    }
    l.carry(Parcel { connection: (0, 9, 0), ..parcel(900, 1_000, 0, 0, 13) });
    let (at, number) = l.watch().expect("an appointment");
    assert!(l.keep(at, number).is_empty());
    let (_, stale) = l.watch().expect("the next");
    let mut lost = l.forget(Time(600), 0);
    lost.sort_unstable();
    assert_eq!(lost, [10, 12, 13]);
    // Of the other 200 have passed.
    assert_eq!(l.watch(), Some((Time(1_400), stale + 1)));
    assert!(l.keep(Time(1_400), stale).is_empty(), "an appointment that was replaced");
    let passed = l.keep(Time(1_400), stale + 1);
    assert_eq!(passed.iter().map(|p| (p.at.0, p.what)).collect::<Vec<_>>(), [(1_400, 11)]);
    assert!(l.forget(Time(2_000), 1).is_empty());
    assert_eq!((l.watch(), l.busy(Time(5_000))), (None, Span(1_400)));
}

/// The same link in steps of 1/100 ns of work, without virtual time.
fn reference(jobs: &[(u64, u32)]) -> Vec<f64> {
    let mut left: Vec<f64> = jobs.iter().map(|j| f64::from(j.1)).collect();
    let mut ends = vec![0.0; jobs.len()];
    let mut now = 0.0;
    loop {
        let active: Vec<usize> = (0..jobs.len()).filter(|i| left[*i] > 0.0 && jobs[*i].0 as f64 <= now).collect();
        let comes = jobs.iter().map(|j| j.0 as f64).filter(|t| *t > now).fold(f64::INFINITY, f64::min);
        let first = active.iter().map(|i| left[*i]).fold(f64::INFINITY, f64::min) * active.len() as f64;
        let next = comes.min(now + if active.is_empty() { f64::INFINITY } else { first });
        if next == f64::INFINITY {
            return ends;
        }
        for i in &active {
            left[*i] -= (next - now) / active.len() as f64;
            if left[*i] < 1e-6 {
                (left[*i], ends[*i]) = (0.0, next);
            }
        }
        now = next;
    }
}

#[test]
fn random_transfers_end_as_a_direct_computation_says() {
    for seed in 0..20_u64 {
        let draw = |i: u64| mix64(seed << 32 | i);
        let jobs: Vec<(u64, u32)> =
            (0..60).map(|i| (draw(2 * i) % 40_000, 1 + (draw(2 * i + 1) % 2_000) as u32)).collect();
        let mut l = link();
        for (i, (at, bytes)) in (0..).zip(&jobs) {
            l.carry(parcel(*at, *bytes, i, 0, i));
        }
        let expected = reference(&jobs);
        let passed = play(&mut l);
        assert_eq!(passed.len(), jobs.len());
        for (at, i) in passed {
            // Each end is rounded up to a nanosecond, and at most all before it in a busy period were.
            let late = at as f64 - expected[i as usize];
            assert!((-1e-3..60.0).contains(&late), "seed {seed}: job {i} ends at {at}, not {}", expected[i as usize]);
        }
    }
}
