//! Votes of a book, beside a plain map of them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::types::mix64;

#[test]
fn a_book_counts_each_validator_once_and_notices_contradictions() {
    let v = Validators::equal(130);
    let mut b = VoteBook::new(130, 8);
    let (x, y) = (Digest([1, 1]), Digest([2, 2]));
    assert_eq!(b.add(3, x, ValidatorId(129), &v), Vote::Counted(Stake(1)));
    assert_eq!(b.add(3, x, ValidatorId(129), &v), Vote::Known);
    assert_eq!(b.add(3, y, ValidatorId(129), &v), Vote::Contradicts(x));
    assert_eq!(b.add(3, y, ValidatorId(5), &v), Vote::Counted(Stake(1)));
    assert_eq!((b.weight(3, x), b.weight(3, y)), (Stake(1), Stake(1)));
    assert_eq!(b.signers(3, x).iter().collect::<Vec<_>>(), [ValidatorId(129)]);
    assert_eq!(b.add(8, x, ValidatorId(0), &v), Vote::Outside);
    b.advance(4);
    assert_eq!(b.add(3, x, ValidatorId(0), &v), Vote::Outside);
    assert_eq!(b.add(11, x, ValidatorId(0), &v), Vote::Counted(Stake(1)));
    assert_eq!(b.weight(3, x), Stake(0));
    assert_eq!(b.add(4, x, ValidatorId(130), &v), Vote::Outside);
}

#[test]
fn a_vote_that_is_counted_on_a_condition_is_counted_as_any_other() {
    let v = Validators::new((0..130).map(|i| Stake(1 + i % 3)).collect(), (0..130).map(crate::NodeId).collect());
    let (mut book, mut plain, mut counted) = (VoteBook::new(130, 8), VoteBook::new(130, 8), 0);
    for i in 0..4_000_u64 {
        let draw = mix64(i);
        let (slot, by) = (i / 400 + draw % 9, ValidatorId((draw >> 8) as u32 % 133));
        let value = Digest([7, u64::from(i > 2_000 && draw >> 40 & 0xFF == 0)]);
        let before = format!("{book:?}");
        let fine = draw >> 20 & 3 > 0;
        if book.add_if((slot, value), by, &v, |_| fine) {
            assert_eq!(plain.add(slot, value, by, &v), Vote::Counted(book.weight(slot, value)));
            counted += 1;
        } else {
            assert_eq!(format!("{book:?}"), before, "it does nothing else");
            assert_eq!(book.add(slot, value, by, &v), plain.add(slot, value, by, &v));
        }
        assert_eq!(format!("{book:?}"), format!("{plain:?}"));
        if i % 400 == 0 {
            book.advance(i / 400);
            plain.advance(i / 400);
        }
    }
    assert!(counted > 100, "{counted}");
}

/// What a book is to hold: the voters of each value, by slot.
type Plain = BTreeMap<(u64, Digest), BTreeSet<ValidatorId>>;

fn values(plain: &Plain, slot: u64) -> impl Iterator<Item = (Digest, &BTreeSet<ValidatorId>)> {
    plain.range((slot, Digest([0; 2]))..=(slot, Digest([u64::MAX; 2]))).map(|((_, value), who)| (*value, who))
}

/// A vote with which the book must do as the plain map does; `quiet` votes are counted on a condition where they can
/// be.
fn vote(
    book: &mut VoteBook,
    plain: &mut Plain,
    v: &Validators,
    (slot, value): (u64, Digest),
    by: ValidatorId,
    quiet: bool,
) -> bool {
    let weight = |who: &BTreeSet<ValidatorId>| Stake(who.iter().map(|w| v.stake(*w).0).sum());
    let inside = slot >= book.lowest && slot - book.lowest < book.window && (by.0 as usize) < v.len();
    let earlier = values(plain, slot).find(|(_, who)| who.contains(&by)).map(|(value, _)| value);
    if quiet {
        let twice = plain.keys().zip(plain.keys().skip(1)).any(|(a, b)| a.0 == b.0);
        let plainly = inside && earlier.is_none() && !twice && plain.contains_key(&(slot, value));
        let counted = book.add_if((slot, value), by, v, |after| {
            assert_eq!(after, Stake(weight(&plain[&(slot, value)]).0 + v.stake(by).0));
            true
        });
        assert_eq!(counted, plainly, "slot {slot} from {}", book.lowest);
        if counted {
            plain.entry((slot, value)).or_default().insert(by);
            return true;
        }
    }
    let expected = match earlier {
        _ if !inside => Vote::Outside,
        Some(earlier) if earlier == value => Vote::Known,
        Some(earlier) => Vote::Contradicts(earlier),
        None => {
            plain.entry((slot, value)).or_default().insert(by);
            Vote::Counted(weight(&plain[&(slot, value)]))
        }
    };
    assert_eq!(book.add(slot, value, by, v), expected, "slot {slot} from {}", book.lowest);
    false
}

