//! Every way in which a folder can refuse a result, and that nothing is lost or half there.

use super::*;
use crate::error::Exit;

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The message, without the scratch folder's own path.
fn message(scratch: &tempfile::TempDir, error: &Error) -> String {
    error.to_string().replace(&scratch.path().display().to_string(), "DIR")
}

#[test]
fn replications_wait_beside_the_result_and_go_when_it_is_there() {
    let dir = scratch();
    let target = dir.path().join("deep/result");
    let folder = Folder::named(&target, false).unwrap();
    fs::write(folder.partial().join("0-0.json"), "{}").unwrap();
    assert!(!target.exists(), "nothing looks whole before the end");
    fs::create_dir(&target).unwrap();
    assert_eq!(folder.finish().unwrap(), target);
    assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 1, "no leftovers");
}

#[test]
fn an_existing_result_is_kept_unless_forced() {
    let dir = scratch();
    let target = dir.path().join("result");
    fs::create_dir(&target).unwrap();
    fs::write(target.join(SUMMARY), "old").unwrap();
    let error = Folder::named(&target, false).unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
    insta::assert_snapshot!(message(&dir, &error), @"
    error: DIR/result: the folder holds a result
    hint: --force replaces it, --out names another folder
    ");
    assert!(Folder::named(&target, true).unwrap().replaces());
    assert_eq!(fs::read_to_string(target.join(SUMMARY)).unwrap(), "old", "kept until the new one is whole");
}

#[test]
fn force_spares_what_somebody_put_beside_a_result() {
    let dir = scratch();
    for name in [SUMMARY, "report.html", "points.parquet", "notes.txt"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let error = Folder::named(dir.path(), true).unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
    insta::assert_snapshot!(message(&dir, &error), @"
    error: DIR/notes.txt: is no part of a result, and --force replaces nothing else
    hint: move it, or name another folder with --out
    ");
    assert!(dir.path().join("notes.txt").exists());
}

#[test]
fn other_files_are_never_replaced() {
    let dir = scratch();
    fs::write(dir.path().join("thesis.txt"), "years of work").unwrap();
    let error = Folder::named(dir.path(), true).unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
    insta::assert_snapshot!(message(&dir, &error), @"
    error: DIR: the folder holds other files, which are never replaced
    hint: name another folder with --out
    ");
    let error = Folder::named(&dir.path().join("thesis.txt"), true).unwrap_err();
    insta::assert_snapshot!(message(&dir, &error), @"
    error: DIR/thesis.txt: is a file, not a folder
    hint: name another folder with --out
    ");
}

#[test]
fn a_folder_that_cannot_be_made_is_a_failed_run() {
    let dir = scratch();
    fs::write(dir.path().join("file"), "").unwrap();
    let error = Folder::named(&dir.path().join("file/result"), false).unwrap_err();
    assert_eq!(error.exit, Exit::Failed);
    insta::assert_snapshot!(message(&dir, &error), @"
    error: DIR/file/result: cannot be written: DIR/file is a file, not a folder
    hint: name another folder with --out
    ");
}

#[test]
fn a_folder_without_permission_is_a_failed_run() {
    let error = not_writable(Path::new("/sealed/result.partial"), &IoError::from(ErrorKind::PermissionDenied));
    assert_eq!(error.exit, Exit::Failed);
    insta::assert_snapshot!(error.to_string(), @"
    error: /sealed/result.partial: cannot be written: permission denied
    hint: name another folder with --out
    ");
}

#[test]
fn an_interrupted_run_is_found_by_either_name_and_not_overwritten() {
    let dir = scratch();
    let target = dir.path().join("result");
    let running = Folder::named(&target, false).unwrap();
    let partial = running.partial().to_owned();
    for error in [Folder::resumed(&target), Folder::named(&target, false), Folder::named(&target, true)] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(message(&dir, &error.unwrap_err()), @"
            error: DIR/result.partial: a run is at work in the folder
            hint: wait until it has ended, or name another folder with --out
            ");
        }
    }
    drop(running);
    fs::write(partial.join("replication-1.json"), "{}").unwrap();
    let error = Folder::named(&target, false).unwrap_err();
    insta::assert_snapshot!(message(&dir, &error), @"
    error: DIR/result.partial: an interrupted run is in the folder
    hint: continue with --resume DIR/result, or --force
    ");
    assert_eq!(Folder::resumed(&target).unwrap().partial(), partial);
    assert_eq!(Folder::resumed(&partial).unwrap().target(), target);
    let error = Folder::resumed(&dir.path().join("nothing")).unwrap_err();
    insta::assert_snapshot!(message(&dir, &error), @"
    error: DIR/nothing.partial: no interrupted run is here
    hint: --resume takes the folder that the interrupted run named
    ");
}

#[test]
fn a_name_of_an_unfinished_run_is_refused() {
    let dir = scratch();
    let error = Folder::named(&dir.path().join("result.partial"), false).unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
    insta::assert_snapshot!(message(&dir, &error), @"
    error: DIR/result.partial: a name that ends in .partial is kept for unfinished runs
    hint: write it as --out DIR/result
    ");
    fs::create_dir(dir.path().join("result.partial")).unwrap();
    let error = Folder::named(&dir.path().join("result.partial"), true).unwrap_err();
    insta::assert_snapshot!(message(&dir, &error), @"
    error: DIR/result.partial: a name that ends in .partial is kept for unfinished runs
    hint: continue with --resume DIR/result, or name another folder with --out
    ");
}

#[test]
fn a_file_in_the_place_of_replications_is_kept() {
    let dir = scratch();
    fs::write(dir.path().join("result.partial"), "mine").unwrap();
    let error = Folder::named(&dir.path().join("result"), true).unwrap_err();
    insta::assert_snapshot!(message(&dir, &error), @"
    error: DIR/result.partial: is a file where replications would be kept
    hint: move it, or name another folder with --out
    ");
    assert_eq!(fs::read_to_string(dir.path().join("result.partial")).unwrap(), "mine");
}

#[test]
fn an_interrupted_run_that_replaces_a_result_is_resumed_and_still_replaces_it() {
    let dir = scratch();
    let target = dir.path().join("result");
    fs::create_dir(&target).unwrap();
    fs::write(target.join(SUMMARY), "old").unwrap();
    for round in ["new", "in the place of another interrupted one"] {
        let forced = Folder::named(&target, true).unwrap();
        assert_eq!(fs::read_dir(forced.partial()).unwrap().count(), 2, "lock and the mark of --force, {round}");
        fs::write(forced.partial().join("0-0.json"), "{}").unwrap();
        drop(forced);
        let resumed = Folder::resumed(&target).unwrap();
        assert!(resumed.replaces() && resumed.partial().join("0-0.json").exists(), "{round}");
    }
    fs::write(target.join("notes.txt"), "mine").unwrap();
    assert!(Folder::resumed(&target).unwrap_err().to_string().contains("notes.txt"), "somebody's file came since");
    fs::remove_file(target.join("notes.txt")).unwrap();
    Folder::resumed(&target).unwrap().finish().unwrap();
    let error = Folder::resumed(&target).unwrap_err();
    assert!(error.to_string().contains("the result is complete"), "{error}");
}

#[test]
fn runs_that_start_at_once_do_not_take_each_other_for_interrupted_ones() {
    let dir = scratch();
    const STARTS: usize = 8;
    for round in 0..30 {
        let parent = dir.path().join(round.to_string());
        let gate = std::sync::Barrier::new(STARTS);
        let start = || {
            gate.wait();
            Folder::next_in(&parent, "same")
        };
        let folders: Vec<Result<Folder, Error>> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..STARTS).map(|_| scope.spawn(start)).collect();
            started.into_iter().map(|s| s.join().unwrap()).collect()
        });
        for folder in folders {
            let folder = folder.unwrap_or_else(|e| panic!("round {round}: {e}"));
            assert!(folder.unfinished().is_empty(), "round {round}: {:?} are at work", folder.unfinished());
        }
        assert_eq!(fs::read_dir(&parent).unwrap().count(), STARTS, "nothing else is left");
    }
}
