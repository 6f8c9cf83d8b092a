/* combine_table.c -- see combine_table.h */
#include "exec/combine_table.h"

#include <string.h>

#include "codegen/key_hash.h"
#include "codegen/user_chain.h"
#include "core/base/invariant.h"
#include "core/data/batch.h"
#include "exec/combine_texts.h"

enum { PREFETCH_ROWS = 64, AHEAD_ROWS = 24 };

typedef void (*CreateFunction)(VonkTask *, const void *, void *);
typedef void (*AddFunction)(VonkTask *, void *, const void *);

static void find_texts(CombineTable *table, Arena *arena)
{
    const RecordLayout *acc = table->spec->acc;

    table->text_offsets = ARENA_ARRAY(arena, uint32_t, acc->field_count);
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < acc->field_count; i++) {
            bool is_key = acc->fields[i].is_key && table->spec->has_keys;

            if (type_phys(acc->fields[i].type) != PHYS_STR || is_key != (pass == 0))
                continue;
            table->text_offsets[table->text_count++] = acc->fields[i].offset;
            table->key_text_count += pass == 0;
        }
    table->text_seen = ARENA_ARRAY(arena, const char *, table->text_count);
}

static uint32_t aligned(uint32_t bytes, uint32_t to)
{
    return (bytes + to - 1) & ~(to - 1);
}

void combine_table_init(CombineTable *table, Arena *arena, const CombineSpec *spec, MemPool *pool,
                        UserTask *user, const char *consumer)
{
    uint32_t hash_offset = aligned(spec->acc->bytes, sizeof(uint64_t)), row_bytes;

    *table = (CombineTable){.spec = spec, .consumer = consumer, .pool = pool, .user = user};
    if (spec->has_keys)
        table->keys = record_keys_make(arena, spec->in, spec->acc);
    find_texts(table, arena);
    table->row_hashes = arena_alloc_raw(arena, BATCH_ROWS_MAX * sizeof(uint64_t));
    hash_directory_init(&table->directory, hash_offset, pool, consumer);
    row_bytes = hash_offset + sizeof(uint64_t) + table->key_text_count * sizeof(Str);
    row_store_init(&table->records, aligned(row_bytes, 16), pool, consumer);
    text_store_init(&table->texts, pool, consumer);
    table->has_words =
        table->keys.is_word && table->text_count == 0 && spec->acc->bytes <= WORD_RECORD_BYTES_MAX;
    table->has_slots = chain_has_slots(spec);
    if (table->has_words)
        word_table_init(&table->words, spec->acc->bytes, table->keys.items[0].b_offset, spec->zero,
                        pool, consumer);
    if (table->has_slots)
        text_table_init(&table->slots, spec->acc->bytes, table->keys.items[0].b_offset,
                        &table->texts, pool, consumer);
}

void combine_table_fini(CombineTable *table)
{
    if (table->pool == NULL)
        return;
    combine_table_empty(table);
    table->pool = NULL;
}

void combine_table_want_numbers(CombineTable *table)
{
    CHECK(combine_table_count(table) == 0 && table->number_offset == 0);
    table->has_words = table->has_slots = false;
    table->number_offset = table->records.row_bytes;
    row_store_fini(&table->records);
    row_store_init(&table->records, table->number_offset + 16, table->pool, table->consumer);
}

void combine_table_clear(CombineTable *table)
{
    row_store_fini(&table->records);
    text_store_fini(&table->texts);
    hash_directory_clear(&table->directory);
    word_table_clear(&table->words);
    text_table_clear(&table->slots);
}

void combine_table_empty(CombineTable *table)
{
    row_store_fini(&table->records);
    text_store_fini(&table->texts);
    hash_directory_fini(&table->directory);
    word_table_fini(&table->words);
    text_table_fini(&table->slots);
}

