//! Fair sharing: the connections that have something to send share the link equally, at every moment.
//!
//! Processor sharing by virtual time: each class of urgency counts the work that every connection in service has had,
//! so a transmission ends when the count reaches what it was at its beginning plus its own size, however many come and
//! go in between. All is integers: work in bit/s times nanoseconds, shared in fixed point (2^-16), rounded so that
//! nobody is ever ahead. O(log n) for each transmission.
//!
//! Limits: links know nothing of each other, so a connection that another link holds back leaves its share here
//! unused, or here takes what it has not yet got; and what came in on an idle link before its last byte passes in the
//! order of the last bytes.

use std::collections::{BTreeMap, VecDeque};

use ledgerlab_consensus::{LANES, Span, Time};

use super::rate::BYTE_NS;
use super::{Connection, Parcel, Rate};

/// Fraction bits of shared work.
const POINT: u32 = 16;

/// Something that has passed.
#[derive(Clone, Copy, Debug)]
pub struct Passed<T> {
    pub at: Time,
    /// Since when the link was busy.
    pub since: Time,
    pub bytes: u32,
    pub what: T,
}

#[derive(Clone, Debug)]
struct Job<T> {
    /// Work that is left to do.
    work: u128,
    bytes: u32,
    what: T,
}

/// Connections of one urgency.
#[derive(Clone, Debug)]
struct Class<T> {
    /// Work that each connection in service has had since somebody was there.
    had: u128,
    /// Connections in service, by what `had` will be when their first job is done, then in order of beginning.
    ends: BTreeMap<(u128, u64), Connection>,
    jobs: BTreeMap<Connection, VecDeque<Job<T>>>,
}

impl<T> Default for Class<T> {
    fn default() -> Self {
        Class { had: 0, ends: BTreeMap::new(), jobs: BTreeMap::new() }
    }
}

/// A link that is shared equally.
#[derive(Clone, Debug)]
pub struct Fair<T> {
    rate: Rate,
    now: Time,
    classes: [Class<T>; LANES],
    /// What has not come yet: senders hand over what leaves when they are done with their step.
    coming: BTreeMap<(Time, u64), (u8, Connection, Job<T>)>,
    sequence: u64,
    /// Begin of the busy period, or end of the last one.
    since: Time,
    busy: Span,
    bytes: u64,
    appointment: (Time, u64),
}

impl<T> Fair<T> {
    /// An idle link.
    pub fn new(rate: Rate) -> Fair<T> {
        Fair {
            rate,
            now: Time::ZERO,
            classes: std::array::from_fn(|_| Class::default()),
            coming: BTreeMap::new(),
            sequence: 0,
            since: Time::ZERO,
            busy: Span::ZERO,
            bytes: 0,
            appointment: (Time::NEVER, 0),
        }
    }

    /// Takes something in. On an idle link a receiver has taken what came before the last byte: it has passed if that
    /// is all. The result then says since when the link was busy, when that ended, and when the last byte came.
    pub fn carry(&mut self, parcel: Parcel<T>) -> Option<Passed<Time>> {
        let Parcel { there: (first, last), bytes, connection, class, what } = parcel;
        let mut job = Job { work: (u128::from(bytes) * u128::from(BYTE_NS)) << POINT, bytes, what };
        if self.rate.is_unlimited() {
            self.bytes += u64::from(bytes);
            return Some(Passed { at: last, since: last, bytes, what: last });
        }
        if first < last && self.is_idle() && self.coming.is_empty() {
            let (since, now) = (self.since.max(first), self.now.max(last));
            let end = since + self.rate.carry(u64::from(bytes));
            if end <= now {
                self.bytes += u64::from(bytes);
                self.busy += end - since;
                self.since = end;
                return Some(Passed { at: end, since, bytes, what: last });
            }
            (self.since, self.now) = (since, now);
            job.work = job.work.saturating_sub(self.work_in(now.since(since)));
            self.begin(class, connection, job);
            return None;
        }
        self.sequence += 1;
        self.coming.insert((last, self.sequence), (class, connection, job));
        None
    }

    /// When something will change, and the number of that appointment, where it is another than before.
    pub fn watch(&mut self) -> Option<(Time, u64)> {
        let next = self.next_at();
        if next == self.appointment.0 {
            return None;
        }
        self.appointment = (next, self.appointment.1 + 1);
        (next != Time::NEVER).then_some(self.appointment)
    }

