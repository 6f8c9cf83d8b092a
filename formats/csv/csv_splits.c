/*
 * csv_splits.c -- whether a place in a large file is quoted, without reading all before it at once
 *
 * A split may start inside a quoted field. Which it is follows from all quotes before, but every
 * piece of the file can be looked at alone: once as if its first line were quoted and once as if
 * not. (At the first proper quoted field both mostly agree from there on.) The pieces' answers,
 * chained from the file's start, say the state at each. Whoever opens a split finds its own
 * piece's answer first, so that with many threads the pieces are looked at side by side and each
 * once; what others have not begun yet one finds oneself.
 *
 * Pieces start at multiples of CSV_PIECE_BYTES, or rather behind the first newline at or behind
 * them: there only two states are possible.
 */
#include <pthread.h>
#include <string.h>

#include "core/base/invariant.h"
#include "formats/csv/csv_internal.h"

enum { READ_BYTES = 256 << 10, STEP_BYTES = 4096 };

/* What each of the two states at a piece's start becomes at its end. */
typedef struct Answer {
    bool if_plain_quoted, if_quoted_quoted;
} Answer;

typedef enum PieceState { PIECE_UNKNOWN, PIECE_CLAIMED, PIECE_KNOWN } PieceState;

typedef struct Piece {
    PieceState state;
    Answer answer;
    bool starts_quoted; /* of those that are chained */
} Piece;

struct CsvStates {
    CsvDialect dialect;
    uint64_t data_start, file_bytes;
    uint64_t piece_count;
    Arena *arena;
    pthread_mutex_t lock; /* of the rest */
    pthread_cond_t found;
    Piece *pieces; /* NULL until they are asked for: then the file has been found to be as large */
    uint64_t chained; /* up to this piece's start the states are known */
};

static void destroy_states(void *object)
{
    CsvStates *states = object;

    pthread_cond_destroy(&states->found);
    pthread_mutex_destroy(&states->lock);
    arena_free(states->arena);
}

CsvStates *csv_states_new(Arena *arena, const CsvDialect *dialect, uint64_t data_start,
                          uint64_t file_bytes)
{
    CsvStates *states;

    if (dialect->quote == 0 || file_bytes <= data_start)
        return NULL;
    states = ARENA_NEW(arena, CsvStates);
    states->dialect = *dialect;
    states->data_start = data_start;
    states->file_bytes = file_bytes;
    states->piece_count = (file_bytes - data_start + CSV_PIECE_BYTES - 1) / CSV_PIECE_BYTES;
    states->arena = arena_new(NULL, "quotes of a CSV file", ARENA_NO_CAP);
    pthread_mutex_init(&states->lock, NULL);
    pthread_cond_init(&states->found, NULL);
    arena_on_free(arena, destroy_states, states);
    return states;
}

/* --- a stretch of the file --- */

typedef struct Walk {
    const CsvDialect *dialect;
    uint64_t start; /* the first newline before it is waited for     */
    uint64_t end;   /* and the first newline from end - 1 on ends it */
    bool has_started, is_over;
    CsvState plain, quoted; /* what the two have become */
} Walk;

/* Bytes of the file from offset on. */
static void walk_block(Walk *walk, const char *bytes, size_t byte_count, uint64_t offset)
{
    const CsvDialect *dialect = walk->dialect;
    size_t at = 0, until = byte_count;

    if (!walk->has_started) {
        uint64_t left = walk->end - 1 - offset;
        const char *newline =
            memchr(bytes, dialect->newline, left < byte_count ? (size_t)left : byte_count);

        if (newline == NULL) { /* before the end: start and end are the same newline */
            walk->is_over = left <= byte_count;
            return;
        }
        at = (size_t)(newline - bytes) + 1;
        walk->has_started = true;
    }
    if (offset + byte_count > walk->end - 1) {
        uint64_t last = walk->end - 1 > offset + at ? walk->end - 1 : offset + at;
        const char *from = bytes + (last - offset);
        const char *newline = memchr(from, dialect->newline, byte_count - (size_t)(last - offset));

        walk->is_over = newline != NULL;
        until = newline == NULL ? byte_count : (size_t)(newline - bytes) + 1;
    }
    while (at < until) {
        size_t step =
            walk->plain == walk->quoted || until - at < STEP_BYTES ? until - at : STEP_BYTES;
        CsvState plain = csv_run_states(dialect, walk->plain, bytes + at, step);

        walk->quoted = walk->plain == walk->quoted
                           ? plain
                           : csv_run_states(dialect, walk->quoted, bytes + at, step);
        walk->plain = plain;
        at += step;
    }
}

/* From one place of the file to another, either being behind the first newline from there - 1 on
 * (the data's start: there). */
