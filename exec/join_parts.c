/*
 * join_parts.c -- one part of what a join has spilled; see join_spill.h
 *
 * A part is read into a table, as it would have been without spilling, and its left rows are
 * probed. When it is too large for memory, it is cut by other bits of the hash. When it cannot be
 * cut, all being of one hash, its left rows meet one piece of it after the other:
 *
 *     as          pieces are joined as    and after the last
 *     INNER       INNER
 *     LEFT        INNER                   left rows without a pair are padded
 *     RIGHT_*     the same
 *     FULL        RIGHT_OUTER             as LEFT
 *     SEMI        SEMI                    a left row's second and later ones are dropped
 *     ANTI        SEMI                    left rows without one
 */
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/join_probe_op.h"
#include "exec/join_spill.h"

enum { PIECES_MAX = MERGE_RUNS_MAX };

/* What a join emits, to a run. */
typedef struct Capture {
    Operator op; /* first */
    JoinSpill *spill;
    SpillWriter *writer;
} Capture;

typedef struct Part {
    JoinSpill *spill;
    Join *join;
    const SpillRun *build, *left;
    uint32_t level;
    Arena *arena;
    SpillReader reader; /* of build rows */
    SpilledRecord record;
    bool has_record; /* it is read, but not in */
    bool is_end;     /* no build row is left   */
    JoinRows rows;
    uint64_t *numbers; /* of build rows in the table, by their order in it */
    uint64_t number_capacity;
    bool is_table;    /* rows have become the table   */
    bool reads_again; /* left rows, for another piece */
    Capture capture;
    Emitter *emitter;
    uint32_t piece_count;
    SpillRun pieces[PIECES_MAX]; /* pairs */
    SpillWriter lone;
    Column *lone_columns;
} Part;

/* --- results --- */

static Status capture_consume(Operator *base, void *local, const Batch *batch, Emitter *emitter,
                              Error *err)
{
    Capture *capture = (Capture *)base;
    RowSpill *rows = &capture->spill->out_rows;
    const Column *number = &batch->columns[rows->layout.field_count];

    (void)local;
    (void)emitter;
    TRY(row_spill_fill(rows, batch->columns, batch->selection, batch->selected_count, err));
    for (uint32_t i = 0; i < batch->selected_count; i++) {
        SpilledRecord record = {.kind = JOIN_SPILL_OUT, .record = rows->rows[i]};

        memcpy(&record.first, column_value(number, batch_row(batch, i)), sizeof record.first);
        TRY(spill_write(capture->writer, &record, err));
    }
    return ST_OK;
}

static const OperatorClass capture_class = {.name = "join part", .consume = capture_consume};

static Status merge(JoinSpill *spill, uint32_t count, const SpillRun *runs, Error *err,
                    SpillRun *run_out)
{
    RowMerge all;
    Status status =
        row_merge_init(&all, &spill->space, count, runs, spilled_compare_first, NULL, err);

    if (status == ST_OK)
        status = row_merge_into(&all, &spill->space, spill->join->context->stop, err, run_out);
    row_merge_fini(&all);
    return status;
}

Status join_merge_parts(JoinSpill *spill, const JoinResults *parts, Error *err,
                        JoinResults *results_out)
{
    SpillRun runs[SPILL_PARTS];

    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        runs[i] = parts[i].pairs;
    TRY(merge(spill, SPILL_PARTS, runs, err, &results_out->pairs));
    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        runs[i] = parts[i].lone;
    return merge(spill, SPILL_PARTS, runs, err, &results_out->lone);
}

/* --- build rows --- */

static Status note_number(Part *part, Error *err)
{
    uint64_t count = part->rows.row_count, capacity = part->number_capacity;
    void *memory = part->numbers;

    if (count == capacity) {
        capacity = capacity == 0 ? 1024 : 2 * capacity;
        TRY(mem_pool_realloc(part->join->context->pool, &memory,
                             part->number_capacity * sizeof(uint64_t), capacity * sizeof(uint64_t),
                             "hash join", err));
        part->numbers = memory;
        part->number_capacity = capacity;
    }
    part->numbers[count] = part->record.first >> 1;
    return ST_OK;
}

static Status add_record(Part *part, Error *err)
{
    const RecordShape *shape = &part->spill->space.kinds[JOIN_SPILL_BUILD];

    TRY(note_number(part, err));
    return join_rows_add_row(&part->rows, part->record.record, part->record.hash,
                             (part->record.first & 1) != 0, shape->text_offsets, shape->text_count,
                             err);
}

