/*
 * rdd_window.c -- functions that see a record and those before and after it; see rdd_internal.h
 *
 *     partition 0   a b c d                 what partitions 1 and 2 need of their neighbours, a
 *     partition 1   e                       first job finds out: sums so far (prefix_sum), or the
 *     partition 2   f g h                   records at the ends of the others (window)
 *
 * The second job, which is the RDD's, has that in its closures.
 */
#include <string.h>

#include "engine/rdd_internal.h"
#include "exec/row_layout.h"

typedef void (*AddFunction)(VonkTask *, void *, const void *);

/* --- prefix sums --- */

typedef struct PrefixSum {
    uint32_t partition_count;
    const void *const *sums; /* of all partitions before; NULL: there is no record */
    const TextPlaces *texts;
} PrefixSum;

/* acc = acc + more; texts that the function put there become the task's. */
static bool add_record(VonkTask *task, const TextPlaces *texts, void *acc, const void *more,
                       VonkText *seen)
{
    for (uint32_t i = 0; i < texts->count; i++)
        memcpy(&seen[i], (char *)acc + texts->offsets[i], sizeof *seen);
    ((AddFunction)rdd_enter(task)->call)(task, acc, more);
    rdd_leave(task);
    for (uint32_t i = 0; i < texts->count; i++) {
        VonkText now;

        memcpy(&now, (char *)acc + texts->offsets[i], sizeof now);
        if (now.data != seen[i].data && !text_own(task, (char *)acc + texts->offsets[i]))
            return false;
    }
    return !task->is_failed;
}

static void sum_prefixes(VonkTask *task, VonkIn *in, VonkOut *out)
{
    const PrefixSum *prefix = VONK_CLOSURE(task, PrefixSum);
    const TextPlaces *texts = prefix->texts;
    const void *before = prefix->sums[task->partition];
    char *acc = vonk_task_alloc(task, in->record_bytes);
    VonkText *seen = vonk_task_alloc(task, (texts->count + 1) * sizeof *seen);
    bool is_any = before != NULL;

    if (acc == NULL || seen == NULL)
        return;
    if (is_any)
        memcpy(acc, before, in->record_bytes);
    for (const void *record; (record = vonk__next(in)) != NULL; is_any = true) {
        if (is_any) {
            if (!add_record(task, texts, acc, record, seen))
                return;
        } else {
            memcpy(acc, record, in->record_bytes);
            if (!texts_own(task, texts, acc))
                return;
        }
        vonk__emit(out, acc, in->record_bytes);
    }
}

/* sums[p] = what all records before partition p add up to, given the totals of the partitions. The
 * user's function runs here, as in a task. */
static Status sum_totals(RddSession *rdds, const RecordLayout *layout, const UserFunction *add,
                         const RddPieces *totals, Error *err, const void **sums)
{
    UserCounts *counts = NULL; /* of no partition: they do not count */
    ExecContext context = {.pool = rdds->pool,
                           .stop = session_cancelled(rdds->session->session),
                           .shared = rdds->shared,
                           .counts = &counts};
    const char *next = totals->data;
    char *sum = NULL;
    UserTask user;
    Status status;

    user_task_init(&user, &context, NULL);
    user_task_begin(&user, add);
    for (uint32_t p = 0; p < totals->partition_count; p++) {
        sums[p] = rdd_copy_record(rdds, layout, sum);
        for (uint64_t i = 0; i < totals->rows[p]; i++, next += layout->bytes) {
            if (sum == NULL)
                sum = arena_copy(rdds->arena, next, layout->bytes);
            else
                ((AddFunction)add->call)(&user.task, sum, next);
        }
    }
    status = user_task_end(&user, err);
    user_task_fini(&user);
    user_counts_free(counts);
    return status;
}

static Status find_sums(VonkRdd *rdd, const RecordLayout *layout, const UserFunction *add,
                        Error *err, PrefixSum *prefix)
{
    RddSession *rdds = rdd->rdds;
    Arena *arena = rdds->arena;
    CombineSpec *spec = ARENA_NEW(arena, CombineSpec);
    VonkRdd *partial;
    const void **sums;
    RddPieces totals;
    Status status;

    *spec = (CombineSpec){.in = layout, .acc = layout, .add = *add, .merge = *add};
    partial = rdd_new(rdds,
                      plan_combine(arena, rdd->plan, rdd_columns(arena, rdd->plan), spec, true,
                                   plan_record_columns(arena, layout, &rdds->ids)),
                      layout);
    TRY(rdd_pieces(partial, err, &totals));
    prefix->partition_count = totals.partition_count;
    prefix->sums = sums = ARENA_ARRAY(arena, const void *, totals.partition_count);
    status = sum_totals(rdds, layout, add, &totals, err, sums);
    rdd_pieces_free(&totals);
    return status;
}

