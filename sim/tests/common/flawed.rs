//! A protocol with one flaw: a wrapper that passes everything through but what the flaw changes.
//!
//! The simulator runs it as any other protocol, so what it shows of a checker holds for whole runs. A wrapper without
//! a flaw gives the very run of the protocol inside.

use std::marker::PhantomData;

use ledgerlab_consensus::{
    Cx, Digest, Durability, Effect, Effects, Env, Keys, LogSeq, NodeId, PayloadRef, Peer, Pending, Protocol,
    ProtocolInfo, Records, Settings, Span, Status, Ticket, Time, Tip, To, ValidatorId, Validators, Verdict,
};

/// What is wrong with a replica.
pub trait Flaw: Send + 'static {
    /// The protocol that would be right.
    type Inner: Protocol;
    /// Whether a crash takes the log with it.
    const FORGETS: bool = false;
    /// The flaw of one replica.
    fn new(me: NodeId) -> Self;
    /// What the replica takes for the payload that it asked for.
    fn payload(&mut self, built: PayloadRef) -> PayloadRef {
        built
    }
    /// What becomes of an effect that the replica has at `now`.
    fn alter(&mut self, _now: Time, effect: Effect<Self::Inner>, out: &mut Vec<Effect<Self::Inner>>) {
        out.push(effect);
    }
}

/// No flaw at all.
pub struct Sound<P>(PhantomData<fn() -> P>);

impl<P: Protocol> Flaw for Sound<P> {
    type Inner = P;
    fn new(_: NodeId) -> Self {
        Sound(PhantomData)
    }
}

/// The wrapper.
pub struct Flawed<F: Flaw> {
    inner: F::Inner,
    flaw: F,
    seq: LogSeq,
}

/// The keys of the outer context.
struct Lent<'a, 'b, P: Protocol>(&'a Cx<'b, P>);

impl<P: Protocol> Keys for Lent<'_, '_, P> {
    fn vrf(&self, input: Digest) -> Digest {
        self.0.vrf(input)
    }
    fn coin(&self, wave: u64, shares: &mut dyn Iterator<Item = ValidatorId>) -> Option<u64> {
        self.0.coin(wave, shares)
    }
}

impl<F: Flaw> Flawed<F> {
    fn call(&mut self, cx: &mut Cx<'_, Self>, handler: impl FnOnce(&mut F::Inner, &mut Cx<'_, F::Inner>)) {
        let mut effects = Effects::default();
        {
            let keys = Lent(cx);
            let mut own = Cx::new(cx.now(), cx.wall(), &keys, &mut self.seq, &mut effects);
            handler(&mut self.inner, &mut own);
        }
        let mut altered = vec![];
        for e in std::mem::take(&mut effects.list) {
            self.flaw.alter(cx.now(), e, &mut altered);
        }
        altered.into_iter().for_each(|e| pass(e, &effects, cx));
    }
}

/// An effect of the inner replica as one of the outer.
fn pass<F: Flaw>(e: Effect<F::Inner>, lists: &Effects<F::Inner>, cx: &mut Cx<'_, Flawed<F>>) {
    cx.push(match e {
        Effect::Send { to: To::Set(list), message, lane, gate } => {
            return cx.multicast(lists.nodes(list), lane, gate, message);
        }
        Effect::Adopt { block, parent, height, payloads, header_bytes } => {
            return cx.adopt(Tip { height, block }, parent, lists.payloads(payloads), header_bytes);
        }
        Effect::Log { record, seq, durability } => {
            let own = if durability == Durability::Now { cx.log(record) } else { cx.log_lazily(record) };
            return assert_eq!(own, seq, "both count the same records");
        }
        Effect::LogLength { .. } => unreachable!("records are kept"),
        Effect::Send { to, message, lane, gate } => Effect::Send { to, message, lane, gate },
        Effect::SetTimer { timer, after } => Effect::SetTimer { timer, after },
        Effect::SetAlarm { timer, wall } => Effect::SetAlarm { timer, wall },
        Effect::CancelTimer { kind } => Effect::CancelTimer { kind },
        Effect::Build { ticket, parent, limit, until } => Effect::Build { ticket, parent, limit, until },
        Effect::Judge { ticket, payload, parent, need } => Effect::Judge { ticket, payload, parent, need },
        Effect::Drop { root } => Effect::Drop { root },
        Effect::Check { ticket, certificate } => Effect::Check { ticket, certificate },
        Effect::Fetch { key, hint } => Effect::Fetch { key, hint },
        Effect::Sync { tip, hint } => Effect::Sync { tip, hint },
        Effect::Truncate { below } => Effect::Truncate { below },
        Effect::Prune { below } => Effect::Prune { below },
        Effect::Revert { height } => Effect::Revert { height },
        Effect::Finalize { height, certificate } => Effect::Finalize { height, certificate },
        Effect::Mine { ticket, difficulty } => Effect::Mine { ticket, difficulty },
        Effect::StopMining => Effect::StopMining,
        Effect::Subscribe(topic) => Effect::Subscribe(topic),
        Effect::Unsubscribe(topic) => Effect::Unsubscribe(topic),
        Effect::Charge(work) => Effect::Charge(work),
        Effect::Evidence(evidence) => Effect::Evidence(evidence),
        Effect::Reject { from, why } => Effect::Reject { from, why },
    });
}