/* As many rows as fit; at least one, or it is an error. */
static Status load(Part *part, Error *err)
{
    while (!part->is_end) {
        Status status = ST_OK;

        if (!part->has_record)
            status = spill_reader_next(&part->reader, err, &part->record, &part->has_record);
        part->is_end = status == ST_OK && !part->has_record;
        if (part->has_record && part->rows.row_count > 0 &&
            join_spill_is_much(part->join, &part->rows))
            return ST_OK;
        if (part->has_record)
            status = add_record(part, err);
        if (status == ST_OUT_OF_MEMORY && part->rows.row_count > 0)
            return ST_OK;
        TRY(status);
        part->has_record = false;
        if (part->rows.row_count % 1024 == 0)
            TRY(stop_check(part->join->context->stop, err));
    }
    return ST_OK;
}

static Status make_table(Part *part, Error *err)
{
    Join *join = part->join;
    uint32_t tasks = 1;

    part->is_table = true;
    TRY(join_table_combine(&join->table, &part->rows, err));
    for (uint32_t phase = 0; tasks > 0; phase++) {
        TRY(join_table_finish_begin(&join->table, phase, err, &tasks));
        for (uint32_t t = 0; t < tasks; t++)
            TRY(join_table_finish_task(&join->table, phase, t, err));
    }
    return join_range_build(&join->range, &join->table, join->layout.columns + join->kept_count,
                            err);
}

static void drop_table(Part *part)
{
    join_close_table(part->join);
    join_open_table(part->join);
    join_rows_clear(&part->rows);
    part->is_table = false;
}

/* --- probing --- */

/* The left rows taken so far, with their numbers, as a batch. */
static Batch left_batch(Part *part, Column *columns, const uint64_t *numbers)
{
    RowSpill *rows = &part->spill->left_rows;
    uint32_t column_count = rows->layout.field_count, count = row_spill_columns(rows);

    if (column_count > 0)
        memcpy(columns, rows->reader.columns, column_count * sizeof *columns);
    columns[column_count] =
        (Column){.type = type_of(TYPE_INT8), .form = COLUMN_FLAT, .values = numbers};
    return (Batch){.column_count = column_count + 1,
                   .row_count = count,
                   .columns = columns,
                   .selected_count = count};
}

static Status probe_batch(Part *part, ProbeLocal *local, Column *columns, const uint64_t *numbers,
                          Error *err)
{
    Batch batch = left_batch(part, columns, numbers);

    TRY(stop_check(part->join->context->stop, err));
    if (batch.row_count == 0)
        return ST_OK;
    return join_probe_class.consume(&part->join->probe, local, &batch, part->emitter, err);
}

static Status probe_rows(Part *part, ProbeLocal *local, SpillReader *reader, Error *err)
{
    RowSpill *rows = &part->spill->left_rows;
    Column *columns = ARENA_ARRAY(part->arena, Column, rows->layout.field_count + 1);
    uint64_t *numbers = ARENA_ARRAY(part->arena, uint64_t, rows->capacity);

    for (;;) {
        SpilledRecord record;
        bool is_any;

        TRY(spill_reader_next(reader, err, &record, &is_any));
        if (!is_any)
            return probe_batch(part, local, columns, numbers, err);
        numbers[rows->count] = record.first;
        TRY(row_spill_take(rows, record.record, err));
        if (rows->count == part->join->context->batch_rows)
            TRY(probe_batch(part, local, columns, numbers, err));
    }
}

static Status probe_left(Part *part, Error *err)
{
    SpillReader reader = {.space = NULL};
    void *local = NULL;
    Status status = join_probe_class.open(&part->join->probe, err);

    if (status == ST_OK)
        status = join_probe_class.local_open(&part->join->probe, 0, err, &local);
    if (status == ST_OK)
        status = spill_reader_init(&reader, &part->spill->space, part->left, err);
    reader.keeps_run = part->reads_again;
    if (status == ST_OK)
        status = probe_rows(part, local, &reader, err);
    if (reader.space != NULL)
        spill_reader_fini(&reader);
    join_probe_class.local_close(&part->join->probe, local);
    return status;
}

/* --- build rows without a left one --- */

