/* sorter_open.c -- entries whose words do not decide: a stable merge sort that looks at the rows; see sorter.h */
#include <string.h>

#include "exec/sorter.h"
#include "exec/sorter_radix.h"
#include "exec/stop_check.h"

enum { POLL_ROWS = 16 * 1024 };

static int compare(const SortSpec *spec, uint64_t a, uint64_t b)
{
    return sort_key_compare(&spec->key, &spec->rows, sorter_entry_row(a), sorter_entry_row(b));
}

/* from[start, middle) and from[middle, end), both sorted, into to[start, end). */
static void merge(const SortSpec *spec, const uint64_t *from, uint64_t start, uint64_t middle,
                  uint64_t end, uint64_t *to)
{
    uint64_t left = start, right = middle;

    for (uint64_t i = start; i < end; i++) {
        bool takes_left =
            right == end || (left < middle && compare(spec, from[left], from[right]) <= 0);

        to[i] = takes_left ? from[left++] : from[right++];
    }
}

Status sorter_sort_open(const SortSpec *spec, uint64_t *entries, uint32_t stride, uint64_t count,
                        uint64_t *scratch, Error *err)
{
    uint64_t *from = scratch, *to = scratch + count, *swap, merged = 0;

    for (uint64_t i = 0; i < count; i++)
        from[i] = entries[i * stride + stride - 1];
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t start = 0; start < count; start += 2 * width) {
            uint64_t middle = start + width < count ? start + width : count;
            uint64_t end = middle + width < count ? middle + width : count;

            merge(spec, from, start, middle, end, to);
            merged += end - start;
            if (merged > POLL_ROWS) {
                TRY(stop_check(spec->stop, err));
                merged = 0;
            }
        }
        swap = from;
        from = to;
        to = swap;
    }
    for (uint64_t i = 0; i < count; i++)
        entries[i * stride + stride - 1] = from[i];
    return ST_OK;
}

Status sorter_sort_entries(const SortSpec *spec, uint32_t words, uint64_t *entries, uint64_t *temp,
                           uint64_t count, Error *err)
{
    uint32_t stride = words + 1;

    sorter_radix(words, entries, temp, count);
    if (spec->key.compared_from == spec->key.part_count)
        return ST_OK;
    for (uint64_t start = 0, end; start < count; start = end) {
        const uint64_t *first = entries + start * stride;

        for (end = start + 1; end < count; end++)
            if (sort_key_compare_words(words, first, entries + end * stride) != 0)
                break;
        if (end - start > 1 && (first[words] & SORT_ENTRY_OPEN) != 0)
            TRY(sorter_sort_open(spec, entries + start * stride, stride, end - start, temp, err));
    }
    return ST_OK;
}
