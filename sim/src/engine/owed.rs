//! The time in which a run owes a commit to a transaction that a sound node has taken: what the liveness check holds
//! it to.

use ledgerlab_consensus::{Protocol, Span, Validators};

use crate::network::{Network, loss};
use crate::scenario::Scenario;

/// A protocol without a stated bound owes a commit within so many times its expected time to finality.
const PATIENCE: u64 = 20;
/// Share of messages that come within the delay that the bound counts, as for the latency.
const USUAL: f64 = 0.99;

/// By the protocol's bound, with delays that hold for 99 of 100 messages.
pub fn within<P: Protocol>(s: &Scenario, network: &Network, config: &P::Config, validators: &Validators) -> Span {
    let latency = network.latency().max_typical();
    let repeated = loss::delay_of_share(s.network.loss, USUAL, s.settings.block_bytes, latency);
    // What binds a signer is durable before it leaves, so each delay has an fsync in it.
    let delay = latency + repeated + s.node.disk.fsync;
    let bound =
        P::recovery_bound(config, validators, delay).unwrap_or_else(|| P::expected_finality(config, delay) * PATIENCE);
    // A transaction waits from its planned time, a replica only from when its gateway lets its batch go.
    bound + s.mempool.batch_delay + s.mempool.adapter + s.node.execution
}
