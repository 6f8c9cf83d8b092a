"""Parquet files of every type, encoding, page form and compression; what Vonk must find in them.

A table of all types is written by pyarrow in many layouts (and by DuckDB, which writes intervals and its own choice of
encodings). Each file is read by Vonk and compared value by value, then asked with random predicates, whose answers come from
a plain interpretation in Python: what statistics, page indexes and Bloom filters rule out must not change them.
"""
import datetime
import decimal
import math
import os
import random
import re
import struct

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

EPOCH = datetime.datetime(1970, 1, 1)
DAY = 86400 * 1000000


# --- values ---

def as_value(cell, type_name):
    """What Vonk printed, as a Python value that compares as SQL does: timestamps and dates are numbers."""
    if cell is None:
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
    if type_name == "date":
        return moment_of(cell) // DAY
    if type_name.startswith("timestamp"):
        return moment_of(cell)
    return cell


def moment_of(text):
    """Microseconds since 1970 of a date or timestamp of the years that Python has."""
    return (datetime.datetime.fromisoformat(text) - EPOCH) // datetime.timedelta(microseconds=1)


def column_values(column):
    """An Arrow column as such values."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column_values(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        unit = {"s": 1, "ms": 1000, "us": 1000000, "ns": 1000000000}[kind.unit]
        return [None if v is None else v * 1000000 // unit for v in column.cast(pa.int64()).to_pylist()]
    if pa.types.is_date(kind):
        return column.cast(pa.date32()).cast(pa.int32()).to_pylist()
    if pa.types.is_uint64(kind):
        return [None if v is None else decimal.Decimal(v) for v in column.to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return [None if v is None else v.decode() for v in column.to_pylist()]
    if pa.types.is_float16(kind):
        return column.cast(pa.float32()).to_pylist()
    return column.to_pylist()


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return a == b


# --- the columns ---

def texts(rng, count):
    """Short, long, with long common prefixes, beyond ASCII."""
    stems = ["", "a", "ab", "zebra", "\u00e4\u00f6\u00fc", "\U0001f680\U0001f680", "a" * 70, "a" * 63 + "\u00e4", "\U0010ffff" * 20,
             "\x7f" * 40, "common prefix of many texts ", "%_\\"]
    return [rng.choice(stems) + (str(rng.randrange(count)) if rng.random() < 0.7 else "") for _ in range(count)]


def floats(rng, count, width):
    special = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.5, -1.5]
    small = [5e-324, 1e308] if width == 64 else [1e-45, 3e38]
    return [rng.choice(special + small) if rng.random() < 0.2 else rng.gauss(0, 1000) for _ in range(count)]


def integers(rng, count, low, high):
    edges = [low, high, 0, 1]
    return [rng.choice(edges) if rng.random() < 0.1 else
            rng.randint(max(low, -1000), min(high, 1000)) if rng.random() < 0.6 else rng.randint(low, high)
            for _ in range(count)]


def decimals(rng, count, precision, scale):
    high = 10 ** precision - 1
    with decimal.localcontext() as context:
        context.prec = 60
        return [decimal.Decimal(v).scaleb(-scale) for v in integers(rng, count, -high, high)]


def with_nulls(rng, values, pattern):
    if pattern == "some":
        return [None if rng.random() < 0.2 else v for v in values]
    if pattern == "runs":
        return [None if i // 150 % 3 == 1 else v for i, v in enumerate(values)]
    if pattern == "rare":
        return [None if rng.random() < 0.002 else v for v in values]
    if pattern == "all":
        return [None] * len(values)
    return values


DECIMALS = [(1, 0), (4, 4), (9, 2), (10, 0), (18, 6), (19, 0), (28, 10), (38, 0), (38, 38)]


def make_table(rng, count, patterns=("none", "some", "runs", "rare")):
    """All types. A name ends in the pattern of its nulls."""
    low_card = lambda values: [rng.choice(values[:17]) for _ in values]  # noqa: E731
    made = {
        "bool": (pa.bool_(), [rng.random() < 0.3 for _ in range(count)]),
        "boolruns": (pa.bool_(), [i // 97 % 2 == 0 for i in range(count)]),
        "f4": (pa.float32(), floats(rng, count, 32)),
        "f8": (pa.float64(), floats(rng, count, 64)),
        "f8few": (pa.float64(), low_card(floats(rng, count, 64))),
        "f2": (pa.float16(), pa.array(floats(rng, count, 32), pa.float32()).cast(pa.float16()).to_pylist()),
        "date": (pa.date32(), [rng.randint(-100000, 100000) for _ in range(count)]),
        "ordered": (pa.int64(), [i * 3 for i in range(count)]),
        "reversed": (pa.int32(), [-i // 2 for i in range(count)]),
        "text": (pa.string(), texts(rng, count)),
        "textfew": (pa.string(), low_card(texts(rng, count))),
        "textordered": (pa.large_string(), sorted(texts(rng, count))),
        "dictionary": (pa.string(), low_card(texts(rng, count))),
        "bytes": (pa.binary(), [t.encode() for t in texts(rng, count)]),
        "fixed": (pa.binary(5), [b"%05d" % rng.randrange(count) for _ in range(count)]),
        "nothing": (pa.null(), [None] * count),
    }
    for bits in (8, 16, 32, 64):
        made[f"i{bits}"] = (getattr(pa, f"int{bits}")(), integers(rng, count, -2 ** (bits - 1), 2 ** (bits - 1) - 1))
        made[f"u{bits}"] = (getattr(pa, f"uint{bits}")(), integers(rng, count, 0, 2 ** bits - 1))
        made[f"i{bits}few"] = (getattr(pa, f"int{bits}")(), low_card(integers(rng, count, -100, 100)))
    for precision, scale in DECIMALS:
        made[f"n{precision}_{scale}"] = (pa.decimal128(precision, scale), decimals(rng, count, precision, scale))
    for unit, scale in (("ms", 1000), ("us", 1), ("ns", 1)):
        moments = [rng.randint(-2 * 10 ** 15, 3 * 10 ** 15) for _ in range(count)]
        factor = 1000 if unit == "ns" else 1
        stored = [v // scale * factor + (rng.randrange(1000) if unit == "ns" else 0) for v in moments]
        made[f"ts{unit}"] = (pa.timestamp(unit), stored)
        made[f"tz{unit}"] = (pa.timestamp(unit, tz="UTC"), stored)
    columns = {}
    for i, (name, (kind, values)) in enumerate(made.items()):
        pattern = "all" if kind == pa.null() else patterns[(i + rng.randrange(2)) % len(patterns)]
        array = pa.array(with_nulls(rng, values, pattern), kind)
        columns[f"{name}_{pattern}"] = array.dictionary_encode() if name == "dictionary" else array
    columns["f8_nonan"] = pa.array([rng.uniform(-5, 5) for _ in range(count)], pa.float64())
    columns["f8_onlynan"] = pa.array([math.nan] * count, pa.float64())
    columns["text_all"] = pa.array([None] * count, pa.string())
    columns["i64_all"] = pa.array([None] * count, pa.int64())
    columns["list"] = pa.array([[1, 2]] * count, pa.list_(pa.int32()))
    columns["record"] = pa.array([{"a": 1, "b": "x"}] * count)
    columns["last"] = pa.array(range(count), pa.int32())
    return pa.table(columns)


# --- the files ---

def encodings_of(table, rng, decimals_are_integers=False):
    """An encoding each, of those that pyarrow can write for the column's type."""
    chosen = {}
    for field in table.schema:
        kind = field.type
        if pa.types.is_nested(kind) or pa.types.is_null(kind) or pa.types.is_dictionary(kind):
            continue
        choices = ["PLAIN"]
        if pa.types.is_boolean(kind):
            choices.append("RLE")
        elif pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            choices += ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"]
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
            choices += ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]
        elif pa.types.is_floating(kind):
            choices.append("BYTE_STREAM_SPLIT")
        elif decimals_are_integers and pa.types.is_decimal(kind) and kind.precision <= 18:
            choices += ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"]
        elif pa.types.is_decimal(kind) or pa.types.is_fixed_size_binary(kind):
            choices += ["BYTE_STREAM_SPLIT", "DELTA_BYTE_ARRAY"]
        chosen[field.name] = rng.choice(choices)
    return chosen


