//! One direction of a host's network card: what is handed to it passes at its rate, alone or beside others.
//!
//! Three models stand behind one call, [`Link::carry`]: in a FIFO link the end of a transmission is known at once; in one
//! with urgent lanes or a fair one it depends on what comes later, so it is announced: the host looks at the link again
//! when [`Link::watch`] says so. Every transmission is shown to an audit, whatever the model: none carries more than its rate.

mod fair;
mod fifo;
mod lanes;
mod rate;

use ledgerlab_consensus::{Span, Time};

use crate::check::link::LinkAudit;
use crate::check::{Outcome, Violation, Violations};
use crate::fault::Window;
use crate::scenario::Sharing;
use fair::{Fair, Passed};
use fifo::Fifo;
use lanes::{Begun, Lanes};

pub use rate::Rate;

/// A connection: the node of this host, the node at the other end, and the lane. Its transmissions follow each other.
pub type Connection = (u32, u32, u8);

/// Something to transmit.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<T> {
    /// When its first byte is there, and its last one. It begins to pass with the first; it has not passed before the
    /// last has come.
    pub there: (Time, Time),
    /// Its size.
    pub bytes: u32,
    /// On which connection.
    pub connection: Connection,
    /// Urgency: nobody is served while somebody with a smaller number waits. A plain FIFO link has no urgency.
    pub class: u8,
    /// What comes back when it has passed, where that is not known at once.
    pub what: T,
}

/// How something passes through a FIFO link.
#[derive(Clone, Copy, Debug)]
pub struct Passage {
    begin: Time,
    end: Time,
    /// When it has passed.
    pub passed: Time,
}

/// A FIFO link.
#[derive(Debug)]
pub struct Line<'a> {
    fifo: &'a mut Fifo,
    audit: &'a mut LinkAudit,
    found: &'a mut Violations,
}

impl Line<'_> {
    /// How something of these bytes would pass if it was handed over next.
    #[inline(always)]
    pub fn foresee(&mut self, there: (Time, Time), bytes: u32) -> Passage {
        let (begin, end) = self.fifo.foresee(there.0, bytes);
        Passage { begin, end, passed: end.max(there.1) }
    }
    /// Hands over what was asked for last.
    #[inline(always)]
    pub fn take(&mut self, Passage { begin, end, .. }: Passage, bytes: u32) {
        self.fifo.take((begin, end), bytes);
        if !self.audit.follows(begin, end, u64::from(bytes)) {
            show_apart(self.audit, self.found, (begin, end), bytes);
        }
    }
}

#[derive(Clone, Debug)]
enum Model<T> {
    Fifo(Fifo),
    Lanes(Box<Lanes<T>>),
    Fair(Box<Fair<T>>),
}

/// A card's direction.
#[derive(Clone, Debug)]
pub struct Link<T> {
    model: Model<T>,
    audit: LinkAudit,
    found: Violations,
}

