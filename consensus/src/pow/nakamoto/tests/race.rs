//! Many miners on constant delays: intervals are exponential, and as many blocks go stale as the closed form says.
//!
//! The host here is reduced to the race: a block is delivered to everybody at once after the delay, relays are left
//! out because nobody needs them, and each miner has one pending win instead of an event.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{env, settings};
use crate::effect::{Effect, Effects, To};
use crate::knob::KnobValue;
use crate::longest_chain::ChainMessage;
use crate::message::PayloadRef;
use crate::pow::nakamoto::Nakamoto;
use crate::pow::nakamoto::block::Block;
use crate::protocol::{Protocol, Validators};
use crate::testkit::solo::Solo;
use crate::types::{Digest, NodeId, Span, Ticket, Time, Tip, mix64};

struct Race {
    miners: Vec<Solo<Nakamoto>>,
    wins: Vec<(Time, Ticket)>,
    under_way: VecDeque<(Time, u32, Arc<Block>)>,
    delay: Span,
    seed: u64,
    draws: u64,
    mined: Vec<Time>,
}

impl Race {
    fn new(n: u32, interval: Span, delay: Span, seed: u64) -> Race {
        let validators = Arc::new(Validators::equal(n));
        let mut s = settings();
        s.set("interval", KnobValue::Span(interval));
        let config = Nakamoto::configure(&s, &validators);
        let miners = (0..n).map(|i| Solo::open(env(i, &validators), &config, vec![], Tip::default())).collect();
        let wins = vec![(Time::NEVER, Ticket(0)); n as usize];
        let mut race = Race { miners, wins, under_way: VecDeque::new(), delay, seed, draws: 0, mined: vec![] };
        for i in 0..n as usize {
            let out = race.miners[i].call(|r, cx| r.on_start(cx));
            race.apply(i, Time::ZERO, out);
        }
        race
    }
    fn call(&mut self, i: usize, now: Time, f: impl FnOnce(&mut Nakamoto, &mut crate::effect::Cx<'_, Nakamoto>)) {
        self.miners[i].now = now;
        let out = self.miners[i].call(f);
        self.apply(i, now, out);
    }
    fn apply(&mut self, i: usize, now: Time, out: Effects<Nakamoto>) {
        for e in out.list {
            match e {
                Effect::Mine { ticket, difficulty } => {
                    self.draws += 1;
                    let uniform = ((mix64(self.seed ^ mix64(self.draws)) >> 11) + 1) as f64 / (1_u64 << 53) as f64;
                    self.wins[i] = (now + Span((-libm::log(uniform) * difficulty as f64) as u64), ticket);
                }
                Effect::Build { ticket, .. } => {
                    self.mined.push(now);
                    let payload = PayloadRef { root: Digest([self.mined.len() as u64, 7]), bytes: 0, count: 0 };
                    self.call(i, now, |r, cx| r.on_payload(ticket, &[payload], cx));
                }
                Effect::Send { to: To::Topic(_), message: ChainMessage::Block { block }, .. }
                    if block.header.miner.0 as usize == i =>
                {
                    self.under_way.push_back((now + self.delay, i as u32, block));
                }
                Effect::Fetch { key, .. } => panic!("everybody has {key:?}"),
                Effect::Reject { why, .. } => panic!("an honest block is refused: {why}"),
                _ => {}
            }
        }
    }
    fn run(&mut self, blocks: usize) {
        while self.mined.len() < blocks {
            let (i, (at, ticket)) =
                self.wins.iter().copied().enumerate().min_by_key(|(_, w)| w.0).expect("there are miners");
            if self.under_way.front().is_some_and(|b| b.0 <= at) {
                let (at, from, block) = self.under_way.pop_front().expect("a block is under way");
                let m = ChainMessage::from(block);
                for to in (0..self.miners.len()).filter(|to| *to as u32 != from) {
                    self.call(to, at, |r, cx| r.on_message(NodeId(from), &m, cx));
                }
            } else {
                self.wins[i].0 = Time::NEVER;
                self.call(i, at, |r, cx| r.on_mined(ticket, cx));
            }
        }
    }
}

/// Whether a count of `n` trials with probability `p` each lies within 4 standard deviations of its mean.
fn within_four_sigma(what: &str, count: usize, n: usize, p: f64) {
    let (share, sigma) = (count as f64 / n as f64, (p * (1.0 - p) / n as f64).sqrt());
    assert!((share - p).abs() < 4.0 * sigma, "{what}: {share} is not {p} within 4 x {sigma}");
}

#[test]
fn intervals_are_exponential() {
    let (n, mean) = (20_000, 10e9);
    let mut race = Race::new(16, Span::secs(10), Span::ZERO, 7);
    race.run(n + 1);
    let intervals: Vec<f64> = race.mined.windows(2).map(|w| (w[1] - w[0]).0 as f64 / mean).collect();
    let above = |x: f64| intervals.iter().filter(|i| **i > x).count();
    within_four_sigma("P(X > T)", above(1.0), n, libm::exp(-1.0));
    within_four_sigma("P(X > 2T)", above(2.0), n, libm::exp(-2.0));
    within_four_sigma("P(X > median)", above(core::f64::consts::LN_2), n, 0.5);
    let sum: f64 = intervals.iter().sum();
    assert!((sum / n as f64 - 1.0).abs() < 4.0 / (n as f64).sqrt(), "mean {}", sum / n as f64);
}

fn stale_fraction(blocks: usize, interval: Span, delay: Span, expected: f64, seed: u64) {
    let mut race = Race::new(256, interval, delay, seed);
    race.run(blocks);
    let height = race.miners.iter().map(|m| m.replica.status().height).max().unwrap_or(0) as usize;
    within_four_sigma("stale share", blocks - height, blocks, expected);
}

#[test]
fn stale_blocks_at_ten_seconds_and_one_second_delay() {
    stale_fraction(20_000, Span::secs(10), Span::secs(1), 0.1 / 1.1, 3);
}

#[test]
fn stale_blocks_at_fifteen_seconds_and_three_quarters_of_a_second_delay() {
    stale_fraction(10_000, Span::secs(15), Span::millis(750), 0.05 / 1.05, 4);
}
