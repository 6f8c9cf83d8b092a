/*
 * vonk/udf.h -- what a job's own functions are given
 *
 *     void split(VonkTask *task, const Line *line, VonkOut *out)
 *     {
 *         for (VonkText word, rest = line->text; vonk_text_next_word(&rest, &word);)
 *             vonk_emit(out, &(Count){.word = word, .n = 1});
 *     }
 *
 * A function runs once a record, on any thread, for any partition, maybe more than once: it may use
 * its arguments, its closure and constants, and nothing that differs from run to run (as which NaN
 * comes of two: in a field all are one). Records and texts that it is given live until it returns.
 * Texts that it emits may point into those, into constants, or into memory from vonk_task_alloc.
 *
 * Kinds of functions (In, Out, Acc are records):
 *
 *     map        void f(VonkTask *, const In *, Out *)          *out is zeroed before
 *     flat_map   void f(VonkTask *, const In *, VonkOut *)      emits any number
 *     filter     bool f(VonkTask *, const In *)
 *     reduce     void f(VonkTask *, Acc *, const In *)          adds In to Acc
 *     partition  void f(VonkTask *, VonkIn *, VonkOut *)        reads a whole partition
 *     group      void f(VonkTask *, VonkIn *, VonkOut *)        reads the records of one key
 *     partitioner uint32_t f(VonkTask *, const In *, uint32_t partition_count)
 *
 * Everything here is inlined where the job's bitcode is (vonk submit job.c, vonk cc job.c).
 */
#ifndef VONK_UDF_H
#define VONK_UDF_H

#include <string.h>

#include "vonk/record.h"
#include "vonk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The task that a function runs in. Members are for the functions below. */
typedef struct VonkTask {
    const void *closure; /* of the function that runs */
    uint32_t partition;
    uint32_t partition_count;
    bool is_failed; /* vonk_fail was called */
    const volatile bool *is_cancelled;
} VonkTask;

/*
 * The closure that was given with the function (VONK_WITH), of its type; NULL without one. Read
 * only.
 * Cost: none. Order: does not matter. Ownership: one copy, shared by all threads. Errors: none;
 * another Type than was given is not noticed; a write to it ends the process, with the function's
 * name.
 *
 *     const Limits *limits = VONK_CLOSURE(task, Limits);
 */
#define VONK_CLOSURE(task, Type) ((const Type *)(task)->closure)

/*
 * Which of the RDD's partitions this is, counting from 0.
 * Cost: none. Order: the same record is in the same partition each time. Ownership: borrows the
 * task. Errors: none.
 *
 *     if (vonk_task_partition(task) == 0)
 *         VONK_NEXT(in, VonkLine);
 */
static inline uint32_t vonk_task_partition(const VonkTask *task)
{
    return task->partition;
}

/*
 * True when the job was cancelled, or nobody wants more of what the function emits (vonk_rdd_take):
 * a function that runs long should look, and return. One that would emit for ever must.
 * Cost: a load. Order: may change at any time, and must not change what is emitted before.
 * Ownership: borrows the task. Errors: who never looks, and emits some hundred million records that
 * nobody wants, ends the process, with the function's name.
 *
 *     while (!vonk_task_is_cancelled(task) && total > 1)
 *         total = total % 2 == 0 ? total / 2 : 3 * total + 1;
 */
static inline bool vonk_task_is_cancelled(const VonkTask *task)
{
    return __atomic_load_n(task->is_cancelled, __ATOMIC_RELAXED);
}

/*
 * Memory that lives as long as the batch of records being worked on (longer than what the function
 * emits needs); aligned to 16 bytes, not zeroed.
 * Cost: of the session's memory budget. Order: does not matter. Ownership: the task's, which frees
 * it. Errors: NULL when the budget is used up: the task has failed then, and the function should
 * return.
 *
 *     char *copy = vonk_task_alloc(task, text.bytes);
 */
VONK_API void *vonk_task_alloc(VonkTask *task, size_t bytes);

