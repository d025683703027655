//! No validator signs two statements that exclude each other, crash or no crash.
//!
//! The host shows every statement of the sender's own key at the moment at which a `Send` leaves the node (not the
//! answers to fetches, which repeat old ones). Kinds that the protocol does not list as exclusive are ignored.
//!
//! Memory is bounded for each validator and kind by a window of majors below the highest that it has signed. This
//! forgets safely: a contradiction of a forgotten statement is itself a statement from below the window, and any
//! such statement is reported, whether or not it contradicts. An honest validator never sends one, since it keeps
//! the binding statement in its durable log; one that lost its log in a crash starts low and is caught either way.

use std::collections::VecDeque;

use ledgerlab_consensus::quorum::excludes;
use ledgerlab_consensus::{NodeId, Signers, Statement, Time, ValidatorId};

use super::{Outcome, Violation};

/// Majors below a validator's highest whose statements are remembered, for each kind. It must be wider than the
/// protocol's window of concurrent heights: see [`Statements::with_window`].
pub const WINDOW: u64 = 1_024;

/// Statements of one validator and kind, sorted by (major, minor).
#[derive(Clone, Debug, Default)]
struct Book {
    /// Nothing below this major is remembered.
    floor: u64,
    list: VecDeque<Statement>,
}

impl Book {
    /// Whether it shows that a statement was not sent; what is forgotten may have been.
    fn lacks(&self, what: &Statement) -> bool {
        what.major >= self.floor && self.find((what.major, what.minor)).is_none_or(|s| s.value != what.value)
    }
    fn find(&self, key: (u64, u64)) -> Option<&Statement> {
        let of = |s: &Statement| (s.major, s.minor);
        let newest = self.list.back()?;
        // Where every major has one statement, as nearly always, its distance from the newest says where it is.
        let back = newest.major.saturating_sub(key.0) as usize;
        let place = self.list.len().checked_sub(1 + back);
        let guess = place.map(|i| &self.list[i]).filter(|s| of(s) == key);
        guess.or_else(|| self.list.binary_search_by_key(&key, of).ok().map(|i| &self.list[i]))
    }
}

/// The observer of all statements.
#[derive(Clone, Debug)]
pub struct Statements {
    exclusive: &'static [u8],
    window: u64,
    honest: Vec<bool>,
    /// By validator, then by position of the kind in `exclusive`.
    books: Vec<Book>,
}

impl Statements {
    /// An observer for kinds that [`ledgerlab_consensus::ProtocolInfo::exclusive`] lists and validators of which
    /// `honest` are bound by the rule.
    pub fn new(exclusive: &'static [u8], honest: &[bool]) -> Statements {
        let books = vec![Book::default(); exclusive.len() * honest.len()];
        Statements { exclusive, window: WINDOW, honest: honest.to_vec(), books }
    }
    /// The same with a window of at least so many majors, for protocols that work on many heights at once.
    pub fn with_window(mut self, majors: u64) -> Statements {
        self.window = self.window.max(majors);
        self
    }

    /// A statement of `by` leaves `node`.
    pub fn sent(&mut self, at: Time, node: NodeId, by: ValidatorId, what: &Statement) -> Outcome {
        let Some(i) = self.book(by, what.kind) else { return Ok(()) };
        let honest = self.honest[by.0 as usize];
        let book = &mut self.books[i];
        if what.major < book.floor {
            let text = format!("{}, but it has signed major {}", show(by, what), book.floor + self.window);
            return if honest { Err(fault(at, node, text)) } else { Ok(()) };
        }
        let of = |s: &Statement| (s.major, s.minor);
        let key = of(what);
        // New statements nearly always belong at the end.
        if book.list.back().is_none_or(|last| of(last) < key) {
            book.list.push_back(*what);
        } else {
            let i = book.list.partition_point(|s| of(s) < key);
            if let Some(old) = book.list.get(i).filter(|s| of(s) == key) {
                let contradiction = honest && excludes(self.exclusive, old, what);
                let text = || format!("{}, but it has signed value {:?} there", show(by, what), old.value);
                return if contradiction { Err(fault(at, node, text())) } else { Ok(()) };
            }
            book.list.insert(i, *what);
        }
        book.floor = book.floor.max(what.major.saturating_sub(self.window));
        while book.list.pop_front_if(|s| s.major < book.floor).is_some() {}
        Ok(())
    }

    /// The signers of a statement that are known not to have sent it.
    pub fn silent<'a>(&'a self, what: &'a Statement, signers: &'a Signers) -> impl Iterator<Item = ValidatorId> + 'a {
        let kind = self.exclusive.iter().position(|e| *e == what.kind);
        let book = move |v: ValidatorId| self.books.get(v.0 as usize * self.exclusive.len() + kind?);
        signers.iter().filter(move |v| book(*v).is_some_and(|b| b.lacks(what)))
    }

    /// Statements in memory.
    pub fn remembered(&self) -> usize {
        self.books.iter().map(|b| b.list.len()).sum()
    }

    fn book(&self, by: ValidatorId, kind: u8) -> Option<usize> {
        let k = self.exclusive.iter().position(|e| *e == kind)?;
        ((by.0 as usize) < self.honest.len()).then_some(by.0 as usize * self.exclusive.len() + k)
    }
}

