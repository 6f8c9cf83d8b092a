#!/usr/bin/env python3
"""Reads each Parquet file of a folder with parquet_dump, pyarrow and DuckDB, and says where they differ.

    compare_samples.py PARQUET_DUMP FOLDER_OR_FILE...

Columns that Vonk refuses (lists, maps, records, times, ...) are left out of the comparison and named. A file that
Vonk cannot read is fine when neither of the others can, when its checksums are wrong (the others do not look), or when
it holds bytes that are no text; it is reported otherwise. Exit status 1: something differs.
"""
import datetime
import decimal
import math
import pathlib
import struct
import subprocess
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

EPOCH = datetime.datetime(1970, 1, 1)


def dump(program, path):
    """Names, types and rows as parquet_dump prints them, or an error text."""
    run = subprocess.run([program, str(path)], capture_output=True)
    if run.returncode != 0:
        return None, None, run.stderr.decode(errors="replace").strip(), []
    refused = [line[10:] for line in run.stderr.decode(errors="replace").splitlines() if line.startswith("not read: ")]
    lines = run.stdout.decode().split("\n")[:-1]
    if not lines:
        return [], [], None, refused
    columns = [tuple(cell.rsplit(":", 1)) for cell in lines[0].split("\t")]
    return columns, [line.split("\t") for line in lines[1:]], None, refused


def unescape(text):
    out, at = [], 0
    names = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    while at < len(text):
        if text[at] == "\\":
            out.append(names[text[at + 1]])
            at += 2
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def ours_as_value(cell, type_name):
    if cell == "\\N":
        return None
    if type_name in ("smallint", "integer", "bigint"):
        return int(cell)
    if type_name.startswith("numeric"):
        return decimal.Decimal(cell)
    if type_name == "real":
        return struct.unpack("f", struct.pack("f", float(cell)))[0]
    if type_name == "double precision":
        return float(cell)
    if type_name == "boolean":
        return cell == "true"
    return unescape(cell)


def date_text(year_first):
    return year_first.isoformat()


def micros_text(micros):
    """As Vonk prints a timestamp; None when Python cannot."""
    try:
        moment = EPOCH + datetime.timedelta(microseconds=micros)
    except OverflowError:
        return None
    text = moment.strftime("%Y-%m-%d %H:%M:%S") if moment.year >= 1000 else None
    if text and moment.microsecond:
        text += (".%06d" % moment.microsecond).rstrip("0")
    return text


def theirs_as_value(value, type_name):
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="surrogateescape")
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return micros_text((value - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return date_text(value)
    if isinstance(value, int) and type_name.startswith("numeric"):
        return decimal.Decimal(value)
    if type_name == "real" and value is not None:
        return struct.unpack("f", struct.pack("f", float(value)))[0]
    return value


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or a == b
    return a == b


def arrow_columns(path, names):
    """Values per column; timestamps as whole microseconds."""
    table = pq.ParquetFile(path).read(columns=names)
    out = {}
    for name in names:
        column = table.column(name)
        if pa.types.is_timestamp(column.type):
            unit = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}[column.type.unit]
            out[name] = [None if v is None else micros_text(v * 1_000_000 // unit)
                         for v in column.cast(pa.int64()).to_pylist()]
        else:
            out[name] = column.to_pylist()
    return out


def duckdb_columns(path, names):
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    rows = duckdb.sql(f"SELECT {quoted} FROM read_parquet('{path}')").fetchall()
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def compare_with(reader, label, path, columns, rows):
    names = [name for name, _ in columns]
    try:
        theirs = reader(path, names)
    except Exception:
        return None
    found = []
    for c, (name, type_name) in enumerate(columns):
        expected = theirs[name]
        if len(expected) != len(rows):
            found.append(f"{label}: {len(expected)} rows, not {len(rows)}")
            break
        for r, row in enumerate(rows):
            a, b = ours_as_value(row[c], type_name), theirs_as_value(expected[r], type_name)
            if not same(a, b):
                found.append(f"{label}: {name} ({type_name}), row {r}: {a!r}, not {b!r}")
                break
    return found


def can_read(reader, path):
    try:
        reader(path)
        return True
    except Exception:
        return False


def check(program, path):
    """(is as it should be, what to say)"""
    columns, rows, error, refused = dump(program, path)
    note = f" (not compared: {', '.join(refused)})" if refused else ""
    if error is not None:
        arrow = can_read(lambda p: pq.ParquetFile(p).read(), path)
        duck = can_read(lambda p: duckdb.sql(f"SELECT * FROM read_parquet('{p}')").fetchall(), path)
        is_expected = "corrupt-checksum" in path.name or "type bytea" in error
        return is_expected or not (arrow or duck), f"{error} [pyarrow reads it: {arrow}, DuckDB: {duck}]"
    if not columns:
        return True, "no column that Vonk reads" + note
    arrow = compare_with(arrow_columns, "pyarrow", path, columns, rows)
    duck = compare_with(duckdb_columns, "DuckDB", path, columns, rows)
    if arrow is None and duck is None:
        return False, "neither pyarrow nor DuckDB reads it"
    readers = " and ".join(name for name, result in (("pyarrow", arrow), ("DuckDB", duck)) if result is not None)
    found = (arrow or []) + (duck or [])
    if "int96_from_spark" in path.name:  # its last row is a far date that each reader wraps in its own way
        found = [text for text in found if "row 5" not in text and "9999-12-31" not in text]
    return not found, "; ".join(found) if found else f"{len(rows)} rows, {len(columns)} columns as {readers}" + note


def main():
    program = sys.argv[1]
    paths = []
    for argument in map(pathlib.Path, sys.argv[2:]):
        paths += sorted(argument.glob("*.parquet")) if argument.is_dir() else [argument]
    bad = 0
    for path in paths:
        good, text = check(program, path)
        bad += not good
        print(f"{'ok ' if good else 'DIFFERS'} {path.name}: {text}")
    print(f"{len(paths)} files, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
