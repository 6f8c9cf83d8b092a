/*
 * record_io.h -- rows of columns become records (C structs), and back
 *
 *     columns   word: Str Str Str        n: int64 int64 int64
 *     records   { VonkText word; int64_t n; } { ... } { ... }
 *
 * A record's texts point to where the column's bytes are. Fields that are NULL hold zeros.
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_EXEC_RECORD_IO_H
#define VONK_EXEC_RECORD_IO_H

#include "core/data/batch.h"
#include "core/plan/record.h"
#include "exec/gather.h"

/*
 * Writes rows rows[0..count), which ascend (0..count when NULL), of the columns, one a field of the
 * layout, into records. A NULL in a field that cannot be NULL (RecordField.present: where its side
 * of a pair is there) is ST_BAD_INPUT 22004, with the name of the first row's first such field.
 */
MUST_CHECK Status records_from_columns(const RecordLayout *layout, const Column *const *columns,
                                       const uint32_t *rows, uint32_t count, char *records,
                                       Error *err);

/* The same error for a NULL in a field that cannot be NULL, where no records are made. */
MUST_CHECK Status records_check_nulls(const RecordLayout *layout, const Column *const *columns,
                                      const uint32_t *rows, uint32_t count, Error *err);

/*
 * The other way: columns_out[i] is the layout's field i, in buffers (as wide as the layout). Texts
 * stay borrowed. Errors: a numeric with more digits than its type has, a text too long for its
 * type.
 */
MUST_CHECK Status columns_from_records(const RecordLayout *layout, const char *records,
                                       uint32_t count, ColumnBuffers *buffers, Column *columns_out,
                                       Error *err);

/* As columns_from_records, of values that stand in the buffers already, and nulls[i], a byte a row
 * where field i may be NULL. is_text_too_long: some text had more bytes than fit. */
MUST_CHECK Status columns_from_arrays(const RecordLayout *layout, const uint8_t *const *nulls,
                                      bool is_text_too_long, uint32_t count, ColumnBuffers *buffers,
                                      Column *columns_out, Error *err);

#endif