VonkRdd *vonk__rdd_prefix_sum(VonkRdd *rdd, const VonkRecordType *type, VonkCall call)
{
    RddSession *rdds = rdd->rdds;
    UserFunction add = rdd_function(rdds, call);
    const RecordLayout *layout;
    PrefixSum prefix = {0};
    Error err = ERROR_NONE;
    size_t bytes;

    if (rdd->plan == NULL)
        return rdd;
    if (rdd_check_input(rdd, type, call.name, &err, &layout) != ST_OK ||
        find_sums(rdd, layout, &add, &err, &prefix) != ST_OK)
        return rdd_failed(rdds, &err);
    prefix.texts = rdd_text_places(rdds->arena, layout, &bytes);
    return rdd_group(&rdd, 1, false, &type, type,
                     rdd_own_function(rdds, "prefix sum of", (void (*)(void))sum_prefixes, &add,
                                      &prefix, sizeof prefix),
                     0);
}

/* --- windows --- */

enum { NEIGHBOURS_MAX = 65536, SPARE_RECORDS = 1024 };

/* Records of other partitions that are neighbours of this one's. */
typedef struct Edge {
    uint32_t before_count, after_count;
    const char *before, *after; /* in order */
} Edge;

typedef struct Window {
    uint32_t before, after;
    uint32_t in_bytes;
    const TextPlaces *texts;
    const Edge *edges; /* by partition */
} Window;

typedef void (*WindowFunction)(VonkTask *, const void *, uint32_t, uint32_t, void *);

/* Records in a row: [center - before, center + after] are what the function sees. */
typedef struct Slider {
    const Window *window;
    VonkTask *task;
    VonkOut *out;
    WindowFunction call;
    MemPool *pool;
    char *records, *spare; /* the spare takes what stays when the records are full */
    size_t bytes;
    uint32_t capacity, count, center;
    TextStore texts;
} Slider;

