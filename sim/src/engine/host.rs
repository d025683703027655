//! The state of one machine and of one node.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ledgerlab_consensus::log::RecordLog;
use ledgerlab_consensus::{Digest, Env, Height, LogSeq, NodeId, Protocol, Span, Ticket, Time, Until};

use crate::engine::cards::{Incoming, Outgoing};
use crate::engine::fetch::Fetches;
use crate::engine::payloads::Wanted;
use crate::engine::replies::Tally;
use crate::engine::send::Gated;
use crate::engine::step::Input;
use crate::engine::sync::StateTransfer;
use crate::engine::task::Due;
use crate::kernel::digest::NodeDigest;
use crate::metrics::MachineUsage;
use crate::network::HostSpec;
use crate::network::link::{Link, Rate};
use crate::node::agenda::Agenda;
use crate::node::bits::Bits;
use crate::node::blocks::BlockId;
use crate::node::cpu::Cpu;
use crate::node::disk::{Disk, Disks};
use crate::node::few::Few;
use crate::node::mempool::{BatchId, Pool};
use crate::node::seldom::Seldom;
use crate::node::window::Window;
use crate::scenario::Scenario;

/// A machine: what its nodes share. What every message meets comes first, so that it can be fetched ahead.
#[repr(C)]
pub struct Host<P: Protocol> {
    pub agenda: Agenda<Due<P>>,
    pub cpu: Cpu,
    pub down: Link<Incoming>,
    pub up: Link<Outgoing>,
    pub disk: Disk,
}

/// Cache lines of a [`Host`] that nearly every message meets.
pub const HOST_LINES: usize = 5;
/// Cache lines of a [`Node`] that nearly every message meets.
pub const NODE_LINES: usize = 6;

impl<P: Protocol> Host<P> {
    pub fn new(spec: &HostSpec, scenario: &Scenario, disks: &Disks, index: u32) -> Host<P> {
        let network = &scenario.network;
        Host {
            up: Link::new(network.sharing, network.priority, Rate::bits_per_s(spec.uplink), ("uplink", index)),
            down: Link::new(network.sharing, network.priority, Rate::bits_per_s(spec.downlink), ("downlink", index)),
            cpu: Cpu::new(spec.cores),
            disk: disks.of(index),
            agenda: Agenda::default(),
        }
    }

    /// The machine crashed, and is idle when it starts again.
    pub fn reset(&mut self, now: Time) {
        self.up.reset(now);
        self.down.reset(now);
        self.cpu.reset(now);
        self.disk.reset(now);
    }

    pub fn usage(&self, now: Time) -> MachineUsage {
        MachineUsage {
            bytes_up: self.up.bytes(),
            bytes_down: self.down.bytes(),
            uplink: self.up.utilisation(now),
            uplink_peak: self.up.peak(),
            downlink: self.down.utilisation(now),
            downlink_peak: self.down.peak(),
            cpu: self.cpu.utilisation(now),
            core: self.cpu.busiest(now),
            disk: self.disk.utilisation(now),
            disk_bytes: self.disk.bytes(),
            fsyncs: self.disk.syncs(),
        }
    }
}

/// A payload request that waits.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    pub ticket: Ticket,
    pub parent: Digest,
    pub limit: u32,
    pub until: Until,
    pub generation: u64,
}

/// How far a gateway has pushed its own batches to the leader.
#[derive(Clone, Debug, Default)]
pub struct Push {
    /// So many of the oldest own batches have gone to the present leader.
    pub sent: usize,
    /// Those of them that no proposal has shown yet, and their bytes.
    pub unseen: BTreeSet<BatchId>,
    pub unseen_bytes: u64,
}

/// A block on a node's own chain.
#[derive(Clone, Copy, Debug)]
pub struct Adopted {
    pub block: BlockId,
    pub executed: Time,
    /// Bytes of the certificate with which this node holds it for final; 0 until it does, or where there is none.
    pub certificate_bytes: u32,
}

