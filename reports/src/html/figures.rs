//! Charts over points: latency distribution, load curve, stages, storage, nodes.

use super::Page;
use super::overtime::MOST_LINES;
use crate::chart::{Axis, Bars, Chart, HALF, Layout, Line, Lines, WIDE};
use crate::error::Error;
use crate::format;
use crate::overview;
use ledgerlab_sim::record::{ByteClass, ClassBytes, NodeUse, PointSummary, Stages, StorageRecord, Summary};
use ledgerlab_sim::storage::Store;
use std::collections::BTreeSet;

/// Points that get a chart of their own.
const MOST_CHARTS: usize = 4;

/// Offered rates that differ by no more than this share are one.
const ALIKE: f64 = 0.02;

/// All but the curves, each only where there is something to show.
pub fn section(page: &mut Page, summary: &Summary) -> Result<(), Error> {
    distribution(page, summary)?;
    stages(page, summary)?;
    storage(page, summary)?;
    nodes(page, summary)
}

/// Throughput and latency along the first axis of numbers, a line for each combination of the others.
pub fn curves(page: &mut Page, summary: &Summary) -> Result<(), Error> {
    let Some(axis) = summary.axes.iter().find(|axis| is_numeric(summary, axis)) else { return Ok(()) };
    page.heading("Along the sweep");
    let name = overview::short_name(axis);
    let throughput = |point: &PointSummary| Some(point.metric("throughput_tx_per_s")?.mean);
    let p99_s = |point: &PointSummary| Some(point.metric("latency_p99_ms")?.mean / 1e3);
    let mut by_axis = lines(summary, axis, |point, value| (Some(value), throughput(point)));
    by_axis.extend(offered(summary, axis));
    let against = lines(summary, axis, |point, _| (throughput(point), p99_s(point)));
    let charts = [
        curve(&format!("Throughput by {name}"), name, "throughput (tx/s)", by_axis),
        curve("Latency against throughput", "throughput (tx/s)", "p99 to finality (s)", against),
    ];
    page.charts(&charts.into_iter().collect::<Result<Vec<_>, _>>()?);
    Ok(())
}

fn curve(title: &str, x: &str, y: &str, lines: Vec<Line>) -> Result<Chart, Error> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let x = Axis::from_zero(x, points().map(|(x, _)| *x), format::tick);
    let y = Axis::fitting(y, points().filter_map(|(_, y)| *y), format::tick);
    Lines { title: title.into(), x, y, lines, shades: Vec::new(), note: None }.draw(HALF)
}

fn lines(summary: &Summary, axis: &str, place: impl Fn(&PointSummary, f64) -> (Option<f64>, Option<f64>)) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for point in &summary.points {
        let Some(value) = number(point, axis) else { continue };
        let (Some(x), y) = place(point, value) else { continue };
        let name = overview::label_without(summary, point, Some(axis));
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push((x, y)),
            None => lines.push(Line { name, color: Some(lines.len()), points: vec![(x, y)], dots: true }),
        }
    }
    lines.truncate(MOST_LINES);
    lines
}

/// What was offered at each value of the axis, where all points there agree on it.
fn offered(summary: &Summary, axis: &str) -> Option<Line> {
    let mut rates: Vec<(f64, f64)> = Vec::new();
    for point in &summary.points {
        let (Some(value), Some(rate)) = (number(point, axis), point.metric("offered_tx_per_s")) else { continue };
        match rates.iter().find(|(known, _)| *known == value) {
            Some((_, known)) if (rate.mean - known).abs() > ALIKE * known => return None,
            Some(_) => {}
            None => rates.push((value, rate.mean)),
        }
    }
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let points = rates.into_iter().map(|(value, rate)| (value, Some(rate))).collect();
    Some(Line { name: "offered".into(), color: None, points, dots: false })
}

fn number(point: &PointSummary, axis: &str) -> Option<f64> {
    point.labels.get(axis)?.parse().ok()
}

/// Whether every point has a number on the axis, and there are at least three of them.
fn is_numeric(summary: &Summary, axis: &str) -> bool {
    let numbers: Vec<_> = summary.points.iter().map(|point| number(point, axis)).collect();
    let distinct: BTreeSet<_> = numbers.iter().flatten().map(|number| number.to_bits()).collect();
    numbers.iter().all(Option::is_some) && distinct.len() >= 3
}

