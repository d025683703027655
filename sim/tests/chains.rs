//! Chains of PoW and PoS in the full simulator against their closed forms.

#[path = "physics/chain_watch.rs"]
mod chain_watch;
#[path = "physics/lab.rs"]
mod lab;

use chain_watch::{ChainWatch, within_four_sigma};
use lab::{FREE, scenario};
use ledgerlab_sim::run::run_probed;

/// Equal miners on a full mesh whose blocks are empty but for one transaction every now and then.
const MINERS: &str = r#"
[run]
warmup = "0 s"
drain = "0 s"
[consensus]
protocol = "nakamoto"
[consensus.nakamoto]
retarget_window = 0
[network]
bandwidth = "1000 Gbit/s"
degree = 0
[mempool]
batch_delay = "0 s"
[workload.load]
kind = "fixed"
hospitals = 1
rate_tx_per_s = 0.0001
"#;

/// A run of `blocks` intervals of mean `interval_s`, with one-way delay `delay_ms`.
fn mine(miners: u32, interval_s: f64, delay_ms: f64, blocks: usize, seed: u64) -> ChainWatch {
    let own = [
        format!("consensus.nodes={miners}"),
        format!("consensus.nakamoto.interval={} ms", interval_s * 1e3),
        format!("network.rtt=constant:{} us", 2e3 * delay_ms),
        format!("run.duration={} s", (interval_s * blocks as f64) as u64),
    ];
    let keys: Vec<&str> = FREE.iter().copied().chain(own.iter().map(String::as_str)).collect();
    let mut watch = ChainWatch::default();
    run_probed(&scenario(MINERS, &keys), seed, &mut watch);
    watch
}

fn intervals_are_exponential(miners: u32, blocks: usize, seed: u64) {
    let mean = 10.0;
    let watch = mine(miners, mean, 0.0, blocks, seed);
    let made = watch.blocks();
    let intervals: Vec<f64> = made.windows(2).map(|w| (w[1].0 - w[0].0).as_secs_f64() / mean).collect();
    let n = intervals.len();
    assert!(n as f64 > 0.9 * blocks as f64, "{n} intervals");
    let above = |x: f64| intervals.iter().filter(|i| **i > x).count();
    within_four_sigma("P(X > T)", above(1.0), n, libm::exp(-1.0));
    within_four_sigma("P(X > 2T)", above(2.0), n, libm::exp(-2.0));
    within_four_sigma("P(X > median)", above(core::f64::consts::LN_2), n, 0.5);
    assert_eq!(watch.stale(), 0, "without delay nothing goes stale");
}

#[test]
fn proof_of_work_intervals_are_exponential() {
    intervals_are_exponential(4, 20_000, 2);
}

/// Share of stale blocks among `miners` equal ones, with delay D to everybody by announcement, request and body: three
/// one-way delays. A miner does not compete with itself, so only 1 - 1/miners of all power makes forks: the closed
/// form's many small miners are its limit. Everybody announces to everybody, which is why 16 of them mine here.
fn share_of_stale_blocks(miners: u32, interval_s: f64, delay_s: f64, blocks: usize, seed: u64) {
    let watch = mine(miners, interval_s, delay_s * 1e3 / 3.0, blocks, seed);
    let prompt = watch.arrivals.iter().filter(|a| (**a as f64 / 1e9 / delay_s - 1.0).abs() < 1e-4).count();
    let late = watch.arrivals.iter().filter(|a| **a as f64 / 1e9 > 1.0001 * delay_s).count();
    assert_eq!(prompt + late, watch.arrivals.len(), "no block arrives before D");
    assert!(prompt as f64 > 0.9 * watch.arrivals.len() as f64, "{prompt} arrivals after D, {late} later");
    let x = delay_s / interval_s * (1.0 - 1.0 / f64::from(miners));
    let what = format!("stale share, {miners} miners, T {interval_s} s, D {delay_s} s");
    within_four_sigma(&what, watch.stale(), watch.blocks().len(), x / (1.0 + x));
}

#[test]
fn stale_blocks_at_ten_seconds_and_one_second_delay() {
    share_of_stale_blocks(16, 10.0, 1.0, 10_000, 3);
}

#[test]
fn stale_blocks_at_fifteen_seconds_and_three_quarters_of_a_second_delay() {
    share_of_stale_blocks(16, 15.0, 0.75, 10_000, 4);
}

#[test]
#[ignore = "long: run by scripts/statistics.sh"]
fn many_seeds_proof_of_work_keeps_its_closed_forms() {
    for seed in 0..lab::seeds() {
        intervals_are_exponential(4, 20_000, seed);
        share_of_stale_blocks(16, 10.0, 1.0, 20_000, seed);
        share_of_stale_blocks(16, 15.0, 0.75, 20_000, seed);
    }
    share_of_stale_blocks(256, 10.0, 1.0, 1_000, 1);
}

/// Stakeholders of a tenth to four tenths; slots of a second, one in twenty with a winner.
const STAKEHOLDERS: &str = r#"
[run]
warmup = "0 s"
drain = "0 s"
[consensus]
protocol = "praos"
[consensus.praos]
slot = "1 s"
f = 0.05
[organisation.a]
stake = 1
[organisation.b]
stake = 2
[organisation.c]
stake = 3
[organisation.d]
stake = 4
[network]
rtt = "constant:20 ms"
[mempool]
batch_delay = "0 s"
[workload.load]
kind = "fixed"
hospitals = 1
rate_tx_per_s = 0.0001
"#;

fn slots_are_won_by_stake(slots: usize, seed: u64) {
    let duration = format!("run.duration={slots} s");
    let keys: Vec<&str> = FREE.iter().copied().chain([duration.as_str()]).collect();
    let mut watch = ChainWatch::default();
    run_probed(&scenario(STAKEHOLDERS, &keys), seed, &mut watch);
    let blocks = watch.blocks();
    let mut full: Vec<u64> = blocks.iter().map(|(at, _)| at.0 / 1_000_000_000).collect();
    full.dedup();
    within_four_sigma("empty slots", slots - full.len(), slots, 0.95);
    for node in 0..4_u32 {
        let alpha = f64::from(node + 1) / 10.0;
        let phi = 1.0 - libm::pow(0.95, alpha);
        let won = blocks.iter().filter(|(_, maker)| maker.0 == node).count();
        within_four_sigma(&format!("slots won by {alpha} of the stake"), won, slots, phi);
    }
}

#[test]
fn praos_slots_are_won_by_stake_and_mostly_empty() {
    slots_are_won_by_stake(200_000, 6);
}

#[test]
#[ignore = "long: run by scripts/statistics.sh"]
fn many_seeds_praos_slots_are_won_by_stake() {
    (0..lab::seeds()).for_each(|seed| slots_are_won_by_stake(200_000, seed));
}
