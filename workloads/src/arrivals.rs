//! The arrivals of all workloads, merged in the order of time.
//!
//! Ties go by workload, then hospital, then the order of streams within the workload (writes first); arrivals of one
//! stream at the same nanosecond keep the order in which they were drawn. Each stream has random numbers of its own
//! for times and for sizes, so that switching reads off leaves writes as they were.
//! Closed loops are not here: see [`ClosedLoop`](crate::ClosedLoop).

use rand_chacha::ChaCha8Rng;

use crate::arrival::Arrival;
use crate::devices::{Fleet, FleetRandom};
use crate::error::WorkloadError;
use crate::process::{Poisson, Spaced, Window};
use crate::random::{Purpose, below, generator, unit};
use crate::size::{Size, Sizes};
use crate::spec::{ArrivalMode, MAX_FACTOR, WorkloadSpec};
use crate::stream::{Stream, Timing};

/// Key of a stream that has ended.
const ENDED: u128 = u128::MAX;

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
        let keys = sources.iter_mut().map(Source::advance).collect();
        let mut arrivals = Arrivals { sources, keys, first: 0, others: ENDED };
        arrivals.select();
        Ok(arrivals)
    }

    /// Planned time of the next arrival, ns; `u64::MAX` where none follows.
    #[inline]
    pub fn next_at_ns(&self) -> u64 {
        self.keys.get(self.first).map_or(u64::MAX, |key| (key >> 64) as u64)
    }

    /// The next arrival; to be asked for only where one follows.
    #[inline]
    pub fn head(&self) -> &Arrival {
        &self.sources[self.first].head
    }

    /// Goes on to the arrival after it.
    pub fn advance(&mut self) {
        let next = self.sources[self.first].advance();
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
        if self.next_at_ns() == u64::MAX {
            return None;
        }
        let arrival = *self.head();
        self.advance();
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

/// Where a stream belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) workload: u16,
    pub(crate) stream: u8,
    pub(crate) hospitals: u32,
}

#[derive(Clone, Debug)]
enum Process {
    Poisson(Box<Poisson>),
    Spaced(Spaced),
    Fleet(Box<Fleet>),
}

/// One stream with its next arrival.
#[derive(Clone, Debug)]
struct Source {
    process: Process,
    marks: ChaCha8Rng,
    /// `None` where all records have the size that is in `head`.
    size: Option<Size>,
    remote_share: f64,
    hospitals: u32,
    /// Low bits of the key.
    stream: u8,
    head: Arrival,
}

impl Source {
    /// `None` for a stream without records.
    fn new(stream: Stream, place: Place, seed: u64, window: Window) -> Option<Source> {
        if stream.per_week <= 0.0 {
            return None;
        }
        let rng = |purpose| generator(seed, place.workload, place.stream, purpose, 0);
        let process = match stream.timing {
            Timing::Poisson(profile) => {
                Process::Poisson(Box::new(Poisson::new(stream.per_week, profile, rng(Purpose::Times), window)))
            }
            Timing::Spaced => Process::Spaced(Spaced::new(stream.per_week, place.hospitals, window)),
            Timing::Devices(devices) => {
                let random = FleetRandom { times: rng(Purpose::Times), outages: rng(Purpose::Outages) };
                Process::Fleet(Box::new(Fleet::new(stream.per_week, place.hospitals, devices, random, window)))
            }
        };
        Some(Source {
            process,
            marks: rng(Purpose::Marks),
            size: stream.size.is_random().then_some(stream.size),
            remote_share: if place.hospitals > 1 { stream.remote_share } else { 0.0 },
            hospitals: place.hospitals,
            stream: place.stream,
            head: blank(&stream, place.workload),
        })
    }

    /// Draws the next arrival into `head` and returns its key.
    #[inline]
    fn advance(&mut self) -> u128 {
        let next = match &mut self.process {
            Process::Poisson(p) => match p.next() {
                Some(at_ns) if self.hospitals > 1 => Some((at_ns, below(&mut self.marks, self.hospitals))),
                at_ns => at_ns.map(|at_ns| (at_ns, 0)),
            },
            Process::Spaced(s) => s.next(),
            Process::Fleet(f) => f.next(),
        };
        let Some((at_ns, hospital)) = next else { return ENDED };
        self.head.at_ns = at_ns;
        self.head.hospital = hospital;
        self.head.holder = hospital;
        if self.remote_share > 0.0 {
            self.head.holder = holder(&mut self.marks, self.remote_share, hospital, self.hospitals);
        }
        if let Some(size) = self.size {
            put_sizes(&mut self.head, size.at(unit(&mut self.marks)));
        }
        let low = u64::from(self.head.workload) << 48 | u64::from(hospital) << 16 | u64::from(self.stream);
        u128::from(at_ns) << 64 | u128::from(low)
    }
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