fn distribution(page: &mut Page, summary: &Summary) -> Result<(), Error> {
    let points: Vec<_> = summary.points.iter().filter(|point| !point.percentiles.is_empty()).collect();
    if points.is_empty() {
        return Ok(());
    }
    page.heading("Latency distribution");
    let line = |(index, point): (usize, &&PointSummary), place: fn(f64, f64) -> (f64, f64)| {
        let place = |row: &ledgerlab_sim::record::Percentile| place(row.latency_ms / 1e3, row.quantile);
        let points = point.percentiles.iter().map(place).map(|(x, y)| (x, Some(y))).collect();
        Line { name: overview::label(summary, point), color: Some(index), points, dots: false }
    };
    let shown = || points.iter().take(MOST_LINES).enumerate();
    let latencies = || points.iter().flat_map(|point| &point.percentiles).map(|row| row.latency_ms / 1e3);
    let most = points.iter().map(|point| point.latency.count).max().unwrap_or(1).max(100) as f64;
    let cumulative = Lines {
        title: "Cumulative distribution".into(),
        x: Axis::fitting("time to finality (s)", latencies(), format::tick),
        y: Axis::linear("share of transactions (%)", 0.0, 100.0, format::tick),
        lines: shown().map(|item| line(item, |latency, quantile| (latency, 100.0 * quantile))).collect(),
        shades: Vec::new(),
        note: None,
    };
    let tail = Lines {
        title: "Percentiles, the tail stretched".into(),
        x: percentile_axis(most),
        y: Axis::fitting("time to finality (s)", latencies(), format::tick),
        lines: shown()
            .map(|item| line(item, |latency, quantile| (1.0 / (1.0 - quantile).max(1e-9), latency)))
            .collect(),
        shades: Vec::new(),
        note: None,
    };
    page.charts(&[cumulative.draw(HALF)?, clipped(tail, most).draw(HALF)?]);
    page.paragraph("note", "Replications pooled; latency.parquet has the rows, *.hgrm the HdrHistogram form.");
    Ok(())
}

/// 50 %, 90 %, 99 % and so on at equal distances.
fn percentile_axis(most: f64) -> Axis {
    let mut axis = Axis::log("percentile", 1.0, most, |odds| format::tick(100.0 - 100.0 / odds));
    axis.scale.ticks = [2.0, 10.0, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7].into_iter().filter(|tick| *tick <= most).collect();
    axis
}

/// The 100th percentile lies at infinity: the last row ends at the edge.
fn clipped(mut lines: Lines, most: f64) -> Lines {
    for point in lines.lines.iter_mut().flat_map(|line| &mut line.points) {
        point.0 = point.0.min(most);
    }
    lines
}

fn stages(page: &mut Page, summary: &Summary) -> Result<(), Error> {
    let points: Vec<_> = summary.points.iter().filter_map(|point| Some((point, point.stages?))).collect();
    if points.is_empty() {
        return Ok(());
    }
    page.heading("Where the latency goes");
    let share = |stages: &Stages| {
        let total = stages.total_ms();
        stages.values_ms().iter().map(|ms| if total > 0.0 { 100.0 * ms / total } else { 0.0 }).collect()
    };
    let bars = Bars {
        title: "Share of the mean latency by stage".into(),
        layout: Layout::Lying,
        category_title: String::new(),
        categories: points.iter().map(|(point, _)| overview::label(summary, point)).collect(),
        parts: Stages::NAMES.map(str::to_owned).to_vec(),
        values: points.iter().map(|(_, stages)| share(stages)).collect(),
        axis: Axis::linear("share of the mean (%)", 0.0, 100.0, format::tick),
        note: None,
    };
    page.chart(&bars.draw(Bars::lying_size(WIDE.0, points.len()))?);
    let head: Vec<&str> = ["point"].into_iter().chain(Stages::NAMES).chain(["sum"]).collect();
    let row = |(point, stages): &(&PointSummary, Stages)| {
        let values = stages.values_ms().into_iter().chain([stages.total_ms()]).map(format::milliseconds);
        std::iter::once(overview::label(summary, point)).chain(values).collect()
    };
    let numeric: Vec<bool> = (0..head.len()).map(|column| column > 0).collect();
    page.table("", &head, &points.iter().map(row).collect::<Vec<_>>(), &numeric);
    Ok(())
}

