#!/usr/bin/env bash
# make bench-cluster: a cluster beside one process, Spark standalone and Sail; SCALE=1 for 1 GB of text and records, TPCH=1 its scale.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=build/bench/cluster-venv
if [ ! -x "$venv/bin/tpchgen-cli" ]; then
    mkdir -p build/bench
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet numpy tpchgen-cli
    for optional in "pyspark[connect]==4.0.1" pysail; do # Sail does not take newer clients
        "$venv/bin/pip" install --quiet "$optional" || echo "bench-cluster: without $optional"
    done
fi
tpch=${TPCH:-1}
data=build/bench/sf$tpch
[ -e "$data/lineitem.parquet" ] || "$venv/bin/tpchgen-cli" parquet -s "$tpch" --output-dir="$data"
exec "$venv/bin/python" bench/cluster.py "$data" --scale "${SCALE:-0.1}" "$@"