impl<F: Flaw> Protocol for Flawed<F> {
    const INFO: ProtocolInfo = F::Inner::INFO;
    const TIMERS: usize = F::Inner::TIMERS;
    const KNOBS: &'static [ledgerlab_consensus::Knob] = F::Inner::KNOBS;
    type Config = <F::Inner as Protocol>::Config;
    type Message = <F::Inner as Protocol>::Message;
    type Record = <F::Inner as Protocol>::Record;
    type Timer = <F::Inner as Protocol>::Timer;

    fn configure(settings: &Settings, validators: &Validators) -> Self::Config {
        F::Inner::configure(settings, validators)
    }
    fn open(env: Env, config: &Self::Config, log: Records<'_, Self::Record>, adopted: Tip) -> Self {
        let records: Vec<(LogSeq, Self::Record)> = log.collect();
        let (me, seq) = (env.me, records.last().map_or(LogSeq(0), |(seq, _)| *seq));
        let mut kept = records.into_iter().filter(|_| !F::FORGETS);
        Flawed { inner: F::Inner::open(env, config, &mut kept, adopted), flaw: F::new(me), seq }
    }
    fn expected_finality(config: &Self::Config, delay: Span) -> Span {
        F::Inner::expected_finality(config, delay)
    }
    fn recovery_bound(config: &Self::Config, validators: &Validators, delay: Span) -> Option<Span> {
        F::Inner::recovery_bound(config, validators, delay)
    }
    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        self.call(cx, |p, cx| p.on_start(cx));
    }
    fn on_message(&mut self, from: NodeId, m: &Self::Message, cx: &mut Cx<'_, Self>) {
        self.call(cx, |p, cx| p.on_message(from, m, cx));
    }
    fn on_timer(&mut self, timer: Self::Timer, cx: &mut Cx<'_, Self>) {
        self.call(cx, |p, cx| p.on_timer(timer, cx));
    }
    fn on_work(&mut self, pending: Pending, cx: &mut Cx<'_, Self>) {
        self.call(cx, |p, cx| p.on_work(pending, cx));
    }
    fn on_payload(&mut self, ticket: Ticket, payload: &[PayloadRef], cx: &mut Cx<'_, Self>) {
        let taken: Vec<PayloadRef> = payload.iter().map(|p| self.flaw.payload(*p)).collect();
        self.call(cx, |p, cx| p.on_payload(ticket, &taken, cx));
    }
    fn on_judged(&mut self, ticket: Ticket, verdict: Verdict, cx: &mut Cx<'_, Self>) {
        self.call(cx, |p, cx| p.on_judged(ticket, verdict, cx));
    }
    fn on_checked(&mut self, ticket: Ticket, good: bool, cx: &mut Cx<'_, Self>) {
        self.call(cx, |p, cx| p.on_checked(ticket, good, cx));
    }
    fn on_durable(&mut self, upto: LogSeq, cx: &mut Cx<'_, Self>) {
        self.call(cx, |p, cx| p.on_durable(upto, cx));
    }
    fn on_mined(&mut self, ticket: Ticket, cx: &mut Cx<'_, Self>) {
        self.call(cx, |p, cx| p.on_mined(ticket, cx));
    }
    fn on_state(&mut self, tip: Tip, cx: &mut Cx<'_, Self>) {
        self.call(cx, |p, cx| p.on_state(tip, cx));
    }
    fn on_peer(&mut self, peer: NodeId, state: Peer, cx: &mut Cx<'_, Self>) {
        self.call(cx, |p, cx| p.on_peer(peer, state, cx));
    }
    fn serve(&self, key: Digest) -> Option<Self::Message> {
        self.inner.serve(key)
    }
    fn status(&self) -> Status {
        self.inner.status()
    }
}
