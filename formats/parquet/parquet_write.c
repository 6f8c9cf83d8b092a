/* parquet_write.c -- batches become a Parquet file; see format.h */
#include "formats/parquet/parquet_internal.h"

Status parquet__writer_open(const char *path, uint32_t column_count, const TableColumn *columns,
                            OptionList options, MemPool *pool, Error *err, TableWriter **writer_out)
{
    (void)column_count;
    (void)columns;
    (void)options;
    (void)pool;
    *writer_out = NULL;
    return error_set(err, ST_NOT_SUPPORTED, "not supported: writing \"%s\"", path);
}

Status parquet__writer_add(TableWriter *writer, const Batch *batch, Error *err)
{
    (void)writer;
    (void)batch;
    return error_set(err, ST_NOT_SUPPORTED, "not supported: writing Parquet files");
}

Status parquet__writer_finish(TableWriter *writer, Error *err)
{
    (void)writer;
    return error_set(err, ST_NOT_SUPPORTED, "not supported: writing Parquet files");
}

void parquet__writer_abort(TableWriter *writer)
{
    (void)writer;
}
