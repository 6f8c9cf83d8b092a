"""Parquet files that Vonk writes: pyarrow, DuckDB and (if installed) Polars read them back; they appear whole or not at all."""
import os
import resource
import signal
import subprocess

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from parquet_matrix import column_values, flat_names, order_key, same
from written import wait_for_bytes

OPTIONS = ["", "compression zstd, row_group_size 400", "compression gzip, compression_level 6, row_group_size 7",
           "compression lz4", "compression none, row_group_size 1000"]

def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def check_values(matrix, label, names, expected, got):
    for name in names:
        wrong = [i for i, (a, b) in enumerate(zip(expected[name], got[name])) if not same(a, b)]
        ok = not wrong and len(expected[name]) == len(got[name])
        matrix.note(ok, f"{label}.{name}: {len(got[name])} rows" +
                    (f", row {wrong[0]}: {got[name][wrong[0]]!r}, not {expected[name][wrong[0]]!r}" if wrong else ""))


def bound_value(value, column):
    """What pyarrow shows of a statistic, as column_values has it."""
    return column_values(pa.chunked_array([pa.array([value], column.type)]))[0]


def check_statistics(matrix, label, path, table, expected):
    """No value of a row group lies outside of its bounds; null counts are right; exact bounds are values."""
    metadata, start = pq.read_metadata(path), 0
    for g in range(metadata.num_row_groups):
        group = metadata.row_group(g)
        for c in range(group.num_columns):
            chunk = group.column(c)
            name, statistics = chunk.path_in_schema, chunk.statistics
            values = expected[name][start:start + group.num_rows]
            known = [v for v in values if v is not None and v == v]
            good = statistics is not None and statistics.null_count == sum(v is None for v in values)
            if good and statistics.has_min_max and not pa.types.is_decimal(table.schema.field(name).type):
                low, high = bound_value(statistics.min, table.column(name)), bound_value(statistics.max, table.column(name))
                good = all(order_key(low) <= order_key(v) <= order_key(high) for v in known)
                if isinstance(low, float) and good:
                    good = str(low) != "0.0" and str(high) != "-0.0"
            matrix.note(good, f"{label}.{name}, row group {g}: statistics {statistics}")
        start += group.num_rows


def check_written(matrix, session, label, folder, source, table, options):
    """COPY and CREATE TABLE AS of a table that was read; what others make of the file."""
    names = flat_names(table)
    path = os.path.join(folder, f"{label}.parquet")
    selected = ", ".join(map(quoted, names))
    clause = f" WITH ({options})" if options else ""
    if matrix.query(session, f"COPY (SELECT {selected} FROM {quoted(source)}) TO '{path}'{clause}") is None:
        return
    expected = {n: column_values(table.column(n)) for n in names}
    read = pq.read_table(path)
    check_values(matrix, f"{label} by pyarrow", names, expected, {n: column_values(read.column(n)) for n in names})
    arrow = duckdb.sql(f"SELECT {selected} FROM read_parquet('{path}')").to_arrow_table()
    check_values(matrix, f"{label} by DuckDB", names, expected, {n: column_values(arrow.column(n)) for n in names})
    check_statistics(matrix, label, path, read, expected)
    try:
        import polars
    except ImportError:
        return
    frame = polars.read_parquet(path).to_arrow()
    check_values(matrix, f"{label} by Polars", names, expected, {n: column_values(frame.column(n)) for n in names})


