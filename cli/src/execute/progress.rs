//! Progress on standard error: a line for each completed replication, and how far the others have come.
//!
//! On a terminal a status line is renewed once a second; elsewhere, in a log, a plain line comes every 30 s.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use ledgerlab_consensus::{Span, Time};
use ledgerlab_sim::experiment::{Gauge, Job};
use ledgerlab_sim::record::RunRecord;
use ledgerlab_sim::scenario::Experiment;

use crate::print;

/// Between two states of the status line of a terminal.
const BLINK: Duration = Duration::from_secs(1);
/// Between two lines of a log.
const PULSE: Duration = Duration::from_secs(30);
/// Back to the start of the line, and away with what stands there.
const CLEAR: &str = "\r\x1b[K";
/// Runs that a status names.
const MOST_NAMED: usize = 2;
/// A status line is no wider: a longer one would wrap, and only its last part be renewed.
const WIDEST: usize = 118;

/// Counts completed replications and watches those that run.
pub struct Progress<'a> {
    experiment: &'a Experiment,
    total: usize,
    jobs: &'a [Job],
    gauges: &'a [Gauge],
    quiet: bool,
    terminal: bool,
    done: Mutex<usize>,
}

/// Where the runs were at a moment.
struct Sight {
    taken: Instant,
    at: Vec<Option<Time>>,
}

impl<'a> Progress<'a> {
    /// All but `jobs` of `total` are completed already; each job has its gauge.
    pub fn new(
        experiment: &'a Experiment,
        total: usize,
        jobs: &'a [Job],
        gauges: &'a [Gauge],
        quiet: bool,
    ) -> Progress<'a> {
        let done = total - jobs.len();
        if done > 0 && !quiet {
            print::err(&format!("{done} of {total} runs are completed already"));
        }
        let terminal = std::io::stderr().is_terminal();
        Progress { experiment, total, jobs, gauges, quiet, terminal, done: Mutex::new(done) }
    }

    /// Another one is completed.
    pub fn tell(&self, record: &RunRecord) {
        let mut done = self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *done += 1;
        if !self.quiet {
            let (total, point) = (self.total, label(self.experiment, record.point));
            let clear = if self.terminal { CLEAR } else { "" };
            let (replication, verdict) = (record.replication, record.verdict.word());
            print::err(&format!("{clear}{done}/{total}{point}, replication {replication}: {verdict}"));
        }
    }

    /// Does `work` and tells of it from another thread.
    pub fn shown_while<T>(&self, work: impl FnOnce() -> T) -> T {
        if self.quiet {
            return work();
        }
        std::thread::scope(|scope| {
            let (alive, ended) = channel::<()>();
            scope.spawn(move || {
                let every = if self.terminal { BLINK } else { PULSE };
                let mut last = self.look();
                while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    let now = self.look();
                    self.show(&last, &now);
                    last = now;
                }
            });
            let result = work();
            drop(alive);
            result
        })
    }

    fn look(&self) -> Sight {
        Sight { taken: Instant::now(), at: self.gauges.iter().map(Gauge::at).collect() }
    }

    fn show(&self, before: &Sight, now: &Sight) {
        // The count stays locked, so that no other line comes between.
        let done = self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(status) = self.status(*done, before, now) else { return };
        if self.terminal {
            let status: String = status.chars().take(WIDEST).collect();
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "{CLEAR}{status}");
            let _ = stderr.flush();
        } else {
            print::err(&status);
        }
    }

    /// What runs and how fast; nothing between two runs.
    fn status(&self, done: usize, before: &Sight, now: &Sight) -> Option<String> {
        let running: Vec<usize> = (0..self.jobs.len()).filter(|i| now.at[*i].is_some()).collect();
        if running.is_empty() {
            return None;
        }
        let wall_s = now.taken.duration_since(before.taken).as_secs_f64();
        let mut text = format!("{done}/{} done", self.total);
        for &i in running.iter().take(MOST_NAMED) {
            let at = now.at[i].unwrap_or(Time::ZERO);
            let speed = at.since(before.at[i].unwrap_or(Time::ZERO)).as_secs_f64() / wall_s.max(1e-9);
            let (job, place) = (&self.jobs[i], self.place(i, at));
            let point = label(self.experiment, job.point);
            let comma = if point.is_empty() { "" } else { "," };
            let _ = write!(text, ";{point}{comma} replication {}: {place}, {speed:.1} s/s", job.replication);
        }
        if running.len() > MOST_NAMED {
            let _ = write!(text, "; and {} more", running.len() - MOST_NAMED);
        }
        Some(text)
    }

    /// Simulated time against the end of the measured window, after which a run ends as soon as it can.
    fn place(&self, i: usize, at: Time) -> String {
        let scenario = &self.experiment.points[self.jobs[i].point as usize].scenario;
        let window = scenario.warmup + scenario.duration;
        let (at_s, window_s) = (at.as_secs_f64(), window.as_secs_f64());
        if at.since(Time::ZERO) > window {
            let last: Span = window + scenario.drain;
            return format!("draining at {at_s:.0} s, at most {:.0} s", last.as_secs_f64());
        }
        format!("{at_s:.0} s of {window_s:.0} s simulated")
    }
}

