/*
 * facts.c -- functions about which the analysis of their bitcode could easily believe too much
 *
 * Each makes records of rows that lie where their key says, and sums are asked for by the key that
 * it makes: who believed that it is the same key would not move them. The same is printed with and
 * without bitcode, inlined or not.
 */
#include <math.h>
#include <setjmp.h>
#include <stdint.h>

#include "shown.h"

VONK_RECORD(Row, VONK_KEY(int8, k), VONK_FIELD(int8, v), VONK_FIELD(float8, x),
            VONK_NULLABLE(text, name));
VONK_RECORD(Sum, VONK_KEY(int8, k), VONK_FIELD(int8, n), VONK_FIELD(int8, v), VONK_FIELD(float8, x),
            VONK_NULLABLE(text, name));

static const char *const names[] = {"one", "two", "three", "a name of more than twelve bytes"};

static void make(VonkTask *task, const VonkNumber *in, Row *out)
{
    (void)task;
    *out = (Row){.k = in->value % 7, .v = in->value, .x = (double)in->value / 3};
    out->name_is_null = in->value % 5 == 0;
    if (!out->name_is_null)
        out->name = vonk_text(names[in->value % 4]);
}

/* --- the record made is written where nobody looks --- */

static _Thread_local Sum *known_elsewhere;

static void change_elsewhere(int64_t v)
{
    known_elsewhere->k = v % 3;
}

static void (*volatile change)(int64_t v) = change_elsewhere;

static void by_another(VonkTask *task, const Row *in, Sum *out)
{
    (void)task;
    *out = (Sum){.k = in->k, .v = in->v};
    known_elsewhere = out;
    change(in->v);
}

static void by_number(VonkTask *task, const Row *in, Sum *out)
{
    uintptr_t at = (uintptr_t)out * 3;

    (void)task;
    *out = (Sum){.k = in->k, .v = in->v};
    __asm__("" : "+r"(at));
    *(int64_t *)(at - 2 * (uintptr_t)out) = in->v % 3;
}

typedef struct Held {
    Sum *sum;
} Held;

static int64_t change_held(const Held *held, int64_t v, int64_t depth)
{
    if (depth > 0)
        return change_held(held, v, depth - 1) + depth;
    held->sum->k = v % 3;
    return 0;
}

static void by_recursion(VonkTask *task, const Row *in, Sum *out)
{
    Held held = {out};

    (void)task;
    *out = (Sum){.k = in->k, .v = in->v};
    out->n = change_held(&held, in->v, 3);
}

static void where_found(VonkTask *task, const Row *in, Sum *out)
{
    int64_t *found;

    (void)task;
    *out = (Sum){.k = in->k, .v = in->v};
    out->n = 0x6b; /* the first such byte, unless the key has one */
    found = memchr(out, 0x6b, sizeof *out);
    found[-1] = in->v % 3;
}

static void by_half(VonkTask *task, const Row *in, Sum *out)
{
    int32_t other = (int32_t)(in->v % 2);

    (void)task;
    *out = (Sum){.k = in->k, .v = in->v, .name = in->name, .name_is_null = in->name_is_null};
    memcpy((char *)&out->k + 4, &other, sizeof other);
}

static int64_t *pick(Sum *sum, int64_t which)
{
    return which == 0 ? &sum->k : &sum->v;
}

static void picked(VonkTask *task, const Row *in, Sum *out)
{
    (void)task;
    *out = (Sum){.k = in->k, .v = in->v};
    *pick(out, in->v % 2) = 77;
}

/* --- not always, or something else --- */

static void in_loop(VonkTask *task, const Row *in, Sum *out)
{
    (void)task;
    for (int64_t i = 0; i < in->v % 3; i++)
        out->k = in->k;
    out->v = in->v;
}

static void as_number(VonkTask *task, const Row *in, Sum *out)
{
    (void)task;
    memcpy(&out->k, &in->x, sizeof out->k);
    out->v = in->v;
}

static void never_null(VonkTask *task, const Row *in, Sum *out)
{
    (void)task;
    *out = (Sum){.k = in->v % 3, .v = in->v, .name = in->name};
}

static void cut_text(VonkTask *task, const Row *in, Sum *out)
{
    (void)task;
    *out = (Sum){.k = in->k, .v = in->v, .name_is_null = in->name_is_null};
    out->name.data = in->name.data;
    out->name.bytes = in->name.bytes > 2 ? 2 : in->name.bytes;
}

static void jumps(VonkTask *task, const Row *in, Sum *out)
{
    volatile int64_t rounds = 0;
    jmp_buf start;

    (void)task;
    if (setjmp(start) == 0) {
        rounds = in->v % 3;
        longjmp(start, 1);
    }
    *out = (Sum){.k = in->k + 10 * rounds, .v = in->v};
}

