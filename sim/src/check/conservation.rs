//! Conservation: created = committed + rejected + expired + pending, and every transaction applies at most once.
//!
//! Transactions are numbered from 0 in the order of creation. Each has one state, two bits in a column; a transaction
//! leaves *pending* once; where that has happened to all before it, its place is given up, and it counts. The host
//! reports a commit for each transaction of a block when the first node applies that block to the one ledger, so a
//! transaction in two blocks shows as a second commit. A lost transaction raises no event: it is found at the end,
//! when what is pending is compared with what pools, gateways and unfinished blocks hold.

use std::collections::VecDeque;

use ledgerlab_consensus::{NodeId, Time};

use super::{Outcome, Violation};
use crate::node::mempool::TxId;

const PER_WORD: u64 = 32;
/// The lower bit of each state in a word.
const LOW: u64 = 0x5555_5555_5555_5555;

/// Where a transaction is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    /// Created and undecided: at a gateway, in a pool, or in a block that is not final.
    Pending = 0,
    /// Applied to the ledger.
    Committed = 1,
    /// Refused at submission.
    Rejected = 2,
    /// Dropped after it waited too long.
    Expired = 3,
}

const STATES: [State; 4] = [State::Pending, State::Committed, State::Rejected, State::Expired];

impl State {
    fn name(self) -> &'static str {
        ["pending", "committed", "rejected", "expired"][self as usize]
    }
}

/// Transactions in each of the four disjoint classes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Classes {
    /// All.
    pub created: u64,
    /// Applied.
    pub committed: u64,
    /// Refused.
    pub rejected: u64,
    /// Dropped.
    pub expired: u64,
    /// Undecided.
    pub pending: u64,
}

impl Classes {
    fn of(created: u64, by_state: [u64; 4]) -> Classes {
        let [pending, committed, rejected, expired] = by_state;
        Classes { created, committed, rejected, expired, pending }
    }
    /// Whether the classes add up.
    pub fn balance(&self) -> bool {
        self.created == self.committed + self.rejected + self.expired + self.pending
    }
}

/// The observer of all transactions.
#[derive(Clone, Debug, Default)]
pub struct Conservation {
    created: u64,
    /// Words from `first` on.
    column: VecDeque<u64>,
    first: u64,
    by_state: [u64; 4],
    /// What the words before `first` held.
    gone: [u64; 4],
}

impl Conservation {
    /// Nothing has been created.
    pub fn new() -> Conservation {
        Conservation::default()
    }

    /// Clients planned `count` transactions from `tx` on, the first of them at `at`.
    pub fn create(&mut self, at: Time, tx: u64, count: u64) -> Outcome {
        if tx != self.created {
            return Err(fault(at, None, format!("transaction {tx} is created, but the next is {}", self.created)));
        }
        self.created += count;
        self.by_state[State::Pending as usize] += count;
        self.column.resize((self.created.div_ceil(PER_WORD) - self.first) as usize, 0);
        Ok(())
    }
    /// `tx` is applied to the ledger, first at `node`.
    pub fn commit(&mut self, at: Time, node: NodeId, tx: u64) -> Outcome {
        self.leave(at, Some(node), tx, State::Committed)
    }
    /// The same for those of `txs` that can be committed, in one go: says how many that are of the first ones.
    pub fn commit_some(&mut self, txs: &[TxId]) -> usize {
        let pending = |c: &mut Conservation, tx: &TxId| {
            let tx = u64::from(*tx);
            let place = (tx / PER_WORD).checked_sub(c.first)? as usize;
            let word = c.column.get_mut(place).filter(|_| tx < c.created)?;
            let shift = 2 * (tx % PER_WORD);
            let pending = *word >> shift & 3 == State::Pending as u64;
            *word |= u64::from(pending) << shift;
            pending.then_some(())
        };
        let done = txs.iter().take_while(|tx| pending(self, tx).is_some()).count();
        self.by_state[State::Pending as usize] -= done as u64;
        self.by_state[State::Committed as usize] += done as u64;
        done
    }
    /// `tx` is refused, by `node`.
    pub fn reject(&mut self, at: Time, node: NodeId, tx: u64) -> Outcome {
        self.leave(at, Some(node), tx, State::Rejected)
    }
    /// `tx` has waited too long and is in no pool any more.
    pub fn expire(&mut self, at: Time, tx: u64) -> Outcome {
        self.leave(at, None, tx, State::Expired)
    }
    /// The block of `tx` was final with some probability only and is reverted: it is undecided again.
    pub fn uncommit(&mut self, at: Time, node: NodeId, tx: u64) -> Outcome {
        match self.state(tx) {
            Some(State::Committed) => self.put(tx, State::Committed, State::Pending),
            other => {
                let what = format!("transaction {tx} is reverted, but it is {}", word(other));
                return Err(fault(at, Some(node), what));
            }
        }
        Ok(())
    }

