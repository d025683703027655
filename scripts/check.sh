#!/usr/bin/env bash
# Everything that must hold before a change lands, in about the order in which it fails fastest.
# Usage: scripts/check.sh [STEP...]     without arguments all steps, in this order:
#   format clippy docs tests doctests build quickstart digests benches
# Three builds of the dependencies are made (checked, dev, release); each step reuses one of them.
set -euo pipefail
cd "$(dirname "$0")/.."

STEPS=(format clippy docs tests doctests build quickstart digests benches)

format()   { cargo fmt --all --check; }
clippy()   { cargo clippy --workspace --all-targets --locked -- -D warnings; }
docs()     { RUSTDOCFLAGS="-Dwarnings" cargo doc --workspace --no-deps --locked; }
doctests() { cargo test --workspace --doc --locked; }
build()    { cargo build --release --locked; }
# Only what measures: this package links no data frames, so the release build above is reused.
benches()  { cargo bench -p ledgerlab-benches --no-run --locked; }
digests()  { scripts/digests.sh; }

tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --workspace --locked
    else
        cargo test --workspace --locked --lib --bins --tests
    fi
}

# The README's first command, twice in a row, into a folder that goes away.
quickstart() {
    local out
    out="$(mktemp -d)"
    for i in 1 2; do
        cargo run --release --locked -- run scenarios/quickstart.toml --out "$out/$i"
        local file
        for file in summary.json report.html; do
            [[ -s "$out/$i/$file" ]] || { echo "the quick start left no $file" >&2; return 1; }
        done
        if grep -oE '(src|href)="(https?:)?//[^"]*"' "$out/$i/report.html"; then
            echo "report.html loads something from outside" >&2
            return 1
        fi
    done
    rm -rf "$out"
}

[[ $# -gt 0 ]] || set -- "${STEPS[@]}"
for step in "$@"; do
    [[ " ${STEPS[*]} " == *" $step "* ]] || { echo "no step \`$step\`; there are: ${STEPS[*]}" >&2; exit 2; }
done
for step in "$@"; do
    echo "==> $step"
    start=$SECONDS
    # Not in a condition: `set -e` holds inside the step.
    "$step"
    echo "==> $step: $((SECONDS - start)) s"
done
echo "==> all good in $SECONDS s"
