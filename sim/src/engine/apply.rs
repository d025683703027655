//! Carries out a replica's effects at the moment at which its step ends.

use ledgerlab_consensus::{Durability, Effect, Effects, LogSeq, NodeId, Protocol, Span, Time, Timer, Tip, Until, Wire};

use crate::engine::Simulation;
use crate::engine::host::Build;
use crate::engine::shard::{Flow, Halt, Shard};
use crate::engine::step::{Input, Mark};
use crate::engine::task::Task;
use crate::kernel::queue::Queue;

impl<P: Protocol> Shard<'_, P> {
    pub fn apply_list(&mut self, n: u32, at: Time) -> Flow {
        if !self.apply_own(n, at) {
            return self.halt(Halt::Effects { node: n, at });
        }
        self.desk.step.clear();
        Ok(())
    }

    /// Carries out the step's effects, up to one that concerns what all hosts share; says whether there is none.
    fn apply_own(&mut self, n: u32, at: Time) -> bool {
        for place in self.desk.step.applied..self.desk.step.effects.list.len() {
            if !self.apply(n, at, place) {
                self.desk.step.applied = place;
                return false;
            }
        }
        true
    }

    /// Carries out the effect at a place if it concerns nobody else; says whether it does.
    #[inline(always)]
    fn apply(&mut self, n: u32, at: Time, place: usize) -> bool {
        let e = &mut self.desk.step.effects.list[place];
        match *e {
            Effect::SetTimer { timer, after } => self.set_timer(n, at + after, timer),
            Effect::SetAlarm { timer, wall } => {
                let due = Time(wall.0.saturating_sub(self.nodes[n as usize].skew.0)).max(at);
                self.set_timer(n, due, timer);
            }
            Effect::CancelTimer { kind } => self.nodes[n as usize].timers[kind] = 0,
            Effect::Truncate { below } => {
                if let Some(log) = &mut self.nodes[n as usize].log {
                    log.truncate(below);
                }
            }
            Effect::LogLength { bytes, seq } => self.write_log(n, at, bytes.into(), seq, Durability::Now),
            Effect::Adopt { block, height, payloads, header_bytes, .. } => {
                return self.adopt(n, at, Tip { height, block }, payloads, header_bytes);
            }
            Effect::Fetch { key, hint } => self.fetch(n, at, key, hint, true),
            Effect::Mine { ticket, difficulty } => self.mine(n, at, ticket, difficulty),
            Effect::StopMining => self.nodes[n as usize].mining = 0,
            Effect::Send { .. } | Effect::Log { .. } | Effect::Finalize { .. } => {
                // Their contents are handed on.
                match std::mem::replace(e, Effect::StopMining) {
                    Effect::Send { to, message, lane, gate } => self.send_gated(n, at, to, message, lane, gate),
                    Effect::Log { record, seq, durability } => self.append_log(n, at, record, seq, durability),
                    Effect::Finalize { height, certificate } => self.finalize(n, at, height, certificate),
                    _ => unreachable!("it was looked at"),
                }
            }
            // Payloads are skipped by the chain that carries them, so a dropped one needs no release; the tables keep
            // what peers may still ask for; every node receives every topic of its overlay; charges are billed.
            Effect::Drop { .. }
            | Effect::Prune { .. }
            | Effect::Subscribe(_)
            | Effect::Unsubscribe(_)
            | Effect::Charge(_) => {}
            Effect::Build { .. }
            | Effect::Judge { .. }
            | Effect::Check { .. }
            | Effect::Sync { .. }
            | Effect::Revert { .. }
            | Effect::Evidence(_)
            | Effect::Reject { .. } => return false,
        }
        true
    }

    fn set_timer(&mut self, n: u32, due: Time, timer: P::Timer) {
        let node = &mut self.nodes[n as usize];
        let generation = node.next_generation();
        node.timers[timer.kind()] = generation;
        self.push_task(n, due, Task::Timer { timer, generation });
    }

    fn mine(&mut self, n: u32, at: Time, ticket: ledgerlab_consensus::Ticket, difficulty: u64) {
        let node = &mut self.nodes[n as usize];
        let stake = node.env.key.map_or(0, |k| self.validators.stake(k).0);
        let generation = node.next_generation();
        node.mining = generation;
        if stake > 0 {
            let mean = difficulty as f64 / stake as f64;
            let wait = self.frame.mining.exponential(u64::from(n) | u64::from(node.epoch) << 32, ticket.0) * mean;
            self.push_task(n, at + Span(wait as u64), Task::Mined { generation, ticket });
        }
    }

    pub fn append_log(&mut self, n: u32, at: Time, record: P::Record, seq: LogSeq, durability: Durability) {
        let bytes = record.encoded_len() as u64;
        if let Some(log) = &mut self.nodes[n as usize].log {
            log.append(record);
        }
        self.write_log(n, at, bytes, seq, durability);
    }

    /// Writes a record of so many bytes to the disk.
    #[inline(always)]
    fn write_log(&mut self, n: u32, at: Time, bytes: u64, seq: LogSeq, durability: Durability) {
        let node = &mut self.nodes[n as usize];
        let disk = &mut self.hosts[node.host as usize].disk;
        if durability == Durability::Lazy {
            disk.append(at, bytes);
            return;
        }
        let due = disk.sync(at, bytes);
        if due <= at {
            node.make_durable(seq);
            node.local.push_back(Input::Durable(seq));
            return self.release_gated(n, at);
        }
        match node.syncing.back_mut() {
            Some((last, upto)) if *last == due => *upto = seq,
            _ => {
                node.syncing.push_back((due, seq));
                self.push_task(n, due, Task::Durable);
            }
        }
    }

    pub fn fsync_ended(&mut self, n: u32, at: Time) -> Flow {
        let node = &mut self.nodes[n as usize];
        let mut upto = node.durable;
        while let Some((_, seq)) = node.syncing.pop_front_if(|(due, _)| *due <= at) {
            upto = upto.max(seq);
        }
        if upto <= node.durable {
            return Ok(());
        }
        node.make_durable(upto);
        self.release_gated(n, at);
        self.step(n, at, Mark::own(n, at), Input::Durable(upto))
    }
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Carries out what is left of a step that has ended.
    pub(super) fn apply_rest(&mut self, n: u32, at: Time) {
        while !self.shard().apply_own(n, at) {
            self.flush();
            let mut step = std::mem::take(&mut self.desk.step);
            let e = std::mem::replace(&mut step.effects.list[step.applied], Effect::StopMining);
            step.applied += 1;
            self.apply_shared(n, at, e, &step.effects);
            self.desk.step = step;
        }
        self.flush();
        self.desk.step.clear();
    }

    /// Carries out an effect that concerns what all hosts share.
    fn apply_shared(&mut self, n: u32, at: Time, e: Effect<P>, lists: &Effects<P>) {
        let node = &mut self.nodes[n as usize];
        match e {
            Effect::Build { ticket, parent, limit, until } => {
                let generation = node.next_generation();
                node.rare.build = Some(Build { ticket, parent, limit, until, generation });
                if let Until::Full { deadline } = until {
                    self.push_task(n, deadline.max(at), Task::Deadline { generation });
                }
                self.try_build(n, at);
            }
            Effect::Judge { ticket, payload, parent, need } => self.judge(n, at, ticket, payload, parent, need),
            Effect::Check { ticket, certificate } => self.check(n, at, ticket, &certificate),
            Effect::Sync { tip, hint } => self.start_transfer(n, at, tip, hint),
            Effect::Adopt { block, parent, height, payloads, header_bytes } => {
                self.adopt(n, at, Tip { height, block }, parent, lists.payloads(payloads), header_bytes);
            }
            Effect::Revert { height } => self.revert(n, at, height),
            Effect::Evidence(e) => self.meter.evidence(at, NodeId(n), &e),
            Effect::Reject { why, .. } => self.meter.reject(why),
            _ => unreachable!("the host carries it out alone"),
        }
    }
}