impl<T> Link<T> {
    /// An idle link; its name and host are for the audit. With `urgency` the classes of parcels count.
    pub fn new(sharing: Sharing, urgency: bool, rate: Rate, (name, host): (&'static str, u32)) -> Link<T> {
        let model = match sharing {
            Sharing::Fifo if urgency => Model::Lanes(Box::new(Lanes::new(Fifo::new(rate)))),
            Sharing::Fifo => Model::Fifo(Fifo::new(rate)),
            Sharing::Fair => Model::Fair(Box::new(Fair::new(rate))),
        };
        Link { model, audit: LinkAudit::new(name, host, rate.per_s()), found: Violations::default() }
    }
    /// Hands it something; says when that has passed, or `None` where it depends on what comes later.
    pub fn carry(&mut self, parcel: Parcel<T>) -> Option<Time> {
        match &mut self.model {
            Model::Fifo(_) => self.pass(parcel.there, parcel.bytes),
            Model::Lanes(link) => {
                link.push(parcel);
                None
            }
            Model::Fair(link) => {
                let p = link.carry(parcel)?;
                self.found.note(show(&mut self.audit, &p));
                Some(p.at.max(p.what))
            }
        }
    }
    /// Hands a FIFO link something of these bytes, as [`Link::carry`] does; nothing happens to one of another kind.
    #[inline(always)]
    pub fn pass(&mut self, there: (Time, Time), bytes: u32) -> Option<Time> {
        let mut line = self.line()?;
        let passage = line.foresee(there, bytes);
        line.take(passage, bytes);
        Some(passage.passed)
    }
    /// A FIFO link at hand, for one thing after the other.
    #[inline(always)]
    pub fn line(&mut self) -> Option<Line<'_>> {
        let Model::Fifo(fifo) = &mut self.model else { return None };
        Some(Line { fifo, audit: &mut self.audit, found: &mut self.found })
    }
    /// Whether things pass one after the other.
    pub fn is_fifo(&self) -> bool {
        matches!(self.model, Model::Fifo(_))
    }
    /// Hands a FIFO link copies of something that is wholly there; says when the first has passed, and how much later
    /// each of the others has.
    ///
    /// # Panics
    /// If the link is of another kind.
    pub fn stream(&mut self, at: Time, bytes: u32, copies: u32) -> (Time, Span) {
        let Model::Fifo(link) = &mut self.model else {
            panic!("only a FIFO link knows when something will have passed")
        };
        let (begin, each) = link.stream(at, bytes, copies);
        self.found.note(self.audit.stream(begin, each, u64::from(bytes), u64::from(copies)));
        (begin + each, each)
    }
    /// When the host has to look at it, with the number of that appointment, if it has none yet or another one.
    pub fn watch(&mut self) -> Option<(Time, u64)> {
        match &mut self.model {
            Model::Fifo(_) => None,
            Model::Lanes(link) => link.watch(),
            Model::Fair(link) => link.watch(),
        }
    }
    /// The host looks: what has passed by `at`, or is begun then, and when it will have passed. Nothing where it has
    /// another appointment.
    pub fn advance(&mut self, at: Time, appointment: u64) -> Vec<(Time, T)> {
        match &mut self.model {
            Model::Fifo(_) => vec![],
            Model::Lanes(link) => {
                let begun = link.keep(at, appointment);
                begun.map(|b| (begin(&mut self.audit, &mut self.found, &b), b.2.what)).into_iter().collect()
            }
            Model::Fair(link) => {
                let passed = link.keep(at, appointment);
                passed.iter().for_each(|p| {
                    self.found.note(show(&mut self.audit, p));
                });
                passed.into_iter().map(|p| (p.at, p.what)).collect()
            }
        }
    }
    /// A node of the host crashed: what it has on the link is lost, where the link knows whose it is.
    pub fn forget(&mut self, now: Time, node: u32) -> Vec<T> {
        match &mut self.model {
            Model::Fifo(_) => vec![],
            Model::Lanes(link) => link.forget(node),
            Model::Fair(link) => link.forget(now, node),
        }
    }
    /// Forgets what is queued behind `now`: the machine crashed.
    pub fn reset(&mut self, now: Time) {
        match &mut self.model {
            Model::Fifo(link) => link.reset(now),
            Model::Lanes(link) => link.reset(now),
            Model::Fair(_) => return,
        }
        self.audit.reset(now);
    }
    /// Bytes carried or queued so far.
    pub fn bytes(&self) -> u64 {
        match &self.model {
            Model::Fifo(link) => link.bytes(),
            Model::Lanes(link) => link.fifo().bytes(),
            Model::Fair(link) => link.bytes(),
        }
    }
    /// Share of the time up to `now` that it was busy.
    pub fn utilisation(&self, now: Time) -> f64 {
        let busy = match &self.model {
            Model::Fifo(link) => link.busy(now),
            Model::Lanes(link) => link.fifo().busy(now),
            Model::Fair(link) => link.busy(now),
        };
        busy.0 as f64 / now.0.max(1) as f64
    }
    /// The busiest second, as a share of the rate.
    pub fn peak(&self) -> f64 {
        self.audit.peak()
    }
    /// Stretches of at least a second, up to `now`, in which it was never idle: the last one or two.
    pub fn full(&self, now: Time) -> impl Iterator<Item = Window> {
        self.audit.full(now)
    }
    /// When it carried more than its rate, the first times.
    pub fn violations(&self) -> &[Violation] {
        self.found.first()
    }
    /// Carries at another rate than the one for which it is audited.
    #[cfg(test)]
    pub fn cheat(&mut self, rate: Rate) {
        match &mut self.model {
            Model::Fifo(link) => *link = Fifo::new(rate),
            Model::Lanes(link) => **link = Lanes::new(Fifo::new(rate)),
            Model::Fair(link) => **link = Fair::new(rate),
        }
    }
}

/// Shows what begins, in order of beginning; says when it has passed.
fn begin<T>(audit: &mut LinkAudit, found: &mut Violations, (begin, end, parcel): &Begun<T>) -> Time {
    if let Err(v) = audit.transmit(*begin, *end, u64::from(parcel.bytes)) {
        found.note(Err(v));
    }
    (*end).max(parcel.there.1)
}

fn show<T>(audit: &mut LinkAudit, p: &Passed<T>) -> Outcome {
    audit.passed(p.since, p.at, u64::from(p.bytes))
}

/// Shows the audit of a FIFO link something that does not follow on what was carried before.
#[cold]
#[inline(never)]
fn show_apart(audit: &mut LinkAudit, found: &mut Violations, (begin, end): (Time, Time), bytes: u32) {
    found.note(audit.transmit(begin, end, u64::from(bytes)));
}
