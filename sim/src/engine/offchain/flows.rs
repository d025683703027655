//! The table of transfers: places are used again, and an id whose transfer is over finds nothing.
//!
//! The two ends of a transfer are on different hosts, of which one may have run ahead, so neither may look at what
//! the other writes down: a transfer that one end has given up leaves the table at the horizon, which no host has
//! passed, and until then the other end goes on.

use std::collections::BTreeSet;

use ledgerlab_consensus::{NodeId, Span, Time};

use crate::engine::clients::ClientId;
use crate::node::mempool::TxId;
use crate::storage::Offchain;

/// Names a transfer; its place may be another's later, which has another generation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FlowId {
    place: u32,
    generation: u32,
}

/// Why something is transferred.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// A transaction waits for its object to be stored.
    Write { tx: TxId, object: Offchain },
    /// A client waits for an object.
    Read { planned: Time, client: Option<ClientId> },
}

/// A transfer of one object.
#[derive(Clone, Debug)]
pub struct Flow {
    pub from: NodeId,
    pub to: NodeId,
    pub purpose: Purpose,
    /// Bytes that are not with the card yet.
    pub left: u64,
    /// Time to the first byte of the store that is read from.
    pub delay: Span,
    /// For what else the store takes.
    pub draw: u64,
    /// When it began, at the earliest; what the store itself takes counts from here.
    pub began: Time,
    /// Chunks that have come to a reader.
    pub came: u32,
    /// Whether its owner has it, or has given it up.
    done: bool,
    /// Whether its sender knows that the rest will not come.
    cut: bool,
}

impl Flow {
    /// A transfer that begins at a time, with a draw of its own.
    pub fn new((from, to): (NodeId, NodeId), purpose: Purpose, bytes: u64, (began, draw): (Time, u64)) -> Flow {
        let delay = Span::ZERO;
        Flow { from, to, purpose, left: bytes, delay, draw, began, came: 0, done: false, cut: false }
    }
    /// The node that writes or reads the object.
    pub fn owner(&self) -> NodeId {
        match self.purpose {
            Purpose::Read { .. } => self.to,
            Purpose::Write { .. } => self.from,
        }
    }
    /// The transaction that waits for it.
    pub fn awaited(&self) -> Option<TxId> {
        match self.purpose {
            Purpose::Write { tx, .. } if !self.done => Some(tx),
            _ => None,
        }
    }
    /// Whether its sender has no reason to stop.
    pub fn goes_on(&self) -> bool {
        !self.cut
    }
}

#[derive(Clone, Debug, Default)]
struct Place {
    generation: u32,
    flow: Option<Flow>,
}

/// The transfers under way.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    places: Vec<Place>,
    free: Vec<u32>,
    /// Those that are not done, by owner; the rest of the key is an order that is the same for every order of hosts.
    owned: BTreeSet<(u32, Time, u64, FlowId)>,
    /// Those that are being sent, by sender.
    sending: BTreeSet<(u32, FlowId)>,
    /// Those that leave the table at the horizon.
    over: Vec<FlowId>,
}

