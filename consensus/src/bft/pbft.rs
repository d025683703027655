//! Practical Byzantine fault tolerance: a stable leader, three phases, view changes, checkpoints.
//!
//! **Paper.** Castro and Liskov, *Practical Byzantine Fault Tolerance*, OSDI 1999, and *Practical Byzantine Fault
//! Tolerance and Proactive Recovery*, TOCS 20(4), 2002; the variant with signatures.
//!
//! **Model.** Validators of total weight n, less than a third of it faulty in any way (f). Safe under asynchrony;
//! live once messages arrive within the view timeout. A quorum is ceil((n+f+1)/2). View v is led by validator
//! v mod n; views start at 0, heights (the paper's sequence numbers) at 1.
//!
//! **Normal case.**
//! 1. The leader builds a payload on top of its last proposal, logs the block and sends PRE-PREPARE with payload;
//!    up to `pipeline` blocks are under way.
//! 2. A backup accepts a block on top of the previous one of the same view only, logs it and sends PREPARE to all.
//! 3. With prepares that make a quorum together with the pre-prepare, a replica is *prepared*: it logs the
//!    certificate and sends COMMIT to all.
//! 4. With commits of a quorum the block is final; blocks are adopted in order of height.
//! ```text
//! leader   --+------------*-----------*=> final          pre-prepare    n-1
//! backup 1   \--> --------*-----------*=> final          prepare    (n-1)^2   (the leader sends none)
//! backup 2   \--> --------*-----------*=> final          commit      n(n-1)
//! backup 3   \--> --------*-----------*=> final          together   2n(n-1)
//!         pre-prepare  prepare     commit                3 delays; the client has 5
//! ```
//! Every `checkpoint_interval` heights replicas exchange CHECKPOINT; a quorum of equal ones is stable and moves the
//! low water mark h. Nothing above h + `window` is accepted: that bounds memory.
//!
//! **View change.**
//! 1. A backup that waits for an execution longer than the timeout stops voting, logs that and sends VIEW-CHANGE:
//!    the highest block it can prove final, and its chain above it with the prepared certificates. Weight f + 1 for
//!    higher views makes a replica join the lowest of them.
//! 2. The next leader answers a quorum of them with NEW-VIEW: those view changes (V), and the chain that follows
//!    from them (O), which it proposes again; everybody computes O for itself (see `selection`) and votes on it.
//! 3. With a quorum of view changes a timer waits for the first execution in the new view, at first for one timeout,
//!    doubling with each view that fails, at most 64-fold; an execution resets it.
//!
//! **O without gaps.** The paper orders requests independently and fills gaps with null requests. Here blocks are
//! chained and a backup accepts a block only on top of its predecessor in the same view, so a prepared block brings
//! all its ancestors: O is one chain above the highest proven block, and null requests cannot be needed. A block
//! keeps its digest when it is proposed again. Why no committed block is lost is told in `selection`.
//!
//! **Durability.** Proposals, prepares, prepared certificates and views left are logged before anything that says so
//! leaves, and an own vote counts only when it is durable. `restart` rebuilds view, votes and certificates. When the
//! low water mark moves, views and proof are logged again and the records of older slots are given up.
//!
//! **Catching up** (`catch_up`). A replica without progress tells its peers where it stands; they send the
//! new-view message, votes and proofs that it lacks. A proof of a block that its own log does not reach leads to
//! state transfer, a missing proposal to a fetch. The same is asked at start and when a connection returns.
//!
//! **Deviations.** The base of a view change is the highest commit certificate rather than the last checkpoint (both
//! are quorums' statements; what is final need not be voted on again, lagging replicas take it by state transfer).
//! The commit certificate replaces f + 1 equal replies between replicas. A timer also starts at the sight of an
//! unfinished proposal. Timeouts grow 64-fold at most. Idle replicas do not suspect anybody. Leaders execute
//! everything proven before they propose. A replica that left a view alone goes on executing what the others commit.
//!
//! **Not modelled.** Authenticators instead of signatures, proactive recovery, tentative execution, read-only requests,
//! fairness between clients, semantic validity of payloads. A block has one payload.

