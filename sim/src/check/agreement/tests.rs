//! Correct chains pass; forked, skipped, mislinked and forgotten ones are caught.

use super::*;

const AT: Time = Time(5);

fn block(h: Height) -> Digest {
    if h == 0 { Digest::GENESIS } else { Digest([h, 7]) }
}
fn tip(h: Height) -> Tip {
    Tip { height: h, block: block(h) }
}
fn adopt(a: &mut Agreement, n: u32, h: Height) -> Outcome {
    a.adopt(AT, NodeId(n), tip(h), block(h - 1))
}
fn grow(a: &mut Agreement, n: u32, heights: std::ops::RangeInclusive<Height>) {
    for h in heights {
        adopt(a, n, h).unwrap();
        a.finalize(AT, NodeId(n), h).unwrap();
    }
}
fn what(o: Outcome) -> String {
    o.unwrap_err().to_string()
}

#[test]
fn one_chain_passes_and_memory_stays_bounded() {
    let mut a = Agreement::new(&[true; 4], Reversals::Fail);
    for h in 1..=100_000 {
        for n in 0..4 {
            grow(&mut a, n, h..=h);
        }
        assert!(a.remembered() < 5 * (KEPT + 3), "{} digests at height {h}", a.remembered());
    }
    assert_eq!(a.counts(), ReversalCounts::default());
}

#[test]
fn a_slow_node_is_compared_with_what_the_fast_ones_finalised() {
    let mut a = Agreement::new(&[true; 3], Reversals::Fail);
    grow(&mut a, 0, 1..=1_000);
    grow(&mut a, 1, 1..=500);
    grow(&mut a, 2, 1..=999);
    grow(&mut a, 1, 501..=999);
    a.adopt(AT, NodeId(2), Tip { height: 1_000, block: Digest([9, 9]) }, block(999)).unwrap();
    let text = what(a.finalize(AT, NodeId(2), 1_000));
    assert!(text.contains("at node 2") && text.contains("at height 1000"), "{text}");
    assert!(text.contains("was finalised there first"), "{text}");
}

#[test]
fn forked_commits_are_caught_and_an_adversarys_are_not() {
    for honest in [true, false] {
        let mut a = Agreement::new(&[true, honest], Reversals::Fail);
        grow(&mut a, 0, 1..=3);
        a.adopt(AT, NodeId(1), Tip { height: 1, block: Digest([1, 1]) }, Digest::GENESIS).unwrap();
        assert_eq!(a.finalize(AT, NodeId(1), 1).is_err(), honest);
        assert_eq!(a.counts().conflicts, u64::from(honest));
    }
}

#[test]
fn a_skipped_height_and_a_broken_link_are_caught() {
    let mut a = Agreement::new(&[true], Reversals::Fail);
    grow(&mut a, 0, 1..=2);
    let text = what(adopt(&mut a, 0, 4));
    assert!(text.contains("at height 4, but the next height is 3"), "{text}");
    let mut a = Agreement::new(&[true], Reversals::Fail);
    grow(&mut a, 0, 1..=2);
    let text = what(a.adopt(AT, NodeId(0), tip(3), Digest([6, 6])));
    assert!(text.contains("names parent") && text.contains("height 2"), "{text}");
}

#[test]
fn finality_never_falls_and_never_runs_ahead_of_the_chain() {
    let mut a = Agreement::new(&[true], Reversals::Fail);
    grow(&mut a, 0, 1..=5);
    assert!(what(a.finalize(AT, NodeId(0), 4)).contains("finalises height 4 after height 5"));
    assert!(what(a.finalize(AT, NodeId(0), 6)).contains("only up to height 5"));
    assert!(a.finalize(AT, NodeId(0), 5).is_ok());
}

