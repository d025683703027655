//! Knobs of PBFT, and the times that follow from them.

use crate::info::FaultBound;
use crate::knob::{EmptyBlocks, Knob, KnobValue, Settings};
use crate::protocol::Validators;
use crate::types::Span;

/// The most that doubling stretches a view timeout.
pub const MAX_STRETCH: u64 = 64;

/// Declarations; defaults of checkpoint interval and window follow TOCS 2002 (K = 128, L = 2K).
pub const KNOBS: &[Knob] = &[
    Knob::new(
        "timeout",
        "How long a replica waits for an execution before it changes views; doubles with each view that fails.",
        KnobValue::Span(Span::secs(2)),
        (KnobValue::Span(Span::millis(1)), KnobValue::Span(Span::secs(3600))),
    ),
    Knob::new(
        "checkpoint_interval",
        "Heights between two checkpoints.",
        KnobValue::Count(128),
        (KnobValue::Count(1), KnobValue::Count(65_536)),
    ),
    Knob::new(
        "window",
        "Heights above the stable checkpoint that are accepted; rounded up to a multiple of the interval.",
        KnobValue::Count(256),
        (KnobValue::Count(1), KnobValue::Count(65_536)),
    ),
    Knob::new(
        "pipeline",
        "Blocks that the leader may have under way.",
        KnobValue::Count(8),
        (KnobValue::Count(1), KnobValue::Count(65_536)),
    ),
];

/// Resolved settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PbftConfig {
    /// How long to wait for an execution in a view before any failure.
    pub timeout: Span,
    /// How long to wait without progress before peers are asked.
    pub patience: Span,
    /// Least time between two proposals.
    pub block_period: Span,
    /// Most payload bytes in a block.
    pub block_bytes: u32,
    /// Whether blocks are made without transactions.
    pub empty_blocks: EmptyBlocks,
    /// Heights between two checkpoints.
    pub checkpoint_interval: u64,
    /// Heights above the stable checkpoint that are accepted, a multiple of the interval.
    pub window: u64,
    /// Blocks that the leader may have under way.
    pub pipeline: u64,
}

impl PbftConfig {
    /// From settings within their limits.
    pub fn new(s: &Settings) -> PbftConfig {
        let interval = s.count("checkpoint_interval").max(1);
        let timeout = s.span("timeout");
        PbftConfig {
            // A request may have to wait one period for its proposal: that is no reason to suspect a leader.
            timeout: timeout + s.block_period,
            patience: Span(timeout.0 / 4) + s.block_period,
            block_period: s.block_period,
            block_bytes: s.block_bytes,
            empty_blocks: s.empty_blocks,
            checkpoint_interval: interval,
            window: s.count("window").max(1).div_ceil(interval) * interval,
            pipeline: s.count("pipeline").max(1),
        }
    }
    /// The timeout after so many failed views.
    pub fn stretched(&self, failures: u32) -> Span {
        self.timeout * 2_u64.saturating_pow(failures).min(MAX_STRETCH)
    }
    /// Half a period until the next proposal in the mean, then three phases.
    pub fn expected_finality(&self, delay: Span) -> Span {
        Span(self.block_period.0 / 2) + delay * 3
    }
    /// Let f be the largest number of validators whose stake is tolerated: leaders take turns by head. Backups notice a
    /// dead leader after one timeout; each of at most f - 1 further dead leaders then costs a timeout that doubles.
    /// Timers of replicas may have started up to one timeout apart and a message lost before the
    /// healing is asked for again after `patience`: the sum over f + 1 leaders covers both. Each view change takes
    /// two delays, the first decision of the new view three (plus a fetch of its payload: two).
    pub fn recovery_bound(&self, validators: &Validators, delay: Span) -> Span {
        let f = u64::from(validators.most_faulty(FaultBound::Third));
        let waits = (0..=f).fold(Span::ZERO, |sum, i| sum + self.stretched(i.min(64) as u32));
        waits + self.patience + delay * (2 * (f + 1) + 5)
    }
}
