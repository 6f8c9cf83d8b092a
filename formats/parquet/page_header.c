/* page_header.c -- see page_header.h */
#include "formats/parquet/page_header.h"

/* Counts and sizes are i32 and never negative. */
static uint32_t read_u31(ThriftReader *thrift, const ThriftField *field)
{
    int32_t value = thrift_i32(thrift, field);

    if (value < 0) {
        thrift_fail(thrift, "a size is negative");
        return 0;
    }
    return (uint32_t)value;
}

/* Of data pages (v1) and dictionary pages, whose first two fields are the same. */
static void read_data_header(ThriftReader *thrift, const ThriftField *field, PageHeader *header)
{
    bool is_dictionary = field->id == 7;

    if (!thrift_struct(thrift, field))
        return;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        switch (part.id) {
        case 1:
            header->value_count = read_u31(thrift, &part);
            break;
        case 2:
            header->encoding = thrift_i32(thrift, &part);
            break;
        case 3:
            if (is_dictionary)
                thrift_skip(thrift, &part);
            else
                header->level_encoding = thrift_i32(thrift, &part);
            break;
        default:
            thrift_skip(thrift, &part);
        }
    }
}

static void read_data_header_v2(ThriftReader *thrift, const ThriftField *field, PageHeader *header)
{
    if (!thrift_struct(thrift, field))
        return;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        switch (part.id) {
        case 1:
            header->value_count = read_u31(thrift, &part);
            break;
        case 4:
            header->encoding = thrift_i32(thrift, &part);
            break;
        case 5:
            header->definition_bytes = read_u31(thrift, &part);
            break;
        case 6:
            header->repetition_bytes = read_u31(thrift, &part);
            break;
        case 7:
            header->is_packed = thrift_bool(thrift, &part);
            break;
        default:
            thrift_skip(thrift, &part);
        }
    }
}

const char *page_header_read(const uint8_t *bytes, size_t byte_count, PageHeader *header_out)
{
    ThriftReader thrift = thrift_reader(bytes, byte_count);
    bool has_kind = false;

    *header_out = (PageHeader){.type = -1, .encoding = -1, .is_packed = true};
    for (ThriftField part = {0}; thrift_next_field(&thrift, &part);) {
        switch (part.id) {
        case 1:
            header_out->type = thrift_i32(&thrift, &part);
            break;
        case 2:
            header_out->unpacked_bytes = read_u31(&thrift, &part);
            break;
        case 3:
            header_out->packed_bytes = read_u31(&thrift, &part);
            break;
        case 4:
            header_out->crc = (uint32_t)thrift_i32(&thrift, &part);
            header_out->has_crc = true;
            break;
        case 5:
        case 7:
            read_data_header(&thrift, &part, header_out);
            has_kind = true;
            break;
        case 8:
            read_data_header_v2(&thrift, &part, header_out);
            has_kind = true;
            break;
        default:
            thrift_skip(&thrift, &part);
        }
    }
    if (!has_kind && header_out->type != PARQUET_PAGE_INDEX)
        thrift_fail(&thrift, "a page header is incomplete");
    header_out->header_bytes = (uint32_t)(thrift.at - bytes);
    return thrift.failure;
}
