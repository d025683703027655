//! A host's disk: everything written shares its bandwidth, and an fsync makes durable what was written before it.
//!
//! Fsyncs are grouped: a record that comes while one runs waits for the next, together with all others that do.

use ledgerlab_consensus::{Span, Time};

use crate::kernel::rng::{Purpose, Stream};
use crate::scenario::DiskSpec;

/// A disk in use.
#[derive(Clone, Debug)]
pub struct Disk {
    spec: DiskSpec,
    draws: Stream,
    host: u64,
    syncs: u64,
    /// End of the fsync that runs, and of the one behind it if records wait for that.
    running: Time,
    next: Option<Time>,
    free: Time,
    bytes: u64,
    busy: Span,
}

impl Disk {
    /// The idle disk of a host.
    pub fn new(spec: DiskSpec, seed: u64, host: u32) -> Disk {
        Disk {
            spec,
            draws: Stream::new(seed, Purpose::Fsync),
            host: u64::from(host),
            syncs: 0,
            running: Time::ZERO,
            next: None,
            free: Time::ZERO,
            bytes: 0,
            busy: Span::ZERO,
        }
    }
    /// Writes without waiting; returns when the bytes have passed to the device.
    pub fn append(&mut self, at: Time, bytes: u64) -> Time {
        let bytes = (bytes as f64 * self.spec.amplification) as u64;
        self.bytes += bytes;
        let took = u128::from(bytes) * 1_000_000_000 / u128::from(self.spec.bytes_per_s);
        self.busy += Span(took as u64);
        self.free = self.free.max(at) + Span(took as u64);
        self.free
    }
    /// Writes a log record; returns when it is durable: at once on a disk without fsync time.
    pub fn sync(&mut self, at: Time, bytes: u64) -> Time {
        if self.spec.fsync == Span::ZERO {
            return at;
        }
        if let Some(next) = self.next.filter(|_| self.running <= at) {
            self.running = next;
            self.next = None;
        }
        if self.running <= at {
            let written = self.append(at, bytes);
            self.running = written + self.draw();
            return self.running;
        }
        if let Some(next) = self.next {
            return next;
        }
        let end = self.running.max(self.append(at, bytes)) + self.draw();
        self.next = Some(end);
        end
    }
    fn draw(&mut self) -> Span {
        self.syncs += 1;
        let fsync = self.spec.fsync.0 as f64;
        Span(self.draws.lognormal(self.host, self.syncs, fsync, self.spec.fsync_sigma) as u64)
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
        self.syncs
    }
    /// Idle from `now` on: the machine restarted.
    pub fn reset(&mut self, now: Time) {
        self.running = self.running.min(now);
        self.next = None;
        self.free = self.free.min(now);
    }
}
