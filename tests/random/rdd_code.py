"""Functions of random RDD programs: each as C and as what it does to the model's values.

An expression is (C, function of an environment); the environment has the row of each Root and numbers by their name.
"""
import math

from rdd_values import bits_of, c_text, float_of

TABLE = [3, -1, 4, 1, -5, 9, 2, 6]
HELPERS = r"""
#define ADD(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
#define SUB(a, b) ((int64_t)((uint64_t)(a) - (uint64_t)(b)))
#define MUL(a, b) ((int64_t)((uint64_t)(a) * (uint64_t)(b)))
#define TEXT(s) ((VonkText){(s), sizeof(s) - 1})
static const int64_t numbers_known[8] = {3, -1, 4, 1, -5, 9, 2, 6};

static int64_t in_loop(int64_t n)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < (n & 15); i++)
        sum += i * i;
    return sum;
}

static int64_t by_case(int64_t n)
{
    switch (n & 7) {
    case 0: return 17;
    case 1: return n;
    case 3: return MUL(n, n);
    case 4: return -4;
    case 6: return numbers_known[(n >> 3) & 7];
    default: return 5;
    }
}

__attribute__((noinline)) static int64_t recursive(int64_t n)
{
    n &= 7;
    return n < 2 ? n + 1 : recursive(n - 1) + 2 * recursive(n - 2);
}

static int64_t by_pointer(int64_t n)
{
    static int64_t (*const calls[4])(int64_t) = {in_loop, by_case, recursive, in_loop};
    return calls[n & 3](n >> 2);
}

static int64_t in_array(int64_t n)
{
    int64_t sums[8] = {0};
    for (int64_t i = 0; i < 8; i++)
        sums[(n + i * 3) & 7] += i * (n & 7);
    return sums[n & 7] + 10 * sums[(n >> 3) & 7];
}

static int64_t in_128_bits(int64_t n)
{
    return (int64_t)(((__int128)n * n) >> 32);
}

static int64_t of_libraries(int64_t n)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", (long long)(n & 0xfffff));
    return (int64_t)sqrt((double)strtoll(digits, NULL, 10)) + (memchr(digits, '7', strlen(digits)) != NULL);
}

static VonkText name_of(int64_t n)
{
    static const char *const names[4] = {"zero", "one", "", "a name of more than sixteen bytes"};
    return vonk_text(names[n & 3]);
}

static int64_t words_of(VonkText text)
{
    int64_t words = 0;
    for (VonkText word; vonk_text_next_word(&text, &word); words++)
        words += (int64_t)word.bytes * 10;
    return words;
}

static VonkText field_of(VonkText text, char separator, int64_t at)
{
    VonkText field = {NULL, 0};
    while (at >= 0 && vonk_text_next_field(&text, separator, &field))
        at--;
    return field;
}

static VonkText text_wide(VonkTask *task, int64_t n)
{
    size_t bytes = 3000 + (size_t)(n & 4095);
    char *text = (char *)vonk_task_alloc(task, bytes);
    if (text == NULL)
        return (VonkText){NULL, 0};
    for (size_t i = 0; i < bytes; i++)
        text[i] = "abcdefghijklmnop"[(i + (size_t)(n & 15)) & 15];
    return (VonkText){text, bytes};
}

static VonkText text_of_int(VonkTask *task, int64_t n)
{
    char *text = (char *)vonk_task_alloc(task, 24);
    if (text == NULL)
        return (VonkText){NULL, 0};
    return (VonkText){text, (size_t)snprintf(text, 24, "%lld", (long long)n)};
}

static VonkText text_cut(VonkText text, size_t points)
{
    size_t at = 0;
    while (at < text.bytes && (((unsigned char)text.data[at] & 0xc0) == 0x80 || points-- > 0))
        at++;
    return (VonkText){text.data, at};
}

static VonkText text_trim(VonkText text)
{
    while (text.bytes > 0 && text.data[text.bytes - 1] == ' ')
        text.bytes--;
    return text;
}

static VonkText text_join(VonkTask *task, VonkText a, VonkText b)
{
    char *text = (char *)vonk_task_alloc(task, a.bytes + b.bytes + 1);
    if (text == NULL)
        return (VonkText){NULL, 0};
    if (a.bytes > 0)
        memcpy(text, a.data, a.bytes);
    if (b.bytes > 0)
        memcpy(text + a.bytes, b.data, b.bytes);
    return text_cut((VonkText){text, a.bytes + b.bytes}, 60);
}

static int64_t bits_of_float8(double d)
{
    int64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static int32_t bits_of_float4(float f)
{
    int32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}
"""


