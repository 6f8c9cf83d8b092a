/*
 * csv_index.c -- where records and fields end; see csv_internal.h
 *
 * Blocks of 64 bytes become masks of delimiters, newlines and quotes. The parity of the quotes
 * before a byte says whether it is quoted, as long as every quote stands where the grammar has
 * it: an opening one behind a delimiter, newline or quote, a closing one before one. Blocks that
 * hold any other quote, and dialects with an escape or comments, go byte by byte through the
 * states instead. Both give the same answer.
 */
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/base/cpu_clones.h"
#include "core/base/invariant.h"
#include "formats/csv/csv_internal.h"

enum { BLOCK_BYTES = 64, FIRST_CAPACITY = 4096 };

static const char consumer_name[] = "index of a CSV file";

/* --- masks: bit i for byte i of a block --- */

typedef struct Masks {
    uint64_t delimiters, newlines, quotes, high;
} Masks;

#ifdef __SSE2__
IN_LOOP uint64_t equal_bytes(const __m128i *bytes, char wanted)
{
    __m128i all = _mm_set1_epi8(wanted);
    uint64_t mask = 0;

    for (int i = 0; i < 4; i++)
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[i], all)) << (16 * i);
    return mask;
}

IN_LOOP Masks make_masks(const CsvDialect *dialect, const char *at)
{
    __m128i bytes[4];

    for (int i = 0; i < 4; i++)
        bytes[i] = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
    return (Masks){equal_bytes(bytes, dialect->delimiter), equal_bytes(bytes, dialect->newline),
                   dialect->quote == 0 ? 0 : equal_bytes(bytes, dialect->quote),
                   (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(
                       _mm_or_si128(bytes[0], bytes[1]), _mm_or_si128(bytes[2], bytes[3])))};
}
#else
IN_LOOP Masks make_masks(const CsvDialect *dialect, const char *at)
{
    Masks masks = {0};

    for (int i = 0; i < BLOCK_BYTES; i++) {
        masks.delimiters |= (uint64_t)(at[i] == dialect->delimiter) << i;
        masks.newlines |= (uint64_t)(at[i] == dialect->newline) << i;
        masks.quotes |= (uint64_t)(dialect->quote != 0 && at[i] == dialect->quote) << i;
        masks.high |= (uint64_t)((unsigned char)at[i] >> 7) << i;
    }
    return masks;
}
#endif

