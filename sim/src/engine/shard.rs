//! What a host does alone: a range of hosts with their nodes, and a view of everything that all hosts share.
//!
//! Within a window no wider than the least latency hosts do not reach each other, so shards may run side by side. A
//! shard changes its own hosts and nodes only. What is to change in the shared tables it writes down: see `outbox`. What
//! must change there before the host can go on halts it; the simulation carries that out and takes the host up again:
//! see `window`. What other hosts do in the same window is in the tables or not yet, which must not matter to a host: it
//! looks up only what a message has named to it, or what it has put there itself. Nothing here may look for anything else,
//! such as all blocks or how many messages there are. So a run on any number of threads is the same run.

use std::ops::{Index, IndexMut};

use ledgerlab_consensus::{Effects, NodeId, PayloadRef, Protocol, Time, Timer, Validators};

use crate::engine::gateway::Gateway;
use crate::engine::host::{Host, Node};
use crate::engine::messages::Messages;
use crate::engine::outbox::Outbox;
use crate::engine::step::{Input, Mark};
use crate::engine::task::{self, Came, Due, Task};
use crate::engine::window::Stopped;
use crate::kernel::prefetch::prefetch_lines;
use crate::kernel::rng::Stream;
use crate::network::{Connections, Network};
use crate::node::blocks::Blocks;
use crate::node::cost::Cost;
use crate::node::mempool::{Batches, Transactions};
use crate::scenario::Scenario;

/// A stretch of a list, with the indices of the list.
pub struct Part<'a, T> {
    first: usize,
    items: &'a mut [T],
}

impl<'a, T> Part<'a, T> {
    /// All of a list.
    pub fn whole(items: &'a mut [T]) -> Part<'a, T> {
        Part { first: 0, items }
    }
    /// What comes before an index, and the rest from there.
    pub fn split(self, at: usize) -> (Part<'a, T>, Part<'a, T>) {
        let (left, right) = self.items.split_at_mut(at - self.first);
        (Part { first: self.first, items: left }, Part { first: at, items: right })
    }
    /// One more than the last index.
    pub fn end(&self) -> usize {
        self.first + self.items.len()
    }
    /// Asks for so many cache lines of an item that will be needed soon.
    #[inline]
    pub fn prefetch(&self, i: usize, lines: usize) {
        prefetch_lines(self.items, i - self.first, lines);
    }
}

impl<T> Index<usize> for Part<'_, T> {
    type Output = T;
    #[inline]
    fn index(&self, i: usize) -> &T {
        &self.items[i - self.first]
    }
}

impl<T> IndexMut<usize> for Part<'_, T> {
    #[inline]
    fn index_mut(&mut self, i: usize) -> &mut T {
        &mut self.items[i - self.first]
    }
}

/// What a window finds and nobody changes while it lasts.
#[derive(Clone, Copy)]
pub struct Frame {
    /// Nobody runs ahead of it.
    pub horizon: Time,
    /// When the run ends at the latest.
    pub end: Time,
    /// When clients plan something that has not been taken in.
    pub planned: Time,
    /// Whether a message is handled when it arrives, if nothing can come before.
    pub eager: bool,
    /// The weight that faulty validators may have together.
    pub tolerated: u64,
    /// Whether clients wait for answers before they ask again.
    pub closed: bool,
    pub mining: Stream,
    pub vrf: Stream,
}

/// Room for what happens while a shard runs, and what it has written down.
pub struct Desk<P: Protocol> {
    pub step: Step<P>,
    pub scratch: Vec<u8>,
    /// Payloads that a message carries.
    pub carried: Vec<PayloadRef>,
    /// Neighbours to which something is sent.
    pub peers: Vec<NodeId>,
    pub out: Outbox<P>,
    /// Why the host that acts has halted.
    pub halted: Option<Halt<P>>,
    /// Tasks of agendas that have been done.
    pub tasks: u64,
    /// Hosts that have halted in this window, in order.
    pub stopped: Vec<Stopped<P>>,
    /// Room for steps.
    pub spare: Vec<Step<P>>,
}

impl<P: Protocol> Default for Desk<P> {
    fn default() -> Self {
        let (step, out) = (Step::default(), Outbox::default());
        Desk {
            step,
            scratch: vec![],
            carried: vec![],
            peers: vec![],
            out,
            halted: None,
            tasks: 0,
            stopped: vec![],
            spare: vec![],
        }
    }
}

/// What a replica wants after a step, and the bills of its messages.
pub struct Step<P: Protocol> {
    pub effects: Effects<P>,
    pub costs: Vec<Cost>,
    /// Effects of it that have been carried out, and messages among them.
    pub applied: usize,
    pub sends: usize,
}

impl<P: Protocol> Default for Step<P> {
    fn default() -> Self {
        Step { effects: Effects::default(), costs: vec![], applied: 0, sends: 0 }
    }
}

impl<P: Protocol> Step<P> {
    /// The bill of the next message.
    pub fn next_cost(&mut self) -> Cost {
        self.sends += 1;
        self.costs[self.sends - 1]
    }
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.effects.clear();
        self.costs.clear();
        (self.applied, self.sends) = (0, 0);
    }
}

/// What the simulation has to do before a host goes on.
pub enum Halt<P: Protocol> {
    /// What was written down is needed.
    Flush,
    /// A task that is not the host's alone.
    Task { node: u32, at: Time, task: Task<P> },
    /// A message that is not the host's alone.
    Deliver { node: u32, came: Came, ready: Time, handle: u32 },
    /// A step that ended at this time has effects left.
    Effects { node: u32, at: Time },
    /// A build waits for the batch that has come; it is `fresh` if it was not known.
    Build { node: u32, at: Time, fresh: bool },
}