def wrap(n, width=64):
    n &= 2 ** width - 1
    return n - 2 ** width if n >> (width - 1) else n


def rem(a, b):
    """As C's %."""
    return abs(a) % b * (1 if a >= 0 else -1)


def in_loop(n):
    return sum(i * i for i in range(n & 15))


def by_case(n):
    return {0: 17, 1: n, 3: wrap(n * n), 4: -4, 6: TABLE[(n >> 3) & 7]}.get(n & 7, 5)


def recursive(n):
    n &= 7
    return n + 1 if n < 2 else recursive(n - 1) + 2 * recursive(n - 2)


def cut(data, points):
    return data.decode()[:points].encode()


def words_of(data):
    """As in C, where white space is ASCII's."""
    words = bytes(data).split()
    return len(words) + 10 * sum(map(len, words))


def field_of(data, separator, at):
    """The last one, where there are fewer."""
    fields = data.split(separator)
    return fields[min(at, len(fields) - 1)]


def text_wide(n):
    return (b"abcdefghijklmnop" * 500)[n & 15:][:3000 + (n & 4095)]


def by_pointer(n):
    return [in_loop, by_case, recursive, in_loop][n & 3](n >> 2)


def in_array(n):
    sums = [0] * 8
    for i in range(8):
        sums[(n + i * 3) & 7] += i * (n & 7)
    return sums[n & 7] + 10 * sums[(n >> 3) & 7]


def of_libraries(n):
    n &= 0xfffff
    return math.isqrt(n) + ("7" in str(n))


def name_of(n):
    return [b"zero", b"one", b"", b"a name of more than sixteen bytes"][n & 3]


class Root:
    """A record that a function sees: C's name of a pointer to it, which may be NULL."""

    def __init__(self, name, record, may_be_null=False):
        self.name, self.record, self.may_be_null = name, record, may_be_null

    def guard(self, leaf):
        """The condition in C under which there is no value; None: there always is."""
        parts = ([f"{self.name} == NULL"] if self.may_be_null else []) + (
            [f"{self.name}->{leaf.path}_is_null"] if leaf.is_nullable else [])
        return " || ".join(parts) or None

    def value(self, env, leaf):
        row = env[self.name]
        return None if row is None else leaf.of(row)


def pick_leaf(rng, roots, wanted):
    found = [(root, leaf) for root in roots for leaf in root.record.leaves if wanted(leaf.kind)]
    return rng.choice(found) if found else None


def guarded(root, leaf, text, default):
    guard = root.guard(leaf)
    return f"({guard} ? {default} : {text})" if guard else text


def int_leaf(rng, roots):
    found = pick_leaf(rng, roots, lambda kind: True)
    if found is None:
        return None
    root, leaf = found
    at, kind = f"{root.name}->{leaf.path}", leaf.kind
    if kind.is_int():
        c, py = f"(int64_t){at}", lambda v: wrap(v)
    elif kind.is_text():
        c, py = (f"(int64_t){at}.bytes", len) if rng.random() < 0.7 else (f"words_of({at})", words_of)
    elif kind.name == "interval":
        c, py = f"ADD({at}.days, {at}.microseconds)", lambda v: wrap(v[1] + v[2])
    else:
        width = 64 if kind.name == "float8" else 32
        c, py = f"(int64_t)({at} > 1.0)", lambda v: int(float_of(v, width) > 1.0)

    def value(env):
        v = root.value(env, leaf)
        return 7 if v is None else py(v)
    return guarded(root, leaf, c, "7"), value