size_t combine_table_bytes(const CombineTable *table)
{
    return table->records.used_bytes + table->texts.used_bytes +
           hash_directory_bytes(&table->directory) + word_table_bytes(&table->words) +
           text_table_bytes(&table->slots);
}

uint64_t combine_table_extent(const CombineTable *table, uint64_t *low_out)
{
    *low_out = 0;
    return table->has_words ? word_table_extent(&table->words, low_out) : 0;
}

Status combine_table_set_range(CombineTable *table, uint64_t low, uint64_t span, Error *err)
{
    CHECK(table->has_words);
    return word_table_set_range(&table->words, low, span, err);
}

void combine_table_drop_range(CombineTable *table)
{
    word_table_drop_range(&table->words);
}

uint32_t combine_table_read(const CombineTable *table, CombinePlace *place, uint32_t count,
                            char *records)
{
    const RowStore *store = &table->records;
    size_t bytes = table->spec->acc->bytes;
    uint32_t done = 0;

    if (table->has_words)
        return word_table_read(&table->words, &place->number, count, table->spec->acc->bytes,
                               records);
    if (table->has_slots)
        return text_table_read(&table->slots, &place->number, count, records);
    while (done < count && place->chunk < store->chunk_count) {
        const RowChunk *chunk = &store->chunks[place->chunk];

        for (; done < count && place->row < chunk->row_count; place->row++, done++)
            memcpy(records + done * bytes, chunk->rows + (size_t)place->row * store->row_bytes,
                   bytes);
        if (place->row == chunk->row_count)
            *place = (CombinePlace){.chunk = place->chunk + 1, .number = place->number};
    }
    return done;
}

/* As record_keys_hash has it. */
static uint64_t hash_of_word(uint64_t word)
{
    return key_hash_combine(0, key_hash_word(word));
}

static uint64_t hash_of_text(Str text)
{
    return key_hash_combine(0, key_hash_text(text));
}

static bool next_slot(const TextTable *slots, CombinePlace *place, SpilledRecord *record_out)
{
    const char *slot;

    if (place->number == slots->key_count)
        return false;
    slot = text_table_slot(slots, place->number);
    text_table_show(slots, slot, place->shown);
    *record_out = (SpilledRecord){.kind = COMBINE_ACC,
                                  .hash = hash_of_text(*text_table_key(slots, slot)),
                                  .first = place->number++,
                                  .record = place->shown};
    return true;
}

static bool next_word(const CombineTable *table, CombinePlace *place, SpilledRecord *record_out)
{
    const char *record = word_table_next(&table->words, &place->number);

    if (record == NULL)
        return false;
    *record_out = (SpilledRecord){.kind = COMBINE_ACC,
                                  .hash = hash_of_word(word_table_key(&table->words, record)),
                                  .first = place->number - 1,
                                  .record = (char *)(uintptr_t)record};
    return true;
}

bool combine_table_next(const CombineTable *table, CombinePlace *place, SpilledRecord *record_out)
{
    const RowStore *store = &table->records;
    const RowChunk *chunk = &store->chunks[place->chunk];
    char *row;

    if (table->has_words)
        return next_word(table, place, record_out);
    if (table->has_slots)
        return next_slot(&table->slots, place, record_out);
    if (place->chunk == store->chunk_count || place->row == chunk->row_count)
        return false;
    row = chunk->rows + (size_t)place->row * store->row_bytes;
    *record_out = (SpilledRecord){.kind = COMBINE_ACC,
                                  .hash = hash_of_row(&table->directory, row),
                                  .first = place->number++,
                                  .record = row};
    if (table->number_offset != 0)
        memcpy(&record_out->first, row + table->number_offset, sizeof record_out->first);
    if (++place->row == chunk->row_count)
        *place = (CombinePlace){.chunk = place->chunk + 1, .number = place->number};
    return true;
}

/* --- records --- */

