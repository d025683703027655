//! What becomes final is counted a part of a batch at a time: its transactions share every time but those of their own
//! way to the gateway.

use ledgerlab_consensus::NodeId;

use super::Meter;
use super::cohort::{Leaving, Times};
use crate::check::conservation::State;
use crate::node::mempool::{Transactions, TxId};

impl Meter {
    /// A part of a batch is final: all of it at once, but for what is found wrong on the way.
    pub(super) fn commit(&mut self, mut part: &[TxId], times: &Times, txs: &Transactions) {
        // A transaction that its client submitted again may be in two blocks, and so may one of a branch that some
        // nodes held for final and left: the second is a no-op.
        let conflicts = self.agreement.counts().conflicts > 0;
        while !part.is_empty() {
            let (done, rest) = part.split_at(self.conservation.commit_some(part));
            self.count_committed(done, times, txs);
            let Some((t, rest)) = rest.split_first() else { return };
            if (conflicts || txs.resubmitted.has(*t))
                && self.conservation.state(u64::from(*t)) == Some(State::Committed)
            {
                self.blocks.duplicates += 1;
            } else {
                self.violations.note(self.conservation.commit(times.at, NodeId(0), u64::from(*t)));
            }
            part = rest;
        }
    }

    fn count_committed(&mut self, part: &[TxId], times: &Times, txs: &Transactions) {
        if part.is_empty() {
            return;
        }
        self.note_committed(part, times, txs);
        let mut leaving = std::mem::take(&mut self.leaving);
        leaving.extend(part.iter().map(|t| {
            let tx = &txs[*t];
            let latency = times.at.since(tx.planned);
            Leaving { planned: tx.planned, stored: txs.stored(*t), latency, class: (tx.workload, tx.kind) }
        }));
        self.little.leave(times.at, leaving.iter().map(|tx| tx.planned));
        self.series.committed(times.at, leaving.iter().map(|tx| tx.latency));
        for alike in leaving.chunk_by(|a, b| a.class == b.class) {
            self.cohorts.committed(self.window.0..self.window.1, alike[0].class, alike, times);
        }
        leaving.clear();
        self.leaving = leaving;
    }
}