def check_pruning_by_others(matrix, label, folder, table):
    """DuckDB trusts our statistics and page indexes: its answers must be those of the values."""
    path = os.path.join(folder, f"{label}.parquet")
    for name in flat_names(table):
        values = column_values(table.column(name))
        known = sorted({order_key(v): v for v in values if v is not None and v == v}.values(), key=order_key)
        kind = table.schema.field(name).type
        if len(known) < 2 or not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_string(kind)):
            continue
        for literal in (known[0], known[len(known) // 2], known[-1]):
            sql = "'" + literal.replace("'", "''") + "'" if isinstance(literal, str) else f"'{literal!r}'::DOUBLE" \
                if isinstance(literal, float) else str(literal)
            for operator, test in (("=", lambda a, b: a == b), ("<=", lambda a, b: a <= b), (">", lambda a, b: a > b)):
                got = duckdb.sql(f"SELECT count(*) FROM read_parquet('{path}') WHERE {quoted(name)} {operator} {sql}").fetchall()[0][0]
                wanted = sum(v is not None and test(order_key(v), order_key(literal)) for v in values)
                matrix.note(got == wanted, f"{label}: DuckDB finds {got} rows, not {wanted}, where {name} {operator} {sql}")


def check_intervals(matrix, session, folder):
    path, bad_path = os.path.join(folder, "spans.parquet"), os.path.join(folder, "bad_spans.parquet")
    query = "SELECT CASE WHEN x % 5 > 0 THEN x * interval '1 month 2 days' + x % 100 * interval '03:04:05.678' END AS span FROM generate_series(1, 3000) g(x)"
    if matrix.query(session, f"COPY ({query}) TO '{path}' WITH (row_group_size 1000)") is None:
        return
    ours = matrix.query(session, f"SELECT s::text FROM ({query}) q(s)")
    with type(session)(folder) as other:
        matrix.note(other.query("SELECT span::text FROM spans")[1] == ours, "intervals read back differently")
    got = duckdb.sql(f"SELECT count(span), sum(datepart('month', span) + 12 * datepart('year', span)) FROM read_parquet('{path}')")
    matrix.note(got.fetchall()[0] == (2400, sum(x for x in range(1, 3001) if x % 5)), f"intervals by DuckDB: {got}")
    for bad in ("- interval '1 day'", "interval '1 microsecond'", "interval '2000 hours'"):
        try:
            session.query(f"COPY (SELECT {bad} AS x) TO '{bad_path}'")
            matrix.note(False, f"{bad} was written")
        except Exception as error:  # noqa: BLE001
            matrix.note("interval that Parquet cannot hold" in str(error), str(error))
    matrix.note(not os.path.exists(bad_path), "a refused file was left")


def interrupted(matrix, build, folder, how):
    """A write that ends early leaves nothing under the name, and after all but kill -9 nothing at all."""
    path = os.path.join(folder, f"{how}.parquet")
    sql = f"COPY (SELECT x, x * 1.5 AS y, 'text ' || x AS z FROM generate_series(1, 100000000) g(x)) TO '{path}'"

    def limit():
        if how == "full":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    process = subprocess.Popen([os.path.join(build, "vonk"), "sql", folder, "-c", sql], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, preexec_fn=limit)
    if how != "full":
        wait_for_bytes(process, 1 << 20, 60)
        process.send_signal({"killed": signal.SIGKILL, "stopped": signal.SIGINT, "ended": signal.SIGTERM}[how])
    _, said = process.communicate(timeout=60)
    left = [n for n in os.listdir(folder) if how in n]
    matrix.note(process.returncode != 0, f"{how}: exit status 0")
    matrix.note(f"{how}.parquet" not in left, f"{how}: a part of a file was left under its name")
    if how in ("full", "stopped"):
        matrix.note(not left, f"{how}: {left} left")
    if how == "full":
        matrix.note(b"could not write file" in said, f"full: {said[:300]}")


def run(session_class, build, folder, source_folder, sources, matrix):
    """sources: {name of a file of source_folder: its Arrow table}."""
    with session_class(source_folder, threads=2) as session:
        for i, (source, table) in enumerate(sources.items()):
            for k, options in enumerate(OPTIONS):
                check_written(matrix, session, f"{source}_{k}", folder, source, table, options)
            if i == 0:
                check_pruning_by_others(matrix, f"{source}_1", folder, table)
        check_intervals(matrix, session, folder)
    with session_class(folder, threads=2) as session:
        source = next(iter(sources))
        matrix.query(session, f"CREATE TABLE again AS SELECT * FROM {quoted(source + '_0')}")
        rows = matrix.query(session, f"SELECT count(*) FROM (SELECT * FROM again EXCEPT ALL SELECT * FROM {quoted(source + '_0')}) d")
        matrix.note(rows == [("0",)], f"CREATE TABLE AS: {rows} rows differ")
    for how in ("killed", "stopped", "ended", "full"):
        interrupted(matrix, build, folder, how)
