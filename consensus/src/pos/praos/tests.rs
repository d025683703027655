//! The lottery against closed forms, nonces on branches, forks, and whole networks.

mod chain;
mod draws;

use std::sync::Arc;

use super::block::{Block, Header};
use super::{Config, Praos, lottery, nonce_at, seed_after};
use crate::knob::{KnobValue, Settings};
use crate::longest_chain::ChainMessage;
use crate::protocol::{Env, Validators};
use crate::testkit::solo::Solo;
use crate::types::{Hashing, NodeId, Tip, ValidatorId};

/// Slots of 200 ms, k 24.
fn settings() -> Settings {
    Settings::new(<Praos as crate::protocol::Protocol>::KNOBS, true)
}

fn epochs_of(slots: u64) -> Settings {
    let mut s = settings();
    s.set("epoch_slots", KnobValue::Count(slots));
    s
}

/// As `epochs_of`, with logs that keep every block of the run.
fn keeping_all(slots: u64) -> Settings {
    let mut s = epochs_of(slots);
    s.set("k", KnobValue::Count(10_000));
    s
}

fn env(me: u32, validators: &Arc<Validators>) -> Env {
    Env {
        me: NodeId(me),
        key: Some(ValidatorId(me)),
        nodes: validators.len() as u32,
        validators: validators.clone(),
        hashing: Hashing::Mix,
        seed: 1,
    }
}

/// A block on top of another in a slot that its issuer wins, `skip` winning slots later than it could.
fn on_top(config: &Config, below: &Block, issuer: &mut Solo<Praos>, skip: usize) -> Arc<Block> {
    let h = &below.header;
    let by = issuer.replica.env.key.expect("a validator");
    let nonce = |slot: u64| nonce_at(config, h, slot / config.epoch_slots, Hashing::Mix);
    let mut drawn = lottery::first_nonce(0, Hashing::Mix);
    let mut left = skip;
    let slot = (h.slot + 1..)
        .find(|s| {
            issuer.call(|_, cx| drawn = cx.vrf(lottery::input(nonce(*s), *s)));
            let won = lottery::wins(drawn, config.thresholds[by.0 as usize]);
            let taken = won && left == 0;
            left -= usize::from(won && !taken);
            taken
        })
        .expect("an endless lottery");
    let header = Header {
        parent: below.id,
        height: h.height + 1,
        slot,
        issuer: by,
        output: drawn,
        nonce: nonce(slot),
        seed: seed_after(config, h, slot, drawn, Hashing::Mix),
        payload: vec![],
    };
    Arc::new(Block::new(header, Hashing::Mix))
}

fn genesis() -> Block {
    let nonce = lottery::first_nonce(1, Hashing::Mix);
    Block { header: Header { nonce, ..Header::default() }, ..Block::default() }
}

fn solo(me: u32, validators: &Arc<Validators>, config: &Config) -> Solo<Praos> {
    Solo::open(env(me, validators), config, vec![], Tip::default())
}

fn message(b: &Arc<Block>) -> ChainMessage<Header> {
    b.clone().into()
}