    /// State of a transaction; `None` if it was never created.
    pub fn state(&self, tx: u64) -> Option<State> {
        let place = (tx / PER_WORD).checked_sub(self.first)? as usize;
        let word = self.column.get(place).filter(|_| tx < self.created)?;
        Some(STATES[(word >> (2 * (tx % PER_WORD)) & 3) as usize])
    }
    /// The classes, as counted event by event.
    pub fn classes(&self) -> Classes {
        Classes::of(self.created, self.by_state)
    }

    /// No transaction before `tx` changes its state any more: all but the last few of them are only counted from now
    /// on, and unknown to [`Conservation::state`].
    pub fn forget_below(&mut self, tx: u64) {
        while self.first < tx / PER_WORD {
            let Some(word) = self.column.pop_front() else { return };
            self.first += 1;
            count(word, PER_WORD, &mut self.gone);
        }
    }

    /// At the end: counts the column anew and compares pending transactions with `held`, the number of different
    /// transactions that gateways, pools and unfinished blocks hold.
    pub fn reconcile(&self, at: Time, held: u64) -> Outcome {
        let (events, column) = (self.classes(), self.recount());
        if events != column || !events.balance() {
            return Err(fault(at, None, format!("events count {events:?}, the column has {column:?}")));
        }
        if events.pending == held {
            return Ok(());
        }
        let (pending, gap) = (events.pending, events.pending.abs_diff(held));
        let word = if held < events.pending { "lost" } else { "held twice or after its outcome" };
        Err(fault(at, None, format!("{pending} transactions are pending, but {held} are held: {gap} {word}")))
    }

    /// The first pending transaction that is not among `held`: names what [`Conservation::reconcile`] misses.
    pub fn find_lost(&self, held: impl IntoIterator<Item = u64>) -> Option<u64> {
        let mut seen = vec![0_u64; (self.created as usize).div_ceil(64)];
        for tx in held.into_iter().filter(|tx| *tx < self.created) {
            seen[(tx / 64) as usize] |= 1 << (tx % 64);
        }
        (0..self.created).find(|&tx| seen[(tx / 64) as usize] >> (tx % 64) & 1 == 0 && self.is_pending(tx))
    }

    /// Pending transactions from `tx` on.
    pub fn pending(&self, tx: u64) -> impl Iterator<Item = u64> {
        let first = (tx / PER_WORD).max(self.first);
        let words = (first..).zip(self.column.iter().skip((first - self.first) as usize));
        let of_word = |(number, word): (u64, &u64)| {
            let undecided = !(word | word >> 1) & LOW;
            let next = |left: &u64| Some(left & (left - 1)).filter(|left| *left != 0);
            let places = std::iter::successors(Some(undecided).filter(|left| *left != 0), next);
            places.map(move |left| number * PER_WORD + u64::from(left.trailing_zeros()) / 2)
        };
        words.flat_map(of_word).skip_while(move |found| *found < tx).take_while(|found| *found < self.created)
    }

    fn is_pending(&self, tx: u64) -> bool {
        self.state(tx) == Some(State::Pending)
    }

    fn leave(&mut self, at: Time, node: Option<NodeId>, tx: u64, to: State) -> Outcome {
        match self.state(tx) {
            Some(State::Pending) => self.put(tx, State::Pending, to),
            other => {
                let what = format!("transaction {tx} becomes {}, but it is {}", to.name(), word(other));
                return Err(fault(at, node, what));
            }
        }
        Ok(())
    }

    fn put(&mut self, tx: u64, from: State, to: State) {
        let (word, shift) = (&mut self.column[(tx / PER_WORD - self.first) as usize], 2 * (tx % PER_WORD));
        *word = *word & !(3 << shift) | (to as u64) << shift;
        self.by_state[from as usize] -= 1;
        self.by_state[to as usize] += 1;
    }

    fn recount(&self) -> Classes {
        let mut by_state = self.gone;
        let mut left = self.created - self.first * PER_WORD;
        for word in &self.column {
            count(*word, left.min(PER_WORD), &mut by_state);
            left = left.saturating_sub(PER_WORD);
        }
        Classes::of(self.created, by_state)
    }
}

/// Adds the states of the first `used` transactions of a word.
fn count(word: u64, used: u64, by_state: &mut [u64; 4]) {
    let (low, high) = (word & LOW, word >> 1 & LOW);
    let ones = |bits: u64| u64::from(bits.count_ones());
    let (committed, rejected, expired) = (ones(low & !high), ones(high & !low), ones(high & low));
    by_state[State::Committed as usize] += committed;
    by_state[State::Rejected as usize] += rejected;
    by_state[State::Expired as usize] += expired;
    by_state[State::Pending as usize] += used - committed - rejected - expired;
}

