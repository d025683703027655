//! Crash and restart: what is volatile is lost, the durable log and the ledger on disk stay.

use ledgerlab_consensus::{LogSeq, NodeId, Peer, Protocol, Time};

use crate::engine::Simulation;
use crate::engine::host::Push;
use crate::engine::step::{Input, Mark};
use crate::engine::task::Task;
use crate::fault::Change;
use crate::kernel::queue::Queue;
use crate::kernel::rng::{Purpose, Stream};
use crate::network::Network;

/// The tasks of the fault plan, for every node's agenda.
pub fn plan<P: Protocol>(network: &Network) -> Vec<(Time, u32, Task<P>)> {
    let faults = network.faults();
    let nodes = network.nodes();
    let mut tasks = vec![];
    for (at, change) in faults.timeline() {
        match change {
            Change::Crash(n) => {
                tasks.push((*at, n.0, Task::Crash));
                tasks.extend(others(nodes, *n).map(|peer| (*at, peer, Task::Peer { peer: *n, state: Peer::Down })));
            }
            Change::Restart(n) => {
                tasks.push((*at, n.0, Task::Restart));
                tasks.extend(others(nodes, *n).map(|peer| (*at, peer, Task::Peer { peer: *n, state: Peer::Up })));
            }
            Change::Connections => {
                for n in 0..nodes {
                    let down = faults.disconnected(NodeId(n), *at).map(|p| (p, Peer::Down));
                    let up = faults.reconnected(NodeId(n), *at).map(|p| (p, Peer::Up));
                    tasks.extend(down.chain(up).map(|(peer, state)| (*at, n, Task::Peer { peer, state })));
                }
            }
        }
    }
    tasks
}

fn others(nodes: u32, n: NodeId) -> impl Iterator<Item = u32> {
    (0..nodes).filter(move |p| *p != n.0)
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Opens the replica from its durable records and the ledger, and starts it.
    pub(super) fn start_replica(&mut self, n: u32, at: Time) {
        let tip = self.tip_of(n);
        let node = &mut self.nodes[n as usize];
        let env = node.env.clone();
        node.replica = Some(Box::new(match &node.log {
            Some(log) => P::open(env, &self.config, &mut log.numbered(), tip),
            None => P::open(env, &self.config, &mut std::iter::empty(), tip),
        }));
        self.step(n, at, Mark::own(n, at), Input::Start);
    }

    pub(super) fn crash(&mut self, n: u32, at: Time) {
        self.probe.on_life(at, NodeId(n), false);
        let node = &mut self.nodes[n as usize];
        if let Some(log) = &mut node.log {
            // What was written but not synced may have reached the disk up to any point.
            let unsynced = node.log_seq.0 - node.durable.0;
            let draw = Stream::new(self.seed, Purpose::Crash).below(u64::from(n), u64::from(node.epoch), unsynced + 1);
            log.crash(LogSeq(node.durable.0 + draw));
            node.log_seq = log.end();
            node.durable = node.log_seq;
        }
        node.epoch += 1;
        node.replica = None;
        node.syncing.clear();
        node.gated.clear();
        node.local.clear();
        node.timers.fill(0);
        node.mining = 0;
        node.rare.build = None;
        node.leader = None;
        node.fetches.clear();
        node.held.clear();
        node.rare.wanted.clear();
        node.rare.replies.clear();
        node.rare.transfer = None;
        node.rare.retrying = false;
        node.rare.push = Push::default();
        node.pool.crash();
        self.forget_copies(n, at);
        self.fail_over(n, at);
        self.nodes[n as usize].rare.unreplied.clear();
        self.lose_flows(n, at);
        // A machine that others share goes on; one of its own is idle when it starts again.
        let host = self.nodes[n as usize].host;
        if self.nodes.iter().filter(|o| o.host == host).count() == 1 {
            self.hosts[host as usize].reset(at);
        }
    }

    pub(super) fn restart(&mut self, n: u32, at: Time) {
        self.probe.on_life(at, NodeId(n), true);
        self.meter.restarted(at, NodeId(n), self.tip_of(n));
        self.start_replica(n, at);
    }
}
