//! Where a result comes from: the program, the host, and the command that makes it again.

use std::path::Path;
use std::thread::available_parallelism;

use ledgerlab_sim::record::Provenance;

/// Of a run that took `wall_s` seconds, with its transactions or without.
pub fn of(file: &Path, overrides: &[String], transactions: bool, wall_s: f64) -> Provenance {
    let option = if transactions { " --transactions" } else { "" };
    Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("LEDGERLAB_COMMIT").map(str::to_owned),
        host: host(),
        wall_s,
        command: command(file, overrides) + option,
    }
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let cores = available_parallelism().map_or(1, usize::from);
    let machine = format!("{} {}, {cores} cores", std::env::consts::OS, std::env::consts::ARCH);
    if name.trim().is_empty() { machine } else { format!("{} ({machine})", name.trim()) }
}

/// The command line of a run, quoted for a shell.
pub fn command(file: &Path, overrides: &[String]) -> String {
    let sets = overrides.iter().map(|text| format!(" --set {}", quoted(text)));
    format!("ledgerlab run {}{}", quoted(&file.display().to_string()), sets.collect::<String>())
}

/// `text` as one word for a shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_survives_a_shell() {
        let overrides = ["run.seed=7".to_owned(), "run.duration=10 s".to_owned(), "run.name=it's".to_owned()];
        let command = command(Path::new("scenarios/a b.toml"), &overrides);
        let shown =
            r"ledgerlab run 'scenarios/a b.toml' --set run.seed=7 --set 'run.duration=10 s' --set 'run.name=it'\''s'";
        assert_eq!(command, shown);
    }
}