/// What most nodes never use, or only while something goes wrong.
#[derive(Clone, Debug, Default)]
pub struct Rare {
    pub build: Option<Build>,
    /// Questions of the replica that wait for a payload.
    pub wanted: Vec<Wanted>,
    /// Replies about blocks with transactions of the own clients.
    pub replies: BTreeMap<BlockId, Tally>,
    /// Final blocks of which the own clients have not enough replies yet, if they are in them.
    pub unreplied: BTreeSet<BlockId>,
    /// Own batches that are not wholly on the own chain yet, oldest first.
    pub own: VecDeque<BatchId>,
    pub own_pending: u64,
    /// Batches of gateways that crashed for which this one answers.
    pub taken: BTreeSet<BatchId>,
    pub push: Push,
    pub retrying: bool,
    /// Whether it has left its chain below what is remembered.
    pub lost: bool,
    pub transfer: Option<StateTransfer>,
}

/// A node: a replica, its log, its pool and its chain. What every message meets comes first, so that it can be fetched
/// ahead.
#[repr(C)]
pub struct Node<P: Protocol> {
    pub host: u32,
    pub epoch: u32,
    /// Apart, because most of what comes to a node is for its host.
    pub replica: Option<Box<P>>,
    pub rare: Seldom<Rare>,
    pub digest: NodeDigest,
    /// Numbers its effects.
    pub sequence: u64,
    pub generation: u64,
    /// Answers that the next step takes before anything else.
    pub local: Few<Input<P>>,
    pub pool: Pool,
    pub fetches: Fetches,
    pub leader: Option<NodeId>,
    pub view: u64,
    /// Whether its replica looked for another leader when it was last asked.
    pub electing: bool,
    /// Payloads that were built here or came with a message.
    pub held: Bits,
    pub env: Env,
    pub skew: Span,
    /// Number of the last record, and of the last durable one.
    pub log_seq: LogSeq,
    pub durable: LogSeq,
    /// Kept only where the fault plan will need it.
    pub log: Option<Box<RecordLog<P::Record>>>,
    pub syncing: VecDeque<(Time, LogSeq)>,
    pub gated: VecDeque<Gated<P::Message>>,
    pub timers: Box<[u64]>,
    pub mining: u64,
    /// The own chain by height, from what is settled everywhere on.
    pub chain: Window<Adopted>,
    pub final_height: Height,
}

impl<P: Protocol> Node<P> {
    pub fn new(env: Env, host: u32, skew: Span, keeps_log: bool, rare: Seldom<Rare>) -> Node<P> {
        let mut chain = Window::default();
        chain.push(Adopted { block: 0, executed: Time::ZERO, certificate_bytes: 0 });
        Node {
            env,
            host,
            epoch: 0,
            replica: None,
            skew,
            sequence: 0,
            digest: NodeDigest::default(),
            log_seq: LogSeq(0),
            durable: LogSeq(0),
            log: keeps_log.then(Box::default),
            syncing: VecDeque::new(),
            gated: VecDeque::new(),
            timers: vec![0; P::TIMERS].into(),
            generation: 0,
            mining: 0,
            pool: Pool::default(),
            held: Bits::default(),
            leader: None,
            view: 0,
            chain,
            electing: false,
            final_height: 0,
            fetches: Fetches::default(),
            local: Few::default(),
            rare,
        }
    }
    /// All records up to this one are on disk.
    pub fn make_durable(&mut self, upto: LogSeq) {
        self.durable = upto;
        if let Some(log) = &mut self.log {
            log.make_durable(upto);
        }
    }
    pub fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
    pub fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }
    pub fn height(&self) -> Height {
        self.chain.end() - 1
    }
    /// The block in which the own chain ends.
    pub fn top(&self) -> BlockId {
        self.chain.last().map_or(0, |a| a.block)
    }
    /// Blocks of the own chain that are not final here.
    pub fn unsettled(&self) -> impl Iterator<Item = BlockId> + '_ {
        self.chain.above(self.final_height + 1).map(|a| a.block)
    }
}
