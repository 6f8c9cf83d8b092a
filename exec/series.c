/* series.c -- see series.h */
#include "exec/series.h"

#include <string.h>

#include "codegen/ops/date.h"
#include "core/base/invariant.h"

static Status no_step(Error *err)
{
    return error_set_state(err, ST_BAD_INPUT, "22023", "step size cannot equal zero");
}

/* PostgreSQL looks at the sign of the interval's length. */
static Int128 interval_length(Interval interval)
{
    return ((Int128)interval.months * 30 + interval.days) * MICROS_PER_DAY + interval.micros;
}

static Status take_step(Series *series, const Value *step, Error *err)
{
    if (step->type.id != TYPE_INTERVAL) {
        series->step = value_as_int128(step);
        return series->step == 0 ? no_step(err) : ST_OK;
    }
    series->step = interval_length(step->interval);
    if (series->step == 0)
        return no_step(err);
    series->has_months = step->interval.months != 0;
    series->interval = step->interval;
    return ST_OK;
}

/* Without signs: the ends of a series of numerics may be further apart than 128 bits can say. */
static Status count_rows(Series *series, Error *err)
{
    bool is_up = series->step > 0;
    UInt128 start = (UInt128)series->start, stop = (UInt128)series->stop;
    UInt128 step = is_up ? (UInt128)series->step : -(UInt128)series->step;
    UInt128 count;

    if (is_up ? series->stop < series->start : series->stop > series->start)
        return ST_OK;
    count = (is_up ? stop - start : start - stop) / step + 1;
    if (count > INT64_MAX)
        return error_set_state(err, ST_BAD_INPUT, "54000", "the series has too many rows");
    series->row_count = (uint64_t)count;
    return ST_OK;
}

Status series_make(const Value args[3], Error *err, Series *series_out)
{
    *series_out = (Series){.phys = type_phys(args[0].type)};
    if (args[0].is_null || args[1].is_null || args[2].is_null)
        return ST_OK;
    series_out->start = value_as_int128(&args[0]);
    series_out->stop = value_as_int128(&args[1]);
    TRY(take_step(series_out, &args[2], err));
    if (!series_out->has_months)
        return count_rows(series_out, err);
    series_out->row_count = 1;
    return ST_OK;
}

SeriesReader series_reader(const Series *series, uint64_t row, uint64_t end_row)
{
    return (SeriesReader){.row = row,
                          .end_row = end_row < series->row_count ? end_row : series->row_count,
                          .next = (int64_t)series->start};
}

#define FILL(CType)                                                                                \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        CType value = (CType)(first + i * series->step);                                           \
                                                                                                   \
        memcpy((char *)values + i * sizeof(CType), &value, sizeof value);                          \
    }                                                                                              \
    break

static uint32_t read_regular(const Series *series, SeriesReader *reader, void *values,
                             uint32_t most)
{
    uint64_t left = reader->end_row - reader->row;
    uint32_t count = left < most ? (uint32_t)left : most;
    Int128 first = series->start + reader->row * series->step;

    switch (series->phys) {
    case PHYS_INT32:
        FILL(int32_t);
    case PHYS_INT64:
        FILL(int64_t);
    case PHYS_INT128:
        FILL(Int128);
    default:
        UNREACHABLE("type of a series");
    }
    reader->row += count;
    return count;
}

static Status read_months(const Series *series, SeriesReader *reader, void *values, uint32_t most,
                          Error *err, uint32_t *count_out)
{
    bool is_up = series->step > 0;
    OpCtx context = {.error = OPERR_NONE};
    uint32_t count = 0;

    while (!reader->is_done && count < most) {
        if (is_up ? reader->next > series->stop : reader->next < series->stop) {
            reader->is_done = true;
            break;
        }
        memcpy((char *)values + count++ * sizeof(int64_t), &reader->next, sizeof(int64_t));
        reader->next = op_add_timestamp_interval(&context, reader->next, series->interval);
        if (context.error != OPERR_NONE)
            return error_set_state(err, ST_BAD_INPUT, "22008", "timestamp out of range");
    }
    *count_out = count;
    return ST_OK;
}

Status series_read(const Series *series, SeriesReader *reader, void *values, uint32_t most,
                   Error *err, uint32_t *count_out)
{
    *count_out = 0;
    if (series->row_count == 0)
        return ST_OK;
    if (series->has_months)
        return read_months(series, reader, values, most, err, count_out);
    *count_out = read_regular(series, reader, values, most);
    return ST_OK;
}
