//! How many blocks on top make a reversal unlikely enough.
//!
//! Proof of work: Rosenfeld's exact double-spend race. Proof of stake: the settlement bound of the longest-chain rule
//! against any strategy, since a stakeholder may sign on many branches at no cost. Both assume that blocks spread
//! faster than they are made.
//!
//! Depths are blocks on top of the block in question. Rosenfeld's n counts that block itself as the first, so n - 1
//! blocks on top would do for his figures; n are asked for here, on the safe side, and every probability is a bound.

use crate::info::Family;

/// The deepest answer.
pub const MAX_DEPTH: u64 = 100_000;

/// Active slot coefficient that the bound for proof of stake assumes: the default of Praos.
const ACTIVE_SLOTS: f64 = 0.05;

/// Most cells of the table for proof of stake; an adversary that needs more is refused.
const MAX_CELLS: usize = 1 << 16;

/// Share of power of the adversary against whom a depth is judged where the scenario names none: the first in the
/// tables of the Bitcoin paper, section 11, and the one for which six blocks became the custom.
pub const USUAL_ADVERSARY: f64 = 0.1;

/// The least probability of a reversal that is told apart from smaller ones.
pub const LEAST_REVERSAL: f64 = 1e-30;

/// Bound on the probability that an adversary with this share of hash power or stake reverts a block with `depth`
/// blocks on top; at least [`LEAST_REVERSAL`], and 0 where finality is certified and the share below a third.
///
/// `None` where no bound is known: an adversary of one half or more (of about 0.45 with proof of stake), NaN, and of
/// a third where finality is certified.
pub fn reversal_at_depth(family: Family, adversary: f64, depth: u64) -> Option<f64> {
    if !(0.0..0.5).contains(&adversary) {
        return None;
    }
    match family {
        Family::Pow => Some(rosenfeld(adversary, depth).max(LEAST_REVERSAL)),
        Family::Pos if depth == 0 => Some(1.0),
        Family::Pos => {
            let (a, size) = settlement_table(adversary, LEAST_REVERSAL)?;
            let mut bound = 1.0;
            settlement(a, size, |at, risk| {
                bound = risk;
                at == depth || risk <= LEAST_REVERSAL
            });
            Some(bound.max(LEAST_REVERSAL))
        }
        Family::Bft | Family::Dag | Family::Cft | Family::None => (adversary < 1.0 / 3.0).then_some(0.0),
    }
}

/// The least number of blocks on top with which a block is reverted with a probability of at most `reversal` by an
/// adversary with this share of hash power or stake.
///
/// `None` where no depth up to [`MAX_DEPTH`] is enough: an adversary of one half or more (of about 0.45 with proof of
/// stake, where the bound is loose), a probability of zero, NaN. Where finality is certified it is 0 below a third
/// and `None` from there on.
pub fn depth_for_risk(family: Family, adversary: f64, reversal: f64) -> Option<u64> {
    let share = (0.0..0.5).contains(&adversary);
    if !share || reversal.is_nan() || reversal <= 0.0 {
        return None;
    }
    if reversal >= 1.0 {
        return Some(0);
    }
    match family {
        Family::Pow => least(|n| rosenfeld(adversary, n) <= reversal),
        Family::Pos => settlement_depth(adversary, reversal),
        Family::Bft | Family::Dag | Family::Cft | Family::None => (adversary < 1.0 / 3.0).then_some(0),
    }
}

