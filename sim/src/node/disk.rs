//! A host's disk: everything written shares its bandwidth, and an fsync makes durable what was written before it.
//!
//! Fsyncs follow each other and are grouped: one begins when the last has ended and a record waits whose bytes have
//! passed to the device, and it makes all those durable that have by then.

use std::sync::Arc;

use ledgerlab_consensus::{Span, Time};

use crate::kernel::rng::{Purpose, Stream};
use crate::scenario::DiskSpec;

const SECOND: u64 = 1_000_000_000;

/// What all disks of a run have in common, stored once.
#[derive(Clone, Debug)]
pub struct Disks(Arc<(DiskSpec, Stream)>);

impl Disks {
    /// Disks of a kind.
    pub fn new(spec: DiskSpec, seed: u64) -> Disks {
        Disks(Arc::new((spec, Stream::new(seed, Purpose::Fsync))))
    }
    /// The idle disk of a host.
    pub fn of(&self, host: u32) -> Disk {
        let common = self.clone();
        Disk { common, host, syncs: 0, last: (Time::ZERO, Time::ZERO), free: Time::ZERO, bytes: 0, busy: Span::ZERO }
    }
}

/// A disk in use.
#[derive(Clone, Debug)]
pub struct Disk {
    common: Disks,
    host: u32,
    syncs: u32,
    /// The last fsync that is due: what is written before the first time, up to its beginning, joins it; and its end.
    last: (Time, Time),
    free: Time,
    bytes: u64,
    busy: Span,
}

impl Disk {
    fn spec(&self) -> &DiskSpec {
        &self.common.0.0
    }
    /// Writes without waiting; returns when the bytes have passed to the device.
    pub fn append(&mut self, at: Time, bytes: u64) -> Time {
        let bytes = (bytes as f64 * self.spec().amplification) as u64;
        self.bytes += bytes;
        let rate = self.spec().bytes_per_s;
        // What fits into 64 bits is divided there: nearly everything.
        let took = match bytes.checked_mul(SECOND) {
            Some(product) => product / rate,
            None => (u128::from(bytes) * u128::from(SECOND) / u128::from(rate)) as u64,
        };
        self.busy += Span(took);
        self.free = self.free.max(at) + Span(took);
        self.free
    }
    /// Writes a log record; returns when it is durable: at once on a disk without fsync time, as behind a cache that
    /// survives a crash.
    pub fn sync(&mut self, at: Time, bytes: u64) -> Time {
        let written = self.append(at, bytes);
        if self.spec().fsync == Span::ZERO {
            return at;
        }
        let (joins, end) = self.last;
        if written < joins {
            return end;
        }
        let begin = end.max(written);
        let end = begin + self.draw();
        self.last = (begin + Span(1), end);
        end
    }
    fn draw(&mut self) -> Span {
        self.syncs += 1;
        let fsync = self.spec().fsync.0 as f64;
        Span(self.common.0.1.lognormal(u64::from(self.host), self.syncs.into(), fsync, self.spec().fsync_sigma) as u64)
    }
    /// Bytes written, amplification included.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
    /// Share of the time up to `now` that it wrote.
    pub fn utilisation(&self, now: Time) -> f64 {
        self.busy.0.saturating_sub(self.free.since(now).0) as f64 / now.0.max(1) as f64
    }
    /// Number of fsyncs.
    pub fn syncs(&self) -> u64 {
        self.syncs.into()
    }
    /// Idle from `now` on: the machine crashed, and what had not passed to the device is lost.
    pub fn reset(&mut self, now: Time) {
        let lost = self.free.since(now);
        self.busy = Span(self.busy.0.saturating_sub(lost.0));
        let bytes = u128::from(lost.0) * u128::from(self.spec().bytes_per_s) / u128::from(SECOND);
        self.bytes = self.bytes.saturating_sub(bytes as u64);
        self.free = self.free.min(now);
        self.last = (Time::ZERO, Time::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a byte in 1 ns and syncs in 100 ns.
    fn disk(fsync: u64) -> Disk {
        let spec = DiskSpec { fsync: Span(fsync), fsync_sigma: 0.0, bytes_per_s: 1_000_000_000, amplification: 2.0 };
        Disks::new(spec, 1).of(0)
    }

    #[test]
    fn every_record_is_billed_alone_or_joining_others() {
        let mut d = disk(100);
        assert_eq!(d.sync(Time(0), 5), Time(110), "10 ns of writing, then the fsync");
        assert_eq!(d.sync(Time(20), 5), Time(210), "waits for the next");
        assert_eq!(d.sync(Time(30), 5), Time(210), "and so does this");
        assert_eq!(d.sync(Time(110), 5), Time(310), "what is written after an fsync has begun needs another");
        assert_eq!((d.bytes(), d.syncs(), d.busy), (40, 3, Span(40)));
    }

    #[test]
    fn a_record_that_is_written_too_late_for_the_waiting_fsync_takes_one_more() {
        let mut d = disk(100);
        assert_eq!(d.sync(Time(0), 5), Time(110));
        assert_eq!(d.sync(Time(20), 5), Time(210));
        // 400 ns of a block's body are in front of it.
        assert_eq!(d.append(Time(30), 200), Time(430));
        assert_eq!(d.sync(Time(40), 5), Time(540));
    }

    #[test]
    fn without_fsync_time_records_are_durable_at_once_and_billed() {
        let mut d = disk(0);
        assert_eq!(d.sync(Time(7), 50), Time(7));
        assert_eq!((d.bytes(), d.syncs(), d.busy), (100, 0, Span(100)));
    }

    #[test]
    fn a_crash_loses_what_waits_for_the_device() {
        let mut d = disk(100);
        d.append(Time(0), 50);
        assert_eq!(d.sync(Time(10), 50), Time(300));
        d.reset(Time(130));
        assert_eq!((d.bytes(), d.busy, d.free), (130, Span(130), Time(130)));
        assert!((d.utilisation(Time(260)) - 0.5).abs() < 1e-9, "{}", d.utilisation(Time(260)));
        assert_eq!(d.sync(Time(260), 5), Time(370), "nothing is left of the fsync that was due");
        d.reset(Time(1_000));
        assert_eq!((d.bytes(), d.busy), (140, Span(140)), "an idle disk loses nothing");
    }
}
