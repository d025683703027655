//! Nakamoto's longest chain by proof of work, with retarget.
//!
//! Paper: S. Nakamoto, "Bitcoin: A Peer-to-Peer Electronic Cash System", 2008; rules for difficulty and time as in
//! Bitcoin Core (`pow.cpp`, `validation.cpp`).
//!
//! Model: less than half of the hash power is faulty; blocks spread in much less than the interval. Safety is
//! probabilistic: a block with k blocks on top is reverted with the probability in [`crate::risk`].
//!
//! Normal case:
//! 1. every miner races on its head; a win comes after an exponential time with mean difficulty / stake;
//! 2. the winner asks its pool for a payload and makes a block with its wall clock's time;
//! 3. it adopts the block and gossips it; neighbours fetch it, check it, adopt it, race on it and gossip it on;
//! 4. hosts count the blocks on top: at k a transaction is final.
//!
//! ```text
//! miner A   ──race──▶ win, build, block ──▶ race on it …
//!                                  │ gossip
//! B, C                             ├─▶ check, adopt, race on it
//!                                  │        │ gossip
//! D                                └────────┴─▶ check, adopt, …
//! ```
//!
//! Fork choice: most total work; of equal chains the one seen first (no random tie rule). One `Revert` to the fork,
//! then an `Adopt` for each block. Blocks join the relay when they become part of the own chain, so a stale one
//! stops at nodes that prefer another. A missing parent is fetched from the peer that sent the child; a gap of more
//! than twice k is closed by a state transfer; reorganisations are followed to any depth, beyond the kept window of
//! max(2k, 288) blocks (Bitcoin Core's `MIN_BLOCKS_TO_KEEP`) by state transfer.
//!
//! Difficulty: every `retarget_window` blocks the target is multiplied by actual / expected time, limited to 1/4 and
//! 4. Bitcoin measures a window of n = 2016 blocks over its n - 1 inner intervals, so that blocks come every
//! interval x n / (n - 1); so does this unless `retarget_inner = false`. Time: after the median of the last 11
//! blocks, at most 2 h ahead of the receiver's clock; nanoseconds instead of seconds.
//!
//! Costs charged: a block's encoding on the wire, a payload's bytes where it travels, 80 bytes of header on disk,
//! two hashes of the header for each block received, one small synced record for each block adopted.
//!
//! Deviations: a header carries height, total work and window start (see [`block`]), so that a node can root its tree
//! anywhere; a win whose payload comes after the head has moved is lost; empty blocks are always made, and
//! `block_period` does not apply, since the race knows no period.
//!
//! Not modelled: coinbase and fees, pools, invalid transactions in a block, checkpoints.

pub mod block;
pub mod rules;

use std::sync::Arc;

use crate::effect::{Cx, Effect, Until, Work};
use crate::info::{Family, FaultBound, Finality, ProtocolInfo, Reply, Rotation};
use crate::knob::{Knob, KnobValue, Settings};
use crate::longest_chain::{self, BLOCKS, ChainMessage, Header as _, Limits, LongestChain};
use crate::message::PayloadRef;
use crate::protocol::{Env, Peer, Protocol, Records, Role, Status, Validators};
use crate::types::{Digest, NodeId, Span, Ticket, Time, Tip};

use block::{Block, Header};
use rules::Retarget;

/// Blocks that a node keeps at least below its tip: Bitcoin Core's `MIN_BLOCKS_TO_KEEP`.
const KEEP: u64 = 288;

/// Resolved settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Difficulty rule.
    pub retarget: Retarget,
    /// Blocks on top that make a block final.
    pub k: u64,
    /// Most payload bytes in a block.
    pub block_bytes: u32,
    /// The block below all others, stored once for all replicas.
    pub genesis: Arc<Block>,
}

/// A replica; it mines if it has a key with stake.
#[derive(Debug)]
pub struct Nakamoto {
    /// Whether it has a key with stake.
    is_miner: bool,
    retarget: Retarget,
    block_bytes: u32,
    chain: LongestChain<Header>,
    race: u64,
    building: Option<(Ticket, Digest)>,
}

impl Nakamoto {
    /// Races on the head, or leaves the race while there is none.
    fn race(&mut self, cx: &mut Cx<'_, Self>) {
        if !self.is_miner {
            return;
        }
        self.race += 1;
        self.building = None;
        let next = self.chain.head().map(|h| self.retarget.difficulty(&h.block.header));
        cx.push(match next {
            Some(difficulty) => Effect::Mine { ticket: Ticket(self.race), difficulty },
            None => Effect::StopMining,
        });
    }
    fn receive(&mut self, from: NodeId, b: &Arc<Block>, cx: &mut Cx<'_, Self>) {
        let (rule, wall) = (self.retarget, cx.wall());
        let valid = |tree: &_, parent: &_, h: &Header| rules::check(&rule, tree, parent, h, wall);
        if self.chain.receive(from, b, &valid, cx) {
            self.race(cx);
        }
    }
    fn assemble(&self, wall: Time, payload: &[PayloadRef]) -> Option<Header> {
        let head = self.chain.head()?;
        let (below, miner) = (&head.block.header, self.chain.key()?);
        let median = rules::median_time_past(self.chain.tree(), head).unwrap_or(below.time);
        let time = wall.max(median + Span::nanos(1));
        let difficulty = self.retarget.difficulty(below);
        Some(Header {
            parent: head.id(),
            height: head.height + 1,
            miner,
            time,
            difficulty,
            work: head.total() + u128::from(difficulty),
            window: self.retarget.window_start(below, time),
            payload: payload.to_vec(),
        })
    }
}

