//! Connections that keep the order of their messages, as TCP does: one for each pair of nodes and lane.

use ledgerlab_consensus::{LANES, Lane, NodeId, Time};

use crate::kernel::prefetch::prefetch_lines;

/// Up to this many nodes every connection has its place in a table; beyond, only those with messages on their way.
const DENSE: u32 = 1_024;

/// A connection of a sender: receiver and lane, and when its last message arrives.
type Last = ((NodeId, Lane), Time);

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
    /// By sender, each row in order: what has arrived by `now` holds nothing up, and makes room when a row is full.
    Sparse {
        /// Nothing arrives before this any more.
        now: Time,
        /// The connections of each sender.
        rows: Vec<Vec<Last>>,
    },
}

impl Connections {
    /// Connections between so many nodes.
    pub fn new(nodes: u32) -> Connections {
        let n = nodes as usize;
        if nodes <= DENSE {
            Connections::Dense { nodes, last: vec![Time::ZERO; n * n * LANES] }
        } else {
            Connections::Sparse { now: Time::ZERO, rows: vec![vec![]; n] }
        }
    }
    /// The arrival of a message that would arrive at `at` if nothing were before it.
    #[inline]
    pub fn keep_order(&mut self, from: NodeId, to: NodeId, lane: Lane, at: Time) -> Time {
        let last = match self {
            Connections::Dense { nodes, last } => &mut last[row(*nodes, from, lane)][to.0 as usize],
            Connections::Sparse { now, rows } => place(&mut rows[from.0 as usize], (to, lane), *now),
        };
        *last = at.max(*last);
        *last
    }
    /// Of all connections of a sender and lane, by receiver; `None` where they have no places.
    pub fn of(&mut self, from: NodeId, lane: Lane) -> Option<&mut [Time]> {
        match self {
            Connections::Dense { nodes, last } => Some(&mut last[row(*nodes, from, lane)]),
            Connections::Sparse { .. } => None,
        }
    }
    /// Asks for where the connections of a sender are.
    #[inline]
    pub fn prefetch(&self, from: NodeId) {
        if let Connections::Sparse { rows, .. } = self {
            prefetch_lines(rows, from.0 as usize, 1);
        }
    }
    /// Asks for the connections of a sender.
    #[inline]
    pub fn prefetch_row(&self, from: NodeId) {
        if let Connections::Sparse { rows, .. } = self {
            prefetch_lines(&rows[from.0 as usize], 0, 1);
        }
    }
    /// Nothing will arrive before `now` any more: connections on which the last message has arrived are as unused ones.
    #[inline]
    pub fn forget(&mut self, until: Time) {
        if let Connections::Sparse { now, .. } = self {
            *now = until;
        }
    }
}

/// The entry of a connection in its sender's row.
fn place(row: &mut Vec<Last>, connection: (NodeId, Lane), now: Time) -> &mut Time {
    let find = |row: &Vec<Last>| row.binary_search_by_key(&connection, |(other, _)| *other);
    let i = find(row).unwrap_or_else(|mut i| {
        if row.len() == row.capacity() {
            row.retain(|(_, last)| *last > now);
            // Most rows are short, and there are very many.
            row.reserve_exact(if row.len() < row.capacity() { 0 } else { 2 + row.len() / 2 });
            i = find(row).unwrap_or_else(|i| i);
        }
        row.insert(i, (connection, Time::ZERO));
        i
    });
    &mut row[i].1
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
        assert_eq!(c.keep_order(NodeId(1), NodeId(4), Lane::Vote, Time(60)), Time(60));
        assert!(matches!(&c, Connections::Sparse { rows, .. } if rows[1].len() == 2));
        assert_eq!(c.keep_order(NodeId(1), NodeId(3), Lane::Vote, Time(70)), Time(90));
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
