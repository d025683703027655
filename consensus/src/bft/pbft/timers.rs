//! The three timers of a replica: when they run and what they do.
//!
//! No timer runs while nothing waits, so an idle system is silent. They are started and cancelled by comparison of
//! what should run with what does, at the end of every handler.

use super::Pbft;
use crate::effect::{Cx, Effect};
use crate::knob::EmptyBlocks;
use crate::protocol::Timer;
use crate::types::Span;

/// Number of timer kinds.
pub const KINDS: usize = 3;

/// The most that waiting in vain stretches the time between two questions to the peers.
const MAX_PATIENCE: u32 = 4;

/// Questions to the peers before a hint is forgotten.
const QUESTIONS: u32 = 3;

/// What a timer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PbftTimer {
    /// The view has failed.
    View,
    /// Time to look for progress, and to ask the peers if there is none.
    Progress,
    /// The block period is over.
    Propose,
}

impl Timer for PbftTimer {
    fn kind(&self) -> usize {
        *self as usize
    }
}

/// What runs, and what the last look saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timers {
    view: bool,
    progress: bool,
    propose: bool,
    /// An execution: the view timer starts again.
    pub restart_view: bool,
    /// Somebody speaks of views or heights that this replica does not know.
    pub hinted: bool,
    seen: (u64, u64, u64, u64),
    vain: u32,
}

impl Pbft {
    /// Whether this replica waits for an execution.
    fn waits(&self) -> bool {
        self.pending || self.top.height > self.executed.height || self.config.empty_blocks == EmptyBlocks::Always
    }
    /// Whether the view timer should run.
    #[inline]
    fn suspects(&self) -> bool {
        let active = self.installed == self.view;
        self.env.key.is_some() && if active { !self.leads() && self.waits() } else { self.changes_have_quorum() }
    }
    /// Whether the progress timer should run.
    #[inline]
    fn looks(&self) -> bool {
        self.waits() || self.timers.hinted || self.base.height > self.executed.height
    }
    /// What every handler ends with.
    pub(super) fn settle(&mut self, cx: &mut Cx<'_, Self>) {
        self.propose(cx);
        self.compact(cx);
        let suspects = self.suspects();
        if suspects && (!self.timers.view || self.timers.restart_view) {
            let span = self.config.stretched(self.failures.saturating_sub(1));
            cx.set_timer(PbftTimer::View, span);
        } else if !suspects && self.timers.view {
            cx.push(Effect::CancelTimer { kind: PbftTimer::View as usize });
        }
        self.timers.view = suspects;
        self.timers.restart_view = false;
        let looks = self.looks();
        if looks && !self.timers.progress {
            self.timers.seen = self.progress();
            self.timers.vain = 0;
            cx.set_timer(PbftTimer::Progress, self.config.patience);
        } else if !looks && self.timers.progress {
            cx.push(Effect::CancelTimer { kind: PbftTimer::Progress as usize });
        }
        self.timers.progress = looks;
    }
    /// Whether [`Pbft::settle`] would do nothing, in a replica that is in its view and does not lead it.
    pub(super) fn is_settled(&self) -> bool {
        let Timers { view, progress, restart_view, .. } = self.timers;
        self.installed == self.view
            && !self.leads()
            && self.low <= self.compacted
            && !restart_view
            && view == self.suspects()
            && progress == self.looks()
    }
    /// Proposes after so long.
    pub(super) fn propose_after(&mut self, span: Span, cx: &mut Cx<'_, Self>) {
        if !self.timers.propose {
            self.timers.propose = true;
            cx.set_timer(PbftTimer::Propose, span);
        }
    }
    fn progress(&self) -> (u64, u64, u64, u64) {
        (self.executed.height, self.installed, self.view, self.base.height)
    }
    /// The timer fired; what should run again is started by [`Pbft::settle`].
    pub(super) fn on_timeout(&mut self, timer: PbftTimer, cx: &mut Cx<'_, Self>) {
        match timer {
            PbftTimer::View => {
                self.timers.view = false;
                self.leave_for(self.view + 1, cx);
            }
            PbftTimer::Propose => self.timers.propose = false,
            PbftTimer::Progress => {
                let now = self.progress();
                self.timers.vain = if now == self.timers.seen { self.timers.vain + 1 } else { 0 };
                self.timers.seen = now;
                if self.timers.vain > 0 {
                    self.ask_peers(cx);
                }
                // A hint that nobody can explain was none.
                self.timers.hinted &= self.timers.vain < QUESTIONS;
                let stretch = 1 << self.timers.vain.min(MAX_PATIENCE);
                cx.set_timer(PbftTimer::Progress, self.config.patience * stretch);
                self.timers.progress = true;
            }
        }
    }
}
