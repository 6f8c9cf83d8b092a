/*
 * type.h -- SQL types, and how a value of each lies in memory
 *
 *     SQL type (Type)                physical form (Phys)      C type
 *     boolean                        PHYS_BOOL                 uint8_t, 0 or 1
 *     smallint / integer / bigint    PHYS_INT16/32/64          int16_t / int32_t / int64_t
 *     numeric(p,s), p <= 18          PHYS_INT64                int64_t, value * 10^s
 *     numeric(p,s), p <= 38          PHYS_INT128               Int128, value * 10^s
 *     real / double precision        PHYS_FLOAT32/64           float / double
 *     text, varchar(n), char(n)      PHYS_STR                  Str
 *     date / timestamp               PHYS_INT32 / PHYS_INT64   days / microseconds since 1970
 *     interval                       PHYS_INTERVAL             Interval
 *
 * Kernels, hashing and sorting switch on Phys; only names, casts and printing know SQL types.
 */
#ifndef VONK_CORE_DATA_TYPE_H
#define VONK_CORE_DATA_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"

typedef __int128 Int128;
typedef unsigned __int128 UInt128;

typedef enum TypeId {
#define TYPE(word, name, phys, arrow, category) TYPE_##word,
#include "core/data/types.def"
#undef TYPE
    TYPE_ID_COUNT
} TypeId;

typedef enum Phys {
    PHYS_BOOL,
    PHYS_INT16,
    PHYS_INT32,
    PHYS_INT64,
    PHYS_INT128,
    PHYS_FLOAT32,
    PHYS_FLOAT64,
    PHYS_STR,
    PHYS_INTERVAL,
    PHYS_COUNT
} Phys;

enum { DECIMAL64_DIGITS = 18, DECIMAL_DIGITS = 38 };

typedef struct Type {
    uint8_t id;        /* TypeId                                                    */
    uint8_t precision; /* numeric: 1..38 digits; else 0                             */
    uint8_t scale;     /* numeric: 0..precision digits after the point; else 0      */
    uint8_t reserved;  /* 0                                                         */
    int32_t length;    /* varchar(n), char(n): n characters, 0 = no limit; else 0   */
} Type;

/* Months, days and microseconds are kept apart, as PostgreSQL does: '1 month' is no number of
 * days. Compared and hashed as 30-day months and 24-hour days. Same layout as Arrow "tin" but
 * for nanoseconds, which the border converts. */
typedef struct Interval {
    int32_t months;
    int32_t days;
    int64_t micros;
} Interval;

static inline Type type_of(TypeId id)
{
    return (Type){.id = (uint8_t)id};
}

static inline Type type_decimal(int precision, int scale)
{
    return (Type){.id = TYPE_DECIMAL, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
}

static inline bool type_equal(Type a, Type b)
{
    return a.id == b.id && a.precision == b.precision && a.scale == b.scale && a.length == b.length;
}

Phys type_phys(Type type);

/* Bytes of one value in a column: 1, 2, 4, 8 or 16. */
size_t phys_bytes(Phys phys);
const char *phys_name(Phys phys); /* "int64" */

bool type_is_integer(Type type); /* smallint, integer, bigint */
bool type_is_float(Type type);
bool type_is_number(Type type);
bool type_is_text(Type type); /* text, varchar, char */
char type_category(Type type);

/* "numeric(12,2)", "character varying(10)"; lives in the arena. */
const char *type_name(Arena *arena, Type type);

/* The bare SQL name, "numeric"; a literal. */
const char *type_id_name(TypeId id);

#endif
