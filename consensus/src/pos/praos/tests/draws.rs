//! Who wins how often: phi's values, stake splitting, empty slots, rates by stake, and the epoch's nonce.

use super::{epochs_of, keeping_all, settings};
use crate::knob::KnobValue;
use crate::pos::praos::lottery::{first_nonce, input, next_nonce, phi, stir, thresholds, wins};
use crate::pos::praos::{Praos, nonce_at, seed_after};
use crate::protocol::{Protocol, Validators};
use crate::testkit::Kit;
use crate::types::{Digest, Hashing, NodeId, Span, Stake, Time};

fn close(x: f64, y: f64, tolerance: f64) {
    assert!((x - y).abs() <= tolerance, "{x} is not {y} within {tolerance}");
}

/// Whether a count of `n` trials with probability `p` each lies within 4 standard deviations of its mean.
fn within_four_sigma(what: &str, count: u64, n: u64, p: f64) {
    let (share, sigma) = (count as f64 / n as f64, (p * (1.0 - p) / n as f64).sqrt());
    assert!((share - p).abs() < 4.0 * sigma, "{what}: {share} is not {p} within 4 x {sigma}");
}

#[test]
fn phi_has_the_papers_values_and_does_not_care_how_stake_is_split() {
    close(phi(0.05, 0.1), 5.1162e-3, 5e-8);
    close(phi(0.05, 0.5), 2.532_06e-2, 5e-8);
    close(phi(0.05, 1.0), 0.05, 1e-15);
    assert_eq!(phi(0.05, 0.0), 0.0);
    for parts in [2, 10, 1_000] {
        let none = libm::pow(1.0 - phi(0.05, 0.3 / f64::from(parts)), f64::from(parts));
        close(1.0 - none, phi(0.05, 0.3), 1e-12);
    }
    // The same for the bounds that replicas draw against.
    let whole = thresholds(0.05, &Validators::new(vec![Stake(30), Stake(70)], vec![NodeId(0), NodeId(1)]));
    let split = thresholds(0.05, &Validators::new(vec![Stake(10); 10], (0..10).map(NodeId).collect()));
    let loses = |t: u64| 1.0 - t as f64 / 18_446_744_073_709_551_616.0;
    close(loses(split[0]) * loses(split[1]) * loses(split[2]), loses(whole[0]), 1e-12);
}

#[test]
fn slots_are_empty_and_won_as_often_as_stake_says() {
    // 400,000 slots drawn at once: the lottery itself, with the same keyed hash as the network below.
    let stakes = [1_u64, 2, 3, 4, 10];
    let v = Validators::new(stakes.map(Stake).to_vec(), (0..5).map(NodeId).collect());
    let (bounds, n) = (thresholds(0.05, &v), 400_000);
    let (mut won, mut empty) = ([0; 5], 0);
    for slot in 0..n {
        let mut any = false;
        for i in 0..5_usize {
            let seen = input(first_nonce(i as u64, Hashing::Mix), slot);
            let hit = wins(stir(seen, seen, Hashing::Mix), bounds[i]);
            won[i] += u64::from(hit);
            any |= hit;
        }
        empty += u64::from(!any);
    }
    within_four_sigma("empty slots", empty, n, 0.95);
    for (i, stake) in stakes.iter().enumerate() {
        within_four_sigma("slots won", won[i], n, phi(0.05, *stake as f64 / 20.0));
    }
}

#[test]
fn replicas_mint_at_the_rate_of_their_stake_and_leave_the_other_slots_empty() {
    let stakes = [1, 2, 5, 8].map(Stake).to_vec();
    let v = Validators::new(stakes.clone(), (0..4).map(NodeId).collect());
    let mut kit = Kit::<Praos>::with(v, 4, 5, |s| *s = keeping_all(2_000));
    kit.delay = Span::nanos(1);
    let slots = 20_000;
    kit.run_until(Time(200_000_000 * slots + 1));
    let minted = |i: usize| {
        let own = |r: &&std::sync::Arc<super::Block>| r.header.issuer.0 as usize == i;
        kit.nodes[i].log.iter().filter(own).collect::<Vec<_>>()
    };
    let mut taken = std::collections::BTreeSet::new();
    for (i, stake) in stakes.iter().enumerate() {
        let own = minted(i);
        within_four_sigma("slots minted in", own.len() as u64, slots, phi(0.05, stake.0 as f64 / 16.0));
        taken.extend(own.iter().map(|b| b.header.slot));
    }
    within_four_sigma("empty slots", slots - taken.len() as u64, slots, 0.95);
    assert!(kit.nodes.iter().all(|n| n.rejects.is_empty()));
}

