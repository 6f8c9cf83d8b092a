/*
 * rdd_window.c -- functions that see a record and those before and after it; see rdd_internal.h
 *
 *     Prefix sums, or windows              of each partition, beside what it needs of the others
 *       Shared records
 *       Totals, or ends of partitions      small: every task gets all of them
 *         Shared records
 *
 * One plan, and the records are made once: both readers see the same partitions.
 */
#include <string.h>

#include "engine/rdd_internal.h"
#include "exec/row_layout.h"

VonkRdd *rdd_beside_summaries(VonkRdd *rdd, const RecordLayout *summaries, UserFunction summary,
                              const RecordLayout *out, UserFunction function)
{
    int64_t shared_id = ++rdd->rdds->ids.last_shared;
    VonkRdd *all =
        rdd_read_partitions(rdd_shared(rdd, shared_id), NULL, rdd->layout, summaries, summary);

    return rdd_read_partitions(rdd_shared(rdd, shared_id), all, rdd->layout, out, function);
}

static int64_t number_at(const void *record, uint32_t offset)
{
    int64_t number;

    memcpy(&number, (const char *)record + offset, sizeof number);
    return number;
}

/* The closure with the places of texts behind it, which is its last member. */
static void *with_texts(Arena *arena, const void *closure, size_t bytes, const RecordLayout *layout,
                        size_t *bytes_out)
{
    size_t text_bytes;
    const TextPlaces *texts = rdd_text_places(arena, layout, &text_bytes);
    char *whole = arena_alloc(arena, bytes + text_bytes);

    memcpy(whole, closure, bytes);
    memcpy(whole + bytes, texts, text_bytes);
    *bytes_out = bytes + text_bytes;
    return whole;
}

/* --- prefix sums --- */

typedef void (*AddFunction)(VonkTask *, void *, const void *);

typedef struct PrefixSum {
    uint32_t record_bytes;
    uint32_t partition_offset; /* in a total: which partition's it is */
    TextPlaces texts;
} PrefixSum;

/* What a task has added up. */
typedef struct Sum {
    VonkTask *task;
    const PrefixSum *prefix;
    char *acc;
    VonkText *seen; /* the texts of acc, before the function has run */
    bool is_any;
} Sum;

static bool sum_open(Sum *sum, VonkTask *task)
{
    *sum = (Sum){.task = task, .prefix = VONK_CLOSURE(task, PrefixSum)};
    sum->acc = vonk_task_alloc(task, sum->prefix->record_bytes);
    sum->seen = vonk_task_alloc(task, (sum->prefix->texts.count + 1) * sizeof *sum->seen);
    return sum->acc != NULL && sum->seen != NULL;
}

/* acc = acc + more; texts that the function put there become the task's. */
static bool sum_add(Sum *sum, const void *more)
{
    const TextPlaces *texts = &sum->prefix->texts;
    VonkTask *task = sum->task;

    if (!sum->is_any) {
        sum->is_any = true;
        memcpy(sum->acc, more, sum->prefix->record_bytes);
        return texts_own(task, texts, sum->acc);
    }
    for (uint32_t i = 0; i < texts->count; i++)
        memcpy(&sum->seen[i], sum->acc + texts->offsets[i], sizeof *sum->seen);
    ((AddFunction)rdd_enter(task)->call)(task, sum->acc, more);
    rdd_leave(task);
    for (uint32_t i = 0; i < texts->count; i++) {
        VonkText now;

        memcpy(&now, sum->acc + texts->offsets[i], sizeof now);
        if (now.data != sum->seen[i].data && !text_own(task, sum->acc + texts->offsets[i]))
            return false;
    }
    return !task->is_failed;
}

/* The partition's total, if it has records. */
static void find_total(VonkTask *task, VonkIn *in, VonkOut *out)
{
    int64_t partition = task->partition;
    Sum sum;
    char *total;

    if (!sum_open(&sum, task))
        return;
    for (const void *record; (record = vonk__next(in)) != NULL;)
        if (!sum_add(&sum, record))
            return;
    total = vonk_task_alloc(task, out->record_bytes);
    if (total == NULL || !sum.is_any)
        return;
    memset(total, 0, out->record_bytes);
    memcpy(total, sum.acc, sum.prefix->record_bytes);
    memcpy(total + sum.prefix->partition_offset, &partition, sizeof partition);
    vonk__emit(out, total, out->record_bytes);
}

static void sum_prefixes(VonkTask *task, VonkIn *in, VonkIn *totals, VonkOut *out)
{
    const PrefixSum *prefix = VONK_CLOSURE(task, PrefixSum);
    Sum sum;

    if (!sum_open(&sum, task))
        return;
    for (const void *total; (total = vonk__next(totals)) != NULL;)
        if (number_at(total, prefix->partition_offset) < task->partition && !sum_add(&sum, total))
            return;
    for (const void *record; (record = vonk__next(in)) != NULL;) {
        if (!sum_add(&sum, record))
            return;
        vonk__emit(out, sum.acc, prefix->record_bytes);
    }
}

