//! Tidy tables for analysis: one row one observation, every row with its point's labels.
//!
//! Each table is a Parquet file with the provenance in the file's key-value metadata, so that a file that has left
//! its folder still says where it comes from.

use crate::error::Error;
use ledgerlab_sim::record::{ByteClass, METRICS, RunRecord, Summary};
use polars::prelude::{Column, DataFrame, KeyValueMetadata, NamedFrom, ParquetWriter, PolarsResult, Series};
use std::fs::File;
use std::path::Path;

/// A table with the name of its file.
pub struct Table {
    /// File name without extension.
    pub name: &'static str,
    /// The rows.
    pub frame: DataFrame,
}

/// Every table of a result.
///
/// # Errors
/// [`Error::Table`] where two columns share a name, as with a sweep axis that is called like one of ours.
pub fn tables(summary: &Summary, runs: &[RunRecord]) -> Result<Vec<Table>, Error> {
    [
        ("points", points(summary)),
        ("runs", replications(summary, runs)),
        ("series", series(summary, runs)),
        ("latency", latency(summary)),
        ("storage", storage(summary)),
        ("workloads", workloads(summary)),
        ("nodes", nodes(summary)),
    ]
    .into_iter()
    .map(|(name, frame)| {
        let frame = frame.map_err(|source| Error::Table { name: name.into(), source })?;
        Ok(Table { name, frame })
    })
    .collect()
}

/// Writes `table` into `folder` as Parquet.
///
/// # Errors
/// [`Error::Io`] where the file cannot be made, [`Error::Table`] where it cannot be written.
pub fn write_parquet(table: &mut Table, summary: &Summary, folder: &Path) -> Result<(), Error> {
    let path = folder.join(format!("{}.parquet", table.name));
    let file = File::create(&path).map_err(Error::io("create", &path))?;
    ParquetWriter::new(file)
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(provenance(summary))))
        .finish(&mut table.frame)
        .map(|_| ())
        .map_err(|source| Error::Table { name: table.name.into(), source })
}

/// Where a table comes from, for its metadata.
pub(crate) fn provenance(summary: &Summary) -> Vec<(String, String)> {
    let source = &summary.provenance;
    let pairs = [
        ("schema", summary.schema.to_string()),
        ("name", summary.name.clone()),
        ("verdict", summary.verdict.to_string()),
        ("version", source.version.clone()),
        ("commit", source.commit.clone().unwrap_or_default()),
        ("host", source.host.clone()),
        ("command", source.command.clone()),
        ("scenario", summary.scenario.to_string()),
    ];
    pairs.into_iter().map(|(key, value)| (format!("ledgerlab.{key}"), value)).collect()
}

/// Columns in the making; the point of each row brings the leading label columns.
pub(crate) struct Rows<'a> {
    summary: &'a Summary,
    points: Vec<u32>,
    columns: Vec<Column>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(summary: &'a Summary, points: Vec<u32>) -> Self {
        Self { summary, points, columns: Vec::new() }
    }

    /// Adds a column.
    pub(crate) fn with<T, Kind: ?Sized>(mut self, name: &str, values: T) -> Self
    where
        Series: NamedFrom<T, Kind>,
    {
        self.columns.push(Column::from(Series::new(name.into(), values)));
        self
    }

    /// The table.
    pub(crate) fn finish(self) -> PolarsResult<DataFrame> {
        let point = |index: &u32| &self.summary.points[*index as usize];
        let protocols: Vec<&str> = self.points.iter().map(|index| point(index).protocol.as_str()).collect();
        let axis = |axis: &String| {
            let values: Vec<Option<&str>> =
                self.points.iter().map(|index| point(index).labels.get(axis).map(String::as_str)).collect();
            Column::from(Series::new(axis.as_str().into(), values))
        };
        let mut columns = vec![Column::from(Series::new("point".into(), self.points.clone()))];
        columns.extend(self.summary.axes.iter().map(axis));
        columns.push(Column::from(Series::new("protocol".into(), protocols)));
        columns.extend(self.columns);
        DataFrame::new(self.points.len(), columns)
    }
}

