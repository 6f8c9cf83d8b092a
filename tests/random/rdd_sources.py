"""Sources of random RDD programs, beside arrays, ranges and generated partitions: files and queries.

source_NAME(pipeline, rng, record) gives a node of that type, of any where it is None, or None where it does not apply.
"""
import gzip
import subprocess
from datetime import datetime, timedelta

from rdd_calls import BAG, CONCAT, EXACT, Data, function
from rdd_code import Root, cut, fill
from rdd_values import WORDS, c_text, csv_value, float_of, random_row


def shaped(p, rng, node, record):
    """The node with its records made into ones of that type."""
    if record is None or node.record is record:
        return node
    lines, make = fill(rng, record, "out->", [Root("in", node.record)])
    fn = function(p, "map", f"void @(VonkTask *task, const {node.record.name} *in, {record.name} *out)", lines)
    return p.node(f"vonk_rdd_map({node.name}, {node.record.name}, {record.name}, {fn})",
                  node.data.like(record, lambda row: [make({"in": row})]))


# --- files ---

def packed(rng, content):
    """(suffix, bytes of the file)"""
    kind = rng.choice(["", "", ".gz", ".zst"])
    if kind == ".gz":  # of several members, now and then
        at = rng.randint(0, len(content)) if rng.random() < 0.4 else len(content)
        content = gzip.compress(content[:at]) + (gzip.compress(content[at:]) if at < len(content) else b"")
    elif kind == ".zst":
        content = subprocess.run(["zstd", "-c", "-q"], input=content, stdout=subprocess.PIPE, check=True).stdout
    return kind, content


def some_lines(rng, most):
    return [rng.choice([*WORDS, "in\rside", "\r", " "]).encode() for _ in range(rng.randint(0, most))]


def source_text_file(p, rng, record):
    folder, parts = p.name("text"), []
    for at in range(rng.choice([1, 1, 3, 6])):
        lines = some_lines(rng, min(40, p.program.rows))
        ends = [rng.choice([b"\n", b"\n", b"\r\n"]) for _ in lines]
        if lines and lines[-1] and rng.random() < 0.4:
            ends[-1] = b""
        lines = [line + b"." if line.endswith(b"\r") and end != b"\r\n" else line for line, end in zip(lines, ends)]
        suffix, content = packed(rng, b"".join(line + end for line, end in zip(lines, ends)))
        p.files[f"{folder}/part{at}.txt{suffix}"] = content
        parts.append([(line,) for line in lines])
    path = rng.choice([folder, f"{folder}/part*", f"{folder}/*"])
    node = p.node(f'vonk_rdd_text_file(s, in_folder("{path}"))', Data(p.line, EXACT, parts=parts))
    return shaped(p, rng, node, record)


def source_whole_text_files(p, rng, record):
    folder, parts = p.name("whole"), []
    for at in range(rng.choice([1, 2, 5])):
        suffix, content = packed(rng, b"\n".join(some_lines(rng, 6)))
        text = gzip.decompress(content) if suffix == ".gz" else content
        if suffix == ".zst":
            text = subprocess.run(["zstd", "-d", "-c", "-q"], input=content, stdout=subprocess.PIPE, check=True).stdout
        name = f"{at}.txt{suffix}"
        p.files[f"{folder}/{name}"] = content
        parts.append([(cut(name.encode() + text, 60),)])
    files = p.node(f'vonk_rdd_whole_text_files(s, in_folder("{folder}"))', Data(p.program.file_type, EXACT, parts=[[]]))
    node = p.node(f"vonk_rdd_map({files.name}, VonkFile, VonkLine, name_and_text)", Data(p.line, EXACT, parts=parts))
    p.nodes.remove(files)
    return shaped(p, rng, node, record)


def source_binary_records(p, rng, record):
    name, size = p.name("binary"), rng.choice([1, 3, 10])
    rows = [(bytes(rng.choice(b"abcz\n\r 0") for _ in range(size)),) for _ in range(min(rng.choice([0, 1, 50]), p.program.rows))]
    suffix, p.files[f"{name}.bin"] = "", b"".join(row[0] for row in rows)
    node = p.node(f'vonk_rdd_binary_records(s, in_folder("{name}.bin{suffix}"), {size})', Data(p.line, CONCAT, rows))
    return shaped(p, rng, node, record)


# --- queries ---

def sql_literal(kind, value):
    """That value of that type, as SQL has it."""
    name = kind.macro()
    if value is None:
        return f"NULL::{name}"
    if kind.is_text():
        text = value.decode().replace("'", "''")
    elif kind.name in ("float4", "float8"):
        text = repr(float_of(value, 64 if kind.name == "float8" else 32)).replace("inf", "Infinity").replace("nan", "NaN")
    elif kind.name == "timestamp":
        text = (datetime(1970, 1, 1) + timedelta(microseconds=value)).isoformat(" ")
    elif kind.name == "interval":
        text = "%d months %d days %d microseconds" % value
    else:
        text = csv_value(kind, value)
    return f"'{text}'::{name}"


def c_string(text):
    return c_text(text.encode())[1:].rsplit(", ", 1)[0] if text else '""'


def source_values(p, rng, record):
    """A query's rows, NULLs among them."""
    record = record or p.any_type(rng)
    if len(record.leaves) > 40:
        return None
    count, is_ordered = min(rng.choice([0, 1, 20, 60]), p.program.rows), rng.random() < 0.5
    few = rng.random() < 0.4
    rows = [random_row(rng, record, p.program.is_plain, few) for _ in range(count)]
    shown = rows or [random_row(rng, record, p.program.is_plain, few)]
    values = ", ".join("(" + ", ".join([str(at), *(sql_literal(leaf.kind, leaf.of(row)) for leaf in record.leaves)]) + ")"
                       for at, row in enumerate(shown))
    columns = ", ".join(f"c{i}" for i in range(len(record.leaves)))
    query = (f"SELECT {columns} FROM (VALUES {values}) AS v(at, {columns}){'' if rows else ' WHERE at < 0'}"
             f"{' ORDER BY at' if is_ordered else ''}")
    return p.node(f"vonk_rdd_sql(s, {record.name}, {c_string(query)})", Data(record, CONCAT if is_ordered else BAG, rows))


def source_series(p, rng, record):
    first, step, count = rng.choice([0, -70, 10 ** 10]), rng.choice([1, 3]), min(rng.choice([0, 1, 90, 600]), p.program.rows)
    where, test = rng.choice([("", lambda n: True), (" WHERE n % 3 <> 0", lambda n: n % 3 != 0)])
    query = f"SELECT n FROM generate_series({first}::int8, {first + (count - 1) * step if count else first - 1}::int8, {step}) AS g(n){where}"
    node = p.node(f"vonk_rdd_sql(s, VonkNumber, {c_string(query)})",
                  Data(p.program.number_type, BAG, [(n,) for n in range(first, first + count * step, step) if test(n)]))
    return shaped(p, rng, node, record)
