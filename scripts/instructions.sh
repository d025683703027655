#!/usr/bin/env bash
# Counts the instructions that an event, a delivery or a transaction costs, which no neighbour on the machine changes,
# and compares them with benches/instructions.txt.
# Usage: scripts/instructions.sh [--write] [CASE...]     --write renews the table; without CASE all cases
# Needs valgrind. Counts depend on the compiler, so the table names its own: with another one, or without valgrind,
# nothing is compared and the script ends well, saying so. Exit 3: a case needs more than TOLERANCE percent more.
set -euo pipefail
cd "$(dirname "$0")/.."

TABLE=benches/instructions.txt
TOLERANCE=5
write=
[[ "${1:-}" == --write ]] && { write=1; shift; }
[[ -z "$write" || $# -eq 0 ]] || { echo "--write renews the whole table: name no case" >&2; exit 2; }

command -v valgrind >/dev/null || { echo "skipped: there is no valgrind to count with"; exit 0; }
toolchain="$(rustc -vV | awk '/^release:|^host:|^commit-hash:/ { printf "%s%s", sep, $2; sep = " " }')"
if [[ -z "$write" ]]; then
    counted="$(sed -n 's/^toolchain //p' "$TABLE")"
    [[ "$counted" == "$toolchain" ]] || {
        echo "skipped: $TABLE was counted with another compiler"
        echo "  there: $counted"
        echo "  here:  $toolchain"
        exit 0
    }
fi

cargo build --quiet --release --locked -p ledgerlab-benches --example instructions
program="${CARGO_TARGET_DIR:-target}/release/examples/instructions"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# Instructions of a run and what it handled, for a case and a length.
count() {
    handled="$(valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file="$scratch/out" \
        --log-file="$scratch/log" "$program" "$1" "$2")" || { cat "$scratch/log" >&2; exit 1; }
    instructions="$(awk '/^summary:/ { print $2 }' "$scratch/out")"
    [[ "$instructions" -gt 0 && "$handled" -gt 0 ]] || { echo "$1: nothing was counted" >&2; exit 1; }
}

# Instructions for each thing handled, without start-up.
cost() {
    local short
    count "$1" 2
    short="$instructions $handled"
    count "$1" 4
    awk -v long="$instructions $handled" -v short="$short" \
        'BEGIN { split(long, l); split(short, s); printf "%.1f\n", (l[1] - s[1]) / (l[2] - s[2]) }'
}

known="$("$program")"
for name in "$@"; do
    grep -qxF -- "$name" <<<"$known" || { echo "no case \`$name\`; there are:" $known >&2; exit 2; }
done
[[ $# -gt 0 ]] || mapfile -t names <<<"$known"
[[ $# -eq 0 ]] || names=("$@")

[[ -z "$write" ]] || {
    echo "# Instructions for each event, delivery or transaction, start-up left out."
    echo "# Written by scripts/instructions.sh --write; compared within $TOLERANCE %."
    echo "toolchain $toolchain"
} >"$scratch/table"
worse=
for name in "${names[@]}"; do
    now="$(cost "$name")" || exit 1
    [[ -z "$write" ]] || { echo "$name $now" | tee -a "$scratch/table"; continue; }
    then="$(awk -v name="$name" '$1 == name { print $2 }' "$TABLE")"
    [[ -n "$then" ]] || { echo "$name $now: not in $TABLE, renew it with --write"; continue; }
    verdict="$(awk -v now="$now" -v then="$then" -v most="$TOLERANCE" 'BEGIN {
        change = (now / then - 1) * 100
        word = "same"
        if (change > most) word = "MORE"
        if (change < -most) word = "fewer: renew the table with --write"
        printf "%+.1f %%, %s\n", change, word
    }')"
    echo "$name $now, was $then: $verdict"
    [[ "$verdict" != *MORE ]] || worse=1
done
if [[ -n "$write" ]]; then
    cp "$scratch/table" "$TABLE"
elif [[ -n "$worse" ]]; then
    echo "more instructions than $TABLE allows ($TOLERANCE %)" >&2
    exit 3
fi