/// A host has halted; its desk says why.
#[derive(Debug)]
pub struct Halted;

/// Whether a host can go on alone.
pub type Flow = Result<(), Halted>;

/// Hosts that run by themselves, with a view of everything else.
pub struct Shard<'a, P: Protocol> {
    pub scenario: &'a Scenario,
    pub validators: &'a Validators,
    pub network: &'a Network,
    pub messages: &'a Messages<P::Message>,
    pub blocks: &'a Blocks,
    pub batches: &'a Batches,
    pub txs: &'a Transactions,
    pub gateway: &'a Gateway,
    pub hosts: Part<'a, Host<P>>,
    pub nodes: Part<'a, Node<P>>,
    /// By sender.
    pub connections: Part<'a, Connections>,
    pub frame: Frame,
    pub desk: &'a mut Desk<P>,
    /// Before this nothing else arrives at the host that acts, as far as that is known.
    pub clear: Time,
    /// Who writes down tasks now: one more than the host that acts.
    pub author: u32,
}

impl<'a, P: Protocol> Shard<'a, P> {
    /// The hosts before one with their nodes, at a desk of their own, and the others; all of them where none is named.
    pub fn split(self, host: Option<u32>, desk: &'a mut Desk<P>) -> (Shard<'a, P>, Shard<'a, P>) {
        let (host, node) = match host {
            Some(host) => (host as usize, self.network.first_node(host)),
            None => (self.hosts.end(), self.nodes.end()),
        };
        let ((hosts, other_hosts), (nodes, other_nodes)) = (self.hosts.split(host), self.nodes.split(node));
        let (connections, others) = self.connections.split(node);
        let others = Shard { hosts: other_hosts, nodes: other_nodes, connections: others, ..self };
        // The rest of a shard is copied.
        (Shard { hosts, nodes, connections, desk, ..others }, others)
    }
}

impl<P: Protocol> Shard<'_, P> {
    /// Adds a task to the agenda of a node's host; it lapses if the node crashes before.
    pub fn push_task(&mut self, node: u32, at: Time, task: Task<P>) {
        // A race that would be won after the end of the run need not be remembered.
        if at > self.frame.end && matches!(task, Task::Mined { .. } | Task::Timer { .. } | Task::Expire(_)) {
            return;
        }
        let n = &self.nodes[node as usize];
        self.hosts[n.host as usize].agenda.push(at, self.author, node, Due { epoch: n.epoch, task });
    }

    /// Does what is due on a host's agenda.
    #[inline]
    pub fn run_agenda(&mut self, host: usize, until: Time) -> Flow {
        if self.hosts[host].agenda.next_at() <= until { self.work_off(host, until) } else { Ok(()) }
    }

    fn work_off(&mut self, host: usize, until: Time) -> Flow {
        while let Some((at, node, due)) = self.hosts[host].agenda.pop(until) {
            if due.epoch == task::ANY_EPOCH || due.epoch == self.nodes[node as usize].epoch {
                self.desk.tasks += 1;
                self.perform(node, at, due.task)?;
                self.give_way()?;
            } else if let Task::Received { handle, .. } | Task::Job { handle, .. } = due.task {
                self.lose_copy(handle);
            }
        }
        Ok(())
    }

    /// Halts if something was written down that the host may need itself.
    #[inline]
    pub fn give_way(&mut self) -> Flow {
        if self.desk.out.urgent { self.halt(Halt::Flush) } else { Ok(()) }
    }

    /// The host that acts cannot go on alone.
    pub fn halt(&mut self, why: Halt<P>) -> Flow {
        self.desk.halted = Some(why);
        Err(Halted)
    }

    /// Does what is due, where a host can do it alone.
    fn perform(&mut self, n: u32, at: Time, task: Task<P>) -> Flow {
        let own = Mark::own(n, at);
        match task {
            Task::Local { handle } => self.arrive_local(n, at, handle),
            Task::Received { handle, came } => self.verify(n, came, at, handle),
            Task::Job { handle, came } => self.deliver(n, came, at, handle),
            Task::Timer { timer, generation } => {
                if self.nodes[n as usize].timers[timer.kind()] != generation {
                    return Ok(());
                }
                self.nodes[n as usize].timers[timer.kind()] = 0;
                self.step(n, at, own, Input::Timer(timer))
            }
            Task::Durable => self.fsync_ended(n, at),
            Task::Mined { generation, ticket } if self.nodes[n as usize].mining == generation => {
                self.step(n, at, own, Input::Mined(ticket))
            }
            Task::Mined { .. } => Ok(()),
            Task::Refetch { key, attempt, generation } => {
                self.refetch(n, at, key, attempt, generation);
                Ok(())
            }
            Task::Check { ticket, good, work } => {
                self.verify_votes(n, at, ticket, (good, work));
                Ok(())
            }
            Task::Reply { block } => {
                self.reply(n, at, block);
                Ok(())
            }
            Task::AskReplies { block } => {
                self.ask_for_replies(n, at, block);
                Ok(())
            }
            Task::Checked { ticket, good } => self.step(n, at, own, Input::Checked { ticket, good }),
            task => self.halt(Halt::Task { node: n, at, task }),
        }
    }

    /// A copy does not come to its receiver.
    pub fn lose_copy(&mut self, handle: u32) {
        self.desk.out.lost.push(handle);
    }

    /// Number of nodes.
    pub fn count(&self) -> u32 {
        self.network.nodes()
    }

    /// The host of a node.
    #[inline]
    pub fn host_of(&self, n: u32) -> usize {
        self.nodes[n as usize].host as usize
    }
}