mod block;
mod catch_up;
mod checkpoint;
mod config;
mod execution;
mod message;
mod normal;
mod restart;
mod selection;
mod timers;
mod view_change;
mod view_message;
mod window;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::effect::{Cx, Effect, Gate};
use crate::info::{Family, FaultBound, Finality, ProtocolInfo, Reply, Rotation};
use crate::knob::{Knob, Settings};
use crate::message::{PayloadRef, SharedCertificate, Statement};
use crate::protocol::{Env, Peer, Pending, Protocol, Records, Role, Status, Validators, Verdict};
use crate::quorum::VoteBook;
use crate::types::{Digest, Height, LogSeq, NodeId, Span, Stake, Ticket, Time, Tip, ValidatorId, View};

pub use block::{HEADER_BYTES, Header, PrePrepare};
pub use config::PbftConfig;
pub use message::{Ballot, COMMIT, PREPARE, PbftMessage, PbftRecord};
pub use message::{CHECKPOINT, NEW_VIEW, PRE_PREPARE, VIEW_CHANGE};
pub use timers::PbftTimer;
pub use view_message::{Link, NewView, ViewChange};

use timers::Timers;
use window::Window;

/// A replica. What every vote meets comes first, so that it can be fetched ahead.
#[derive(Debug)]
#[repr(C)]
pub struct Pbft {
    env: Env,
    /// The view it is in, or wants to start.
    view: View,
    /// The newest view with a new-view message; below `view` it no longer votes but still executes.
    installed: View,
    /// Who leads that one.
    leader: ValidatorId,
    quorum: Stake,
    /// The largest stake of one validator.
    heaviest: Stake,
    /// Weight that is sure to have an honest member.
    honest: Stake,
    /// The highest proposal accepted in the installed view.
    top: Tip,
    /// End of the ledger.
    executed: Tip,
    prepares: VoteBook,
    commits: VoteBook,
    window: Window,
    timers: Timers,
    /// The highest block with a proof of finality, the proof and who told it.
    base: Tip,
    proof: Option<SharedCertificate>,
    teller: NodeId,
    /// Whether the proposals from the base up to the ledger's end are known, so that a view change can tell them.
    rooted: bool,
    /// Transactions wait in the mempool.
    pending: bool,
    /// The low water mark.
    low: Height,
    /// The low water mark below which the log was given up.
    compacted: Height,
    config: PbftConfig,
    new_view: Option<Arc<NewView>>,
    /// Newest view change of each validator, once there is any.
    view_changes: Vec<Option<Arc<ViewChange>>>,
    /// Votes of views that are not installed yet.
    early: Vec<Ballot>,
    /// Newest checkpoint of each validator, once there is any: among a thousand they take much, and a run may be short.
    checkpoints: Vec<Tip>,
    /// Checkpoints of the window by their number: a validator may be some ahead of another.
    marks: VoteBook,
    /// Own votes whose record is not durable yet.
    unsynced: VecDeque<(LogSeq, Ballot)>,
    last_log: LogSeq,
    durable: LogSeq,
    building: Option<Ticket>,
    tickets: u64,
    next_proposal: Time,
    /// Views left since the last execution.
    failures: u32,
}