fn show(by: ValidatorId, s: &Statement) -> String {
    format!("validator {} signs value {:?} for kind {} at ({}, {})", by.0, s.value, s.kind, s.major, s.minor)
}

fn fault(at: Time, node: NodeId, what: String) -> Violation {
    Violation { check: "statements", at, node: Some(node), what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledgerlab_consensus::Digest;

    const VOTE: u8 = 2;
    const ECHO: u8 = 3;

    fn vote(major: u64, value: u64) -> Statement {
        Statement { kind: VOTE, major, minor: 1, value: Digest([value, 0]) }
    }
    fn send(s: &mut Statements, what: Statement) -> Outcome {
        s.sent(Time(1), NodeId(4), ValidatorId(0), &what)
    }

    /// Whether a validator is known to have sent nothing of the kind.
    fn is_silent(s: &Statements, by: u32, what: &Statement) -> bool {
        let mut signer = Signers::default();
        signer.add(ValidatorId(by));
        s.silent(what, &signer).next().is_some()
    }

    #[test]
    fn a_vote_for_two_values_is_caught_and_a_repeated_one_passes() {
        let mut s = Statements::new(&[VOTE], &[true, true]);
        send(&mut s, vote(10, 1)).unwrap();
        send(&mut s, vote(10, 1)).unwrap();
        send(&mut s, vote(12, 1)).unwrap();
        send(&mut s, vote(11, 9)).unwrap();
        s.sent(Time(1), NodeId(5), ValidatorId(1), &vote(10, 2)).unwrap();
        send(&mut s, Statement { minor: 2, ..vote(10, 3) }).unwrap();
        send(&mut s, Statement { kind: ECHO, ..vote(10, 3) }).unwrap();
        for (major, value) in [(10, 2), (11, 1), (12, 2)] {
            let text = send(&mut s, vote(major, value)).unwrap_err().to_string();
            assert!(text.contains("at node 4: validator 0 signs value"), "{text}");
            assert!(text.contains(&format!("kind 2 at ({major}, 1), but it has signed value")), "{text}");
        }
    }

    #[test]
    fn a_log_forgotten_in_a_crash_is_caught_near_and_far() {
        let mut s = Statements::new(&[VOTE], &[true]);
        for h in 1..=WINDOW * 3 {
            send(&mut s, vote(h, h)).unwrap();
        }
        // After the crash it believes that it has signed nothing.
        let near = send(&mut s, vote(WINDOW * 3 - 2, 5)).unwrap_err();
        assert!(near.what.contains("but it has signed value"), "{near}");
        let far = send(&mut s, vote(1, 5)).unwrap_err();
        assert!(far.what.contains("but it has signed major 3072"), "{far}");
    }

    #[test]
    fn an_adversary_is_remembered_but_not_blamed() {
        let mut s = Statements::new(&[VOTE], &[false]);
        send(&mut s, vote(1, 1)).unwrap();
        send(&mut s, vote(1, 2)).unwrap();
        assert!(!is_silent(&s, 0, &vote(1, 1)));
    }

    #[test]
    fn what_was_signed_is_known_until_it_is_forgotten() {
        let mut s = Statements::new(&[VOTE], &[true]);
        send(&mut s, vote(1, 1)).unwrap();
        assert!(!is_silent(&s, 0, &vote(1, 1)));
        assert!(is_silent(&s, 0, &vote(1, 2)));
        assert!(is_silent(&s, 0, &vote(2, 1)));
        assert!(!is_silent(&s, 9, &vote(1, 1)));
        assert!(!is_silent(&s, 0, &Statement { kind: ECHO, ..vote(1, 1) }));
        send(&mut s, vote(WINDOW + 2, 1)).unwrap();
        assert!(!is_silent(&s, 0, &vote(1, 1)));
    }

    #[test]
    fn a_wider_window_allows_older_statements() {
        let mut s = Statements::new(&[VOTE], &[true]).with_window(10_000);
        send(&mut s, vote(20_000, 1)).unwrap();
        send(&mut s, vote(10_000, 1)).unwrap();
        assert!(send(&mut s, vote(9_999, 1)).is_err());
        assert!(send(&mut s, vote(10_000, 2)).is_err());
    }

    #[test]
    fn memory_stays_bounded_over_many_heights() {
        let mut s = Statements::new(&[VOTE], &[true]);
        for h in 1..=100_000 {
            send(&mut s, vote(h, h)).unwrap();
            assert!(s.remembered() <= WINDOW as usize + 1);
        }
    }
}
