"""Record types and values of random RDD programs: how C has them, how they are printed, when they are equal, which comes first.

A value is an int (bool, int*, date, timestamp, numeric), the bits of a float, bytes (text), (months, days, microseconds) for an
interval, a tuple for a record; None is NULL.
"""
import math
import struct
import zlib
from datetime import date, timedelta

SCALARS = ["bool", "int2", "int4", "int8", "float4", "float8", "text", "date", "timestamp", "interval", "numeric", "varchar", "char"]
WIDTH = {"int2": 16, "int4": 32, "int8": 64}
WORDS = ["", "a", "b", "ab", "abc", "zebra", "Zoë", "日本語", "ß", "x y", "A", "0", "null", "\U0001f600", "long " * 12, "q" * 300, "a\tb",
         "comma,semi;\"quote\"", "é", "été"]


def float_of(bits, width=64):
    return struct.unpack("<d", struct.pack("<Q", bits))[0] if width == 64 else struct.unpack("<f", struct.pack("<I", bits))[0]


def bits_of(value, width=64):
    if width == 64:
        return struct.unpack("<Q", struct.pack("<d", value))[0]
    if math.isinf(value) or math.isnan(value):
        return {True: 0x7f800000, False: 0xff800000}[value > 0] if math.isinf(value) else 0x7fc00000
    try:
        return struct.unpack("<I", struct.pack("<f", value))[0]
    except OverflowError:
        return 0x7f800000 if value > 0 else 0xff800000


class Kind:
    """A field's type: name, and size and scale where it has them; or a record."""

    def __init__(self, name, size=0, scale=0, record=None):
        self.name, self.size, self.scale, self.record = name, size, scale, record

    def same(self, other):
        if self.record is not None or other.record is not None:
            return self.record is not None and other.record is not None and self.record.same(other.record)
        return (self.name, self.size, self.scale) == (other.name, other.size, other.scale)

    def macro(self):
        if self.name == "numeric":
            return f"numeric({self.size}, {self.scale})"
        return f"{self.name}({self.size})" if self.name in ("varchar", "char") else self.name

    def is_text(self):
        return self.name in ("text", "varchar", "char")

    def is_int(self):
        return self.name in ("bool", "int2", "int4", "int8", "date", "timestamp", "numeric")


class Field:
    def __init__(self, name, kind, is_nullable=False, is_key=False):
        self.name, self.kind, self.is_nullable, self.is_key = name, kind, is_nullable, is_key

    def same(self, other):
        return self.is_nullable == other.is_nullable and self.kind.same(other.kind)


class Leaf:
    """A field that is no record: its path through records, and through the tuples of values."""

    def __init__(self, path, index, field, is_key):
        self.path, self.index, self.kind, self.is_nullable, self.is_key = path, index, field.kind, field.is_nullable, is_key

    def of(self, row):
        for i in self.index:
            row = row[i]
        return row


class Record:
    def __init__(self, name, fields):
        self.name, self.fields = name, fields
        self.leaves = list(self._leaves("", (), self.fields, None))

    def _leaves(self, path, index, fields, is_key):
        for i, field in enumerate(fields):
            key = field.is_key if is_key is None else is_key
            if field.kind.record is not None:
                yield from self._leaves(f"{path}{field.name}.", index + (i,), field.kind.record.fields, key)
            else:
                yield Leaf(path + field.name, index + (i,), field, key)

    def same(self, other):
        return len(self.fields) == len(other.fields) and all(a.same(b) for a, b in zip(self.fields, other.fields))

    def keys(self):
        return [field for field in self.fields if field.is_key]

    def key_leaves(self):
        return [leaf for leaf in self.leaves if leaf.is_key]

    def same_key(self, other):
        a, b = self.keys(), other.keys()
        return bool(a) and len(a) == len(b) and all(x.same(y) for x, y in zip(a, b))

    def key_of(self, row):
        """For comparisons: equal keys are the same."""
        return tuple(canonical(leaf.kind, leaf.of(row)) for leaf in self.key_leaves())

    def declare(self):
        items = []
        for field in self.fields:
            if field.kind.record is not None:
                items.append(f"{'VONK_NESTED_KEY' if field.is_key else 'VONK_NESTED'}({field.kind.record.name}, {field.name})")
            else:
                form = {(0, 0): "FIELD", (0, 1): "KEY", (1, 0): "NULLABLE", (1, 1): "NULLABLE_KEY"}[field.is_nullable, field.is_key]
                items.append(f"VONK_{form}({field.kind.macro()}, {field.name})")
        return f"VONK_RECORD({self.name}, {', '.join(items)});"