#[test]
fn a_restarted_node_may_lose_its_tail_but_not_change_it() {
    let mut a = Agreement::new(&[true, true], Reversals::Fail);
    grow(&mut a, 0, 1..=10);
    grow(&mut a, 1, 1..=10);
    a.restart(AT, NodeId(1), tip(7)).unwrap();
    assert_eq!(a.finalised(NodeId(1)), 7);
    grow(&mut a, 1, 8..=12);
    grow(&mut a, 0, 11..=12);
    assert!(what(a.restart(AT, NodeId(1), Tip { height: 11, block: Digest([3, 3]) })).contains("restarts with block"));

    let mut a = Agreement::new(&[true, true], Reversals::Fail);
    grow(&mut a, 0, 1..=10);
    grow(&mut a, 1, 1..=9);
    a.restart(AT, NodeId(1), tip(8)).unwrap();
    grow(&mut a, 1, 9..=9);
    a.adopt(AT, NodeId(1), Tip { height: 10, block: Digest([4, 4]) }, block(9)).unwrap();
    assert!(a.finalize(AT, NodeId(1), 10).is_err());
}

#[test]
fn a_node_set_back_below_what_is_forgotten_meets_the_known_chain_again() {
    let mut a = Agreement::new(&[true, true], Reversals::Fail);
    grow(&mut a, 0, 1..=200);
    grow(&mut a, 1, 1..=200);
    a.restart(AT, NodeId(1), tip(0)).unwrap();
    grow(&mut a, 0, 201..=300);
    for h in 1..=200 {
        let forged = |h: Height| if h == 0 { Digest::GENESIS } else { Digest([h, 8]) };
        a.adopt(AT, NodeId(1), Tip { height: h, block: forged(h) }, forged(h - 1)).unwrap();
        a.finalize(AT, NodeId(1), h).unwrap();
    }
    assert!(adopt(&mut a, 1, 201).is_err(), "the real block 201 does not link to the forged block 200");
}

#[test]
fn state_transfer_is_compared_and_followed_on() {
    let mut a = Agreement::new(&[true, true, true], Reversals::Fail);
    grow(&mut a, 0, 1..=1_000);
    a.sync(AT, NodeId(1), tip(1_000)).unwrap();
    grow(&mut a, 1, 1_001..=1_002);
    assert!(what(a.sync(AT, NodeId(2), Tip { height: 900, block: Digest([1, 1]) })).contains("at height 900"));
    assert!(what(a.sync(AT, NodeId(1), tip(1_001))).contains("after height 1002"));
}

#[test]
fn a_deterministic_reversal_fails_and_a_probabilistic_one_is_counted_with_its_depth() {
    for mode in [Reversals::Fail, Reversals::Count] {
        let mut a = Agreement::new(&[true, true], mode);
        for h in 1..=10 {
            adopt(&mut a, 0, h).unwrap();
        }
        a.revert(AT, NodeId(0), 8).unwrap();
        assert_eq!((a.counts().reverts, a.counts().longest, a.counts().reversals), (1, 2, 0));
        a.finalize(AT, NodeId(0), 4).unwrap();
        // Block 3 had five on top: 4 to 8.
        let outcome = a.revert(AT, NodeId(0), 2);
        assert_eq!(outcome.is_err(), mode == Reversals::Fail);
        assert_eq!((a.counts().reversals, a.counts().deepest), (1, 5));
        a.adopt(AT, NodeId(0), Tip { height: 3, block: Digest([3, 3]) }, block(2)).unwrap();
        assert_eq!(a.finalize(AT, NodeId(0), 3).is_err(), mode == Reversals::Fail);
        assert_eq!(a.counts().conflicts, 1);
    }
}

#[test]
fn a_reversal_below_everything_remembered_is_followed_on() {
    let mut a = Agreement::new(&[true], Reversals::Count);
    grow(&mut a, 0, 1..=500);
    a.revert(AT, NodeId(0), 100).unwrap();
    assert_eq!(a.counts().deepest, 399);
    grow(&mut a, 0, 101..=120);
    assert_eq!(a.finalised(NodeId(0)), 120);
}