def int_expr(rng, roots, ints=(), depth=2):
    roll = rng.random()
    if depth == 0 or roll < 0.2:
        if ints and rng.random() < 0.5:
            name = rng.choice(ints)
            return name, lambda env: env[name]
        leaf = int_leaf(rng, roots)
        if leaf is None or rng.random() < 0.15:
            number = rng.choice([0, 1, -1, 7, 1000, -12345, 2 ** 40])
            return f"{number}LL", lambda env: number
        return leaf
    a, fa = int_expr(rng, roots, ints, depth - 1)
    if roll < 0.55:
        b, fb = int_expr(rng, roots, ints, depth - 1)
        name, op = rng.choice([("ADD", lambda x, y: x + y), ("SUB", lambda x, y: x - y), ("MUL", lambda x, y: x * y)])
        return f"{name}({a}, {b})", lambda env: wrap(op(fa(env), fb(env)))
    if roll < 0.7:
        n = rng.choice([2, 3, 7, 10, 100])
        return f"(({a}) % {n})", lambda env: rem(fa(env), n)
    if roll < 0.78:
        n = rng.choice([1, 3, 8])
        return f"(({a}) >> {n})", lambda env: fa(env) >> n
    if roll < 0.86:
        b, fb = int_expr(rng, roots, ints, depth - 1)
        c, fc = condition(rng, roots, ints, depth - 1)
        return f"({c} ? {a} : {b})", lambda env: fa(env) if fc(env) else fb(env)
    name, fn = rng.choice([("in_loop", in_loop), ("by_case", by_case), ("recursive", recursive), ("by_pointer", by_pointer),
                           ("in_array", in_array), ("in_128_bits", lambda n: wrap(n * n >> 32)), ("of_libraries", of_libraries)])
    return f"{name}({a})", lambda env: fn(fa(env))


def condition(rng, roots, ints=(), depth=1):
    roll = rng.random()
    found = pick_leaf(rng, roots, lambda kind: kind.is_text()) if roll < 0.25 else None
    if found is not None:
        root, leaf = found
        word = rng.choice(["a", "b", "m", "", "é"]).encode()
        c = f"(vonk_text_compare({root.name}->{leaf.path}, (VonkText){c_text(word)}) > 0)"

        def value(env):
            v = root.value(env, leaf)
            return True if v is None else v > word
        return guarded(root, leaf, c, "true"), value
    a, fa = int_expr(rng, roots, ints, depth)
    if roll < 0.6:
        n = rng.choice([2, 3, 5])
        return f"(({a}) % {n} != 0)", lambda env: rem(fa(env), n) != 0
    b, fb = int_expr(rng, roots, ints, depth)
    return f"({a} <= {b})", lambda env: fa(env) <= fb(env)


def text_expr(rng, roots, ints=(), depth=2):
    roll = rng.random()
    found = pick_leaf(rng, roots, lambda kind: kind.is_text()) if roll < 0.5 else None
    if found is not None:
        root, leaf = found

        def value(env):
            v = root.value(env, leaf)
            return b"?" if v is None else v
        return guarded(root, leaf, f"{root.name}->{leaf.path}", 'TEXT("?")'), value
    if depth == 0 or roll < 0.6:
        word = rng.choice(["", "constant", "ü", "a longer constant, of more than sixteen bytes"]).encode()
        return f"((VonkText){c_text(word)})", lambda env: word
    if roll < 0.75:
        a, fa = int_expr(rng, roots, ints, 1)
        if rng.random() < 0.4:
            return f"name_of({a})", lambda env: name_of(fa(env))
        return f"text_of_int(task, {a})", lambda env: str(fa(env)).encode()
    if rng.has_wide_texts and rng.random() < 0.5:
        a, fa = int_expr(rng, roots, ints, 1)
        return f"text_wide(task, {a})", lambda env: text_wide(fa(env))
    a, fa = text_expr(rng, roots, ints, depth - 1)
    if roll < 0.8:
        separator, n = rng.choice([" ", ",", "b"]), rng.choice([0, 1, 5])
        return f"field_of({a}, '{separator}', {n})", lambda env: field_of(fa(env), separator.encode(), n)
    if roll < 0.88:
        n = rng.choice([0, 1, 3, 12])
        return f"text_cut({a}, {n})", lambda env: cut(fa(env), n)
    b, fb = text_expr(rng, roots, ints, depth - 1)
    return f"text_join(task, {a}, {b})", lambda env: cut(fa(env) + fb(env), 60)


def zero_of(kind):
    return b"" if kind.is_text() else (0, 0, 0) if kind.name == "interval" else 0


