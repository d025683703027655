//! `[mempool]`: how transactions wait and travel before they are proposed.

use std::ops::RangeInclusive;

use ledgerlab_consensus::{Rotation, Span};

use crate::scenario::model::{Dissemination, MempoolSpec};
use crate::scenario::problem::Flaw;
use crate::scenario::protocol::ProtocolFacts;
use crate::scenario::quantity::{SIZE, TIME, show_span};
use crate::scenario::reader::Reader;
use crate::scenario::run::{ANY_TIME, SOME_TIME};
use crate::scenario::scalar;

/// How long a client tries to reach a node that does not answer at all (assumption).
const FAILOVER: Span = Span::secs(2);
/// Least time that a gateway waits for finality before it sends a transaction to everybody.
const LEAST_CLIENT_TIMEOUT: Span = Span::secs(10);
/// It waits so many times the expected finality (assumption).
const PATIENCE: u64 = 4;

/// Reads `[mempool]`. A client timeout that is not written down is `None`: its default depends on the protocol.
pub(crate) fn read(r: &mut Reader<'_, '_>, facts: Option<&ProtocolFacts>) -> (MempoolSpec, Option<Span>) {
    let known_leader = facts.is_some_and(|f| f.info.rotation == Rotation::KnownLeader);
    let word = r.word("dissemination", 2, &["leader-push", "gossip", "auto"]);
    if word == 0 && facts.is_some_and(|f| f.info.rotation == Rotation::Anybody) {
        let flaw = Flaw::new("the protocol has no known leader to push to").limit("gossip or auto");
        r.report("dissemination", flaw.hint("write \"auto\": leader-push where there is a leader, else gossip"));
    }
    let dissemination = match word {
        0 => Dissemination::LeaderPush,
        2 if known_leader => Dissemination::LeaderPush,
        _ => Dissemination::Gossip,
    };
    r.note("dissemination", if dissemination == Dissemination::LeaderPush { "leader-push" } else { "gossip" });
    let timeout: RangeInclusive<u64> = SOME_TIME.start().0..=SOME_TIME.end().0;
    let client_timeout = r.read("client_timeout", |node| scalar::quantity(node, &TIME, &timeout)).map(Span);
    let spec = MempoolSpec {
        dissemination,
        batch_delay: r.span("batch_delay", default_batch_delay(dissemination), ANY_TIME),
        batch_bytes: r.quantity("batch_bytes", &SIZE, 500_000, 100..=1_000_000_000) as u32,
        capacity: r.count("capacity", 1_000_000, 1..=1_000_000_000),
        expiry: r.optional_span("expiry", "never", SOME_TIME).unwrap_or(Span(u64::MAX)),
        failover: r.span("failover", FAILOVER, SOME_TIME),
        client_timeout: client_timeout.unwrap_or(LEAST_CLIENT_TIMEOUT),
        adapter: r.span("adapter", Span::ZERO, Span::ZERO..=Span::secs(3_600)),
    };
    if spec.expiry <= spec.batch_delay {
        let flaw = Flaw::new("every transaction would expire while its batch is collected");
        let flaw = flaw.limit(format!("above mempool.batch_delay, {}", show_span(spec.batch_delay)));
        r.report("expiry", flaw.hint("allow for the expected time to finality, or leave it out"));
    }
    (spec, client_timeout)
}

/// A batch waits for company for 100 ms on its way to a leader, and for a second before it floods the network: Bitcoin
/// Core announces transactions every 2 s to outbound peers, 5 s to inbound ones (`net_processing.cpp`).
fn default_batch_delay(dissemination: Dissemination) -> Span {
    match dissemination {
        Dissemination::LeaderPush => Span::millis(100),
        Dissemination::Gossip => Span::secs(1),
    }
}

/// How long a client waits where the scenario does not say.
pub(crate) fn default_client_timeout(expected_finality: Span) -> Span {
    (expected_finality * PATIENCE).max(LEAST_CLIENT_TIMEOUT)
}