/*
 * Fails the task with a message (as printf); the function should then return.
 * Cost: the task is tried up to 4 times. Order: of several calls the first counts. Ownership: the
 * message is copied. Errors: the job ends with the function's name, the record's number and the
 * message.
 *
 *     if (line->text.bytes == 0)
 *         return vonk_fail(task, "an empty line");
 */
VONK_API void vonk_fail(VonkTask *task, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));

/* --- shared with the driver: see rdd_shared.h --- */

/* A counter: the driver reads what tasks add. A closure may have it. */
typedef struct VonkAccumulator {
    uint32_t id;
} VonkAccumulator;

/* An array of records that every task can read. A closure may have it. */
typedef struct VonkBroadcast {
    uint32_t id;
} VonkBroadcast;

/*
 * Adds to a counter. Each partition of a job counts once, also when its task runs again or twice.
 * Cost: an addition. Order: sums do not depend on it. Ownership: borrows the task. Errors: a
 * counter that is none fails the task.
 *
 *     if (line->text.bytes == 0)
 *         vonk_accumulate(task, VONK_CLOSURE(task, Counters)->empty_lines, 1);
 */
VONK_API void vonk_accumulate(VonkTask *task, VonkAccumulator accumulator, int64_t more);

/*
 * As vonk_accumulate, of doubles.
 * Cost: some additions: the sum is kept exactly. Order: sums do not depend on it. Ownership:
 * borrows the task. Errors: a counter that is none fails the task.
 *
 *     const Counters *counters = VONK_CLOSURE(task, Counters);
 *     vonk_accumulate_float8(task, counters->weight, 0.5);
 */
VONK_API void vonk_accumulate_float8(VonkTask *task, VonkAccumulator accumulator, double more);

VONK_API const void *vonk__broadcast_records(VonkTask *task, VonkBroadcast broadcast,
                                             size_t record_bytes, size_t *count_out);

/*
 * The records of a broadcast value, and how many; read only.
 * Cost: fetched once a process. Order: the array's. Ownership: shared by all tasks, until it is
 * destroyed. Errors: NULL, and the task fails: it was destroyed, or is of records of another size.
 *
 *     size_t count;
 *     const User *known = VONK_BROADCAST(task, VONK_CLOSURE(task, Counters)->users, User, &count);
 */
#define VONK_BROADCAST(task, broadcast, Type, count_out)                                           \
    ((const Type *)vonk__broadcast_records((task), (broadcast), sizeof(Type), (count_out)))

/* --- giving records: flat_map, partitions, groups --- */

typedef struct VonkOut {
    char *next; /* where the next record goes */
    char *end;
    uint32_t record_bytes;
    void (*flush)(struct VonkOut *out); /* makes room */
} VonkOut;

VONK_API void vonk__wrong_record(VonkOut *out, size_t bytes);

static inline void vonk__emit(VonkOut *out, const void *record, size_t bytes)
{
    if (__builtin_expect(bytes != out->record_bytes, 0)) {
        vonk__wrong_record(out, bytes);
        return;
    }
    if (__builtin_expect(out->next == out->end, 0))
        out->flush(out);
    memcpy(out->next, record, bytes);
    out->next += bytes;
}

/*
 * Copies *record out; it must be of the type that the call that made the RDD named.
 * Cost: a copy of the record, not of its texts. Order: as emitted. Ownership: its texts must live
 * until the function returns. Errors: a record of another size fails the task.
 *
 *     vonk_emit(out, &(Count){.word = line->text, .n = 1});
 */
#define vonk_emit(out, ...) vonk__emit((out), (__VA_ARGS__), sizeof *(__VA_ARGS__))

/* --- reading records: partitions and groups --- */

typedef struct VonkIn {
    const char *next;
    const char *end;
    uint32_t record_bytes;
    bool (*fill)(struct VonkIn *in);   /* false: no more records */
    void (*rewind)(struct VonkIn *in); /* NULL: it is read once  */
} VonkIn;

static inline const void *vonk__next(VonkIn *in)
{
    const char *record;

    if (__builtin_expect(in->next == in->end, 0) && !in->fill(in))
        return NULL;
    record = in->next;
    in->next += in->record_bytes;
    return record;
}

