/*
 * arrow_c_data.h -- batches to and from the Arrow C data interface
 *
 * Out: one struct array per batch, one child per column:
 *     boolean b   smallint s   integer i   bigint l   numeric d:p,s   real f   double g
 *     text, varchar, char u    date tdD    timestamp tsu:   interval tin   unknown n
 * An exported array owns its memory and may be released on any thread, also after its session is
 * closed; its columns may be moved out and released one by one.
 *
 * In: those, and the other widths and units: c C S I L (unsigned ones widen; uint64 is
 * numeric(20,0)), e, d:p,s of 32 and 64 bits, U vu, tdm, ts[smn] with or without a zone (kept as
 * UTC), tiM tiD, and dictionaries of all these. Others are refused by name.
 */
#ifndef VONK_CORE_DATA_ARROW_C_DATA_H
#define VONK_CORE_DATA_ARROW_C_DATA_H

#include "core/data/batch.h"
#include "vonk/arrow.h"

/* A column's name and type, as a plan or a table has them. */
typedef struct ArrowField {
    const char *name;
    Type type;
    bool is_nullable;
} ArrowField;

/* Fills *schema_out, which owns its memory: a struct of the fields. */
void arrow_export_schema(uint32_t field_count, const ArrowField *fields,
                         struct ArrowSchema *schema_out);

/* Who keeps the memory that a batch points to, until release is called, on any thread. release
 * NULL: nobody. */
typedef struct ArrowOwner {
    void *context;
    void (*release)(void *context);
} ArrowOwner;

/*
 * Fills *array_out from the selected rows. Takes the owner, also on failure. With one, columns
 * whose layout is Arrow's (integers, floats, dates, timestamps, numerics of more than 18 digits)
 * and bitmaps of nulls are handed over where they are; else they are copied. Errors: ST_BAD_INPUT
 * when a column has 2 GiB of text or more, or an interval that nanoseconds cannot hold.
 */
MUST_CHECK Status arrow_export_batch(const Batch *batch, ArrowOwner owner, Error *err,
                                     struct ArrowArray *array_out);

/* The fields of a struct schema, in the arena. Errors: ST_NOT_SUPPORTED naming the column. */
MUST_CHECK Status arrow_import_schema(Arena *arena, const struct ArrowSchema *schema, Error *err,
                                      uint32_t *field_count_out, const ArrowField **fields_out);

/* Rows [start, start + row_count) of a struct array as FLAT columns in the arena; texts, and
 * values that lie as ours do, are borrowed from the array. row_count is at most BATCH_ROWS_MAX. */
MUST_CHECK Status arrow_import_batch(Arena *arena, const struct ArrowSchema *schema,
                                     const struct ArrowArray *array, int64_t start,
                                     uint32_t row_count, Error *err, Batch *batch_out);

#endif