static Status write_lone(Part *part, ColumnBuffers *buffers, const uint32_t *matches,
                         const uint64_t *numbers, uint32_t count, Error *err)
{
    RowSpill *rows = &part->spill->out_rows;

    join_build_columns(part->join, buffers, matches, count, part->lone_columns);
    TRY(row_spill_fill(rows, part->lone_columns, NULL, count, err));
    for (uint32_t i = 0; i < count; i++) {
        SpilledRecord record = {
            .kind = JOIN_SPILL_OUT, .first = numbers[i], .record = rows->rows[i]};

        TRY(spill_write(&part->lone, &record, err));
    }
    return ST_OK;
}

static Status find_lone(Part *part, ColumnBuffers *buffers, Error *err)
{
    const JoinTable *table = &part->join->table;
    bool wanted = part->join->kind == JOIN_RIGHT_SEMI;
    uint32_t matches[BATCH_ROWS_MAX], count = 0;
    uint64_t numbers[BATCH_ROWS_MAX];

    for (uint32_t i = 0; i < table->row_count; i++) {
        uint32_t row = table->order[i];

        if ((atomic_load_explicit(&table->matched[row], memory_order_relaxed) != 0) != wanted)
            continue;
        matches[count] = row;
        numbers[count++] = part->numbers[i];
        if (count < BATCH_ROWS_MAX)
            continue;
        TRY(stop_check(part->join->context->stop, err));
        TRY(write_lone(part, buffers, matches, numbers, count, err));
        count = 0;
    }
    return write_lone(part, buffers, matches, numbers, count, err);
}

static Status give_lone(Part *part, Error *err)
{
    ColumnBuffers buffers = {.memory = NULL};
    Status status;

    if (!join_marks_build(part->join->kind))
        return ST_OK;
    status = join_buffers_init(part->join, part->arena, &buffers, err);
    if (status == ST_OK)
        status = find_lone(part, &buffers, err);
    column_buffers_fini(&buffers);
    return status;
}

/* --- pieces --- */

/* The table's pairs become a run. */
static Status join_piece(Part *part, Error *err)
{
    SpillWriter writer;
    Status status;

    if (part->piece_count == PIECES_MAX) {
        TRY(merge(part->spill, PIECES_MAX, part->pieces, err, &part->pieces[0]));
        part->piece_count = 1;
    }
    status = spill_writer_init(&writer, &part->spill->space, err);
    part->capture.writer = &writer;
    if (status == ST_OK)
        status = probe_left(part, err);
    if (status == ST_OK)
        status = spill_writer_finish(&writer, err);
    spill_writer_fini(&writer);
    part->pieces[part->piece_count++] = writer.run;
    return status == ST_OK ? give_lone(part, err) : status;
}

static Status one_piece(Part *part, Error *err, SpillRun *pairs_out)
{
    TRY(join_piece(part, err));
    *pairs_out = part->pieces[0];
    return ST_OK;
}

/* Left rows by whether they are in the run of pairs: those that are not, as the probe would emit
 * them if it had found nothing. The table is empty by now. */
static Status emit_unpaired(Part *part, SpillReader *left, SpillReader *pairs, Error *err)
{
    RowSpill *rows = &part->spill->left_rows;
    Column *columns = ARENA_ARRAY(part->arena, Column, rows->layout.field_count + 1);
    uint64_t *numbers = ARENA_ARRAY(part->arena, uint64_t, rows->capacity);
    SpilledRecord row, pair;
    bool has_row = true, has_pair;
    void *local;
    Status status;

    TRY(spill_reader_next(pairs, err, &pair, &has_pair));
    TRY(join_probe_class.open(&part->join->probe, err));
    status = join_probe_class.local_open(&part->join->probe, 0, err, &local);
    while (status == ST_OK && has_row) {
        status = spill_reader_next(left, err, &row, &has_row);
        while (status == ST_OK && has_row && has_pair && pair.first < row.first)
            status = spill_reader_next(pairs, err, &pair, &has_pair);
        if (status != ST_OK)
            break;
        if (has_row && has_pair && pair.first == row.first)
            continue;
        if (has_row) {
            numbers[rows->count] = row.first;
            status = row_spill_take(rows, row.record, err);
        }
        if (status == ST_OK && (!has_row || rows->count == part->join->context->batch_rows))
            status = probe_batch(part, local, columns, numbers, err);
    }
    join_probe_class.local_close(&part->join->probe, local);
    return status;
}

