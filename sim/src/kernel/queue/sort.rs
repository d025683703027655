//! Sorting an opened window: one counting sort on the high bits of the time, one insertion pass on the full key.
//!
//! With about as many buckets as values, nearly every value lands within a place or two of its own. A bucket that is
//! crowded, by ties or by a burst, is sorted by comparison first, so the whole is O(n log n) at worst.

use super::Event;
use super::pool::{List, Pool};

/// Up to so many values an insertion pass alone is fastest.
const FEW: usize = 24;
/// A bucket with more values than this is sorted by comparison.
const CROWD: u32 = 24;
/// So many places each value may move on average before a sort by comparison is cheaper.
const MOVES: usize = 8;
/// Most buckets, as a power of two: their counts shall stay within the second-level cache.
const MAX_BITS: u32 = 16;

/// Sorts the values of a list into `run`, whose old content goes.
///
/// `precedes` orders the values; `digit` maps a value to 0..2^`width` and never falls in that order; `counts` is scratch.
#[inline]
pub fn window<T: Copy + Default, const CHUNK: usize>(
    run: &mut Vec<T>,
    counts: &mut Vec<u32>,
    (pool, list): (&Pool<T, CHUNK>, List),
    width: u32,
    digit: impl Fn(T) -> u64,
    precedes: impl Fn(T, T) -> bool + Copy,
) {
    if list.len() <= FEW {
        run.clear();
        pool.for_each(list, |v| run.push(v));
    } else {
        scatter(run, counts, (pool, list), width, digit, precedes);
    }
    insertion(run, precedes);
}

/// Orders events by their key; linear where they are nearly in order.
#[inline]
pub fn order(events: &mut [Event]) {
    let mut moves = events.len() * MOVES;
    for i in 1..events.len() {
        let (event, mut place) = (events[i], i - 1);
        if !event.precedes(&events[place]) {
            continue;
        }
        events[i] = events[place];
        while place > 0 && event.precedes(&events[place - 1]) {
            events[place] = events[place - 1];
            place -= 1;
        }
        events[place] = event;
        moves = moves.saturating_sub(i - place);
        if moves == 0 {
            return events.sort_unstable_by_key(Event::key);
        }
    }
}

fn scatter<T: Copy + Default, const CHUNK: usize>(
    run: &mut Vec<T>,
    counts: &mut Vec<u32>,
    (pool, list): (&Pool<T, CHUNK>, List),
    width: u32,
    digit: impl Fn(T) -> u64,
    precedes: impl Fn(T, T) -> bool + Copy,
) {
    let bits = list.len().ilog2().min(width).min(MAX_BITS);
    let drop = width - bits;
    counts.clear();
    counts.resize(1 << bits, 0);
    let places = counts.as_mut_slice();
    pool.for_each(list, |v| places[(digit(v) >> drop) as usize] += 1);
    let (mut sum, mut most) = (0, 0);
    for place in places.iter_mut() {
        let count = *place;
        *place = sum;
        sum += count;
        most = most.max(count);
    }
    run.resize(list.len(), T::default());
    let sorted = run.as_mut_slice();
    pool.for_each(list, |v| {
        let place = &mut places[(digit(v) >> drop) as usize];
        sorted[*place as usize] = v;
        *place += 1;
    });
    if most > CROWD {
        sort_crowds(sorted, places, precedes);
    }
}

/// Sorts the crowded ones of the buckets that end at `ends`.
#[cold]
fn sort_crowds<T: Copy>(sorted: &mut [T], ends: &[u32], precedes: impl Fn(T, T) -> bool) {
    let mut start = 0;
    for &end in ends {
        if end - start > CROWD {
            sorted[start as usize..end as usize].sort_unstable_by(|a, b| precedes(*b, *a).cmp(&precedes(*a, *b)));
        }
        start = end;
    }
}

/// Puts every value where it belongs; linear if none is far from there.
#[inline]
fn insertion<T: Copy>(run: &mut [T], precedes: impl Fn(T, T) -> bool) {
    for i in 1..run.len() {
        let value = run[i];
        if !precedes(value, run[i - 1]) {
            continue;
        }
        let mut place = i;
        while place > 0 && precedes(value, run[place - 1]) {
            run[place] = run[place - 1];
            place -= 1;
        }
        run[place] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledgerlab_consensus::types::mix64;

    #[test]
    fn any_distribution_is_sorted() {
        let (mut run, mut counts) = (vec![], vec![]);
        for size in [0, 1, 2, 24, 25, 64, 1_000, 200_000] {
            for spread in [1_u64, 3, 1 << 10, 1 << 20] {
                let (mut pool, mut list, mut expected) = (Pool::<u64, 64>::default(), List::EMPTY, vec![]);
                for i in 0..size {
                    let value = ((mix64(i) % spread) << 32) | (mix64(i + 7) % 1_000);
                    pool.push(&mut list, value, || ());
                    expected.push(value);
                }
                expected.sort_unstable();
                window(&mut run, &mut counts, (&pool, list), 20, |v| v >> 32, |a, b| a < b);
                assert_eq!(run, expected, "{size} values over {spread} times");
            }
        }
    }
}
