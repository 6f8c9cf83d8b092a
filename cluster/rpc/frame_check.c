/* frame_check.c -- see frame_check.h */
#include "cluster/rpc/frame_check.h"

#include <stdint.h>
#include <string.h>

#include "core/base/invariant.h"

/* The wire's numbers for types. */
enum {
    WIRE_STOP = 0,
    WIRE_BOOL = 2,
    WIRE_BYTE = 3,
    WIRE_DOUBLE = 4,
    WIRE_I16 = 6,
    WIRE_I32 = 8,
    WIRE_I64 = 10,
    WIRE_STRING = 11,
    WIRE_STRUCT = 12,
    WIRE_MAP = 13,
    WIRE_SET = 14,
    WIRE_LIST = 15
};

/* A struct whose fields follow, or so many values of a container. */
typedef struct Level {
    bool is_struct;
    uint8_t types[2]; /* of values in turn: a map's key, its value; a list's items in both */
    uint64_t left;
} Level;

typedef struct FrameWalk {
    const unsigned char *start, *at, *end;
    Error *err;
    uint32_t depth;
    Level levels[FRAME_DEPTH_MAX];
} FrameWalk;

static Status damaged(const FrameWalk *walk, const char *what)
{
    return error_set(walk->err, ST_CORRUPT, "damaged message at byte %zu of %zu: %s",
                     (size_t)(walk->at - walk->start), (size_t)(walk->end - walk->start), what);
}

static size_t bytes_left(const FrameWalk *walk)
{
    return (size_t)(walk->end - walk->at);
}

static Status skip(FrameWalk *walk, uint64_t byte_count)
{
    if (byte_count > bytes_left(walk))
        return damaged(walk, "it is cut short");
    walk->at += byte_count;
    return ST_OK;
}

static Status get_u8(FrameWalk *walk, uint8_t *value_out)
{
    *value_out = 0;
    if (bytes_left(walk) < 1)
        return damaged(walk, "it is cut short");
    *value_out = *walk->at++;
    return ST_OK;
}

static Status get_u32(FrameWalk *walk, uint32_t *value_out)
{
    *value_out = 0;
    if (bytes_left(walk) < 4)
        return damaged(walk, "it is cut short");
    *value_out = (uint32_t)walk->at[0] << 24 | (uint32_t)walk->at[1] << 16 |
                 (uint32_t)walk->at[2] << 8 | walk->at[3];
    walk->at += 4;
    return ST_OK;
}

/* The least that a value takes; 0: there is no such type. */
static uint32_t least_bytes(uint8_t type)
{
    switch (type) {
    case WIRE_BOOL:
    case WIRE_BYTE:
    case WIRE_STRUCT:
        return 1;
    case WIRE_I16:
        return 2;
    case WIRE_I32:
    case WIRE_STRING:
        return 4;
    case WIRE_I64:
    case WIRE_DOUBLE:
        return 8;
    case WIRE_MAP:
        return 6;
    case WIRE_SET:
    case WIRE_LIST:
        return 5;
    default:
        return 0;
    }
}

static Status enter(FrameWalk *walk, Level level)
{
    if (walk->depth == FRAME_DEPTH_MAX)
        return damaged(walk, "it is nested too deep");
    walk->levels[walk->depth++] = level;
    return ST_OK;
}

static Status enter_container(FrameWalk *walk, bool is_map)
{
    Level level = {0};
    uint32_t count;
    uint64_t least;

    TRY(get_u8(walk, &level.types[0]));
    level.types[1] = level.types[0];
    if (is_map)
        TRY(get_u8(walk, &level.types[1]));
    TRY(get_u32(walk, &count));
    if (is_map && count == 0) /* its types may be anything then */
        return ST_OK;
    if (least_bytes(level.types[0]) == 0 || least_bytes(level.types[1]) == 0)
        return damaged(walk, "a container of no type that there is");
    least = least_bytes(level.types[0]) + (is_map ? least_bytes(level.types[1]) : 0u);
    if (count > INT32_MAX || count > bytes_left(walk) / least)
        return damaged(walk, "a container has more than its bytes can hold");
    level.left = is_map ? 2 * (uint64_t)count : count;
    return enter(walk, level);
}

/* Passes over the value, or goes into it. */
static Status walk_value(FrameWalk *walk, uint8_t type)
{
    uint32_t length;

    switch (type) {
    case WIRE_STRING:
        TRY(get_u32(walk, &length));
        if (length > INT32_MAX)
            return damaged(walk, "a negative length");
        return skip(walk, length);
    case WIRE_STRUCT:
        return enter(walk, (Level){.is_struct = true});
    case WIRE_MAP:
        return enter_container(walk, true);
    case WIRE_SET:
    case WIRE_LIST:
        return enter_container(walk, false);
    default:
        if (least_bytes(type) == 0)
            return damaged(walk, "a value of no type that there is");
        return skip(walk, least_bytes(type));
    }
}

static Status walk_field(FrameWalk *walk)
{
    uint8_t type;

    TRY(get_u8(walk, &type));
    if (type == WIRE_STOP) {
        walk->depth--;
        return ST_OK;
    }
    TRY(skip(walk, 2)); /* its number */
    return walk_value(walk, type);
}

static Status walk_item(FrameWalk *walk, Level *level)
{
    if (level->left == 0) {
        walk->depth--;
        return ST_OK;
    }
    level->left--;
    return walk_value(walk, level->types[level->left % 2 == 0]); /* of a map, the last is a value */
}

static Status walk_head(FrameWalk *walk)
{
    uint32_t version, name_bytes;

    TRY(get_u32(walk, &version));
    if ((version & 0xffffff00u) != 0x80010000u || (version & 0xff) < 1 || (version & 0xff) > 4)
        return damaged(walk, "not a message of the binary protocol");
    TRY(get_u32(walk, &name_bytes));
    if (name_bytes > FRAME_NAME_BYTES_MAX)
        return damaged(walk, "the name of a call is too long");
    TRY(skip(walk, name_bytes));
    return skip(walk, 4); /* the call's number */
}

Status frame_check(const void *bytes, size_t byte_count, Error *err)
{
    FrameWalk walk = {
        .start = bytes, .at = bytes, .end = (const unsigned char *)bytes + byte_count, .err = err};

    TRY(walk_head(&walk));
    TRY(enter(&walk, (Level){.is_struct = true}));
    while (walk.depth > 0) {
        Level *level = &walk.levels[walk.depth - 1];

        TRY(level->is_struct ? walk_field(&walk) : walk_item(&walk, level));
    }
    if (walk.at != walk.end)
        return damaged(&walk, "something follows it");
    return ST_OK;
}

bool frame_is_call(const void *bytes, const char *const *names)
{
    const unsigned char *head = bytes; /* version and kind, the name's length, the name */
    size_t name_bytes = head[7];       /* at most FRAME_NAME_BYTES_MAX */

    if (head[3] != 1)
        return false;
    for (; *names != NULL; names++)
        if (strlen(*names) == name_bytes && memcmp(head + 8, *names, name_bytes) == 0)
            return true;
    return false;
}
