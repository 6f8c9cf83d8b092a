/* combine_texts.c -- see combine_texts.h */
#include "exec/combine_texts.h"

#include <string.h>

/*
 * In front of an accumulator's text stands how many bytes there is room for: a text that changes is
 * written over the one before, or, when it is longer, gets room for twice as much. So all that a
 * text has ever been takes memory in proportion to the longest.
 */
static size_t text_room(const char *owned)
{
    size_t room = 0;

    if (owned != NULL)
        memcpy(&room, owned - sizeof room, sizeof room);
    return room;
}

/* Whether the record has another text in there, as when a function exchanges two. */
static bool is_shared(const CombineTable *table, const char *record, uint32_t offset,
                      const char *owned)
{
    for (uint32_t i = table->key_text_count; i < table->text_count; i++) {
        VonkText text;

        memcpy(&text, record + table->text_offsets[i], sizeof text);
        if (table->text_offsets[i] != offset && (uintptr_t)text.data >= (uintptr_t)owned &&
            (uintptr_t)text.data < (uintptr_t)owned + text_room(owned))
            return true;
    }
    return false;
}

/* before: what the table owned as the text until now; NULL: nothing. */
static Status own_text(CombineTable *table, char *record, uint32_t offset, const char *before,
                       Error *err)
{
    size_t room = text_room(before);
    char *to = (char *)(uintptr_t)before;
    VonkText text;

    memcpy(&text, record + offset, sizeof text);
    if (text.bytes == 0) {
        text.data = NULL;
    } else {
        if (text.bytes > room || is_shared(table, record, offset, before)) {
            room = text.bytes > 2 * room ? text.bytes : 2 * room;
            TRY(text_store_room(&table->texts, sizeof room + room, err, &to));
            memcpy(to, &room, sizeof room);
            to += sizeof room;
        }
        memmove(to, text.data, text.bytes);
        text.data = to;
    }
    memcpy(record + offset, &text, sizeof text);
    return ST_OK;
}

static const char *text_data(const char *record, uint32_t offset)
{
    VonkText text;

    memcpy(&text, record + offset, sizeof text);
    return text.data;
}

void combine_note_texts(const CombineTable *table, const char *record)
{
    for (uint32_t i = table->key_text_count; i < table->text_count; i++)
        table->text_seen[i] = text_data(record, table->text_offsets[i]);
}

Status combine_own_changed_texts(CombineTable *table, char *record, Error *err)
{
    for (uint32_t i = table->key_text_count; i < table->text_count; i++)
        if (text_data(record, table->text_offsets[i]) != table->text_seen[i])
            TRY(own_text(table, record, table->text_offsets[i], table->text_seen[i], err));
    return ST_OK;
}

void combine_show_key_texts(const CombineTable *table, char *record)
{
    const char *keys = record + table->directory.hash_offset + sizeof(uint64_t);

    for (uint32_t i = 0; i < table->key_text_count; i++) {
        const Str *key = (const Str *)(const void *)keys + i;
        VonkText text = {str_bytes(key), key->length};

        memcpy(record + table->text_offsets[i], &text, sizeof text);
    }
}

Status combine_own_key_text(CombineTable *table, Str text, Error *err, Str *key_out)
{
    *key_out = text;
    if (text.length <= STR_INLINE_BYTES)
        return ST_OK;
    return text_store_copy(&table->texts, text.data, text.length, err, &key_out->data);
}

Status combine_own_texts(CombineTable *table, char *record, Error *err)
{
    Str *keys = (Str *)(void *)(record + table->directory.hash_offset + sizeof(uint64_t));

    for (uint32_t i = 0; i < table->key_text_count; i++) {
        VonkText text;

        memcpy(&text, record + table->text_offsets[i], sizeof text);
        TRY(combine_own_key_text(table, str_make(text.data, (uint32_t)text.bytes), err, &keys[i]));
    }
    combine_show_key_texts(table, record);
    for (uint32_t i = table->key_text_count; i < table->text_count; i++)
        TRY(own_text(table, record, table->text_offsets[i], NULL, err));
    return ST_OK;
}
