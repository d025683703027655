//! Ouroboros Praos: a longest chain whose slots are won in a private lottery by stake.
//!
//! Paper: B. David, P. Gaži, A. Kiayias, A. Russell, "Ouroboros Praos: An adaptively-secure, semi-synchronous
//! proof-of-stake blockchain", Eurocrypt 2018 (eprint 2017/573).
//!
//! Model: less than half of the stake is faulty; clocks agree to within a slot or so; blocks spread in a few slots.
//! Safety is probabilistic: a block with k blocks on top is reverted with the probability in [`crate::risk`].
//!
//! Normal case:
//! 1. time is cut into slots of the wall clock; in each, a stakeholder wins with probability
//!    phi(alpha) = 1 - (1 - f)^alpha, if the output of its VRF on (epoch nonce, slot) is below a bound;
//! 2. a winner asks its pool for a payload, signs a block on its head, and gossips it once the record is durable;
//! 3. neighbours fetch it, check slot, output, nonce and signature, adopt it and gossip it on;
//! 4. hosts count the blocks on top: at k a transaction is final.
//!
//! ```text
//! slot        1    2 … 19   20         40
//! winner A    block ─┐                  │
//! B, C               ├─▶ adopt, relay   │
//! winner D           └─▶ adopt ─────────┴─ block ─▶ …        1/f slots between blocks in the mean
//! ```
//!
//! Fork choice: the longest chain; of equal ones the one seen first. Forks that leave the own chain more than k
//! blocks below its tip are refused. A missing parent is fetched from the peer that sent the child; a gap of more
//! than 2k is closed by a state transfer.
//!
//! Epoch nonce: every block of the first two thirds of an epoch stirs its VRF output into the randomness that makes
//! the next epoch's nonce together with the last nonce. Both are kept with each block, so branches have their own.
//!
//! Costs charged: a block's encoding on the wire with a VRF proof and a signature as the host sizes and bills them,
//! 860 bytes of header on disk, one small synced record for each block minted or adopted. Drawing slots costs
//! nothing; no message or timer belongs to an empty slot: since the nonce of the epoch is known and the lottery is
//! private, a replica draws ahead and sets one alarm, for the next slot that it wins.
//!
//! Deviations: one VRF output serves as draw and as randomness, where the paper evaluates it twice; the
//! key-evolving signature is an ordinary one on the wire (its 448 bytes are on disk); stake is constant; a block up
//! to 5 s early by the receiver's clock is taken at once (ouroboros-consensus has the same clock skew limit); equal
//! chains are not compared by VRF output as Cardano does; a node more than 2k blocks behind trusts the ledger that it
//! copies, as a node that joins needs a trusted checkpoint; a win whose payload comes after the head has moved is
//! lost; empty blocks are always minted, since depth is counted in blocks, and `block_period` does not apply.
//!
//! Not modelled: delegation, rewards, operational certificates, stake snapshots, the genesis rule of later papers.

pub mod block;
pub mod lottery;

use std::sync::Arc;

use crate::block_tree::Node;
use crate::effect::{Cx, Effect, Gate, Lane, To, Until};
use crate::info::{Family, FaultBound, Finality, ProtocolInfo, Reply, Rotation};
use crate::knob::{Knob, KnobValue, Settings};
use crate::longest_chain::{self, BLOCKS, ChainMessage, Limits, LongestChain};
use crate::message::PayloadRef;
use crate::protocol::{self, Env, Peer, Protocol, Records, Role, Status, Validators};
use crate::types::{Digest, Hashing, NodeId, Span, Ticket, Time, Tip};

use block::{Block, Header};

/// How early a block may come by the receiver's clock: ouroboros-consensus' default clock skew.
const SKEW: Span = Span::secs(5);

/// Most slots that are drawn in one go.
const LOOK_AHEAD: u64 = 4_096;

/// Resolved settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Length of a slot.
    pub slot: Span,
    /// Share of slots with at least one winner.
    pub f: f64,
    /// Blocks on top that make a block final; forks deeper than this are refused.
    pub k: u64,
    /// Slots of an epoch.
    pub epoch_slots: u64,
    /// Most payload bytes in a block.
    pub block_bytes: u32,
    /// Bound of each validator's draw.
    pub thresholds: Vec<u64>,
}

/// What the alarm is set for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timer {
    /// The start of a slot that this replica wins.
    Win(u64),
    /// The start of the first slot that has not been drawn.
    Draw(u64),
}

impl protocol::Timer for Timer {
    fn kind(&self) -> usize {
        0
    }
}

/// A slot that was won, while its payload is built.
#[derive(Clone, Copy, Debug)]
struct Win {
    slot: u64,
    parent: Digest,
}

/// A replica; it mints if it has a key with stake.
#[derive(Debug)]
pub struct Praos {
    env: Env,
    config: Config,
    chain: LongestChain<Header>,
    threshold: u64,
    /// Epoch and nonce for which the alarm was drawn.
    drawn: (u64, Digest),
    /// The last slot in which this replica minted.
    minted: u64,
    building: Option<Win>,
}