def canonical(kind, value):
    """Equal values are the same."""
    if value is None:
        return None
    if kind.record is not None:
        return tuple(canonical(field.kind, v) for field, v in zip(kind.record.fields, value))
    if kind.name in ("float4", "float8"):
        number = float_of(value, 64 if kind.name == "float8" else 32)
        return "nan" if math.isnan(number) else value if number != 0 else 0
    if kind.name == "interval":
        return ((value[0] * 30) + value[1]) * 86400000000 + value[2]
    if kind.name == "char":
        return value.rstrip(b" ")
    return value


def order_key(kind, value):
    """Of two values that are not NULL, the lesser has the lesser one."""
    value = canonical(kind, value)
    if kind.name in ("float4", "float8"):
        return (1, 0.0) if value == "nan" else (0, float_of(value, 64 if kind.name == "float8" else 32))
    return value


def row_order(record, order, row):
    """The key of Python's sort for an order: a list of (leaf, is_descending, has_nulls_first)."""
    parts = []
    for leaf, is_descending, nulls_first in order:
        value = leaf.of(row)
        null = value is None
        key = (0,) if null else order_key(leaf.kind, value)
        parts.append((-1 if nulls_first and null else 1 if null else 0, Reversed(key) if is_descending else key))
    return parts


class Reversed:
    def __init__(self, key):
        self.key = key

    def __lt__(self, other):
        return other.key < self.key

    def __eq__(self, other):
        return self.key == other.key


def show(kind, value):
    """As the program prints it."""
    if kind.record is not None:
        return " ".join(show(field.kind, v) for field, v in zip(kind.record.fields, value))
    if value is None:
        return "NULL"
    if kind.name in ("float4", "float8"):
        width = 64 if kind.name == "float8" else 32
        return "nan" if math.isnan(float_of(value, width)) else f"{value:0{width // 4}x}"
    if kind.is_text():
        return "t" + value.hex() if len(value) < 1000 else f"T{len(value)}-{zlib.crc32(value)}"
    if kind.name == "interval":
        return "%d,%d,%d" % value
    return str(value)


def show_row(record, row):
    return " ".join(show(field.kind, v) for field, v in zip(record.fields, row))


def csv_value(kind, value, is_printed=False):
    """As CSV has it; kinds that can_be_csv. A file's has more in quotes than what is printed."""
    if value is None:
        return ""
    if kind.is_text():
        text = value.decode()
        is_quoted = text == "" or any(c in text for c in ',"')
        is_quoted |= not is_printed and (text[:1] in (" ", "#") or text[-1:] == " ")
        return '"' + text.replace('"', '""') + '"' if is_quoted else text
    if kind.name == "bool":
        return "true" if value else "false"
    if kind.name == "date":
        return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
    if kind.name == "numeric":
        digits = str(abs(value)).rjust(kind.scale + 1, "0")
        return ("-" if value < 0 else "") + (f"{digits[:-kind.scale]}.{digits[-kind.scale:]}" if kind.scale else digits)
    return str(value)


def can_be_csv(record, rows):
    """Of kinds that are simply written, each record a line."""
    if any(not leaf.kind.is_text() and leaf.kind.name not in ("bool", "date", "numeric", *WIDTH) for leaf in record.leaves):
        return False
    texts = [leaf for leaf in record.leaves if leaf.kind.is_text()]
    return not any(b"\n" in value or b"\r" in value for row in rows for value in (leaf.of(row) or b"" for leaf in texts))


def csv_lines(record, rows, is_printed=False):
    return [",".join(leaf.path for leaf in record.leaves),
            *(",".join(csv_value(leaf.kind, leaf.of(row), is_printed) for leaf in record.leaves) for row in rows)]


