//! The one table that answers first: a row a point, the same in the terminal and on the report's first screen.

use crate::format;
use ledgerlab_sim::record::{FinalityRecord, LEAST_REVERSAL, PointSummary, Summary, Verdict};
use std::fmt::Write;

/// Axis whose value the protocol column shows already.
const PROTOCOL_AXIS: &str = "consensus.protocol";

/// Head and rows as text; text columns come first, then figures, then the verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overview {
    /// Titles of the columns.
    pub head: Vec<String>,
    /// Cells, as many as titles.
    pub rows: Vec<Vec<String>>,
    /// Whether a column holds figures, which are aligned right.
    pub numeric: Vec<bool>,
}

impl Overview {
    /// Of every point.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        let axes = other_axes(summary);
        let mut head = vec!["protocol".to_owned()];
        head.extend(axes.iter().map(|axis| short_name(axis).to_owned()));
        let mut numeric = vec![false; head.len()];
        let figures = ["offered tx/s", "tx/s", "p50 to finality", "p99 to finality", "chain bytes/day/node", "success"];
        head.extend(figures.map(str::to_owned));
        numeric.extend(figures.map(|_| true));
        head.push("verdict".into());
        numeric.push(false);
        let rows = summary.points.iter().map(|point| row(point, &axes)).collect();
        Self { head, rows, numeric }
    }
}