/// (point index, item) of every point's items.
fn each<'a, T: 'a, I>(
    summary: &'a Summary,
    items: impl Fn(&'a ledgerlab_sim::record::PointSummary) -> I,
) -> Vec<(u32, T)>
where
    I: IntoIterator<Item = T>,
{
    let points = summary.points.iter().enumerate();
    points.flat_map(|(index, point)| items(point).into_iter().map(move |item| (index as u32, item))).collect()
}

/// One field of every row.
fn column<T, V>(rows: &[(u32, T)], field: impl Fn(&T) -> V) -> Vec<V> {
    rows.iter().map(|(_, row)| field(row)).collect()
}

fn keys<T>(rows: &[(u32, T)]) -> Vec<u32> {
    rows.iter().map(|(point, _)| *point).collect()
}

/// One row a point and metric: the mean over replications.
fn points(summary: &Summary) -> PolarsResult<DataFrame> {
    let rows = each(summary, |point| METRICS.iter().map(move |metric| (point, metric, point.metric(metric.name))));
    Rows::new(summary, keys(&rows))
        .with("verdict", column(&rows, |(point, _, _)| point.verdict.word()))
        .with("metric", column(&rows, |(_, metric, _)| metric.name))
        .with("unit", column(&rows, |(_, metric, _)| metric.unit))
        .with("mean", column(&rows, |(_, _, estimate)| estimate.map(|e| e.mean)))
        .with("half_width", column(&rows, |(_, _, estimate)| estimate.and_then(|e| e.half_width)))
        .with("replications", column(&rows, |(_, _, estimate)| estimate.map_or(0, |e| e.replications)))
        .finish()
}

/// One row a replication and metric.
fn replications(summary: &Summary, runs: &[RunRecord]) -> PolarsResult<DataFrame> {
    let rows: Vec<_> =
        runs.iter().flat_map(|run| METRICS.iter().map(move |metric| (run.point, (run, metric)))).collect();
    Rows::new(summary, keys(&rows))
        .with("replication", column(&rows, |(run, _)| run.replication))
        .with("seed", column(&rows, |(run, _)| run.seed))
        .with("digest", column(&rows, |(run, _)| run.digest.as_str()))
        .with("verdict", column(&rows, |(run, _)| run.verdict.word()))
        .with("metric", column(&rows, |(_, metric)| metric.name))
        .with("unit", column(&rows, |(_, metric)| metric.unit))
        .with("value", column(&rows, |(run, metric)| (metric.of)(run)))
        .finish()
}

/// One row a replication and step.
fn series(summary: &Summary, runs: &[RunRecord]) -> PolarsResult<DataFrame> {
    let rows: Vec<_> = runs
        .iter()
        .flat_map(|run| (0..run.series.len()).map(move |row| (run.point, (run, &run.series, row))))
        .collect();
    Rows::new(summary, keys(&rows))
        .with("replication", column(&rows, |(run, _, _)| run.replication))
        .with("t_s", column(&rows, |(_, series, row)| series.t_s(*row)))
        .with("offered_tx_per_s", column(&rows, |(_, series, row)| series.offered_tx_per_s[*row]))
        .with("committed_tx_per_s", column(&rows, |(_, series, row)| series.committed_tx_per_s[*row]))
        .with("latency_mean_ms", column(&rows, |(_, series, row)| series.latency_mean_ms[*row]))
        .with("latency_p99_ms", column(&rows, |(_, series, row)| series.latency_p99_ms[*row]))
        .with("backlog_tx", column(&rows, |(_, series, row)| series.backlog_tx[*row]))
        .with("chain_bytes", column(&rows, |(_, series, row)| series.chain_bytes[*row]))
        .finish()
}

/// One row a point and percentile.
fn latency(summary: &Summary) -> PolarsResult<DataFrame> {
    let rows = each(summary, |point| &point.percentiles);
    Rows::new(summary, keys(&rows))
        .with("quantile", column(&rows, |row| row.quantile))
        .with("latency_ms", column(&rows, |row| row.latency_ms))
        .with("count", column(&rows, |row| row.count))
        .finish()
}

/// One row a point, period and class; the period is `window`, `day`, or `year` with its number.
fn storage(summary: &Summary) -> PolarsResult<DataFrame> {
    let rows = each(summary, |point| {
        let storage = &point.storage;
        let window = ("window", 0, storage.window_bytes_per_node);
        let day = ("day", 0, storage.bytes_per_day_per_node);
        let years = storage.projection.iter().map(|row| ("year", row.year, row.per_node_bytes));
        let periods: Vec<_> = [window, day].into_iter().chain(years).collect();
        periods.into_iter().flat_map(move |(period, year, bytes)| {
            ByteClass::ALL.map(|class| (storage.variant.as_str(), period, year, class.name(), bytes.get(class)))
        })
    });
    Rows::new(summary, keys(&rows))
        .with("variant", column(&rows, |row| row.0))
        .with("period", column(&rows, |row| row.1))
        .with("year", column(&rows, |row| row.2))
        .with("class", column(&rows, |row| row.3))
        .with("bytes_per_node", column(&rows, |row| row.4))
        .finish()
}

/// One row a point and workload.
fn workloads(summary: &Summary) -> PolarsResult<DataFrame> {
    let rows = each(summary, |point| &point.workloads);
    Rows::new(summary, keys(&rows))
        .with("workload", column(&rows, |row| row.name.as_str()))
        .with("created", column(&rows, |row| row.cohort.created))
        .with("committed", column(&rows, |row| row.cohort.committed))
        .with("rejected", column(&rows, |row| row.cohort.rejected))
        .with("expired", column(&rows, |row| row.cohort.expired))
        .with("pending", column(&rows, |row| row.cohort.pending))
        .with("latency_mean_ms", column(&rows, |row| row.latency.mean_ms))
        .with("latency_p50_ms", column(&rows, |row| row.latency.p50_ms))
        .with("latency_p99_ms", column(&rows, |row| row.latency.p99_ms))
        .finish()
}

/// One row a point and node.
fn nodes(summary: &Summary) -> PolarsResult<DataFrame> {
    let rows = each(summary, |point| &point.nodes);
    Rows::new(summary, keys(&rows))
        .with("node", column(&rows, |row| row.node))
        .with("organisation", column(&rows, |row| row.organisation.as_str()))
        .with("region", column(&rows, |row| row.region.as_str()))
        .with("up_bytes", column(&rows, |row| row.up_bytes))
        .with("down_bytes", column(&rows, |row| row.down_bytes))
        .with("uplink_share", column(&rows, |row| row.uplink_share))
        .with("downlink_share", column(&rows, |row| row.downlink_share))
        .with("uplink_peak_share", column(&rows, |row| row.uplink_peak_share))
        .with("cpu_share", column(&rows, |row| row.cpu_share))
        .with("core_share", column(&rows, |row| row.core_share))
        .with("disk_share", column(&rows, |row| row.disk_share))
        .finish()
}

#[cfg(test)]
mod tests;
