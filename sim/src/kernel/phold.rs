//! PHOLD, the kernel's standard load: entities that answer every event with one event to a random entity.
//!
//! Every event waits the lookahead plus an exponential time and goes to an entity drawn from all (100 % remote), so
//! the number of pending events never changes and no entity's state stays in a cache by itself. It measures queues and
//! engines, and its digest, over the order of each entity's events, compares them. See Fujimoto, "Performance of Time
//! Warp under synthetic workloads" (SCS 1990).

use ledgerlab_consensus::types::mix64;
use ledgerlab_consensus::{Span, Time};

use super::parallel::{self, Part};
use super::prefetch::prefetch;
use super::queue::{Event, Origin, Queue};
use super::rng::{Purpose, QuantileTable, Stream};

/// Mean time from an event to the one that it causes, in ns.
pub const MEAN_NS: u64 = 1_000_000_000;
/// The least such time: a tenth of the mean.
pub const LOOKAHEAD: Span = Span(MEAN_NS / 10);
/// How many places ahead an entity's state is fetched.
const AHEAD: usize = 8;

/// State of an entity: 32 bytes, all of it changed by every event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(align(32))]
pub struct Entity {
    digest: u64,
    last: Time,
    handled: u64,
    sequence: u64,
}

impl Entity {
    /// Mixes an event into the entity's history.
    #[inline]
    fn record(&mut self, event: &Event) {
        let mixed = (self.digest ^ event.at.0).wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ event.origin.0;
        self.digest = mixed.rotate_left(29);
        self.last = event.at;
        self.handled += 1;
    }
    /// Events that it handled.
    pub fn handled(&self) -> u64 {
        self.handled
    }
    /// Word of the digest.
    pub fn word(&self, id: u32) -> u64 {
        mix64(self.digest ^ mix64(u64::from(id) ^ self.handled.rotate_left(32)))
    }
}

/// Where and when events go.
#[derive(Clone, Debug)]
pub struct Draws {
    entities: u32,
    delays: QuantileTable,
    stream: Stream,
}

impl Draws {
    /// For so many entities under a seed.
    pub fn new(entities: u32, seed: u64) -> Draws {
        let exponential = (MEAN_NS - LOOKAHEAD.0) as f64;
        let delays = QuantileTable::new(|p| LOOKAHEAD.0 as f64 - exponential * libm::log1p(-p));
        Draws { entities, delays, stream: Stream::new(seed, Purpose::Workload) }
    }

    /// Number of entities.
    pub fn entities(&self) -> u32 {
        self.entities
    }

    /// The first `each` events of an entity.
    pub fn first<'a>(&'a self, id: u32, each: u32, entity: &'a mut Entity) -> impl Iterator<Item = Event> + 'a {
        (0..each).map(move |_| Event { target: id, ..self.follow(id, entity, Time::ZERO) })
    }

    /// Handles an event: changes the entity's state and gives the event that follows.
    #[inline]
    pub fn answer(&self, event: &Event, entity: &mut Entity) -> Event {
        entity.record(event);
        self.follow(event.target, entity, event.at)
    }

    #[inline]
    fn follow(&self, id: u32, entity: &mut Entity, now: Time) -> Event {
        let draw = self.stream.at(u64::from(id), entity.sequence);
        let target = ((u128::from(mix64(draw)) * u128::from(self.entities)) >> 64) as u32;
        let origin = Origin::new(id, entity.sequence);
        entity.sequence += 1;
        Event { at: Time(now.0 + self.delays.sample(draw)), origin, target, what: 0 }
    }
}

/// What a run of the model leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Events handled.
    pub events: u64,
    /// Over the order of every entity's events.
    pub digest: u64,
}

impl Outcome {
    /// Of entities with their ids.
    pub fn of<'a>(entities: impl Iterator<Item = (u32, &'a Entity)>) -> Outcome {
        entities.fold(Outcome { events: 0, digest: 0 }, |sum, (id, entity)| Outcome {
            events: sum.events + entity.handled(),
            digest: sum.digest.wrapping_add(entity.word(id)),
        })
    }
}

/// The model on one thread.
#[derive(Debug)]
pub struct Phold<Q> {
    draws: Draws,
    entities: Vec<Entity>,
    queue: Q,
}

impl<Q: Queue> Phold<Q> {
    /// `entities` of them with `each` pending events apiece.
    pub fn new(entities: u32, each: u32, seed: u64, mut queue: Q) -> Phold<Q> {
        let draws = Draws::new(entities, seed);
        let mut states = vec![Entity::default(); entities as usize];
        for (id, state) in states.iter_mut().enumerate() {
            draws.first(id as u32, each, state).for_each(|e| queue.push(e));
        }
        Phold { draws, entities: states, queue }
    }

