"""Parquet files that lie: made byte by byte, each with one thing wrong, and what must be said about it.

Every file has to be refused within a second and in little memory, with words that name the file, or be read as what it can
only mean.
"""
import os
import resource
import struct
import time
import zlib

INT32, INT64, BYTES = 1, 2, 6
PLAIN, RLE, DELTA, DELTA_LENGTH, DELTA_PREFIX, CODES = 0, 3, 5, 6, 7, 8
BIG = 2 ** 31 - 1
SECONDS_MAX, BYTES_MAX = 1.0, 256 << 20


# --- Thrift's compact protocol ---

def varint(number):
    out = b""
    while number > 0x7f:
        out, number = out + bytes([number & 0x7f | 0x80]), number >> 7
    return out + bytes([number])


def zigzag(number):
    return varint((number << 1 ^ number >> 63) & 2 ** 64 - 1)


class I32(int):
    """A number that is written as i32; plain ints are i64."""


def encode(value):
    """(type, bytes) of a struct (dict by field number), list, text, bool or number."""
    if isinstance(value, dict):
        out, last = b"", 0
        for number, field in value.items():
            kind, text = encode(field)
            out += (bytes([number - last << 4 | kind]) if 0 < number - last < 16 else bytes([kind]) + zigzag(number)) + text
            last = number
        return 12, out + b"\0"
    if isinstance(value, list):
        items = [encode(v) for v in value]
        kind = items[0][0] if items else 12
        head = bytes([len(items) << 4 | kind]) if len(items) < 15 else bytes([0xf0 | kind]) + varint(len(items))
        return 9, head + b"".join(text for _, text in items)
    if isinstance(value, str):
        return 8, varint(len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return 8, varint(len(value)) + value
    if isinstance(value, bool):
        return 1 if value else 2, b""
    return 5 if isinstance(value, I32) else 6, zigzag(value)


def data_page(body, rows, encoding=PLAIN, unpacked=None, packed=None, **more):
    header = {1: I32(0), 2: I32(len(body) if unpacked is None else unpacked), 3: I32(len(body) if packed is None else packed),
              5: {1: I32(rows), 2: I32(encoding), 3: I32(RLE), 4: I32(RLE)}}
    return encode({**header, **more})[1] + body


def dictionary_page(body, entries, unpacked=None):
    return encode({1: I32(2), 2: I32(len(body) if unpacked is None else unpacked), 3: I32(len(body)),
                   7: {1: I32(entries), 2: I32(PLAIN)}})[1] + body


def column(physical=INT32, name="a", optional=False):
    return {1: I32(physical), 3: I32(1 if optional else 0), 4: name}


def parquet(pages, rows, physical=INT32, codec=0, optional=False, chunk=None, metadata=None, footer=None, group=None):
    """A file of one row group and one column."""
    written = {1: I32(physical), 2: [I32(PLAIN)], 3: ["a"], 4: I32(codec), 5: rows, 6: len(pages), 7: len(pages), 9: 4}
    written.update(metadata or {})
    groups = [{1: [{2: 4, 3: written, **(chunk or {})}], 2: len(pages), 3: rows, **(group or {})}]
    meta = {1: I32(1), 2: [{4: "schema", 5: I32(1)}, column(physical, optional=optional)], 3: rows, 4: groups}
    meta.update(footer or {})
    text = encode(dict(sorted(meta.items())))[1]
    return b"PAR1" + pages + text + struct.pack("<I", len(text)) + b"PAR1"


# --- the files ---

def numbers(count):
    return b"".join(struct.pack("<i", i) for i in range(count))


def texts(*values):
    return b"".join(struct.pack("<I", len(v)) + v for v in values)


def gzip_bomb(byte_count):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(byte_count >> 20)) + packer.flush()


def delta(*numbers_after_first, first=0):
    """A block of four miniblocks of 32 whose deltas are all the same."""
    step, count = numbers_after_first
    return varint(128) + varint(4) + varint(count) + zigzag(first) + zigzag(step) + bytes(4)


def nested(depth):
    value = {1: I32(1)}
    for _ in range(depth):
        value = {1: value}
    return value