DUMP = r"""
static uint32_t crc_of(VonkText text)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < text.bytes; i++) {
        crc ^= (unsigned char)text.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

static void dump_record(const VonkRecordType *type, const char *at);
static void dump_field(const VonkField *field, const char *record)
{
    const char *at = record + field->offset;
    VonkText text;
    VonkInterval interval;
    __int128 wide;
    uint64_t u8;
    uint32_t u4;
    double d;

    if (field->kind == VONK_KIND_RECORD) {
        dump_record(field->record, at);
        return;
    }
    if (field->null_offset != VONK_NEVER_NULL && *(const bool *)(record + field->null_offset)) {
        fputs("NULL", stdout);
        return;
    }
    switch (field->kind) {
    case VONK_KIND_BOOL: printf("%d", *(const bool *)at); break;
    case VONK_KIND_INT2: printf("%d", *(const int16_t *)at); break;
    case VONK_KIND_INT4: case VONK_KIND_DATE: printf("%d", *(const int32_t *)at); break;
    case VONK_KIND_INT8: case VONK_KIND_TIMESTAMP: printf("%lld", (long long)*(const int64_t *)at); break;
    case VONK_KIND_FLOAT4:
        memcpy(&u4, at, 4);
        d = *(const float *)at;
        d != d ? printf("nan") : printf("%08x", u4);
        break;
    case VONK_KIND_FLOAT8:
        memcpy(&u8, at, 8);
        d = *(const double *)at;
        d != d ? printf("nan") : printf("%016llx", (unsigned long long)u8);
        break;
    case VONK_KIND_NUMERIC:
        if (field->size <= 18) {
            printf("%lld", (long long)*(const int64_t *)at);
        } else {
            char digits[48], *end = digits + sizeof digits - 1;
            bool minus;
            memcpy(&wide, at, 16);
            minus = wide < 0;
            *end = 0;
            do {
                int digit = (int)(wide % 10);
                *--end = (char)('0' + (digit < 0 ? -digit : digit));
                wide /= 10;
            } while (wide != 0);
            printf("%s%s", minus ? "-" : "", end);
        }
        break;
    case VONK_KIND_TEXT: case VONK_KIND_VARCHAR: case VONK_KIND_CHAR:
        memcpy(&text, at, sizeof text);
        if (text.bytes >= 1000) {
            printf("T%zu-%u", text.bytes, crc_of(text));
            break;
        }
        putchar('t');
        for (size_t i = 0; i < text.bytes; i++) {
            putchar("0123456789abcdef"[(unsigned char)text.data[i] >> 4]);
            putchar("0123456789abcdef"[(unsigned char)text.data[i] & 15]);
        }
        break;
    case VONK_KIND_INTERVAL:
        memcpy(&interval, at, sizeof interval);
        printf("%d,%d,%lld", interval.months, interval.days, (long long)interval.microseconds);
        break;
    default: abort();
    }
}

static void dump_record(const VonkRecordType *type, const char *at)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (i > 0)
            putchar(' ');
        dump_field(&type->fields[i], at);
    }
}

static void dump(const VonkRecordType *type, const void *records, size_t count)
{
    if (records == NULL && count > 0)
        puts("no records");
    for (size_t i = 0; i < count; i++) {
        dump_record(type, (const char *)records + i * type->bytes);
        putchar('\n');
    }
}

static void show_error(VonkStatus status, const VonkError *error)
{
    printf("ERROR %d %s\n", status, error->message);
}
"""


# --- random ones ---

def random_kind(rng):
    name = rng.choice(SCALARS + ["int8", "int4", "text", "text"])
    if name == "numeric":
        size = rng.choice([3, 5, 9, 10, 18, 19, 25, 38])
        return Kind(name, size, rng.randint(0, min(size, 10)))
    if name in ("varchar", "char"):
        return Kind(name, rng.choice([1, 3, 8, 40]))
    return Kind(name)


def random_text(rng):
    roll = rng.random()
    if roll < 0.75:
        return rng.choice(WORDS)
    if roll < 0.77:
        return rng.choice("abcé") * rng.randint(1000, 9000)
    return "".join(rng.choice("abcdeé日 \U0001f600") for _ in range(rng.randint(0, 20)))