static bool own_texts(Slider *slider, TextStore *store, char *record)
{
    const TextPlaces *places = slider->window->texts;
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

static void slide_over(Slider *slider, VonkIn *in)
{
    const Window *window = slider->window;
    const Edge *edge = &window->edges[slider->task->partition];
    VonkTask *task = slider->task;
    uint32_t left;

    for (uint32_t i = 0; i < edge->before_count; i++)
        if (!add_to_window(slider, edge->before + (size_t)i * window->in_bytes))
            return;
    slider->center = slider->count;
    for (const void *record; !task->is_failed && (record = vonk__next(in)) != NULL;) {
        if (!add_to_window(slider, record))
            return;
        if (slider->count - slider->center > window->after)
            see(slider);
    }
    left = slider->count - slider->center;
    for (uint32_t i = 0; i < edge->after_count; i++)
        if (!add_to_window(slider, edge->after + (size_t)i * window->in_bytes))
            return;
    while (left-- > 0 && !task->is_failed)
        see(slider);
}

static void see_windows(VonkTask *task, VonkIn *in, VonkOut *out)
{
    const Window *window = VONK_CLOSURE(task, Window);
    uint32_t capacity = window->before + 2 * window->after + 1 + SPARE_RECORDS;
    Slider slider = {.window = window,
                     .task = task,
                     .out = out,
                     .pool = ((UserTask *)task)->pool,
                     .bytes = (size_t)capacity * window->in_bytes,
                     .capacity = capacity};
    Error err = ERROR_NONE;
    void *memory;

    if (mem_pool_alloc(slider.pool, 2 * slider.bytes, "window", &err, &memory) != ST_OK) {
        user_task_fail((UserTask *)task, &err);
        return;
    }
    slider.records = memory;
    slider.spare = slider.records + slider.bytes;
    text_store_init(&slider.texts, slider.pool, "window");
    slider.call = (WindowFunction)rdd_enter(task)->call;
    slide_over(&slider, in);
    out->flush(out);
    rdd_leave(task);
    text_store_fini(&slider.texts);
    mem_pool_release(slider.pool, memory, 2 * slider.bytes);
}

/* The first `after` records of the partition, then its last `before` ones. */
static void find_ends(VonkTask *task, VonkIn *in, VonkOut *out)
{
    const Window *window = VONK_CLOSURE(task, Window);
    Slider last = {.window = window, .task = task, .out = out, .pool = ((UserTask *)task)->pool};
    uint64_t number = 0;
    Error err = ERROR_NONE;
    void *memory;

    last.capacity = window->before + SPARE_RECORDS;
    last.bytes = (size_t)last.capacity * window->in_bytes;
    if (mem_pool_alloc(last.pool, 2 * last.bytes, "window", &err, &memory) != ST_OK) {
        user_task_fail((UserTask *)task, &err);
        return;
    }
    last.records = memory;
    last.spare = last.records + last.bytes;
    text_store_init(&last.texts, last.pool, "window");
    for (const void *record; !task->is_failed && (record = vonk__next(in)) != NULL; number++) {
        if (number < window->after)
            vonk__emit(out, record, window->in_bytes);
        last.center = last.count;
        if (!add_to_window(&last, record))
            break;
    }
    for (uint32_t i = last.count > window->before ? last.count - window->before : 0;
         !task->is_failed && i < last.count; i++)
        vonk__emit(out, last.records + (size_t)i * window->in_bytes, window->in_bytes);
    out->flush(out);
    text_store_fini(&last.texts);
    mem_pool_release(last.pool, memory, 2 * last.bytes);
}

/* How many of a partition's ends are its first records: of n records min(n, after), and then
 * min(n, before), came. */
static uint32_t heads_of(const Window *window, uint64_t rows)
{
    uint32_t less = window->before < window->after ? window->before : window->after;
    uint64_t records = rows <= 2 * (uint64_t)less ? rows / 2 : rows - less;

    return records < window->after ? (uint32_t)records : window->after;
}

static void put(char **to, const RddSession *rdds, const RecordLayout *layout, const char *from,
                uint64_t count)
{
    for (uint64_t i = 0; i < count; i++, *to += layout->bytes)
        memcpy(*to, rdd_copy_record((RddSession *)rdds, layout, from + i * layout->bytes),
               layout->bytes);
}

/* What partition p sees of others. starts[q]: where q's ends are among all. */
static Edge find_edge(RddSession *rdds, const RecordLayout *layout, const Window *window,
                      const RddPieces *ends, const uint64_t *starts, uint32_t p)
{
    uint32_t from = p, before = 0, after = 0;
    char *records =
        arena_alloc(rdds->arena, ((size_t)window->before + window->after + 1) * layout->bytes);
    Edge edge = {.before = records};

    while (from > 0 && before < window->before) {
        from--;
        before += (uint32_t)(ends->rows[from] - heads_of(window, ends->rows[from]));
    }
    for (uint32_t q = from; q < p; q++) {
        uint64_t heads = heads_of(window, ends->rows[q]), tails = ends->rows[q] - heads;
        uint64_t skipped = q == from && before > window->before ? before - window->before : 0;

        put(&records, rdds, layout, ends->data + (starts[q] + heads + skipped) * layout->bytes,
            tails - skipped);
    }
    edge.before_count = before < window->before ? before : window->before;
    edge.after = records;
    for (uint32_t q = p + 1; q < ends->partition_count && after < window->after; q++) {
        uint32_t heads = heads_of(window, ends->rows[q]);
        uint32_t wanted = window->after - after < heads ? window->after - after : heads;

        put(&records, rdds, layout, ends->data + starts[q] * layout->bytes, wanted);
        after += wanted;
    }
    edge.after_count = after;
    return edge;
}

static Status find_edges(VonkRdd *rdd, const VonkRecordType *type, const RecordLayout *layout,
                         Error *err, Window *window)
{
    RddSession *rdds = rdd->rdds;
    Edge *edges;
    uint64_t *starts, start = 0;
    RddPieces ends;

    TRY(rdd_pieces(rdd_group(&rdd, 1, false, &type, type,
                             rdd_own_function(rdds, "the window's ends", (void (*)(void))find_ends,
                                              NULL, window, sizeof *window),
                             0),
                   err, &ends));
    starts = ARENA_ARRAY(rdds->arena, uint64_t, ends.partition_count);
    window->edges = edges = ARENA_ARRAY(rdds->arena, Edge, ends.partition_count);
    for (uint32_t p = 0; p < ends.partition_count; p++) {
        starts[p] = start;
        start += ends.rows[p];
    }
    for (uint32_t p = 0; p < ends.partition_count; p++)
        edges[p] = find_edge(rdds, layout, window, &ends, starts, p);
    rdd_pieces_free(&ends);
    return ST_OK;
}

VonkRdd *vonk__rdd_window(VonkRdd *rdd, uint32_t before, uint32_t after, const VonkRecordType *in,
                          const VonkRecordType *out, VonkCall call)
{
    RddSession *rdds = rdd->rdds;
    UserFunction inner = rdd_function(rdds, call);
    Window window = {.before = before, .after = after};
    const RecordLayout *layout;
    Error err = ERROR_NONE;
    size_t bytes;

    if (rdd->plan == NULL)
        return rdd;
    if (before > NEIGHBOURS_MAX || after > NEIGHBOURS_MAX)
        (void)error_set(&err, ST_BAD_INPUT, "a window has at most %d neighbours on a side",
                        NEIGHBOURS_MAX);
    if (err.status != ST_OK || rdd_check_input(rdd, in, call.name, &err, &layout) != ST_OK)
        return rdd_failed(rdds, &err);
    window.in_bytes = layout->bytes;
    window.texts = rdd_text_places(rdds->arena, layout, &bytes);
    if (find_edges(rdd, in, layout, &err, &window) != ST_OK)
        return rdd_failed(rdds, &err);
    return rdd_group(&rdd, 1, false, &in, out,
                     rdd_own_function(rdds, "window of", (void (*)(void))see_windows, &inner,
                                      &window, sizeof window),
                     0);
}
