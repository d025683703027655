#!/usr/bin/env bash
# Runs the statistical batteries, which are too long for every change: ignored tests named `many_seeds_...`.
# Usage: [LEDGERLAB_SEEDS=200] scripts/statistics.sh [FILTER]
# Each takes its number of seeds from LEDGERLAB_SEEDS. FILTER narrows the tests by a further part of their name.
set -euo pipefail
cd "$(dirname "$0")/.."

export LEDGERLAB_SEEDS="${LEDGERLAB_SEEDS:-200}"
[[ "$LEDGERLAB_SEEDS" =~ ^[1-9][0-9]*$ ]] || { echo "LEDGERLAB_SEEDS=$LEDGERLAB_SEEDS: not a number of seeds" >&2; exit 2; }
[[ $# -le 1 ]] || { echo "usage: scripts/statistics.sh [FILTER]" >&2; exit 2; }

# Without reports and cli: they have no such tests and take long to build.
battery() {
    cargo test --release --locked -p ledgerlab-consensus -p ledgerlab-workloads -p ledgerlab-sim --lib --tests \
        "many_seeds_${1:-}" -- --ignored "${@:2}"
}

found="$(battery "${1:-}" --list 2>/dev/null | grep -c ': test$' || true)"
[[ "$found" -gt 0 ]] || { echo "no test matches many_seeds_${1:-}" >&2; exit 1; }
echo "==> $found tests over $LEDGERLAB_SEEDS seeds"
battery "${1:-}"
