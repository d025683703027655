//! What the meter lets go of while a run lasts, and what it makes of the rest at the end.

use ledgerlab_consensus::{Height, NodeId, Time};

use super::Meter;
use crate::check::Violation;
use crate::check::conservation::State;
use crate::node::blocks::{BlockId, Blocks};
use crate::node::mempool::{Transactions, TxId};
use crate::record::Outcome;

impl Meter {
    /// Everything about blocks older than `block` is decided.
    pub fn forget_blocks(&mut self, block: BlockId) {
        self.reports.forget_below(block);
    }

    /// Nobody holds transactions older than `floor`: those without an outcome have expired. One that has not is lost,
    /// and kept so that the end of the run tells; says up to where there is none.
    pub fn forget_transactions(&mut self, now: Time, floor: TxId, txs: &Transactions) -> TxId {
        let pending: Vec<TxId> = self.pending(txs.ids().0).take_while(|t| *t < floor).collect();
        for t in pending {
            let planned = txs[t].planned;
            if planned + self.expiry >= now {
                self.conservation.forget_below(u64::from(t));
                return t;
            }
            self.violations.note(self.conservation.expire(now, u64::from(t)));
            self.little.stays(planned);
            self.given_up[txs[t].workload as usize] += u64::from(self.in_window(planned));
            self.note_fate(t, &txs[t], Outcome::Expired);
        }
        self.conservation.forget_below(u64::from(floor));
        floor
    }

    /// Transactions from this one on that have no outcome.
    fn pending(&self, tx: TxId) -> impl Iterator<Item = TxId> {
        self.conservation.pending(u64::from(tx)).map(|tx| tx as TxId)
    }

    /// A node leaves blocks that the run no longer remembers: what follows would not be its result.
    pub fn chain_lost(&mut self, at: Time, node: NodeId, height: Height, kept: Height) {
        let what = format!(
            "leaves its chain down to height {height}, but below height {kept} every node held the same blocks for \
             final, so they are no longer in memory: the run ends"
        );
        self.violations.note(Err(Violation { check: "retention", at, node: Some(node), what }));
    }

    /// The run has ended at `end`; `held` are the transactions that clients, gateways and pools hold.
    pub fn finish(
        &mut self,
        end: Time,
        messages: Vec<(&'static str, u64, u64)>,
        events: u64,
        txs: &Transactions,
        held: &[TxId],
        blocks: &Blocks,
    ) {
        self.end = end;
        self.messages = messages;
        self.events = events;
        (self.blocks.made, self.blocks.stale) = self.count_made(blocks);
        let waiting: Vec<TxId> = self.pending(txs.ids().0).collect();
        for t in &waiting {
            let expired = txs[*t].planned + self.expiry < end;
            if expired {
                self.violations.note(self.conservation.expire(end, u64::from(*t)));
                self.given_up[txs[*t].workload as usize] += u64::from(self.in_window(txs[*t].planned));
            }
            self.note_fate(*t, &txs[*t], if expired { Outcome::Expired } else { Outcome::Pending });
        }
        self.cohorts.close(&self.given_up);
        let held = held.iter().filter(|t| self.conservation.state(u64::from(**t)) == Some(State::Pending)).count();
        self.violations.note(self.conservation.reconcile(end, held as u64));
        match self.little.finish(end, waiting.iter().map(|t| txs[*t].planned)) {
            Ok(sides) => self.sides = Some(sides),
            Err(v) => {
                self.violations.note(Err(v));
            }
        }
    }
}
