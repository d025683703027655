//! The pacemaker: in which view a replica is, when it gives up, and how all come into the same view again.
//!
//! A view is entered only on evidence that can be shown to others: a certificate of the view before, or a quorum's
//! new-views for it. A replica that waits in vain wishes for the first view of the next term, once more in vain for
//! the term after that, and then repeats itself. So no replica runs away from the others, and since a wish carries
//! the sender's evidence, one repetition after the network works again brings all that hear it to the highest view.

use crate::leader::{Leaders, Terms};
use crate::message::{Certificate, SharedCertificate};
use crate::protocol::Validators;
use crate::quorum::Signers;
use crate::types::{Span, Stake, ValidatorId, View};

use super::message::new_view;

/// A timeout grows to at most so many times the configured one.
pub const MOST_GROWTH: f64 = 64.0;

/// What to do after a wait in vain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wish {
    /// The view to ask for.
    pub view: View,
    /// Whether to tell everybody or only the leader of that view.
    pub everybody: bool,
}

/// View, wishes and timeout of one replica.
#[derive(Clone, Debug)]
pub struct Pacemaker {
    leaders: Leaders,
    view: View,
    entry: Option<SharedCertificate>,
    wish: View,
    wishes: Vec<View>,
    failed: u32,
    tolerated: u32,
    base: Span,
    factor: f64,
}

