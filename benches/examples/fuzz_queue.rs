//! Random schedules on the fast queue and the reference for as many seconds as told, each with a new seed.
//!
//! `scripts/fuzz-queue.sh` runs it. It prints how far it came, and panics with the seed and the place at the first
//! difference.

use std::time::{Duration, Instant};

use ledgerlab_sim::kernel::queue::duel::duel;
use ledgerlab_sim::kernel::queue::{Heap, Windows};

fn main() {
    let number = |i: usize| std::env::args().nth(i).map(|s| s.parse::<u64>());
    let (Some(Ok(seconds)), first) = (number(1), number(2).unwrap_or(Ok(1_000))) else {
        eprintln!("usage: fuzz_queue SECONDS [FIRST_SEED]");
        std::process::exit(2);
    };
    let first = first.expect("FIRST_SEED is a number");
    let (start, mut seed, mut events) = (Instant::now(), first, 0);
    while start.elapsed() < Duration::from_secs(seconds) {
        events += duel(seed, &mut Heap::default(), &mut Windows::default());
        seed += 1;
    }
    println!("seeds {first} to {}: {events} events popped the same", seed - 1);
}
