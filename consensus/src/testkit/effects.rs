//! What the host does with a replica's effects.

use super::event::Input;
use super::node::{Block, Gated};
use super::{Fate, Kit, Sent};
use crate::effect::{Durability, Effect, Effects, Gate, Lane, To, Until};
use crate::info::Finality;
use crate::message::Message;
use crate::protocol::{Protocol, Timer};
use crate::types::{Digest, LogSeq, NodeId, Span, Tip, Topic, mix64};
use crate::wire::Wire;

/// Rounds over all peers before a fetch is given up.
const FETCH_ROUNDS: u32 = 16;

impl<P: Protocol> Kit<P> {
    /// Carries out the effects of one handler in their order, then what became durable within the step.
    pub(super) fn apply(&mut self, i: NodeId, out: &mut Effects<P>) {
        let mut sync = None;
        for e in std::mem::take(&mut out.list) {
            match e {
                Effect::Send { to, message, lane, gate } => {
                    let set = if let To::Set(l) = to { out.nodes(l).to_vec() } else { vec![] };
                    let after = if let Gate::After(seq) = gate { seq } else { LogSeq(0) };
                    assert!(after <= self.node(i).log.end(), "gated by a record that does not exist");
                    self.node_mut(i).gated.push(Gated { after, to, set, message, lane });
                    self.release(i);
                }
                Effect::Log { record, seq, durability } => {
                    self.append(i, record, seq);
                    if durability == Durability::Now {
                        sync = Some(seq);
                    }
                }
                Effect::Adopt { block, parent, height, payloads, header_bytes } => {
                    let payloads = out.payloads(payloads).to_vec();
                    let time = self.now;
                    self.adopt(i, Block { time, height, block, parent, payloads, header_bytes });
                }
                other => self.apply_small(i, other),
            }
        }
        if let Some(upto) = sync {
            if self.fsync == Span::ZERO {
                self.made_durable(i, upto);
                self.node_mut(i).local.push_back(Input::Durable { upto });
            } else {
                self.at(self.now + self.fsync, i, i, Input::Durable { upto });
            }
        }
    }

    fn apply_small(&mut self, i: NodeId, e: Effect<P>) {
        let now = self.now;
        match e {
            Effect::SetTimer { timer, after } => self.set_timer(i, timer, after),
            Effect::SetAlarm { timer, wall } => {
                let due = wall.0.saturating_add_signed(-self.node(i).skew_ns);
                self.set_timer(i, timer, Span(due.saturating_sub(now.0)));
            }
            Effect::CancelTimer { kind } => self.node_mut(i).timers[kind] = 0,
            Effect::Build { ticket, limit, until, .. } => {
                let build = self.node_mut(i).pool.request(ticket, limit, until);
                if let Until::Full { deadline } = until {
                    self.at(deadline.max(now), i, i, Input::Deadline { build });
                }
                self.node_mut(i).supply(None);
            }
            Effect::Judge { ticket, payload, .. } => {
                let verdict = (self.judge)(i, &payload);
                self.node_mut(i).local.push_back(Input::Judged(ticket, verdict));
            }
            Effect::Drop { root } => {
                self.node_mut(i).pool.dropped(root);
                self.node_mut(i).supply(None);
            }
            Effect::Check { ticket, .. } => self.node_mut(i).local.push_back(Input::Checked(ticket)),
            Effect::Fetch { key, hint } => {
                if self.node_mut(i).fetching.insert(key) {
                    self.node_mut(i).fetches += 1;
                    self.ask(i, Input::Fetch { key, hint, tries: 0 });
                }
            }
            Effect::Sync { tip, hint } => self.ask(i, Input::Sync { tip, hint, tries: 0 }),
            Effect::Truncate { below } => self.node_mut(i).log.truncate(below),
            Effect::Prune { below } => self.node_mut(i).pruned = below,
            Effect::Revert { height } => self.revert(i, height),
            Effect::Finalize { height, certificate } => {
                if let Some(c) = &certificate {
                    self.checks.recount::<P>(self.node(i).env.key, c, &self.validators);
                }
                self.finalise(i, height);
            }
            Effect::Mine { ticket, difficulty } => self.mine(i, ticket, difficulty),
            Effect::StopMining => self.node_mut(i).race += 1,
            Effect::Subscribe(t) => {
                self.node_mut(i).topics.insert(t);
            }
            Effect::Unsubscribe(t) => {
                self.node_mut(i).topics.remove(&t);
            }
            Effect::Charge(_) => {}
            Effect::Evidence(e) => self.node_mut(i).evidence.push(*e),
            Effect::Reject { from, why } => self.node_mut(i).rejects.push((now, from, why)),
            Effect::Send { .. } | Effect::Log { .. } | Effect::Adopt { .. } => unreachable!("handled by apply"),
            Effect::LogLength { .. } => unreachable!("records are kept"),
        }
    }