static Status walk_between(const CsvStates *states, const File *file, uint64_t start, uint64_t end,
                           const ScanRequest *request, Error *err, Answer *answer_out)
{
    Walk walk = {.dialect = &states->dialect,
                 .start = start,
                 .end = end,
                 .has_started = start == states->data_start,
                 .plain = CSV_RECORD_START,
                 .quoted = CSV_QUOTED};
    uint64_t at = walk.has_started ? start : start - 1;
    Status status = ST_OK;
    size_t got = 1;
    void *block;

    TRY(mem_pool_alloc(request->pool, READ_BYTES, "looking for quotes in a CSV file", err, &block));
    while (status == ST_OK && !walk.is_over && got > 0) {
        uint64_t left = states->file_bytes > at ? states->file_bytes - at : 0;

        if (request->cancelled != NULL && atomic_load(request->cancelled)) {
            status = error_set(err, ST_CANCELLED, "canceling statement due to user request");
            break;
        }
        status = file_read_some(file, at, block, left < READ_BYTES ? (size_t)left : READ_BYTES, err,
                                &got);
        walk_block(&walk, block, got, at);
        at += got;
    }
    mem_pool_release(request->pool, block, READ_BYTES);
    *answer_out = (Answer){walk.plain == CSV_QUOTED, walk.quoted == CSV_QUOTED};
    return status;
}

/* --- pieces --- */

static uint64_t piece_start(const CsvStates *states, uint64_t piece)
{
    return states->data_start + piece * CSV_PIECE_BYTES;
}

/* Called and returns with the lock held, which is free while the piece is read. */
static Status find_piece(CsvStates *states, const File *file, uint64_t piece,
                         const ScanRequest *request, Error *err)
{
    Answer answer = {0};
    Status status;

    states->pieces[piece].state = PIECE_CLAIMED;
    pthread_mutex_unlock(&states->lock);
    status = walk_between(states, file, piece_start(states, piece), piece_start(states, piece + 1),
                          request, err, &answer);
    pthread_mutex_lock(&states->lock);
    states->pieces[piece].state = status == ST_OK ? PIECE_KNOWN : PIECE_UNKNOWN;
    states->pieces[piece].answer = answer;
    pthread_cond_broadcast(&states->found);
    return status;
}

/* One of pieces [from, to) that nobody has begun; to: there is none. */
static uint64_t unknown_piece(const CsvStates *states, uint64_t from, uint64_t to)
{
    while (from < to && states->pieces[from].state != PIECE_UNKNOWN)
        from++;
    return from;
}

/* The state at the start of a piece. Called and returns with the lock held. While others look at
 * the next piece, a later one is looked at. */
static Status chain_to(CsvStates *states, const File *file, uint64_t piece,
                       const ScanRequest *request, Error *err)
{
    uint64_t ahead = states->chained;

    while (states->chained < piece) {
        const Piece *next = &states->pieces[states->chained];

        if (next->state == PIECE_KNOWN) {
            states->pieces[states->chained + 1].starts_quoted =
                next->starts_quoted ? next->answer.if_quoted_quoted : next->answer.if_plain_quoted;
            states->chained++;
            continue;
        }
        ahead = unknown_piece(states, ahead, piece);
        if (ahead < piece) {
            TRY(find_piece(states, file, ahead, request, err));
            continue;
        }
        pthread_cond_wait(&states->found, &states->lock);
        ahead = states->chained; /* one may have failed */
    }
    return ST_OK;
}

Status csv_states_note(CsvStates *states, const File *file, uint64_t start, uint64_t end,
                       const ScanRequest *request, Error *err)
{
    Status status = ST_OK;

    if (states == NULL)
        return ST_OK;
    pthread_mutex_lock(&states->lock);
    if (states->pieces == NULL)
        states->pieces = ARENA_ARRAY(states->arena, Piece, states->piece_count + 1);
    for (uint64_t piece = (start - states->data_start) / CSV_PIECE_BYTES;
         status == ST_OK && piece < states->piece_count && piece_start(states, piece + 1) <= end;
         piece++)
        if (states->pieces[piece].state == PIECE_UNKNOWN)
            status = find_piece(states, file, piece, request, err);
    pthread_mutex_unlock(&states->lock);
    return status;
}

Status csv_state_at(CsvStates *states, const File *file, uint64_t offset,
                    const ScanRequest *request, Error *err, CsvState *state_out)
{
    uint64_t piece;
    bool is_quoted;
    Answer answer = {0};
    Status status;

    *state_out = CSV_RECORD_START;
    if (states == NULL || offset <= states->data_start)
        return ST_OK;
    piece = (offset - states->data_start) / CSV_PIECE_BYTES;
    CHECK(piece < states->piece_count);
    pthread_mutex_lock(&states->lock);
    status = chain_to(states, file, piece, request, err);
    is_quoted = states->pieces[piece].starts_quoted;
    pthread_mutex_unlock(&states->lock);
    TRY(status);
    if (offset > piece_start(states, piece)) {
        TRY(walk_between(states, file, piece_start(states, piece), offset, request, err, &answer));
        is_quoted = is_quoted ? answer.if_quoted_quoted : answer.if_plain_quoted;
    }
    *state_out = is_quoted ? CSV_QUOTED : CSV_RECORD_START;
    return ST_OK;
}
