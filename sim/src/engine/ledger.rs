//! A node's own chain: adoption, execution, the disk, reverts and finality.

use ledgerlab_consensus::{
    Certificate, Digest, Height, NodeId, PayloadList, PayloadRef, Protocol, Reply, SharedCertificate, Time, Tip,
};

use crate::engine::Simulation;
use crate::engine::host::Adopted;
use crate::engine::outbox::Post;
use crate::engine::shard::Shard;
use crate::engine::step::Input;
use crate::kernel::queue::Queue;
use crate::node::blocks::{BlockId, PayloadId};
use crate::node::cost;
use crate::node::mempool::BatchId;

/// Words that tell the records of a chain's changes apart in the digest.
const ADOPT: u64 = 0xAD;
const REVERT: u64 = 0x4E;
const FINALIZE: u64 = 0xF1;

impl<P: Protocol> Shard<'_, P> {
    /// A replica appends a block to its chain, if the tables know all of it: somebody else has it on a chain. Else the
    /// simulation does that, and comes to the same: who else has it may depend on the parts of a window.
    pub fn adopt(&mut self, n: u32, at: Time, tip: Tip, payloads: PayloadList, header_bytes: u32) -> bool {
        let node = &self.nodes[n as usize];
        if node.rare.lost {
            return true;
        }
        let payloads = self.desk.step.effects.payloads(payloads);
        let known = |id: &BlockId| {
            let b = self.blocks.block(*id);
            let named = payloads.iter().map(|p| p.root);
            let own = b.payloads.iter().map(|p| self.blocks.payload(*p).reference.root);
            b.adopted.is_some() && (b.height, b.header_bytes) == (tip.height, header_bytes) && own.eq(named)
        };
        let Some(block) = self.blocks.find_after(node.top(), tip.block).filter(known) else { return false };
        self.desk.out.posts.push(Post::Adopted { node: n, at, block });
        self.append(n, at, block, 0);
        true
    }

    /// The block joins the chain: it is executed after those before it, and written, with its certificate where it
    /// was copied with one.
    pub fn append(&mut self, n: u32, at: Time, id: BlockId, certificate_bytes: u32) {
        let b = self.blocks.block(id);
        let height = b.height;
        let node = &mut self.nodes[n as usize];
        assert_eq!(height, node.height() + 1, "node {n} adopts height {height} on top of {}", node.height());
        node.digest.record(&[ADOPT, at.0, height, b.digest.fold()]);
        let (bytes, count) = b.content;
        let host = &mut self.hosts[node.host as usize];
        let executed = host.cpu.execute(at, self.scenario.node.execution * count);
        // The body is written at once, not after execution: the log behind it does not wait for that.
        host.disk.append(at, bytes + u64::from(b.header_bytes + certificate_bytes));
        node.chain.push(Adopted { block: id, executed, certificate_bytes });
        b.payloads.iter().for_each(|p| node.pool.adopt(*p, self.blocks, self.txs, self.batches));
        if !node.rare.own.is_empty() {
            self.go_through_own(n, at);
        }
        let node = &mut self.nodes[n as usize];
        if node.pool.pending().count > 0 && !matches!(node.local.back(), Some(Input::Work)) {
            node.local.push_back(Input::Work);
        }
        if let Some(depth) = self.scenario.finality.depth {
            self.settle_to(n, at, height.saturating_sub(depth));
        }
    }

    /// Own batches that are wholly on the chain need no care any more, and others may follow them to the leader.
    fn go_through_own(&mut self, n: u32, at: Time) {
        while let Some(own) = self.nodes[n as usize].rare.own.front()
            && self.nodes[n as usize].pool.consumed(*own, self.batches)
        {
            self.drop_own(n);
        }
        self.push_on(n, at);
    }

    /// A replica declares its chain final up to `height`.
    pub fn finalize(&mut self, n: u32, at: Time, height: Height, certificate: Option<SharedCertificate>) {
        let node = &mut self.nodes[n as usize];
        if node.rare.lost {
            return;
        }
        node.digest.record(&[FINALIZE, at.0, height]);
        let written = certificate.as_ref().and_then(|c| self.write_certificate(n, at, height, c));
        self.desk.out.posts.push(Post::Finalized { node: n, at, height, certificate, written });
        if self.scenario.finality.depth.is_none() {
            self.settle_to(n, at, height);
        }
    }

    /// A certificate is written behind the block that it makes final, once at each node: which block, and how many
    /// bytes.
    fn write_certificate(&mut self, n: u32, at: Time, height: Height, c: &Certificate) -> Option<(BlockId, u32)> {
        let node = &mut self.nodes[n as usize];
        let a = node.chain.get_mut(height).filter(|a| a.certificate_bytes == 0)?;
        let bytes = cost::certificate_bytes(self.scenario.node.signatures, &c.signers, self.validators.len());
        a.certificate_bytes = bytes;
        self.hosts[node.host as usize].disk.append(at, u64::from(bytes));
        Some((a.block, bytes))
    }

    /// Reports the blocks up to `height` as final at this node, each when it is executed there too.
    fn settle_to(&mut self, n: u32, at: Time, height: Height) {
        let node = &self.nodes[n as usize];
        for next in node.final_height + 1..=height.min(node.height()) {
            let node = &mut self.nodes[n as usize];
            node.final_height = next;
            if self.scenario.finality.depth.is_some() {
                self.desk.out.posts.push(Post::DeepEnough { node: n, at, height: next });
            }
            let Some(a) = node.chain.get(next).copied() else { return };
            self.blocks.block(a.block).payloads.iter().for_each(|p| node.pool.settle(*p));
            let final_at = at.max(a.executed);
            self.desk.out.posts.push(Post::Settled { node: n, block: a.block, commit: at, at: final_at });
            match P::INFO.reply {
                Reply::OwnNode => self.answer_clients(n, a.block, final_at),
                Reply::Matching => self.reply_when_executed(n, at, a),
            }
        }
    }
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// A replica appends a block to its chain, which may be the first one that it joins.
    pub(super) fn adopt(
        &mut self,
        n: u32,
        at: Time,
        tip: Tip,
        parent: Digest,
        payloads: &[PayloadRef],
        header_bytes: u32,
    ) {
        if self.nodes[n as usize].rare.lost {
            return;
        }
        let id = self.blocks.intern(tip.block, parent, payloads);
        let b = self.blocks.block_mut(id);
        b.height = tip.height;
        b.header_bytes = header_bytes;
        let roots: Vec<Digest> = payloads.iter().map(|p| p.root).collect();
        self.probe.on_adopt(at, NodeId(n), tip.height, tip.block, &roots);
        self.append(n, at, id, 0);
    }

    /// The block joins a chain.
    pub(super) fn append(&mut self, n: u32, at: Time, id: BlockId, certificate_bytes: u32) {
        if self.nodes[n as usize].rare.lost {
            return;
        }
        self.count_adopted(n, at, id);
        self.local(|s| s.append(n, at, id, certificate_bytes));
    }

    /// A block that was on a chain has joined another one.
    pub(super) fn note_adopted(&mut self, n: u32, at: Time, id: BlockId) {
        let b = self.blocks.block(id);
        let root = |p: &PayloadId| self.blocks.payload(*p).reference.root;
        let mut show = |roots: &[Digest]| self.probe.on_adopt(at, NodeId(n), b.height, b.digest, roots);
        match &b.payloads[..] {
            [one] => show(&[root(one)]),
            all => show(&all.iter().map(root).collect::<Vec<_>>()),
        }
        self.count_adopted(n, at, id);
    }

    fn count_adopted(&mut self, n: u32, at: Time, id: BlockId) {
        self.retention.appended += 1;
        let b = self.blocks.block_mut(id);
        b.adopted = Some(b.adopted.map_or(at, |t| t.min(at)));
        let tip = Tip { height: b.height, block: b.digest };
        self.meter.adopted(at, NodeId(n), tip, b.parent);
    }

    /// A replica has declared its chain final up to `height`, and perhaps `written` a certificate.
    pub(super) fn note_finalized(
        &mut self,
        n: u32,
        at: Time,
        height: Height,
        certificate: Option<&SharedCertificate>,
        written: Option<(BlockId, u32)>,
    ) {
        self.probe.on_finalize(at, NodeId(n), height);
        if self.meter.depth().is_none() {
            self.meter.finalized(at, NodeId(n), height, certificate);
        }
        if let Some((block, bytes)) = written {
            // Nodes may hold different quorums' certificates: the largest counts, whoever was first.
            let b = self.blocks.block_mut(block);
            b.certificate_bytes = b.certificate_bytes.max(bytes);
        }
    }

    /// Every block above `height` leaves the chain: its transactions wait again.
    pub(super) fn revert(&mut self, n: u32, at: Time, height: Height) {
        if self.nodes[n as usize].rare.lost {
            return;
        }
        if height < self.nodes[n as usize].chain.first() {
            return self.lose_chain(n, at, height);
        }
        let node = &mut self.nodes[n as usize];
        node.digest.record(&[REVERT, at.0, height, node.height()]);
        self.meter.reverted(at, NodeId(n), height, node.height());
        let mut forgotten = vec![];
        while node.height() > height {
            let Some(a) = node.chain.pop() else { return };
            for p in &self.blocks.block(a.block).payloads {
                node.pool.revert(*p, &self.blocks, &self.txs, &self.batches);
                let own = |b: &BatchId| self.batches.get(*b).origin == n || node.rare.taken.contains(b);
                let batches: Vec<BatchId> =
                    self.blocks.segments(*p).iter().rev().map(|s| s.batch).filter(own).collect();
                for id in batches {
                    if !node.rare.own.contains(&id) {
                        node.rare.own.push_front(id);
                        node.rare.own_pending += self.batches.get(id).txs.len() as u64;
                        node.rare.push.sent += 1;
                    }
                    if !node.pool.knows(id) {
                        forgotten.push(id);
                    }
                }
            }
        }
        node.final_height = node.final_height.min(height);
        self.local(|s| forgotten.into_iter().for_each(|id| s.submit_again(n, at, id)));
    }
}