    fn append(&mut self, i: NodeId, record: P::Record, seq: LogSeq) {
        let n = self.node_mut(i);
        let mut bytes = vec![];
        record.encode(&mut bytes);
        assert_eq!(bytes.len(), record.encoded_len(), "encoded_len of {record:?}");
        let decoded = P::Record::decode(&mut &bytes[..]).expect("a record decodes from its own encoding");
        assert_eq!(seq, n.log.append(decoded), "log records are numbered without gaps");
    }

    fn set_timer(&mut self, i: NodeId, timer: P::Timer, after: Span) {
        let n = self.node_mut(i);
        n.timers_set += 1;
        let (kind, set) = (timer.kind(), n.timers_set);
        n.timers[kind] = set;
        self.at(self.now + after, i, i, Input::Timer { kind, set, timer });
    }

    fn mine(&mut self, i: NodeId, ticket: crate::types::Ticket, difficulty: u64) {
        let stake = self.node(i).env.key.map_or(0, |v| self.validators.stake(v).0);
        self.node_mut(i).race += 1;
        if stake == 0 {
            return;
        }
        let draw = mix64(self.seed ^ mix64((u64::from(i.0) << 40) ^ ticket.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let uniform = ((draw >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        let wait = Span((-libm::log(uniform) * difficulty as f64 / stake as f64) as u64);
        let race = self.node(i).race;
        self.at(self.now + wait, i, i, Input::Mined { race, ticket });
    }

    /// Records up to `upto` are on disk: what waited for them leaves.
    pub(super) fn made_durable(&mut self, i: NodeId, upto: LogSeq) {
        self.node_mut(i).log.make_durable(upto);
        self.release(i);
    }

    fn release(&mut self, i: NodeId) {
        let durable = self.node(i).log.durable();
        let (ready, wait) = std::mem::take(&mut self.node_mut(i).gated).into_iter().partition(|g| g.after <= durable);
        self.node_mut(i).gated = wait;
        for g in ready {
            self.transmit(i, g);
        }
    }

    fn transmit(&mut self, i: NodeId, g: Gated<P>) {
        self.checks.sent::<P>(self.node(i).env.key, &g.message, g.after > LogSeq(0));
        self.note_payloads(i, &g.message);
        let everybody = || (0..self.nodes.len() as u32).map(NodeId);
        let (to, topic): (Vec<NodeId>, Option<Topic>) = match g.to {
            To::One(n) => (vec![n], None),
            To::All => (everybody().filter(|n| *n != i).collect(), None),
            To::Set(_) => (g.set, None),
            To::Topic(t) => {
                let near = self.neighbours.as_ref().map_or_else(|| everybody().collect(), |n| n[i.0 as usize].clone());
                (near.into_iter().filter(|n| *n != i && self.node(*n).topics.contains(&t)).collect(), Some(t))
            }
        };
        if let (Some(_), Some(key)) = (topic, g.message.key()) {
            self.node_mut(i).seen.insert(key);
        }
        for n in to {
            assert!(n != i && (n.0 as usize) < self.nodes.len(), "a send to itself or to nobody: {g:?}", g = g.message);
            self.send_one(i, n, &g.message, g.lane, topic);
        }
    }

    fn note_payloads(&mut self, i: NodeId, m: &P::Message) {
        let now = self.now;
        m.carries(&mut |p| {
            self.traffic.proposed.entry(p.root).or_insert((now, i));
        });
    }

    fn send_one(&mut self, from: NodeId, to: NodeId, m: &P::Message, lane: Lane, topic: Option<Topic>) {
        let now = self.now;
        let height = self.node(from).final_height();
        self.traffic.sent.push(Sent {
            time: now,
            from,
            to,
            kind: m.kind(),
            lane,
            height,
            bytes: m.encoded_len() as u32,
        });
        let fate = self.filter.as_mut().map_or(Fate::Pass, |f| f(now, from, to, m));
        let extra = match fate {
            Fate::Drop => return,
            Fate::Delay(more) => more,
            Fate::Pass => Span::ZERO,
        };
        if !self.connected(from, to) {
            return;
        }
        let due = now + self.delay + extra;
        let last = self.last_arrival(from, to, lane);
        *last = due.max(*last);
        let at = *last;
        self.at(at, from, to, Input::Message { from, topic, message: m.clone() });
    }

    /// Queues a peer's answer for a round trip later.
    fn ask(&mut self, i: NodeId, input: Input<P>) {
        self.at(self.now + self.delay * 2, i, i, input);
    }

    fn peer(&self, i: NodeId, hint: NodeId, tries: u32) -> NodeId {
        let n = self.nodes.len() as u32;
        let p = NodeId((hint.0 + tries) % n);
        if p == i { NodeId((p.0 + 1) % n) } else { p }
    }

    pub(super) fn fetched(&mut self, i: NodeId, key: Digest, hint: NodeId, tries: u32) {
        let peer = self.peer(i, hint, tries);
        let served = self.node(peer).replica.as_ref().filter(|_| self.connected(i, peer)).and_then(|r| r.serve(key));
        if let Some(message) = served {
            assert_eq!(message.key(), Some(key), "another object than the one that was asked for: {message:?}");
            self.checks.sent::<P>(self.node(peer).env.key, &message, false);
            self.node_mut(i).fetching.remove(&key);
            self.node_mut(i).local.push_back(Input::Message { from: peer, topic: None, message });
        } else if tries < FETCH_ROUNDS * self.nodes.len() as u32 {
            self.ask(i, Input::Fetch { key, hint, tries: tries + 1 });
        } else {
            self.node_mut(i).fetching.remove(&key);
        }
    }

    /// Copies the ledger of the peer whose turn it is, if it has the tip: the final part of it, or all of it where
    /// finality is counted in depth.
    pub(super) fn synced(&mut self, i: NodeId, tip: Tip, hint: NodeId, tries: u32) {
        let peer = self.peer(i, hint, tries);
        let p = self.node(peer);
        let counted = matches!(P::INFO.finality, Finality::Probabilistic { .. });
        let upto = if counted { p.tip().height } else { p.final_height() };
        let has = p.is_up() && self.connected(i, peer) && upto >= tip.height;
        if has && p.chain[tip.height as usize].block == tip.block {
            let both = p.chain.iter().zip(&self.node(i).chain);
            let shared = both.take_while(|(theirs, own)| theirs.block == own.block).count();
            let blocks = p.chain[shared..=(upto as usize).max(shared - 1)].to_vec();
            if !blocks.is_empty() {
                self.revert(i, shared as u64 - 1);
                blocks.into_iter().for_each(|b| self.adopt(i, b));
            }
            if !counted && upto > self.node(i).final_height() {
                self.finalise(i, upto);
            }
            self.node_mut(i).syncs += 1;
            // In the same step: the replica must not act on a ledger that has changed under it.
            let tip = self.node(i).tip();
            self.node_mut(i).local.push_front(Input::State(tip));
        } else if tries < FETCH_ROUNDS * self.nodes.len() as u32 {
            self.ask(i, Input::Sync { tip, hint, tries: tries + 1 });
        }
    }

    fn adopt(&mut self, i: NodeId, mut b: Block) {
        b.time = self.now;
        let n = self.node_mut(i);
        let tip = n.tip();
        assert_eq!((b.height, b.parent), (tip.height + 1, tip.block), "node {} adopts off its tip", i.0);
        b.payloads.iter().for_each(|p| n.pool.adopted(p));
        n.chain.push(b);
        if n.pool.pending().count > 0 && !n.local.iter().any(|l| matches!(l, Input::Work)) {
            n.local.push_back(Input::Work);
        }
    }

    fn revert(&mut self, i: NodeId, height: u64) {
        let now = self.now;
        let n = self.node_mut(i);
        if height >= n.tip().height {
            return;
        }
        assert!(height >= n.final_height(), "node {} reverts to {height}, below its final height", i.0);
        for b in n.chain.drain(height as usize + 1..) {
            b.payloads.iter().for_each(|p| n.pool.reverted(p));
        }
        n.reverts.push((now, height));
    }

    fn finalise(&mut self, i: NodeId, height: u64) {
        let now = self.now;
        let n = &mut self.nodes[i.0 as usize];
        assert!(height <= n.tip().height, "node {} finalises {height} above its tip", i.0);
        for h in n.finalised.len()..=height as usize {
            n.finalised.push(now);
            self.checks.finalised(i, h, n.chain[h].block);
        }
    }
}
