//! The network: latency between regions, shared links, connections that keep their order, faults and the overlay.

pub mod connection;
pub mod latency;
pub mod link;
pub mod loss;
pub mod overlay;
pub mod tables;

use ledgerlab_consensus::{Lane, NodeId, Span, Time};

use crate::fault::FaultPlan;
use crate::kernel::queue::Origin;
use crate::kernel::rng::{Purpose, Stream};
use crate::scenario::Scenario;
pub use connection::Connections;
use latency::LatencyModel;
use link::Rate;
use loss::Loss;
use overlay::Overlay;

/// A machine as the scenario describes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostSpec {
    /// Region.
    pub region: usize,
    /// Uplink, bit/s.
    pub uplink: u64,
    /// Downlink, bit/s.
    pub downlink: u64,
    /// Cores.
    pub cores: u32,
}

/// All nodes but one, in the order in which it sends to them: each begins with its successor.
pub fn others(from: NodeId, nodes: u32) -> impl Iterator<Item = NodeId> {
    (from.0 + 1..nodes).chain(0..from.0).map(NodeId)
}

/// Who is where, and how a message gets from one to another.
#[derive(Debug)]
pub struct Network {
    hosts: Vec<HostSpec>,
    host_of: Vec<u32>,
    /// By machine: whether it has one node.
    alone: Vec<bool>,
    region_of: Vec<usize>,
    latency: LatencyModel,
    /// Whether connections keep the order of their messages.
    keeps_order: bool,
    /// Nothing is sent before this any more.
    now: Time,
    overlay: Overlay,
    faults: FaultPlan,
    jitter: Stream,
    loss: Option<Loss>,
}

impl Network {
    /// The network of a scenario.
    pub fn new(s: &Scenario, seed: u64) -> Network {
        let (mut hosts, mut host_of, mut region_of) = (vec![], vec![], vec![]);
        for o in &s.organisations {
            let spec = HostSpec { region: o.region, uplink: o.uplink, downlink: o.downlink, cores: o.cores };
            for v in 0..o.validators {
                if v == 0 || !o.share_host {
                    hosts.push(spec);
                }
                host_of.push(hosts.len() as u32 - 1);
                region_of.push(o.region);
            }
        }
        let nodes = host_of.len() as u32;
        let mut shares = vec![0_u32; hosts.len()];
        host_of.iter().for_each(|h| shares[*h as usize] += 1);
        Network {
            alone: shares.iter().map(|n| *n == 1).collect(),
            latency: LatencyModel::new(&s.network.latency, &region_of, s.network.loopback, &host_of),
            keeps_order: s.network.fifo,
            now: Time::ZERO,
            overlay: Overlay::new(nodes, s.network.degree, seed),
            faults: FaultPlan::new(&s.faults, nodes),
            jitter: Stream::new(seed, Purpose::Latency),
            loss: (s.network.loss > 0.0).then(|| Loss::new(Stream::new(seed, Purpose::Loss), s.network.loss)),
            hosts,
            host_of,
            region_of,
        }
    }

    /// Number of nodes.
    pub fn nodes(&self) -> u32 {
        self.host_of.len() as u32
    }
    /// The machines.
    pub fn hosts(&self) -> &[HostSpec] {
        &self.hosts
    }
    /// The machine of a node.
    pub fn host_of(&self, n: NodeId) -> u32 {
        self.host_of[n.0 as usize]
    }
    /// The first node of a machine; nodes are numbered machine by machine.
    pub fn first_node(&self, host: u32) -> usize {
        self.host_of.partition_point(|h| *h < host)
    }
    /// Whether a machine has one node.
    pub fn stands_alone(&self, host: u32) -> bool {
        self.alone[host as usize]
    }
    /// The region of a node.
    pub fn region_of(&self, n: NodeId) -> usize {
        self.region_of[n.0 as usize]
    }
    /// The fault plan.
    pub fn faults(&self) -> &FaultPlan {
        &self.faults
    }
    /// The gossip overlay.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }
    /// The latency model.
    pub fn latency(&self) -> &LatencyModel {
        &self.latency
    }
    /// Time for which a host's uplink carries so many bytes.
    pub fn upload_time(&self, host: u32, bytes: u32) -> Span {
        Rate::bits_per_s(self.hosts[host as usize].uplink).carry(u64::from(bytes))
    }

    /// The connections of each node, on which nothing has been sent.
    pub fn connections(&self) -> Vec<Connections> {
        let row = |_| if self.keeps_order { Connections::new(self.nodes()) } else { Connections::None };
        (0..self.nodes()).map(row).collect()
    }

    /// Nothing is sent before `now` any more: what has arrived by then holds nothing up.
    pub fn forget_arrivals(&mut self, now: Time) {
        self.now = now;
    }

    /// When the copies arrive that a node alone on its host sends to every other one, as [`Network::arrival`] says for
    /// each. They have all been handed over at `queued`; the first has left at `sent`, the others leave `apart`. One
    /// that is lost for good arrives never.
    pub fn arrivals(
        &self,
        (from, connections): (NodeId, &mut Connections),
        (lane, bytes): (Lane, u32),
        origin: Origin,
        (queued, mut sent, apart): (Time, Time, Span),
        into: &mut Vec<(NodeId, Time)>,
    ) {
        if let Some(last) = connections.of(lane)
            && self.loss.is_none()
            && self.faults.is_empty()
        {
            let (away, jitter) = (self.latency.away(from), self.jitter);
            let jitter = move |to: NodeId| jitter.at(origin.0, u64::from(to.0));
            sent = away.arrivals(from.0 + 1..self.nodes(), (sent, apart), last, jitter, into);
            away.arrivals(0..from.0, (sent, apart), last, jitter, into);
            return;
        }
        for to in others(from, self.nodes()) {
            let arrival = self.arrival((from, to), connections, (lane, bytes), origin, (queued, sent));
            into.push((to, arrival.unwrap_or(Time::NEVER)));
            sent += apart;
        }
    }

    /// When the last of its bytes arrives, for a copy that was handed to the card at `queued` and leaves it at
    /// `sent`; `None` where it is lost for good: its sender crashes before it has left, or a partition cuts it off.
    pub fn arrival(
        &self,
        (from, to): (NodeId, NodeId),
        connections: &mut Connections,
        (lane, bytes): (Lane, u32),
        origin: Origin,
        (queued, sent): (Time, Time),
    ) -> Option<Time> {
        let latency = self.latency.one_way(from, to, self.jitter.at(origin.0, u64::from(to.0)));
        let mut at = sent + latency;
        // Nothing is lost inside a machine. A transport sends again, so a loss is a delay.
        if let Some(loss) = self.loss.filter(|_| self.host_of(from) != self.host_of(to)) {
            at += loss.delay(origin, to, bytes, latency);
        }
        at = connections.keep_order(to, lane, at, self.now);
        // A crash empties the card's queue, even if the node is up again before the copy would have left.
        let crashed = |f: &FaultPlan| !f.is_up(from, queued) || f.next_crash(from, queued).is_some_and(|c| c <= sent);
        let lost = !self.faults.is_empty() && (crashed(&self.faults) || self.faults.cut_during(from, to, sent, at));
        (!lost).then_some(at)
    }
}

#[cfg(test)]
mod tests;
