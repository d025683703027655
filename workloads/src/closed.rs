//! Closed loops: what each of a number of clients asks for next.
//!
//! The simulator decides when: a client submits, waits for the answer, thinks and submits again. What it asks for
//! depends only on seed, client and the request's number, not on how requests of different clients interleave, so
//! that runs of different protocols stay paired.

use rand_chacha::ChaCha8Rng;

use crate::arrival::Arrival;
use crate::arrivals::{blank, holder, put_sizes};
use crate::error::WorkloadError;
use crate::random::{Purpose, generator, unit};
use crate::spec::{ArrivalMode, WorkloadSpec};
use crate::stream::Stream;

/// Random words that one request may use, 32 bits each.
const WORDS: u128 = 16;

/// The clients of a closed workload.
#[derive(Clone, Debug)]
pub struct ClosedLoop {
    /// Number of clients.
    pub clients: u32,
    /// Think time between an answer and the next request, ns.
    pub think_ns: u64,
    workload: u16,
    hospitals: u32,
    /// Streams with the cumulated share of requests that are theirs.
    mix: Vec<(f64, Stream)>,
    rng: ChaCha8Rng,
}

impl ClosedLoop {
    /// The closed loop of a workload, which has this index in the scenario; `None` if its mode is open. Records are
    /// mixed by the ratio of their weekly rates.
    ///
    /// # Errors
    /// If the workload is not valid.
    pub fn new(spec: &WorkloadSpec, workload: u16, seed: u64) -> Result<Option<ClosedLoop>, WorkloadError> {
        spec.check()?;
        let ArrivalMode::Closed { clients, think_ns } = spec.arrival else { return Ok(None) };
        Ok(Some(ClosedLoop {
            clients,
            think_ns,
            workload,
            hospitals: spec.hospitals,
            mix: mix(spec),
            rng: generator(seed, workload, 0, Purpose::Client, 0),
        }))
    }

    /// The hospital to which a client belongs.
    pub fn hospital_of(&self, client: u32) -> u32 {
        client % self.hospitals
    }

    /// A client's request of this number, submitted at `at_ns`.
    pub fn draw(&self, client: u32, number: u64, at_ns: u64) -> Arrival {
        let mut rng = self.rng.clone();
        rng.set_stream(self.rng.get_stream() + u64::from(client));
        rng.set_word_pos(WORDS * u128::from(number));
        let u = unit(&mut rng);
        let i = self.mix.iter().position(|(share, _)| u < *share).unwrap_or(self.mix.len() - 1);
        let stream = &self.mix[i].1;
        let mut arrival = blank(stream, self.workload);
        arrival.at_ns = at_ns;
        arrival.hospital = self.hospital_of(client);
        arrival.holder = arrival.hospital;
        if stream.remote_share > 0.0 && self.hospitals > 1 {
            arrival.holder = holder(&mut rng, stream.remote_share, arrival.hospital, self.hospitals);
        }
        if stream.size.is_random() {
            put_sizes(&mut arrival, stream.size.at(unit(&mut rng)));
        }
        arrival
    }
}

/// Streams that have records, each with the cumulated share; the first stream alone where none has.
fn mix(spec: &WorkloadSpec) -> Vec<(f64, Stream)> {
    let streams = shares(spec);
    let mut sum = 0.0;
    let cumulated = streams.into_iter().map(|(share, stream)| {
        sum += share;
        (sum, stream)
    });
    cumulated.collect()
}

/// Share of each stream in a workload's requests, whatever its multiplier.
pub(crate) fn shares(spec: &WorkloadSpec) -> Vec<(f64, Stream)> {
    let mut spec = spec.clone();
    spec.multiplier = 1.0;
    let mut streams = spec.streams();
    let total = streams.iter().map(|s| s.per_week).sum::<f64>();
    if total <= 0.0 {
        streams.truncate(1);
        return streams.into_iter().map(|s| (1.0, s)).collect();
    }
    streams.retain(|s| s.per_week > 0.0);
    streams.into_iter().map(|s| (s.per_week / total, s)).collect()
}

#[cfg(test)]
mod tests;