def flat_names(table):
    return [f.name for f in table.schema if not pa.types.is_nested(f.type)]


def layouts(table, rng):
    """Names and pyarrow's arguments."""
    blooms = {f.name: {"ndv": 500, "fpp": 0.05} for f in table.schema
              if not pa.types.is_nested(f.type) and not pa.types.is_boolean(f.type) and not pa.types.is_null(f.type)}
    encoded = lambda whole=False: {"use_dictionary": False, "store_decimal_as_integer": whole,  # noqa: E731
                                   "column_encoding": encodings_of(table, rng, whole)}
    yield "plain", {"use_dictionary": False, "compression": "none", "store_decimal_as_integer": True}
    yield "default", {}
    yield "indexed", {"write_page_index": True, "row_group_size": 500, "max_rows_per_page": 50, "write_batch_size": 10,
                      "data_page_size": 200, "sorting_columns": [pq.SortingColumn(table.schema.get_field_index("ordered_none"))]
                      if "ordered_none" in table.column_names else None}
    yield "v2", {"data_page_version": "2.0", "compression": "zstd", "write_page_checksum": True, "data_page_size": 500,
                 "write_batch_size": 100}
    yield "fallback", {"dictionary_pagesize_limit": 600, "data_page_size": 400, "write_batch_size": 64, "compression": "gzip"}
    yield "fallback2", {"dictionary_pagesize_limit": 1000, "data_page_version": "2.0", "write_batch_size": 20,
                        "data_page_size": 100, "write_page_index": True, "compression": "lz4"}
    yield "encoded", {**encoded(), "compression": "none", "data_page_size": 700, "write_batch_size": 50}
    yield "encoded2", {**encoded(), "data_page_version": "2.0", "compression": "lz4", "write_page_index": True,
                       "data_page_size": 300, "write_batch_size": 30, "row_group_size": 700}
    yield "encoded3", {**encoded(True), "compression": "zstd", "write_page_checksum": True}
    yield "encoded4", {**encoded(True), "data_page_version": "2.0", "compression": "none"}
    yield "silent", {"write_statistics": False, "row_group_size": 300}
    yield "bloom", {"bloom_filter_options": blooms, "row_group_size": 100, "write_statistics": False}
    yield "bloom2", {"bloom_filter_options": blooms, "row_group_size": 64, "use_dictionary": False, "compression": "gzip"}
    yield "groups", {"row_group_size": 1} if table.num_rows <= 60 else {"row_group_size": 7}
    yield "old", {"use_deprecated_int96_timestamps": True, "row_group_size": 400}