/// The terminal's summary: the table, the finality rules and what is not as it should be.
#[must_use]
pub fn table(summary: &Summary) -> String {
    let overview = Overview::of(summary);
    let cells = || std::iter::once(&overview.head).chain(&overview.rows);
    let widths: Vec<usize> = (0..overview.head.len())
        .map(|column| cells().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (index, row) in cells().enumerate() {
        text.push_str(&aligned(row, &widths, &overview.numeric));
        if index == 0 {
            let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
            let _ = writeln!(text, "{}", rule.join("  "));
        }
    }
    for line in notes(summary) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// How the point is named in legends: protocol and the values on the other axes, without what is the same at all
/// points and without the names of keys whose values are words that say enough.
#[must_use]
pub fn label(summary: &Summary, point: &PointSummary) -> String {
    label_without(summary, point, None)
}

/// The same without one of the axes.
pub(crate) fn label_without(summary: &Summary, point: &PointSummary, without: Option<&str>) -> String {
    let varies = |axis: &str| {
        let mut values = summary.points.iter().map(|point| point.labels.get(axis));
        values.next().is_some_and(|first| values.any(|value| value != first))
    };
    let axes: Vec<&str> =
        other_axes(summary).into_iter().filter(|axis| Some(*axis) != without && varies(axis)).collect();
    let part = |axis: &&str| {
        let value = point.labels.get(*axis)?;
        let plain = says_enough(value) && !axes.iter().any(|other| other != axis && has_value(summary, other, value));
        Some(if plain { value.clone() } else { format!("{} {value}", short_name(axis)) })
    };
    let mut parts: Vec<String> = axes.iter().filter_map(part).collect();
    if parts.is_empty() || summary.points.iter().any(|other| other.protocol != point.protocol) {
        parts.insert(0, point.protocol.clone());
    }
    parts.join(", ")
}

/// Whether a value is a word, no number, quantity or switch.
fn says_enough(value: &str) -> bool {
    value.starts_with(char::is_alphabetic) && !["true", "false", "inf", "nan"].contains(&value)
}

fn has_value(summary: &Summary, axis: &str, value: &str) -> bool {
    summary.points.iter().any(|point| point.labels.get(axis).is_some_and(|known| known == value))
}

/// The finality rule in words, with depth, adversary and risk where it has them.
#[must_use]
pub fn finality(rule: &FinalityRecord) -> String {
    let mut text = match rule.depth {
        Some(depth) => format!("k = {depth} blocks on top"),
        None => "certificate".to_owned(),
    };
    if let Some(adversary) = rule.adversary {
        let _ = write!(text, ", adversary {}", format::percent(adversary));
    }
    if let Some(reversal) = rule.reversal {
        let risk = match reversal {
            0.0 => "0 within the fault model".into(),
            bound if bound <= LEAST_REVERSAL => format!("below {bound:e}"),
            bound => format!("{bound:.1e}"),
        };
        let _ = write!(text, ", risk of reversal {risk}");
    }
    let _ = write!(text, "; nodes: {}, rule: {}", rule.nodes, rule.rule);
    text
}

/// Finality rule of each group of points that share one, as (names, rule).
#[must_use]
pub fn finality_rules(summary: &Summary) -> Vec<(String, String)> {
    let mut rules: Vec<(Vec<&str>, String)> = Vec::new();
    for point in summary.points.iter().filter(|point| !point.replications.is_empty()) {
        let rule = finality(&point.finality);
        match rules.iter_mut().find(|(_, known)| *known == rule) {
            Some((names, _)) if names.contains(&point.protocol.as_str()) => {}
            Some((names, _)) => names.push(&point.protocol),
            None => rules.push((vec![&point.protocol], rule)),
        }
    }
    rules.into_iter().map(|(names, rule)| (names.join(", "), rule)).collect()
}

fn notes(summary: &Summary) -> Vec<String> {
    let mut lines = vec![String::new()];
    let rules = finality_rules(summary);
    lines.extend(rules.into_iter().map(|(names, rule)| format!("final: {names}: {rule}")));
    for point in &summary.points {
        let name = label(summary, point);
        let runs = point.run_verdict();
        if !runs.text().is_empty() {
            lines.push(format!("{runs}: {name}: {}", runs.text()));
        }
        lines.extend(point.error.iter().map(|error| format!("failed: {name}: {error}")));
        for slo in &point.slo {
            let sign = if slo.met { "met" } else { "missed" };
            let measured = format::optional(slo.measured, format::number);
            let (unit, limit) = (format::slo_unit(&slo.key), format::number(slo.limit));
            lines.push(format!("slo {sign}: {name}: {} {measured}{unit} (limit {limit}{unit})", slo.key));
        }
        lines.extend(point.warnings.iter().map(|warning| format!("warning: {name}: {warning}")));
    }
    if summary.points.iter().any(|point| point.replications.len() > 1) {
        lines.push("\u{b1}: 95 % confidence interval from replication means (Student t)".into());
    }
    lines
}

fn other_axes(summary: &Summary) -> Vec<&str> {
    summary.axes.iter().map(String::as_str).filter(|axis| *axis != PROTOCOL_AXIS).collect()
}

/// The key without the table that it is in.
pub(crate) fn short_name(axis: &str) -> &str {
    axis.rsplit('.').next().unwrap_or(axis)
}

fn row(point: &PointSummary, axes: &[&str]) -> Vec<String> {
    let mut cells = vec![point.protocol.clone()];
    cells.extend(axes.iter().map(|axis| point.labels.get(*axis).cloned().unwrap_or_else(|| format::NONE.into())));
    cells.push(format::number_estimate(point.metric("offered_tx_per_s")));
    cells.push(format::number_estimate(point.metric("throughput_tx_per_s")));
    cells.push(format::milliseconds_estimate(point.metric("latency_p50_ms")));
    cells.push(format::milliseconds_estimate(point.metric("latency_p99_ms")));
    cells.push(format::bytes_estimate(point.metric("chain_bytes_per_day_per_node")));
    cells.push(format::percent_estimate(point.metric("success_rate")));
    cells.push(verdict_word(point));
    cells
}

/// The verdict; where objectives were missed, also what the runs have to say.
fn verdict_word(point: &PointSummary) -> String {
    match (&point.verdict, point.run_verdict()) {
        (Verdict::SloMissed { .. }, runs) if runs != Verdict::Ok => format!("{}, {runs}", point.verdict),
        (verdict, _) => verdict.to_string(),
    }
}

fn aligned(row: &[String], widths: &[usize], numeric: &[bool]) -> String {
    let cell = |column: usize| {
        let padding = " ".repeat(widths[column].saturating_sub(row[column].chars().count()));
        if numeric[column] { format!("{padding}{}", row[column]) } else { format!("{}{padding}", row[column]) }
    };
    let line = (0..row.len()).map(cell).collect::<Vec<_>>().join("  ");
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests;
