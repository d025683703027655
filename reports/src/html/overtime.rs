//! Throughput, latency and backlog over the run, with fault windows shaded.

use super::Page;
use crate::chart::{Axis, Chart, Line, Lines, Shade, WIDE};
use crate::error::Error;
use crate::format;
use crate::overview;
use ledgerlab_sim::record::{FaultWindow, PointSummary, Series, Summary, statistics};

/// More lines than this cannot be told apart.
pub const MOST_LINES: usize = 8;
/// Points of a line: a chain commits in bursts, which would hide every other line at full resolution.
const MOST_BINS: usize = 60;

/// The section; nothing where no point has a series.
pub fn section(page: &mut Page, summary: &Summary) -> Result<(), Error> {
    let points: Vec<_> = summary.points.iter().filter(|point| !point.series.is_empty()).collect();
    if points.is_empty() {
        return Ok(());
    }
    page.heading("Over time");
    let shown = &points[..points.len().min(MOST_LINES)];
    page.chart(&throughput(summary, &points, shown)?);
    let others = [
        ("Mean time to finality over time", "latency (s)", Column::Latency(|series, row| series.latency_mean_ms[row])),
        ("99th percentile over time", "p99 latency (s)", Column::Latency(|series, row| series.latency_p99_ms[row])),
        (
            "Backlog: submitted and without an outcome",
            "transactions",
            Column::Number(|series, row| series.backlog_tx[row]),
        ),
    ];
    for (title, unit, column) in others {
        let lines = lines(summary, shown, column);
        let values = || lines.iter().flat_map(|line| &line.points).filter_map(|(_, value)| *value);
        if values().next().is_some() {
            let y = Axis::fitting(unit, values(), format::tick);
            page.chart(&chart(title, &points, y, lines)?);
        }
    }
    Ok(())
}

fn throughput(summary: &Summary, points: &[&PointSummary], shown: &[&PointSummary]) -> Result<Chart, Error> {
    let mut lines = lines(summary, shown, Column::Number(|series, row| series.committed_tx_per_s[row]));
    lines.extend(offered(points));
    let values = lines.iter().flat_map(|line| &line.points).filter_map(|(_, value)| *value);
    let y = Axis::from_zero("committed (tx/s)", values, format::tick);
    chart("Throughput over time", points, y, lines)
}

fn chart(title: &str, points: &[&PointSummary], y: Axis, lines: Vec<Line>) -> Result<Chart, Error> {
    let end_s = points.iter().map(|point| point.series.t_s(point.series.len())).fold(0.0, f64::max);
    let x = Axis::linear("time since the start of the run (s)", 0.0, end_s, format::tick);
    let bin_s = bin_rows(&points[0].series) as f64 * points[0].series.step_s;
    let note = Some(note(bin_s, points.len()));
    Lines { title: title.into(), x, y, lines, shades: shades(points, end_s), note }.draw(WIDE)
}

/// A column of the series; latencies may be missing and are shown in seconds.
#[derive(Clone, Copy)]
enum Column {
    Number(fn(&Series, usize) -> f64),
    Latency(fn(&Series, usize) -> Option<f64>),
}

impl Column {
    fn get(self, series: &Series, row: usize) -> Option<f64> {
        match self {
            Column::Number(of) => Some(of(series, row)),
            Column::Latency(of) => of(series, row).map(|ms| ms / 1e3),
        }
    }
}

fn lines(summary: &Summary, points: &[&PointSummary], column: Column) -> Vec<Line> {
    let line = |(index, point): (usize, &&PointSummary)| {
        let points = binned(&point.series, |series, row| column.get(series, row));
        Line { name: overview::label(summary, point), color: Some(index), points, dots: false }
    };
    points.iter().enumerate().map(line).collect()
}

/// What was offered, where it was the same for all.
fn offered(points: &[&PointSummary]) -> Option<Line> {
    let rates: Vec<f64> =
        points.iter().filter_map(|point| point.metric("offered_tx_per_s")).map(|estimate| estimate.mean).collect();
    let (low, high) =
        rates.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), rate| (low.min(*rate), high.max(*rate)));
    let series = &points.first()?.series;
    let same = high <= low * 1.02;
    let points = same.then(|| binned(series, |series, row| Some(series.offered_tx_per_s[row])))?;
    Some(Line { name: "offered".into(), color: None, points, dots: false })
}

/// Means of some rows each, at the middle of the bin.
fn binned(series: &Series, of: impl Fn(&Series, usize) -> Option<f64>) -> Vec<(f64, Option<f64>)> {
    let rows: Vec<usize> = (0..series.len()).collect();
    rows.chunks(bin_rows(series))
        .map(|rows| {
            let middle = (series.t_s(rows[0]) + series.t_s(rows[rows.len() - 1] + 1)) / 2.0;
            (middle, statistics::mean(rows.iter().filter_map(|row| of(series, *row))))
        })
        .collect()
}

fn bin_rows(series: &Series) -> usize {
    series.len().div_ceil(MOST_BINS).max(1)
}

/// Fault windows of the first point, and what lies outside the measured window. A fault that never ended lasts as
/// long as the longest run that has it.
fn shades(points: &[&PointSummary], end_s: f64) -> Vec<Shade> {
    let outside = |from, to| Shade { name: "outside the measured window".into(), from, to, fault: false };
    let window = points[0].window;
    let mut shades = vec![outside(0.0, window.start_s), outside(window.end_s, end_s)];
    shades.retain(|shade| shade.to > shade.from);
    shades.extend(points[0].faults.iter().map(|fault| {
        let same = |other: &&FaultWindow| (&other.name, other.from_s) == (&fault.name, fault.from_s);
        let ends_s = points.iter().flat_map(|point| &point.faults).filter(same).map(|other| other.to_s);
        Shade {
            name: format!("{} ({})", fault.name, fault.kind),
            from: fault.from_s,
            to: ends_s.fold(fault.to_s, f64::max),
            fault: true,
        }
    }));
    shades
}

fn note(bin_s: f64, points: usize) -> String {
    let mut note = format!("Means over {} s and over replications.", format::tick(bin_s));
    if points > MOST_LINES {
        note.push_str(&format!(" The first {MOST_LINES} of {points} points; series.parquet has all."));
    }
    note
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_never_ends_is_shaded_to_the_end_of_the_longest_run() {
        let (mut summary, _) = crate::fixture::comparison();
        for (point, end_s) in summary.points.iter_mut().zip([500.0, 800.0, 600.0, 700.0]) {
            point.faults =
                vec![FaultWindow { name: "crash".into(), to_s: end_s, from_s: 200.0, ..FaultWindow::default() }];
        }
        let points: Vec<&PointSummary> = summary.points.iter().collect();
        let faults: Vec<_> = shades(&points, 800.0).into_iter().filter(|shade| shade.fault).collect();
        assert_eq!((faults.len(), faults[0].from, faults[0].to), (1, 200.0, 800.0));
    }
}
