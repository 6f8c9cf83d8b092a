/*
 * format.h -- files become tables, batches become files
 *
 * A path is a file, a folder of part files (with key=value sub-folders as columns), or a glob
 * (path_list.h); all files of one table have the same columns. The format is named or follows from
 * the ending: .parquet; .csv, .tsv (also .gz, .zst).
 */
#ifndef VONK_FORMATS_FORMAT_H
#define VONK_FORMATS_FORMAT_H

#include "core/plan/plan.h"

typedef struct TableWriter TableWriter;

/* The row of a format in format.c's table. */
typedef struct Format {
    const char *name;           /* "parquet" */
    const char *const *endings; /* ".parquet", NULL */

    /* paths: sorted, at least one. Options by name (csv: delimiter, header, quote, escape, null,
     * columns, ...); an unknown one is an error. */
    Status (*open)(uint32_t path_count, const char *const *paths, OptionList options, MemPool *pool,
                   Error *err, Table **table_out);

    /* A table that another process has opened, from what its class wrote. Each scan makes sure that
     * its file is the one that there was. Files outlive the call. */
    Status (*receive)(uint32_t file_count, const TableFile *files, WireReader *from, MemPool *pool,
                      Error *err, Table **table_out);

    /* Writes path's temporary sibling; writer_finish makes it appear whole (fsync when it
     * is_synced, rename), writer_abort removes it. Batches come in row order, from one thread. */
    Status (*writer_open)(const char *path, uint32_t column_count, const TableColumn *columns,
                          OptionList options, MemPool *pool, Error *err, TableWriter **writer_out);
    Status (*writer_add)(TableWriter *writer, const Batch *batch, Error *err);
    Status (*writer_finish)(TableWriter *writer, bool is_synced, Error *err); /* frees it always */
    void (*writer_abort)(TableWriter *writer); /* frees it; accepts NULL */
} Format;

extern const Format format_parquet;
extern const Format format_csv;
extern const Format format_text; /* lines: by name only, no file ending is its own */

/* By name ("parquet"), or by the path's ending when name is NULL; NULL when there is none. */
const Format *format_find(const char *name, const char *path);

/* A table over a file, folder or glob. Partition columns are appended. */
MUST_CHECK Status format_open_table(const char *path, const char *format, OptionList options,
                                    MemPool *pool, Error *err, Table **table_out);

#endif
