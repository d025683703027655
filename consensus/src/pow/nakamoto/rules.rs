//! Difficulty and timestamps: what a header must say on top of its parent.

use std::sync::Arc;

use crate::block_tree::Node;
use crate::longest_chain::Tree;
use crate::types::{Span, Time};

use super::block::{Block, Header};

/// Blocks whose median time a new one must exceed: Bitcoin Core's `nMedianTimeSpan`.
pub const MEDIAN_OF: usize = 11;

/// How far a block's time may be ahead of the receiver's clock: Bitcoin Core's `MAX_FUTURE_BLOCK_TIME`.
pub const FUTURE: Span = Span::secs(2 * 60 * 60);

/// The retarget rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retarget {
    /// Mean time between blocks that is aimed at.
    pub interval: Span,
    /// Blocks between two retargets; 0 keeps the difficulty.
    pub window: u64,
    /// Whether a window of n blocks is measured over its n - 1 inner intervals, as Bitcoin does.
    pub inner: bool,
    /// Difficulty of the first blocks.
    pub initial: u64,
}

impl Retarget {
    /// Difficulty of a block at `height` on top of `parent`.
    pub fn difficulty(&self, parent: &Header) -> u64 {
        let height = parent.height + 1;
        if parent.height == 0 {
            return self.initial;
        }
        if self.window == 0 || !height.is_multiple_of(self.window) {
            return parent.difficulty;
        }
        // Before the first retarget there is no block below genesis to measure from.
        let intervals = if !self.inner && height == self.window { self.window - 1 } else { self.window };
        retarget(parent.difficulty, parent.time.since(parent.window), self.interval * intervals)
    }
    /// From when the next retarget measures, for a block at `time` on top of `parent`.
    pub fn window_start(&self, parent: &Header, time: Time) -> Time {
        let first = self.window > 0 && (parent.height + 1).is_multiple_of(self.window);
        match (first, self.inner) {
            (false, _) => parent.window,
            (true, true) => time,
            (true, false) => parent.time,
        }
    }
}

/// New difficulty after `blocks` took `actual` instead of `expected`: the *target*, its inverse, is multiplied by
/// actual / expected, limited to 1/4 and 4 (Bitcoin Core, `CalculateNextWorkRequired`).
pub fn retarget(old: u64, actual: Span, expected: Span) -> u64 {
    let expected = u128::from(expected.0.max(1));
    let actual = u128::from(actual.0).clamp((expected / 4).max(1), expected * 4);
    u64::try_from(u128::from(old) * expected / actual).unwrap_or(u64::MAX).max(1)
}

/// Median time of a block and the ten below it; `None` where the tree is cut above them.
pub fn median_time_past(tree: &Tree<Header>, at: &Node<Arc<Block>>) -> Option<Time> {
    let mut times: Vec<Time> = tree.down_from(at).take(MEDIAN_OF).map(|n| n.block.header.time).collect();
    if times.len() < MEDIAN_OF && tree.root().height > 0 {
        return None;
    }
    times.sort_unstable();
    Some(times[times.len() / 2])
}

/// Whether `h` may stand on `parent`, at the wall clock's reading `wall`.
pub fn check(
    rule: &Retarget,
    tree: &Tree<Header>,
    parent: &Node<Arc<Block>>,
    h: &Header,
    wall: Time,
) -> Result<(), &'static str> {
    let below = &parent.block.header;
    if h.difficulty != rule.difficulty(below) {
        return Err("another difficulty than the retarget rule gives");
    }
    if h.work != parent.total() + u128::from(h.difficulty) {
        return Err("another total work than the parent's plus its own");
    }
    if h.window != rule.window_start(below, h.time) {
        return Err("another start of the retarget window");
    }
    if h.time > wall + FUTURE {
        return Err("a time more than 2 h ahead");
    }
    if median_time_past(tree, parent).is_some_and(|median| h.time <= median) {
        return Err("a time not after the median of the last 11 blocks");
    }
    Ok(())
}
