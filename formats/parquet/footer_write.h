/*
 * footer_write.h -- a written file's metadata: chunks, page indexes, footer
 *
 *     footer_note_group, footer_note_chunk, ...  as chunks go into the file
 *     footer_finish                              at the end: indexes, footer, tail
 */
#ifndef VONK_FORMATS_PARQUET_FOOTER_WRITE_H
#define VONK_FORMATS_PARQUET_FOOTER_WRITE_H

#include "core/base/file.h"
#include "formats/parquet/column_writer.h"

typedef struct FooterWriter {
    uint32_t column_count;
    const TableColumn *columns;
    ByteBuffer groups; /* GroupRecord                                              */
    ByteBuffer chunks; /* ChunkRecord, column_count for each group                 */
    ByteBuffer text;   /* ready-made Thrift: each chunk's metadata and two indexes */
} FooterWriter;

void footer_writer_init(FooterWriter *footer, uint32_t column_count, const TableColumn *columns,
                        MemPool *pool);
void footer_writer_fini(FooterWriter *footer);

/* A row group of so many rows; its chunks follow, column by column. */
void footer_note_group(FooterWriter *footer, uint64_t row_count);
void footer_note_chunk(FooterWriter *footer, const ColumnWriter *column, uint64_t file_offset);

MUST_CHECK Status footer_finish(FooterWriter *footer, FileWriter *file, Error *err);

#endif
