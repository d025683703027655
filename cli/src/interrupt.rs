//! Ctrl-C ends the program at once with 130. Completed replications are on disk already, in a folder whose name
//! says that the result is not whole.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::error::{Error, Exit};
use crate::print;

static RESUMABLE: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Installs the handler, once for a command that takes its time.
///
/// # Errors
/// If the system refuses.
pub fn install() -> Result<(), Error> {
    ctrlc::set_handler(leave).map_err(|e| Error::failed(format!("no handler for Ctrl-C: {e}"), "ledgerlab"))
}

/// From now on the run that is interrupted can be resumed at `folder`.
pub fn resumable_at(folder: &Path) {
    if let Ok(mut slot) = RESUMABLE.lock() {
        *slot = Some(folder.to_owned());
    }
}

fn leave() {
    let hint = RESUMABLE.lock().ok().and_then(|slot| slot.clone());
    match hint {
        Some(folder) => print::err(&format!("interrupted\nhint: continue with --resume {}", folder.display())),
        None => print::err("interrupted"),
    }
    std::process::exit(Exit::Interrupted as i32);
}
