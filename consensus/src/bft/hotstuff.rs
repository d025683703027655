//! HotStuff, chained, with the three-chain commit rule and a pacemaker with leader terms.
//!
//! Paper: Yin, Malkhi, Reiter, Golan Gueta, Abraham, "HotStuff: BFT consensus in the lens of blockchain", PODC 2019
//! (arXiv 1803.05069), algorithms 4 (chained) and 5 (event-driven).
//!
//! Model: n validators, at most f = floor((n-1)/3) of the weight byzantine, authenticated channels, partial
//! synchrony. Safety never depends on time. Quorums weigh ceil((n+f+1)/2).
//!
//! Normal case, for a block b of view v:
//! 1. The leader of v extends the block of its highest certificate (QC), logs the block and proposes it to all.
//! 2. A replica votes if v is its view, it has not voted in v or later, and the block's QC is not older than its
//!    lock; it logs block and lock first. The vote goes to the leader of v+1.
//! 3. With a quorum of votes that leader has the QC of b and proposes b' on it in v+1: one phase for all ancestors.
//! 4. On learning a QC, a replica locks the QC inside the certified block; if the certified block, its parent and
//!    its grandparent are of three views in a row, the grandparent and all below it are final.
//!
//! ```text
//! view        v          v+1         v+2         v+3
//! leader   b ----.    b' ----.    b'' ---.    b''' --.        has QC(b'') at 6: b is final
//!          |     |    ^      |    ^      |    ^      |
//! others   '---->vote-'----->vote-'----->vote-'----->         learn QC(b'') at 7: b is final
//! delays   0     1    2      3    4      5    6      7
//! ```
//!
//! View change: a replica that has waited `timeout` for a proposal although something should happen sends a new-view
//! with its highest QC to the leader of the first view of the next term; that leader proposes on the highest QC of a
//! quorum of them. If that fails too, new-views go to everybody ([`pacemaker`]). The wait starts anew with every view
//! and grows by `timeout_factor` only when more than f leaders in a row have failed. Nothing is waited for when nothing is to be
//! done: no transaction waits, no block is on its way to finality, nobody else complains.
//!
//! Costs: 2(n-1) messages a block, each with O(1) claims; a replica signs once and verifies one QC a block, the
//! leader a quorum of votes. A crash of the leader costs n-1 new-views, a second one in a row O(n^2). One log record
//! a block and replica, durable before the vote leaves, and before the replica counts it where it is its own.
//!
//! Proof: the certificate handed out with a final block is that of its grandchild. Together with the two headers
//! between, which show three views in a row and whose own certificates a quorum has checked before it voted, it proves
//! the commit to anybody who knows the validators; the block's own certificate does not, a rival may still win.
//!
//! Deviations: a new leader's first proposal carries the quorum of new-views that made it leader, so that replicas
//! which did not time out follow (the paper leaves view synchronisation open); repeated new-views go to everybody;
//! leaders lead terms of `term` views, since four live leaders in a row are needed to commit and with one view each
//! a single crash of four would stop the chain for ever; blocks have no dummy nodes between views, the commit rule
//! compares view numbers instead; a leader's first block after a timeout is driven to finality even if it is empty.
//!
//! Not modelled: threshold signatures as such (a QC is a set of signers, priced by the host's scheme); execution of
//! a block before voting (its transactions are at hand, invalid ones are ordered and have no effect).

pub mod message;
pub mod pacemaker;
pub mod tree;

mod chain;
mod kept;
mod recovery;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::effect::{Cx, Effect};
use crate::info::{Family, FaultBound, Finality, ProtocolInfo, Reply, Rotation};
use crate::knob::{EmptyBlocks, Knob, KnobValue, Settings};
use crate::leader::Terms;
use crate::message::{PayloadRef, SharedCertificate};
use crate::protocol::{Env, Peer, Pending, Protocol, Records, Role, Status, Timer, Validators};
use crate::quorum::VoteBook;
use crate::types::{Digest, Height, LogSeq, NodeId, Span, Stake, Ticket, Time, Tip, View};

use kept::Kept;
use message::{HotStuffMessage, PROPOSE, Proposal, Record, VOTE, genesis};
use pacemaker::Pacemaker;
use tree::Tree;

/// Views ahead of the own one for which a leader counts votes.
const VOTE_WINDOW: usize = 64;
/// Most payload references of a block that is accepted.
const MOST_PAYLOADS: usize = 1_024;
/// Shortest time between two proposals where one validator is a quorum: its blocks would take no time at all.
const ALONE_PERIOD: Span = Span::millis(1);

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct Config {
    terms: Terms,
    quorum: Stake,
    tolerated: Stake,
    tolerated_leaders: u32,
    timeout: Span,
    timeout_factor: f64,
    block_period: Span,
    block_bytes: u32,
    always: bool,
}

/// The timers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HotStuffTimer {
    /// The leader of the present view is waited for in vain.
    View,
    /// The block period has passed.
    Period,
}

