#!/bin/sh
# check_rt_symbols.sh NM DEF BITCODE... -- what the operations' bitcode calls, and rt_symbols.def does not have
set -eu
nm=$1 def=$2
shift 2
missing=$("$nm" --undefined-only --format=just-symbols "$@" | grep -E '^[A-Za-z_]' | grep -v ':$' | sort -u |
    while read -r name; do grep -qF "RT($name)" "$def" || echo "$name"; done)
[ -z "$missing" ] || { echo "rt_symbols.def lacks:" $missing >&2; exit 1; }
