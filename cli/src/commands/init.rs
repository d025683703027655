//! `ledgerlab init`: writes a commented scenario that runs as it is.

use std::fs;
use std::io::{ErrorKind, Write};

use crate::args::InitArgs;
use crate::error::{Error, Exit};
use crate::print;

/// The scenario that is written.
const TEMPLATE: &str = include_str!("init.toml");

/// Writes the file; an existing one only with `--force`.
///
/// # Errors
/// If the file exists or cannot be written.
pub fn init(args: &InitArgs) -> Result<Exit, Error> {
    let shown = args.path.display().to_string();
    let mut options = fs::OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let written = options.open(&args.path).and_then(|mut file| file.write_all(TEMPLATE.as_bytes()));
    match written {
        Ok(()) => {
            print::err(&format!("wrote {shown}\nhint: ledgerlab run {shown}"));
            Ok(Exit::Fine)
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            Err(Error::usage("the file exists", shown).hint("--force replaces it, or name another file"))
        }
        Err(e) => Err(Error::failed(format!("cannot be written: {e}"), shown).hint("name another file")),
    }
}

#[cfg(test)]
mod tests {
    use ledgerlab_sim::scenario::Experiment;

    use super::*;

    #[test]
    fn the_template_is_valid() {
        let experiment = Experiment::from_text("scenario.toml", TEMPLATE, &[]);
        assert_eq!(experiment.map(|e| e.points.len()).map_err(|e| e.to_string()), Ok(1));
    }

    #[test]
    fn an_existing_file_is_kept_unless_forced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mine.toml");
        fs::write(&path, "mine").unwrap();
        let error = init(&InitArgs { path: path.clone(), force: false }).unwrap_err();
        assert_eq!(error.exit, Exit::Usage);
        insta::assert_snapshot!(error.to_string().replace(&dir.path().display().to_string(), "DIR"), @"
        error: DIR/mine.toml: the file exists
        hint: --force replaces it, or name another file
        ");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        init(&InitArgs { path: path.clone(), force: true }).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), TEMPLATE);
    }

    #[test]
    fn a_folder_that_does_not_exist_is_a_failure() {
        let path = std::path::PathBuf::from("/nowhere/at/all.toml");
        assert_eq!(init(&InitArgs { path, force: false }).unwrap_err().exit, Exit::Failed);
    }
}