VonkRdd *vonk__rdd_prefix_sum(VonkRdd *rdd, const VonkRecordType *type, VonkCall call)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    UserFunction add = rdd_function(rdds, call);
    const RecordLayout *layout, *wide;
    PrefixSum prefix = {0};
    Error err = ERROR_NONE;
    const void *closure;
    size_t bytes;

    if (rdd_check_input(rdd, type, call.name, &err, &layout) != ST_OK)
        return rdd_failed(rdds, &err);
    prefix.record_bytes = layout->bytes;
    wide = rdd_wider_layout(rdds->arena, layout, 1, (const char *const[]){"partition"},
                            &prefix.partition_offset);
    closure = with_texts(rdds->arena, &prefix, offsetof(PrefixSum, texts), layout, &bytes);
    return rdd_beside_summaries(
        rdd, wide,
        rdd_own_function(rdds, "total of", (void (*)(void))find_total, &add, closure, bytes),
        layout,
        rdd_own_function(rdds, "prefix sum of", (void (*)(void))sum_prefixes, &add, closure,
                         bytes));
}

/* --- windows --- */

enum { NEIGHBOURS_MAX = 65536, SPARE_RECORDS = 1024 };

typedef struct Window {
    uint32_t before, after;
    uint32_t in_bytes;
    uint32_t partition_offset; /* in a record that is an end: whose, and          */
    uint32_t is_tail_offset;   /* whether it is one of the last ones, or the first */
    TextPlaces texts;
} Window;

typedef void (*WindowFunction)(VonkTask *, const void *, uint32_t, uint32_t, void *);

/* Records in a row: [center - before, center + after] are what the function sees. */
typedef struct Slider {
    const Window *window;
    VonkTask *task;
    VonkOut *out;
    WindowFunction call;
    MemPool *pool;
    void *memory;          /* of both: */
    char *records, *spare; /* the spare takes what stays when the records are full */
    size_t bytes;
    uint32_t capacity, count, center;
    TextStore texts;
} Slider;

static bool own_texts(Slider *slider, TextStore *store, char *record)
{
    const TextPlaces *places = &slider->window->texts;
    Error err = ERROR_NONE;

    for (uint32_t i = 0; i < places->count; i++) {
        VonkText text;

        memcpy(&text, record + places->offsets[i], sizeof text);
        if (text.bytes == 0)
            continue;
        if (text_store_copy(store, text.data, text.bytes, &err, &text.data) != ST_OK) {
            user_task_fail((UserTask *)slider->task, &err);
            return false;
        }
        memcpy(record + places->offsets[i], &text, sizeof text);
    }
    return true;
}

/* Only what is still to be seen stays. */
static bool slide(Slider *slider)
{
    const Window *window = slider->window;
    uint32_t from = slider->center > window->before ? slider->center - window->before : 0;
    uint32_t kept = slider->count - from;
    char *records = slider->spare;
    TextStore texts;
    bool is_done = true;

    slider->out->flush(slider->out); /* what was emitted may point to the texts that go */
    memcpy(records, slider->records + (size_t)from * window->in_bytes,
           (size_t)kept * window->in_bytes);
    text_store_init(&texts, slider->pool, "window");
    for (uint32_t i = 0; is_done && i < kept; i++)
        is_done = own_texts(slider, &texts, records + (size_t)i * window->in_bytes);
    text_store_fini(&slider->texts);
    slider->texts = texts;
    slider->spare = slider->records;
    slider->records = records;
    slider->count = kept;
    slider->center -= from;
    return is_done;
}

/* The function runs for the record at the center. */
static void see(Slider *slider)
{
    const Window *window = slider->window;
    uint32_t behind = slider->count - 1 - slider->center;
    uint32_t before = slider->center < window->before ? slider->center : window->before;
    VonkOut *out = slider->out;

    if (out->next == out->end)
        out->flush(out);
    memset(out->next, 0, out->record_bytes);
    ((UserTask *)slider->task)->record++;
    slider->call(slider->task, slider->records + (size_t)slider->center * window->in_bytes, before,
                 behind < window->after ? behind : window->after, out->next);
    out->next += out->record_bytes;
    slider->center++;
}

static bool add_to_window(Slider *slider, const void *record)
{
    char *at;

    if (slider->count == slider->capacity && !slide(slider))
        return false;
    at = slider->records + (size_t)slider->count++ * slider->window->in_bytes;
    memcpy(at, record, slider->window->in_bytes);
    return own_texts(slider, &slider->texts, at);
}

/* Seen by what follows only; when the records are full, those too far before it go. */
static bool add_before(Slider *slider, const void *record)
{
    slider->center = slider->count;
    return add_to_window(slider, record);
}

/* The partition's own records, between the last ones of those before it and the first ones of those
 * behind it: ends come in the order of partitions. */
