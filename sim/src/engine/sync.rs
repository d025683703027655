//! State transfer: a node that is far behind copies the ledger above its own chain from a peer.

use ledgerlab_consensus::{NodeId, Protocol, Span, Time, Tip};

use crate::engine::Simulation;
use crate::engine::fetch::other_than;
use crate::engine::messages::{Answer, Cargo};
use crate::engine::step::{Input, Mark};
use crate::engine::task::Task;
use crate::kernel::queue::Queue;
use crate::node::blocks::BlockId;
use crate::node::cost::SIGNATURE_BYTES;

/// Bytes of a request: height, tip, signature.
const REQUEST_BYTES: u64 = 8 + 16 + SIGNATURE_BYTES as u64;
/// Most bytes of ledger in one answer.
const ANSWER_BYTES: u64 = 8 << 20;
/// How long a node waits for an answer before it asks another peer.
const PATIENCE: Span = Span::secs(10);

/// How many peers without anything new it asks one after the other before it waits.
const MOST_IN_VAIN: u32 = 8;

/// A transfer that runs.
#[derive(Clone, Copy, Debug)]
pub struct StateTransfer {
    target: Tip,
    peer: NodeId,
    generation: u64,
    /// Peers that have answered in a row without anything new.
    in_vain: u32,
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Asks for the ledger up to `tip`; a transfer that runs already is given the higher aim.
    pub(super) fn start_transfer(&mut self, n: u32, at: Time, tip: Tip, hint: NodeId) {
        let peer = NodeId(other_than(n, hint.0, self.nodes.len() as u32));
        let node = &mut self.nodes[n as usize];
        if let Some(t) = &mut node.rare.transfer {
            if tip.height > t.target.height {
                t.target = tip;
            }
            return;
        }
        let generation = node.next_generation();
        node.rare.transfer = Some(StateTransfer { target: tip, peer, generation, in_vain: 0 });
        self.ask_for_state(n, at);
    }

    fn ask_for_state(&mut self, n: u32, at: Time) {
        let node = &mut self.nodes[n as usize];
        let generation = node.next_generation();
        let Some(t) = &mut node.rare.transfer else { return };
        t.generation = generation;
        let (peer, own) = (t.peer, node.top());
        self.send_cargo(n, at, peer, Cargo::StateRequest { tip: own, generation }, REQUEST_BYTES, "state-request");
        self.push_task(n, at + PATIENCE, Task::Resync { generation });
    }

    /// The patience is over: the next peer.
    pub(super) fn resync(&mut self, n: u32, at: Time, generation: u64) {
        let Some(t) = &mut self.nodes[n as usize].rare.transfer else { return };
        if t.generation == generation {
            t.in_vain = 0;
            self.ask_next(n, at);
        }
    }

    fn ask_next(&mut self, n: u32, at: Time) {
        let nodes = self.nodes.len() as u32;
        if let Some(t) = &mut self.nodes[n as usize].rare.transfer {
            t.peer = NodeId(other_than(n, (t.peer.0 + 1) % nodes, nodes));
            self.ask_for_state(n, at);
        }
    }

    /// Answers with the blocks above the last one that the requester's chain shares with the own.
    pub(super) fn serve_state(&mut self, n: u32, from: NodeId, at: Time, tip: BlockId, generation: u64) {
        let chain = &self.nodes[n as usize].chain;
        let mut shared = tip;
        while shared != 0 {
            let height = self.blocks.block(shared).height;
            if chain.get(height).is_some_and(|a| a.block == shared) {
                break;
            }
            let Some(parent) = self.blocks.find(self.blocks.block(shared).parent) else {
                // What has left memory is on the own chain too: see `retention`.
                shared = chain.above(0).next().map_or(0, |a| a.block);
                break;
            };
            shared = parent;
        }
        let top = match self.meter.depth() {
            // Deterministic finality: only what is final is handed out.
            None => self.nodes[n as usize].final_height,
            Some(_) => self.nodes[n as usize].height(),
        };
        let first = self.blocks.block(shared).height + 1;
        let (mut bytes, mut blocks) = (0, vec![]);
        for a in chain.above(first).take((top + 1).saturating_sub(first) as usize) {
            let b = self.blocks.block(a.block);
            bytes += b.content.0 + u64::from(b.header_bytes + a.certificate_bytes);
            blocks.push((a.block, a.certificate_bytes));
            if bytes >= ANSWER_BYTES {
                break;
            }
        }
        let top = chain.get(top).map_or(0, |a| a.block);
        let tip = Tip { height: self.blocks.block(top).height, block: self.blocks.block(top).digest };
        self.send_cargo(
            n,
            at,
            from,
            Cargo::State(Box::new(Answer { blocks, tip, generation })),
            bytes.max(REQUEST_BYTES),
            "state",
        );
    }

