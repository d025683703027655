#!/usr/bin/env bash
# Compares the run digests of every shipped scenario with the golden ones in scenarios/digests.txt.
# Usage: scripts/digests.sh [--write]
#   --write replaces the golden digests: only for a change that is meant to change results, which also needs a
#   line under "Changes results" in CHANGELOG.md.
# `ledgerlab verify` runs each scenario repeatedly and with several numbers of jobs, and fails where digests differ.
# A line of the golden file is a scenario, the number of the run in it (points, then replications), and its digest.
set -euo pipefail
cd "$(dirname "$0")/.."

GOLDEN=scenarios/digests.txt
[[ $# -eq 0 || "$*" == "--write" ]] || { echo "usage: scripts/digests.sh [--write]" >&2; exit 2; }

cargo build --release --locked
binary="$(cargo metadata --format-version 1 --no-deps --locked | sed -E 's/.*"target_directory":"([^"]+)".*/\1/')/release/ledgerlab"
actual="$(mktemp)"
trap 'rm -f "$actual"' EXIT
"$binary" verify --json scenarios/*.toml | awk '
    /"file":/         { split($0, part, "\""); file = part[4]; round = 0 }
    inside && /\]/    { inside = 0 }
    inside && round == 1 { split($0, part, "\""); print file, ++run, part[2] }
    /"digests": \[/   { inside = 1; run = 0; round++ }
' >"$actual"
[[ -s "$actual" ]] || { echo "\`ledgerlab verify --json\` listed no digests" >&2; exit 1; }

if [[ "${1:-}" == "--write" ]]; then
    cp "$actual" "$GOLDEN"
    echo "wrote $GOLDEN; say why under \"Changes results\" in CHANGELOG.md"
elif ! diff -u "$GOLDEN" "$actual"; then
    echo "results have changed; if that is meant: scripts/digests.sh --write, and a line in CHANGELOG.md" >&2
    exit 1
fi
