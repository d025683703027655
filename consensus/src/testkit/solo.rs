//! One replica driven by hand: a test calls a handler and sees its effects.

use crate::effect::{Cx, Effect, Effects};
use crate::log::RecordLog;
use crate::message::PayloadRef;
use crate::protocol::{Env, Protocol};
use crate::types::{Digest, Height, Time, Tip};

use super::node::PlainKeys;

/// A step of the ledger, as a test compares it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// [`Effect::Adopt`].
    Adopt(Height, Digest),
    /// [`Effect::Revert`].
    Revert(Height),
}

/// The replica with its clocks.
pub struct Solo<P: Protocol> {
    /// The replica.
    pub replica: P,
    /// Monotone and wall clock.
    pub now: Time,
    /// What it logged and did not give up; durable at once.
    pub log: RecordLog<P::Record>,
    keys: PlainKeys,
}

impl<P: Protocol> Solo<P> {
    /// A replica opened from a log and a ledger's tip; not started.
    pub fn open(env: Env, config: &P::Config, log: Vec<P::Record>, adopted: Tip) -> Solo<P> {
        let keys = PlainKeys::of::<P>(&env);
        let log: RecordLog<P::Record> = log.into_iter().collect();
        let replica = P::open(env, config, &mut log.numbered(), adopted);
        Solo { replica, now: Time::ZERO, log, keys }
    }
    /// Calls a handler.
    pub fn call(&mut self, handler: impl FnOnce(&mut P, &mut Cx<'_, P>)) -> Effects<P> {
        let mut out = Effects::default();
        let mut seq = self.log.end();
        handler(&mut self.replica, &mut Cx::new(self.now, self.now, &self.keys, &mut seq, &mut out));
        for e in &out.list {
            match e {
                Effect::Log { record, .. } => {
                    let seq = self.log.append(record.clone());
                    self.log.make_durable(seq);
                }
                Effect::Truncate { below } => self.log.truncate(*below),
                _ => {}
            }
        }
        out
    }
    /// Answers the `Build` among some effects with a payload of this number.
    pub fn supply(&mut self, asked: &Effects<P>, number: u64) -> Effects<P> {
        let ticket = asked.list.iter().find_map(|e| match e {
            Effect::Build { ticket, .. } => Some(*ticket),
            _ => None,
        });
        let payload = PayloadRef { root: Digest([number, 1]), bytes: 0, count: 0 };
        self.call(|r, cx| r.on_payload(ticket.expect("a Build among the effects"), &[payload], cx))
    }
}

/// The steps of the ledger among some effects, in order.
pub fn steps<P: Protocol>(out: &Effects<P>) -> Vec<Step> {
    let step = |e: &Effect<P>| match e {
        Effect::Adopt { block, height, .. } => Some(Step::Adopt(*height, *block)),
        Effect::Revert { height } => Some(Step::Revert(*height)),
        _ => None,
    };
    out.list.iter().filter_map(step).collect()
}

/// The keys fetched among some effects, in order.
pub fn fetched<P: Protocol>(out: &Effects<P>) -> Vec<Digest> {
    let key = |e: &Effect<P>| if let Effect::Fetch { key, .. } = e { Some(*key) } else { None };
    out.list.iter().filter_map(key).collect()
}

/// Why messages were refused among some effects, in order.
pub fn refused<P: Protocol>(out: &Effects<P>) -> Vec<&'static str> {
    let why = |e: &Effect<P>| if let Effect::Reject { why, .. } = e { Some(*why) } else { None };
    out.list.iter().filter_map(why).collect()
}