fn storage(page: &mut Page, summary: &Summary) -> Result<(), Error> {
    let grows = |point: &&PointSummary| point.storage.bytes_per_day_per_node.total() > 0.0;
    let points: Vec<_> = summary.points.iter().filter(grows).collect();
    if points.is_empty() {
        return Ok(());
    }
    page.heading("Storage");
    let days: Vec<_> = points.iter().map(|point| point.storage.bytes_per_day_per_node).collect();
    let bars = Bars {
        title: "Bytes gained by class, at the window's rate".into(),
        layout: Layout::Lying,
        category_title: String::new(),
        categories: points.iter().map(|point| overview::label(summary, point)).collect(),
        parts: class_names(),
        values: points.iter().map(|point| by_class(&point.storage, &point.storage.bytes_per_day_per_node)).collect(),
        axis: Axis::from_zero("bytes per day and node", days.iter().map(ClassBytes::total), format::tick_bytes),
        note: Some(WHERE_BYTES_LIE.into()),
    };
    page.chart(&bars.draw(Bars::lying_size(WIDE.0, points.len()))?);
    let projected: Vec<_> = points.into_iter().filter(|point| !point.storage.projection.is_empty()).collect();
    let largest = projected
        .iter()
        .flat_map(|point| &point.storage.projection)
        .map(|row| row.per_node_bytes.total())
        .fold(0.0, f64::max);
    let charts = projected.iter().take(MOST_CHARTS).map(|point| projection(summary, point, largest));
    page.charts(&charts.collect::<Result<Vec<_>, _>>()?);
    if !projected.is_empty() {
        page.paragraph(
            "note",
            "Projected from the workloads' weekly profile and the simulated block rate; same scale.",
        );
    }
    Ok(())
}

fn projection(summary: &Summary, point: &PointSummary, largest: f64) -> Result<Chart, Error> {
    let rows = &point.storage.projection;
    let kept = match point.storage.retention_days {
        Some(days) => format!(", bodies kept {} days", format::tick(days)),
        None => String::new(),
    };
    Bars {
        title: format!("{}: bytes kept in years ({}{kept})", overview::label(summary, point), point.storage.variant),
        layout: Layout::Stacked,
        category_title: "years".into(),
        categories: rows.iter().map(|row| row.year.to_string()).collect(),
        parts: class_names(),
        values: rows.iter().map(|row| by_class(&point.storage, &row.per_node_bytes)).collect(),
        axis: Axis::from_zero("bytes per node", [largest], format::tick_bytes),
        note: None,
    }
    .draw(HALF)
}

/// What a buyer of disks must know.
const WHERE_BYTES_LIE: &str = "Headers, certificates, payload, state and index lie on every node's disk. Objects off the \
                               chain never do: they lie in the hospitals' own stores or at an external provider, and \
                               are shown as a node's share of all.";

/// Places of objects off the chain; a variant's bytes go to one of them.
const PLACES: [Store; 2] = [Store::Local, Store::External];

/// Every class, objects off the chain once for each place.
fn class_names() -> Vec<String> {
    let names = |class: &ByteClass| match class {
        ByteClass::OffChain => PLACES.map(|store| format!("off-chain, {}", store.place())).to_vec(),
        class => vec![class.name().to_owned()],
    };
    ByteClass::ALL.iter().flat_map(names).collect()
}

fn by_class(storage: &StorageRecord, bytes: &ClassBytes) -> Vec<f64> {
    let values = |&class: &ByteClass| match class {
        ByteClass::OffChain => {
            PLACES.map(|store| if storage.off_chain_at == store.place() { bytes.off_chain } else { 0.0 }).to_vec()
        }
        class => vec![bytes.get(class)],
    };
    ByteClass::ALL.iter().flat_map(values).collect()
}

fn nodes(page: &mut Page, summary: &Summary) -> Result<(), Error> {
    let shares = |node: &NodeUse| -> Vec<f64> {
        [node.uplink_share, node.downlink_share, node.cpu_share, node.core_share].map(|share| 100.0 * share).to_vec()
    };
    // A run in which nothing happened has nothing to show.
    let busy = |point: &&PointSummary| point.nodes.iter().flat_map(shares).any(|share| share > 0.0);
    let points: Vec<_> = summary.points.iter().filter(busy).collect();
    if points.is_empty() {
        return Ok(());
    }
    page.heading("Network and CPU by node");
    let chart = |point: &&PointSummary| {
        let values: Vec<_> = point.nodes.iter().map(shares).collect();
        let axis = Axis::from_zero("share in use (%)", values.iter().flatten().copied(), format::tick);
        let bars = Bars {
            title: overview::label(summary, point),
            layout: Layout::Grouped,
            category_title: "node".into(),
            categories: point.nodes.iter().map(|node| node.node.to_string()).collect(),
            parts: ["uplink", "downlink", "all cores", "busiest core"].map(str::to_owned).to_vec(),
            values,
            axis,
            note: None,
        };
        bars.draw(HALF)
    };
    let charts = points.iter().take(MOST_CHARTS).map(chart).collect::<Result<Vec<_>, _>>()?;
    page.charts(&charts);
    page.paragraph("note", "Over the measured window; each chart has its own scale; nodes.parquet has all points.");
    Ok(())
}