impl Timer for HotStuffTimer {
    fn kind(&self) -> usize {
        *self as usize
    }
}

/// A replica.
#[derive(Debug)]
pub struct HotStuff {
    env: Env,
    config: Config,
    tree: Tree,
    pace: Pacemaker,
    high: SharedCertificate,
    locked: SharedCertificate,
    /// The last vote, own proposals included: view and block.
    voted: (View, Digest),
    votes: VoteBook,
    /// The last vote that is for this replica itself to count, until its record is durable.
    own_vote: Option<(LogSeq, View, Digest)>,
    /// The last record that a signature of this replica depends on.
    logged: LogSeq,
    /// The records that its log keeps.
    kept: Kept,
    /// Nothing below this height is asked for again, as the host was told last.
    pruned: Height,
    /// When the last proposal was sent or seen.
    proposed_at: Option<Time>,
    /// The request for a payload that is under way: ticket, view, parent.
    building: Option<(Ticket, View, Digest)>,
    tickets: u64,
    /// A block became final by votes counted here, and no proposal has told the others.
    untold: bool,
    /// Transactions wait in the own pool.
    work: bool,
    /// Somebody else complains about the leader.
    alarmed: bool,
    /// Whether somebody is waited for.
    waits: bool,
    /// Until when: then the present view's leader is given up.
    deadline: Time,
    /// When the view timer fires, if it runs: not after the deadline, often before it, so that most views set none.
    armed: Option<Time>,
    /// The view for whose proposal the period timer was set.
    paced: View,
    /// Whether the wait starts anew when the handler ends.
    progress: bool,
    /// Height of the state transfer under way.
    syncing: Option<Height>,
}

