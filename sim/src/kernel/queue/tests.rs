//! The fast queue against the reference.

use ledgerlab_consensus::types::mix64;

use super::*;
use crate::kernel::queue::duel::duel;

/// Pops everything from both and compares.
fn same(events: &[Event], copies: bool) {
    let (mut heap, mut windows) = (Heap::default(), Windows::default());
    for e in events {
        if copies {
            heap.push_copy(*e);
            windows.push_copy(*e);
        } else {
            heap.push(*e);
            windows.push(*e);
        }
    }
    for i in 0..=events.len() {
        assert_eq!(windows.next_at(), heap.next_at());
        assert_eq!(windows.pop(), heap.pop(), "event {i} of {}", events.len());
    }
    assert!(windows.is_empty());
}

fn event(at: u64, number: u64) -> Event {
    Event { at: Time(at), origin: Origin::new((mix64(number) % 50) as u32, number), target: 3, what: number as u32 }
}

#[test]
fn random_schedules_pop_the_same() {
    let mut events = 0;
    for seed in 0..60 {
        events += duel(seed, &mut Heap::default(), &mut Windows::default());
    }
    assert!(events > 1_000_000, "{events} events");
}

#[test]
fn either_choice_is_the_queue_that_it_names() {
    duel(1, &mut Pending::heap(), &mut Pending::windows());
}

#[test]
fn all_at_one_time() {
    for copies in [false, true] {
        same(&(0..50_000).map(|i| event(5_000_000, i)).collect::<Vec<_>>(), copies);
    }
}

#[test]
fn one_burst_before_and_after_long_silence() {
    let burst = |start: u64| (0..20_000).map(move |i| event(start + mix64(i) % 1_000, (start >> 30) + i));
    same(&burst(0).chain(burst(1 << 50)).chain(burst(1 << 62)).collect::<Vec<_>>(), false);
}

#[test]
fn the_ends_of_time() {
    let times = [0, 1, u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1, 1 << 20, (1 << 20) - 1];
    same(&(0..1_000).map(|i| event(times[i as usize % 8], i)).collect::<Vec<_>>(), false);
    same(&(0..1_000).map(|i| event(times[i as usize % 8], i)).collect::<Vec<_>>(), true);
}

#[test]
fn copies_beyond_the_records_limits_are_kept_in_full() {
    let big =
        |i: u64| Event { target: (1 << 18) - 500 + i as u32, what: (1 << 22) - 500 + i as u32, ..event(i / 3, i) };
    same(&(0..1_000).map(big).collect::<Vec<_>>(), true);
}

#[test]
fn a_tie_between_a_copy_an_event_and_a_late_one_goes_by_origin() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
        let mut windows = Windows::default();
        let mut events = order.map(|o| Event { origin: Origin::new(o, 1), ..event(100, 9) });
        windows.push(event(50, 0));
        windows.push(events[0]);
        windows.push_copy(events[1]);
        assert_eq!(windows.pop().map(|e| e.at), Some(Time(50)));
        windows.push(events[2]);
        events.sort_by_key(Event::key);
        assert_eq!([windows.pop(), windows.pop(), windows.pop()], events.map(Some));
    }
}

#[test]
fn a_million_copies_on_their_way_take_ten_bytes_each() {
    let mut windows = Windows::default();
    let mut now = 0;
    // A steady stream of 1,000 messages to 1,000 nodes at a time, each 50 to 100 ms on its way.
    let mut sent = 0;
    while sent < 3_000 {
        if windows.len() <= 999_000 {
            let origin = Origin::new(sent % 1_000, 1);
            for target in 0..1_000 {
                let at = Time(now + 50_000_000 + mix64(u64::from(sent * 1_000 + target)) % 50_000_000);
                windows.push_copy(Event { at, origin, target, what: sent % 2_000 });
            }
            sent += 1;
        }
        now = windows.pop().expect("a million are pending").at.0;
    }
    let each = windows.bytes() as f64 / 1e6;
    assert!(each < 10.0, "{each} bytes a copy");
}

#[test]
fn memory_does_not_grow_with_virtual_time() {
    let mut windows = Windows::default();
    (0..10_000).for_each(|i| windows.push(event(mix64(i) % 1_000_000_000, i)));
    let mut hold = |from: u64, to: u64| {
        for i in from..to {
            let at = windows.pop().expect("the queue keeps its size").at.0;
            windows.push(event(at + mix64(i) % 1_000_000_000, i));
        }
        windows.bytes()
    };
    let early = hold(10_000, 200_000);
    let late = hold(200_000, 1_000_000);
    assert!(late as f64 <= 1.3 * early as f64, "{early} bytes, then {late}");
}

#[test]
fn an_origin_orders_by_sender_then_sequence() {
    assert!(Origin::new(1, (1 << 40) - 1) < Origin::new(2, 0));
    let o = Origin::new(77, 123);
    assert_eq!((o.sender(), o.sequence()), (77, 123));
}