impl Pbft {
    fn new(env: Env, config: &PbftConfig, executed: Tip) -> Pbft {
        let n = env.validators.len();
        let tolerated = FaultBound::Third.tolerated(env.validators.total());
        Pbft {
            config: *config,
            quorum: env.validators.quorum(FaultBound::Third),
            heaviest: env.validators.iter().map(|v| env.validators.stake(v)).max().unwrap_or_default(),
            honest: Stake(tolerated.0 + 1),
            view: 0,
            installed: 0,
            leader: ValidatorId(0),
            new_view: None,
            view_changes: vec![],
            executed,
            base: Tip::default(),
            proof: None,
            teller: env.me,
            rooted: true,
            low: 0,
            compacted: 0,
            top: executed,
            window: Window::new(config.window),
            prepares: VoteBook::new(n, config.window as usize),
            commits: VoteBook::new(n, config.window as usize),
            early: vec![],
            checkpoints: vec![],
            marks: VoteBook::new(n, (config.window / config.checkpoint_interval) as usize),
            unsynced: VecDeque::new(),
            last_log: LogSeq(0),
            durable: LogSeq(0),
            building: None,
            tickets: 0,
            next_proposal: Time::ZERO,
            pending: false,
            failures: 0,
            timers: Timers::default(),
            env,
        }
    }
    #[inline]
    fn leader_of(&self, view: View) -> ValidatorId {
        let n = self.env.validators.len() as u64;
        // Few runs see so many views, and a division costs more than all the rest of a vote.
        ValidatorId(if view < n { view as u32 } else { (view % n) as u32 })
    }
    #[inline]
    fn node_of(&self, v: ValidatorId) -> NodeId {
        self.env.validators.endpoint(v)
    }
    /// A new-view message is there.
    fn enter(&mut self, view: View) {
        self.installed = view;
        self.leader = self.leader_of(view);
    }
    /// Whether this replica leads the view it is in.
    #[inline]
    fn leads(&self) -> bool {
        self.installed == self.view && self.env.key == Some(self.leader)
    }
    /// The key to vote with in the installed view; none if it was left, or if the replica could not tell its votes
    /// in a view change.
    fn voter(&self) -> Option<ValidatorId> {
        self.env.key.filter(|_| self.installed == self.view && self.rooted)
    }
    /// The high water mark.
    fn high(&self) -> Height {
        self.low + self.window.len()
    }
    fn log(&mut self, record: PbftRecord, cx: &mut Cx<'_, Self>) -> LogSeq {
        self.last_log = cx.log(record);
        self.last_log
    }
    /// Everything that this replica is bound to is durable before what waits at this gate leaves.
    fn gate(&self) -> Gate {
        Gate::After(self.last_log)
    }
    fn is_quorum(&self, certificate: &SharedCertificate) -> bool {
        certificate.signers.weight(&self.env.validators) >= self.quorum
    }
    /// Whether a certificate proves that a block is final.
    fn proves(&self, certificate: &SharedCertificate, tip: Tip) -> bool {
        let Statement { kind, major, value, .. } = certificate.what;
        matches!(kind, COMMIT | CHECKPOINT)
            && (major, value) == (tip.height, tip.block)
            && tip.height > 0
            && self.is_quorum(certificate)
    }
}

impl Protocol for Pbft {
    const INFO: ProtocolInfo = ProtocolInfo {
        id: "pbft",
        name: "PBFT",
        paper: "Castro, Liskov: Practical Byzantine Fault Tolerance, OSDI 1999",
        family: Family::Bft,
        faults: FaultBound::Third,
        quorum: "ceil((n+f+1)/2)",
        finality: Finality::Deterministic,
        delays: Some(|_| 3),
        messages: Some(|n| 2 * n * (n - 1)),
        reply: Reply::Matching,
        rotation: Rotation::KnownLeader,
        exclusive: &[PRE_PREPARE, PREPARE, COMMIT, NEW_VIEW],
        overlay: false,
    };
    const TIMERS: usize = timers::KINDS;
    const TALLIES: bool = true;
    const KNOBS: &'static [Knob] = config::KNOBS;
    type Config = PbftConfig;
    type Message = PbftMessage;
    type Record = PbftRecord;
    type Timer = PbftTimer;