static Status call_add(CombineTable *table, char *acc, const char *record, Error *err)
{
    AddFunction add = (AddFunction)table->spec->add.call;

    combine_note_texts(table, acc);
    add(&table->user->task, acc, record);
    if (table->keys.is_word)
        record_keys_copy(&table->keys, record, acc);
    combine_show_key_texts(table, acc);
    if (table->text_count == table->key_text_count)
        return ST_OK;
    TRY(combine_own_changed_texts(table, acc, err));
    user_task_reset_if_large(table->user); /* nothing points there any more */
    return ST_OK;
}

/* The accumulator's first value: of the record, or, spilled, as it was. */
static void begin_acc(CombineTable *table, const char *record, bool is_acc, char *acc)
{
    const CombineSpec *spec = table->spec;

    if (is_acc) {
        memcpy(acc, record, spec->acc->bytes);
    } else if (spec->zero != NULL) {
        memcpy(acc, spec->zero, spec->acc->bytes);
        record_keys_copy(&table->keys, record, acc);
    } else if (spec->create.call != NULL) {
        memset(acc, 0, spec->acc->bytes);
        table->user->task.closure = spec->create.closure;
        table->user->function = &spec->create;
        ((CreateFunction)spec->create.call)(&table->user->task, record, acc);
        record_keys_copy(&table->keys, record, acc);
        table->user->function = &spec->add;
        table->user->task.closure = spec->add.closure;
    } else {
        memcpy(acc, record, spec->acc->bytes);
    }
}

Status combine_table_begin_each(CombineTable *table, const char *records, uint32_t count,
                                char *accs, Error *err)
{
    const CombineSpec *spec = table->spec;
    AddFunction add = (AddFunction)spec->add.call;

    user_task_begin(table->user, &spec->add);
    for (uint32_t i = 0; i < count && !table->user->task.is_failed; i++) {
        const char *record = records + (size_t)i * spec->in->bytes;
        char *acc = accs + (size_t)i * spec->acc->bytes;

        table->user->record = ++table->record_number;
        begin_acc(table, record, false, acc);
        if (spec->zero != NULL)
            add(&table->user->task, acc, record);
    }
    return user_task_end(table->user, err);
}

/* A new accumulator, in the free slot `at`; none when memory is refused. */
static Status start_key(CombineTable *table, uint64_t hash, uint64_t at, const char *record,
                        bool is_acc, Error *err, char **acc_out)
{
    void *memory;

    *acc_out = NULL;
    TRY(row_store_add_one(&table->records, err, &memory));
    begin_acc(table, record, is_acc, memory);
    if (combine_own_texts(table, memory, err) != ST_OK) {
        row_store_drop_last(&table->records);
        return ST_OUT_OF_MEMORY;
    }
    hash_directory_put(&table->directory, hash, at, memory);
    *acc_out = memory;
    return ST_OK;
}

/* There is room for the key. */
static Status add_word(CombineTable *table, const char *record, Error *err)
{
    uint64_t word;
    bool is_new;
    char *acc;

    memcpy(&word, record + table->keys.items[0].a_offset, sizeof word);
    acc = word_table_find(&table->words, word, word_table_start(&table->words, word), &is_new);
    if (is_new) {
        begin_acc(table, record, false, acc);
        record_keys_copy(&table->keys, record, acc);
    }
    return is_new && table->spec->zero == NULL ? ST_OK : call_add(table, acc, record, err);
}

static Str key_text(const CombineTable *table, const char *record)
{
    VonkText text;

    memcpy(&text, record + table->keys.items[0].a_offset, sizeof text);
    return str_make(text.data, (uint32_t)text.bytes);
}