    /// Keeps an appointment, unless another one has replaced it: what has passed by `at`.
    pub fn keep(&mut self, at: Time, appointment: u64) -> Vec<Passed<T>> {
        let mut passed = vec![];
        if appointment != self.appointment.1 {
            return passed;
        }
        self.appointment.0 = Time::NEVER;
        loop {
            let (end, next) = (self.end_at(), self.next_at());
            if next > at {
                return passed;
            }
            self.run_to(next);
            if end == next {
                self.complete(&mut passed);
            } else if let Some((_, (class, connection, job))) = self.coming.pop_first() {
                if self.is_idle() {
                    self.since = self.now;
                }
                self.begin(class, connection, job);
            }
        }
    }

    /// Takes a node's connections off the link; what waits on them is lost.
    pub fn forget(&mut self, now: Time, node: u32) -> Vec<T> {
        let was_idle = self.is_idle();
        self.run_to(now.max(self.now));
        let mut lost = vec![];
        for c in &mut self.classes {
            c.ends.retain(|_, connection| connection.0 != node);
            let of_node = c.jobs.extract_if((node, 0, 0)..(node + 1, 0, 0), |_, _| true);
            lost.extend(of_node.flat_map(|(_, jobs)| jobs).map(|j| j.what));
            c.rest();
        }
        let coming = self.coming.extract_if(.., |_, (_, connection, _)| connection.0 == node);
        lost.extend(coming.map(|(_, (.., job))| job.what));
        if !was_idle && self.is_idle() {
            self.end_busy();
        }
        lost
    }

    /// Bytes that have passed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
    /// For how long it was busy up to `now`.
    pub fn busy(&self, now: Time) -> Span {
        if self.is_idle() { self.busy } else { self.busy + now.since(self.since) }
    }

    fn is_idle(&self) -> bool {
        self.classes.iter().all(|c| c.ends.is_empty())
    }
    fn end_busy(&mut self) {
        self.busy += self.now.since(self.since);
        self.since = self.now;
    }
    /// Work that the whole link does in a time.
    fn work_in(&self, time: Span) -> u128 {
        (u128::from(self.rate.per_s()) * u128::from(time.0)) << POINT
    }
    fn served(&self) -> Option<&Class<T>> {
        self.classes.iter().find(|c| !c.ends.is_empty())
    }
    /// When the next job is done if nothing comes before.
    fn end_at(&self) -> Time {
        let Some(c) = self.served() else { return Time::NEVER };
        let left = c.ends.first_key_value().map_or(0, |((end, _), _)| end.saturating_sub(c.had));
        self.now + Span((left * c.ends.len() as u128).div_ceil(self.work_in(Span(1))) as u64)
    }
    fn next_at(&self) -> Time {
        let coming = self.coming.first_key_value().map_or(Time::NEVER, |((at, _), _)| *at);
        self.end_at().min(coming.max(self.now))
    }
    /// Serves until `at`, which is not after the end of any job by more than a part of a nanosecond.
    fn run_to(&mut self, at: Time) {
        let work = self.work_in(at.since(self.now));
        if let Some(c) = self.classes.iter_mut().find(|c| !c.ends.is_empty()) {
            c.had += work / c.ends.len() as u128;
        }
        self.now = at;
    }
    fn begin(&mut self, class: u8, connection: Connection, job: Job<T>) {
        self.sequence += 1;
        let c = &mut self.classes[class as usize];
        let jobs = c.jobs.entry(connection).or_default();
        if jobs.is_empty() {
            c.ends.insert((c.had + job.work, self.sequence), connection);
        }
        jobs.push_back(job);
    }
    /// Ends the jobs that are done now; the next ones on their connections begin.
    fn complete(&mut self, passed: &mut Vec<Passed<T>>) {
        let Some(class) = self.classes.iter().position(|c| !c.ends.is_empty()) else { return };
        loop {
            let c = &mut self.classes[class];
            let Some(first) = c.ends.first_entry().filter(|e| e.key().0 <= c.had) else { break };
            let connection = first.remove();
            let Some(jobs) = c.jobs.get_mut(&connection) else { continue };
            if let Some(job) = jobs.pop_front() {
                self.bytes += u64::from(job.bytes);
                passed.push(Passed { at: self.now, since: self.since, bytes: job.bytes, what: job.what });
            }
            match jobs.front() {
                Some(next) => {
                    self.sequence += 1;
                    c.ends.insert((c.had + next.work, self.sequence), connection);
                }
                None => {
                    c.jobs.remove(&connection);
                }
            }
        }
        self.classes[class].rest();
        if self.is_idle() {
            self.end_busy();
        }
    }
}

impl<T> Class<T> {
    /// With nobody there the count may begin anew.
    fn rest(&mut self) {
        if self.ends.is_empty() {
            self.had = 0;
        }
    }
}

#[cfg(test)]
mod tests;