static Status unpaired(Part *part, const SpillRun *pairs, Error *err, SpillRun *run_out)
{
    SpillReader left_reader = {.space = NULL}, pair_reader = {.space = NULL};
    SpillWriter writer;
    Status status = spill_writer_init(&writer, &part->spill->space, err);

    part->capture.writer = &writer;
    if (status == ST_OK)
        status = spill_reader_init(&left_reader, &part->spill->space, part->left, err);
    if (status == ST_OK)
        status = spill_reader_init(&pair_reader, &part->spill->space, pairs, err);
    pair_reader.keeps_run = true;
    if (status == ST_OK)
        status = make_table(part, err);
    if (status == ST_OK)
        status = emit_unpaired(part, &left_reader, &pair_reader, err);
    if (status == ST_OK)
        status = spill_writer_finish(&writer, err);
    drop_table(part);
    if (left_reader.space != NULL)
        spill_reader_fini(&left_reader);
    if (pair_reader.space != NULL)
        spill_reader_fini(&pair_reader);
    spill_writer_fini(&writer);
    *run_out = writer.run;
    return status;
}

/* A left row once. */
static Status drop_repeated(Part *part, const SpillRun *pairs, Error *err, SpillRun *run_out)
{
    SpillReader reader;
    SpillWriter writer;
    SpilledRecord record;
    uint64_t last = UINT64_MAX;
    bool is_any = true;
    Status status = spill_writer_init(&writer, &part->spill->space, err);

    if (status == ST_OK)
        status = spill_reader_init(&reader, &part->spill->space, pairs, err);
    else
        reader = (SpillReader){.space = NULL};
    while (status == ST_OK && is_any) {
        status = spill_reader_next(&reader, err, &record, &is_any);
        if (status == ST_OK && is_any && record.first != last)
            status = spill_write(&writer, &record, err);
        last = record.first;
    }
    if (status == ST_OK)
        status = spill_writer_finish(&writer, err);
    if (reader.space != NULL)
        spill_reader_fini(&reader);
    spill_writer_fini(&writer);
    *run_out = writer.run;
    return status;
}

static Status finish_pieces(Part *part, JoinKind kind, Error *err, SpillRun *pairs_out)
{
    SpillRun runs[2];

    TRY(merge(part->spill, part->piece_count, part->pieces, err, &runs[0]));
    part->join->kind = kind;
    switch (kind) {
    case JOIN_SEMI:
        return drop_repeated(part, &runs[0], err, pairs_out);
    case JOIN_ANTI:
        return unpaired(part, &runs[0], err, pairs_out);
    case JOIN_LEFT:
    case JOIN_FULL:
        TRY(unpaired(part, &runs[0], err, &runs[1]));
        return merge(part->spill, 2, runs, err, pairs_out);
    default:
        *pairs_out = runs[0];
        return ST_OK;
    }
}

static JoinKind kind_of_pieces(JoinKind kind)
{
    switch (kind) {
    case JOIN_LEFT:
        return JOIN_INNER;
    case JOIN_FULL:
        return JOIN_RIGHT_OUTER;
    case JOIN_ANTI:
        return JOIN_SEMI;
    default:
        return kind;
    }
}

/* Some rows are loaded, but not all. */
static Status join_pieces(Part *part, Error *err, SpillRun *pairs_out)
{
    JoinKind kind = part->join->kind;
    Status status = ST_OK;

    if (kind == JOIN_SINGLE || kind == JOIN_MARK)
        return error_set(err, ST_OUT_OF_MEMORY,
                         "out of memory: the rows of one key do not fit (hash join)");
    part->join->kind = kind_of_pieces(kind);
    part->reads_again = true;
    for (;;) {
        status = make_table(part, err);
        if (status == ST_OK)
            status = join_piece(part, err);
        drop_table(part);
        if (status != ST_OK || part->is_end)
            break;
        status = load(part, err);
        if (status != ST_OK || part->rows.row_count == 0)
            break;
    }
    if (status == ST_OK)
        status = finish_pieces(part, kind, err, pairs_out);
    part->join->kind = kind;
    return status;
}

/* --- cutting --- */

static Status cut_build(Part *part, SpillSet *set, Error *err)
{
    const JoinTable *table = &part->join->table;
    Status status;

    TRY(spill_set_init(set, &part->spill->space, part->level, err));
    if (part->is_table)
        status = join_segments_spill(part->spill, table->segments, table->segment_count,
                                     part->numbers, NULL, set, err);
    else
        status = join_segments_spill(part->spill, part->rows.segments, part->rows.segment_count,
                                     part->numbers, NULL, set, err);
    drop_table(part);
    while (status == ST_OK && !part->is_end) {
        if (part->has_record)
            status = spill_set_add(set, &part->record, err);
        part->has_record = false;
        if (status == ST_OK)
            status = spill_reader_next(&part->reader, err, &part->record, &part->has_record);
        part->is_end = !part->has_record;
    }
    if (status == ST_OK)
        status = spill_set_finish(set, err);
    spill_set_fini(set);
    return status;
}

