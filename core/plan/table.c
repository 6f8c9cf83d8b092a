/* table.c -- what all tables share; see table.h */
#include "core/plan/table.h"

#include <string.h>

#include "core/base/splitmix.h"

Table *table_ref(Table *table)
{
    atomic_fetch_add(&table->ref_count, 1);
    return table;
}

void table_unref(Table *table)
{
    if (table != NULL && atomic_fetch_sub(&table->ref_count, 1) == 1)
        table->class->close(table);
}

int32_t table_find_column(const Table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

/* --- windows --- */

uint64_t window_width(const WindowRequest *request, uint64_t total, uint64_t least)
{
    uint64_t all = total / request->one_in;

    if (all < least)
        all = least;
    if (all > total)
        all = total;
    return (all + request->count - 1) / request->count;
}

static uint64_t mix(uint64_t x)
{
    return splitmix(x + SPLITMIX_STEP);
}

static uint64_t split_seed(const Split *split)
{
    return mix(split->file) + split->start;
}

/* total * number / count, which may not fit in between */
static uint64_t part_start(uint64_t total, uint32_t count, uint32_t number)
{
    return (uint64_t)((unsigned __int128)total * number / count);
}

uint64_t window_start(uint64_t total, uint64_t width, uint32_t count, uint32_t number,
                      const Split *split)
{
    uint64_t start = part_start(total, count, number), end = part_start(total, count, number + 1);
    uint64_t room = end - start > width ? end - start - width : 0;

    return start + mix(split_seed(split) + mix(number)) % (room + 1);
}

SplitWindows windows_of_places(Arena *arena, const Split *split, const WindowRequest *request,
                               uint64_t least, uint64_t origin, uint64_t unit)
{
    uint64_t total = split->length, width = window_width(request, total, least), next = 0;
    Split *items = ARENA_ARRAY(arena, Split, request->count);
    SplitWindows windows = {.items = items, .total = total};

    if (total / request->count <= width) { /* they would meet: all of it */
        items[0] = *split;
        return (SplitWindows){1, items, 1, 1};
    }
    for (uint32_t i = 0; i < request->count; i++) {
        uint64_t at = window_start(total, width, request->count, i, split);
        uint64_t beyond = (split->start + at - origin) % unit;

        at += beyond == 0 ? 0 : unit - beyond; /* up: none lies before the split */
        if (at < next || at + width > total)
            continue;
        next = at + width;
        items[windows.count] = *split;
        items[windows.count].start += at;
        items[windows.count++].length = width;
    }
    if (windows.count == 0) { /* it has no such place */
        items[0] = *split;
        items[windows.count++].length = width;
    }
    for (uint32_t i = 0; i < windows.count; i++)
        items[i].reach = i + 1 < windows.count ? items[i + 1].start : split->start + split->length;
    windows.taken = windows.count * width;
    return windows;
}