fn word(s: Option<State>) -> &'static str {
    s.map_or("unknown: nobody submitted it", State::name)
}

fn fault(at: Time, node: Option<NodeId>, what: String) -> Violation {
    Violation { check: "conservation", at, node, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Time = Time(3);
    const NODE: NodeId = NodeId(1);

    fn created(n: u64) -> Conservation {
        let mut c = Conservation::new();
        (0..n / 3).for_each(|tx| c.create(AT, tx, 1).unwrap());
        c.create(AT, n / 3, n - n / 3).unwrap();
        c
    }

    #[test]
    fn every_transaction_ends_in_one_class() {
        let mut c = created(1_000);
        for tx in 0..1_000 {
            match tx % 4 {
                0 => c.commit(AT, NODE, tx).unwrap(),
                1 => c.reject(AT, NODE, tx).unwrap(),
                2 => c.expire(AT, tx).unwrap(),
                _ => {}
            }
        }
        let all = Classes { created: 1_000, committed: 250, rejected: 250, expired: 250, pending: 250 };
        assert_eq!(c.classes(), all);
        c.reconcile(AT, 250).unwrap();
        assert_eq!(c.find_lost((0..250).map(|i| 4 * i + 3)), None);
    }

    #[test]
    fn a_duplicated_transaction_is_caught_at_its_second_commit() {
        let mut c = created(40);
        c.commit(AT, NODE, 39).unwrap();
        let v = c.commit(AT, NODE, 39).unwrap_err();
        assert_eq!(v.what, "transaction 39 becomes committed, but it is committed");
        c.expire(AT, 5).unwrap();
        assert!(c.commit(AT, NODE, 5).unwrap_err().what.contains("but it is expired"));
        assert_eq!(c.classes().committed, 1);
    }

    #[test]
    fn a_transaction_that_nobody_submitted_is_caught() {
        let mut c = created(3);
        assert!(c.commit(AT, NODE, 3).unwrap_err().what.contains("nobody submitted it"));
        assert!(c.create(AT, 2, 1).is_err());
        assert!(c.create(AT, 4, 1).is_err());
    }

    #[test]
    fn what_is_committed_in_one_go_is_what_is_committed_one_by_one() {
        let (mut all, mut plain) = (created(300), created(300));
        for c in [&mut all, &mut plain] {
            c.reject(AT, NODE, 200).unwrap();
            (0..64).for_each(|tx| c.commit(AT, NODE, tx).unwrap());
            c.forget_below(64);
        }
        for txs in [vec![64, 66, 68], vec![65, 299, 68, 67], vec![100, 200, 101], vec![300, 67], vec![3], vec![]] {
            let one_by_one = txs.iter().take_while(|tx| plain.commit(AT, NODE, u64::from(**tx)).is_ok()).count();
            assert_eq!(all.commit_some(&txs), one_by_one, "{txs:?}");
            assert_eq!((all.classes(), &all.column), (plain.classes(), &plain.column), "{txs:?}");
        }
        all.reconcile(AT, 300 - 64 - 1 - 6).unwrap();
    }

    #[test]
    fn pending_transactions_are_found_in_order() {
        let mut c = created(200);
        (0..200).filter(|tx| ![40, 95, 96, 170].contains(tx)).for_each(|tx| c.commit(AT, NODE, tx).unwrap());
        c.forget_below(40);
        let found = |from| c.pending(from).collect::<Vec<_>>();
        assert_eq!((found(0), found(41), found(96)), (vec![40, 95, 96, 170], vec![95, 96, 170], vec![96, 170]));
        assert_eq!((found(171), found(5_000)), (vec![], vec![]));
        assert_eq!(created(33).pending(31).collect::<Vec<_>>(), [31, 32]);
        assert_eq!(created(32).pending(32).next(), None);
    }

    #[test]
    fn a_lost_transaction_is_caught_and_named() {
        let mut c = created(100);
        (0..98).for_each(|tx| c.commit(AT, NODE, tx).unwrap());
        let v = c.reconcile(AT, 1).unwrap_err();
        assert_eq!(v.what, "2 transactions are pending, but 1 are held: 1 lost");
        assert_eq!(c.find_lost([98, 3, 98]), Some(99));
        assert!(c.reconcile(AT, 3).unwrap_err().what.contains("1 held twice"));
    }

    #[test]
    fn a_reverted_transaction_may_commit_again() {
        let mut c = created(2);
        c.commit(AT, NODE, 0).unwrap();
        c.uncommit(AT, NODE, 0).unwrap();
        assert!(c.uncommit(AT, NODE, 0).is_err());
        c.commit(AT, NODE, 0).unwrap();
        c.reconcile(AT, 1).unwrap();
    }
}