/* There is room for the key. */
static Status add_to_slot(CombineTable *table, uint64_t hash, const char *record, Error *err)
{
    _Alignas(16) char acc[CHAIN_SLOT_BYTES];
    bool is_new;
    char *slot;

    TRY(text_table_find(&table->slots, key_text(table, record), hash, err, &slot, &is_new));
    if (is_new) {
        begin_acc(table, record, false, acc);
        text_table_set(&table->slots, acc, slot);
        if (table->spec->zero == NULL)
            return ST_OK;
    }
    text_table_show(&table->slots, slot, acc);
    ((AddFunction)table->spec->add.call)(&table->user->task, acc, record);
    text_table_set(&table->slots, acc, slot);
    return ST_OK;
}

/* *is_added_out: the record is in an accumulator, also when that has no memory for its texts. */
static Status add_one(CombineTable *table, uint64_t hash, const char *record, Error *err,
                      bool *is_added_out)
{
    uint64_t at;
    char *acc;

    *is_added_out = true;
    if (table->has_words)
        return add_word(table, record, err);
    if (table->has_slots) {
        Status status = add_to_slot(table, hash, record, err);

        *is_added_out = status == ST_OK;
        return status;
    }
    at = hash_directory_start(&table->directory, hash);
    while ((acc = hash_directory_next(&table->directory, hash, &at)) != NULL)
        if (record_keys_equal(&table->keys, record, acc))
            return call_add(table, acc, record, err);
    *is_added_out = false;
    TRY(start_key(table, hash, at, record, false, err, &acc));
    *is_added_out = true;
    return table->spec->zero == NULL ? ST_OK : call_add(table, acc, record, err);
}

static void hash_records(const CombineTable *table, const char *records, uint32_t count)
{
    if (table->has_slots)
        for (uint32_t i = 0; i < count; i++, records += table->spec->in->bytes)
            table->row_hashes[i] = text_table_hash(key_text(table, records));
    else
        record_keys_hash(&table->keys, records, count, table->row_hashes);
}

/* What adding the next records will touch. */
PREFETCHER void prefetch_run(const CombineTable *table, const uint64_t *hashes, uint32_t count)
{
    count = count < PREFETCH_ROWS ? count : PREFETCH_ROWS;
    if (table->has_slots)
        for (uint32_t i = 0; i < count; i++)
            text_table_prefetch(&table->slots, hashes[i]);
    else if (!table->has_words)
        hash_directory_prefetch(&table->directory, table->records.row_bytes, hashes, count);
}

static Status add_run(CombineTable *table, const char *records, uint32_t count, Error *err,
                      uint32_t *done_out)
{
    size_t bytes = table->spec->in->bytes;

    for (uint32_t i = 0; i < count && !table->user->task.is_failed; i++) {
        bool is_added;
        Status status;

        if (i % PREFETCH_ROWS == 0)
            prefetch_run(table, table->row_hashes + i, count - i);
        table->user->record = ++table->record_number;
        status = add_one(table, table->row_hashes[i], records + i * bytes, err, &is_added);
        *done_out += is_added;
        table->record_number -= !is_added;
        if (status != ST_OK)
            return status;
    }
    return ST_OK;
}

/* Room for so many more keys, but not for their records, where those stand for themselves. */
static Status reserve(CombineTable *table, uint32_t count, Error *err)
{
    if (table->has_words)
        return word_table_reserve(&table->words, count, err);
    if (table->has_slots)
        return text_table_reserve(&table->slots, count, err);
    return hash_directory_reserve(&table->directory, &table->records, count, err);
}

Status combine_table_add(CombineTable *table, const char *records, uint32_t count, Error *err,
                         uint32_t *done_out)
{
    Status status, failed;

    ASSERT(count <= BATCH_ROWS_MAX);
    *done_out = 0;
    TRY(reserve(table, count, err));
    hash_records(table, records, count);
    user_task_begin(table->user, &table->spec->add);
    status = add_run(table, records, count, err, done_out);
    failed = user_task_end(table->user, err);
    return failed != ST_OK ? failed : status;
}

/* --- finding --- */

typedef struct KeySource {
    const void *values;
    const uint32_t *rows;
    const char *records;
} KeySource;