/*
 * The next record; NULL at the end.
 * Cost: none; the next batch where one ends. Order: that of the rows. Ownership: the reader's,
 * until the next one is asked for (in groups: until the function returns). Errors: NULL: the task
 * has failed; of a type that is not the input's, nothing is noticed.
 *
 *     for (const Count *count; (count = VONK_NEXT(in, Count)) != NULL;)
 *         total += count->n;
 */
#define VONK_NEXT(in, Type) ((const Type *)vonk__next(in))

/*
 * Reads the records of a key again, from the first one. False where that cannot be: whole
 * partitions are read once.
 * Cost: none. Order: the same again. Ownership: records read before stay. Errors: false.
 *
 *     while (VONK_NEXT(in, Count) != NULL)
 *         total++;
 *     vonk_rewind(in);
 */
static inline bool vonk_rewind(VonkIn *in)
{
    if (in->rewind == NULL)
        return false;
    in->rewind(in);
    return true;
}

/* --- text --- */

/*
 * A constant as text.
 * Cost: its length is counted. Order: does not matter. Ownership: borrows it. Errors: none; not for
 * NULL.
 *
 *     if (vonk_text_equal(line->text, vonk_text("END")))
 *         return;
 */
static inline VonkText vonk_text(const char *text)
{
    return (VonkText){text, strlen(text)};
}

/*
 * The same bytes.
 * Cost: a comparison. Order: does not matter. Ownership: borrows both. Errors: none.
 *
 *     if (!vonk_text_equal(text, other))
 *         total++;
 */
static inline bool vonk_text_equal(VonkText a, VonkText b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

/*
 * By bytes: < 0, 0, > 0.
 * Cost: a comparison. Order: of UTF-8's bytes, which is that of code points. Ownership: borrows
 * both. Errors: none.
 *
 *     if (vonk_text_compare(text, other) < 0)
 *         text = other;
 */
static inline int vonk_text_compare(VonkText a, VonkText b)
{
    size_t shorter = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);

    return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static inline bool vonk__is_space(char byte)
{
    return (unsigned char)(byte - '\t') <= '\r' - '\t' || byte == ' ';
}

/* Which of 16 bytes is the first that is white space; 16: none. */
#if defined(__SSE2__)
static inline size_t vonk__first_space(const char *bytes)
{
    typedef unsigned char Bytes __attribute__((vector_size(16)));
    typedef char Signs __attribute__((vector_size(16)));
    Bytes all;
    unsigned spaces;

    memcpy(&all, bytes, sizeof all);
    spaces = (unsigned)__builtin_ia32_pmovmskb128(
        (Signs)(((all - (unsigned char)'\t') <= (unsigned char)('\r' - '\t')) |
                (all == (unsigned char)' ')));
    return (size_t)__builtin_ctz(spaces | 1u << 16);
}
#else
/* The highest bit of each of 8 bytes that is white space, the first one's lowest. */
static inline uint64_t vonk__spaces(const char *bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101), highest = each << 7;
    uint64_t word, ascii, tab_or_more, behind_return, no_space;

    memcpy(&word, bytes, sizeof word);
    ascii = word & ~highest; /* no sum below carries into the next byte */
    tab_or_more = ascii + each * (0x80 - '\t');
    behind_return = ascii + each * (0x80 - '\r' - 1);
    no_space = (ascii ^ each * ' ') + each * 0x7f;
    return ((tab_or_more & ~behind_return) | ~no_space) & ~word & highest;
}

static inline size_t vonk__first_space(const char *bytes)
{
    uint64_t low = vonk__spaces(bytes), high = vonk__spaces(bytes + 8);

    if ((low | high) == 0)
        return 16;
    return (size_t)(low != 0 ? __builtin_ctzll(low) : 64 + __builtin_ctzll(high)) / 8;
}
#endif

/* Whether 16 bytes can be read where the text has one at least: behind its end, too, where they lie
 * in one page. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VONK__NO_READ_BEHIND
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define VONK__NO_READ_BEHIND
#endif
static inline bool vonk__can_read_16(const char *at, const char *end)
{
#ifdef VONK__NO_READ_BEHIND
    return end - at >= 16;
#else
    return end - at >= 16 || ((uintptr_t)at & 4095) <= 4096 - 16;
#endif
}

/* Words end anywhere: their bytes are looked at together, as no branch foretells where. at is
 * before end. */