impl Protocol for HotStuff {
    const INFO: ProtocolInfo = ProtocolInfo {
        id: "hotstuff",
        name: "HotStuff",
        paper: "Yin et al., HotStuff: BFT consensus in the lens of blockchain, PODC 2019 (arXiv 1803.05069)",
        family: Family::Bft,
        faults: FaultBound::Third,
        quorum: "ceil((n+f+1)/2)",
        finality: Finality::Deterministic,
        delays: Some(|_| 7),
        messages: Some(|n| 2 * (n - 1)),
        reply: Reply::Matching,
        rotation: Rotation::KnownLeader,
        exclusive: &[PROPOSE, VOTE],
        overlay: false,
    };
    const TIMERS: usize = 2;
    const TALLIES: bool = true;
    const KNOBS: &'static [Knob] = &[
        Knob::new(
            "term",
            "Views that one leader leads in a row before the next one's term; 0 for ever. A timeout ends a term early. \
             A commit takes four views, so 1 to 3 count as 4.",
            KnobValue::Count(100),
            (KnobValue::Count(0), KnobValue::Count(1_000_000_000)),
        ),
        Knob::new(
            "timeout",
            "How long a replica waits for a proposal, beyond the block period, before it asks for the next leader.",
            KnobValue::Span(Span::secs(2)),
            (KnobValue::Span(Span::millis(1)), KnobValue::Span(Span::secs(3_600))),
        ),
        Knob::new(
            "timeout_factor",
            "Growth of the timeout with every failed leader after f in a row.",
            KnobValue::Number(2.0),
            (KnobValue::Number(1.0), KnobValue::Number(10.0)),
        ),
    ];
    type Config = Config;
    type Message = HotStuffMessage;
    type Record = Record;
    type Timer = HotStuffTimer;

    fn configure(settings: &Settings, validators: &Validators) -> Config {
        let bound = Self::INFO.faults;
        let term = settings.count("term");
        let quorum = validators.quorum(bound);
        let alone = validators.iter().any(|v| validators.stake(v) >= quorum);
        let least_period = if alone { ALONE_PERIOD } else { Span::ZERO };
        Config {
            terms: Terms::new(if term == 0 { 0 } else { term.max(4) }, validators.len()),
            quorum,
            tolerated: bound.tolerated(validators.total()),
            tolerated_leaders: validators.most_faulty(bound),
            timeout: settings.span("timeout"),
            timeout_factor: settings.number("timeout_factor"),
            block_period: settings.block_period.max(least_period),
            block_bytes: settings.block_bytes,
            always: settings.empty_blocks == EmptyBlocks::Always,
        }
    }

    fn open(env: Env, config: &Config, log: Records<'_, Record>, adopted: Tip) -> Self {
        let n = env.validators.len();
        let (timeout, factor) = (config.timeout, config.timeout_factor);
        let mut r = HotStuff {
            tree: Tree::new(adopted),
            pace: Pacemaker::new(config.terms, n, config.tolerated_leaders, timeout, factor),
            high: genesis(),
            locked: genesis(),
            voted: (0, Digest::GENESIS),
            votes: VoteBook::new(n, VOTE_WINDOW),
            own_vote: None,
            logged: LogSeq(0),
            kept: Kept::default(),
            pruned: 0,
            proposed_at: None,
            building: None,
            tickets: 0,
            untold: false,
            work: false,
            alarmed: false,
            waits: false,
            deadline: Time::ZERO,
            armed: None,
            paced: 0,
            progress: false,
            syncing: None,
            config: config.clone(),
            env,
        };
        log.for_each(|(seq, record)| r.recall(seq, record));
        r.votes.advance(r.pace.view());
        r
    }

    /// A transaction waits for the next proposal at most one interval, then for three more and the last delay.
    fn expected_finality(config: &Config, delay: Span) -> Span {
        config.block_period.max(delay * 2) * 4 + delay
    }

    /// As many leaders in a row may be faulty as validators have tolerated stake together, each costing a timeout and
    /// the new-views' delay; one more timeout brings views together that a partition or a crash between two terms has
    /// left apart; then comes a proposal, whose finality takes four views. A block period lies in every timeout and
    /// between the views. Two more timeouts pass where transactions wait at so few replicas that the others must be
    /// told of them first.
    fn recovery_bound(config: &Config, _validators: &Validators, delay: Span) -> Option<Span> {
        let wait = config.timeout + config.block_period + delay * 2;
        Some(wait * (u64::from(config.tolerated_leaders) + 3) + Self::expected_finality(config, delay) + delay * 4)
    }

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        self.adopt_orphans(cx);
        self.repeat(cx);
        self.settle(cx);
    }

    fn on_message(&mut self, from: NodeId, m: &HotStuffMessage, cx: &mut Cx<'_, Self>) {
        match m {
            HotStuffMessage::Propose { proposal } => self.on_proposal(from, proposal, cx),
            HotStuffMessage::Vote { view, block, by } => {
                // A vote that is merely counted leaves all as the last handler has settled it.
                if !self.count_vote(from, (*view, *block), *by, cx) && self.has_voted() {
                    return;
                }
            }
            HotStuffMessage::NewView { wish } => self.on_new_view(from, wish, cx),
        }
        self.settle(cx);
    }

    #[inline(always)]
    fn tally(&mut self, m: &HotStuffMessage) -> bool {
        match *m {
            HotStuffMessage::Vote { view, block, by } => self.count_quietly((view, block), by),
            _ => false,
        }
    }

    fn on_timer(&mut self, timer: HotStuffTimer, cx: &mut Cx<'_, Self>) {
        if timer == HotStuffTimer::View {
            self.armed = None;
        }
        if timer == HotStuffTimer::View && cx.now() >= self.deadline {
            self.progress = true;
            if self.expects_progress() {
                self.on_timeout(cx);
            }
            if self.is_behind() {
                self.search(cx);
            }
        }
        self.settle(cx);
    }

    fn on_work(&mut self, pending: Pending, cx: &mut Cx<'_, Self>) {
        self.work = pending.count > 0;
        self.settle(cx);
    }

    fn on_payload(&mut self, ticket: Ticket, payload: &[PayloadRef], cx: &mut Cx<'_, Self>) {
        let wanted = self.building.take_if(|b| b.0 == ticket);
        match wanted {
            Some((_, view, parent))
                if self.may_propose() && (view, parent) == (self.pace.view(), self.high_block()) =>
            {
                self.propose(payload, cx);
            }
            _ => payload.iter().for_each(|p| cx.push(Effect::Drop { root: p.root })),
        }
        self.settle(cx);
    }

    fn on_durable(&mut self, upto: LogSeq, cx: &mut Cx<'_, Self>) {
        if let (Some((_, view, block)), Some(key)) = (self.own_vote.take_if(|v| v.0 <= upto), self.env.key) {
            self.count_vote(self.env.me, (view, block), key, cx);
            self.settle(cx);
        }
    }

    fn on_state(&mut self, tip: Tip, cx: &mut Cx<'_, Self>) {
        self.on_ledger(tip, cx);
        self.settle(cx);
    }

    fn on_peer(&mut self, peer: NodeId, state: Peer, cx: &mut Cx<'_, Self>) {
        if state == Peer::Up {
            self.on_peer_up(peer, cx);
        }
        self.settle(cx);
    }

    fn serve(&self, key: Digest) -> Option<HotStuffMessage> {
        let block = self.tree.get(key)?.clone();
        Some(HotStuffMessage::Propose { proposal: Arc::new(Proposal { block, entry: None }) })
    }

    #[inline]
    fn status(&self) -> Status {
        let leader = self.pace.leader(self.pace.view());
        let role = match self.env.key {
            _ if self.pace.wish() > 0 => Role::Electing,
            Some(key) if key == leader => Role::Leader,
            _ => Role::Follower,
        };
        Status {
            height: self.tree.committed().height,
            view: self.pace.view(),
            role,
            leader: Some(self.env.validators.endpoint(leader)),
            locked: self.locked.what.major,
        }
    }
}
