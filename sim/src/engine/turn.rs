//! A host's turn: the simulation lets it act alone, carries out what it has written down, and does what it cannot do
//! alone.

use ledgerlab_consensus::{NodeId, Protocol, Time};

use crate::engine::Simulation;
use crate::engine::messages::Cargo;
use crate::engine::shard::{Flow, Frame, Halt, Part, Shard};
use crate::engine::step::{Input, Mark};
use crate::engine::task::Task;
use crate::kernel::queue::Queue;

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Does what is due on a host's agenda.
    pub(super) fn run_agenda(&mut self, host: usize, until: Time) {
        self.author = host as u32 + 1;
        loop {
            let flow = self.shard().run_agenda(host, until);
            let done = flow.is_ok();
            self.settle(flow);
            if done {
                return;
            }
        }
    }

    /// All hosts as one shard.
    pub(super) fn shard(&mut self) -> Shard<'_, P> {
        Shard {
            frame: self.frame(),
            scenario: self.scenario,
            validators: &self.validators,
            network: &self.network,
            messages: &self.messages,
            blocks: &self.blocks,
            batches: &self.batches,
            txs: &self.txs,
            gateway: &self.gateway,
            hosts: Part::whole(&mut self.hosts),
            nodes: Part::whole(&mut self.nodes),
            connections: Part::whole(&mut self.connections),
            desk: &mut self.desk,
            clear: Time::ZERO,
            author: self.author,
        }
    }

    pub(super) fn frame(&self) -> Frame {
        Frame {
            horizon: self.horizon,
            end: self.end(),
            planned: self.gateway.next_at(),
            eager: self.eager,
            tolerated: self.tolerated,
            closed: self.clients.len() > 0,
            mining: self.mining,
            vrf: self.vrf,
        }
    }

    /// Lets a host do something, and carries out what it has written down.
    pub(super) fn local<R>(&mut self, act: impl FnOnce(&mut Shard<'_, P>) -> R) -> R {
        let result = act(&mut self.shard());
        self.flush();
        result
    }

    /// Adds a task to the agenda of a node's host; it lapses if the node crashes before.
    pub(super) fn push_task(&mut self, node: u32, at: Time, task: Task<P>) {
        self.shard().push_task(node, at, task);
    }

    /// Sends a host's own message to one node.
    pub(super) fn send_cargo(&mut self, n: u32, at: Time, to: NodeId, cargo: Cargo, bytes: u64, kind: &'static str) {
        self.local(|s| s.send_cargo(n, at, to, cargo, bytes, kind));
    }

    /// Runs an input and then every answer that costs no time.
    pub(super) fn step(&mut self, n: u32, ready: Time, mark: Mark, input: Input<P>) {
        let flow = self.shard().step(n, ready, mark, input);
        self.settle(flow);
    }

    /// Runs the answers that wait, and looks at what the replica now says of itself.
    pub(super) fn drain_local(&mut self, n: u32, at: Time) {
        let flow = self.shard().drain_local(n, at);
        self.settle(flow);
    }

    /// Carries out what a host has written down, and what it cannot do alone.
    pub(super) fn settle(&mut self, mut flow: Flow) {
        loop {
            self.flush();
            if flow.is_ok() {
                return;
            }
            let why = self.desk.halted.take().expect("a host that halts says why");
            flow = self.do_for_it(why);
        }
    }

    fn do_for_it(&mut self, why: Halt<P>) -> Flow {
        match why {
            Halt::Flush => Ok(()),
            Halt::Task { node, at, task } => {
                self.perform(node, at, task);
                Ok(())
            }
            Halt::Deliver { node, came, ready, handle } => {
                self.deliver(node, came, ready, handle);
                Ok(())
            }
            Halt::Effects { node, at } => {
                self.apply_rest(node, at);
                self.shard().drain_local(node, at)
            }
            Halt::Build { node, at, fresh } => {
                self.try_build(node, at);
                let goes_on = fresh || !self.nodes[node as usize].local.is_empty();
                if goes_on { self.shard().drain_local(node, at) } else { Ok(()) }
            }
        }
    }
}
