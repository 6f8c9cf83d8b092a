#!/usr/bin/env bash
# make bench-rdd: RDD jobs beside Spark, DuckDB, Polars and others; SCALE=0.1 for a tenth of the data.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=build/bench/rdd-venv
if [ ! -x "$venv/bin/python" ]; then
    mkdir -p build/bench
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet numpy
    for optional in duckdb polars pyspark "dask[dataframe]" ray; do
        "$venv/bin/pip" install --quiet "$optional" || echo "bench-rdd: without $optional"
    done
fi
# shellcheck disable=SC2086  # SLOW is no word, or one
exec "$venv/bin/python" bench/rdd.py --scale "${SCALE:-1}" ${SLOW:-} "$@"
