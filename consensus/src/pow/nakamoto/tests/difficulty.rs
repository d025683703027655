//! Difficulty and time rules against exact figures.

use super::{on_top, settings};
use crate::block_tree::BlockTree;
use crate::knob::KnobValue;
use crate::pow::nakamoto::Nakamoto;
use crate::pow::nakamoto::block::{Block, Header};
use crate::pow::nakamoto::rules::{FUTURE, Retarget, check, median_time_past, retarget};
use crate::protocol::{Protocol, Validators};
use crate::types::{Span, Time};

const WEEKS: Span = Span::secs(1_209_600);

#[test]
fn the_target_moves_with_the_time_taken_and_at_most_fourfold() {
    assert_eq!(retarget(1 << 40, WEEKS, WEEKS), 1 << 40);
    assert_eq!(retarget(1 << 40, Span(WEEKS.0 / 2), WEEKS), 1 << 41);
    assert_eq!(retarget(1 << 40, WEEKS * 2, WEEKS), 1 << 39);
    assert_eq!(retarget(1 << 40, Span(WEEKS.0 / 4), WEEKS), 1 << 42);
    assert_eq!(retarget(1 << 40, Span(WEEKS.0 / 100), WEEKS), 1 << 42, "clamped");
    assert_eq!(retarget(1 << 40, Span::ZERO, WEEKS), 1 << 42, "clamped");
    assert_eq!(retarget(1 << 40, WEEKS * 4, WEEKS), 1 << 38);
    assert_eq!(retarget(1 << 40, WEEKS * 100, WEEKS), 1 << 38, "clamped");
    assert_eq!(retarget(3, WEEKS * 100, WEEKS), 1, "never below 1");
    assert_eq!(retarget(u64::MAX, Span::ZERO, WEEKS), u64::MAX, "never above 64 bits");
}

/// Mines so many blocks with this much hash power, each in exactly its mean time; the interval of the last.
fn mine(rule: &Retarget, tip: &mut Header, power: u64, blocks: u64) -> u64 {
    let mut interval = 0;
    for _ in 0..blocks {
        let difficulty = rule.difficulty(tip);
        interval = difficulty / power;
        let time = tip.time + Span(interval);
        let window = rule.window_start(tip, time);
        *tip = Header { height: tip.height + 1, time, difficulty, window, ..Header::default() };
    }
    interval
}

#[test]
fn blocks_come_at_the_target_interval_again_after_a_change_of_power() {
    let interval = Span::secs(10);
    for (inner, steady) in [(false, 10e9), (true, 10e9 * 16.0 / 15.0)] {
        let rule = Retarget { interval, window: 16, inner, initial: 10_000_000_000 * 1_000 };
        let mut tip = Header::default();
        let near = |got: u64, want: f64| assert!((got as f64 / want - 1.0).abs() < 1e-6, "{got} is not {want}");
        // Genesis is the first of its window.
        near(mine(&rule, &mut tip, 1_000, 15), 10e9);
        near(mine(&rule, &mut tip, 1_000, 4 * 16), steady);
        // Threefold power: one window at a third of the interval, then the rule has caught up.
        near(mine(&rule, &mut tip, 3_000, 16), steady / 3.0);
        near(mine(&rule, &mut tip, 3_000, 16), steady);
        // A hundredth of it: a factor of 4 in each of three windows, then the rest.
        for slower in [100.0, 25.0, 6.25, 1.5625] {
            near(mine(&rule, &mut tip, 30, 16), steady * slower);
        }
        near(mine(&rule, &mut tip, 30, 2 * 16), steady);
    }
}

#[test]
fn difficulty_is_total_stake_times_interval_at_first() {
    let mut s = settings();
    s.set("interval", KnobValue::Span(Span::secs(600)));
    let c = Nakamoto::configure(&s, &Validators::equal(16));
    assert_eq!(c.retarget.difficulty(&Header::default()), 16 * 600_000_000_000);
}

#[test]
fn times_follow_the_median_and_the_wall() {
    let c = Nakamoto::configure(&settings(), &Validators::equal(4));
    let mut tree = BlockTree::new(0, std::sync::Arc::new(Block::default()));
    let mut tip = None;
    for i in 1..=20_u64 {
        let b = on_top(&c, tip.as_ref(), Span::secs(i), 0);
        tree.insert(b.header.parent, b.clone());
        tip = Some((*b).clone());
    }
    let tip = tip.expect("there are blocks");
    let node = tree.get(tip.id).expect("it was inserted");
    // Times are triangular numbers: the median of the last 11 is that of height 15.
    let median = Time(120_000_000_000);
    assert_eq!(median_time_past(&tree, node), Some(median));
    let at = |time: Time| {
        let h = Header { time, ..on_top(&c, Some(&tip), Span::ZERO, 0).header.clone() };
        check(&c.retarget, &tree, node, &h, tip.header.time)
    };
    assert_eq!(at(median), Err("a time not after the median of the last 11 blocks"));
    assert_eq!(at(median + Span(1)), Ok(()));
    assert_eq!(at(tip.header.time + FUTURE), Ok(()));
    assert_eq!(at(tip.header.time + FUTURE + Span(1)), Err("a time more than 2 h ahead"));
}