static inline uint64_t word_at(const KeySource *source, uint32_t i)
{
    return ((const uint64_t *)source->values)[source->rows == NULL ? i : source->rows[i]];
}

static inline Str text_at(const KeySource *source, uint32_t i)
{
    return ((const Str *)source->values)[source->rows == NULL ? i : source->rows[i]];
}

static inline Str *row_texts(const CombineTable *table, char *row)
{
    return (Str *)(void *)(row + table->directory.hash_offset + sizeof(uint64_t));
}

typedef enum KeyKind { KEY_WORD, KEY_TEXT, KEY_RECORD } KeyKind;

/* As record_keys_hash has it. */
static inline void hash_keys(const CombineTable *table, KeyKind kind, const KeySource *source,
                             uint32_t count, uint64_t *hashes)
{
    if (kind == KEY_RECORD)
        record_keys_hash(&table->keys, source->records, count, hashes);
    else if (kind == KEY_WORD)
        for (uint32_t i = 0; i < count; i++)
            hashes[i] = hash_of_word(word_at(source, i));
    else
        for (uint32_t i = 0; i < count; i++)
            hashes[i] = hash_of_text(text_at(source, i));
}

static inline bool has_key(const CombineTable *table, KeyKind kind, const KeySource *source,
                           uint32_t i, char *row)
{
    uint64_t word;

    if (kind == KEY_TEXT)
        return str_equal(text_at(source, i), *row_texts(table, row));
    if (kind == KEY_RECORD)
        return record_keys_equal(&table->keys, source->records + (size_t)i * table->spec->in->bytes,
                                 row);
    memcpy(&word, row + table->keys.items[0].b_offset, sizeof word);
    return word == word_at(source, i);
}

static Status put_key(CombineTable *table, KeyKind kind, const KeySource *source, uint32_t i,
                      char *row, Error *err)
{
    const CombineSpec *spec = table->spec;
    uint64_t word;

    if (spec->zero != NULL)
        memcpy(row, spec->zero, spec->acc->bytes);
    else
        memset(row, 0, spec->acc->bytes);
    if (kind == KEY_TEXT) {
        TRY(combine_own_key_text(table, text_at(source, i), err, row_texts(table, row)));
        combine_show_key_texts(table, row);
    } else if (kind == KEY_WORD) {
        word = word_at(source, i);
        memcpy(row + table->keys.items[0].b_offset, &word, sizeof word);
    } else {
        record_keys_copy(&table->keys, source->records + (size_t)i * spec->in->bytes, row);
        TRY(combine_own_texts(table, row, err));
    }
    return ST_OK;
}

static Status new_key(CombineTable *table, KeyKind kind, const KeySource *source, uint32_t i,
                      uint64_t hash, uint64_t at, Error *err, void **acc_out)
{
    void *row;

    TRY(row_store_add_one(&table->records, err, &row));
    if (put_key(table, kind, source, i, row, err) != ST_OK) {
        row_store_drop_last(&table->records);
        return ST_OUT_OF_MEMORY;
    }
    hash_directory_put(&table->directory, hash, at, row);
    *acc_out = (char *)row + CHAIN_ACC_IS_NEW;
    return ST_OK;
}

