//! Folders on a real file system.

use super::*;
use crate::fixture;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_single_point_fills_the_folder_and_leaves_nothing_beside_it() {
    let (summary, runs) = fixture::stalled();
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("results/one");
    write(&summary, &runs, &[], &folder, Existing::Refuse).unwrap();
    assert_eq!(
        names(&folder),
        [
            "latency.hgrm",
            "latency.parquet",
            "nodes.parquet",
            "points.parquet",
            "report.html",
            "runs.parquet",
            "series.parquet",
            "storage.parquet",
            "summary.json",
            "workloads.parquet"
        ]
    );
    assert_eq!(names(&parent.path().join("results")), ["one"]);
}

#[test]
fn what_a_killed_process_has_left_is_removed_and_nothing_else() {
    let (summary, runs) = fixture::stalled();
    let parent = tempfile::tempdir().unwrap();
    let left = [".one.partial-17", ".one.partial-notes", ".other.partial-17", "one.partial"];
    left.iter().for_each(|name| fs::create_dir(parent.path().join(name)).unwrap());
    write(&summary, &runs, &[], &parent.path().join("one"), Existing::Refuse).unwrap();
    assert_eq!(names(parent.path()), [".one.partial-notes", ".other.partial-17", "one", "one.partial"]);
}

#[test]
fn a_sweep_has_a_distribution_for_each_point() {
    let (summary, runs) = fixture::load_curve();
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("sweep");
    write(&summary, &runs, &[], &folder, Existing::Refuse).unwrap();
    let files = names(&folder.join("latency"));
    assert_eq!((files.len(), files[0].as_str()), (10, "000-pbft-load-0.5.hgrm"));
}

#[test]
fn a_result_is_replaced_only_on_request_and_anything_else_never() {
    let (summary, runs) = fixture::stalled();
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("run");
    fs::create_dir(&folder).unwrap();
    write(&summary, &runs, &[], &folder, Existing::Refuse).unwrap();
    let refused = write(&summary, &runs, &[], &folder, Existing::Refuse);
    assert!(matches!(refused, Err(Error::Occupied { .. })));
    fs::write(folder.join("old"), "").unwrap();
    write(&summary, &runs, &[], &folder, Existing::Replace).unwrap();
    assert!(!folder.join("old").exists());
    let mine = parent.path().join("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("thesis.tex"), "").unwrap();
    assert!(matches!(write(&summary, &runs, &[], &mine, Existing::Replace), Err(Error::Foreign { .. })));
    assert_eq!(names(parent.path()), ["mine", "run"]);
    assert_eq!(names(&mine), ["thesis.tex"]);
}

#[test]
fn a_failed_write_leaves_nothing() {
    let (mut summary, runs) = fixture::comparison();
    summary.axes = vec!["metric".into()];
    let parent = tempfile::tempdir().unwrap();
    let failed = write(&summary, &runs, &[], &parent.path().join("run"), Existing::Refuse);
    assert!(matches!(failed, Err(Error::Table { .. })));
    assert!(names(parent.path()).is_empty(), "{:?}", names(parent.path()));
}

#[test]
fn a_failed_replacement_keeps_the_old_result() {
    let (mut summary, runs) = fixture::stalled();
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("run");
    write(&summary, &runs, &[], &folder, Existing::Refuse).unwrap();
    let before = fs::read(folder.join("summary.json")).unwrap();
    summary.axes = vec!["metric".into()];
    assert!(write(&summary, &runs, &[], &folder, Existing::Replace).is_err());
    assert_eq!(fs::read(folder.join("summary.json")).unwrap(), before);
    assert_eq!(names(parent.path()), ["run"]);
}

#[test]
fn a_parent_that_is_a_file_is_named() {
    let (summary, runs) = fixture::stalled();
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let message = write(&summary, &runs, &[], &file.join("run"), Existing::Refuse).unwrap_err().to_string();
    assert!(message.starts_with("cannot create") && message.contains("file"), "{message}");
}

#[test]
fn rendering_again_gives_the_same_report() {
    let (summary, runs) = fixture::comparison();
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("run");
    write(&summary, &runs, &[], &folder, Existing::Refuse).unwrap();
    let report = fs::read_to_string(folder.join(REPORT)).unwrap();
    fs::remove_file(folder.join(REPORT)).unwrap();
    let path = render(&folder).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), report);
    assert!(!names(&folder).iter().any(|name| name.contains("partial")));
}