def made(rng, kind, roots, ints):
    """A value of that kind, never NULL."""
    if kind.is_text():
        c, f = text_expr(rng, roots, ints)
        if kind.name == "text":
            return c, f
        c, g = f"text_cut({c}, {kind.size})", lambda env: cut(f(env), kind.size)
        return (f"text_trim({c})", lambda env: g(env).rstrip(b" ")) if kind.name == "char" else (c, g)
    c, f = int_expr(rng, roots, ints, rng.choice([1, 2, 3]))
    if kind.name == "bool":
        return f"(({c}) & 1) != 0", lambda env: f(env) & 1
    if kind.name in ("int2", "int4", "int8"):
        if rng.random() < 0.5:
            return f"({c}) % 11", lambda env: rem(f(env), 11)
        width = {"int2": 16, "int4": 32, "int8": 64}[kind.name]
        return f"(int{width}_t)({c})", lambda env: wrap(f(env), width)
    if kind.name == "date":
        return f"(int32_t)(({c}) % 20000)", lambda env: rem(f(env), 20000)
    if kind.name == "timestamp":
        return f"({c}) % 1000000000000000LL", lambda env: rem(f(env), 10 ** 15)
    if kind.name == "interval":
        return f"((VonkInterval){{(int32_t)(({c}) % 9), 0, ({c}) & 1023}})", lambda env: (rem(f(env), 9), 0, f(env) & 1023)
    if kind.name == "float8":
        return f"(double)({c}) / 3.0", lambda env: bits_of(float(f(env)) / 3.0 + 0.0 if f(env) else 0.0)
    if kind.name == "float4":
        return f"(float)((double)({c}) / 3.0)", lambda env: bits_of(float(f(env)) / 3.0 if f(env) else 0.0, 32)
    if kind.size > 18:
        return f"(__int128)(({c}) % 1000000000000000000LL) * 10", lambda env: rem(f(env), 10 ** 18) * 10
    limit = 10 ** kind.size
    return f"({c}) % {limit}LL", lambda env: rem(f(env), limit)


def assign(rng, leaf, target, roots, ints):
    """The statement that gives the leaf of the record at `target` its value, and that value."""
    kind, at = leaf.kind, f"{target}{leaf.path}"
    roll = rng.random()
    if roll < 0.06:
        return "", lambda env: zero_of(kind)
    found = pick_leaf(rng, roots, lambda other: other.same(kind)) if roll < 0.6 else None
    if found is not None:
        root, other = found
        guard = root.guard(other)
        if guard is None and rng.random() < 0.2:
            return f"memcpy(&{at}, &{root.name}->{other.path}, sizeof {at});", lambda env: root.value(env, other)
        if guard is None:
            return f"{at} = {root.name}->{other.path};", lambda env: root.value(env, other)
        if leaf.is_nullable:
            return (f"if ({guard}) {at}_is_null = true; else {at} = {root.name}->{other.path};",
                    lambda env: root.value(env, other))
        c, f = made(rng, kind, roots, ints)

        def value(env):
            v = root.value(env, other)
            return f(env) if v is None else v
        return f"if ({guard}) {at} = {c}; else {at} = {root.name}->{other.path};", value
    c, f = made(rng, kind, roots, ints)
    if leaf.is_nullable and rng.random() < 0.5:
        test, ft = condition(rng, roots, ints)
        return f"if ({test}) {at}_is_null = true; else {at} = {c};", lambda env: None if ft(env) else f(env)
    return f"{at} = {c};", f


def build(record, values, index=()):
    return tuple(build(field.kind.record, values, index + (i,)) if field.kind.record is not None else values[index + (i,)]
                 for i, field in enumerate(record.fields))


