//! Who gossips with whom: a full mesh, or a seeded random graph as peers that dial at random form it.
//!
//! Each node opens half of the degree to others chosen at random, and accepts what others open, as Bitcoin's nodes
//! do; connections carry both ways. Parts that this leaves apart are then joined by one connection each. The graph
//! is fixed for a run: nodes do not look for new peers when a neighbour fails.

#[cfg(test)]
mod tests;

use ledgerlab_consensus::NodeId;

use crate::kernel::rng::{Purpose, Stream};

/// The neighbours of every node: connected, undirected, without loops.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overlay {
    /// Where a node's neighbours start, and the end of the last.
    starts: Box<[u32]>,
    /// Neighbours of all nodes, ascending for each.
    neighbours: Box<[NodeId]>,
}

impl Overlay {
    /// The overlay of a scenario: a full mesh if `degree` is 0 or reaches everybody, else random.
    pub fn new(nodes: u32, degree: u32, seed: u64) -> Overlay {
        if degree == 0 || degree >= nodes.saturating_sub(1) {
            Overlay::full_mesh(nodes)
        } else {
            Overlay::random(nodes, degree, seed)
        }
    }

    /// Everybody with everybody.
    pub fn full_mesh(nodes: u32) -> Overlay {
        let degree = nodes.saturating_sub(1);
        let mut neighbours = Vec::with_capacity(nodes as usize * degree as usize);
        (0..nodes).for_each(|a| neighbours.extend((0..a).chain(a + 1..nodes).map(NodeId)));
        Overlay { starts: (0..=nodes).map(|i| i * degree).collect(), neighbours: neighbours.into() }
    }

    /// A random graph with a mean degree of about `degree`: at least half of it for every node.
    ///
    /// The mean is a little lower where two nodes dial each other: by a quarter of degree / nodes.
    pub fn random(nodes: u32, degree: u32, seed: u64) -> Overlay {
        let stream = Stream::new(seed, Purpose::Overlay);
        let mut lists = vec![vec![]; nodes as usize];
        for from in 0..nodes {
            // Of an odd degree, every other node opens the larger half.
            let outbound = (degree + (from + 1) % 2) / 2;
            for to in dial(stream, from, nodes, outbound.min(nodes - 1)) {
                connect(&mut lists, from, to);
            }
        }
        join_parts(&mut lists, stream);
        Overlay::from_lists(lists)
    }

    /// The neighbours of a node, ascending.
    #[inline]
    pub fn neighbours(&self, node: NodeId) -> &[NodeId] {
        let i = node.0 as usize;
        &self.neighbours[self.starts[i] as usize..self.starts[i + 1] as usize]
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn from_lists(lists: Vec<Vec<u32>>) -> Overlay {
        let mut starts = vec![0];
        let mut neighbours = vec![];
        for mut list in lists {
            list.sort_unstable();
            list.dedup();
            neighbours.extend(list.into_iter().map(NodeId));
            starts.push(neighbours.len() as u32);
        }
        Overlay { starts: starts.into(), neighbours: neighbours.into() }
    }
}

/// Different nodes that `from` opens connections to, none of them itself (Floyd's sampling without replacement,
/// Bentley and Floyd, CACM 1987).
fn dial(stream: Stream, from: u32, nodes: u32, count: u32) -> Vec<u32> {
    let others = nodes - 1;
    let mut chosen: Vec<u32> = vec![];
    for last in others - count..others {
        let pick = stream.below(u64::from(from), u64::from(last), u64::from(last) + 1) as u32;
        chosen.push(if chosen.contains(&pick) { last } else { pick });
    }
    chosen.into_iter().map(|other| if other >= from { other + 1 } else { other }).collect()
}

fn connect(lists: &mut [Vec<u32>], a: u32, b: u32) {
    lists[a as usize].push(b);
    lists[b as usize].push(a);
}

/// Connects the first part with each other part, between members chosen at random.
fn join_parts(lists: &mut [Vec<u32>], stream: Stream) {
    let repairs = stream.part(0);
    let mut joined: Vec<u32> = vec![];
    let mut seen = vec![false; lists.len()];
    for start in 0..lists.len() as u32 {
        if seen[start as usize] {
            continue;
        }
        let part = reachable(lists, start, &mut seen);
        let member = |list: &[u32], b| list[repairs.below(u64::from(start), b, list.len() as u64) as usize];
        if !joined.is_empty() {
            let (a, b) = (member(&joined, 0), member(&part, 1));
            connect(lists, a, b);
        }
        joined.extend(part);
    }
}

/// The part that holds `start`, marked as seen.
fn reachable(lists: &[Vec<u32>], start: u32, seen: &mut [bool]) -> Vec<u32> {
    let mut part = vec![start];
    seen[start as usize] = true;
    let mut next = 0;
    while let Some(&node) = part.get(next) {
        next += 1;
        for &other in &lists[node as usize] {
            if !std::mem::replace(&mut seen[other as usize], true) {
                part.push(other);
            }
        }
    }
    part
}
