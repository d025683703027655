//! The figures behind the charts, and where they come from.

use super::Page;
use crate::format;
use crate::overview;
use ledgerlab_sim::record::{METRICS, Metric, PointSummary, Summary};

/// Metrics of the first table, whose definitions come before anything else.
const FIRST: [&str; 4] = ["throughput_tx_per_s", "latency_mean_ms", "chain_bytes_per_day_per_node", "success_rate"];

/// Definitions of the first table's figures.
pub fn definitions(page: &mut Page, summary: &Summary) {
    let row = |name: &str| {
        let definition = summary.definitions.get(name)?;
        Some(vec![name.to_owned(), definition.definition.clone()])
    };
    let rows: Vec<_> = FIRST.into_iter().filter_map(row).collect();
    page.table("", &["figure", "what it is"], &rows, &[false, false]);
}

/// Everything else in tables.
pub fn section(page: &mut Page, summary: &Summary) {
    page.heading("All figures");
    metrics(page, summary);
    all_definitions(page, summary);
    workloads(page, summary);
    blocks(page, summary);
    messages(page, summary);
    projection(page, summary);
    page.heading("Checks");
    checks(page, summary);
    page.heading("Provenance");
    provenance(page, summary);
}

/// Points beside each other in a table, so that a page has room for them on screen and on paper.
const MOST_COLUMNS: usize = 5;

fn metrics(page: &mut Page, summary: &Summary) {
    for points in summary.points.chunks(MOST_COLUMNS) {
        let names = points.iter().map(|point| overview::label(summary, point));
        let head: Vec<String> = std::iter::once("metric".to_owned()).chain(names).collect();
        let row = |metric: &Metric| {
            let cell = |point: &PointSummary| format::estimate_in(metric.unit, metric.name, point.metric(metric.name));
            std::iter::once(metric.name.to_owned()).chain(points.iter().map(cell)).collect()
        };
        let rows: Vec<Vec<String>> = METRICS.iter().map(row).collect();
        let numeric: Vec<bool> = (0..head.len()).map(|column| column > 0).collect();
        page.table("metrics", &head, &rows, &numeric);
    }
}

fn all_definitions(page: &mut Page, summary: &Summary) {
    let row = |metric: &Metric| {
        let definition = summary.definitions.get(metric.name)?;
        Some(vec![metric.name.to_owned(), definition.unit.clone(), definition.definition.clone()])
    };
    let rows: Vec<_> = METRICS.iter().filter_map(row).collect();
    page.titled_table("Their definitions", &["metric", "unit", "definition"], &rows, &[false, false, false]);
}

fn workloads(page: &mut Page, summary: &Summary) {
    let head = ["point", "workload", "created", "committed", "rejected", "expired", "pending", "p50", "p99"]
        .map(str::to_owned);
    let mut rows = Vec::new();
    for point in &summary.points {
        for workload in &point.workloads {
            let cohort = &workload.cohort;
            let counts = [cohort.created, cohort.committed, cohort.rejected, cohort.expired, cohort.pending];
            let latency = [workload.latency.p50_ms, workload.latency.p99_ms];
            let mut row = vec![overview::label(summary, point), workload.name.clone()];
            row.extend(counts.map(format::count));
            row.extend(latency.map(|ms| format::optional(ms, format::milliseconds)));
            rows.push(row);
        }
    }
    page.titled_table("Cohort by workload", &head, &rows, &[false, false, true, true, true, true, true, true, true]);
}