/// A slot of the window, next to it or far from it, and a value of few; mostly one value a slot.
fn draw_vote(draw: u64, book: &VoteBook, unanimous: bool) -> (u64, Digest) {
    let slot = match draw % 32 {
        0 => u64::MAX,
        1 => mix64(draw),
        2 => book.lowest + (1 << ((draw >> 8) % 40)),
        3 => book.lowest.saturating_sub(1),
        _ => book.lowest + (draw >> 8) % (book.window + 2),
    };
    let other = !unanimous && (draw >> 24).is_multiple_of(16);
    (slot, Digest(if slot == u64::MAX { [0, 0] } else { [slot % 3, u64::from(other)] }))
}

#[test]
fn a_book_of_any_size_counts_as_a_plain_map_does() {
    let v = Validators::new((0..70).map(|i| Stake(1 + i % 3)).collect(), (0..70).map(crate::NodeId).collect());
    for window in [8, 12, 64] {
        let (mut book, mut plain, mut quiet, mut sizes) = (VoteBook::new(70, window), Plain::new(), 0, BTreeSet::new());
        for i in 0..12_000 {
            let draw = mix64(i + window as u64);
            let cast = draw_vote(draw, &book, i / 2_000 % 2 == 0);
            let by = ValidatorId((draw >> 40) as u32 % 72);
            quiet += u64::from(vote(&mut book, &mut plain, &v, cast, by, draw >> 60 > 3));
            if i % 100 == 0 {
                // Seldom by more than a window, seldom backwards.
                let by = [0, 1, 1, 2, 7, 3 * window as u64][(draw >> 50) as usize % 6];
                book.advance(if draw >> 56 == 0 { 0 } else { book.lowest + by });
                plain.retain(|(slot, _), _| *slot >= book.lowest);
            }
            let (slot, value) = cast;
            let who = plain.get(&cast).cloned().unwrap_or_default();
            assert_eq!(book.weight(slot, value).0, who.iter().map(|w| v.stake(*w).0).sum::<u64>());
            assert_eq!(book.signers(slot, value).iter().collect::<BTreeSet<_>>(), who);
            sizes.insert(book.mask + 1);
        }
        for ((slot, value), who) in &plain {
            assert_eq!(book.signers(*slot, *value).iter().collect::<BTreeSet<_>>(), *who);
        }
        assert!(quiet > 1_000, "{quiet} at window {window}");
        assert_eq!(sizes.last(), Some(&(window as u64).next_power_of_two()), "it grows as far as its window");
        assert_eq!(sizes.first(), Some(&8));
    }
}

#[test]
fn the_last_slot_of_all_is_never_open() {
    let (v, zero) = (Validators::equal(4), Digest([0, 0]));
    let mut b = VoteBook::new(4, 8);
    for lowest in [0, u64::MAX - 8, u64::MAX] {
        b.advance(lowest);
        assert!(!b.add_if((u64::MAX, zero), ValidatorId(0), &v, |_| true));
        assert_eq!(b.add(u64::MAX, zero, ValidatorId(0), &v), Vote::Outside);
        assert_eq!(b.weight(u64::MAX, zero), Stake(0));
    }
    assert_eq!(b.add(u64::MAX - 1, zero, ValidatorId(0), &v), Vote::Counted(Stake(1)));
}