def fill(rng, record, target, roots, ints=(), key_from=None):
    """Statements that make a record, and the row. key_from: (name of a root, its record), whose key it has."""
    lines, makers = [], {}
    keys = dict(zip([leaf.index for leaf in record.key_leaves()], key_from[1].key_leaves())) if key_from else {}
    same = [root for root in roots if root.record is record and not root.may_be_null]
    if same and rng.random() < 0.3:  # a copy, of which some fields are then others
        root = rng.choice(same)
        whole = target[:-1] if target.endswith(".") else f"*{target[:-2]}"
        changed = [leaf for leaf in record.leaves if not leaf.is_nullable and rng.random() < 0.3]
        lines.append(rng.choice([f"{whole} = *{root.name};", f"memcpy(&{whole}, {root.name}, sizeof {whole});"]))
        for leaf in changed:
            line, f = made(rng, leaf.kind, roots, ints)
            lines.append(f"{target}{leaf.path} = {line};")
            makers[leaf.index] = f
        return lines, lambda env: build(record, {leaf.index: makers[leaf.index](env) if leaf.index in makers else leaf.of(env[root.name])
                                                 for leaf in record.leaves})
    for leaf in record.leaves:
        if leaf.index in keys:
            other = keys[leaf.index]
            line = f"{target}{leaf.path} = {key_from[0]}->{other.path};"
            if leaf.is_nullable:
                line += f" {target}{leaf.path}_is_null = {key_from[0]}->{other.path}_is_null;"
            makers[leaf.index] = lambda env, other=other: other.of(env[key_from[0]])
        else:
            line, makers[leaf.index] = assign(rng, leaf, target, roots, ints)
        if line:
            lines.append(line)
    return lines, lambda env: build(record, {index: make(env) for index, make in makers.items()})


# --- records that are added up ---

def merge_leaf(rng, leaf, is_ordered, from_zero=False):
    """(C of `sum` and `more`, function of two values that are not NULL); associative, and commutative unless is_ordered.
    from_zero: the kind's zero changes nothing that it is merged into."""
    at, kind = leaf.path, leaf.kind
    s, m = f"sum->{at}", f"more->{at}"
    if from_zero:
        if kind.name in ("int2", "int4", "int8"):
            width = {"int2": 16, "int4": 32, "int8": 64}[kind.name]
            return f"{s} = (int{width}_t)ADD({s}, {m});", lambda a, b: wrap(a + b, width)
        if kind.is_text():
            if is_ordered and kind.name == "text":
                return f"{s} = text_join(task, {s}, {m});", lambda a, b: cut(a + b, 60)
            return f"if (vonk_text_compare({m}, {s}) > 0) {s} = {m};", max
        return "", lambda a, b: a
    if is_ordered and rng.random() < 0.3:
        return (f"{s} = {m};", lambda a, b: b) if rng.random() < 0.5 else ("", lambda a, b: a)
    if kind.is_text():
        if is_ordered and kind.name == "text" and rng.random() < 0.5:
            return f"{s} = text_join(task, {s}, {m});", lambda a, b: cut(a + b, 60)
        return f"if (vonk_text_compare({m}, {s}) > 0) {s} = {m};", max
    if kind.name in ("int2", "int4", "int8") and rng.random() < 0.6:
        width = {"int2": 16, "int4": 32, "int8": 64}[kind.name]
        return f"{s} = (int{width}_t)ADD({s}, {m});", lambda a, b: wrap(a + b, width)
    if kind.name in ("float4", "float8"):
        width = 64 if kind.name == "float8" else 32
        bits = f"bits_of_{kind.name}"
        return f"if ({bits}({m}) > {bits}({s})) {s} = {m};", lambda a, b: max(a, b, key=lambda v: wrap(v, width))
    if kind.name == "interval":
        return (f"if ({m}.days > {s}.days || ({m}.days == {s}.days && ({m}.months > {s}.months || ({m}.months == {s}.months && "
                f"{m}.microseconds > {s}.microseconds)))) {s} = {m};", lambda a, b: max(a, b, key=lambda v: (v[1], v[0], v[2])))
    if rng.random() < 0.5:
        return f"if ({m} > {s}) {s} = {m};", max
    return f"if ({m} < {s}) {s} = {m};", min


def adder(rng, record, is_ordered, has_key, from_zero=False):
    """The body of a function that adds *more to *sum, and its effect on two rows; keys stay."""
    lines, makers = [], {}
    for leaf in record.leaves:
        if has_key and leaf.is_key:
            makers[leaf.index] = lambda a, b: a
            continue
        line, f = merge_leaf(rng, leaf, is_ordered, from_zero and not leaf.is_nullable)
        if leaf.is_nullable:
            copies = f"sum->{leaf.path} = more->{leaf.path}; sum->{leaf.path}_is_null = false;"
            lines.append(f"if (!more->{leaf.path}_is_null) {{ if (sum->{leaf.path}_is_null) {{ {copies} }} else {{ {line or ';'} }} }}")
            makers[leaf.index] = lambda a, b, f=f: a if b is None else b if a is None else f(a, b)
        else:
            makers[leaf.index] = f
            lines.append(line)
    leaves = record.leaves
    return lines, lambda a, b: build(record, {leaf.index: makers[leaf.index](leaf.of(a), leaf.of(b)) for leaf in leaves})