static void slide_over(Slider *slider, VonkIn *in, VonkIn *ends)
{
    const Window *window = slider->window;
    VonkTask *task = slider->task;
    const void *end = vonk__next(ends);
    uint32_t left, more = 0;

    for (; end != NULL && number_at(end, window->partition_offset) < task->partition;
         end = vonk__next(ends))
        if (number_at(end, window->is_tail_offset) && !add_before(slider, end))
            return;
    slider->center = slider->count;
    ((UserTask *)task)->reading = NULL; /* what is read is ahead of what is seen */
    ((UserTask *)task)->record = 0;
    for (const void *record; !task->is_failed && (record = vonk__next(in)) != NULL;) {
        if (!add_to_window(slider, record))
            return;
        if (slider->count - slider->center > window->after)
            see(slider);
    }
    left = slider->count - slider->center;
    for (; left > 0 && end != NULL && more < window->after; end = vonk__next(ends)) {
        if (number_at(end, window->partition_offset) == task->partition ||
            number_at(end, window->is_tail_offset))
            continue;
        if (!add_to_window(slider, end))
            return;
        more++;
    }
    while (left-- > 0 && !task->is_failed)
        see(slider);
}

static bool slider_open(Slider *slider, VonkTask *task, VonkOut *out)
{
    const Window *window = VONK_CLOSURE(task, Window);
    Error err = ERROR_NONE;
    void *memory;

    *slider =
        (Slider){.window = window, .task = task, .out = out, .pool = ((UserTask *)task)->pool};
    slider->capacity = window->before + 2 * window->after + 1 + SPARE_RECORDS;
    slider->bytes = (size_t)slider->capacity * window->in_bytes;
    if (mem_pool_alloc(slider->pool, 2 * slider->bytes, "window", &err, &memory) != ST_OK) {
        user_task_fail((UserTask *)task, &err);
        return false;
    }
    slider->memory = slider->records = memory;
    slider->spare = slider->records + slider->bytes;
    text_store_init(&slider->texts, slider->pool, "window");
    return true;
}

static void slider_close(Slider *slider)
{
    slider->out->flush(slider->out); /* what was emitted may point to the texts that go */
    text_store_fini(&slider->texts);
    mem_pool_release(slider->pool, slider->memory, 2 * slider->bytes);
}

static void see_windows(VonkTask *task, VonkIn *in, VonkIn *ends, VonkOut *out)
{
    Slider slider;

    if (!slider_open(&slider, task, out))
        return;
    slider.call = (WindowFunction)rdd_enter(task)->call;
    slide_over(&slider, in, ends);
    slider_close(&slider);
    rdd_leave(task);
}

/* wide: room for a record that is an end. */
static void give_end(const Slider *slider, char *wide, const void *record, int64_t is_tail)
{
    const Window *window = slider->window;
    int64_t partition = slider->task->partition;

    memcpy(wide, record, window->in_bytes);
    memcpy(wide + window->partition_offset, &partition, sizeof partition);
    memcpy(wide + window->is_tail_offset, &is_tail, sizeof is_tail);
    vonk__emit(slider->out, wide, slider->out->record_bytes);
}

/* The first `after` records of the partition, then its last `before` ones. */
static void find_ends(VonkTask *task, VonkIn *in, VonkOut *out)
{
    const Window *window = VONK_CLOSURE(task, Window);
    char *wide = vonk_task_alloc(task, out->record_bytes);
    uint64_t number = 0;
    Slider last;

    if (wide == NULL || !slider_open(&last, task, out))
        return;
    memset(wide, 0, out->record_bytes);
    for (const void *record; !task->is_failed && (record = vonk__next(in)) != NULL; number++) {
        if (number < window->after)
            give_end(&last, wide, record, 0);
        if (!add_before(&last, record))
            break;
    }
    for (uint32_t i = last.count > window->before ? last.count - window->before : 0;
         !task->is_failed && i < last.count; i++)
        give_end(&last, wide, last.records + (size_t)i * window->in_bytes, 1);
    slider_close(&last);
}

VonkRdd *vonk__rdd_window(VonkRdd *rdd, uint32_t before, uint32_t after, const VonkRecordType *in,
                          const VonkRecordType *out, VonkCall call)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    UserFunction inner = rdd_function(rdds, call);
    Window window = {.before = before, .after = after};
    const RecordLayout *layout, *out_layout, *wide;
    Error err = ERROR_NONE;
    const void *closure;
    size_t bytes;

    if (before > NEIGHBOURS_MAX || after > NEIGHBOURS_MAX)
        (void)error_set(&err, ST_BAD_INPUT, "a window has at most %d neighbours on a side",
                        NEIGHBOURS_MAX);
    out_layout = rdd_layout(rdds, out, &err);
    if (err.status != ST_OK || rdd_check_input(rdd, in, call.name, &err, &layout) != ST_OK)
        return rdd_failed(rdds, &err);
    window.in_bytes = layout->bytes;
    wide = rdd_wider_layout(rdds->arena, layout, 2, (const char *const[]){"partition", "is tail"},
                            &window.partition_offset);
    window.is_tail_offset = window.partition_offset + sizeof(int64_t);
    closure = with_texts(rdds->arena, &window, offsetof(Window, texts), layout, &bytes);
    return rdd_beside_summaries(
        rdd, wide,
        rdd_own_function(rdds, "the window's ends", (void (*)(void))find_ends, NULL, closure,
                         bytes),
        out_layout,
        rdd_own_function(rdds, "window of", (void (*)(void))see_windows, &inner, closure, bytes));
}