    fn configure(settings: &Settings, _validators: &Validators) -> PbftConfig {
        PbftConfig::new(settings)
    }
    fn open(env: Env, config: &PbftConfig, log: Records<'_, PbftRecord>, adopted: Tip) -> Self {
        restart::open(env, config, log, adopted)
    }
    fn expected_finality(config: &PbftConfig, delay: Span) -> Span {
        config.expected_finality(delay)
    }
    fn recovery_bound(config: &PbftConfig, validators: &Validators, delay: Span) -> Option<Span> {
        Some(config.recovery_bound(validators, delay))
    }

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        self.resume(cx);
        self.settle(cx);
    }
    fn on_message(&mut self, from: NodeId, m: &PbftMessage, cx: &mut Cx<'_, Self>) {
        match m {
            PbftMessage::PrePrepare { proposal } => self.on_pre_prepare(from, proposal, cx),
            PbftMessage::Prepare { .. } | PbftMessage::Commit { .. } => {
                if !m.ballot().is_some_and(|ballot| self.on_ballot(from, ballot, cx)) {
                    return;
                }
            }
            PbftMessage::Checkpoint { by, height, block } => {
                self.on_checkpoint(from, *by, Tip { height: u64::from(*height), block: *block }, cx);
            }
            PbftMessage::ViewChange { vote } => self.on_view_change(from, vote, cx),
            PbftMessage::NewView { start } => self.on_new_view(from, start, cx),
            PbftMessage::Status { view, installed, height, proven, top, low, ask } => {
                let [view, installed, height, proven, top, low] =
                    [view, installed, height, proven, top, low].map(|x| u64::from(*x));
                let peer = catch_up::Standing { view, installed, height, proven, top, low };
                self.on_standing(from, peer, *ask, cx);
            }
            PbftMessage::Decided { certificate } => self.on_decided(from, certificate, cx),
        }
        self.settle(cx);
    }
    #[inline(always)]
    fn tally(&mut self, m: &PbftMessage) -> bool {
        // Both kinds in one copy of the code.
        let (kind, by, height, view, block) = match *m {
            PbftMessage::Prepare { by, height, view, block } => (PREPARE, by, height, view, block),
            PbftMessage::Commit { by, height, view, block } => (COMMIT, by, height, view, block),
            PbftMessage::Checkpoint { by, height, block } => {
                return self.count_checkpoint(by, Tip { height: u64::from(height), block });
            }
            PbftMessage::Status { ask, .. } => return self.stands_alike(m, ask),
            _ => return false,
        };
        self.count_quietly(Ballot { kind, by, height: u64::from(height), view: u64::from(view), block })
    }
    fn on_timer(&mut self, timer: PbftTimer, cx: &mut Cx<'_, Self>) {
        self.on_timeout(timer, cx);
        self.settle(cx);
    }
    fn on_work(&mut self, pending: Pending, cx: &mut Cx<'_, Self>) {
        self.pending = pending.count > 0;
        self.settle(cx);
    }
    fn on_payload(&mut self, ticket: Ticket, payload: &[PayloadRef], cx: &mut Cx<'_, Self>) {
        self.on_built(ticket, payload, cx);
        self.settle(cx);
    }
    fn on_judged(&mut self, ticket: Ticket, verdict: Verdict, cx: &mut Cx<'_, Self>) {
        self.on_available(ticket, verdict, cx);
        self.settle(cx);
    }
    fn on_durable(&mut self, upto: LogSeq, cx: &mut Cx<'_, Self>) {
        self.count_own(upto, cx);
        self.settle(cx);
    }
    fn on_state(&mut self, tip: Tip, cx: &mut Cx<'_, Self>) {
        self.on_transferred(tip, cx);
        self.settle(cx);
    }
    fn on_peer(&mut self, peer: NodeId, state: Peer, cx: &mut Cx<'_, Self>) {
        if state == Peer::Up {
            self.tell(peer, true, cx);
        }
    }
    fn serve(&self, key: Digest) -> Option<PbftMessage> {
        let slot = self.window.find(key).filter(|s| s.held && s.logged <= self.durable)?;
        slot.proposal.clone().map(|proposal| PbftMessage::PrePrepare { proposal })
    }
    #[inline(always)]
    fn status(&self) -> Status {
        let role = match () {
            () if self.installed < self.view => Role::Electing,
            () if self.leads() => Role::Leader,
            () => Role::Follower,
        };
        let leader = Some(self.node_of(self.leader_of(self.view)));
        let locked = self.window.get(self.top.height).and_then(|s| s.prepared.as_ref()).map_or(0, |c| c.what.minor);
        Status { height: self.executed.height, view: self.view, role, leader, locked }
    }
}

/// The payload will not be ordered by this block.
fn drop_payload(header: &Header, cx: &mut Cx<'_, Pbft>) {
    cx.push(Effect::Drop { root: header.payload.root });
}
