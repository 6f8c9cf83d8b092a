#!/usr/bin/env bash
# make bench: TPC-H SF1 over Parquet beside DuckDB (and DataFusion, Polars, Hyper where they install).
# Makes a Python environment and the data below build/bench the first time.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/bench
venv=build/bench/venv
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet duckdb tpchgen-cli pyarrow
    for optional in datafusion polars tableauhyperapi; do
        "$venv/bin/pip" install --quiet "$optional" || echo "bench: without $optional"
    done
fi
scale=${SCALE:-1}
data=build/bench/sf$scale
[ -e "$data/lineitem.parquet" ] || "$venv/bin/tpchgen-cli" parquet -s "$scale" --output-dir="$data"
exec "$venv/bin/python" bench/tpch.py "$data" "$@"
