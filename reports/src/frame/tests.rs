//! Tables as they come back from disk.

use super::*;
use crate::fixture;
use polars::prelude::{ParquetReader, SerReader};

fn read_back(name: &str) -> (DataFrame, Vec<(String, String)>) {
    let (summary, runs) = fixture::comparison();
    let folder = tempfile::tempdir().unwrap();
    let mut table = tables(&summary, &runs).unwrap().into_iter().find(|table| table.name == name).unwrap();
    write_parquet(&mut table, &summary, folder.path()).unwrap();
    let mut reader = ParquetReader::new(File::open(folder.path().join(format!("{name}.parquet"))).unwrap());
    let metadata = reader.get_metadata().unwrap().key_value_metadata.clone().unwrap_or_default();
    let pairs = metadata.into_iter().map(|pair| (pair.key, pair.value.unwrap_or_default())).collect();
    (reader.finish().unwrap(), pairs)
}

#[test]
fn every_table_reads_back_with_its_rows() {
    let (summary, runs) = fixture::comparison();
    let rows = |name| read_back(name).0.height();
    assert_eq!(rows("points"), summary.points.len() * METRICS.len());
    assert_eq!(rows("runs"), runs.len() * METRICS.len());
    assert_eq!(rows("series"), runs.iter().map(|run| run.series.len()).sum::<usize>());
    assert_eq!(rows("latency"), summary.points.iter().map(|point| point.percentiles.len()).sum::<usize>());
    assert_eq!(rows("storage"), summary.points.len() * (2 + 10) * ByteClass::ALL.len());
    assert_eq!(rows("workloads"), summary.points.len() * 3);
    assert_eq!(rows("nodes"), summary.points.len() * 16);
}

#[test]
fn a_row_has_its_points_labels_and_the_figure_of_the_summary() {
    let (summary, _) = fixture::comparison();
    let (frame, _) = read_back("points");
    let names: Vec<_> = frame.get_column_names().iter().map(|name| name.to_string()).collect();
    assert_eq!(names[..3], ["point", "consensus.protocol", "protocol"]);
    let row = METRICS.iter().position(|metric| metric.name == "latency_p99_ms").unwrap() + METRICS.len();
    let mean = frame.column("mean").unwrap().f64().unwrap().get(row);
    assert_eq!(mean, summary.points[1].metric("latency_p99_ms").map(|estimate| estimate.mean));
    assert_eq!(frame.column("protocol").unwrap().str().unwrap().get(row), Some("praos"));
}

#[test]
fn the_file_says_where_it_comes_from() {
    let (summary, _) = fixture::comparison();
    let (_, metadata) = read_back("series");
    let value = |key: &str| metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    assert_eq!(value("ledgerlab.command"), Some(summary.provenance.command.as_str()));
    assert_eq!(value("ledgerlab.schema"), Some("1"));
    assert!(value("ledgerlab.scenario").unwrap().contains("[run]"));
}

#[test]
fn an_axis_named_like_a_column_is_an_error() {
    let (mut summary, runs) = fixture::comparison();
    summary.axes = vec!["metric".into()];
    assert!(matches!(tables(&summary, &runs), Err(Error::Table { name, .. }) if name == "points"));
}

#[test]
fn a_stalled_run_has_nulls() {
    let (summary, runs) = fixture::stalled();
    let tables = tables(&summary, &runs).unwrap();
    let runs = &tables.iter().find(|table| table.name == "runs").unwrap().frame;
    let row = METRICS.iter().position(|metric| metric.name == "latency_p50_ms").unwrap();
    assert_eq!(runs.column("value").unwrap().f64().unwrap().get(row), None);
}