def duckdb_file(table, path, options):
    """The columns that DuckDB's Arrow scan knows, written by DuckDB; an interval column too."""
    source = table.select([f.name for f in table.schema if not pa.types.is_null(f.type) and f.type != pa.float16()
                           and not pa.types.is_nested(f.type)])
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.register("source", source)
    extra = "to_months(CAST(last % 30 AS INTEGER)) + to_days(CAST(last % 7 AS INTEGER)) + to_seconds(last * 100) AS span"
    connection.execute(f"COPY (SELECT *, {extra} FROM source) TO '{path}' (FORMAT parquet, {options})")
    connection.close()
    return source


def span_text(row):
    """Of the row above, as PostgreSQL prints intervals."""
    years, months, days, seconds = row % 30 // 12, row % 30 % 12, row % 7, row * 100
    parts = [f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in ((years, "year"), (months, "mon"), (days, "day")) if n]
    if seconds or not parts:
        parts.append(f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}")
    return " ".join(parts)


# --- predicates ---

def order_key(value):
    """NaN is the greatest float and equals itself; text goes by its bytes."""
    if isinstance(value, float):
        return (1, 0.0) if math.isnan(value) else (0, value)
    return (0, value.encode()) if isinstance(value, str) else (0, value)


COMPARISONS = {"=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
               ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


class Literal:
    """SQL text, its value, and whether it turns the comparison into one of doubles."""

    def __init__(self, sql, value, makes_double=False):
        self.sql, self.value, self.makes_double = sql, value, makes_double


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def timestamp_sql(micros):
    return f"timestamp '{(EPOCH + datetime.timedelta(microseconds=micros)).isoformat(sep=' ')}'"


def literal_for(rng, kind, value):
    """A literal at or near a value of a column of that type."""
    if kind == "boolean":
        return Literal("true" if value else "false", value)
    if kind in ("smallint", "integer", "bigint") or kind.startswith("numeric"):
        choice = rng.randrange(6)
        if kind.startswith("numeric(38"):  # no digit is left for another scale
            return Literal(f"({value:f})", value)
        if choice == 0 and abs(value) < 2 ** 50:
            near = float(value) + rng.choice([0, 0.5, -0.5])
            return Literal(f"{near!r}::float8", near, True)
        if choice == 1:
            near = decimal.Decimal(value) + rng.choice([decimal.Decimal("0.5"), 0, decimal.Decimal("-0.25")])
            return Literal(f"{near:f}" if near >= 0 else f"({near:f})", near) if len(f"{near:f}") < 38 else \
                Literal(f"({value:f})" if isinstance(value, decimal.Decimal) else f"({value})", value)
        if choice == 2:
            return rng.choice([Literal("3000000000", 3000000000), Literal("(-40000)", -40000), Literal("70000", 70000),
                               Literal("0::smallint", 0)])
        near = value + rng.choice([0, 0, 1, -1]) if len(str(value)) < 37 else value
        return Literal(f"({near:f})" if isinstance(near, decimal.Decimal) else f"({near})", near)
    if kind in ("real", "double precision"):
        choice = rng.randrange(5)
        if choice == 0:
            return rng.choice([Literal("'NaN'::float8", math.nan), Literal("'Infinity'::float8", math.inf), Literal("0.0", 0.0),
                               Literal("'-0'::float8", -0.0), Literal("'-Infinity'::float8", -math.inf), Literal("1.5", 1.5)])
        if choice == 1:
            return Literal("7", 7.0)
        return Literal(f"'{value!r}'::float8", value)
    if kind == "date":
        if rng.random() < 0.3:
            micros = value * DAY + rng.choice([0, 1, -1])
            return Literal(timestamp_sql(micros), micros / DAY if micros % DAY else micros // DAY)
        near = value + rng.choice([0, 1, -1])
        return Literal(f"date '{(EPOCH + datetime.timedelta(days=near)).date().isoformat()}'", near)
    if kind.startswith("timestamp"):
        if rng.random() < 0.3:
            return Literal(f"date '{(EPOCH + datetime.timedelta(microseconds=value)).date().isoformat()}'", value // DAY * DAY)
        near = value + rng.choice([0, 0, 1, -1, 1000])
        return Literal(timestamp_sql(near), near)
    text = value if rng.random() < 0.6 else value[:rng.randint(0, 3)] + rng.choice(["", "z", "\u00e9"])
    return Literal(quoted(text), text)


def compare(value, operator, literal):
    if value is None:
        return None
    if literal.makes_double:
        value = float(value)
    return COMPARISONS[operator](order_key(value), order_key(literal.value))


def like(value, pattern):
    if value is None:
        return None
    out, i = "", 0
    while i < len(pattern):
        c = pattern[i]
        if c == "\\" and i + 1 < len(pattern):
            i += 1
            out += re.escape(pattern[i])
        else:
            out += ".*" if c == "%" else "." if c == "_" else re.escape(c)
        i += 1
    return re.fullmatch(out, value, re.S) is not None


def all_of(answers):
    return False if False in answers else None if None in answers else True


def any_of(answers):
    return True if True in answers else None if None in answers else False


def simple_predicate(rng, name, kind, values):
    """SQL over one column, and a function of a value."""
    known = [v for v in values if v is not None]
    pick = lambda: literal_for(rng, kind, rng.choice(known))  # noqa: E731
    choice = rng.randrange(10) if known else 9
    column = f'"{name}"'
    if choice == 9:
        return rng.choice([(f"{column} IS NULL", lambda v: v is None), (f"{column} IS NOT NULL", lambda v: v is not None)])
    if kind == "text" and choice < 3:
        stem = rng.choice(known)[:rng.randint(0, 12)].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = stem + rng.choice(["%", "%", "", "_", "%a%", "0%"])
        negated = rng.random() < 0.2
        return (f"{column} {'NOT ' if negated else ''}LIKE {quoted(pattern)}",
                lambda v: None if v is None else like(v, pattern) != negated)
    if choice == 8:
        items = [pick() for _ in range(rng.randint(1, 5))]
        items = [i for i in items if not i.makes_double] or items[:1]
        negated = rng.random() < 0.2
        return (f"{column} {'NOT ' if negated else ''}IN ({', '.join(i.sql for i in items)})",
                lambda v: None if v is None else any(compare(v, "=", i) for i in items) != negated)
    if choice == 7:
        low, high = pick(), pick()
        return (f"{column} BETWEEN {low.sql} AND {high.sql}",
                lambda v: None if v is None else compare(v, ">=", low) and compare(v, "<=", high))
    operator, literal = rng.choice(list(COMPARISONS)), pick()
    if rng.random() < 0.2:
        flipped = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(operator, operator)
        return f"{literal.sql} {flipped} {column}", lambda v: compare(v, operator, literal)
    return f"{column} {operator} {literal.sql}", lambda v: compare(v, operator, literal)


def predicate(rng, columns):
    """SQL, and the numbers of the rows that it keeps."""
    parts = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        name = rng.choice(list(columns)) if not parts or rng.random() < 0.5 else parts[-1][0]
        kind, values = columns[name]
        sql, test = simple_predicate(rng, name, kind, values)
        parts.append((name, sql, [test(v) for v in values]))
    joined, answer_of = rng.choice([(" AND ", all_of), (" OR ", any_of)])
    sql = joined.join(f"({p[1]})" for p in parts) if len(parts) > 1 else parts[0][1]
    return sql, [i for i, answers in enumerate(zip(*(p[2] for p in parts))) if answer_of(answers) is True]


# --- the comparison ---

class Matrix:
    """Counts; tells what differs."""

    def __init__(self, folder, seed):
        self.folder, self.rng = folder, random.Random(seed)
        self.passed = self.failed = 0

    def path(self, name):
        return os.path.join(self.folder, f"{name}.parquet")

    def note(self, ok, text):
        self.passed += bool(ok)
        self.failed += not ok
        if not ok and self.failed < 40:
            print(f"DIFFERS {text}", flush=True)

    def query(self, session, sql):
        """Rows, or None when it failed."""
        try:
            return session.query(sql)[1]
        except Exception as error:  # noqa: BLE001: any failure is a finding
            self.note(False, f"{sql[:300]}: {error}")
            return None

    def values(self, session, name, table):
        """Every column of the file against the table; names, types and values for predicates."""
        names = flat_names(table)
        rows = self.query(session, f'SELECT {", ".join(chr(34) + n + chr(34) for n in names)} FROM "{name}"')
        if rows is None:
            return {}
        columns = {}
        for c, (column, kind) in enumerate(zip(names, session.types)):
            expected = column_values(table.column(column))
            got = [as_value(row[c], kind) for row in rows]
            wrong = [i for i in range(min(len(expected), len(got))) if not same(expected[i], got[i])]
            ok = not wrong and len(expected) == len(got)
            self.note(ok, f"{name}.{column} ({kind}): " + (f"row {wrong[0]}: {got[wrong[0]]!r}, not {expected[wrong[0]]!r}"
                                                          if wrong else f"{len(got)} rows, not {len(expected)}"))
            columns[column] = (kind, expected)
        return columns

    def predicates(self, session, name, columns, count):
        for _ in range(count):
            sql, kept = predicate(self.rng, columns)
            other = self.rng.choice(list(columns))
            rows = self.query(session, f'SELECT count(*), sum("last"), count("{other}") FROM "{name}" WHERE {sql}')
            if rows is None:
                continue
            last = columns["last"][1]
            expected = (str(len(kept)), str(sum(last[i] for i in kept)) if kept else None,
                        str(sum(columns[other][1][i] is not None for i in kept)))
            self.note(rows[0] == expected, f"{name}: {sql[:300]}: {rows[0]}, not {expected}")

    def aggregates(self, session, name, columns):
        """min, max, count and the groups of every column."""
        for column, (kind, values) in columns.items():
            known = sorted((v for v in values if v is not None), key=order_key)
            if kind != "boolean":
                rows = self.query(session, f'SELECT min("{column}"), max("{column}"), count("{column}") FROM "{name}"')
                got = None if rows is None else (as_value(rows[0][0], kind), as_value(rows[0][1], kind), int(rows[0][2]))
                expected = (known[0], known[-1], len(known)) if known else (None, None, 0)
                self.note(got is not None and all(g == e or same(g, e) for g, e in zip(got, expected)),
                          f"{name}.{column} ({kind}): min, max, count {got}, not {expected}")
            rows = self.query(session, f'SELECT count(*) FROM (SELECT "{column}" FROM "{name}" GROUP BY "{column}") g')
            groups = len({None if v is None else order_key(v) for v in values})
            self.note(rows is not None and int(rows[0][0]) == groups, f"{name}.{column}: {rows} groups, not {groups}")

    def refusals(self, session, name, table):
        """Nested columns are refused by name, when they are used."""
        for field in table.schema:
            if not pa.types.is_nested(field.type):
                continue
            try:
                session.query(f'SELECT "{field.name}" FROM "{name}"')
                self.note(False, f"{name}.{field.name} was read")
            except Exception as error:  # noqa: BLE001
                self.note(f'"{field.name}"' in str(error) and "not supported" in str(error), f"{name}.{field.name}: {error}")
