/*
 * join_table.h -- a hash join's build side
 *
 *     join_rows_add ... (by threads) -> join_table_combine (a thread)
 *         -> join_table_finish_begin, _task (by phases) -> probes (join_probe.h)
 *
 * Rows are kept row by row: the key first, then the columns that are needed. When all are there
 * they are moved, in the order of their places (split, sequence), to one array in which rows of one
 * key slot lie side by side:
 *
 *     DIRECT   One integer key, in a range not much larger than the number of rows: a bit a
 *              possible key, and the count of bits before each word. The bit says whether there is
 *              a match, the count where its row lies. No hash, no comparison.
 *
 *                words   bits 0110, rank 0   bits 1000, rank 2      rows of keys 1, 2, 7
 *
 *              Where probes only ask whether there is a match, there are no rows.
 *
 *     HASHED   The unchained table of Birler, Schmidt, Fent & Neumann, "Simple, Efficient, and
 *              Robust Hash Tables for Join Processing" (DaMoN 2024): a directory entry holds where
 *              the slot's rows end (they start where those of the slot before end), and 16 bits
 *              that work as a small Bloom filter of the slot's hashes.
 *
 *     ALL      No keys: every row matches (nested loops).
 *
 * The moving sort is stable, so matches of a key come out in the build input's order, whatever the
 * threads.
 *
 * Thread: JoinRows are one thread's. combine, finish_begin and close are serialised by the caller;
 * finish tasks run side by side. After that the table is immutable, but for `matched` (atomic
 * bytes).
 */
#ifndef VONK_EXEC_JOIN_TABLE_H
#define VONK_EXEC_JOIN_TABLE_H

#include "exec/operator.h"
#include "exec/row_layout.h"

enum { JOIN_NEVER_NULL = -1 };

/* A value in a row. */
typedef struct JoinField {
    Type type;
    Phys phys;
    uint32_t offset;
    int32_t null_offset; /* of a byte, 1 = null; or JOIN_NEVER_NULL */
} JoinField;

typedef struct JoinLayout {
    uint32_t key_count;
    JoinField *keys;
    const bool *null_equal; /* by key */
    uint32_t column_count;
    JoinField *columns; /* kept columns; a column that is a key shares its field */
    uint32_t row_bytes;
    uint32_t key_words;  /* keys that compare as 1 or 2 words of 8 bytes; 0: value by value */
    bool is_direct_able; /* one integer key */
} JoinLayout;

/* key_of_column[c]: the key that column c is, or -1. keeps_null_keys: rows whose key is NULL, and
 * so match nothing, stay in the table. Lives in the arena. */
JoinLayout join_layout_make(Arena *arena, uint32_t key_count, const Type *key_types,
                            const bool *key_nullable, const bool *null_equal, uint32_t column_count,
                            const PlanColumn *columns, const int32_t *key_of_column,
                            bool keeps_null_keys);

/* --- collecting --- */

typedef struct JoinChunk {
    struct JoinChunk *next;
    size_t memory_bytes;
    uint32_t row_count, row_capacity;
    char *rows;
    uint64_t *hashes;    /* DIRECT-able: the key itself, as int64_t */
    uint8_t *is_nowhere; /* the key is NULL: reachable by no probe; NULL: all are reachable */
} JoinChunk;

/* Rows of one split in one chunk. */
typedef struct JoinSegment {
    uint32_t split;
    uint32_t number; /* of the thread's segments */
    JoinChunk *chunk;
    uint32_t first, count;
} JoinSegment;

typedef struct JoinTable JoinTable;

typedef struct JoinRows {
    JoinTable *table;
    TextStore texts;
    JoinChunk *chunks; /* newest first */
    uint32_t segment_count, segment_capacity;
    JoinSegment *segments;
    uint64_t row_count, nowhere_count;
    size_t used_bytes;
    int64_t min_key, max_key; /* DIRECT-able */
    uint64_t *scratch;        /* three words a batch row */
} JoinRows;

/* Adds the batch's selected rows; keys are as long as the batch. Rows with a NULL key are left out
 * unless they are to be kept. */
MUST_CHECK Status join_rows_init(JoinRows *rows, JoinTable *table, Error *err);
MUST_CHECK Status join_rows_add(JoinRows *rows, const Column *keys, const Column *columns,
                                const Batch *batch, Error *err);
void join_rows_fini(JoinRows *rows); /* accepts a zeroed one */

static inline size_t join_rows_bytes(const JoinRows *rows)
{
    return rows->used_bytes + rows->texts.used_bytes;
}

/* Forgets all rows, and holds next to no memory. */
void join_rows_clear(JoinRows *rows);

/* A row as it stood in a chunk once, its texts elsewhere: those at the offsets are copied. Its
 * hash is the one of join_keys_hash. ST_OUT_OF_MEMORY: it is not in. */
MUST_CHECK Status join_rows_add_row(JoinRows *rows, const char *row, uint64_t hash, bool is_nowhere,
                                    const uint32_t *text_offsets, uint32_t text_count, Error *err);

/* --- the table --- */

/* So few rows are kept in any case: runtime filters look through them. */
enum { JOIN_ROWS_FEW = 64 };