def hostile_files():
    """(name, bytes, what the error says; None: it is read)."""
    good = data_page(numbers(10), 10)
    bomb = gzip_bomb(64 << 20)
    levels = lambda body: struct.pack("<I", len(body)) + body  # noqa: E731
    yield "good", parquet(good, 10), None
    yield "no_rows_claimed", parquet(b"", 0), None
    yield "snappy_gib", parquet(data_page(b"\xff\xff\xff\xff\x07" + bytes(20), 10, unpacked=BIG), 10, codec=1), "larger than it can be"
    yield "gzip_bomb", parquet(data_page(bomb, 10, unpacked=64 << 20), 10, codec=2), "more bytes than its rows"
    yield "gzip_lie", parquet(data_page(bomb, 10, unpacked=BIG), 10, codec=2), "larger than it can be|more bytes than its rows"
    yield "zstd_gib", parquet(data_page(b"\x28\xb5\x2f\xfd" + bytes(40), 10, unpacked=BIG), 10, physical=BYTES, codec=6), "decompress|larger"
    yield "page_past_chunk", parquet(data_page(numbers(10), 10, packed=BIG), 10), "longer than the column chunk"
    yield "negative_size", parquet(data_page(numbers(10), 10, packed=-5), 10), "negative"
    yield "rows_more_than_group", parquet(data_page(numbers(10), BIG), 10), "more rows than its row group"
    yield "rows_fewer_than_group", parquet(good, 11), "is damaged"
    yield "values_missing", parquet(data_page(numbers(5), 10), 10), "fewer values"
    yield "group_of_2_62", parquet(good, 2 ** 62), "is damaged"
    yield "group_differs", parquet(good, 10, metadata={5: 9}), "not as many rows"
    yield "negative_rows", parquet(good, -1), "incomplete"
    yield "dictionary_count", parquet(dictionary_page(numbers(10), BIG) + good, 10, metadata={9: 60, 11: 4}), "more entries than bytes"
    yield "dictionary_gib", parquet(dictionary_page(numbers(10), 10, unpacked=BIG), 10, codec=1), "larger than it can be"
    codes = lambda body, rows=10: data_page(body, rows, CODES)  # noqa: E731
    two = dictionary_page(numbers(2), 2)
    place = {9: 4 + len(two), 11: 4}
    yield "code_too_large", parquet(two + codes(b"\x02" + bytes([20, 3])), 10, metadata=place), "larger than the dictionary"
    yield "code_width", parquet(two + codes(b"\x21" + bytes(30)), 10, metadata=place), "more than 32 bits"
    yield "codes_cut", parquet(two + codes(b"\x01\x03"), 10, metadata=place), "fewer values"
    yield "codes_without_end", parquet(two + codes(b"\x01" + b"\xff\xff\xff\xff\x0f"), 10, metadata=place), "fewer values"
    yield "codes_only", parquet(codes(b"\x01" + bytes([20, 1])), 10), "larger than the dictionary"
    yield "two_dictionaries", parquet(two + two + good, 10, metadata=place), "two dictionaries"
    yield "level_of_two", parquet(data_page(levels(b"\x14\x02") + numbers(10), 10), 10, optional=True), "fewer levels"
    yield "levels_too_long", parquet(data_page(struct.pack("<I", BIG) + numbers(10), 10), 10, optional=True), "levels are longer"
    yield "levels_cut", parquet(data_page(levels(b"\x03") + numbers(10), 10), 10, optional=True), "fewer levels"
    yield "levels_huge_run", parquet(data_page(levels(b"\xfe\xff\xff\xff\x0f\x01") + numbers(10), 10), 10, optional=True), None
    yield "text_length", parquet(data_page(struct.pack("<I", 2 ** 32 - 1) + b"abc", 1), 1, physical=BYTES), "longer than its page"
    yield "text_not_utf8", parquet(data_page(texts(b"\xc3("), 1), 1, physical=BYTES), "bytea"
    yield "delta_count", parquet(data_page(delta(1, BIG), 10, DELTA), 10), "more delta-coded values"
    yield "delta_header", parquet(data_page(varint(2 ** 40) + bytes(20), 10, DELTA), 10), "header is not valid"
    yield "delta_empty_blocks", parquet(data_page(varint(8) + varint(0) + varint(10) + b"\0", 10, DELTA), 10), "header is not valid"
    yield "delta_lengths", parquet(data_page(delta(BIG, 10) + b"abc", 10, DELTA_LENGTH), 10, physical=BYTES), "out of range"
    yield "delta_negative", parquet(data_page(delta(-1, 10) + b"abc", 10, DELTA_LENGTH), 10, physical=BYTES), "out of range"
    yield "delta_prefixes", parquet(data_page(delta(1000, 10) + delta(0, 10) + b"", 10, DELTA_PREFIX), 10, physical=BYTES), "prefix is longer"
    yield "unknown_encoding", parquet(data_page(numbers(10), 10, 42), 10), "unknown encoding"
    yield "unknown_codec", parquet(good, 10, codec=99), "unknown compression"
    yield "brotli", parquet(good, 10, codec=4), "Brotli"
    yield "lzo", parquet(good, 10, codec=3), "LZO"
    yield "wrong_type", parquet(good, 10, metadata={1: I32(INT64)}), "another type"
    yield "chunk_outside", parquet(good, 10, metadata={9: 2 ** 40}), "outside of the file"
    yield "chunk_negative", parquet(good, 10, metadata={9: -4}), "outside of the file"
    yield "chunk_is_footer", parquet(good, 10, metadata={9: 4 + len(good)}), "damaged"
    yield "chunk_size", parquet(good, 10, metadata={7: 2 ** 62}), "outside of the file"
    yield "empty_pages", parquet(data_page(b"", 0) * 20000 + good, 10), None
    yield "nested_deeply", parquet(good, 10, footer={5: [{1: "k"}], 9: nested(900)}), "encrypted"
    yield "nested_unknown", parquet(good, 10, footer={20: nested(900)}), "nested too deeply"
    yield "page_nested", parquet(data_page(numbers(10), 10, **{}), 10, metadata={30: nested(200)}), "nested too deeply"
    yield "no_schema", parquet(good, 10, footer={2: []}), "schema|tree"
    yield "schema_children", parquet(good, 10, footer={2: [{4: "schema", 5: I32(BIG)}, column()]}), "not a tree"
    yield "schema_negative", parquet(good, 10, footer={2: [{4: "schema", 5: I32(-1)}, column()]}), "not a tree"
    yield "schema_deep", parquet(b"", 0, footer={2: [{4: "schema", 5: I32(1)}] + [{4: "x", 5: I32(1)}] * 5000 + [column()], 4: []}), "record"
    yield "name_not_utf8", parquet(good, 10, footer={2: [{4: "schema", 5: I32(1)}, {**column(), 4: b"\xff\xfe"}]}), "UTF-8"
    yield "name_with_zero", parquet(good, 10, footer={2: [{4: "schema", 5: I32(1)}, {**column(), 4: "a\0b"}]}), "zero byte"
    yield "fewer_chunks", parquet(good, 10, group={1: []}), "one chunk for each column"
    yield "other_file", parquet(good, 10, chunk={1: "b.parquet"}), "another file"
    yield "indexes_outside", parquet(good, 10, chunk={4: 2 ** 50, 5: I32(BIG), 6: 5, 7: I32(BIG)}), None
    yield "indexes_of_noise", parquet(good, 10, chunk={4: 4, 5: I32(30), 6: 4, 7: I32(30)}), None
    yield "bloom_outside", parquet(good, 10, metadata={14: 2 ** 50}), None
    yield "bloom_of_noise", parquet(good, 10, metadata={14: 4, 15: I32(40)}), None
    huge_lists = b"\x15\x02\x19\xfc\xff\xff\xff\xff\x0f"
    yield "huge_list", b"PAR1" + huge_lists + struct.pack("<I", len(huge_lists)) + b"PAR1", "longer than what is left"
    yield "footer_length", b"PAR1" + bytes(10) + struct.pack("<I", 2 ** 32 - 1) + b"PAR1", "claims to have"
    yield "footer_of_zeros", b"PAR1" + bytes(1000) + struct.pack("<I", 1000) + b"PAR1", "no schema"
    yield "encrypted_footer", b"PAR1" + bytes(100) + struct.pack("<I", 10) + b"PARE", "encrypted"
    yield "tiny", b"PAR1", "not a Parquet file"
    yield "empty", b"", "not a Parquet file|empty"


