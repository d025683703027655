//! What became of each transaction of the cohort, until somebody takes it: kept only where it is asked for.

use super::Meter;
use super::cohort::Times;
use crate::node::mempool::{Transaction, Transactions, TxId};
use crate::record::{Outcome, Passage, TransactionRow};

impl Meter {
    /// Keeps what becomes of transactions from now on, for [`Meter::take_fates`].
    pub fn keep_fates(&mut self) {
        self.fates = Some(vec![]);
    }

    /// Transactions whose outcome was decided since they were last taken, by their numbers.
    pub fn take_fates(&mut self) -> Vec<TransactionRow> {
        let mut rows = self.fates.as_mut().map(std::mem::take).unwrap_or_default();
        rows.sort_unstable_by_key(|row| row.number);
        rows
    }

    /// Something has become of a transaction.
    pub(super) fn note_fate(&mut self, number: TxId, tx: &Transaction, outcome: Outcome) {
        let Transaction { planned, bytes, workload, kind } = *tx;
        let sampled = self.in_window(planned);
        if let Some(fates) = self.fates.as_mut().filter(|_| sampled) {
            fates.push(TransactionRow { number, workload, kind, bytes, planned, outcome });
        }
    }

    /// A part of a batch has become final.
    pub(super) fn note_committed(&mut self, part: &[TxId], t: &Times, txs: &Transactions) {
        if self.fates.is_none() {
            return;
        }
        for number in part {
            let stored = txs.stored(*number);
            let passage = Passage { stored, ready: t.ready, built: t.built, committed: t.commit, finalised: t.at };
            self.note_fate(*number, &txs[*number], Outcome::Committed(passage));
        }
    }
}
