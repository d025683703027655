//! PHOLD on the kernel's queues, and the two floors that no queue can get below.

use ledgerlab_consensus::Time;
use ledgerlab_sim::kernel::phold::{Draws, Entity, LOOKAHEAD, MEAN_NS, Outcome, Phold};
use ledgerlab_sim::kernel::prefetch::prefetch;
use ledgerlab_sim::kernel::queue::{Event, Queue};

use crate::clock::timed;

/// Seed of all runs.
pub const SEED: u64 = 1;
/// How many places ahead an entity's state is fetched.
const AHEAD: usize = 8;

/// How large, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Entities.
    pub entities: u32,
    /// Pending events for each of them.
    pub each: u32,
    /// Events to handle, about.
    pub events: u64,
}

impl Size {
    fn pending(&self) -> u64 {
        u64::from(self.entities) * u64::from(self.each)
    }

    /// When about so many events have been handled: every pending event is followed by one after the mean.
    pub fn end(&self) -> Time {
        Time((u128::from(self.events) * u128::from(MEAN_NS) / u128::from(self.pending())) as u64)
    }
}

/// Events per CPU second on a queue, without the time that the first events take, and the outcome.
pub fn on(queue: impl Queue, size: Size) -> (f64, Outcome) {
    let mut model = Phold::new(size.entities, size.each, SEED, queue);
    let (s, ()) = timed(|| model.run(size.end()));
    let outcome = model.outcome();
    (outcome.events as f64 / s, outcome)
}

/// Entities and first events, for the floors.
struct Start {
    draws: Draws,
    entities: Vec<Entity>,
    events: Vec<Event>,
}

impl Start {
    fn new(size: Size) -> Start {
        let draws = Draws::new(size.entities, SEED);
        let mut entities = vec![Entity::default(); size.entities as usize];
        let mut events = vec![];
        for (id, entity) in (0..).zip(&mut entities) {
            events.extend(draws.first(id, size.each, entity));
        }
        Start { draws, entities, events }
    }
}

/// The floor, in events per CPU second: the same draws and changes of state, with events streamed through one
/// counting sort for each window, and no other queue work. Events whose times are near may come in any order.
pub fn floor(size: Size) -> f64 {
    let Start { draws, mut entities, events } = Start::new(size);
    // Windows as full as the queue makes them, within the lookahead.
    let full = (size.pending() / 8).clamp(48, 8_192);
    let shift = (MEAN_NS * full / size.pending()).min(LOOKAHEAD.0).ilog2();
    // The longest delay is 20 times the mean at most.
    let slots = ((MEAN_NS * 20) >> shift).next_power_of_two();
    let mut ring: Vec<Vec<Event>> = vec![vec![]; slots as usize];
    let slot = |at: u64| (at >> shift & (slots - 1)) as usize;
    for e in events {
        ring[slot(e.at.0)].push(e);
    }
    let end = size.end().0 >> shift;
    let (s, handled) = timed(|| {
        let (mut sorted, mut counts, mut handled) = (vec![], vec![], 0);
        for window in 0..end {
            let mut events = std::mem::take(&mut ring[slot(window << shift)]);
            counting_sort(&mut sorted, &mut counts, &events, shift);
            handled += events.len() as u64;
            events.clear();
            ring[slot(window << shift)] = events;
            for (i, e) in sorted.iter().enumerate() {
                if let Some(next) = sorted.get(i + AHEAD) {
                    prefetch(&entities, next.target as usize);
                }
                let follow = draws.answer(e, &mut entities[e.target as usize]);
                ring[slot(follow.at.0)].push(follow);
            }
        }
        handled
    });
    handled as f64 / s
}

fn counting_sort(sorted: &mut Vec<Event>, counts: &mut Vec<u32>, events: &[Event], shift: u32) {
    let bits = events.len().max(2).ilog2().min(shift);
    let digit = |e: &Event| ((e.at.0 & ((1 << shift) - 1)) >> (shift - bits)) as usize;
    counts.clear();
    counts.resize(1 << bits, 0);
    events.iter().for_each(|e| counts[digit(e)] += 1);
    let mut sum = 0;
    for count in counts.iter_mut() {
        sum += std::mem::replace(count, sum);
    }
    sorted.resize(events.len(), Event::default());
    for e in events {
        let place = &mut counts[digit(e)];
        sorted[*place as usize] = *e;
        *place += 1;
    }
}

/// The loop without any queue, in events per CPU second: the event that follows is the next one.
pub fn queueless(size: Size) -> f64 {
    let Start { draws, mut entities, events } = Start::new(size);
    let (s, last) =
        timed(|| (0..size.events).fold(events[0], |e, _| draws.answer(&e, &mut entities[e.target as usize])));
    std::hint::black_box(last);
    size.events as f64 / s
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledgerlab_sim::kernel::queue::Windows;

    #[test]
    fn the_floor_handles_as_many_events_as_the_queue() {
        let size = Size { entities: 200, each: 2, events: 20_000 };
        let (_, outcome) = on(Windows::default(), size);
        assert!(outcome.events.abs_diff(size.events) < 2_000, "{} events", outcome.events);
        assert!(floor(size) > 0.0 && queueless(size) > 0.0);
    }
}