# --- the questions ---

def ask(session, name, sql, expected, matrix):
    """Refused with the words and the file's name, or read; soon."""
    import re
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    try:
        session.query(sql)
        said = None
    except Exception as error:  # noqa: BLE001: what kind is judged below
        said = str(error)
    seconds = time.process_time() - start  # of all threads: a busy machine may be slow
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    good = said is None if expected is None else said is not None and re.search(expected, said) and name in said
    matrix.note(good, f"hostile {name}: {sql}: {said}, not {expected}")
    matrix.note(seconds < SECONDS_MAX, f"hostile {name}: took {seconds:.1f} s")
    matrix.note(more < BYTES_MAX, f"hostile {name}: took {more >> 20} MiB")


def run(session_class, folder, matrix):
    for name, data, expected in hostile_files():
        with open(os.path.join(folder, f"{name}.parquet"), "wb") as file:
            file.write(data)
        with session_class(folder, threads=1, jit="off") as session:
            ask(session, name, f"SELECT * FROM {name}", expected, matrix)
            if expected is None and name != "no_rows_claimed":
                rows = matrix.query(session, f"SELECT count(*), sum(a) FROM {name} WHERE a = 3 OR a IN (4, 5)")
                matrix.note(rows is not None and rows[0][1] in ("12",), f"hostile {name}: {rows}")
                rows = matrix.query(session, f"SELECT count(*) FROM {name} WHERE a = 3")
                matrix.note(rows is not None and rows[0][0] == "1", f"hostile {name}: {rows}")
        os.unlink(os.path.join(folder, f"{name}.parquet"))
