//! PHOLD on other simulators that are crates and kept: the same draws and changes of state, their own events and queue.
//!
//! simcore (the successor of dslab-core) has times in floating-point seconds, boxed events and a binary heap. A time
//! is converted back to nanoseconds by rounding, which is exact for the length of a benchmark.

use std::cell::RefCell;
use std::rc::Rc;

use ledgerlab_consensus::Time;
use ledgerlab_sim::kernel::phold::{Draws, Entity, Outcome};
use ledgerlab_sim::kernel::queue::{Event, Origin};
use serde::Serialize;
use simcore::{EventHandler, Id, Simulation, SimulationContext};

use crate::clock::timed;
use crate::phold::{SEED, Size};

const NS_PER_S: f64 = 1e9;

/// What an event carries: its key's second half.
#[derive(Clone, Serialize)]
struct Message {
    origin: u64,
}

/// What all entities share.
struct World {
    draws: Draws,
    /// Their names in the simulation, by number.
    ids: Vec<Id>,
}

struct Member {
    number: u32,
    entity: Entity,
    world: Rc<RefCell<World>>,
    context: SimulationContext,
}

impl Member {
    fn send(&self, event: &Event, now: Time) {
        let target = self.world.borrow().ids[event.target as usize];
        let delay = (event.at.0 - now.0) as f64 / NS_PER_S;
        self.context.emit(Message { origin: event.origin.0 }, target, delay);
    }
}

impl EventHandler for Member {
    fn on(&mut self, event: simcore::Event) {
        let at = Time((event.time * NS_PER_S).round() as u64);
        let Ok(message) = event.data.downcast::<Message>() else { unreachable!("there are no other events") };
        let event = Event { at, origin: Origin(message.origin), target: self.number, what: 0 };
        let follow = self.world.borrow().draws.answer(&event, &mut self.entity);
        self.send(&follow, at);
    }
}

/// Events per CPU second on simcore, without the time that the first events take, and the outcome.
pub fn simcore_phold(size: Size) -> (f64, Outcome) {
    let mut simulation = Simulation::new(SEED);
    let world = Rc::new(RefCell::new(World { draws: Draws::new(size.entities, SEED), ids: vec![] }));
    let members: Vec<Rc<RefCell<Member>>> = (0..size.entities)
        .map(|number| {
            let name = number.to_string();
            let context = simulation.create_context(&name);
            let member = Member { number, entity: Entity::default(), world: world.clone(), context };
            let member = Rc::new(RefCell::new(member));
            let id = simulation.add_handler(&name, member.clone());
            world.borrow_mut().ids.push(id);
            member
        })
        .collect();
    for member in &members {
        let mut member = member.borrow_mut();
        let mut entity = std::mem::take(&mut member.entity);
        let first: Vec<Event> = world.borrow().draws.first(member.number, size.each, &mut entity).collect();
        member.entity = entity;
        first.iter().for_each(|event| member.send(event, Time::ZERO));
    }
    let (s, _) = timed(|| simulation.step_until_time(size.end().0 as f64 / NS_PER_S));
    let entities: Vec<Entity> = members.iter().map(|m| m.borrow().entity).collect();
    let outcome = Outcome::of((0..).zip(&entities));
    (outcome.events as f64 / s, outcome)
}

#[cfg(test)]
mod tests {
    use ledgerlab_sim::kernel::queue::Windows;

    use super::*;

    #[test]
    fn a_peer_has_the_same_outcome() {
        let size = Size { entities: 100, each: 2, events: 20_000 };
        assert_eq!(simcore_phold(size).1, crate::phold::on(Windows::default(), size).1);
    }
}
