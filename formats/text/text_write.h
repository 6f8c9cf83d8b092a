/* text_write.h -- the writer of format_text: see formats/format.h */
#ifndef VONK_FORMATS_TEXT_TEXT_WRITE_H
#define VONK_FORMATS_TEXT_TEXT_WRITE_H

#include "formats/format.h"

Status text_writer_open(const char *path, uint32_t column_count, const TableColumn *columns,
                        OptionList options, MemPool *pool, Error *err, TableWriter **writer_out);
Status text_writer_add(TableWriter *handle, const Batch *batch, Error *err);
Status text_writer_finish(TableWriter *handle, bool is_synced, Error *err);
void text_writer_abort(TableWriter *handle);

#endif