fn blocks(page: &mut Page, summary: &Summary) {
    let head = [
        "point",
        "blocks",
        "empty",
        "made",
        "stale",
        "interval",
        "size",
        "transactions",
        "view changes",
        "catch-ups",
        "reorganisations",
    ];
    let row = |point: &PointSummary| {
        let blocks = &point.blocks;
        let reorgs = blocks.reorgs.iter().map(|reorg| format!("depth {}: {}", reorg.depth, format::count(reorg.count)));
        let reorgs = reorgs.collect::<Vec<_>>().join(", ");
        vec![
            overview::label(summary, point),
            format::count(blocks.count),
            format::count(blocks.empty),
            format::count(blocks.made),
            format::count(blocks.stale),
            format::optional(blocks.interval_mean_s.map(|s| s * 1e3), format::milliseconds),
            format::optional(blocks.size_mean_bytes, format::bytes),
            format::optional(blocks.transactions_mean, format::number),
            format::count(blocks.view_changes),
            format::count(blocks.catch_ups),
            if reorgs.is_empty() { "none".into() } else { reorgs },
        ]
    };
    let rows: Vec<_> = summary.points.iter().map(row).collect();
    page.titled_table("Chain", &head, &rows, &[false, true, true, true, true, true, true, true, true, true, false]);
    let note = "Counts are sums over replications, the others means. `blocks` became final within the window, `empty` ones \
                among them; `made` were made in it and have a decided fate, `stale` ones among them.";
    page.paragraph("note", note);
}

fn messages(page: &mut Page, summary: &Summary) {
    let mut rows = Vec::new();
    for point in &summary.points {
        for message in &point.messages {
            let (count, bytes) = (format::count(message.count), format::bytes(message.bytes as f64));
            rows.push(vec![overview::label(summary, point), message.kind.clone(), count, bytes]);
        }
    }
    page.titled_table("Messages sent", &["point", "kind", "messages", "bytes"], &rows, &[false, false, true, true]);
}

fn projection(page: &mut Page, summary: &Summary) {
    let head = [
        "point",
        "year",
        "chain",
        "state and index",
        "a node's disk",
        "objects off chain, a node's share",
        "they lie at",
        "all nodes and stores",
    ];
    let mut rows = Vec::new();
    for point in &summary.points {
        for year in point.storage.projection.iter().filter(|row| [1, 3, 5, 10].contains(&row.year)) {
            let bytes = &year.per_node_bytes;
            let parts = [bytes.chain(), bytes.state + bytes.index, bytes.ledger(), bytes.outside()];
            let mut row = vec![overview::label(summary, point), year.year.to_string()];
            row.extend(parts.map(format::bytes));
            row.push(if bytes.outside() > 0.0 { point.storage.off_chain_at.clone() } else { format::NONE.into() });
            row.push(format::bytes(year.total_bytes));
            rows.push(row);
        }
    }
    page.titled_table("Projected bytes", &head, &rows, &[false, true, true, true, true, true, false, true]);
}

fn checks(page: &mut Page, summary: &Summary) {
    let head = ["point", "replication", "seed", "check", "outcome", "measured", "expected", "detail"];
    let mut rows = Vec::new();
    for point in &summary.points {
        for replication in &point.replications {
            for check in &replication.checks {
                rows.push(vec![
                    overview::label(summary, point),
                    replication.replication.to_string(),
                    replication.seed.to_string(),
                    check.name.clone(),
                    if check.passed { "\u{2713} held".into() } else { "\u{2717} failed".into() },
                    format::optional(check.measured, format::number),
                    format::optional(check.expected, format::number),
                    check.detail.clone(),
                ]);
            }
        }
    }
    page.table("", &head, &rows, &[false, true, true, false, false, true, true, false]);
}

fn provenance(page: &mut Page, summary: &Summary) {
    let source = &summary.provenance;
    let row = |key: &str, value: &str| vec![key.to_owned(), value.to_owned()];
    let mut rows = vec![
        row("version", &source.version),
        row("commit", source.commit.as_deref().unwrap_or("unknown")),
        row("host", &source.host),
        row("wall time", &format::milliseconds(source.wall_s * 1e3)),
        row("repeat with", &source.command),
        row("summary schema", &summary.schema.to_string()),
    ];
    for point in &summary.points {
        for replication in &point.replications {
            let key = format!("{}, seed {}", overview::label(summary, point), replication.seed);
            let counts = [replication.events, replication.deliveries].map(format::count);
            let value = format!("{} ({} events, {} deliveries)", replication.digest, counts[0], counts[1]);
            rows.push(row(&key, &value));
        }
    }
    page.table("", &["what", "value"], &rows, &[false, false]);
    page.subheading("Scenario in effect");
    page.preformatted(&summary.scenario.to_string());
}
