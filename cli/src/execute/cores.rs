//! How the machine's cores are shared out, and what would use them better.

use ledgerlab_sim::experiment::Workers;
use ledgerlab_sim::record::RunRecord;

/// Runs with fewer arrivals of messages are over in seconds.
const LONG: u64 = 10_000_000;
/// Threads are worth their while where so many of a run's messages come in crowded windows.
const WORTH: f64 = 0.5;
/// And are not where no more do.
const WASTED: f64 = 0.2;

/// Workers for so many runs side by side, as far as the cores go; and what to say if they do not go as far as was
/// wanted.
pub fn limited(jobs: Option<usize>, threads: usize, cores: usize) -> (Workers, Option<String>) {
    let s = if cores == 1 { "" } else { "s" };
    let threads_given = threads.min(cores);
    let most = (cores / threads_given).max(1);
    let workers = Workers { jobs: Some(jobs.map_or(most, |jobs| jobs.min(most))), threads: threads_given };
    let note = match jobs {
        _ if threads > cores => Some(format!(
            "note: --threads {threads} is more than the {cores} core{s} of this machine: {cores} share a run"
        )),
        // A thread keeps a core busy all the time, so that further ones only take memory.
        Some(jobs) if jobs > most && threads == 1 => {
            Some(format!("note: --jobs {jobs} is more than the {cores} core{s} of this machine: {most} at a time"))
        }
        Some(jobs) if jobs > most => Some(format!(
            "note: --jobs {jobs} with --threads {threads} is more than the {cores} core{s} of this machine: {most} at a time"
        )),
        _ => None,
    };
    (workers, note)
}

/// What would have used the cores better, where that is known of the runs that were made.
pub fn advice(workers: Workers, runs: &[RunRecord]) -> Option<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    advice_on(cores, workers, runs)
}

fn advice_on(cores: usize, workers: Workers, runs: &[RunRecord]) -> Option<String> {
    let long: Vec<&RunRecord> = runs.iter().filter(|r| r.deliveries >= LONG).collect();
    let (crowded, all) = long.iter().fold((0, 0), |(c, d), r| (c + r.crowded, d + r.deliveries));
    if long.is_empty() {
        return None;
    }
    let (share, threads) = (crowded as f64 / all as f64, workers.threads);
    let percent = 100.0 * share;
    if threads > 1 && share <= WASTED {
        let so = format!("only {percent:.0} % of the messages came in windows crowded enough to be shared");
        return Some(format!("note: --threads {threads} cannot have helped much: {so}"));
    }
    // Cores that had no run of their own.
    let idle = cores.saturating_sub(runs.len().min(workers.jobs.unwrap_or(cores)) * threads);
    (threads == 1 && idle > 0 && share >= WORTH).then(|| {
        let so = format!("{percent:.0} % of the messages came in windows that threads can share");
        let more = (1 + idle / runs.len()).min(4);
        format!("note: {idle} of {cores} cores had no run, and {so}: unless others use them, try --threads {more}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_threads_than_cores_are_started() {
        let of = |jobs, threads, cores| {
            let (workers, note) = limited(jobs, threads, cores);
            (workers.jobs.unwrap(), workers.threads, note.is_some())
        };
        assert_eq!(
            (of(None, 1, 2), of(Some(1), 1, 2), of(Some(2), 1, 2)),
            ((2, 1, false), (1, 1, false), (2, 1, false))
        );
        assert_eq!((of(None, 2, 2), of(None, 3, 8), of(Some(2), 3, 8)), ((1, 2, false), (2, 3, false), (2, 3, false)));
        let notes = [limited(Some(1_000), 1, 2), limited(None, 5, 2), limited(Some(3), 2, 4)];
        assert_eq!(notes[1].0, Workers { jobs: Some(1), threads: 2 });
        let notes: Vec<String> = notes.into_iter().map(|(_, note)| note.unwrap()).collect();
        insta::assert_snapshot!(notes.join("\n"), @r"
        note: --jobs 1000 is more than the 2 cores of this machine: 2 at a time
        note: --threads 5 is more than the 2 cores of this machine: 2 share a run
        note: --jobs 3 with --threads 2 is more than the 4 cores of this machine: 2 at a time
        ");
    }

    fn run(deliveries: u64, crowded: u64) -> RunRecord {
        RunRecord { deliveries, crowded, ..RunRecord::default() }
    }

    #[test]
    fn threads_are_advised_where_they_pay_and_cores_are_idle() {
        let one = Workers { jobs: Some(2), threads: 1 };
        let crowded = run(20_000_000, 19_000_000);
        let advised = advice_on(2, one, std::slice::from_ref(&crowded)).unwrap();
        let wasted = advice_on(2, Workers { jobs: Some(1), threads: 2 }, &[run(20_000_000, 600_000)]).unwrap();
        insta::assert_snapshot!(format!("{advised}\n{wasted}"), @r"
        note: 1 of 2 cores had no run, and 95 % of the messages came in windows that threads can share: unless others use them, try --threads 2
        note: --threads 2 cannot have helped much: only 3 % of the messages came in windows crowded enough to be shared
        ");
        for (cores, runs) in [
            (2, vec![run(1_000_000, 900_000)]),
            (2, vec![run(20_000_000, 5_000_000)]),
            (2, vec![crowded.clone(), crowded.clone()]),
            (1, vec![crowded.clone()]),
        ] {
            assert_eq!(advice_on(cores, one, &runs), None, "{cores} cores, {runs:?}");
        }
        assert_eq!(advice_on(2, Workers { jobs: Some(1), threads: 2 }, &[crowded]), None);
    }
}
