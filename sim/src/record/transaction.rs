//! What became of each transaction of the cohort: rows that leave a run while it goes on, so that no run keeps them.
//!
//! A run hands its rows to a [`TransactionSink`] a second of simulated time at a time: those whose outcome was decided
//! in it, by their numbers. What has no outcome when the run ends comes last. Nothing is kept where nobody asks.

use ledgerlab_consensus::Time;

/// A transaction of the cohort with its outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransactionRow {
    /// Its number in the run, in the order in which clients planned them.
    pub number: u32,
    /// Index of its workload in the scenario.
    pub workload: u16,
    /// Index of its kind of record within the workload.
    pub kind: u8,
    /// Bytes on chain.
    pub bytes: u32,
    /// Planned submit time.
    pub planned: Time,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a transaction ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It became final by the rule.
    Committed(Passage),
    /// A full mempool refused it then, or it is larger than a block.
    Rejected(Time),
    /// It waited too long.
    Expired,
    /// The run ended before.
    Pending,
}

/// When a transaction passed each stage; the spans between them are the stages of the latency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passage {
    /// Its object was stored; the planned time where it has none.
    pub stored: Time,
    /// Its batch was verified at the gateway.
    pub ready: Time,
    /// Its payload was put together.
    pub built: Time,
    /// The nodes that the rule asks for had committed it.
    pub committed: Time,
    /// They had executed it, too: it is final.
    pub finalised: Time,
}

/// Takes rows as they come.
pub trait TransactionSink: Send {
    /// More of them.
    fn take(&mut self, rows: &[TransactionRow]);
}

impl TransactionSink for Vec<TransactionRow> {
    fn take(&mut self, rows: &[TransactionRow]) {
        self.extend_from_slice(rows);
    }
}