def random_value(rng, kind, is_plain, few=False):
    """is_plain: without values that equal others; few: of which many are equal."""
    name = kind.name
    if name == "bool":
        return rng.randint(0, 1)
    if name in WIDTH:
        limit = 2 ** (WIDTH[name] - 1)
        if few or rng.random() < 0.6:
            return rng.randint(-2, 6 if few else 60)
        return rng.choice([limit - 1, -limit, 0, rng.randint(-limit, limit - 1)])
    if name in ("float4", "float8"):
        values = [1.5, 2.5, 0.1, -3.25, 100.0] if few else [1e30, -1e-30, math.inf, -math.inf, rng.uniform(-10, 10), 7.0, 0.3]
        if not is_plain:
            values += [0.0, -0.0, math.nan]
        return bits_of(rng.choice(values), 64 if name == "float8" else 32)
    if name == "text":
        return (rng.choice(WORDS[:9]) if few else random_text(rng)).encode()
    if name in ("varchar", "char"):
        text = (rng.choice(WORDS[:9]) if few else random_text(rng))[:kind.size]
        return (text.rstrip(" ") if name == "char" else text).encode()
    if name == "date":
        return rng.randint(-3, 6) if few else rng.randint(-200000, 200000)
    if name == "timestamp":
        return rng.randint(-3, 6) * 1000000 if few else rng.randint(-10 ** 16, 10 ** 16)
    if name == "interval":
        if is_plain:
            return (0, rng.randint(0, 4), 0) if few else (rng.randint(-5, 5), 0, rng.randint(0, 10 ** 9))
        return rng.choice([(1, 0, 0), (0, 30, 0), (0, 1, 0), (0, 0, 86400000000), (0, -1, 86400000000), (0, 0, 0)])
    limit = 10 ** kind.size - 1
    return rng.randint(-2, 5) if few else rng.choice([limit, -limit, 0, rng.randint(-limit, limit), rng.randint(-100, 100)])


def random_row(rng, record, is_plain, few):
    row = []
    for field in record.fields:
        if field.kind.record is not None:
            row.append(random_row(rng, field.kind.record, is_plain, few or field.is_key))
        elif field.is_nullable and rng.random() < 0.2:
            row.append(None)
        else:
            row.append(random_value(rng, field.kind, is_plain, few or field.is_key))
    return tuple(row)


# --- as C ---

def c_text(data):
    if not data:
        return "{NULL, 0}"
    return '{"' + "".join(f"\\{b:03o}" if b < 32 or b > 126 or b in b'"\\?' else chr(b) for b in data) + f'", {len(data)}}}'


def c_int(value):
    return f"({value + 1}LL - 1)" if value == -2 ** 63 else f"{value}LL"


def c_value(kind, value):
    if kind.is_text():
        return c_text(value)
    if kind.name in ("float4", "float8"):
        width = 64 if kind.name == "float8" else 32
        number = float_of(value, width)
        if math.isnan(number):
            return "__builtin_nan(\"\")" if width == 64 else "__builtin_nanf(\"\")"
        if math.isinf(number):
            return ("-" if number < 0 else "") + "__builtin_inf()"
        return number.hex() + ("f" if width == 32 else "")
    if kind.name == "interval":
        return "{%d, %d, %dLL}" % value
    if kind.name == "numeric" and kind.size > 18:
        high, low = divmod(abs(value), 10 ** 18)
        high2, high1 = divmod(high, 10 ** 18)
        return f"({'-' if value < 0 else ''}(((__int128){high2}LL * 1000000000000000000LL + {high1}LL) * 1000000000000000000LL + {low}LL))"
    return c_int(value)


def c_fields(record, row):
    parts = []
    for field, value in zip(record.fields, row):
        if field.kind.record is not None:
            parts.append(f".{field.name} = {{{c_fields(field.kind.record, value)}}}")
        elif value is None:
            parts.append(f".{field.name}_is_null = true")
        else:
            parts.append(f".{field.name} = {c_value(field.kind, value)}")
    return ", ".join(parts)


def read_row(record, line):
    """The row (flat) of a line that the program has printed."""
    values = []
    for leaf, word in zip(record.leaves, line.split(" ")):
        name = leaf.kind.name
        if word == "NULL":
            values.append(None)
        elif name in ("float4", "float8"):
            width = 64 if name == "float8" else 32
            values.append(bits_of(math.nan, width) if word == "nan" else int(word, 16))
        elif leaf.kind.is_text():
            values.append(bytes.fromhex(word[1:]) if word[0] == "t" else word.encode())
        elif name == "interval":
            values.append(tuple(int(n) for n in word.split(",")))
        else:
            values.append(int(word))
    return values


def canonical_line(record, line):
    return repr([canonical(leaf.kind, value) for leaf, value in zip(record.leaves, read_row(record, line))])
