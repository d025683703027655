//! Small runs whose instructions `scripts/instructions.sh` counts.
//!
//! Given a case and a length it runs the case once and prints how many events, deliveries or transactions it handled.
//! The script takes the difference of two lengths, so start-up does not count. Without a case it lists the cases.

use ledgerlab_benches::broadcast::Broadcast;
use ledgerlab_benches::engine::{accounting, pow, run, scenario};
use ledgerlab_benches::phold::{self, Size};
use ledgerlab_sim::kernel::queue::Windows;
use ledgerlab_sim::run::Engine;

/// What a case does with a length: it returns what it handled.
type Case = fn(u32) -> u64;

const CASES: [(&str, Case); 7] = [
    ("phold-1k", |length| {
        let size = Size { entities: 1_000, each: 1, events: 50_000 * u64::from(length) };
        phold::on(Windows::default(), size).1.events
    }),
    ("broadcast-100", |length| {
        let (mut model, rounds) = (Broadcast::new(100, 100), 5 * u64::from(length));
        std::hint::black_box(model.run(rounds, &mut Windows::default()));
        model.per_round() * rounds
    }),
    ("pbft-16", |length| deliveries("pbft", 16, length)),
    ("pbft-64", |length| deliveries("pbft", 64, length)),
    ("hotstuff-64", |length| deliveries("hotstuff", 64, length)),
    ("pow-64", |length| run(Engine::Fast, &pow(64, 36_000 * length)).1.deliveries),
    ("accounting", |length| run(Engine::Fast, &accounting(length)).1.cohort.created),
];

fn deliveries(protocol: &str, nodes: u32, seconds: u32) -> u64 {
    run(Engine::Fast, &scenario(protocol, nodes, 10, seconds)).1.deliveries
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [] => CASES.iter().for_each(|(name, _)| println!("{name}")),
        [name, length] => {
            let case = CASES.iter().find(|(n, _)| n == name).map(|(_, case)| case);
            let length = length.parse().ok().filter(|n| *n > 0);
            let (Some(case), Some(length)) = (case, length) else { usage() };
            println!("{}", case(length));
        }
        _ => usage(),
    }
}

fn usage() -> ! {
    eprintln!("usage: instructions [CASE LENGTH]");
    std::process::exit(2)
}
