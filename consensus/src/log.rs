//! A replica's log as a host holds it: numbered records, of which a crash leaves a prefix.
//!
//! Numbers go on counting through truncations and crashes, except that records lost in a crash give theirs back. A
//! truncation frees nothing before every record logged ahead of it is durable, so a replica may log a summary and
//! give up what it sums up in one handler. Limits: records only, no disk; the host says what is durable.

use std::collections::VecDeque;

use crate::types::LogSeq;

/// A truncation that waits until everything logged before it is durable.
#[derive(Clone, Copy, Debug)]
struct Cut {
    after: LogSeq,
    below: LogSeq,
}

/// The log of one replica.
#[derive(Clone, Debug)]
pub struct RecordLog<R> {
    /// Number of the last record that was freed.
    freed: u64,
    records: VecDeque<R>,
    durable: LogSeq,
    cuts: VecDeque<Cut>,
}

impl<R> Default for RecordLog<R> {
    fn default() -> Self {
        RecordLog { freed: 0, records: VecDeque::new(), durable: LogSeq(0), cuts: VecDeque::new() }
    }
}

impl<R> RecordLog<R> {
    /// Number of the last record, 0 if there never was one.
    pub fn end(&self) -> LogSeq {
        LogSeq(self.freed + self.records.len() as u64)
    }
    /// Number of the last durable record.
    pub fn durable(&self) -> LogSeq {
        self.durable
    }
    /// How many records are kept.
    pub fn len(&self) -> usize {
        self.records.len()
    }
    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
    /// The last record, if it is kept.
    pub fn last(&self) -> Option<&R> {
        self.records.back()
    }
    /// The kept records, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.records.iter()
    }
    /// The kept records with their numbers, oldest first: what [`crate::Protocol::open`] takes.
    pub fn numbered(&self) -> impl Iterator<Item = (LogSeq, R)> + '_
    where
        R: Clone,
    {
        (self.freed + 1..).map(LogSeq).zip(self.records.iter().cloned())
    }
    /// Appends a record; its number.
    pub fn append(&mut self, record: R) -> LogSeq {
        self.records.push_back(record);
        self.end()
    }
    /// The records below this number may go, as soon as everything logged so far is durable.
    ///
    /// # Panics
    /// If records are given up that do not exist yet.
    pub fn truncate(&mut self, below: LogSeq) {
        assert!(below.0 <= self.end().0 + 1, "truncated below record {} of {}", below.0, self.end().0);
        self.cuts.push_back(Cut { after: self.end(), below });
        self.make_durable(self.durable);
    }
    /// Everything up to this record is durable.
    pub fn make_durable(&mut self, upto: LogSeq) {
        self.durable = self.durable.max(upto);
        while let Some(cut) = self.cuts.pop_front_if(|c| c.after <= self.durable) {
            let freed = cut.below.0.saturating_sub(1).saturating_sub(self.freed);
            self.records.drain(..freed as usize);
            self.freed += freed;
        }
    }
    /// A crash: what was written up to this record, at least the durable prefix, is on disk; the rest is lost, and
    /// truncations that had not taken effect never do.
    pub fn crash(&mut self, written: LogSeq) {
        let kept = written.max(self.durable).min(self.end());
        self.records.truncate((kept.0 - self.freed) as usize);
        self.durable = kept;
        self.cuts.clear();
    }
}

impl<R> FromIterator<R> for RecordLog<R> {
    /// A durable log of these records, numbered from 1.
    fn from_iter<I: IntoIterator<Item = R>>(records: I) -> Self {
        let mut log = RecordLog { records: records.into_iter().collect(), ..RecordLog::default() };
        log.durable = log.end();
        log
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(log: &RecordLog<u32>) -> Vec<(u64, u32)> {
        log.numbered().map(|(seq, r)| (seq.0, r)).collect()
    }

    #[test]
    fn a_truncation_waits_for_all_that_was_logged_before_it() {
        let mut log = RecordLog::default();
        for r in [10, 20, 30] {
            log.append(r);
        }
        log.make_durable(LogSeq(2));
        log.truncate(LogSeq(3));
        assert_eq!(log.len(), 3, "the third is the summary of the others");
        log.append(40);
        log.make_durable(LogSeq(3));
        assert_eq!(numbers(&log), [(3, 30), (4, 40)]);
        log.make_durable(LogSeq(4));
        log.truncate(LogSeq(5));
        assert_eq!((log.len(), log.end(), log.append(50)), (0, LogSeq(4), LogSeq(5)));
    }

    #[test]
    fn a_crash_before_that_keeps_the_old_records() {
        let mut log: RecordLog<u32> = [10, 20].into_iter().collect();
        log.append(30);
        log.truncate(LogSeq(3));
        let mut whole = log.clone();
        log.crash(LogSeq(2));
        assert_eq!(numbers(&log), [(1, 10), (2, 20)]);
        assert_eq!(log.append(31), LogSeq(3));
        log.make_durable(LogSeq(3));
        assert_eq!(log.len(), 3, "the truncation is forgotten");
        whole.crash(LogSeq(3));
        assert_eq!(numbers(&whole), [(1, 10), (2, 20), (3, 30)], "written, but nobody knew");
    }

    #[test]
    fn numbers_go_on_after_a_truncation_and_a_crash() {
        let mut log: RecordLog<u32> = (0..10).collect();
        log.truncate(LogSeq(8));
        log.append(99);
        log.crash(LogSeq(0));
        assert_eq!(numbers(&log), [(8, 7), (9, 8), (10, 9)]);
        log.truncate(LogSeq(4));
        assert_eq!((log.len(), log.append(11)), (3, LogSeq(11)));
    }
}
