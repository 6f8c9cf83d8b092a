/*
 * group_rows.c -- see group_rows.h
 *
 * A counting sort. Rows of one group follow each other closely, and a counter that is added to row
 * after row has to come back from memory each time: so the rows are cut into four parts that are
 * counted and placed side by side, each with its own counters.
 */
#include "codegen/group_rows.h"

enum { PARTS = 4, SLOTS = 64 };

typedef struct Sort {
    Rows rows;
    uint32_t part_rows;                 /* of all parts but the last, which may have fewer */
    uint8_t numbers[BATCH_ROWS_MAX];    /* the group of each row */
    uint32_t counts[PARTS][GROUPS_MAX]; /* rows; then the place of the next one */
} Sort;

static uint32_t slot_of(const void *state)
{
    uintptr_t address = (uintptr_t)state;

    return (uint32_t)((address >> 4 ^ address >> 10 ^ address >> 16) % SLOTS);
}

/* Numbers each row's group; false when there are too many, or two fall into one slot. */
static bool number_groups(Sort *sort, void *const *states, Groups *groups)
{
    void *slot_state[SLOTS] = {NULL};
    uint8_t slot_number[SLOTS];

    for (uint32_t k = 0; k < sort->rows.count; k++) {
        void *state = states[rows_at(sort->rows, k)];
        uint32_t slot = slot_of(state);

        if (slot_state[slot] != state) {
            if (slot_state[slot] != NULL || groups->count == GROUPS_MAX)
                return false;
            slot_state[slot] = state;
            slot_number[slot] = (uint8_t)groups->count;
            groups->states[groups->count++] = state;
        }
        sort->numbers[k] = slot_number[slot];
    }
    return true;
}

static void count_rows(Sort *sort)
{
    uint32_t part_rows = sort->part_rows;

    for (uint32_t k = 0; k < part_rows; k++)
        for (uint32_t part = 0; part < PARTS; part++)
            sort->counts[part][sort->numbers[part * part_rows + k]]++;
    for (uint32_t k = PARTS * part_rows; k < sort->rows.count; k++)
        sort->counts[PARTS - 1][sort->numbers[k]]++;
}

/* From counts to places: a group's rows of the first part come first. */
static void place_groups(Sort *sort, Groups *groups)
{
    uint32_t place = 0;

    for (uint32_t group = 0; group < groups->count; group++) {
        groups->starts[group] = place;
        for (uint32_t part = 0; part < PARTS; part++) {
            uint32_t count = sort->counts[part][group];

            sort->counts[part][group] = place;
            place += count;
        }
    }
    groups->starts[groups->count] = place;
}

static void place_rows(Sort *sort, uint32_t *room)
{
    uint32_t part_rows = sort->part_rows;

    for (uint32_t k = 0; k < part_rows; k++)
        for (uint32_t part = 0; part < PARTS; part++) {
            uint32_t at = part * part_rows + k;

            room[sort->counts[part][sort->numbers[at]]++] = rows_at(sort->rows, at);
        }
    for (uint32_t k = PARTS * part_rows; k < sort->rows.count; k++)
        room[sort->counts[PARTS - 1][sort->numbers[k]]++] = rows_at(sort->rows, k);
}

void group_rows(Rows rows, void *const *states, uint32_t *room, Groups *groups_out)
{
    Sort sort;

    sort.rows = rows;
    sort.part_rows = rows.count / PARTS;
    memset(sort.counts, 0, sizeof sort.counts);
    *groups_out = (Groups){.rows = room};
    if (!number_groups(&sort, states, groups_out)) {
        groups_out->count = 0;
        return;
    }
    count_rows(&sort);
    place_groups(&sort, groups_out);
    place_rows(&sort, room);
}
