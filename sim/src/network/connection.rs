//! Connections that keep the order of their messages, as TCP does: one for each pair of nodes and lane. Each sender has
//! its own row of them.

use ledgerlab_consensus::{LANES, Lane, NodeId, Time};

use crate::kernel::prefetch::prefetch_lines;

/// Up to this many nodes every connection has its place in a table; beyond, only those with messages on their way.
const DENSE: u32 = 1_024;

/// A connection: receiver and lane, and when its last message arrives.
pub type Last = ((NodeId, Lane), Time);

/// Connections by receiver, for each lane; none until something is sent there, for most lanes are seldom used.
type Rows = [Box<[Time]>; LANES];

/// When the last message of each connection of one sender arrives.
#[derive(Debug)]
pub enum Connections {
    /// Messages overtake each other.
    None,
    /// By lane and receiver, for so many of these.
    Dense(u32, Box<Rows>),
    /// In order: what has arrived holds nothing up, and makes room when the row is full.
    Sparse(Vec<Last>),
}

impl Connections {
    /// The connections of one of so many nodes.
    pub fn new(nodes: u32) -> Connections {
        if nodes <= DENSE { Connections::Dense(nodes, Box::default()) } else { Connections::Sparse(vec![]) }
    }
    /// The arrival of a message that would arrive at `at` if nothing were before it. Nothing arrives before `now` any
    /// more: connections on which the last message has arrived by then are as unused ones.
    #[inline]
    pub fn keep_order(&mut self, to: NodeId, lane: Lane, at: Time, now: Time) -> Time {
        let last = match self {
            Connections::None => return at,
            Connections::Dense(nodes, rows) => &mut row(rows, lane, *nodes)[to.0 as usize],
            Connections::Sparse(row) => place(row, (to, lane), now),
        };
        *last = at.max(*last);
        *last
    }
    /// All connections of a lane, by receiver; `None` where they have no places.
    #[inline]
    pub fn of(&mut self, lane: Lane) -> Option<&mut [Time]> {
        match self {
            Connections::Dense(nodes, rows) => Some(row(rows, lane, *nodes)),
            _ => None,
        }
    }
    /// Asks for them.
    #[inline]
    pub fn prefetch(&self) {
        if let Connections::Sparse(row) = self {
            prefetch_lines(row, 0, 1);
        }
    }
}

/// The entry of a connection in its sender's row.
fn place(row: &mut Vec<Last>, connection: (NodeId, Lane), now: Time) -> &mut Time {
    let packed = |(to, lane): (NodeId, Lane)| u64::from(to.0) << 8 | lane as u64;
    let find = |row: &Vec<Last>| row.binary_search_by_key(&packed(connection), |(other, _)| packed(*other));
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

/// The connections of a lane.
#[inline]
fn row(rows: &mut Rows, lane: Lane, nodes: u32) -> &mut [Time] {
    let row = &mut rows[lane as usize];
    if row.is_empty() {
        *row = vec![Time::ZERO; nodes as usize].into();
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_arrived_is_forgotten() {
        let mut c = Connections::new(DENSE + 1);
        c.keep_order(NodeId(2), Lane::Vote, Time(50), Time::ZERO);
        c.keep_order(NodeId(3), Lane::Vote, Time(90), Time::ZERO);
        assert_eq!(c.keep_order(NodeId(4), Lane::Vote, Time(60), Time(50)), Time(60));
        assert!(matches!(&c, Connections::Sparse(row) if row.len() == 2));
        assert_eq!(c.keep_order(NodeId(3), Lane::Vote, Time(70), Time(50)), Time(90));
    }

    #[test]
    fn nothing_overtakes_on_a_connection_and_lanes_are_apart() {
        for nodes in [3, DENSE + 1] {
            let mut c = Connections::new(nodes);
            let mut at = |to, lane, at| c.keep_order(NodeId(to), lane, Time(at), Time::ZERO);
            assert_eq!(at(2, Lane::Vote, 50), Time(50));
            assert_eq!(at(2, Lane::Vote, 40), Time(50));
            assert_eq!(at(2, Lane::Block, 40), Time(40));
            assert_eq!(at(1, Lane::Vote, 10), Time(10));
        }
        assert_eq!(Connections::None.keep_order(NodeId(1), Lane::Vote, Time(5), Time(9)), Time(5));
    }
}
