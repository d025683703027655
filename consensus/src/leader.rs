//! Who leads a view: round robin in terms of several views.
//!
//! Leaders are a function of the view alone, so replicas in the same view never disagree about them. A term that
//! ends early ends by going to the first view of the next one; the views between are left out.

use crate::types::{ValidatorId, View};

/// Length of a term that no run outlives: 2^32 views of a leader, for 2^32 leaders.
const ENDLESS: u64 = 1 << 32;

/// Round robin over the validators, each leading `length` views in a row from view 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    length: u64,
    validators: u64,
}

impl Terms {
    /// Terms of `length` views, 0 for terms that never end by themselves.
    ///
    /// ```
    /// use ledgerlab_consensus::{ValidatorId, leader::Terms};
    /// let terms = Terms::new(4, 3);
    /// assert_eq!([1, 4, 5, 12, 13].map(|v| terms.leader(v).0), [0, 0, 1, 2, 0]);
    /// assert_eq!((terms.next(1), terms.next(4), terms.next(5)), (5, 5, 9));
    /// assert_eq!(Terms::new(0, 3).leader(1 << 32), ValidatorId(0));
    /// ```
    pub fn new(length: u64, validators: usize) -> Terms {
        assert!(validators > 0, "nobody to lead");
        Terms { length: if length == 0 { ENDLESS } else { length }, validators: validators as u64 }
    }
    /// Leader of a view; view 0, genesis, counts to the first term.
    pub fn leader(&self, view: View) -> ValidatorId {
        ValidatorId((view.saturating_sub(1) / self.length % self.validators) as u32)
    }
    /// First view of the term of `view`.
    fn first(&self, view: View) -> View {
        let passed = view.saturating_sub(1);
        passed - passed % self.length + 1
    }
    /// First view of the term after that of `view`.
    pub fn next(&self, view: View) -> View {
        (view.saturating_sub(1) / self.length + 1).saturating_mul(self.length).saturating_add(1)
    }
    /// Whether a term starts with this view.
    pub fn starts(&self, view: View) -> bool {
        view > 0 && (view - 1).is_multiple_of(self.length)
    }
}

/// Terms, and one of them at hand: most questions are about views of the present one, and need no division.
///
/// ```
/// use ledgerlab_consensus::leader::{Leaders, Terms};
/// let terms = Terms::new(4, 3);
/// for present in [0, 1, 4, 5, 12, u64::MAX] {
///     let mut leaders = Leaders::new(terms);
///     leaders.turn_to(present);
///     for view in (0..20).chain([u64::MAX - 1, u64::MAX]) {
///         assert_eq!(leaders.leader(view), terms.leader(view));
///     }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leaders {
    terms: Terms,
    /// First view of the term at hand.
    first: View,
    /// First view after it.
    end: View,
    leader: ValidatorId,
}

impl Leaders {
    /// The first term is at hand.
    pub fn new(terms: Terms) -> Leaders {
        Leaders { terms, first: 1, end: terms.next(1), leader: terms.leader(1) }
    }
    /// All terms.
    pub fn terms(&self) -> Terms {
        self.terms
    }
    /// Takes the term of a view at hand.
    #[inline]
    pub fn turn_to(&mut self, view: View) {
        if !self.holds(view) {
            let Leaders { terms, .. } = *self;
            *self = Leaders { terms, first: terms.first(view), end: terms.next(view), leader: terms.leader(view) };
        }
    }
    /// Leader of a view.
    #[inline]
    pub fn leader(&self, view: View) -> ValidatorId {
        if self.holds(view) { self.leader } else { self.terms.leader(view) }
    }
    #[inline]
    fn holds(&self, view: View) -> bool {
        self.first <= view && view < self.end
    }
}
