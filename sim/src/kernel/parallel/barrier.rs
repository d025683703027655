//! Where the threads of a run wait for each other: a spinning barrier.
//!
//! A window takes some hundred microseconds, a sleeping thread some tens to wake up, so waiting spins first. A thread
//! that panics releases the others, which panic too.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Rounds of spinning before the processor is offered to others.
const SPINS: u32 = 1 << 12;

/// A barrier for a fixed number of threads.
pub struct Barrier {
    threads: usize,
    arrived: AtomicUsize,
    poisoned: AtomicBool,
}

impl Barrier {
    pub fn new(threads: usize) -> Barrier {
        Barrier { threads, arrived: AtomicUsize::new(0), poisoned: AtomicBool::new(false) }
    }

    /// Waits until all threads have come here as often as this one.
    pub fn wait(&self) {
        let ticket = self.arrived.fetch_add(1, Ordering::AcqRel);
        let full = (ticket / self.threads + 1) * self.threads;
        let mut spins = 0;
        while self.arrived.load(Ordering::Acquire) < full {
            assert!(!self.poisoned.load(Ordering::Relaxed), "another thread of the run has panicked");
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// Releases all threads if it is dropped before the work is done.
    pub fn guard(&self) -> Guard<'_> {
        Guard(Some(&self.poisoned))
    }
}

/// See [`Barrier::guard`].
pub struct Guard<'b>(Option<&'b AtomicBool>);

impl Guard<'_> {
    /// The work is done.
    pub fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(poisoned) = self.0 {
            poisoned.store(true, Ordering::Relaxed);
        }
    }
}
