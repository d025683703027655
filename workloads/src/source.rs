//! One stream's arrivals, drawn a block at a time: loops over many draws are faster than one draw after the other, and
//! nothing that is drawn depends on how many are.

use rand_chacha::ChaCha8Rng;

use crate::arrival::Arrival;
use crate::arrivals::{blank, holder, put_sizes};
use crate::devices::{Fleet, FleetRandom};
use crate::process::{Poisson, Spaced, Window};
use crate::random::{Purpose, below, generator, unit};
use crate::size::Size;
use crate::stream::{Stream, Timing};

/// Arrivals that are drawn at once: times take one buffer of the generator.
const BLOCK: usize = 32;

/// Key of a stream that has ended.
pub(crate) const ENDED: u128 = u128::MAX;

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

impl Process {
    /// Draws times and, but for a Poisson process, hospitals; says how many: less than a block once it ends.
    fn draw(&mut self, planned: &mut [(u64, u32); BLOCK]) -> usize {
        match self {
            Process::Poisson(p) => p.draw(planned),
            Process::Spaced(s) => fill(planned, || s.next()),
            Process::Fleet(f) => fill(planned, || f.next()),
        }
    }
}

fn fill<T>(places: &mut [T], mut next: impl FnMut() -> Option<T>) -> usize {
    let filled = places.iter_mut().map_while(|place| next().map(|drawn| *place = drawn));
    filled.count()
}

/// One stream with its next arrivals.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    process: Process,
    marks: ChaCha8Rng,
    /// `None` where all records have the size that is in `blank`.
    size: Option<Size>,
    remote_share: f64,
    hospitals: u32,
    /// Low bits of the key.
    stream: u8,
    /// What all arrivals have in common.
    blank: Arrival,
    /// Arrivals that are drawn already, of which the first `taken` have been handed out.
    block: Vec<Arrival>,
    taken: usize,
    /// No arrival follows those that are drawn.
    ended: bool,
}

impl Source {
    /// `None` for a stream without records.
    pub(crate) fn new(stream: Stream, place: Place, seed: u64, window: Window) -> Option<Source> {
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
        let mut source = Source {
            process,
            marks: rng(Purpose::Marks),
            size: stream.size.is_random().then_some(stream.size),
            remote_share: if place.hospitals > 1 { stream.remote_share } else { 0.0 },
            hospitals: place.hospitals,
            stream: place.stream,
            blank: blank(&stream, place.workload),
            block: Vec::with_capacity(BLOCK),
            taken: 0,
            ended: false,
        };
        source.draw_block();
        Some(source)
    }

    /// The next arrival; `None` where none follows.
    #[inline]
    pub(crate) fn next(&self) -> Option<&Arrival> {
        self.block.get(self.taken)
    }

    /// Its place among those of all streams.
    #[inline]
    pub(crate) fn key(&self) -> u128 {
        self.next().map_or(ENDED, |a| self.key_of(a))
    }

    #[inline]
    fn key_of(&self, a: &Arrival) -> u128 {
        let low = u64::from(a.workload) << 48 | u64::from(a.hospital) << 16 | u64::from(self.stream);
        u128::from(a.at_ns) << 64 | u128::from(low)
    }

    /// Those that are drawn already, up to a key.
    #[inline]
    pub(crate) fn drawn_until(&self, last: u128) -> &[Arrival] {
        let drawn = &self.block[self.taken..];
        if drawn.last().is_some_and(|a| a.at_ns < (last >> 64) as u64) {
            return drawn;
        }
        &drawn[..drawn.iter().take_while(|a| self.key_of(a) <= last).count()]
    }

    /// Hands out so many of those that are drawn already.
    #[inline]
    pub(crate) fn pass(&mut self, count: usize) {
        self.taken += count;
        if self.taken == self.block.len() {
            self.draw_block();
        }
    }

    fn draw_block(&mut self) {
        self.block.clear();
        self.taken = 0;
        if self.ended {
            return;
        }
        let mut planned = [(0, 0); BLOCK];
        let count = self.process.draw(&mut planned);
        self.ended = count < BLOCK;
        let any_hospital = self.hospitals > 1 && matches!(self.process, Process::Poisson(_));
        let (marks, blank, hospitals) = (&mut self.marks, self.blank, self.hospitals);
        let (remote_share, size) = (self.remote_share, self.size);
        self.block.extend(planned[..count].iter().map(|&(at_ns, hospital)| {
            let hospital = if any_hospital { below(marks, hospitals) } else { hospital };
            let mut a = Arrival { at_ns, hospital, holder: hospital, ..blank };
            if remote_share > 0.0 {
                a.holder = holder(marks, remote_share, hospital, hospitals);
            }
            if let Some(size) = size {
                put_sizes(&mut a, size.at(unit(marks)));
            }
            a
        }));
    }
}