impl Protocol for Nakamoto {
    const INFO: ProtocolInfo = ProtocolInfo {
        id: "nakamoto",
        name: "Nakamoto",
        paper: "S. Nakamoto, Bitcoin: A Peer-to-Peer Electronic Cash System, 2008",
        family: Family::Pow,
        faults: FaultBound::Half,
        quorum: "none: the chain with most work",
        finality: Finality::Probabilistic { depth: 6 },
        delays: None,
        messages: None,
        reply: Reply::OwnNode,
        rotation: Rotation::Anybody,
        exclusive: &[],
        overlay: true,
    };
    const TIMERS: usize = 0;
    const KNOBS: &'static [Knob] = &[
        Knob::new(
            "interval",
            "mean time between blocks",
            KnobValue::Span(Span::secs(600)),
            (KnobValue::Span(Span::millis(1)), KnobValue::Span(Span::secs(86_400))),
        )
        .consortium(KnobValue::Span(Span::secs(10))),
        Knob::new(
            "k",
            "blocks on top that make a block final",
            KnobValue::Count(6),
            (KnobValue::Count(0), KnobValue::Count(10_000)),
        ),
        Knob::new(
            "retarget_window",
            "blocks between two changes of the difficulty; 0 never changes it",
            KnobValue::Count(2016),
            (KnobValue::Count(0), KnobValue::Count(1_000_000)),
        ),
        Knob::flag(
            "retarget_inner",
            "measure a window over its inner intervals, one fewer than its blocks, as Bitcoin does",
            true,
        ),
    ];
    type Config = Config;
    type Message = ChainMessage<Header>;
    type Record = Arc<Block>;
    type Timer = ();

    /// # Panics
    /// If total stake x interval in nanoseconds does not fit 64 bits.
    fn configure(settings: &Settings, validators: &Validators) -> Config {
        let interval = settings.span("interval");
        let work = u128::from(validators.total().0) * u128::from(interval.0);
        let initial = u64::try_from(work).expect("total stake x interval fits 64 bits: use smaller stakes");
        let window = settings.count("retarget_window");
        // A single block has no inner interval.
        let inner = settings.flag("retarget_inner") && window > 1;
        Config {
            retarget: Retarget { interval, window, inner, initial },
            k: settings.count("k"),
            block_bytes: settings.block_bytes,
            genesis: longest_chain::genesis(Header::default()),
        }
    }
    fn open(env: Env, config: &Config, log: Records<'_, Arc<Block>>, adopted: Tip) -> Self {
        let keep = KEEP.max(2 * config.k);
        let limits = Limits { keep, reorganise: None, far: (2 * config.k).max(8) };
        let chain = LongestChain::open(&env, Arc::clone(&config.genesis), limits, log, adopted);
        let is_miner = env.key.is_some_and(|v| env.validators.stake(v).0 > 0);
        let (retarget, block_bytes) = (config.retarget, config.block_bytes);
        Nakamoto { is_miner, retarget, block_bytes, chain, race: 0, building: None }
    }
    fn expected_finality(config: &Config, delay: Span) -> Span {
        config.retarget.interval * (config.k + 1) + delay
    }
    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        self.chain.start(cx);
        // Tickets number the draws of the race: after a restart they must be new ones. No race lasts less than 1 ns.
        self.race = cx.wall().0;
        self.race(cx);
    }
    fn on_message(&mut self, from: NodeId, m: &ChainMessage<Header>, cx: &mut Cx<'_, Self>) {
        match m {
            ChainMessage::Block { block } => {
                cx.push(Effect::Charge(Work::Hash(2 * u64::from(Header::BYTES))));
                self.receive(from, block, cx);
            }
            ChainMessage::Head { tip } => self.chain.announced(from, *tip, cx),
        }
    }
    fn on_mined(&mut self, ticket: Ticket, cx: &mut Cx<'_, Self>) {
        let Some(head) = self.chain.head().filter(|_| ticket.0 == self.race) else { return };
        let parent = head.id();
        self.building = Some((ticket, parent));
        cx.push(Effect::Build { ticket, parent, limit: self.block_bytes, until: Until::Now });
    }
    fn on_payload(&mut self, ticket: Ticket, payload: &[PayloadRef], cx: &mut Cx<'_, Self>) {
        let current = self.building.take_if(|(t, _)| *t == ticket).map(|(_, parent)| parent);
        let on_head = current.filter(|p| self.chain.head().is_some_and(|h| h.id() == *p));
        let Some(header) = on_head.and_then(|_| self.assemble(cx.wall(), payload)) else {
            payload.iter().for_each(|p| cx.push(Effect::Drop { root: p.root }));
            return;
        };
        let (block, _) = self.chain.mint(header, cx);
        self.receive(self.chain.me(), &block, cx);
        assert!(self.chain.tree().get(block.id).is_some(), "a block that breaks its miner's own rules");
        cx.gossip(BLOCKS, block.into());
    }
    fn on_state(&mut self, tip: Tip, cx: &mut Cx<'_, Self>) {
        let (rule, wall) = (self.retarget, cx.wall());
        let valid = |tree: &_, parent: &_, h: &Header| rules::check(&rule, tree, parent, h, wall);
        self.chain.copied(tip, &valid, cx);
        self.race(cx);
    }
    fn on_peer(&mut self, peer: NodeId, state: Peer, cx: &mut Cx<'_, Self>) {
        if state == Peer::Up {
            self.chain.greet(peer, cx);
        }
    }
    fn serve(&self, key: Digest) -> Option<ChainMessage<Header>> {
        self.chain.serve(key)
    }
    fn status(&self) -> Status {
        let role = if self.is_miner && self.chain.head().is_some() { Role::Leader } else { Role::Follower };
        Status { height: self.chain.height(), view: 0, role, leader: None, locked: 0 }
    }
}

#[cfg(test)]
mod tests;