static Status cut_left(Part *part, SpillSet *set, Error *err)
{
    SpillReader reader = {.space = NULL};
    bool is_any = true;
    Status status = spill_set_init(set, &part->spill->space, part->level, err);

    if (status == ST_OK)
        status = spill_reader_init(&reader, &part->spill->space, part->left, err);
    while (status == ST_OK && is_any) {
        SpilledRecord record;

        status = spill_reader_next(&reader, err, &record, &is_any);
        if (status == ST_OK && is_any)
            status = spill_set_add(set, &record, err);
    }
    if (status == ST_OK)
        status = spill_set_finish(set, err);
    if (reader.space != NULL)
        spill_reader_fini(&reader);
    spill_set_fini(set);
    return status;
}

static Status cut(Part *part, SpillSet sets[2], Error *err)
{
    TRY(cut_build(part, &sets[0], err));
    return cut_left(part, &sets[1], err);
}

static Status join_cut(JoinSpill *spill, const SpillSet sets[2], uint32_t level, Error *err,
                       JoinResults *results_out)
{
    JoinResults parts[SPILL_PARTS] = {0};

    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        TRY(join_part(spill, &sets[0].parts[i].run, &sets[1].parts[i].run, level, err, &parts[i]));
    return join_merge_parts(spill, parts, err, results_out);
}

/* --- one part --- */

static Status open_part(Part *part, Error *err)
{
    part->capture = (Capture){.op.class = &capture_class, .spill = part->spill};
    part->emitter = emitter_to(part->arena, &part->capture.op);
    part->lone_columns = ARENA_ARRAY(part->arena, Column, part->join->node->column_count);
    join_open_table(part->join);
    TRY(join_rows_init(&part->rows, &part->join->table, err));
    TRY(spill_writer_init(&part->lone, &part->spill->space, err));
    return spill_reader_init(&part->reader, &part->spill->space, part->build, err);
}

static void close_part(Part *part)
{
    spill_reader_fini(&part->reader);
    spill_writer_fini(&part->lone);
    join_rows_fini(&part->rows);
    join_close_table(part->join);
    mem_pool_release(part->join->context->pool, part->numbers,
                     part->number_capacity * sizeof(uint64_t));
    arena_free(part->arena);
}

/* *is_cut_out: it was too large, and is in the sets. */
static Status join_loaded(Part *part, SpillSet sets[2], bool *is_cut_out, Error *err,
                          SpillRun *pairs_out)
{
    bool can_cut = !part->build->is_one_hash && part->level < SPILL_LEVELS;
    Status status;

    TRY(load(part, err));
    if (!part->is_end && !can_cut)
        return join_pieces(part, err, pairs_out);
    *is_cut_out = !part->is_end;
    if (*is_cut_out)
        return cut(part, sets, err);
    status = make_table(part, err);
    *is_cut_out = status == ST_OUT_OF_MEMORY && can_cut;
    if (*is_cut_out)
        return cut(part, sets, err);
    TRY(status);
    return one_piece(part, err, pairs_out);
}

Status join_part(JoinSpill *spill, const SpillRun *build, const SpillRun *left, uint32_t level,
                 Error *err, JoinResults *results_out)
{
    Part *part;
    SpillSet sets[2] = {0};
    bool is_cut = false;
    Status status;
    Arena *arena;

    *results_out = (JoinResults){0};
    if (build->record_count == 0 && left->record_count == 0)
        return ST_OK;
    arena = arena_new(NULL, "join part", ARENA_NO_CAP);
    part = ARENA_NEW(arena, Part);
    *part = (Part){.spill = spill,
                   .join = spill->join,
                   .build = build,
                   .left = left,
                   .level = level,
                   .arena = arena};
    status = open_part(part, err);
    if (status == ST_OK)
        status = join_loaded(part, sets, &is_cut, err, &results_out->pairs);
    if (status == ST_OK)
        status = spill_writer_finish(&part->lone, err);
    results_out->lone = part->lone.run;
    close_part(part);
    if (status == ST_OK && is_cut)
        status = join_cut(spill, sets, level + 1, err, results_out);
    return status;
}
