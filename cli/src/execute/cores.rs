//! How the machine's cores are shared out, and what would use them better.

use ledgerlab_sim::experiment::Workers;
use ledgerlab_sim::record::RunRecord;
use ledgerlab_sim::run::Engine;

/// Runs with fewer arrivals of messages are over in seconds.
const LONG: u64 = 10_000_000;
/// Threads pay where at least this share of a run's messages comes in windows that they can share.
const WORTH: f64 = 0.5;
/// They are in vain where at most this share does.
const WASTED: f64 = 0.2;
/// What one thread does alone bounds what more threads would gain.
const MOST_THREADS: usize = 4;

/// Cores that work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cores {
    /// Of the machine.
    pub all: usize,
    /// Runs side by side.
    pub jobs: usize,
    /// Threads that share each of them.
    pub threads: usize,
}

impl Cores {
    /// For so many runs side by side, as far as there are cores for them; and what to say if that is not as far as
    /// was wanted.
    pub fn limited(jobs: Option<usize>, threads: usize, all: usize) -> (Cores, Option<String>) {
        let s = if all == 1 { "" } else { "s" };
        let shared = threads.min(all);
        let most = (all / shared).max(1);
        let cores = Cores { all, jobs: jobs.map_or(most, |jobs| jobs.min(most)), threads: shared };
        if jobs.is_none_or(|jobs| jobs <= most) && threads == shared {
            return (cores, None);
        }
        // A thread keeps a core busy all the time, so that further ones only take memory.
        let wanted = match jobs {
            Some(jobs) if threads > 1 => format!("--jobs {jobs} with --threads {threads}"),
            Some(jobs) => format!("--jobs {jobs}"),
            None => format!("--threads {threads}"),
        };
        let so = if shared > 1 { format!(", {shared} threads each") } else { String::new() };
        let runs = if cores.jobs == 1 { "1 run".to_owned() } else { format!("{} runs", cores.jobs) };
        (cores, Some(format!("note: {wanted} is more than the {all} core{s} of this machine: {runs} at a time{so}")))
    }

    /// As the simulator takes them.
    pub fn workers(self) -> Workers {
        Workers { jobs: self.jobs, engine: Engine::on_threads(self.threads) }
    }

    /// What would have used the cores better, where that is known of the runs that were made.
    pub fn advice(self, runs: &[RunRecord]) -> Option<String> {
        let long: Vec<&RunRecord> = runs.iter().filter(|r| r.deliveries >= LONG).collect();
        let (crowded, all) = long.iter().fold((0, 0), |(c, d), r| (c + r.crowded, d + r.deliveries));
        if long.is_empty() {
            return None;
        }
        let (share, threads) = (crowded as f64 / all as f64, self.threads);
        let percent = 100.0 * share;
        if threads > 1 && share <= WASTED {
            let so = format!("only {percent:.0} % of the messages came in windows crowded enough to be shared");
            return Some(format!("note: --threads {threads} cannot have helped much: {so}"));
        }
        // Whoever asked for fewer jobs than there are runs wants to keep cores free.
        let each = (self.all / runs.len()).min(MOST_THREADS);
        (threads == 1 && self.jobs >= runs.len() && each > 1 && share >= WORTH).then(|| {
            let idle = self.all - runs.len();
            let so = format!("{percent:.0} % of the messages came in windows that threads can share");
            format!(
                "note: {idle} of {} cores had no run, and {so}: unless others use them, try --threads {each}",
                self.all
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_threads_than_cores_are_started() {
        let of = |jobs, threads, all| {
            let (cores, note) = Cores::limited(jobs, threads, all);
            (cores.jobs, cores.threads, note.is_some())
        };
        assert_eq!(
            (of(None, 1, 2), of(Some(1), 1, 2), of(Some(2), 1, 2)),
            ((2, 1, false), (1, 1, false), (2, 1, false))
        );
        assert_eq!((of(None, 2, 2), of(None, 3, 8), of(Some(2), 3, 8)), ((1, 2, false), (2, 3, false), (2, 3, false)));
        assert_eq!((of(Some(9), 5, 2), of(Some(3), 2, 4)), ((1, 2, true), (2, 2, true)));
        let wanted = [(Some(1_000), 1, 2), (None, 5, 2), (Some(9), 5, 2), (Some(3), 2, 4), (None, 2, 1)];
        let notes = wanted.map(|(jobs, threads, all)| Cores::limited(jobs, threads, all).1.unwrap());
        insta::assert_snapshot!(notes.join("\n"), @r"
        note: --jobs 1000 is more than the 2 cores of this machine: 2 runs at a time
        note: --threads 5 is more than the 2 cores of this machine: 1 run at a time, 2 threads each
        note: --jobs 9 with --threads 5 is more than the 2 cores of this machine: 1 run at a time, 2 threads each
        note: --jobs 3 with --threads 2 is more than the 4 cores of this machine: 2 runs at a time, 2 threads each
        note: --threads 2 is more than the 1 core of this machine: 1 run at a time
        ");
    }

    fn run(deliveries: u64, crowded: u64) -> RunRecord {
        RunRecord { deliveries, crowded, ..RunRecord::default() }
    }

    #[test]
    fn threads_are_advised_where_they_pay_and_cores_are_idle() {
        let of = |all, jobs, threads| Cores { all, jobs, threads };
        let crowded = |runs| vec![run(20_000_000, 19_000_000); runs];
        let said = [
            of(2, 2, 1).advice(&crowded(1)),
            of(8, 8, 1).advice(&crowded(3)),
            of(16, 16, 1).advice(&crowded(1)),
            of(2, 1, 2).advice(&[run(20_000_000, 600_000)]),
        ];
        insta::assert_snapshot!(said.map(Option::unwrap).join("\n"), @r"
        note: 1 of 2 cores had no run, and 95 % of the messages came in windows that threads can share: unless others use them, try --threads 2
        note: 5 of 8 cores had no run, and 95 % of the messages came in windows that threads can share: unless others use them, try --threads 2
        note: 15 of 16 cores had no run, and 95 % of the messages came in windows that threads can share: unless others use them, try --threads 4
        note: --threads 2 cannot have helped much: only 3 % of the messages came in windows crowded enough to be shared
        ");
        let quiet = [
            of(2, 2, 1).advice(&[run(1_000_000, 900_000)]),
            of(2, 2, 1).advice(&[run(20_000_000, 5_000_000)]),
            of(2, 2, 1).advice(&crowded(2)),
            of(8, 8, 1).advice(&crowded(6)),
            of(2, 1, 1).advice(&crowded(10)),
            of(1, 1, 1).advice(&crowded(1)),
            of(2, 1, 2).advice(&crowded(1)),
        ];
        assert!(quiet.iter().all(Option::is_none), "{quiet:?}");
    }
}