impl Pacemaker {
    /// In view 1, with a first timeout of `base` that grows by `factor` when more than `tolerated` leaders failed in
    /// a row.
    pub fn new(terms: Terms, validators: usize, tolerated: u32, base: Span, factor: f64) -> Pacemaker {
        let wishes = vec![0; validators];
        Pacemaker {
            leaders: Leaders::new(terms),
            view: 1,
            entry: None,
            wish: 0,
            wishes,
            failed: 0,
            tolerated,
            base,
            factor,
        }
    }
    /// Leader of a view.
    #[inline]
    pub fn leader(&self, view: View) -> ValidatorId {
        self.leaders.leader(view)
    }
    /// The present view.
    pub fn view(&self) -> View {
        self.view
    }
    /// The view wished for, 0 where none is: no vote is cast below it.
    pub fn wish(&self) -> View {
        self.wish
    }
    /// The new-views that led into the present view, if these did.
    pub fn entry(&self) -> Option<&SharedCertificate> {
        self.entry.as_ref()
    }
    /// A quorum has voted in `view`: the next one begins and wishes are forgotten. Whether this is news.
    pub fn certified(&mut self, view: View) -> bool {
        let news = view >= self.view;
        if news {
            self.view = view + 1;
            self.leaders.turn_to(self.view);
            self.entry = None;
            self.wish = 0;
        }
        news
    }
    /// A quorum wishes for the view of this certificate. Whether this is news.
    pub fn enter(&mut self, entry: &SharedCertificate) -> bool {
        let view = entry.what.major;
        let news = view > self.view;
        if news {
            self.view = view;
            self.leaders.turn_to(view);
            self.entry = Some(entry.clone());
            if self.wish <= view {
                self.wish = 0;
            }
        }
        news
    }
    /// A block became final: the leader is a good one.
    pub fn committed(&mut self) {
        self.failed = 0;
    }
    /// Connections came back: what failed before says nothing about what comes.
    pub fn reconnected(&mut self) {
        self.failed = self.failed.min(1);
    }
    /// How long to wait for a leader now.
    pub fn timeout(&self) -> Span {
        let excess = self.failed.saturating_sub(self.tolerated);
        if excess == 0 {
            return self.base;
        }
        let growth = libm::pow(self.factor, f64::from(excess)).min(MOST_GROWTH);
        Span::from_secs_f64(self.base.as_secs_f64() * growth)
    }
    /// The wait was in vain. The first time only the next leader is told, then everybody.
    pub fn expired(&mut self) -> Wish {
        let terms = self.leaders.terms();
        let first = terms.next(self.view);
        self.wish = if self.wish < first { first } else { self.wish.max(terms.next(first)) };
        self.failed = self.failed.saturating_add(1);
        Wish { view: self.wish, everybody: self.failed > 1 }
    }
    /// Takes note of a validator's latest wish.
    pub fn heard(&mut self, by: ValidatorId, view: View) {
        if let Some(w) = self.wishes.get_mut(by.0 as usize) {
            *w = view;
        }
    }
    /// The highest view above the own wish and view that more than the tolerated weight wishes for or surpasses: at
    /// least one honest replica has given up what is below, so the own wish follows.
    pub fn outvoted(&mut self, validators: &Validators, tolerated: Stake) -> Option<View> {
        let floor = self.wish.max(self.view);
        let weight_from = |view: View| -> u64 {
            self.wishes
                .iter()
                .zip(validators.iter())
                .filter(|(w, _)| **w >= view)
                .map(|(_, v)| validators.stake(v).0)
                .sum()
        };
        let view = *self.wishes.iter().filter(|w| **w > floor && weight_from(**w) > tolerated.0).max()?;
        self.wish = view;
        Some(view)
    }
    /// The certificate of a quorum's wishes for `view`, if there is one.
    pub fn quorum(&self, view: View, validators: &Validators, quorum: Stake) -> Option<SharedCertificate> {
        let mut signers = Signers::with_capacity(validators.len());
        for v in validators.iter().filter(|v| self.wishes[v.0 as usize] == view) {
            signers.add(v);
        }
        let enough = view > self.view && signers.weight(validators) >= quorum;
        enough.then(|| SharedCertificate::new(Certificate { what: new_view(view), signers }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pacemaker() -> Pacemaker {
        Pacemaker::new(Terms::new(100, 4), 4, 1, Span::secs(2), 2.0)
    }

    #[test]
    fn the_timeout_grows_only_after_more_leaders_failed_than_can_be_faulty() {
        let mut p = pacemaker();
        let spans: Vec<u64> = (0..5)
            .map(|_| {
                p.expired();
                p.timeout().0 / 1_000_000_000
            })
            .collect();
        assert_eq!(spans, [2, 4, 8, 16, 32]);
        for _ in 0..20 {
            p.expired();
        }
        assert_eq!(p.timeout(), Span::secs(128));
        p.committed();
        assert_eq!(p.timeout(), Span::secs(2));
    }

    #[test]
    fn a_replica_alone_does_not_run_away() {
        let mut p = pacemaker();
        assert_eq!(p.expired(), Wish { view: 101, everybody: false });
        assert_eq!(p.expired(), Wish { view: 201, everybody: true });
        assert_eq!(p.expired(), Wish { view: 201, everybody: true });
        assert!(p.certified(7));
        assert_eq!((p.view(), p.wish()), (8, 0));
        assert_eq!(p.expired().view, 101);
    }

    #[test]
    fn more_than_the_tolerated_pull_a_replica_along_and_a_quorum_takes_it_in() {
        let (mut p, v) = (pacemaker(), Validators::equal(4));
        p.heard(ValidatorId(1), 201);
        assert_eq!(p.outvoted(&v, Stake(1)), None);
        p.heard(ValidatorId(2), 101);
        assert_eq!(p.outvoted(&v, Stake(1)), Some(101));
        p.heard(ValidatorId(2), 201);
        assert_eq!(p.outvoted(&v, Stake(1)), Some(201));
        assert_eq!(p.quorum(201, &v, Stake(3)), None);
        p.heard(ValidatorId(0), 201);
        let entry = p.quorum(201, &v, Stake(3)).expect("three wish for it");
        assert_eq!(entry.signers.iter().map(|v| v.0).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(p.enter(&entry) && !p.enter(&entry));
        assert_eq!((p.view(), p.wish()), (201, 0));
    }
}