/// The least n up to the maximum for which a property holds that holds for all greater ones, too.
fn least(holds: impl Fn(u64) -> bool) -> Option<u64> {
    let mut high = 1;
    while !holds(high) {
        high *= 2;
        if high > MAX_DEPTH {
            return None;
        }
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// Probability that an attacker with share `q` of the hash power, one block mined in advance, overtakes a block with
/// `n` confirmations (M. Rosenfeld, "Analysis of hashrate-based double-spending", arXiv 1402.2009, equation 1):
/// 1 - sum over m = 0..n of C(m+n-1, m) (p^n q^m - p^m q^n).
///
/// Summed as positive terms, the second part and the tail of the first, so that nothing cancels.
pub fn rosenfeld(q: f64, n: u64) -> f64 {
    let p = 1.0 - q;
    if q >= p || n == 0 {
        return 1.0;
    }
    if q <= 0.0 {
        return 0.0;
    }
    let (log_p, log_q, nf) = (libm::log(p), libm::log(q), n as f64);
    let ways = |m: f64| libm::lgamma(m + nf) - libm::lgamma(m + 1.0) - libm::lgamma(nf);
    let caught_up: f64 = (0..=n).map(|m| m as f64).map(|m| libm::exp(ways(m) + m * log_p + nf * log_q)).sum();
    let mut ahead = 0.0;
    let mut m = nf + 1.0;
    let mut term = libm::exp(ways(m) + nf * log_p + m * log_q);
    while term > ahead * 1e-17 {
        ahead += term;
        term *= q * (m + nf) / (m + 1.0);
        m += 1.0;
    }
    (caught_up + ahead).min(1.0)
}

/// Nakamoto's approximation of the same, with a Poisson number of attacker blocks and none in advance (Bitcoin
/// paper, section 11): for reference.
pub fn nakamoto_section_11(q: f64, z: u64) -> f64 {
    let p = 1.0 - q;
    if q >= p {
        return 1.0;
    }
    let lambda = z as f64 * q / p;
    let (mut poisson, mut kept) = (libm::exp(-lambda), 0.0);
    for k in 0..=z {
        kept += poisson * (1.0 - libm::pow(q / p, (z - k) as f64));
        poisson *= lambda / (k + 1) as f64;
    }
    1.0 - kept
}

/// Share of active slots that are not won by exactly one honest stakeholder, with many small stakeholders and an
/// adversary of share `q`: a slot with several winners is given to the adversary, on the safe side.
pub fn adversarial_slots(q: f64, f: f64) -> f64 {
    1.0 + libm::log1p(-f) * (1.0 - q) * (1.0 - f) / f
}

/// Probability that some strategy keeps two chains of greatest length that differ in a slot which `depth` active
/// slots follow, where each active slot is adversarial with probability `a` and else has one honest leader.
///
/// The recurrence of reach and relative margin of E. Blum, A. Kiayias, C. Moore, S. Quader, A. Russell, "The
/// combinatorics of the longest-chain rule", SODA 2020 (arXiv 1911.10187), from the stationary reach. `cells` bounds
/// the table; what leaves it counts as a reversal.
fn settlement(a: f64, size: usize, mut reached: impl FnMut(u64, f64) -> bool) -> Option<u64> {
    let beta = a / (1.0 - a);
    // State: reach r in 0..size, margin m in -size..size; a margin below is held at the edge, where it is closer.
    let at = |r: usize, m: i64| r * 2 * size + (m + size as i64) as usize;
    let mut now = vec![0.0; 2 * size * size];
    for r in 0..size {
        now[at(r, r as i64)] = (1.0 - beta) * libm::pow(beta, r as f64);
    }
    let mut lost = libm::pow(beta, size as f64);
    let mut next = vec![0.0; now.len()];
    for depth in 1..=MAX_DEPTH {
        next.fill(0.0);
        for r in 0..size {
            for m in -(size as i64)..=r as i64 {
                let mass = now[at(r, m)];
                if mass == 0.0 {
                    continue;
                }
                if r + 1 < size {
                    next[at(r + 1, m + 1)] += a * mass;
                } else {
                    lost += a * mass;
                }
                let stays = m == 0 && r > 0;
                let lower = if stays { 0 } else { (m - 1).max(-(size as i64)) };
                next[at(r.saturating_sub(1), lower)] += (1.0 - a) * mass;
            }
        }
        std::mem::swap(&mut now, &mut next);
        let open: f64 = (0..size).map(|r| now[at(r, 0)..=at(r, r as i64)].iter().sum::<f64>()).sum();
        if reached(depth, open + lost) {
            return Some(depth);
        }
    }
    None
}

fn settlement_depth(q: f64, reversal: f64) -> Option<u64> {
    let (a, size) = settlement_table(q, reversal)?;
    settlement(a, size, |_, risk| risk <= reversal)
}

/// Share of adversarial slots against an adversary of share `q`, and a table for risks down to `reversal`.
fn settlement_table(q: f64, reversal: f64) -> Option<(f64, usize)> {
    let a = adversarial_slots(q, ACTIVE_SLOTS);
    if a >= 0.5 {
        return None;
    }
    let beta = a / (1.0 - a);
    // The reach exceeds the table with probability beta^size: a thousandth of what is asked for, and as little again
    // for the mass that leaves it on the way.
    let size = libm::ceil(libm::log(reversal * 1e-6) / libm::log(beta)).max(8.0) as usize;
    (2 * size * size <= MAX_CELLS).then_some((a, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(x: f64, y: f64, tolerance: f64) {
        assert!((x - y).abs() <= tolerance, "{x} is not {y} within {tolerance}");
    }

    #[test]
    fn rosenfelds_table_for_a_tenth_of_the_hash_power() {
        // Percent, arXiv 1402.2009, table 1, row 10 %.
        for (n, percent) in [(1, 20.0), (2, 5.6), (3, 1.712), (4, 0.546), (5, 0.178), (6, 0.059)] {
            close(100.0 * rosenfeld(0.1, n), percent, 5e-4);
        }
    }

    #[test]
    fn rosenfelds_sum_of_positive_terms_is_his_formula() {
        for (q, n) in [(0.02, 3), (0.1, 10), (0.3, 7), (0.4, 25), (0.48, 40)] {
            let p = 1.0_f64 - q;
            let (mut ways, mut kept) = (1.0, 0.0);
            for m in 0..=n {
                kept += ways * (p.powi(n) * q.powi(m) - p.powi(m) * q.powi(n));
                ways *= f64::from(m + n) / f64::from(m + 1);
            }
            close(rosenfeld(q, n as u64), 1.0 - kept, 1e-12);
        }
    }

    #[test]
    fn nakamotos_own_figures() {
        // Bitcoin paper, section 11, q = 0.1 and 0.3.
        close(nakamoto_section_11(0.1, 5), 0.000_913_7, 5e-8);
        close(nakamoto_section_11(0.1, 10), 0.000_001_2, 5e-8);
        close(nakamoto_section_11(0.3, 5), 0.177_352_3, 5e-8);
        close(nakamoto_section_11(0.3, 50), 0.000_000_6, 5e-8);
    }

    #[test]
    fn depths_are_the_least_that_suffice() {
        assert_eq!(depth_for_risk(Family::Pow, 0.1, 0.2001), Some(1));
        assert_eq!(depth_for_risk(Family::Pow, 0.1, 1e-3), Some(6));
        assert_eq!(depth_for_risk(Family::Pos, 0.1, 1e-3), Some(18));
        assert_eq!(depth_for_risk(Family::Pos, 0.3, 1e-3), Some(120));
        assert_eq!(depth_for_risk(Family::Pow, 0.1, 0.001_79), Some(5));
        for family in [Family::Pow, Family::Pos] {
            let mut last = 0;
            for q in [0.0, 0.05, 0.1, 0.2, 0.3, 0.4] {
                let depth = depth_for_risk(family, q, 1e-4).expect("below a half");
                assert!(depth > last || q == 0.05, "{family:?} {q}: {depth} after {last}");
                last = depth;
            }
        }
        let deep = depth_for_risk(Family::Pow, 0.49, 1e-6).expect("below a half");
        assert!(rosenfeld(0.49, deep) <= 1e-6 && rosenfeld(0.49, deep - 1) > 1e-6);
    }

    #[test]
    fn the_risk_at_a_depth_is_that_by_which_the_depth_is_chosen() {
        close(reversal_at_depth(Family::Pow, USUAL_ADVERSARY, 6).expect("a bound"), 0.000_591, 5e-7);
        for (family, q, reversal) in [(Family::Pow, 0.1, 1e-3), (Family::Pos, 0.1, 1e-3), (Family::Pos, 0.2, 1e-6)] {
            let at = |depth| reversal_at_depth(family, q, depth).expect("a bound");
            let depth = depth_for_risk(family, q, reversal).expect("a depth");
            assert!(at(depth) <= reversal && at(depth - 1) > reversal, "{family:?} {q}: {depth}");
            assert_eq!((at(0), at(2160)), (1.0, LEAST_REVERSAL));
        }
        assert_eq!(reversal_at_depth(Family::Bft, 0.1, 0), Some(0.0));
        for family in [Family::Pow, Family::Pos, Family::Bft] {
            assert_eq!(reversal_at_depth(family, 0.5, 6), None);
            assert_eq!(reversal_at_depth(family, f64::NAN, 6), None);
        }
    }

    #[test]
    fn nothing_is_deep_enough_against_half_of_the_power_or_for_certainty() {
        for family in [Family::Pow, Family::Pos, Family::Bft] {
            assert_eq!(depth_for_risk(family, 0.5, 0.1), None);
            assert_eq!(depth_for_risk(family, 0.1, 0.0), None);
            assert_eq!(depth_for_risk(family, f64::NAN, 0.1), None);
            assert_eq!(depth_for_risk(family, -0.1, 0.1), None);
            assert_eq!(depth_for_risk(family, 0.1, f64::NAN), None);
            assert_eq!(depth_for_risk(family, 0.1, 1.0), Some(0));
        }
        assert_eq!(depth_for_risk(Family::Pow, 0.499_999, 1e-9), None);
        assert_eq!(depth_for_risk(Family::Pos, 0.48, 1e-9), None);
        assert_eq!(depth_for_risk(Family::Bft, 0.3, 1e-9), Some(0));
        assert_eq!(depth_for_risk(Family::Bft, 0.34, 1e-9), None);
    }

    #[test]
    fn the_stake_bound_is_the_margin_of_all_strings() {
        // Every string of 10 slots after every string of 12, by the definition of reach and margin.
        let (a, before, after) = (0.2_f64, 12, 10);
        let mut by_depth = [0.0; 11];
        for w in 0_u32..1 << (before + after) {
            let (mut reach, mut margin) = (0_i32, 0_i32);
            let weight = a.powi(w.count_ones() as i32) * (1.0 - a).powi(22 - w.count_ones() as i32);
            for i in 0..before + after {
                if i == before {
                    margin = reach;
                }
                if w >> i & 1 == 1 {
                    (reach, margin) = (reach + 1, margin + 1);
                } else {
                    let stays = i >= before && margin == 0 && reach > 0;
                    margin -= i32::from(!stays);
                    reach = (reach - 1).max(0);
                }
                if i >= before && margin >= 0 {
                    by_depth[(i - before + 1) as usize] += weight;
                }
            }
        }
        settlement(a, 40, |depth, risk| {
            // The reach is nearly stationary after 12 slots, from below.
            let exact = by_depth[depth as usize];
            assert!((exact..exact + 0.01).contains(&risk), "depth {depth}: {risk} against {exact}");
            depth == 10
        });
    }

    #[test]
    fn adversarial_slots_are_counted_on_the_safe_side() {
        // Without an adversary, the share of active slots with two leaders or more: 1 - e^-l l / f, l = -ln(1 - f).
        close(adversarial_slots(0.0, 0.05), 1.0 - 0.95 * 0.051_293_294_387_550_58 / 0.05, 1e-12);
        assert!(adversarial_slots(0.3, 0.05) > 0.3);
    }
}