#[test]
fn an_epochs_nonce_comes_from_the_first_two_thirds_of_the_one_before() {
    let c = Praos::configure(&epochs_of(300), &Validators::equal(4));
    let h = Hashing::Mix;
    let (x, y) = (Digest([5, 6]), Digest([7, 8]));
    let mut below = super::genesis().header;
    below.slot = 10;
    let nonce = below.nonce;
    assert_eq!(nonce_at(&c, &below, 0, h), nonce);
    let early = seed_after(&c, &below, 199, x, h);
    assert_ne!(early, seed_after(&c, &below, 199, y, h), "slot 199 counts");
    assert_eq!(seed_after(&c, &below, 200, x, h), below.seed, "slot 200 does not");
    let with_early = super::Header { seed: early, ..below.clone() };
    assert_ne!(nonce_at(&c, &with_early, 1, h), nonce_at(&c, &below, 1, h));
    assert_eq!(nonce_at(&c, &below, 1, h), next_nonce(nonce, below.seed, 1, h));
    assert_ne!(nonce_at(&c, &below, 1, h), nonce_at(&c, &below, 2, h));
    // The next epoch gathers from nothing.
    assert_eq!(seed_after(&c, &with_early, 300, x, h), stir(Digest::GENESIS, x, h));
}

#[test]
fn another_nonce_draws_other_slots() {
    let bounds = thresholds(0.05, &Validators::equal(1));
    let won = |nonce: Digest| -> Vec<u64> {
        (0..2_000).filter(|s| wins(stir(input(nonce, *s), nonce, Hashing::Mix), bounds[0])).collect()
    };
    let (a, b) = (won(first_nonce(1, Hashing::Mix)), won(first_nonce(2, Hashing::Mix)));
    assert!(a.len() > 50 && b.len() > 50);
    let both = a.iter().filter(|s| b.contains(s)).count();
    assert!(both < 20, "{both} of {} slots are the same", a.len());
}

#[test]
fn chains_of_many_epochs_use_a_nonce_for_each() {
    let mut kit = Kit::<Praos>::with(Validators::equal(4), 4, 2, |s| *s = keeping_all(100));
    kit.run_until(Time(200_000_000 * 2_000));
    let mut nonces = std::collections::BTreeMap::new();
    let tip = kit.node(NodeId(0)).tip().height;
    for b in kit.nodes[0].log.iter().filter(|b| b.header.height + 4 < tip) {
        if kit.nodes[0].chain[b.header.height as usize].block == b.id {
            let before = nonces.insert(b.header.slot / 100, b.header.nonce);
            assert!(before.is_none_or(|n| n == b.header.nonce), "two nonces in an epoch of one chain");
        }
    }
    assert!(nonces.len() >= 15, "{} epochs had blocks", nonces.len());
    let distinct: std::collections::BTreeSet<_> = nonces.values().collect();
    assert_eq!(distinct.len(), nonces.len());
    assert!(kit.nodes.iter().all(|n| n.rejects.is_empty()));
}

#[test]
fn an_epoch_lasts_ten_k_over_f_slots_and_finality_k_plus_one_blocks() {
    let s = crate::knob::Settings::new(Praos::KNOBS, false);
    let c = Praos::configure(&s, &Validators::equal(4));
    assert_eq!(c.epoch_slots, 432_000, "as on Cardano: five days");
    assert_eq!(Praos::expected_finality(&c, Span::ZERO), Span::secs(2_161 * 20));
    let mut s = settings();
    let c = Praos::configure(&s, &Validators::equal(4));
    assert_eq!(c.epoch_slots, 4_800);
    assert_eq!(Praos::expected_finality(&c, Span::ZERO), Span::secs(100));
    s.set("f", KnobValue::Number(0.1));
    assert_eq!(Praos::configure(&s, &Validators::equal(4)).epoch_slots, 2_400);
}