/// ` in key = value, ...` of a swept point, else nothing.
pub fn label(experiment: &Experiment, point: u32) -> String {
    let labels = &experiment.points[point as usize].labels;
    if labels.is_empty() {
        return String::new();
    }
    format!(" {}", labels.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledgerlab_sim::experiment::{Workers, gauges, jobs};

    const TEXT: &str = "schema = 1\n[run]\nduration = \"10 s\"\nreplications = 4\n[consensus]\n\
                        protocol = \"hotstuff\"\nnodes = 4\n[workload.plain]\nkind = \"fixed\"\n";

    fn sight(taken: Instant, at_s: &[Option<f64>]) -> Sight {
        Sight { taken, at: at_s.iter().map(|at| at.map(|s| Time::ZERO + Span::from_secs_f64(s))).collect() }
    }

    #[test]
    fn the_status_says_where_runs_are_and_how_fast() {
        let experiment = Experiment::from_text("s.toml", TEXT, &["run.drain=5 s".to_owned()]).unwrap();
        let jobs = jobs(&[&experiment.points[0].scenario]);
        let gauges = gauges(&jobs);
        let progress = Progress::new(&experiment, 4, &jobs, &gauges, false);
        let (start, later) = (Instant::now(), Instant::now() + Duration::from_secs(2));
        let before = sight(start, &[Some(4.0), Some(19.0), None, None]);
        let status = |at_s: &[Option<f64>]| progress.status(1, &before, &sight(later, at_s));
        let told = status(&[Some(9.0), Some(21.0), None, None]).unwrap();
        let both = "1/4 done; replication 0: 9 s of 20 s simulated, 2.5 s/s; \
                    replication 1: draining at 21 s, at most 25 s, 1.0 s/s";
        assert_eq!(told, both);
        let three = status(&[Some(9.0), Some(21.0), Some(3.0), None]).unwrap();
        assert_eq!(three, format!("{both}; and 1 more"));
        assert_eq!(status(&[None; 4]), None, "between two runs");
    }

    #[test]
    fn a_gauge_follows_its_run() {
        let experiment = Experiment::from_text("s.toml", TEXT, &["run.replications=1".to_owned()]).unwrap();
        let points = [&experiment.points[0].scenario];
        let jobs = jobs(&points);
        let gauges = gauges(&jobs);
        let progress = Progress::new(&experiment, 1, &jobs, &gauges, true);
        assert_eq!(gauges[0].at(), None);
        let run = || {
            let done = |_: &RunRecord| Err::<(), Option<Time>>(gauges[0].at());
            ledgerlab_sim::experiment::execute(&points, &jobs, Workers::jobs(1), &gauges, &done)
        };
        assert_eq!(progress.shown_while(run).unwrap().unwrap_err(), None, "it is over when the record is there");
    }
}