static inline __attribute__((always_inline)) Status find_keys(CombineTable *table, KeyKind kind,
                                                              const KeySource *source,
                                                              uint32_t count, Error *err,
                                                              void **accs_out, uint32_t *found_out)
{
    uint64_t *hashes = table->row_hashes;

    hash_keys(table, kind, source, count, hashes);
    for (uint32_t i = 0; i < 2 * AHEAD_ROWS && i < count; i++)
        hash_directory_prefetch_slot(&table->directory, hashes[i]);
    for (uint32_t i = 0; i < AHEAD_ROWS && i < count; i++)
        hash_directory_prefetch_row(&table->directory, table->records.row_bytes, hashes[i]);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = hash_directory_start(&table->directory, hashes[i]);
        char *row;

        if (i + 2 * AHEAD_ROWS < count)
            hash_directory_prefetch_slot(&table->directory, hashes[i + 2 * AHEAD_ROWS]);
        if (i + AHEAD_ROWS < count)
            hash_directory_prefetch_row(&table->directory, table->records.row_bytes,
                                        hashes[i + AHEAD_ROWS]);
        do {
            row = hash_directory_next(&table->directory, hashes[i], &at);
        } while (row != NULL && !has_key(table, kind, source, i, row));
        accs_out[i] = row;
        if (row == NULL)
            TRY(new_key(table, kind, source, i, hashes[i], at, err, &accs_out[i]));
        *found_out = i + 1;
    }
    return ST_OK;
}

/* An accumulator that has its key, and room for as much as the table's slots have. */
static inline void begin_word(const CombineTable *table, uint64_t word, char *acc)
{
    memcpy(acc, table->words.first, WORD_RECORD_BYTES_MAX / 2);
    if (table->spec->acc->bytes > WORD_RECORD_BYTES_MAX / 2)
        memcpy(acc + WORD_RECORD_BYTES_MAX / 2, table->words.first + WORD_RECORD_BYTES_MAX / 2,
               WORD_RECORD_BYTES_MAX / 2);
    memcpy(acc + table->words.key_offset, &word, sizeof word);
}

/* Of a table with a range. What a new accumulator begins with is there already, and whether it is
 * new is found out without a branch: only a bit is looked at. The record will be near when
 * something is added to it. late: the rows whose keys are not in the range. Returns how many. */
static uint32_t find_in_range(WordTable *words, const KeySource *source, uint32_t count,
                              void **accs_out, uint32_t *late)
{
    uint64_t *present = words->present, low = words->low, span = words->span, new_count = 0;
    uint32_t late_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = word_at(source, i) - low, is_inside = at < span, bits, bit, is_new;

        at = is_inside ? at : 0;
        word_table_prefetch_place(words, at);
        bits = present[at / 64];
        bit = is_inside << at % 64;
        is_new = (~bits & bit) != 0;
        present[at / 64] = bits | bit;
        new_count += is_new;
        accs_out[i] = words->records + (at << words->slot_shift) + (is_new ? CHAIN_ACC_IS_NEW : 0);
        late[late_count] = i;
        late_count += !is_inside;
    }
    words->present_count += new_count;
    return late_count;
}

/*
 * The accumulators of keys that stand where their look-up begins, as most known keys do, are found
 * without a branch that waits for memory, so that many look-ups are under way at once. late: the
 * rows of the others. Returns how many.
 */
