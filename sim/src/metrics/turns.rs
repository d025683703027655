//! What the clients of closed loops did.

use ledgerlab_consensus::{Span, Time};

use super::Meter;
use crate::record::CheckOutcome;

/// Requests answered in the window, and whole cycles from answer to answer.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Turns {
    clients: u64,
    answered: u64,
    response_ns: u128,
    cycle_ns: u128,
    /// The longest cycle that touches the window.
    longest: Span,
}

impl Meter {
    /// A client of a closed loop has the outcome of a request: its response time, and the time since the last one.
    pub fn turned(&mut self, at: Time, response: Span, cycle: Span) {
        if self.in_window(at) {
            self.turns.answered += 1;
            self.turns.response_ns += u128::from(response.0);
            self.turns.cycle_ns += u128::from(cycle.0);
        }
        self.note_cycle(at, cycle);
    }
    fn note_cycle(&mut self, end: Time, cycle: Span) {
        if end >= self.window.0 && end.0.saturating_sub(cycle.0) < self.window.1.0 {
            self.turns.longest = self.turns.longest.max(cycle);
        }
    }
    /// The run ends at `end`, and these are the last answers of all clients of closed loops.
    pub fn clients_left(&mut self, end: Time, last_answers: impl Iterator<Item = Time>) {
        for last in last_answers {
            self.turns.clients += 1;
            self.note_cycle(end, end.since(last));
        }
    }

    /// The interactive response time law of closed loops: N = X (R + Z). Over a finite window it holds up to the
    /// cycles that the window's ends cut: each client's differ from the window by at most the longest one.
    pub(super) fn interactive(&self) -> Option<CheckOutcome> {
        let (t, window_ns) = (&self.turns, self.window.1.since(self.window.0).0 as f64);
        if t.clients == 0 || window_ns == 0.0 {
            return None;
        }
        let (clients, inside) = (t.clients as f64, t.cycle_ns as f64 / window_ns);
        let mean_s = |sum: u128| sum as f64 / t.answered.max(1) as f64 / 1e9;
        let (rate, response_s) = (t.answered as f64 / window_ns * 1e9, mean_s(t.response_ns));
        let thinking_s = mean_s(t.cycle_ns) - response_s;
        Some(CheckOutcome {
            name: "interactive-response-time".into(),
            passed: (inside - clients).abs() <= clients * t.longest.0 as f64 / window_ns,
            measured: Some(inside),
            expected: Some(clients),
            detail: format!("X = {rate:.3} /s, R = {response_s:.6} s, Z = {thinking_s:.6} s"),
        })
    }
}
