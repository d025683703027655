//! The same history on any number of threads.

use super::*;
use crate::kernel::phold::{MEAN_NS, Phold, parallel};
use crate::kernel::queue::{Heap, Origin, Windows};

#[test]
fn one_two_and_three_threads_give_the_history_of_the_plain_loop() {
    let end = Time(20 * MEAN_NS);
    for (entities, each) in [(1_000, 1), (300, 8), (3, 1)] {
        let mut plain = Phold::new(entities, each, 1, Heap::default());
        plain.run(end);
        assert!(plain.outcome().events > 10, "{:?}", plain.outcome());
        for threads in 1..=3 {
            assert_eq!(parallel(entities, each, 1, threads, end, Windows::default), plain.outcome());
            assert_eq!(parallel(entities, each, 1, threads, end, Heap::default), plain.outcome());
        }
    }
}

/// Sends every event on to the other part, after a fixed time.
struct Pong {
    after: Span,
    handled: u64,
}

impl Part for Pong {
    fn handle(&mut self, event: Event, mut send: impl FnMut(Event)) {
        self.handled += 1;
        let origin = Origin::new(event.target, event.origin.sequence() + 1);
        send(Event { at: event.at + self.after, origin, target: 1 - event.target, what: 0 });
    }
    fn owner(&self, target: u32) -> usize {
        target as usize
    }
}

fn pong(after: Span, end: Time) -> u64 {
    let part = |i: u64| {
        let mut queue = Heap::default();
        queue.push(Event { at: Time(i), ..Event { target: i as u32, ..Event::default() } });
        (Pong { after, handled: 0 }, queue)
    };
    run(vec![part(0), part(1)], Span(10), end).iter().map(|(p, _)| p.handled).sum()
}

#[test]
fn mail_is_exchanged_and_the_end_is_exact() {
    // Two balls, begun at 0 and 1, hit every 10 ns: at 0, 10, .., 990 and 1, 11, .., 991.
    assert_eq!(pong(Span(10), Time(1_000)), 200);
    assert_eq!(pong(Span(10), Time(991)), 199);
}

#[test]
fn a_broken_lookahead_stops_all_threads() {
    let stopped = std::panic::catch_unwind(|| pong(Span(9), Time(1_000))).expect_err("mail before the window's end");
    // Which of the threads is heard depends on the machine.
    let message = stopped.downcast_ref::<String>().map(String::as_str).or(stopped.downcast_ref::<&str>().copied());
    let message = message.expect("a panic with a message");
    assert!(message.contains("before the window's end") || message.contains("another thread"), "{message}");
}