static uint32_t find_known_words(const WordTable *words, const KeySource *source, uint32_t count,
                                 uint64_t *starts, void **accs_out, uint32_t *late)
{
    uint32_t late_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        starts[i] = word_table_start(words, word_at(source, i));
        word_table_prefetch(words, starts[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = word_at(source, i);
        char *slot = word_table_slot(words, starts[i]);

        accs_out[i] = slot;
        late[late_count] = i;
        late_count += (word_table_key(words, slot) != word) | (word == WORD_FREE);
    }
    return late_count;
}

/* There is room for them all. New keys are among the late ones, and put in in their order. */
static Status find_words(CombineTable *table, const KeySource *source, uint32_t count,
                         void **accs_out, uint32_t *found_out)
{
    WordTable *words = &table->words;
    uint32_t late[BATCH_ROWS_MAX], late_count;

    late_count = words->span > 0
                     ? find_in_range(words, source, count, accs_out, late)
                     : find_known_words(words, source, count, table->row_hashes, accs_out, late);
    for (uint32_t k = 0; k < late_count; k++) {
        uint32_t i = late[k];
        uint64_t word = word_at(source, i);
        bool is_new;
        char *acc = word_table_find(words, word, word_table_start(words, word), &is_new);

        if (is_new)
            begin_word(table, word, acc);
        accs_out[i] = acc + (is_new ? CHAIN_ACC_IS_NEW : 0);
    }
    *found_out = count;
    return ST_OK;
}

Status combine_table_find(CombineTable *table, const void *values, const uint32_t *rows,
                          const char *records, uint32_t count, Error *err, void **accs_out,
                          uint32_t *found_out)
{
    KeySource source = {values, rows, records};

    ASSERT(count <= BATCH_ROWS_MAX && table->text_count == table->key_text_count);
    *found_out = 0;
    TRY(reserve(table, count, err));
    if (table->has_words)
        return find_words(table, &source, count, accs_out, found_out);
    if (table->has_slots)
        return text_table_find_rows(&table->slots, values, rows, count, table->row_hashes,
                                    table->spec->zero, err, accs_out, found_out);
    if (table->keys.is_word)
        return find_keys(table, KEY_WORD, &source, count, err, accs_out, found_out);
    if (table->keys.is_text)
        return find_keys(table, KEY_TEXT, &source, count, err, accs_out, found_out);
    return find_keys(table, KEY_RECORD, &source, count, err, accs_out, found_out);
}

Status combine_table_find_only(CombineTable *table, Error *err, void **acc_out, bool *is_new_out)
{
    const CombineSpec *spec = table->spec;

    *is_new_out = table->records.row_count == 0;
    if (*is_new_out) {
        TRY(hash_directory_reserve(&table->directory, &table->records, 1, err));
        TRY(row_store_add_one(&table->records, err, acc_out));
        if (spec->zero != NULL)
            memcpy(*acc_out, spec->zero, spec->acc->bytes);
        else
            memset(*acc_out, 0, spec->acc->bytes);
        hash_directory_put(&table->directory, 0, hash_directory_start(&table->directory, 0),
                           *acc_out);
    }
    *acc_out = table->records.chunks[0].rows;
    return ST_OK;
}

/* --- spilled --- */

/* An accumulator that was spilled: nothing of its key came before. */
static Status restore_acc(CombineTable *table, const SpilledRecord *record, Error *err)
{
    uint64_t at = hash_directory_start(&table->directory, record->hash);
    char *acc;

    while (hash_directory_next(&table->directory, record->hash, &at) != NULL) {
    }
    return start_key(table, record->hash, at, record->record, true, err, &acc);
}

static void number_last(CombineTable *table, uint64_t number)
{
    const RowStore *store = &table->records;
    const RowChunk *chunk = &store->chunks[store->chunk_count - 1];
    char *row = chunk->rows + (size_t)(chunk->row_count - 1) * store->row_bytes;

    memcpy(row + table->number_offset, &number, sizeof number);
}

Status combine_table_add_spilled(CombineTable *table, const SpilledRecord *record, Error *err,
                                 bool *is_added_out)
{
    uint64_t count = table->records.row_count;
    Status status, failed;

    *is_added_out = false;
    TRY(hash_directory_reserve(&table->directory, &table->records, 1, err));
    table->user->record = record->first + 1;
    user_task_begin(table->user, &table->spec->add);
    if (record->kind == COMBINE_IN) {
        status = add_one(table, record->hash, record->record, err, is_added_out);
    } else {
        status = restore_acc(table, record, err);
        *is_added_out = status == ST_OK;
    }
    failed = user_task_end(table->user, err);
    if (table->records.row_count > count)
        number_last(table, record->first);
    return failed != ST_OK ? failed : status;
}

Status combine_table_put(CombineTable *table, const void *record, Error *err)
{
    void *memory;

    CHECK(!table->spec->has_keys && table->records.row_count == 0);
    TRY(row_store_add_one(&table->records, err, &memory));
    memcpy(memory, record, table->spec->acc->bytes);
    return ST_OK;
}
