//! Connections that keep the order of their messages, as TCP does: one for each pair of nodes and lane.

use std::collections::BTreeMap;

use ledgerlab_consensus::{LANES, Lane, NodeId, Time};

/// Up to this many nodes every connection has its place in a table; beyond, only those with messages on their way.
const DENSE: u32 = 1_024;

/// When the last message of each connection arrives.
#[derive(Debug)]
pub enum Connections {
    /// Rows by sender.
    Dense {
        /// Number of nodes.
        nodes: u32,
        /// By lane, sender and receiver.
        last: Vec<Time>,
    },
    /// By sender, receiver and lane.
    Sparse(BTreeMap<(u32, u32, u8), Time>),
}

impl Connections {
    /// Connections between so many nodes.
    pub fn new(nodes: u32) -> Connections {
        if nodes <= DENSE {
            let n = nodes as usize;
            Connections::Dense { nodes, last: vec![Time::ZERO; n * n * LANES] }
        } else {
            Connections::Sparse(BTreeMap::new())
        }
    }
    /// The arrival of a message that would arrive at `at` if nothing were before it.
    pub fn keep_order(&mut self, from: NodeId, to: NodeId, lane: Lane, at: Time) -> Time {
        let last = match self {
            Connections::Dense { nodes, last } => &mut last[row(*nodes, from, lane)][to.0 as usize],
            Connections::Sparse(last) => last.entry((from.0, to.0, lane as u8)).or_default(),
        };
        *last = at.max(*last);
        *last
    }
    /// Of all connections of a sender and lane, by receiver; `None` where they have no places.
    pub fn of(&mut self, from: NodeId, lane: Lane) -> Option<&mut [Time]> {
        match self {
            Connections::Dense { nodes, last } => Some(&mut last[row(*nodes, from, lane)]),
            Connections::Sparse(_) => None,
        }
    }
    /// Nothing will arrive before `now` any more: connections on which the last message has arrived are as unused ones.
    pub fn forget(&mut self, now: Time) {
        if let Connections::Sparse(last) = self {
            last.retain(|_, at| *at > now);
        }
    }
}

/// Where a sender's connections of a lane are.
fn row(nodes: u32, from: NodeId, lane: Lane) -> std::ops::Range<usize> {
    let (nodes, from) = (nodes as usize, from.0 as usize);
    let start = (lane as usize * nodes + from) * nodes;
    start..start + nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_arrived_is_forgotten() {
        let mut c = Connections::new(DENSE + 1);
        c.keep_order(NodeId(1), NodeId(2), Lane::Vote, Time(50));
        c.keep_order(NodeId(1), NodeId(3), Lane::Vote, Time(90));
        c.forget(Time(50));
        assert!(matches!(&c, Connections::Sparse(last) if last.len() == 1));
        assert_eq!(c.keep_order(NodeId(1), NodeId(3), Lane::Vote, Time(60)), Time(90));
    }

    #[test]
    fn nothing_overtakes_on_a_connection_and_lanes_are_apart() {
        for nodes in [3, DENSE + 1] {
            let mut c = Connections::new(nodes);
            let (a, b) = (NodeId(1), NodeId(2));
            assert_eq!(c.keep_order(a, b, Lane::Vote, Time(50)), Time(50));
            assert_eq!(c.keep_order(a, b, Lane::Vote, Time(40)), Time(50));
            assert_eq!(c.keep_order(a, b, Lane::Block, Time(40)), Time(40));
            assert_eq!(c.keep_order(b, a, Lane::Vote, Time(10)), Time(10));
        }
    }
}
