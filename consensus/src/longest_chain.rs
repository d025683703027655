//! What chain protocols with a longest-chain rule share: blocks and messages, tree, orphans, fetches, catching up,
//! relay, the adopted chain and its log.
//!
//! A protocol brings its header - place, payloads and the proof that its author might make the block - and its
//! validity rule; this engine keeps the tree ([`receive`](LongestChain::receive)), asks for what is missing and emits
//! `Revert`, `Adopt`, `Log` and the relay. Headers carry the weight of their chain, so that the tree can be rooted at
//! any block: after a restart at the ledger's tip, after a state transfer at the tip that was copied. Where a fork
//! starts below the root, the root is lowered block by block until the branches meet.
//!
//! Adopted blocks are logged, synced, so that a restarted node knows what lies below the ledger's tip; the log keeps
//! as many as the tree. Heights and weights of blocks without a known parent are taken on trust until their
//! ancestors are there: an adversary that invents them can make a node ask for ledgers that nobody has.
//!
//! A node that is more than `far` blocks behind copies a peer's ledger (`Sync`) instead of fetching each block, and
//! does not take part until its tree is rooted at the copied tip.

mod block;
mod ledger;
mod message;
mod receive;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::block_tree::{BlockTree, Node, Orphans, Weighed};
use crate::effect::{Cx, Effect, Gate, Lane};
use crate::protocol::{Env, Protocol, Records};
use crate::types::{Digest, Hashing, Height, LogSeq, NodeId, Tip, Topic, ValidatorId};

pub use block::{Block, Header};
pub use message::ChainMessage;

/// The topic on which blocks are gossiped.
pub const BLOCKS: Topic = Topic(0);

/// A protocol on this engine: it logs blocks and sends [`ChainMessage`]s.
pub trait OnChain<H>: Protocol<Record = Arc<Block<H>>, Message = ChainMessage<H>> {}

impl<H, P: Protocol<Record = Arc<Block<H>>, Message = ChainMessage<H>>> OnChain<H> for P {}

/// Bounds of the engine, in blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Kept below the best tip at least; twice as many at most.
    pub keep: u64,
    /// The deepest reorganisation that is followed; `None` follows any, by state transfer beyond `keep`.
    pub reorganise: Option<u64>,
    /// A gap above this is closed by state transfer.
    pub far: u64,
}

impl<H: Header> Weighed for Arc<Block<H>> {
    fn id(&self) -> Digest {
        self.id
    }
    fn total(&self) -> u128 {
        self.header.total()
    }
}

/// The tree of blocks, as its nodes are.
pub type Tree<H> = BlockTree<Arc<Block<H>>>;

/// A protocol's rule: whether a header may stand on its parent.
pub type Rule<'a, H> = &'a dyn Fn(&Tree<H>, &Node<Arc<Block<H>>>, &H) -> Result<(), &'static str>;

/// Whether the replica's tree and its ledger agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The ledger ends in `head`.
    Following,
    /// The ledger is being copied from a peer that had this height or more.
    Syncing { height: Height, hint: NodeId },
    /// The ledger ends in a block that is not in the tree: it is fetched.
    Rooting(Tip),
}

/// The engine.
#[derive(Debug)]
pub struct LongestChain<H> {
    tree: Tree<H>,
    orphans: Orphans<Arc<Block<H>>>,
    genesis: Arc<Block<H>>,
    head: Digest,
    stage: Stage,
    limits: Limits,
    /// The records of the log from the oldest that is needed on, with their blocks.
    logged: VecDeque<(LogSeq, Arc<Block<H>>)>,
    /// The newest own block and its record.
    own: Option<(LogSeq, Arc<Block<H>>)>,
    me: NodeId,
    nodes: u32,
    key: Option<ValidatorId>,
    hashing: Hashing,
}

/// The lowest block, of this header.
pub fn genesis<H: Header>(header: H) -> Arc<Block<H>> {
    Arc::new(Block { id: Digest::GENESIS, header })
}

impl<H: Header> LongestChain<H> {
    /// The engine at the ledger's tip, with the logged blocks from which its tree is built as deep as it is kept, and
    /// with genesis, which replicas share where it is the same for all.
    pub fn open(
        env: &Env,
        genesis: Arc<Block<H>>,
        limits: Limits,
        log: Records<'_, Arc<Block<H>>>,
        adopted: Tip,
    ) -> LongestChain<H> {
        let (mut logged, mut own, mut recent) = (VecDeque::new(), None, vec![]);
        for (seq, b) in log {
            logged.push_back((seq, b.clone()));
            if Some(b.header.author()) == env.key {
                own = Some((seq, b.clone()));
            }
            if b.height() + limits.keep >= adopted.height {
                recent.push(b);
            }
        }
        let mut spine = vec![];
        let mut at = adopted.block;
        for b in recent.into_iter().rev() {
            if b.id == at {
                at = b.parent();
                spine.push(b);
            }
        }
        let lowest = if at == genesis.id { Some(genesis.clone()) } else { spine.pop() };
        let root = lowest.clone().unwrap_or_else(|| genesis.clone());
        let mut tree = BlockTree::new(root.height(), root);
        for b in spine.into_iter().rev() {
            tree.insert(b.parent(), b);
        }
        LongestChain {
            head: adopted.block,
            stage: if lowest.is_some() { Stage::Following } else { Stage::Rooting(adopted) },
            orphans: Orphans::new(2 * limits.far as usize + 64),
            tree,
            genesis,
            limits,
            logged,
            own,
            me: env.me,
            nodes: env.nodes,
            key: env.key,
            hashing: env.hashing,
        }
    }
    /// The block in which the ledger ends, if the replica takes part.
    pub fn head(&self) -> Option<&Node<Arc<Block<H>>>> {
        if self.stage != Stage::Following {
            return None;
        }
        let best = self.tree.best();
        if best.id() == self.head { Some(best) } else { self.tree.get(self.head) }
    }
    /// The newest block of this replica's own that it remembers.
    pub fn own(&self) -> Option<&H> {
        self.own.as_ref().map(|(_, b)| &b.header)
    }
    /// The replica's endpoint.
    pub fn me(&self) -> NodeId {
        self.me
    }
    /// Its key, if it is a validator.
    pub fn key(&self) -> Option<ValidatorId> {
        self.key
    }
    /// The tree.
    pub fn tree(&self) -> &Tree<H> {
        &self.tree
    }
    /// Height of the best block that is known with all its ancestors above the root.
    pub fn height(&self) -> Height {
        self.tree.best().height
    }
    /// The block with this id, to be served.
    pub fn serve(&self, key: Digest) -> Option<ChainMessage<H>> {
        self.tree.get(key).filter(|n| n.height > 0).map(|n| n.block.clone().into())
    }
    /// Subscribes, and asks for the ledger's tip where the log has lost it.
    pub fn start<P: OnChain<H>>(&mut self, cx: &mut Cx<'_, P>) {
        cx.push(Effect::Subscribe(BLOCKS));
        if let Stage::Rooting(tip) = self.stage {
            cx.push(Effect::Fetch { key: tip.block, hint: NodeId((self.me.0 + 1) % self.nodes) });
        }
    }
    /// Tells a peer whose connection has come up where the own chain ends.
    pub fn greet<P: OnChain<H>>(&self, peer: NodeId, cx: &mut Cx<'_, P>) {
        if let Some(head) = self.head().filter(|h| h.height > 0) {
            cx.send(peer, Lane::Vote, Gate::Now, ChainMessage::Head { tip: head.block.tip() });
        }
    }
}