    /// Handles every event before `end`.
    pub fn run(&mut self, end: Time) {
        while self.queue.next_at().is_some_and(|at| at < end) {
            let Some(event) = self.queue.pop() else { return };
            if let Some((target, _)) = self.queue.upcoming(AHEAD) {
                prefetch(&self.entities, target as usize);
            }
            let follow = self.draws.answer(&event, &mut self.entities[event.target as usize]);
            self.queue.push(follow);
        }
    }

    /// What has happened up to now.
    pub fn outcome(&self) -> Outcome {
        Outcome::of((0..).zip(&self.entities))
    }
}

/// A thread's share of the entities.
#[derive(Debug)]
struct Share<'d> {
    draws: &'d Draws,
    /// The first entity of each part but the first.
    bounds: &'d [u32],
    first: u32,
    entities: Vec<Entity>,
}

impl Part for Share<'_> {
    #[inline]
    fn handle(&mut self, event: Event, mut send: impl FnMut(Event)) {
        send(self.draws.answer(&event, &mut self.entities[(event.target - self.first) as usize]));
    }
    #[inline]
    fn owner(&self, target: u32) -> usize {
        self.bounds.iter().filter(|bound| target >= **bound).count()
    }
    #[inline]
    fn soon(&self, target: u32) {
        prefetch(&self.entities, target.wrapping_sub(self.first) as usize);
    }
}

/// The model on several threads: the same outcome as [`Phold`] with the same entities, events each, seed and end.
pub fn parallel<Q: Queue + Send>(
    entities: u32,
    each: u32,
    seed: u64,
    threads: u32,
    end: Time,
    queue: impl Fn() -> Q,
) -> Outcome {
    let draws = Draws::new(entities, seed);
    let bound = |i: u32| (u64::from(entities) * u64::from(i) / u64::from(threads)) as u32;
    let bounds: Vec<u32> = (1..threads).map(bound).collect();
    let part = |i: u32| {
        let (first, next) = (bound(i), bound(i + 1));
        let (mut queue, mut states) = (queue(), vec![Entity::default(); (next - first) as usize]);
        for (id, state) in (first..).zip(&mut states) {
            draws.first(id, each, state).for_each(|e| queue.push(e));
        }
        (Share { draws: &draws, bounds: &bounds, first, entities: states }, queue)
    };
    let parts = parallel::run((0..threads).map(part).collect(), LOOKAHEAD, end);
    Outcome::of(parts.iter().flat_map(|(share, _)| (share.first..).zip(&share.entities)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::queue::{Heap, Windows};

    /// Fewer under Miri, which takes a thousand times as long.
    const ENTITIES: u32 = if cfg!(miri) { 5 } else { 500 };

    fn run(queue: impl Queue, seed: u64) -> Outcome {
        let mut model = Phold::new(ENTITIES, 3, seed, queue);
        model.run(Time(40 * MEAN_NS));
        model.outcome()
    }

    #[test]
    fn both_queues_give_the_same_history() {
        let heap = run(Heap::default(), 1);
        assert_eq!(heap, run(Windows::default(), 1));
        assert_ne!(heap.digest, run(Heap::default(), 2).digest);
    }

    #[test]
    fn events_come_at_the_rate_of_the_mean_delay() {
        // Every pending event is followed after 1 s on average: 40 renewals in 40 s, give or take 4 sigma of the sum of
        // their counts, whose delays have a standard deviation of 0.9 s.
        let pending = f64::from(ENTITIES * 3);
        let sigma = f64::sqrt(pending * 40.0 * 0.81);
        let events = run(Heap::default(), 1).events as f64;
        // A renewal process that starts with a full delay is short of (1 - 0.81) / 2 events.
        assert!((events - pending * (40.0 - 0.095)).abs() < 4.0 * sigma, "{events} events");
    }

    #[test]
    fn an_entity_takes_at_most_100_bytes_with_its_pending_event() {
        assert_eq!(size_of::<Entity>(), 32);
        let entities = ENTITIES * 200;
        let mut model = Phold::new(entities, 1, 1, Windows::default());
        model.run(Time(3 * MEAN_NS));
        // The ring and its scratch are there for any number of entities.
        let fixed = Windows::default().bytes();
        let each = 32.0 + (model.queue.bytes() - fixed) as f64 / f64::from(entities);
        assert!(each < 100.0 || cfg!(miri), "{each} bytes");
    }
}