    /// Appends what came, and asks again until the peer has no more.
    pub(super) fn receive_state(
        &mut self,
        n: u32,
        from: NodeId,
        at: Time,
        blocks: &[(BlockId, u32)],
        peer_tip: Tip,
        generation: u64,
    ) {
        if self.nodes[n as usize].rare.transfer.is_none_or(|t| t.generation != generation) {
            return;
        }
        let grown = self.append_copied(n, at, blocks);
        let tip = self.tip_of(n);
        let node = &mut self.nodes[n as usize];
        let Some(t) = node.rare.transfer else { return };
        let more = tip.height < peer_tip.height && !blocks.is_empty();
        if !more && tip.height >= t.target.height {
            node.rare.transfer = None;
            self.meter.catch_up(at, NodeId(n), tip);
            self.probe.on_state(at, NodeId(n), tip.height);
            return self.step(n, at, Mark::own(n, at), Input::State(tip));
        }
        let in_vain = if grown { 0 } else { t.in_vain + 1 };
        node.rare.transfer = Some(StateTransfer { peer: from, in_vain, ..t });
        if more {
            self.ask_for_state(n, at);
        } else if in_vain < MOST_IN_VAIN.min(self.nodes.len() as u32 - 1) {
            // This peer has no more. Where none has, all are asked again when the patience ends.
            self.ask_next(n, at);
        }
        // A replica with certificates goes on working while it copies, so it hears of each part; the others wait for
        // the whole.
        if grown && self.meter.depth().is_none() {
            self.step(n, at, Mark::own(n, at), Input::State(tip));
        }
    }

    /// Appends the copied blocks that the own chain has not got meanwhile; says whether there were any.
    fn append_copied(&mut self, n: u32, at: Time, blocks: &[(BlockId, u32)]) -> bool {
        let chain = &self.nodes[n as usize].chain;
        let own = |id: BlockId| chain.get(self.blocks.block(id).height).is_some_and(|a| a.block == id);
        let known = blocks.iter().take_while(|(id, _)| own(*id)).count();
        let (Some(first), Some(last)) = (blocks.get(known), blocks.last()) else { return false };
        let (first, top) = (self.blocks.block(first.0), self.blocks.block(last.0).height);
        let (below, parent) = (first.height - 1, first.parent);
        let linked = chain.get(below).is_some_and(|a| self.blocks.block(a.block).digest == parent);
        if below < chain.first() {
            self.lose_chain(n, at, below);
            return false;
        }
        // What came late, or for a branch that was left meanwhile, is of no use any more.
        if !linked || top <= self.nodes[n as usize].height() {
            return false;
        }
        if below < self.nodes[n as usize].height() {
            self.revert(n, at, below);
        }
        for (id, certificate_bytes) in &blocks[known..] {
            self.append(n, at, *id, *certificate_bytes);
            if self.meter.depth().is_none() {
                let height = self.blocks.block(*id).height;
                self.local(|s| s.finalize(n, at, height, None));
            }
        }
        true
    }

    /// The end of a node's chain.
    pub(super) fn tip_of(&self, n: u32) -> Tip {
        let top = self.blocks.block(self.nodes[n as usize].top());
        Tip { height: top.height, block: top.digest }
    }
}

#[cfg(test)]
mod tests {
    use ledgerlab_consensus::Digest;
    use ledgerlab_consensus::bft::pbft::Pbft;

    use super::*;
    use crate::engine::tests::WORLD;
    use crate::kernel::queue::Pending;
    use crate::probe::Blind;
    use crate::scenario::Experiment;

    #[test]
    fn a_peer_without_more_is_followed_by_the_next_until_all_were_asked() {
        let points = Experiment::from_text("test.toml", WORLD, &[]).expect("a valid scenario").points;
        let mut probe = Blind;
        let mut sim = Simulation::<Pbft, Pending>::new(&points[0].scenario, 1, Pending::heap(), &mut probe);
        sim.start();
        let at = sim.horizon;
        let target = Tip { height: 1_000, block: Digest([1, 1]) };
        sim.start_transfer(1, at, target, NodeId(1));
        let transfer = |sim: &Simulation<'_, Pbft, Pending>| sim.nodes[1].rare.transfer.expect("it runs");
        assert_eq!(transfer(&sim).peer, NodeId(2), "not itself");
        let mut asked = vec![];
        for _ in 0..4 {
            let StateTransfer { peer, generation, .. } = transfer(&sim);
            let tip = sim.tip_of(1);
            sim.receive_state(1, peer, at, &[], tip, generation);
            asked.push((transfer(&sim).peer.0, transfer(&sim).generation != generation));
        }
        assert_eq!(asked, [(3, true), (0, true), (0, false), (0, false)]);
        let generation = transfer(&sim).generation;
        sim.resync(1, at + PATIENCE, generation);
        assert_eq!(transfer(&sim).peer, NodeId(2), "the next round");
    }

    #[test]
    fn an_object_is_not_asked_of_oneself() {
        let points = Experiment::from_text("test.toml", WORLD, &[]).expect("a valid scenario").points;
        let mut probe = Blind;
        let mut sim = Simulation::<Pbft, Pending>::new(&points[0].scenario, 1, Pending::heap(), &mut probe);
        sim.start();
        let (at, key) = (sim.horizon, Digest([7, 7]));
        sim.local(|s| s.fetch(1, at, key, NodeId(1), true));
        assert_eq!(sim.nodes[1].fetches.entry(key).holders, [NodeId(2)]);
    }
}
