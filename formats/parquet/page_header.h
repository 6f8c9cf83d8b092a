/*
 * page_header.h -- the Thrift header before each page
 */
#ifndef VONK_FORMATS_PARQUET_PAGE_HEADER_H
#define VONK_FORMATS_PARQUET_PAGE_HEADER_H

#include "formats/parquet/thrift_compact.h"

typedef enum ParquetPageType {
    PARQUET_PAGE_DATA = 0,
    PARQUET_PAGE_INDEX = 1,
    PARQUET_PAGE_DICTIONARY = 2,
    PARQUET_PAGE_DATA_V2 = 3
} ParquetPageType;

typedef struct PageHeader {
    int32_t type;
    uint32_t packed_bytes;   /* as they stand in the file              */
    uint32_t unpacked_bytes; /* v2: levels included, in both           */
    uint32_t crc;
    bool has_crc;
    uint32_t value_count; /* of columns that are not nested: its rows */
    int32_t encoding;
    int32_t level_encoding;                      /* v1                                     */
    uint32_t definition_bytes, repetition_bytes; /* v2                */
    bool is_packed; /* v2: false when stored without the codec        */
    uint32_t header_bytes;
} PageHeader;

/* NULL, or what is wrong. */
const char *page_header_read(const uint8_t *bytes, size_t byte_count, PageHeader *header_out);

#endif