impl Praos {
    fn slot_at(&self, wall: Time) -> u64 {
        wall.0 / self.config.slot.0
    }
    fn start_of(&self, slot: u64) -> Time {
        Time::ZERO + self.config.slot * slot
    }
    /// Draws the slots from `slot` on, up to the next win, and sets the alarm for it.
    fn draw(&mut self, slot: u64, cx: &mut Cx<'_, Self>) {
        if self.threshold == 0 {
            return;
        }
        let slot = slot.max(self.minted + 1);
        let epoch = slot / self.config.epoch_slots;
        let nonce = nonce_at(&self.config, self.tip(), epoch, self.env.hashing);
        self.drawn = (epoch, nonce);
        let end = (slot + LOOK_AHEAD).min((epoch + 1) * self.config.epoch_slots);
        let win = (slot..end).find(|s| lottery::wins(cx.vrf(lottery::input(nonce, *s)), self.threshold));
        let (timer, at) = win.map_or((Timer::Draw(end), end), |s| (Timer::Win(s), s));
        cx.push(Effect::SetAlarm { timer, wall: self.start_of(at) });
    }
    /// Draws again if the chain now gives the epoch another nonce.
    fn redraw(&mut self, cx: &mut Cx<'_, Self>) {
        let (epoch, nonce) = self.drawn;
        if self.threshold > 0 && nonce_at(&self.config, self.tip(), epoch, self.env.hashing) != nonce {
            self.draw(self.slot_at(cx.wall()) + 1, cx);
        }
    }
    fn tip(&self) -> &Header {
        &self.chain.tree().best().block.header
    }
    fn receive(&mut self, from: NodeId, b: &Arc<Block>, cx: &mut Cx<'_, Self>) {
        let (config, hashing, wall) = (&self.config, self.env.hashing, cx.wall());
        let valid =
            |_: &_, parent: &Node<Arc<Block>>, h: &Header| check(config, &parent.block.header, h, hashing, wall);
        if self.chain.receive(from, b, &valid, cx) {
            self.redraw(cx);
        }
    }
    fn assemble(&self, win: Win, payload: &[PayloadRef], cx: &Cx<'_, Self>) -> Option<Header> {
        let head = self.chain.head().filter(|h| h.id() == win.parent)?;
        let below = &head.block.header;
        let nonce = nonce_at(&self.config, below, win.slot / self.config.epoch_slots, self.env.hashing);
        let output = cx.vrf(lottery::input(nonce, win.slot));
        let header = Header {
            parent: head.id(),
            height: head.height + 1,
            slot: win.slot,
            issuer: self.env.key?,
            output,
            nonce,
            seed: seed_after(&self.config, below, win.slot, output, self.env.hashing),
            payload: payload.to_vec(),
        };
        lottery::wins(output, self.threshold).then_some(header)
    }
}

/// Nonce of an epoch on top of a block of this or an earlier epoch.
fn nonce_at(config: &Config, below: &Header, epoch: u64, hashing: Hashing) -> Digest {
    if epoch <= below.slot / config.epoch_slots {
        below.nonce
    } else {
        lottery::next_nonce(below.nonce, below.seed, epoch, hashing)
    }
}

/// Randomness of an epoch up to and including a block in `slot`.
fn seed_after(config: &Config, below: &Header, slot: u64, output: Digest, hashing: Hashing) -> Digest {
    let same = below.slot / config.epoch_slots == slot / config.epoch_slots;
    let seed = if same { below.seed } else { Digest::GENESIS };
    let counts = slot % config.epoch_slots < config.epoch_slots - config.epoch_slots / 3;
    if counts { lottery::stir(seed, output, hashing) } else { seed }
}

/// Whether `h` may stand on a block, at the wall clock's reading `wall`; the host has checked output and signature.
fn check(config: &Config, below: &Header, h: &Header, hashing: Hashing, wall: Time) -> Result<(), &'static str> {
    if h.slot <= below.slot {
        return Err("a slot that is not after its parent's");
    }
    if h.slot > (wall + SKEW).0 / config.slot.0 {
        return Err("a slot more than 5 s ahead");
    }
    let threshold = config.thresholds.get(h.issuer.0 as usize).copied().unwrap_or(0);
    if !lottery::wins(h.output, threshold) {
        return Err("an output that does not win the slot");
    }
    if h.nonce != nonce_at(config, below, h.slot / config.epoch_slots, hashing) {
        return Err("another nonce than that of the epoch");
    }
    if h.seed != seed_after(config, below, h.slot, h.output, hashing) {
        return Err("other randomness than the epoch's outputs give");
    }
    Ok(())
}

