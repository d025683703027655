#!/usr/bin/env bash
# Random schedules on the fast event queue and on the reference heap, which must pop the same.
# Usage: scripts/fuzz-queue.sh SECONDS [FIRST_SEED]     without FIRST_SEED the clock gives one, so every run is new
# Overflow and internal assertions are checked. A difference stops it with the seed.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ "${1:-}" =~ ^[1-9][0-9]*$ && "${2:-1}" =~ ^[0-9]+$ && $# -le 2 ]] || {
    echo "usage: scripts/fuzz-queue.sh SECONDS [FIRST_SEED]" >&2
    exit 2
}
cargo run --locked -p ledgerlab-benches --example fuzz_queue -- "$1" "${2:-$(date +%s)000}"
