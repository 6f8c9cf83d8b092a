/* wire.c -- see wire.h */
#include "core/base/wire.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/invariant.h"

/* The envelope, at its offsets; the rest of its 64 bytes is zero. */
enum {
    AT_MAGIC = 0,
    AT_FORMAT = 4,
    AT_VOCABULARY = 8,
    AT_VERSION = 16,
    AT_BODY_BYTES = 40,
    AT_HASH = 48,
    AT_RESERVED = 56
};

#define NO_TEXT UINT32_MAX

/* --- writing --- */

void wire_reserve(WireWriter *to, size_t byte_count)
{
    size_t capacity = to->capacity == 0 ? 1024 : to->capacity * 2;
    unsigned char *grown;

    if (byte_count <= to->capacity - to->length)
        return;
    while (capacity - to->length < byte_count)
        capacity *= 2;
    grown = arena_alloc_raw(to->arena, capacity);
    if (to->length > 0)
        memcpy(grown, to->bytes, to->length);
    to->bytes = grown;
    to->capacity = capacity;
}

void wire_put_bytes(WireWriter *to, const void *bytes, size_t byte_count)
{
    if (byte_count == 0)
        return;
    if (to->is_full || (to->bytes_max > 0 && byte_count > to->bytes_max - to->length)) {
        to->is_full = true;
        return;
    }
    wire_reserve(to, byte_count);
    memcpy(to->bytes + to->length, bytes, byte_count);
    to->length += byte_count;
}

void wire_put_u8(WireWriter *to, uint8_t value)
{
    wire_put_bytes(to, &value, sizeof value);
}

void wire_put_u32(WireWriter *to, uint32_t value)
{
    value = htole32(value);
    wire_put_bytes(to, &value, sizeof value);
}

void wire_put_u64(WireWriter *to, uint64_t value)
{
    value = htole64(value);
    wire_put_bytes(to, &value, sizeof value);
}

void wire_put_f64(WireWriter *to, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    wire_put_u64(to, bits);
}

void wire_put_blob(WireWriter *to, const void *bytes, uint32_t byte_count)
{
    wire_put_u32(to, byte_count);
    wire_put_bytes(to, bytes, byte_count);
}

void wire_put_text(WireWriter *to, const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);

    if (text == NULL) {
        wire_put_u32(to, NO_TEXT);
    } else if (length >= NO_TEXT) {
        to->is_full = true;
    } else {
        wire_put_blob(to, text, (uint32_t)length);
    }
}

/* --- reading --- */

WireReader wire_reader(const void *bytes, size_t byte_count, const char *what, Error *err)
{
    return (WireReader){.start = bytes,
                        .at = bytes,
                        .end = (const unsigned char *)bytes + byte_count,
                        .what = what,
                        .err = err};
}

Status wire_fail(WireReader *from, const char *format, ...)
{
    char words[256];
    va_list args;

    if (from->status != ST_OK)
        return from->status;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    from->status = error_set(from->err, ST_CORRUPT, "damaged %s at byte %zu: %s", from->what,
                             (size_t)(from->at - from->start), words);
    return from->status;
}

const void *wire_get_bytes(WireReader *from, size_t byte_count)
{
    const void *bytes = from->at;

    if (from->status != ST_OK)
        return NULL;
    if (byte_count > (size_t)(from->end - from->at)) {
        wire_fail(from, "%zu bytes are announced, %zu are left", byte_count,
                  (size_t)(from->end - from->at));
        return NULL;
    }
    from->at += byte_count;
    return bytes;
}

uint8_t wire_get_u8(WireReader *from)
{
    const unsigned char *byte = wire_get_bytes(from, 1);

    return byte == NULL ? 0 : *byte;
}

bool wire_get_bool(WireReader *from)
{
    uint8_t byte = wire_get_u8(from);

    if (byte > 1)
        wire_fail(from, "%u is no boolean", byte);
    return byte == 1;
}

uint32_t wire_get_u32(WireReader *from)
{
    const void *bytes = wire_get_bytes(from, sizeof(uint32_t));
    uint32_t value = 0;

    if (bytes != NULL)
        memcpy(&value, bytes, sizeof value);
    return le32toh(value);
}

uint64_t wire_get_u64(WireReader *from)
{
    const void *bytes = wire_get_bytes(from, sizeof(uint64_t));
    uint64_t value = 0;

    if (bytes != NULL)
        memcpy(&value, bytes, sizeof value);
    return le64toh(value);
}