def accumulator(rng, record, root, is_ordered, has_key):
    """For accumulators of `record` over rows of the root (`in`): the zero, bodies of add and merge, and both on rows."""
    adds, merges, folds, zero = [], [], {}, {}
    for leaf in record.leaves:
        at, kind, index = leaf.path, leaf.kind, leaf.index
        zero[index] = None if leaf.is_nullable else zero_of(kind)
        if has_key and leaf.is_key:
            zero[index] = zero_of(kind)
            folds[index] = (None, None)
            continue
        if leaf.is_nullable:
            c, f = made(rng, kind, [root], ())
            line, g = merge_leaf(rng, leaf, is_ordered)
            adds.append(f"{{ __typeof__(sum->{at}) value = {c}; {record.name} one = {{0}}, "
                        f"*more = &one; one.{at} = value; if (sum->{at}_is_null) {{ sum->{at} = value; sum->{at}_is_null = false; }} "
                        f"else {{ {line or ';'} }} }}")
            merges.append(f"if (!more->{at}_is_null) {{ if (sum->{at}_is_null) {{ sum->{at} = more->{at}; sum->{at}_is_null = false; "
                          f"}} else {{ {line or ';'} }} }}")
            folds[index] = (lambda a, env, f=f, g=g: f(env) if a is None else g(a, f(env)),
                            lambda a, b, g=g: a if b is None else b if a is None else g(a, b))
        elif kind.name in ("int2", "int4", "int8"):
            c, f = int_expr(rng, [root], (), 1)
            width = {"int2": 16, "int4": 32, "int8": 64}[kind.name]
            adds.append(f"sum->{at} = (int{width}_t)ADD(sum->{at}, {c});")
            merges.append(f"sum->{at} = (int{width}_t)ADD(sum->{at}, more->{at});")
            folds[index] = (lambda a, env, f=f, width=width: wrap(a + f(env), width), lambda a, b, width=width: wrap(a + b, width))
        elif kind.is_text():
            c, f = made(rng, kind, [root], ())
            if is_ordered and kind.name == "text":
                adds.append(f"sum->{at} = text_join(task, sum->{at}, {c});")
                merges.append(f"sum->{at} = text_join(task, sum->{at}, more->{at});")
                folds[index] = (lambda a, env, f=f: cut(a + f(env), 60), lambda a, b: cut(a + b, 60))
            else:
                adds.append(f"{{ VonkText value = {c}; if (vonk_text_compare(value, sum->{at}) > 0) sum->{at} = value; }}")
                merges.append(f"if (vonk_text_compare(more->{at}, sum->{at}) > 0) sum->{at} = more->{at};")
                folds[index] = (lambda a, env, f=f: max(a, f(env)), max)
        elif kind.name in ("date", "timestamp", "bool", "numeric") and not (kind.name == "numeric" and kind.size > 18):
            c, f = int_expr(rng, [root], (), 1)
            mask = 1 if kind.name == "bool" else 255
            adds.append(f"sum->{at} |= (({c}) & {mask});")
            merges.append(f"sum->{at} |= more->{at};")
            folds[index] = (lambda a, env, f=f, mask=mask: a | (f(env) & mask), lambda a, b: a | b)
        else:
            folds[index] = (lambda a, env: a, lambda a, b: a)

    def add(acc, env):
        return build(record, {leaf.index: leaf.of(acc) if folds[leaf.index][0] is None else folds[leaf.index][0](leaf.of(acc), env)
                              for leaf in record.leaves})
    return build(record, zero), adds, merges, add


def with_key(record, row, key_record, key_row):
    """The row with the key of another."""
    values = {leaf.index: leaf.of(row) for leaf in record.leaves}
    for leaf, other in zip(record.key_leaves(), key_record.key_leaves()):
        values[leaf.index] = other.of(key_row)
    return build(record, values)
