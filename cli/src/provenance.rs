//! Where a result comes from: version, commit, host, time and the command that makes it again.

use std::path::Path;
use std::time::Duration;

use ledgerlab_sim::record::Provenance;

/// Of a run of `file` with overrides that took so long.
pub fn provenance(file: &Path, overrides: &[String], took: Duration) -> Provenance {
    let sets: String = overrides.iter().map(|o| format!(" --set '{o}'")).collect();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("LEDGERLAB_COMMIT").map(str::to_owned),
        host: format!("{} {}, {cores} cores", std::env::consts::OS, std::env::consts::ARCH),
        wall_s: took.as_secs_f64(),
        command: format!("ledgerlab run {}{sets}", file.display()),
    }
}