impl Flows {
    /// Adds a transfer.
    pub fn open(&mut self, flow: Flow) -> FlowId {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() as u32 - 1
        });
        let id = FlowId { place, generation: self.places[place as usize].generation };
        self.owned.insert((flow.owner().0, flow.began, flow.draw, id));
        self.places[place as usize].flow = Some(flow);
        id
    }
    /// A transfer, unless it has left the table.
    pub fn get(&self, id: FlowId) -> Option<&Flow> {
        let place = &self.places[id.place as usize];
        place.flow.as_ref().filter(|_| place.generation == id.generation)
    }
    /// The same, to change it.
    pub fn get_mut(&mut self, id: FlowId) -> Option<&mut Flow> {
        let place = &mut self.places[id.place as usize];
        place.flow.as_mut().filter(|_| place.generation == id.generation)
    }
    /// All in the table.
    pub fn iter(&self) -> impl Iterator<Item = &Flow> {
        self.places.iter().filter_map(|p| p.flow.as_ref())
    }
    /// The owner has it or gives it up; says what it was for, the first time.
    pub fn end(&mut self, id: FlowId) -> Option<Purpose> {
        let flow = self.get_mut(id).filter(|f| !f.done)?;
        flow.done = true;
        let (key, purpose) = ((flow.owner().0, flow.began, flow.draw, id), flow.purpose);
        self.owned.remove(&key);
        self.over.push(id);
        Some(purpose)
    }
    /// The rest will not come. A client that waits for it notices by itself; else nobody needs the entry.
    pub fn cut(&mut self, id: FlowId) {
        let Some(flow) = self.get_mut(id) else { return };
        flow.cut = true;
        if !matches!(flow.purpose, Purpose::Read { client: Some(_), .. }) {
            self.over.push(id);
        }
    }
    /// Its sender begins to send.
    pub fn sending(&mut self, id: FlowId) {
        if let Some(from) = self.get(id).map(|f| f.from.0) {
            self.sending.insert((from, id));
        }
    }
    /// Its last byte has left.
    pub fn sent(&mut self, id: FlowId) {
        if let Some(from) = self.get(id).map(|f| f.from.0) {
            self.sending.remove(&(from, id));
        }
    }
    /// A node stops sending everything that has not left yet.
    pub fn cut_from(&mut self, node: u32) {
        let first = FlowId { place: 0, generation: 0 };
        let list: Vec<FlowId> = self.sending.range((node, first)..(node + 1, first)).map(|(_, id)| *id).collect();
        list.into_iter().for_each(|id| self.cut(id));
    }
    /// What a node reads or writes and has begun by `at`.
    pub fn owned_by(&self, node: u32, at: Time) -> Vec<FlowId> {
        let from = (node, Time::ZERO, 0, FlowId { place: 0, generation: 0 });
        let of_node = self.owned.range(from..).take_while(|(owner, ..)| *owner == node);
        of_node.filter(|(_, began, ..)| *began <= at).map(|(.., id)| *id).collect()
    }
    /// The horizon: what is over leaves the table.
    pub fn sweep(&mut self) {
        for id in std::mem::take(&mut self.over) {
            let Some(flow) = self.get(id) else { continue };
            let (owned, sending) = ((flow.owner().0, flow.began, flow.draw, id), (flow.from.0, id));
            self.owned.remove(&owned);
            self.sending.remove(&sending);
            let place = &mut self.places[id.place as usize];
            place.flow = None;
            place.generation += 1;
            self.free.push(id.place);
        }
    }
    /// How many transfers there is room for: as many as were ever under way at once.
    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: u32, to: u32, client: Option<ClientId>) -> Flow {
        let purpose = Purpose::Read { planned: Time(5), client };
        Flow::new((NodeId(from), NodeId(to)), purpose, 100, (Time(10), 77))
    }

    #[test]
    fn a_place_is_used_again_and_an_old_id_finds_nothing() {
        let mut f = Flows::default();
        let a = f.open(read(1, 2, None));
        assert_eq!(f.owned_by(2, Time(10)), [a]);
        assert!(f.owned_by(2, Time(9)).is_empty(), "it has not begun");
        assert!(f.owned_by(1, Time(10)).is_empty());
        assert_eq!(f.end(a), Some(Purpose::Read { planned: Time(5), client: None }));
        assert!(f.end(a).is_none() && f.owned_by(2, Time(10)).is_empty());
        assert!(f.get(a).is_some_and(Flow::goes_on), "the sender learns nothing before the horizon");
        f.sweep();
        let b = f.open(read(3, 2, None));
        assert_eq!((f.capacity(), a.place), (1, b.place));
        assert!(f.get(a).is_none() && f.end(a).is_none());
        assert_eq!(f.get(b).map(|f| f.from), Some(NodeId(3)));
    }

    #[test]
    fn what_is_cut_stops_and_stays_only_for_a_client() {
        let mut f = Flows::default();
        let ids = [None, Some(7)].map(|client| f.open(read(1, 2, client)));
        let other = f.open(read(2, 1, None));
        ids.iter().chain([&other]).for_each(|id| f.sending(*id));
        f.cut_from(1);
        assert!(ids.iter().all(|id| f.get(*id).is_some_and(|f| !f.goes_on())));
        assert!(f.get(other).is_some_and(Flow::goes_on));
        f.sweep();
        assert!(f.get(ids[0]).is_none() && f.get(ids[1]).is_some());
        assert_eq!(f.iter().count(), 2);
        f.sent(other);
        f.cut_from(2);
        assert!(f.get(other).is_some_and(Flow::goes_on), "all of it had left");
    }
}
