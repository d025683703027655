//! Replies to clients: a client believes its own organisation's node, or waits for equal replies of more nodes than
//! may be faulty, as the protocol's reply rule says.
//!
//! A replica that has executed a final block replies to each gateway whose clients' transactions are in it: one
//! message for all of them, sent over the same links as everything else and counted apart. The gateway verifies
//! replies for its clients. A gateway that has executed a block and lacks replies asks everybody again after the client's
//! timeout, as a PBFT client retransmits its request (Castro and Liskov 1999, section 4.1).

use ledgerlab_consensus::{NodeId, Protocol, Time, ValidatorId};

use crate::engine::host::Adopted;
use crate::engine::messages::Cargo;
use crate::engine::outbox::Post;
use crate::engine::shard::Shard;
use crate::engine::task::Task;
use crate::node::bits::Bits;
use crate::node::blocks::BlockId;
use crate::node::cost::SIGNATURE_BYTES;
use crate::node::mempool::BatchId;

/// Bytes of a reply without its results: view, height, count, signature.
const REPLY_BYTES: u64 = 8 + 8 + 4 + SIGNATURE_BYTES as u64;
/// Bytes of one result: a transaction's number and outcome.
const RESULT_BYTES: u64 = 8;
/// Bytes of a request: height, block, signature.
const REQUEST_BYTES: u64 = 8 + 16 + SIGNATURE_BYTES as u64;
/// Tallies of so many blocks are kept; more only of those that still lack replies.
const KEPT: usize = 1_024;

/// Replies about one block that have reached a gateway.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    who: Bits,
    weight: u64,
    enough: bool,
}

impl<P: Protocol> Shard<'_, P> {
    /// A block is final at a node: clients hear of it when it is executed.
    pub fn reply_when_executed(&mut self, n: u32, at: Time, a: Adopted) {
        if self.blocks.block(a.block).content.1 == 0 {
            return;
        }
        self.nodes[n as usize].rare.unreplied.insert(a.block);
        if a.executed > at {
            self.push_task(n, a.executed, Task::Reply { block: a.block });
        } else {
            self.reply(n, at, a.block);
        }
    }

    /// A block is final and executed at a node: it replies to the clients of every gateway that is in the block.
    pub fn reply(&mut self, n: u32, at: Time, block: BlockId) {
        for (gateway, count) in self.gateways_in(block, at).into_iter().filter(|(gateway, _)| *gateway != n) {
            self.send_reply(n, NodeId(gateway), at, block, count);
        }
        let mut payloads = self.blocks.block(block).payloads.iter();
        if !payloads.any(|p| self.blocks.segments(*p).iter().any(|s| self.serves(n, s.batch))) {
            self.nodes[n as usize].rare.unreplied.remove(&block);
            return;
        }
        self.tally(n, NodeId(n), at, block);
        let waits = self.nodes[n as usize].rare.replies.get(&block).is_some_and(|t| !t.enough);
        if !waits {
            // The others were faster.
            self.nodes[n as usize].rare.unreplied.remove(&block);
        } else if self.count() > 1 {
            self.push_task(n, at + self.scenario.mempool.client_timeout, Task::AskReplies { block });
        }
    }

    fn send_reply(&mut self, n: u32, to: NodeId, at: Time, block: BlockId, count: u32) {
        let bytes = REPLY_BYTES + RESULT_BYTES * u64::from(count);
        self.send_cargo(n, at, to, Cargo::Reply { block }, bytes, "reply");
    }

    /// The gateways whose clients have transactions in a block, and how many.
    fn gateways_in(&self, block: BlockId, at: Time) -> Vec<(u32, u32)> {
        let payloads = self.blocks.block(block).payloads.iter();
        let segments = payloads.flat_map(|p| self.blocks.segments(*p));
        let mut list: Vec<(u32, u32)> = segments
            .map(|s| (self.gateway.contact(self.network, self.batches.get(s.batch).origin, at), s.to - s.from))
            .collect();
        list.sort_unstable();
        list.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        list
    }

    /// A reply counts by its validator's weight; with more than the faulty ones may have, the clients believe it.
    pub fn tally(&mut self, n: u32, from: NodeId, at: Time, block: BlockId) {
        // Every node that has a key has that of its own number.
        let validates = (from.0 as usize) < self.validators.len();
        let weight = if validates { self.validators.stake(ValidatorId(from.0)).0 } else { 0 };
        let replies = &mut self.nodes[n as usize].rare.replies;
        let t = replies.entry(block).or_default();
        if t.enough || !t.who.add(from.0) {
            return;
        }
        t.weight += weight;
        if t.weight <= self.frame.tolerated {
            return;
        }
        t.enough = true;
        self.nodes[n as usize].rare.unreplied.remove(&block);
        let replies = &mut self.nodes[n as usize].rare.replies;
        if replies.len() > 2 * KEPT {
            let newest = replies.last_key_value().map_or(0, |(id, _)| *id);
            replies.retain(|id, t| !t.enough || *id as usize + KEPT > newest as usize);
        }
        self.answer_clients(n, block, at);
    }

    /// The clients of this node know that a block is final.
    pub fn answer_clients(&mut self, n: u32, block: BlockId, at: Time) {
        self.desk.out.posts.push(Post::Answered { node: n, block, at });
        // A client that waits may ask again within the window.
        self.desk.out.urgent |= self.frame.closed;
    }

    /// Replies are still lacking: everybody is asked.
    pub fn ask_for_replies(&mut self, n: u32, at: Time, block: BlockId) {
        if self.nodes[n as usize].rare.replies.get(&block).is_none_or(|t| t.enough) {
            return;
        }
        for peer in (0..self.count()).filter(|p| *p != n) {
            self.send_cargo(n, at, NodeId(peer), Cargo::ReplyRequest { block }, REQUEST_BYTES, "reply-request");
        }
        self.push_task(n, at + self.scenario.mempool.client_timeout, Task::AskReplies { block });
    }

    /// A gateway asks again: it gets a reply if the block is final here.
    pub fn receive_reply_request(&mut self, n: u32, from: NodeId, at: Time, block: BlockId) {
        let node = &self.nodes[n as usize];
        let height = self.blocks.block(block).height;
        let settled =
            height <= node.final_height && node.chain.get(height).is_some_and(|a| a.block == block && a.executed <= at);
        if settled {
            let own = self.gateways_in(block, at).into_iter().find(|(gateway, _)| *gateway == from.0);
            // It may answer for clients who have turned to it and back.
            let count = own.map_or(self.blocks.block(block).content.1 as u32, |(_, count)| count);
            self.send_reply(n, from, at, block, count);
        }
    }

    /// Whether clients of a batch are with this gateway.
    fn serves(&self, n: u32, batch: BatchId) -> bool {
        self.batches.get(batch).origin == n || self.nodes[n as usize].rare.taken.contains(&batch)
    }
}
