//! Ctrl-C ends the program at once with 130, SIGTERM with 143. Completed replications are on disk already, in a folder
//! whose name says that the result is not whole.
//!
//! Where there are no Unix signals the system's own handling ends the program; only the hint is missing then.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Exit};
use crate::print;

static JSON: AtomicBool = AtomicBool::new(false);
static RESUMABLE: Mutex<Option<String>> = Mutex::new(None);

/// Watches for signals from now on, once for a command that takes its time.
///
/// # Errors
/// If the system refuses.
#[cfg(unix)]
pub fn install() -> Result<(), Error> {
    use signal_hook::consts::{SIGINT, SIGTERM};

    let refused = |e: std::io::Error| Error::failed(format!("no handler for signals: {e}"), "ledgerlab");
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).map_err(refused)?;
    let watch = move || match signals.forever().next() {
        Some(SIGTERM) => leave("terminated", Exit::Terminated),
        _ => leave("interrupted", Exit::Interrupted),
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop).map_err(refused)
}

/// Leaves signals to the system.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn install() -> Result<(), Error> {
    Ok(())
}

/// From now on an interruption is told as a JSON document on standard output.
pub fn tell_as_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// From now on `command` resumes the run if it is interrupted.
pub fn resumable_with(command: String) {
    if let Ok(mut slot) = RESUMABLE.lock() {
        *slot = Some(command);
    }
}

/// From now on there is nothing to resume: the result is in its place.
pub fn nothing_to_resume() {
    if let Ok(mut slot) = RESUMABLE.lock() {
        *slot = None;
    }
}

#[cfg(unix)]
fn leave(what: &str, exit: Exit) {
    let hint = RESUMABLE.lock().ok().and_then(|slot| slot.clone());
    let hint = hint.map(|command| format!("continue with {command}"));
    if JSON.load(Ordering::Relaxed) {
        let error = Error::new(exit, what, "ledgerlab");
        hint.into_iter().fold(error, Error::hint).report(true);
    } else {
        let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        print::err(&format!("{what}{hint}"));
    }
    std::process::exit(exit as i32);
}
