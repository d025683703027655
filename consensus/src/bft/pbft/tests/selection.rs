//! The rule by which a new view chooses its chain.

use std::sync::Arc;

use crate::bft::pbft::selection::{Rules, base, check, select};
use crate::bft::pbft::{COMMIT, Header, Link, PREPARE, ViewChange};
use crate::message::{Certificate, PayloadRef, Statement};
use crate::protocol::Validators;
use crate::quorum::Signers;
use crate::types::{Digest, Hashing, Stake, Tip, ValidatorId};

fn certificate(kind: u8, h: &Header, view: u64, words: u64) -> Option<Arc<Certificate>> {
    let what = Statement { kind, major: h.height, minor: view, value: h.block };
    Some(Arc::new(Certificate { what, signers: Signers::from_words(&[words]) }))
}

/// A chain of `n` blocks above `below`; another `name` gives other blocks.
fn blocks(below: Tip, n: u64, name: u64) -> Vec<Header> {
    let mut end = below;
    let mut chain = vec![];
    for _ in 0..n {
        let payload = PayloadRef { root: Digest([name, end.height]), bytes: 0, count: 0 };
        let h = Header::new(Hashing::Mix, end.height + 1, end.block, payload);
        end = h.tip();
        chain.push(h);
    }
    chain
}

/// A view change to view 9; `views[i]` is the view in which the i-th block was prepared.
fn change(by: u32, below: &[Header], chain: &[Header], views: &[Option<u64>]) -> Arc<ViewChange> {
    let link = |(h, v): (&Header, &Option<u64>)| Link {
        header: *h,
        leader: ValidatorId(v.map_or(0, |v| (v % 4) as u32)),
        prepared: v.and_then(|v| certificate(PREPARE, h, v, 0b1111 & !(1 << (v % 4)))),
    };
    let mut c = ViewChange {
        by: ValidatorId(by),
        view: 9,
        base: below.last().map_or(Tip::default(), Header::tip),
        proof: below.last().and_then(|h| certificate(COMMIT, h, 0, 0b111)),
        chain: chain.iter().zip(views).map(link).collect(),
        digest: Digest::GENESIS,
    };
    c.digest = c.content(Hashing::Mix);
    Arc::new(c)
}

fn checked(c: &ViewChange) -> Result<(), &'static str> {
    let validators = Validators::equal(4);
    check(c, &Rules { validators: &validators, quorum: Stake(3), hashing: Hashing::Mix, window: 8 })
}

#[test]
fn nothing_prepared_starts_from_the_highest_proven_block() {
    let a = blocks(Tip::default(), 3, 1);
    let votes = [change(0, &[], &[], &[]), change(1, &a, &[], &[]), change(2, &a[..1], &[], &[])];
    votes.iter().for_each(|v| checked(v).expect("sound"));
    assert_eq!(base(&votes).base, a[2].tip());
    assert!(select(&votes).is_empty());
}

#[test]
fn the_highest_view_wins_over_a_longer_chain_of_an_older_one() {
    let (a, b) = (blocks(Tip::default(), 3, 1), blocks(Tip::default(), 1, 2));
    let votes = [
        change(0, &[], &a, &[Some(1), Some(1), Some(1)]),
        change(1, &[], &b, &[Some(2)]),
        change(2, &[], &a[..1], &[Some(1)]),
    ];
    votes.iter().for_each(|v| checked(v).expect("sound"));
    assert_eq!(select(&votes), b);
}

#[test]
fn a_block_prepared_in_an_older_view_survives_above_one_of_a_newer_view() {
    // View 2 proposed the same chain again, but only its first block was prepared there; the third was perhaps
    // committed in view 1.
    let a = blocks(Tip::default(), 3, 1);
    let votes = [
        change(0, &[], &a[..1], &[Some(2)]),
        change(1, &[], &a, &[Some(1), Some(1), Some(1)]),
        change(2, &[], &[], &[]),
    ];
    votes.iter().for_each(|v| checked(v).expect("sound"));
    assert_eq!(select(&votes), a);
}

#[test]
fn a_prepared_block_brings_ancestors_without_certificates_and_none_above_it() {
    let a = blocks(Tip::default(), 4, 1);
    let votes = [change(0, &[], &a[..3], &[None, None, Some(0)]), change(1, &[], &[], &[]), change(2, &[], &[], &[])];
    votes.iter().for_each(|v| checked(v).expect("sound"));
    assert_eq!(select(&votes), a[..3]);
}

#[test]
fn a_chain_from_a_lower_base_goes_on_above_a_higher_one() {
    let a = blocks(Tip::default(), 4, 1);
    let views = [Some(0); 4];
    let votes = [change(0, &a[..2], &[], &[]), change(1, &[], &a, &views), change(2, &[], &[], &[])];
    votes.iter().for_each(|v| checked(v).expect("sound"));
    assert_eq!(base(&votes).base, a[1].tip());
    assert_eq!(select(&votes), a[2..]);
}

#[test]
fn view_changes_that_prove_nothing_are_refused() {
    let a = blocks(Tip::default(), 9, 1);
    let all = [Some(0); 9];
    let refused = |c: &ViewChange, why: &str| {
        let got = checked(c).expect_err("it must be refused");
        assert!(got.contains(why), "refused because of {got:?}");
    };
    refused(&change(7, &[], &[], &[]), "by nobody");
    refused(&change(0, &[], &a, &all), "too many");
    refused(&change(0, &[], &a[..2], &[Some(0), None]), "not prepared");
    refused(&change(0, &[], &a[1..3], &all), "not a chain");
    refused(&change(0, &[], &a[..2], &[Some(0), Some(9)]), "proves nothing");
    let with = |words: u64, leader: u32| {
        let mut c = (*change(0, &[], &a[..1], &[Some(0)])).clone();
        c.chain[0].prepared = certificate(PREPARE, &a[0], 0, words);
        c.chain[0].leader = ValidatorId(leader);
        c.digest = c.content(Hashing::Mix);
        c
    };
    assert!(checked(&with(0b0110, 0)).is_ok(), "two backups and the leader's pre-prepare");
    refused(&with(0b0010, 0), "proves nothing");
    refused(&with(0b0011, 0), "proves nothing");
    refused(&with(0b1110, 1), "proves nothing");
}
