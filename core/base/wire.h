/*
 * wire.h -- bytes that go to another process, and what comes from one
 *
 *     writer: wire_begin -> wire_put_u32, ... -> wire_seal
 *                 -> | magic, version, vocabulary, size, hash | body |
 *     reader: wire_unseal -> wire_get_u32, ... -> wire_end
 *
 * Numbers are little-endian and of fixed width. A reader trusts nothing: it never leaves its bytes,
 * and what it is told to make room for must be there in bytes first (wire_get_count), so that a
 * message costs memory in proportion to its own size. It stops at the first thing wrong and gives
 * zeros from then on; one look at its status at the end is enough.
 *
 * Thread: one thread's.
 */
#ifndef VONK_CORE_BASE_WIRE_H
#define VONK_CORE_BASE_WIRE_H

#include "core/base/arena.h"

typedef struct WireWriter {
    Arena *arena;
    unsigned char *bytes;
    size_t length, capacity;
    size_t bytes_max; /* 0: no limit */
    bool is_full;     /* more was put than that; the rest is dropped */
} WireWriter;

/* Makes room for so many more bytes behind bytes + length, for a caller who fills them itself. */
void wire_reserve(WireWriter *to, size_t byte_count);

void wire_put_u8(WireWriter *to, uint8_t value);
void wire_put_u32(WireWriter *to, uint32_t value);
void wire_put_u64(WireWriter *to, uint64_t value);
void wire_put_f64(WireWriter *to, double value);
void wire_put_bytes(WireWriter *to, const void *bytes, size_t byte_count); /* without their count */
void wire_put_blob(WireWriter *to, const void *bytes, uint32_t byte_count);
void wire_put_text(WireWriter *to, const char *text); /* NULL allowed */

typedef struct WireReader {
    const unsigned char *start, *at, *end;
    const char *what; /* what the bytes are, for messages: "plan" */
    Error *err;
    Status status; /* ST_CORRUPT once something was wrong */
} WireReader;

WireReader wire_reader(const void *bytes, size_t byte_count, const char *what, Error *err);

/* Something is wrong with what was read: "damaged plan at byte 17: <format>". The first one counts.
 */
Status wire_fail(WireReader *from, const char *format, ...) PRINTF_LIKE(2, 3);

uint8_t wire_get_u8(WireReader *from);
bool wire_get_bool(WireReader *from); /* 0 or 1, or it is damaged */
uint32_t wire_get_u32(WireReader *from);
uint64_t wire_get_u64(WireReader *from);
double wire_get_f64(WireReader *from);

/* A number below `limit`; `of` says of what, in the message. */
uint32_t wire_get_below(WireReader *from, uint32_t limit, const char *of);

/* How many things follow that take at least min_bytes each (0 counts as 1); 0 when so many cannot
 * be there. */
uint32_t wire_get_count(WireReader *from, size_t min_bytes, const char *of);

/* As many bytes, borrowed from the message; NULL when they are not there. */
const void *wire_get_bytes(WireReader *from, size_t byte_count);
/* As wire_put_blob put them, borrowed. */
const void *wire_get_blob(WireReader *from, uint32_t *byte_count_out);
/* In the arena; NULL: NULL was put, or it is damaged. */
const char *wire_get_text(WireReader *from, Arena *arena);
/* A text that must be there; "" when it is damaged. */
const char *wire_get_name(WireReader *from, Arena *arena);

/* Nothing may follow. The status of all that was read. */
MUST_CHECK Status wire_end(WireReader *from);

/* --- envelopes --- */

enum { WIRE_VERSION_BYTES = 24, WIRE_ENVELOPE_BYTES = 64 };

/* What both sides must have in common. */
typedef struct WireKind {
    const char *what;    /* "plan" */
    char magic[4];       /* of this kind of message */
    uint32_t format;     /* counts up when the layout of the bytes changes */
    uint64_t vocabulary; /* a hash of all names that numbers in the message stand for */
} WireKind;

typedef struct WireBytes {
    const void *bytes;
    size_t byte_count;
} WireBytes;

/* An envelope goes before the body: begin with a fresh writer. ST_BAD_INPUT when more was put than
 * the writer holds. */
void wire_begin(WireWriter *to);
MUST_CHECK Status wire_seal(WireWriter *to, const WireKind *kind, Error *err,
                            WireBytes *sealed_out);

/* A reader of the body, whose hash has been found right. ST_CORRUPT for what is damaged or another
 * kind of message, ST_NOT_SUPPORTED for what another version has made. */
MUST_CHECK Status wire_unseal(const void *bytes, size_t byte_count, const WireKind *kind,
                              Error *err, WireReader *body_out);

#endif