/* Bit i: the parity of bits 0..i. */
IN_LOOP uint64_t prefix_parity(uint64_t bits)
{
    for (int shift = 1; shift < BLOCK_BYTES; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

IN_LOOP bool has_plain_grammar(const CsvDialect *dialect)
{
    return dialect->comment == 0 && (dialect->quote == 0 || dialect->escape == dialect->quote);
}

/* The state behind a block without stray quotes. */
IN_LOOP CsvState state_behind(const CsvDialect *dialect, CsvState before, const char *block,
                              uint64_t separators, const Masks *masks, bool is_inside)
{
    int last = BLOCK_BYTES - 1;

    if (is_inside)
        return CSV_QUOTED;
    if (masks->quotes >> last)
        return CSV_QUOTE_CLOSED;
    while (last >= 0 && block[last] == ' ' && dialect->delimiter != ' ')
        last--;
    if (last < 0)
        return before == CSV_RECORD_START ? CSV_FIELD_START : before;
    if (!(separators >> last & 1))
        return CSV_UNQUOTED;
    return last == BLOCK_BYTES - 1 && masks->newlines >> last ? CSV_RECORD_START : CSV_FIELD_START;
}

/*
 * The separators outside quotes of a block and the state behind it; false: the block has a quote
 * where only the states can say what it means.
 */
IN_LOOP bool fast_block(const CsvDialect *dialect, const char *block, const Masks *masks,
                        CsvState *state, uint64_t *separators_out)
{
    bool was_inside = *state == CSV_QUOTED;
    uint64_t any = masks->delimiters | masks->newlines;
    uint64_t inside, opening, closing, may_open, carriage_returns = 0;

    if (masks->quotes == 0) {
        if (*state == CSV_QUOTE_CLOSED && !(any & 1) && block[0] != '\r')
            return false;
        *separators_out = was_inside ? 0 : any;
        *state = was_inside ? CSV_QUOTED : state_behind(dialect, *state, block, any, masks, false);
        return true;
    }
    inside = prefix_parity(masks->quotes) ^ (was_inside ? ~UINT64_C(0) : 0);
    opening = masks->quotes & inside;
    closing = masks->quotes & ~inside;
    *separators_out = any & ~inside;
    may_open = (*separators_out << 1) | (closing << 1);
    may_open |= *state != CSV_UNQUOTED && *state != CSV_QUOTED;
    for (uint64_t left = closing & ~((any | masks->quotes) >> 1); left != 0; left &= left - 1) {
        int at = __builtin_ctzll(left) + 1;

        if (at < BLOCK_BYTES && block[at] == '\r')
            carriage_returns |= UINT64_C(1) << at;
    }
    if (*state == CSV_QUOTE_CLOSED && !((any | masks->quotes) & 1) && block[0] != '\r')
        return false;
    if ((opening & ~may_open) != 0 ||
        ((closing << 1) & ~(any | masks->quotes | carriage_returns)) != 0)
        return false;
    *state = state_behind(dialect, *state, block, *separators_out, masks, inside >> 63);
    return true;
}

/* --- byte by byte --- */

static CsvState state_in_field(const CsvDialect *dialect, char c)
{
    if (c == dialect->newline)
        return CSV_RECORD_START;
    return c == dialect->delimiter ? CSV_FIELD_START : CSV_UNQUOTED;
}

static CsvState next_state(const CsvDialect *dialect, CsvState state, char c)
{
    bool is_quote = dialect->quote != 0 && c == dialect->quote;

    switch (state) {
    case CSV_RECORD_START:
        if (dialect->comment != 0 && c == dialect->comment)
            return CSV_COMMENT;
        __attribute__((fallthrough));
    case CSV_FIELD_START:
        if (is_quote)
            return CSV_QUOTED;
        return c == ' ' && dialect->delimiter != ' ' ? CSV_FIELD_START : state_in_field(dialect, c);
    case CSV_UNQUOTED:
        return state_in_field(dialect, c);
    case CSV_QUOTED:
        if (c == dialect->escape && dialect->escape != dialect->quote)
            return CSV_ESCAPED;
        return is_quote ? CSV_QUOTE_CLOSED : CSV_QUOTED;
    case CSV_ESCAPED:
        return CSV_QUOTED;
    case CSV_QUOTE_CLOSED:
        if (is_quote && dialect->escape == dialect->quote)
            return CSV_QUOTED;
        return state_in_field(dialect, c);
    case CSV_COMMENT:
        return c == dialect->newline ? CSV_RECORD_START : CSV_COMMENT;
    }
    UNREACHABLE("CSV state");
}

FOR_EACH_CPU CsvState csv_run_states(const CsvDialect *dialect, CsvState state, const char *text,
                                     size_t bytes)
{
    size_t at = 0;

    if (has_plain_grammar(dialect)) {
        while (bytes - at >= BLOCK_BYTES) {
            Masks masks = make_masks(dialect, text + at);
            uint64_t separators;

            if (!fast_block(dialect, text + at, &masks, &state, &separators))
                for (int i = 0; i < BLOCK_BYTES; i++)
                    state = next_state(dialect, state, text[at + (size_t)i]);
            at += BLOCK_BYTES;
        }
    }
    for (; at < bytes; at++)
        state = next_state(dialect, state, text[at]);
    return state;
}

size_t csv_find_record(const CsvDialect *dialect, CsvState *state, const char *text, size_t bytes)
{
    size_t at = 0;

    while (at < bytes && *state != CSV_RECORD_START)
        *state = next_state(dialect, *state, text[at++]);
    return at;
}

/* --- the index --- */

void csv_index_init(CsvIndex *index, const CsvDialect *dialect, MemPool *pool)
{
    *index = (CsvIndex){.dialect = dialect, .pool = pool};
}

void csv_index_fini(CsvIndex *index)
{
    mem_pool_release(index->pool, index->ends, index->end_capacity * sizeof *index->ends);
    mem_pool_release(index->pool, index->rows, index->row_capacity * sizeof *index->rows);
    index->ends = NULL;
    index->rows = NULL;
}

static Status grow(CsvIndex *index, void **items, size_t item_bytes, size_t *capacity, Error *err)
{
    size_t wanted = *capacity == 0 ? FIRST_CAPACITY : 2 * *capacity;

    TRY(mem_pool_realloc(index->pool, items, *capacity * item_bytes, wanted * item_bytes,
                         consumer_name, err));
    *capacity = wanted;
    return ST_OK;
}

/* Room for a block's worth of fields and records. */
static Status make_room(CsvIndex *index, Error *err)
{
    void *ends = index->ends, *rows = index->rows;

    if (index->end_capacity - index->end_count <= BLOCK_BYTES + 8) {
        TRY(grow(index, &ends, sizeof *index->ends, &index->end_capacity, err));
        index->ends = ends;
    }
    if (index->row_capacity - index->row_count <= BLOCK_BYTES) {
        TRY(grow(index, &rows, sizeof *index->rows, &index->row_capacity, err));
        index->rows = rows;
    }
    return ST_OK;
}

/* The record whose last field's end is ends[last]. *first: where it began, and the next does. */
IN_LOOP void end_row(CsvIndex *index, size_t last, uint32_t *first)
{
    index->rows[index->row_count++] = (CsvRow){*first, (uint32_t)last - *first};
    *first = (uint32_t)last;
}

IN_LOOP void add_block(CsvIndex *index, size_t at, uint64_t separators, uint64_t newlines,
                       uint32_t *first)
{
    uint32_t *ends = index->ends + index->end_count;
    int count = __builtin_popcountll(separators);

    for (uint64_t ended = newlines & separators; ended != 0; ended &= ended - 1) {
        uint64_t before = separators & ((ended & -ended) - 1);

        end_row(index, index->end_count + (size_t)__builtin_popcountll(before), first);
    }
    /* eight at a time whether there are as many or not: most blocks have about that */
    for (int done = 0; done < count; done += 8)
        for (int i = 0; i < 8; i++) {
            ends[done + i] =
                (uint32_t)at + (separators == 0 ? 0 : (uint32_t)__builtin_ctzll(separators));
            separators &= separators - 1;
        }
    index->end_count += (size_t)count;
}

/* One byte at `at`; comments leave no record. */
static CsvState add_byte(CsvIndex *index, CsvState state, size_t at, uint32_t *first)
{
    char c = index->text[at];
    CsvState next = next_state(index->dialect, state, c);

    if (next == CSV_QUOTED && state <= CSV_FIELD_START)
        index->quoted_fields++;
    if (index->dialect->quote != 0 && c == index->dialect->quote && next == CSV_UNQUOTED)
        index->stray_quotes++;
    if (state == CSV_QUOTE_CLOSED && next == CSV_UNQUOTED && c != '\r' && c != ' ')
        index->stray_quotes++;
    if (state == CSV_COMMENT && next == CSV_RECORD_START) {
        index->ends[index->end_count++] = (uint32_t)at;
        *first = (uint32_t)index->end_count - 1;
    } else if (next == CSV_RECORD_START ||
               (next == CSV_FIELD_START && c == index->dialect->delimiter)) {
        index->ends[index->end_count++] = (uint32_t)at;
        if (next == CSV_RECORD_START)
            end_row(index, index->end_count - 1, first);
    }
    return next;
}

/* The last record has no newline. */
static void end_text(CsvIndex *index, size_t bytes, CsvState state, uint32_t *first)
{
    if (state == CSV_RECORD_START || state == CSV_QUOTED || state == CSV_ESCAPED ||
        state == CSV_COMMENT)
        return;
    index->ends[index->end_count++] = (uint32_t)bytes;
    end_row(index, index->end_count - 1, first);
}

FOR_EACH_CPU Status csv_index_text(CsvIndex *index, const char *text, size_t bytes, bool is_last,
                                   Error *err, size_t *used_out, CsvState *state_out)
{
    const CsvDialect *dialect = index->dialect;
    bool is_plain = has_plain_grammar(dialect);
    CsvState state = CSV_RECORD_START;
    uint64_t high = 0;
    uint32_t first = 0;
    size_t at = 0;

    CHECK(bytes < UINT32_MAX);
    index->text = text;
    index->end_count = index->row_count = 0;
    TRY(make_room(index, err));
    index->ends[index->end_count++] = UINT32_MAX; /* the first field starts at 0 */
    while (at < bytes) {
        size_t block_bytes = bytes - at < BLOCK_BYTES ? bytes - at : BLOCK_BYTES;
        uint64_t separators;

        TRY(make_room(index, err));
        if (block_bytes == BLOCK_BYTES) {
            Masks masks = make_masks(dialect, text + at);

            high |= masks.high;
            if (is_plain && fast_block(dialect, text + at, &masks, &state, &separators)) {
                add_block(index, at, separators, masks.newlines, &first);
                at += BLOCK_BYTES;
                continue;
            }
        }
        for (size_t end = at + block_bytes; at < end; at++) {
            high |= (unsigned char)text[at] >> 7;
            state = add_byte(index, state, at, &first);
        }
    }
    if (is_last)
        end_text(index, bytes, state, &first);
    index->is_ascii = high == 0;
    *state_out = state == CSV_ESCAPED ? CSV_QUOTED : state;
    *used_out =
        is_last && *state_out != CSV_QUOTED ? bytes : (size_t)(uint32_t)(index->ends[first] + 1);
    return ST_OK;
}

/* --- fields --- */

CsvField csv_quoted_field(const CsvDialect *dialect, const char *start, const char *end)
{
    CsvField field = {.text = start, .length = (uint32_t)(end - start)};
    const char *quote = start, *closing;

    while (quote < end && *quote == ' ')
        quote++;
    if (quote == end || dialect->quote == 0 || *quote != dialect->quote)
        return field;
    field.is_quoted = true;
    field.text = quote;
    field.length = (uint32_t)(end - quote);
    closing = memchr(quote + 1, dialect->quote, (size_t)(end - quote - 1));
    if (closing == end - 1 &&
        (dialect->escape == dialect->quote ||
         memchr(quote + 1, dialect->escape, (size_t)(end - quote - 1)) == NULL)) {
        field.text++;
        field.length -= 2;
    } else {
        field.is_escaped = true;
    }
    return field;
}

/* Behind the closing quote there may be text of the field, but blanks alone are none. */
static uint32_t add_tail(char *text, uint32_t length, const char *tail, const char *end)
{
    const char *blank = tail;

    while (blank < end && *blank == ' ')
        blank++;
    if (blank == end)
        return length;
    memcpy(text + length, tail, (size_t)(end - tail));
    return length + (uint32_t)(end - tail);
}

Str csv_field_text(Arena *arena, const CsvDialect *dialect, const CsvField *field)
{
    const char *at = field->text + 1, *end = field->text + field->length;
    uint32_t length = 0;
    char *text;

    if (!field->is_escaped)
        return str_make(field->text, field->length);
    text = arena_alloc_raw(arena, field->length);
    while (at < end) {
        bool is_special = at + 1 < end && (at[1] == dialect->quote || at[1] == dialect->escape);

        if (*at == dialect->escape && is_special &&
            (dialect->escape != dialect->quote || at[1] == dialect->quote)) {
            text[length++] = at[1];
            at += 2;
        } else if (*at == dialect->quote) {
            length = add_tail(text, length, at + 1, end);
            break;
        } else {
            text[length++] = *at++;
        }
    }
    return str_make(text, length);
}
