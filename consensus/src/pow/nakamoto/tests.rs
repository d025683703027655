//! The chain's behaviour: distributions and closed forms, forks step by step, repair, restart.

mod difficulty;
mod forks;
mod race;
mod repair;

use std::sync::Arc;

use super::block::{Block, Header};
use super::{Config, Nakamoto};
use crate::knob::{KnobValue, Settings};
use crate::longest_chain::ChainMessage;
use crate::protocol::{Env, Protocol, Validators};
use crate::types::{Hashing, NodeId, Span, ValidatorId};

/// Settings with blocks every 10 s and a constant difficulty.
fn settings() -> Settings {
    let mut s = Settings::new(Nakamoto::KNOBS, true);
    s.set("retarget_window", KnobValue::Count(0));
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

/// A valid block on top of another (or of genesis), `after` later, by the last of the validators.
fn on_top(config: &Config, below: Option<&Block>, after: Span, miner: u32) -> Arc<Block> {
    let genesis = Block::default();
    let below = below.unwrap_or(&genesis);
    let h = &below.header;
    let (time, difficulty) = (h.time + after, config.retarget.difficulty(h));
    let header = Header {
        parent: below.id,
        height: h.height + 1,
        miner: ValidatorId(miner),
        time,
        difficulty,
        work: h.work + u128::from(difficulty),
        window: config.retarget.window_start(h, time),
        payload: vec![],
    };
    Arc::new(Block::new(header, Hashing::Mix))
}

fn message(b: &Arc<Block>) -> ChainMessage<Header> {
    b.clone().into()
}
