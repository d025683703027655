//! The arrivals of all workloads, merged in the order of time.
//!
//! Ties go by workload, then hospital, then the order of streams within the workload (writes first); arrivals of one
//! stream at the same nanosecond keep the order in which they were drawn. Each stream has random numbers of its own
//! for times and for sizes, so that switching reads off leaves writes as they were.
//! Closed loops are not here: see [`ClosedLoop`](crate::ClosedLoop).

use rand_chacha::ChaCha8Rng;

use crate::arrival::Arrival;
use crate::error::WorkloadError;
use crate::process::Window;
use crate::random::{below, unit};
use crate::size::Sizes;
use crate::source::{ENDED, Place, Source};
use crate::spec::{ArrivalMode, MAX_FACTOR, WorkloadSpec};
use crate::stream::Stream;

/// Iterator over the planned arrivals of all open workloads.
#[derive(Clone, Debug)]
pub struct Arrivals {
    sources: Vec<Source>,
    /// Time, workload, hospital and stream of each source's next arrival.
    keys: Vec<u128>,
    /// The source that comes next.
    first: usize,
    /// The smallest key of the others: up to it, the same source goes on.
    others: u128,
}

impl Arrivals {
    /// Arrivals from the start of a run at `start_ns` since Monday 00:00 until `end_ns` since the start of the run
    /// (not included; `u64::MAX` for no end), with every rate times `load`.
    ///
    /// # Errors
    /// If a workload or the load is not valid.
    pub fn new(
        specs: &[WorkloadSpec],
        load: f64,
        seed: u64,
        start_ns: u64,
        end_ns: u64,
    ) -> Result<Arrivals, WorkloadError> {
        check(specs, load)?;
        let window = Window { start_ns, end_ns };
        let mut sources = Vec::new();
        for (i, spec) in specs.iter().enumerate().filter(|(_, s)| s.arrival == ArrivalMode::Open) {
            for (j, stream) in spec.streams().into_iter().enumerate() {
                let place = Place { workload: i as u16, stream: j as u8, hospitals: spec.hospitals };
                let scaled = Stream { per_week: stream.per_week * load, ..stream };
                sources.extend(Source::new(scaled, place, seed, window));
            }
        }
        let keys = sources.iter().map(Source::key).collect();
        let mut arrivals = Arrivals { sources, keys, first: 0, others: ENDED };
        arrivals.select();
        Ok(arrivals)
    }

    /// Planned time of the next arrival, ns; `u64::MAX` where none follows.
    #[inline]
    pub fn next_at_ns(&self) -> u64 {
        self.keys.get(self.first).map_or(u64::MAX, |key| (key >> 64) as u64)
    }

    /// Takes arrivals planned up to `until_ns`, about `most` at most; none only where none follows.
    pub fn take_until(&mut self, until_ns: u64, most: usize, due: &mut Vec<Arrival>) {
        let last = u128::from(until_ns) << 64 | u128::from(u64::MAX);
        while due.len() < most && self.next_at_ns() <= until_ns.min(u64::MAX - 1) {
            self.take_run(last, due);
        }
    }

    /// Takes what the first source has drawn already, as far as it comes before all others, up to a key.
    fn take_run(&mut self, last: u128, due: &mut Vec<Arrival>) {
        let run = self.sources[self.first].drawn_until(last.min(self.others));
        due.extend_from_slice(run);
        let count = run.len();
        self.pass(count);
    }

    /// So many arrivals of the first source are handed out.
    fn pass(&mut self, count: usize) {
        let source = &mut self.sources[self.first];
        source.pass(count);
        let next = source.key();
        self.keys[self.first] = next;
        if next > self.others {
            self.select();
        }
    }

    /// Finds the next source and the smallest key of the others.
    fn select(&mut self) {
        let (mut first, mut least, mut others) = (0, ENDED, ENDED);
        for (i, key) in self.keys.iter().enumerate() {
            if *key < least {
                others = least;
                (first, least) = (i, *key);
            } else if *key < others {
                others = *key;
            }
        }
        (self.first, self.others) = (first, others);
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    #[inline]
    fn next(&mut self) -> Option<Arrival> {
        let arrival = *self.sources.get(self.first)?.next()?;
        self.pass(1);
        Some(arrival)
    }
}

fn check(specs: &[WorkloadSpec], load: f64) -> Result<(), WorkloadError> {
    if !(0.0..=MAX_FACTOR).contains(&load) {
        return Err(WorkloadError::Load { value: load, high: MAX_FACTOR });
    }
    let high = usize::from(u16::MAX);
    if specs.len() > high {
        return Err(WorkloadError::TooMany { value: specs.len(), high });
    }
    specs.iter().try_for_each(WorkloadSpec::check)
}

/// An arrival of a stream with what is the same for all of them.
pub(crate) fn blank(stream: &Stream, workload: u16) -> Arrival {
    let mut arrival = Arrival {
        at_ns: 0,
        object_bytes: 0,
        hospital: 0,
        holder: 0,
        record_bytes: 0,
        pointer_bytes: 0,
        workload,
        kind: stream.kind,
        operation: stream.operation,
    };
    if !stream.size.is_random() {
        put_sizes(&mut arrival, stream.size.at(0.5));
    }
    arrival
}

pub(crate) fn put_sizes(arrival: &mut Arrival, sizes: Sizes) {
    arrival.record_bytes = sizes.record_bytes;
    arrival.pointer_bytes = sizes.pointer_bytes;
    arrival.object_bytes = sizes.object_bytes;
}

/// The hospital that holds an object; with probability `share` one of the others, for at least 2 hospitals.
pub(crate) fn holder(rng: &mut ChaCha8Rng, share: f64, hospital: u32, hospitals: u32) -> u32 {
    let remote = unit(rng) < share;
    let distance = 1 + below(rng, hospitals - 1);
    if remote { (hospital + distance) % hospitals } else { hospital }
}

#[cfg(test)]
mod tests;