typedef enum JoinForm { JOIN_FORM_ALL, JOIN_FORM_DIRECT, JOIN_FORM_HASHED } JoinForm;

typedef struct JoinWord {
    uint64_t bits;
    uint32_t rank; /* bits in the words before */
    uint32_t reserved;
} JoinWord;

typedef struct JoinPart {
    uint64_t first_slot, end_slot;
    uint64_t row_count;
    uint64_t first_row;
    bool has_duplicates;
} JoinPart;

struct JoinTable {
    const ExecContext *context;
    const JoinLayout *layout;
    bool keeps_null_keys;
    bool keeps_order;   /* `order` is wanted   */
    bool keeps_matched; /* `matched` is wanted */
    bool asks_only;     /* probes ask whether there is a match, not for its row */

    /* collected */
    JoinChunk *chunks;
    uint32_t text_count, text_capacity;
    TextStore *texts;
    uint32_t segment_count, segment_capacity;
    JoinSegment *segments;
    uint64_t *segment_rows; /* number of each segment's first row in the build input */
    int64_t min_key, max_key;

    /* finished */
    JoinForm form;
    bool has_rows;            /* false, of DIRECT: bits say all that is asked */
    uint32_t row_count;       /* of all             */
    uint32_t reachable_count; /* the first of them  */
    bool is_unique;           /* no two reachable rows have equal keys */
    char *rows;
    uint64_t range; /* DIRECT: max - min + 1 */
    JoinWord *words;
    uint32_t distinct_count;
    uint32_t *ends; /* DIRECT, not unique: where the rows of distinct key i - 1 end */
    uint32_t shift; /* HASHED: slot = hash >> shift */
    uint64_t slot_count;
    uint64_t *entries; /* HASHED: slot_count + 1; [s + 1] is the end of slot s << 16 | its tag */
    uint32_t *order;   /* build row -> row */
    _Atomic uint8_t *matched;
    size_t rows_bytes, words_bytes, ends_bytes, entries_bytes, order_bytes, matched_bytes;
    uint32_t part_count;
    JoinPart *parts;
    size_t peak_bytes;
};

void join_table_init(JoinTable *table, const ExecContext *context, const JoinLayout *layout);
void join_table_close(JoinTable *table); /* accepts a zeroed one, and one closed already */

/* Takes the thread's rows. */
MUST_CHECK Status join_table_combine(JoinTable *table, JoinRows *rows, Error *err);

/* Phases 0, 1, ... until *task_count_out is 0: the table is done. */
MUST_CHECK Status join_table_finish_begin(JoinTable *table, uint32_t phase, Error *err,
                                          uint32_t *task_count_out);
MUST_CHECK Status join_table_finish_task(JoinTable *table, uint32_t phase, uint32_t task,
                                         Error *err);

static inline const char *join_table_row(const JoinTable *table, uint32_t row)
{
    return table->rows + (size_t)row * table->layout->row_bytes;
}

/* --- keys as words --- */

/* words[w][i] = word w of the packed key of row rows[i], none of them NULL. */
void join_keys_pack(const JoinLayout *layout, const Column *keys, const uint32_t *rows,
                    uint32_t count, uint64_t *const words[2]);
/* A DIRECT-able key's word as a number. */
void join_keys_widen(const JoinLayout *layout, uint64_t *words, uint32_t count);
/* hashes_out[i] = the hash of the batch's selected row i, whatever the form of the table. scratch:
 * two words a row. */
void join_keys_hash(const JoinLayout *layout, const Column *keys, const Batch *batch,
                    uint64_t *scratch, uint64_t *hashes_out);

static inline uint64_t join_hash_word(uint64_t word)
{
    word *= 0x9E3779B97F4A7C15u;
    word ^= word >> 32;
    word *= 0xD6E8FEB86659FD93u;
    return word ^ (word >> 32);
}

static inline uint64_t join_hash_words(uint64_t a, uint64_t b)
{
    return join_hash_word(a ^ (join_hash_word(b) + 0x9E3779B97F4A7C15u));
}

/* Three of 16 bits, by bits of the hash that do not choose the slot (tables have less than 2^48
 * slots). */
static inline uint64_t join_tag(uint64_t hash)
{
    return (uint64_t)1 << (hash & 15) | (uint64_t)1 << ((hash >> 4) & 15) |
           (uint64_t)1 << ((hash >> 8) & 15);
}

static inline uint32_t join_bits_count(uint64_t bits)
{
    bits -= (bits >> 1) & 0x5555555555555555u;
    bits = (bits & 0x3333333333333333u) + ((bits >> 2) & 0x3333333333333333u);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (uint32_t)((bits * 0x0101010101010101u) >> 56);
}

/* Equality of keys value by value: NULL equals NULL where null_equal says so. */
bool join_key_equals_columns(const JoinLayout *layout, const char *row, const Column *keys,
                             uint32_t probe_row);
bool join_key_equals_row(const JoinLayout *layout, const char *a, const char *b);

/* The rows of rows[0..count) that have no NULL key but where NULLs are equal; in place allowed. */
uint32_t join_keys_not_null(const JoinLayout *layout, const Column *keys, const uint32_t *rows,
                            uint32_t count, uint32_t *rows_out);

#endif
