//! Tests of PBFT on the deterministic host, which checks agreement, durability and signatures in every one.

mod closed_forms;
mod faults;
mod fuzz;
mod input;
mod liveness;
mod probe;
mod restart;
mod selection;

use super::{Pbft, PbftConfig, PbftMessage};
use crate::knob::Settings;
use crate::protocol::Protocol;
use crate::testkit::{Fate, Kit};
use crate::types::{Digest, Height, NodeId, Span, Time, mix64};

type Host = Kit<Pbft>;

const END: Time = Time(1_000_000_000_000_000);

/// Equal validators with endless pools at the default settings.
fn kit(n: u32) -> Host {
    Kit::new(n, |_| {})
}

/// A stream of draws.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix64(self.0) % n
    }
    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

fn config() -> PbftConfig {
    PbftConfig::new(&Settings::new(Pbft::KNOBS, false))
}

fn bound(k: &Host) -> Span {
    Pbft::recovery_bound(&k.config, &k.validators, k.delay).expect("PBFT states a bound")
}

fn root_at(k: &Host, node: u32, height: Height) -> Digest {
    k.node(NodeId(node)).chain[height as usize].payloads[0].root
}

fn least(k: &Host) -> Height {
    k.nodes.iter().filter(|n| n.is_up()).map(|n| n.final_height()).min().unwrap_or(0)
}

/// The highest final height once what was under way has ended.
fn drained(k: &mut Host) -> Height {
    k.run_for(Span::millis(150));
    k.nodes.iter().map(|n| n.final_height()).max().unwrap_or(0)
}

fn highest_view(k: &Host) -> u64 {
    (0..k.nodes.len() as u32).map(|i| k.status(NodeId(i)).view).max().unwrap_or(0)
}

fn drop_if(k: &mut Host, mut which: impl FnMut(NodeId, NodeId, &PbftMessage) -> bool + 'static) {
    k.filter = Some(Box::new(move |_, from, to, m| if which(from, to, m) { Fate::Drop } else { Fate::Pass }));
}
