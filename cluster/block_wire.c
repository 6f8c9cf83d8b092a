/* block_wire.c -- see block_wire.h */
#include "cluster/block_wire.h"

#include "core/base/invariant.h"

void fetch_wanted_put(WireWriter *to, const FetchWanted *wanted)
{
    wire_put_u64(to, (uint64_t)wanted->owner.application);
    wire_put_u64(to, (uint64_t)wanted->owner.executor);
    wire_put_u64(to, wanted->output);
    wire_put_u32(to, wanted->reduce);
    wire_put_u32(to, wanted->map_count);
    for (uint32_t i = 0; i < wanted->map_count; i++) {
        wire_put_u32(to, wanted->maps[i].map);
        wire_put_u32(to, wanted->maps[i].first);
        wire_put_u64(to, wanted->maps[i].hash);
    }
}

Status fetch_wanted_take(WireBytes bytes, Arena *arena, Error *err, FetchWanted *wanted_out)
{
    WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "wanted blocks", err);
    FetchMap *maps;

    wanted_out->owner.application = (int64_t)wire_get_u64(&from);
    wanted_out->owner.executor = (int64_t)wire_get_u64(&from);
    wanted_out->output = wire_get_u64(&from);
    wanted_out->reduce = wire_get_u32(&from);
    wanted_out->map_count = wire_get_count(&from, 16, "map tasks");
    wanted_out->maps = maps = ARENA_ARRAY(arena, FetchMap, wanted_out->map_count);
    for (uint32_t i = 0; i < wanted_out->map_count; i++) {
        maps[i].map = wire_get_u32(&from);
        maps[i].first = wire_get_u32(&from);
        maps[i].hash = wire_get_u64(&from);
    }
    return wire_end(&from);
}

static bool has_block(FetchEntryKind kind)
{
    return kind == FETCH_BLOCK || kind == FETCH_BEHIND || kind == FETCH_LARGE;
}

static void put_entry(WireWriter *to, const FetchEntry *entry)
{
    wire_put_u8(to, (uint8_t)entry->kind);
    if (entry->kind == FETCH_LOST || entry->kind == FETCH_GONE)
        wire_put_text(to, entry->reason);
    if (!has_block(entry->kind))
        return;
    wire_put_u32(to, entry->number);
    wire_put_u64(to, entry->form.hash);
    wire_put_u64(to, entry->form.bytes);
    wire_put_u64(to, entry->form.stored_bytes);
    wire_put_u64(to, entry->form.checksum);
    wire_put_u8(to, (uint8_t)entry->form.codec);
    if (entry->kind == FETCH_BLOCK)
        wire_put_bytes(to, entry->data, entry->form.stored_bytes);
}

FetchEntry fetch_entry_take(WireReader *from, Arena *arena)
{
    FetchEntry entry = {.kind = wire_get_u8(from)};

    if (entry.kind > FETCH_GONE)
        wire_fail(from, "entry %u is none", (unsigned)entry.kind);
    if (entry.kind == FETCH_LOST || entry.kind == FETCH_GONE)
        entry.reason = wire_get_name(from, arena);
    if (!has_block(entry.kind))
        return entry;
    entry.number = wire_get_u32(from);
    entry.form.hash = wire_get_u64(from);
    entry.form.bytes = wire_get_u64(from);
    entry.form.stored_bytes = wire_get_u64(from);
    entry.form.checksum = wire_get_u64(from);
    entry.form.codec = (Codec)wire_get_u8(from);
    if (!block_form_is_sound(&entry.form))
        wire_fail(from, "a block of a form that there is not");
    if (entry.kind == FETCH_BLOCK)
        entry.data = wire_get_bytes(from, entry.form.stored_bytes);
    return entry;
}

/* --- an answer --- */

FetchEntryKind fetch_kind(uint64_t bytes)
{
    return bytes > FETCH_ANSWER_BYTES    ? FETCH_LARGE
           : bytes >= FETCH_BEHIND_LEAST ? FETCH_BEHIND
                                         : FETCH_BLOCK;
}

bool fetch_answer_is_full(const FetchAnswer *to, uint64_t bytes)
{
    return to->said.length > 0 && to->said.length + to->behind_bytes + bytes > FETCH_ANSWER_BYTES;
}

/* Not full: so there are at most so many, and one more. */
_Static_assert(FETCH_ANSWER_BYTES / FETCH_BEHIND_LEAST < BLOCKS_BEHIND_MAX, "all have room");

void fetch_answer_put(FetchAnswer *to, const FetchEntry *entry)
{
    put_entry(&to->said, entry);
    if (entry->kind != FETCH_BEHIND)
        return;
    CHECK(to->behind_count < BLOCKS_BEHIND_MAX);
    to->behind[to->behind_count++] = (WireBytes){entry->data, entry->form.stored_bytes};
    to->behind_bytes += entry->form.stored_bytes;
}

BlocksAnswer fetch_answer_end(const FetchAnswer *to)
{
    return (BlocksAnswer){
        .said = {to->said.bytes, to->said.length},
        .behind_count = to->behind_count,
        .behind = arena_copy(to->said.arena, to->behind, to->behind_count * sizeof *to->behind)};
}
