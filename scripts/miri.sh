#!/usr/bin/env bash
# Runs the kernel's only unsafe code, the prefetch, under Miri: by itself and in the model that uses it.
# Several threads are left out: they add no unsafe code but rayon's, which Miri's default rules do not accept.
# Usage: scripts/miri.sh     needs a nightly toolchain with the components miri and rust-src
set -euo pipefail
cd "$(dirname "$0")/.."

cargo +nightly miri --version >/dev/null 2>&1 || {
    echo "no Miri: rustup +nightly component add miri rust-src" >&2
    exit 1
}
# A folder of its own: Miri's builds share nothing with the others.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/miri"
cargo +nightly miri test --locked -p ledgerlab-sim --lib -- kernel::prefetch kernel::phold