static void computed_goto(VonkTask *task, const Row *in, Sum *out)
{
    static const void *const places[] = {&&first, &&second, &&third};

    (void)task;
    goto *places[in->v % 3];
first:
    *out = (Sum){.k = in->k, .v = 1};
    return;
second:
    *out = (Sum){.k = in->v, .v = 2};
    return;
third:
    *out = (Sum){.k = 3, .v = in->v};
}

/* --- what cannot be inlined --- */

#ifdef __x86_64__
__asm__(".text\nvonk_test_triple:\n  lea (%rdi,%rdi,2), %rax\n  ret\n");
extern int64_t vonk_test_triple(int64_t n) __attribute__((visibility("hidden")));

static void in_assembly(VonkTask *task, const Row *in, Sum *out)
{
    int64_t v = in->v;

    (void)task;
    *out = (Sum){.k = in->k};
    __asm__("add %1, %0" : "+r"(v) : "r"(in->k) : "cc");
    __asm__ volatile("addq $1, %0" : "+m"(out->k) : : "cc");
    __asm__ goto("test %0, %0\n\tje %l1" : : "r"(in->v % 2) : "cc" : even);
    v = vonk_test_triple(v);
even:
    out->v = v;
}
#else
static void in_assembly(VonkTask *task, const Row *in, Sum *out)
{
    (void)task;
    *out = (Sum){.k = in->k + 1, .v = (in->v + in->k) * (in->v % 2 != 0 ? 3 : 1)};
}
#endif

/* In one step where the machine can: then the object must not differ from what is inlined. */
static void contracted(VonkTask *task, const Row *in, Sum *out)
{
#ifdef __clang__
#pragma clang fp contract(fast)
#endif
    double sum = 0;

    (void)task;
    for (int i = 0; i < 10; i++)
        sum = sum * in->x + 1.1 / (i + in->x + 0.3);
    *out = (Sum){.k = in->k, .v = in->v, .x = in->x * in->x - sum};
}

/* Which NaN it is that comes of two depends on the order of operands in the machine's code. */
VONK_RECORD(Two, VONK_KEY(int8, k), VONK_FIELD(float8, a), VONK_FIELD(float8, b));

static void make_two(VonkTask *task, const VonkNumber *in, Two *out)
{
    static const double values[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1.5, -2};
    double zero = in->value % 2 == 0 ? -0.0 : 0.0;

    (void)task;
    *out = (Two){.k = in->value, .a = values[in->value % 7], .b = values[in->value / 7 % 7]};
    if (in->value % 13 == 3)
        out->a = zero / zero;
    if (in->value % 17 == 3)
        out->b = -out->b;
}

static void of_two(VonkTask *task, const Two *in, Two *out)
{
    (void)task;
    out->k = in->k;
    out->a = -(in->a * in->b);
    out->b = round(in->a) + rint(in->b);
}

static void bits_of(VonkTask *task, const Two *in, Sum *out)
{
    (void)task;
    out->k = in->k;
    memcpy(&out->n, &in->a, sizeof out->n);
    memcpy(&out->v, &in->b, sizeof out->v);
}

static int64_t limit;

static void by_variable(VonkTask *task, const Row *in, Sum *out)
{
    (void)task;
    *out = (Sum){.k = in->v < limit ? in->k : in->v % 4, .v = in->v};
}

/* --- fields that are read in odd ways --- */

static int64_t field(const Row *row, const char *name)
{
    switch (name[0]) {
    case 'k':
        return row->k;
    case 'v':
        return row->v;
    default:
        return row->name_is_null ? -1 : (int64_t)row->name.bytes;
    }
}

static bool by_name(VonkTask *task, const Row *row)
{
    static const char *const fields[] = {"k", "v", "name"};

    (void)task;
    return field(row, fields[row->v % 3]) % 2 == 0;
}

static bool by_bytes(VonkTask *task, const Row *row)
{
    const char *found = memchr(row, 1, sizeof *row);

    (void)task;
    return found != NULL && (found - (const char *)row) % 16 == 8;
}

static void next_value(VonkTask *task, const Row *at, uint32_t before, uint32_t after,
                       VonkNumber *out)
{
    (void)task;
    (void)before;
    out->value = after > 0 ? at[1].v : -1;
}

static void one(VonkTask *task, const Sum *in, Sum *out)
{
    (void)task;
    *out = (Sum){.k = in->k, .n = 1, .v = in->v};
}

