//! What can be on a host's agenda.

use ledgerlab_consensus::{Digest, NodeId, Peer, Protocol, Span, Ticket, Time};

use crate::engine::cards::Way;
use crate::engine::clients::ClientId;
use crate::engine::offchain::flows::FlowId;
use crate::kernel::queue::Origin;
use crate::node::blocks::BlockId;
use crate::node::mempool::{BatchId, TxId};

/// A task that a crash does not cancel.
pub const ANY_EPOCH: u32 = u32::MAX;

/// A task with the life of the node to which it belongs: after a crash it lapses.
#[derive(Clone, Debug)]
pub struct Due<P: Protocol> {
    /// Number of crashes of the node when the task was written down, or [`ANY_EPOCH`].
    pub epoch: u32,
    /// The task.
    pub task: Task<P>,
}

/// How a copy of a message came: when its last byte did, and by which number of its sender. Copies that share a message
/// may have numbers of their own.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    pub at: Time,
    pub origin: Origin,
}

/// Something that a host does by itself.
#[derive(Clone, Debug)]
pub enum Task<P: Protocol> {
    /// The replica starts.
    Start,
    /// A message between two nodes of the host.
    Local { handle: u32 },
    /// A message that has passed the downlink.
    Received { handle: u32, came: Came },
    /// A message whose verification ends.
    Job { handle: u32, came: Came },
    /// A timer of the replica.
    Timer { timer: P::Timer, generation: u64 },
    /// An fsync ends.
    Durable,
    /// A build must be answered.
    Deadline { generation: u64 },
    /// The mining race is won.
    Mined { generation: u64, ticket: Ticket },
    /// A batch has waited long enough.
    Flush(BatchId),
    /// A batch's signatures are verified.
    Ready(BatchId),
    /// A batch has waited too long.
    Expire(BatchId),
    /// The gateway looks after batches that are not on chain yet.
    Retry,
    /// A fetch has taken too long.
    Refetch { key: Digest, attempt: u32, generation: u64 },
    /// A peer has not sent a payload.
    AskPayload { generation: u64 },
    /// Votes go to the cores that verify.
    Check { ticket: Ticket, good: bool, work: Span },
    /// Votes are verified.
    Checked { ticket: Ticket, good: bool },
    /// A final block is executed: clients get replies.
    Reply { block: BlockId },
    /// Clients have waited long enough for replies.
    AskReplies { block: BlockId },
    /// A state transfer has taken too long.
    Resync { generation: u64 },
    /// The node stops.
    Crash,
    /// The node starts again.
    Restart,
    /// A connection changes.
    Peer { peer: NodeId, state: Peer },
    /// Something has passed a link that shares or has lanes, or comes to it.
    Card { way: Way, appointment: u64 },
    /// A transfer outside the chain begins.
    Open { flow: FlowId },
    /// It sends its next chunk.
    Chunk { flow: FlowId },
    /// A provider has acknowledged an object.
    Stored { flow: FlowId },
    /// A client of a closed loop asks again.
    Client { client: ClientId },
    /// Its object is stored, and it submits.
    Submit { tx: TxId },
    /// It no longer waits for its request of this number.
    GiveUp { client: ClientId, asked: u32 },
}