double wire_get_f64(WireReader *from)
{
    uint64_t bits = wire_get_u64(from);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

uint32_t wire_get_below(WireReader *from, uint32_t limit, const char *of)
{
    uint32_t value = wire_get_u32(from);

    if (from->status == ST_OK && value >= limit)
        wire_fail(from, "%s %u, of %u", of, value, limit);
    return from->status == ST_OK ? value : 0;
}

uint32_t wire_get_count(WireReader *from, size_t min_bytes, const char *of)
{
    uint32_t count = wire_get_u32(from);

    if (from->status == ST_OK &&
        count > (size_t)(from->end - from->at) / (min_bytes == 0 ? 1 : min_bytes))
        wire_fail(from, "%u %s are announced, %zu bytes are left", count, of,
                  (size_t)(from->end - from->at));
    return from->status == ST_OK ? count : 0;
}

const void *wire_get_blob(WireReader *from, uint32_t *byte_count_out)
{
    uint32_t byte_count = wire_get_u32(from);
    const void *bytes = wire_get_bytes(from, byte_count);

    *byte_count_out = bytes == NULL ? 0 : byte_count;
    return bytes;
}

const char *wire_get_text(WireReader *from, Arena *arena)
{
    uint32_t length = wire_get_u32(from);
    const char *bytes = length == NO_TEXT ? NULL : wire_get_bytes(from, length);

    if (bytes == NULL)
        return NULL;
    if (memchr(bytes, 0, length) != NULL) {
        wire_fail(from, "a name with a zero byte");
        return NULL;
    }
    return arena_strndup(arena, bytes, length);
}

const char *wire_get_name(WireReader *from, Arena *arena)
{
    const char *name = wire_get_text(from, arena);

    if (name == NULL)
        wire_fail(from, "a name is missing");
    return name == NULL ? "" : name;
}

Status wire_end(WireReader *from)
{
    if (from->status == ST_OK && from->at != from->end)
        wire_fail(from, "%zu bytes too many", (size_t)(from->end - from->at));
    return from->status;
}

/* --- envelopes --- */

void wire_begin(WireWriter *to)
{
    static const unsigned char envelope[WIRE_ENVELOPE_BYTES];

    CHECK(to->length == 0);
    wire_put_bytes(to, envelope, sizeof envelope);
}

/* Of the envelope's first part and the body. */
static uint64_t hash_of(const unsigned char *sealed, size_t body_bytes)
{
    XXH3_state_t state;

    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, sealed, AT_HASH);
    XXH3_64bits_update(&state, sealed + WIRE_ENVELOPE_BYTES, body_bytes);
    return XXH3_64bits_digest(&state);
}

static void set_u32(unsigned char *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

static void set_u64(unsigned char *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

Status wire_seal(WireWriter *to, const WireKind *kind, Error *err, WireBytes *sealed_out)
{
    unsigned char *at = to->bytes;
    size_t body_bytes = to->length - WIRE_ENVELOPE_BYTES;

    *sealed_out = (WireBytes){0};
    if (to->is_full)
        return error_set_state(err, ST_BAD_INPUT, "54001",
                               "the query is too large: its %s takes more than %zu bytes",
                               kind->what, to->bytes_max);
    memcpy(at + AT_MAGIC, kind->magic, sizeof kind->magic);
    set_u32(at + AT_FORMAT, kind->format);
    set_u64(at + AT_VOCABULARY, kind->vocabulary);
    snprintf((char *)at + AT_VERSION, WIRE_VERSION_BYTES, "%s", VONK_VERSION);
    set_u64(at + AT_BODY_BYTES, body_bytes);
    set_u64(at + AT_HASH, hash_of(at, body_bytes));
    *sealed_out = (WireBytes){at, to->length};
    return ST_OK;
}

/* Another version's numbers may mean anything: nothing behind this is looked at. */
static Status check_version(WireReader *head, const WireKind *kind)
{
    char mine[WIRE_VERSION_BYTES] = {0}, theirs[WIRE_VERSION_BYTES + 1] = {0};
    uint32_t format = wire_get_u32(head);
    uint64_t vocabulary = wire_get_u64(head);
    const char *version = wire_get_bytes(head, WIRE_VERSION_BYTES);

    snprintf(mine, sizeof mine, "%s", VONK_VERSION);
    if (format == kind->format && vocabulary == kind->vocabulary &&
        memcmp(version, mine, sizeof mine) == 0)
        return ST_OK;
    memcpy(theirs, version, WIRE_VERSION_BYTES);
    for (char *c = theirs; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    error_set(head->err, ST_NOT_SUPPORTED,
              "the %s was made by Vonk %s (format %u, build %016llx), and this is Vonk %s "
              "(format %u, build %016llx)",
              kind->what, theirs, format, (unsigned long long)vocabulary, mine, kind->format,
              (unsigned long long)kind->vocabulary);
    error_hint(head->err, "All processes of a cluster run the same build of Vonk.");
    return ST_NOT_SUPPORTED;
}

Status wire_unseal(const void *bytes, size_t byte_count, const WireKind *kind, Error *err,
                   WireReader *body_out)
{
    WireReader head = wire_reader(bytes, byte_count, kind->what, err);
    const unsigned char *envelope = bytes;
    const char *magic = wire_get_bytes(&head, sizeof kind->magic);
    uint64_t body_bytes, hash;

    *body_out = (WireReader){.status = ST_CORRUPT, .what = kind->what, .err = err};
    if (byte_count < WIRE_ENVELOPE_BYTES)
        return wire_fail(&head, "an envelope has %d bytes, here are %zu", WIRE_ENVELOPE_BYTES,
                         byte_count);
    if (memcmp(magic, kind->magic, sizeof kind->magic) != 0)
        return wire_fail(&head, "these bytes are something else");
    TRY(check_version(&head, kind));
    body_bytes = wire_get_u64(&head);
    hash = wire_get_u64(&head);
    if (body_bytes != byte_count - WIRE_ENVELOPE_BYTES)
        return wire_fail(&head, "%llu bytes are announced, here are %zu",
                         (unsigned long long)body_bytes, byte_count - WIRE_ENVELOPE_BYTES);
    if (hash != hash_of(envelope, body_bytes) || wire_get_u64(&head) != 0)
        return wire_fail(&head, "its checksum is wrong");
    *body_out = wire_reader(envelope + WIRE_ENVELOPE_BYTES, body_bytes, kind->what, err);
    return ST_OK;
}