static void add(VonkTask *task, Sum *sum, const Sum *more)
{
    (void)task;
    sum->n += more->n;
    sum->v += more->v;
}

static bool is_small(VonkTask *task, const Sum *sum)
{
    (void)task;
    return sum->k < 3;
}

/* --- a filter above a join that knows more of its records than their type says --- */

static void by_value(VonkTask *task, const Row *in, Sum *out)
{
    (void)task;
    *out = (Sum){.k = in->v,
                 .n = in->v < 5 ? in->v % 2 : INT64_C(1) << 40,
                 .v = in->v,
                 .name = in->name,
                 .name_is_null = in->name_is_null};
}

static void keep_left(VonkTask *task, const Sum *left, const Sum *right, Sum *out)
{
    (void)task;
    (void)right;
    *out = *left;
}

static void one_to_four(VonkTask *task, const VonkNumber *in, Sum *out)
{
    (void)task;
    *out = (Sum){.k = in->value};
}

static bool has_t(VonkTask *task, const Sum *sum)
{
    (void)task;
    return sum->v % 2 == 0 && sum->name.data[0] == 't'; /* others are NULL: they have no data */
}

static bool fits(VonkTask *task, const Sum *sum)
{
    char copy[sum->n + 1]; /* others have no room for it */

    (void)task;
    copy[0] = (char)sum->v;
    copy[sum->n] = 1;
    return copy[0] == 1;
}

/* What was made, its sums by key, and some of these. */
static void show(const char *title, VonkRdd *made)
{
    VonkRdd *sums =
        vonk_rdd_reduce_by_key(vonk_rdd_map(made, Sum, Sum, one), Sum, add, VONK_PARTITIONS(3));

    print(title, vonk_rdd_sort_by(made, "k, v"));
    print("its sums", vonk_rdd_sort_by_key(sums));
    print("its small sums", vonk_rdd_sort_by_key(vonk_rdd_filter(sums, Sum, is_small)));
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *rows = vonk_rdd_map(vonk_rdd_range(session, 0, 200, 1, 4), VonkNumber, Row, make);
    VonkRdd *placed = vonk_rdd_partition_by(rows, 3);
    VonkRdd *twos = vonk_rdd_map(vonk_rdd_range(session, 0, 400, 1, 4), VonkNumber, Two, make_two);
    VonkRdd *few = vonk_rdd_range(session, 1, 5, 1, 1), *joined;

    (void)argc;
    (void)argv;
    limit = 50;
    count("rows", placed);
    show("written by another", vonk_rdd_map(placed, Row, Sum, by_another));
    show("written by number", vonk_rdd_map(placed, Row, Sum, by_number));
    show("written in recursion", vonk_rdd_map(placed, Row, Sum, by_recursion));
    show("written where a byte was found", vonk_rdd_map(placed, Row, Sum, where_found));
    show("half of a field", vonk_rdd_map(placed, Row, Sum, by_half));
    show("one of two fields", vonk_rdd_map(placed, Row, Sum, picked));
    show("in a loop", vonk_rdd_map(placed, Row, Sum, in_loop));
    show("the bits of another type", vonk_rdd_map(placed, Row, Sum, as_number));
    show("never NULL", vonk_rdd_map(placed, Row, Sum, never_null));
    show("less of a text", vonk_rdd_map(placed, Row, Sum, cut_text));
    show("setjmp", vonk_rdd_map(placed, Row, Sum, jumps));
    show("computed goto", vonk_rdd_map(placed, Row, Sum, computed_goto));
    show("assembly", vonk_rdd_map(placed, Row, Sum, in_assembly));
    show("contracted", vonk_rdd_map(placed, Row, Sum, contracted));
    print("bits of NaNs",
          vonk_rdd_map(vonk_rdd_repartition(vonk_rdd_map(twos, Two, Two, of_two), 2), Two, Sum,
                       bits_of));
    show("a variable", vonk_rdd_map(placed, Row, Sum, by_variable));
    print("fields by name", vonk_rdd_filter(rows, Row, by_name));
    print("fields by bytes", vonk_rdd_filter(rows, Row, by_bytes));
    joined = vonk_rdd_join(vonk_rdd_map(rows, Row, Sum, by_value), Sum,
                           vonk_rdd_map(few, VonkNumber, Sum, one_to_four), Sum, Sum, keep_left);
    print("no NULL among those that join",
          vonk_rdd_sort_by_key(vonk_rdd_filter(joined, Sum, has_t)));
    print("nor what is too large", vonk_rdd_sort_by_key(vonk_rdd_filter(joined, Sum, fits)));
    print("the next one's", vonk_rdd_window(rows, Row, 0, 1, VonkNumber, next_value));
    return 0;
}
