//! A team of threads for work that is mostly one thread's: now and then it has pieces that can be done side by side.
//!
//! While the work lasts the others of the team spin, and take pieces as soon as there are any: pieces are so short that
//! waking a sleeping thread would take longer. What none of them takes the first thread does itself. A thread that is
//! stopped with a piece in its hands is waited for: teams are for cores that nobody else uses.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::Yield;
use rayon::prelude::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Rounds without a piece before the processor is offered to others.
const SPINS: u32 = 1 << 8;

/// Rounds for which a thread waits for the others of a team before it sleeps.
const PATIENCE: u32 = 1 << 12;

/// Sets its flag when the work ends, however it does.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Does some work with a team of so many threads; [`each`] in it uses them. Where they cannot be started one thread does
/// all of it.
///
/// # Panics
/// If the work panics.
pub fn lead<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    if threads < 2 {
        return work();
    }
    let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(threads).build() else { return work() };
    let (work, over) = (Mutex::new(Some(work)), AtomicBool::new(false));
    let part = |context: rayon::BroadcastContext<'_>| {
        if context.index() > 0 {
            follow(&over);
            return None;
        }
        let _ended = Ended(&over);
        let work = work.lock().expect("nobody else").take().expect("one thread leads");
        Some(work())
    };
    // A thread of another pool would take up other work of that pool while it waits.
    let apart = std::thread::scope(|s| {
        let thread = std::thread::Builder::new().spawn_scoped(s, || pool.broadcast(part));
        thread.map(std::thread::ScopedJoinHandle::join)
    });
    let mut results = match apart {
        Ok(results) => results.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(_) => pool.broadcast(part),
    };
    results.swap_remove(0).expect("the first thread leads")
}

/// Takes pieces until the work is over.
fn follow(over: &AtomicBool) {
    let mut idle = 0_u32;
    while !over.load(Ordering::Acquire) {
        idle = if rayon::yield_now() == Some(Yield::Executed) { 0 } else { idle.saturating_add(1) };
        if idle < SPINS {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}

/// Does something with each piece, side by side where a team is there.
pub fn each<T: Send>(pieces: Vec<T>, act: impl Fn(T) + Send + Sync) {
    if pieces.len() < 2 || rayon::current_thread_index().is_none() {
        return pieces.into_iter().for_each(act);
    }
    let (count, begun, done) = (pieces.len(), AtomicUsize::new(0), AtomicUsize::new(0));
    pieces.into_par_iter().with_max_len(1).for_each(|piece| {
        begun.fetch_add(1, Ordering::Relaxed);
        act(piece);
        done.fetch_add(1, Ordering::Release);
        // The others will be done soon: sleeping until then would take longer.
        let mut spins = 0;
        while begun.load(Ordering::Relaxed) == count && done.load(Ordering::Acquire) < count && spins < PATIENCE {
            std::hint::spin_loop();
            spins += 1;
        }
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_piece_is_done_once_by_whoever_has_time() {
        for threads in [1, 2, 3] {
            let mut sums = vec![0_u64; 50];
            let who = Mutex::new(BTreeSet::new());
            let of = lead(threads, || {
                for round in 0..200 {
                    each(sums.iter_mut().collect(), |sum| *sum += round);
                }
                // Two pieces that wait for each other need two threads.
                let met = std::sync::Barrier::new(threads.min(2));
                each(vec![(); threads.min(2)], |()| {
                    who.lock().unwrap().insert(rayon::current_thread_index());
                    met.wait();
                });
                7
            });
            assert_eq!((of, sums), (7, vec![199 * 100; 50]));
            assert_eq!(who.lock().unwrap().len(), threads.min(2));
        }
    }

    #[test]
    fn a_panic_in_a_piece_reaches_the_leader_whoever_does_it() {
        for bad in 0..4 {
            let work = || {
                lead(2, || {
                    each((0..4).collect(), |piece| assert!(piece != bad, "piece {piece} failed"));
                });
            };
            let panic = std::panic::catch_unwind(work).expect_err("a piece failed");
            let text = panic.downcast_ref::<String>().expect("an assertion's message");
            assert_eq!(*text, format!("piece {bad} failed"));
        }
    }

    #[test]
    fn a_team_within_another_pool_is_one_of_its_own() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let sums: Vec<u64> = pool.install(|| {
            let run = |i: u64| {
                lead(2, || {
                    let sum = std::sync::atomic::AtomicU64::new(0);
                    each((0..100).collect(), |piece: u64| {
                        sum.fetch_add(piece * i, Ordering::Relaxed);
                    });
                    sum.into_inner()
                })
            };
            (0..6_u64).into_par_iter().map(run).collect()
        });
        assert_eq!(sums, [0, 4_950, 9_900, 14_850, 19_800, 24_750]);
    }

    #[test]
    #[should_panic(expected = "the work failed")]
    fn a_panic_ends_the_team() {
        lead(2, || panic!("the work failed"));
    }
}
