//! Who can reach whom while partitions last.
//!
//! Each partition separates its members from all other nodes. Where several are active, two nodes reach each other
//! if every one of them has both on the same side. Time is cut at every start and end; in each piece a node has the
//! number of its group, so a question is one binary search and one comparison.

use ledgerlab_consensus::{NodeId, Time};

use super::Window;

#[derive(Clone, Debug)]
struct Piece {
    from: Time,
    /// By node; empty where all are in one group.
    group: Vec<u32>,
}

impl Piece {
    fn apart(&self, a: NodeId, b: NodeId) -> bool {
        !self.group.is_empty() && self.group[a.0 as usize] != self.group[b.0 as usize]
    }
}

/// All partitions of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Partitions {
    nodes: u32,
    /// Sorted by start; each lasts until the next. Before the first all are connected.
    pieces: Vec<Piece>,
}

impl Partitions {
    pub(super) fn new(cuts: &[(Window, &[u32])], nodes: u32) -> Partitions {
        let mut bounds: Vec<Time> = cuts.iter().flat_map(|(w, _)| [w.from, w.to]).collect();
        bounds.sort_unstable();
        bounds.dedup();
        bounds.retain(|t| *t != Time::NEVER);
        let mut pieces: Vec<Piece> =
            bounds.iter().map(|&from| Piece { from, group: groups(cuts, nodes, from) }).collect();
        // A piece in which nothing changed is none.
        pieces.dedup_by(|next, last| next.group == last.group);
        if pieces.first().is_some_and(|p| p.group.is_empty()) {
            pieces.remove(0);
        }
        Partitions { nodes, pieces }
    }

    /// Moments at which somebody loses or regains a connection.
    pub(super) fn changes(&self) -> impl Iterator<Item = Time> + '_ {
        self.pieces.iter().map(|p| p.from)
    }

    pub(super) fn cut(&self, a: NodeId, b: NodeId, from: Time, to: Time) -> bool {
        if self.pieces.is_empty() {
            return false;
        }
        let first = self.pieces.partition_point(|p| p.from <= from).saturating_sub(1);
        self.pieces[first..].iter().take_while(|p| p.from <= to).any(|p| p.apart(a, b))
    }

    /// Nodes whose connection with `node` changes at `at` to working or not.
    pub(super) fn changed(&self, node: NodeId, at: Time, works: bool) -> impl Iterator<Item = NodeId> + '_ {
        let found = self.pieces.binary_search_by_key(&at, |p| p.from).ok();
        let others = if found.is_some() { self.nodes } else { 0 };
        (0..others).map(NodeId).filter(move |&other| {
            let i = found.unwrap_or(0);
            let before = i > 0 && self.pieces[i - 1].apart(node, other);
            let after = self.pieces[i].apart(node, other);
            before != after && after != works
        })
    }

    /// The group of each node at `at`; `None` where all are connected.
    pub(super) fn groups_at(&self, at: Time) -> Option<&[u32]> {
        let i = self.pieces.partition_point(|p| p.from <= at).checked_sub(1)?;
        Some(self.pieces[i].group.as_slice()).filter(|g| !g.is_empty())
    }
}

/// Numbers the groups of nodes that are on the same side of every partition active at `at`.
fn groups(cuts: &[(Window, &[u32])], nodes: u32, at: Time) -> Vec<u32> {
    let mut group = vec![0; nodes as usize];
    for (_, members) in cuts.iter().filter(|(w, _)| w.has(at)) {
        let mut side = vec![0_u32; nodes as usize];
        members.iter().for_each(|m| side[*m as usize] = 1);
        group = renumber(&group, &side);
    }
    if group.iter().all(|g| *g == 0) { vec![] } else { group }
}

/// Splits groups by side; numbers count up in the order of the nodes, so that equal partitions give equal numbers.
fn renumber(group: &[u32], side: &[u32]) -> Vec<u32> {
    let mut seen: Vec<(u32, u32)> = vec![];
    let mut number = |key| {
        seen.iter().position(|k| *k == key).unwrap_or_else(|| {
            seen.push(key);
            seen.len() - 1
        }) as u32
    };
    group.iter().zip(side).map(|(g, s)| number((*g, *s))).collect()
}