impl Protocol for Praos {
    const INFO: ProtocolInfo = ProtocolInfo {
        id: "praos",
        name: "Ouroboros Praos",
        paper: "David, Gaži, Kiayias, Russell, Ouroboros Praos, Eurocrypt 2018",
        family: Family::Pos,
        faults: FaultBound::Half,
        quorum: "none: the longest chain",
        finality: Finality::Probabilistic { depth: 2160 },
        delays: None,
        messages: None,
        reply: Reply::OwnNode,
        rotation: Rotation::Anybody,
        exclusive: &[block::MINTED],
        overlay: true,
    };
    const TIMERS: usize = 1;
    const KNOBS: &'static [Knob] = &[
        Knob::new(
            "slot",
            "length of a slot",
            KnobValue::Span(Span::secs(1)),
            (KnobValue::Span(Span::millis(1)), KnobValue::Span(Span::secs(3_600))),
        )
        .consortium(KnobValue::Span(Span::millis(200))),
        Knob::new(
            "f",
            "share of slots that somebody wins",
            KnobValue::Number(0.05),
            (KnobValue::Number(1e-6), KnobValue::Number(0.999)),
        ),
        Knob::new(
            "k",
            "blocks on top that make a block final; deeper forks are refused",
            KnobValue::Count(2160),
            (KnobValue::Count(1), KnobValue::Count(100_000)),
        )
        .consortium(KnobValue::Count(24)),
        Knob::new(
            "epoch_slots",
            "slots of an epoch; 0 is 10k/f",
            KnobValue::Count(0),
            (KnobValue::Count(0), KnobValue::Count(1 << 40)),
        ),
    ];
    type Config = Config;
    type Message = ChainMessage<Header>;
    type Record = Arc<Block>;
    type Timer = Timer;

    fn configure(settings: &Settings, validators: &Validators) -> Config {
        let (f, k) = (settings.number("f"), settings.count("k"));
        let epoch = match settings.count("epoch_slots") {
            0 => (10.0 * k as f64 / f + 0.5) as u64,
            slots => slots,
        };
        Config {
            slot: settings.span("slot"),
            f,
            k,
            epoch_slots: epoch.max(3),
            block_bytes: settings.block_bytes,
            thresholds: lottery::thresholds(f, validators),
        }
    }
    fn open(env: Env, config: &Config, log: Records<'_, Arc<Block>>, adopted: Tip) -> Self {
        let nonce = lottery::first_nonce(env.seed, env.hashing);
        let genesis = Header { nonce, ..Header::default() };
        let limits = Limits { keep: config.k, reorganise: Some(config.k), far: (2 * config.k).max(8) };
        let chain = LongestChain::open(&env, longest_chain::genesis(genesis), limits, log, adopted);
        let minted = chain.own().map_or(0, |h| h.slot);
        let threshold = env.key.map_or(0, |v| config.thresholds[v.0 as usize]);
        Praos { env, config: config.clone(), chain, threshold, drawn: (0, nonce), minted, building: None }
    }
    fn expected_finality(config: &Config, delay: Span) -> Span {
        let blocks = config.k + 1;
        Span::from_secs_f64(config.slot.as_secs_f64() * blocks as f64 / config.f) + delay
    }
    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        self.chain.start(cx);
        self.draw(self.slot_at(cx.wall()) + 1, cx);
    }
    fn on_message(&mut self, from: NodeId, m: &ChainMessage<Header>, cx: &mut Cx<'_, Self>) {
        match m {
            ChainMessage::Block { block } => self.receive(from, block, cx),
            ChainMessage::Head { tip } => self.chain.announced(from, *tip, cx),
        }
    }
    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        match timer {
            Timer::Draw(slot) => self.draw(slot, cx),
            Timer::Win(slot) => {
                if let Some(head) = self.chain.head().filter(|h| h.block.header.slot < slot && self.minted < slot) {
                    let parent = head.id();
                    self.building = Some(Win { slot, parent });
                    let limit = self.config.block_bytes;
                    cx.push(Effect::Build { ticket: Ticket(slot), parent, limit, until: Until::Now });
                }
                self.draw(slot + 1, cx);
            }
        }
    }
    fn on_payload(&mut self, ticket: Ticket, payload: &[PayloadRef], cx: &mut Cx<'_, Self>) {
        let win = self.building.take_if(|w| w.slot == ticket.0);
        let Some(header) = win.and_then(|w| self.assemble(w, payload, cx)) else {
            payload.iter().for_each(|p| cx.push(Effect::Drop { root: p.root }));
            return;
        };
        self.minted = header.slot;
        let (block, seq) = self.chain.mint(header, cx);
        self.receive(self.env.me, &block, cx);
        let (to, message) = (To::Topic(BLOCKS), block.into());
        cx.push(Effect::Send { to, message, lane: Lane::Block, gate: Gate::After(seq) });
    }
    fn on_state(&mut self, tip: Tip, cx: &mut Cx<'_, Self>) {
        let (config, hashing, wall) = (&self.config, self.env.hashing, cx.wall());
        let valid =
            |_: &_, parent: &Node<Arc<Block>>, h: &Header| check(config, &parent.block.header, h, hashing, wall);
        self.chain.copied(tip, &valid, cx);
        self.redraw(cx);
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
        let role = if self.building.is_some() { Role::Leader } else { Role::Follower };
        Status { height: self.chain.height(), view: self.tip().slot, role, leader: None, locked: 0 }
    }
}

#[cfg(test)]
mod tests;