static inline const char *vonk__word_end(const char *at, const char *end)
{
    while (vonk__can_read_16(at, end)) {
        size_t bytes = vonk__first_space(at), left = (size_t)(end - at);

        if (bytes < 16 || left <= 16)
            return at + (bytes < left ? bytes : left);
        at += 16;
    }
    while (at < end && !vonk__is_space(*at))
        at++;
    return at;
}

/*
 * Cuts the next word (bytes other than space, tab, newline, carriage return, form feed and vertical
 * tab) off the front of *rest; false when there is none.
 * Cost: a look at each byte. Order: from the front on. Ownership: *word borrows from *rest. Errors:
 * none but false.
 *
 *     for (VonkText rest = line->text; vonk_text_next_word(&rest, &word);)
 *         vonk_emit(out, &(Count){.word = word, .n = 1});
 */
static inline bool vonk_text_next_word(VonkText *rest, VonkText *word)
{
    const char *at = rest->data, *end = at + rest->bytes;
    const char *start;

    while (at < end && vonk__is_space(*at))
        at++;
    start = at;
    if (at < end)
        at = vonk__word_end(at, end);
    *word = (VonkText){start, (size_t)(at - start)};
    *rest = (VonkText){at, (size_t)(end - at)};
    return at > start;
}

/*
 * Cuts off what stands before the next `separator` (or the end); false once *rest is used up: its
 * data is NULL then. "a,,b" has three fields, "" has one.
 * Cost: a look at each byte. Order: from the front on. Ownership: *field borrows from *rest.
 * Errors: none but false.
 *
 *     for (VonkText rest = line->text; vonk_text_next_field(&rest, ',', &field);)
 *         total += vonk_text_equal(field, vonk_text("NULL"));
 */
static inline bool vonk_text_next_field(VonkText *rest, char separator, VonkText *field)
{
    const char *at;

    if (rest->data == NULL)
        return false;
    at = rest->bytes == 0 ? NULL : (const char *)memchr(rest->data, separator, rest->bytes);
    if (at == NULL) {
        *field = *rest;
        *rest = (VonkText){NULL, 0};
        return true;
    }
    *field = (VonkText){rest->data, (size_t)(at - rest->data)};
    *rest = (VonkText){at + 1, rest->bytes - field->bytes - 1};
    return true;
}

/*
 * The text in memory of the task (vonk_task_alloc); without bytes when there is none.
 * Cost: a copy. Order: does not matter. Ownership: the task's, as long as the batch. Errors: no
 * bytes, and the task fails, when the budget is used up.
 *
 *     const VonkLine *next = VONK_NEXT(in, VonkLine);
 *     text = vonk_text_copy(task, next->text);
 */
static inline VonkText vonk_text_copy(VonkTask *task, VonkText text)
{
    char *copy = text.bytes == 0 ? NULL : (char *)vonk_task_alloc(task, text.bytes);

    if (copy == NULL)
        return (VonkText){NULL, 0};
    memcpy(copy, text.data, text.bytes);
    return (VonkText){copy, text.bytes};
}

/*
 * A whole decimal integer with an optional sign.
 * Cost: a look at each byte. Order: does not matter. Ownership: borrows the text. Errors: false,
 * and 0, when it is none or does not fit.
 *
 *     if (!vonk_text_to_int8(line->text, &total))
 *         vonk_fail(task, "no number: %.*s", (int)line->text.bytes, line->text.data);
 */
VONK_API bool vonk_text_to_int8(VonkText text, int64_t *value_out);
/*
 * A decimal or scientific number, correctly rounded.
 * Cost: a look at each byte. Order: does not matter. Ownership: borrows the text. Errors: false,
 * and 0, when it is none.
 *
 *     if (vonk_text_to_float8(line->text, &real))
 *         vonk_accumulate(task, VONK_CLOSURE(task, Counters)->weight, 1);
 */
VONK_API bool vonk_text_to_float8(VonkText text, double *value_out);

#ifdef __cplusplus
}
#endif
#endif
