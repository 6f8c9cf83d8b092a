/*
 * vonk/record.h -- C structs with a schema: what a job's functions take and give
 *
 *     VONK_RECORD(Count, VONK_KEY(text, word), VONK_FIELD(int8, n));
 *
 * declares `typedef struct Count { VonkText word; int64_t n; } Count;` and its description
 * Count_vonk, from which Vonk knows the columns. Field types are SQL's:
 *
 *     bool             bool            int2 int4 int8   int16_t int32_t int64_t
 *     float4 float8    float double    text             VonkText
 *     date             VonkDate        timestamp        VonkTimestamp
 *     interval         VonkInterval    numeric(p,s)     value * 10^s: int64_t up to 18 digits, else
 *                                                       __int128
 *     varchar(n) char(n)               VonkText
 *
 *     VONK_FIELD(type, name)           a value that is never NULL; a NULL (of SQL, say) that a
 *                                      function, the driver or a file would get is an error
 *     VONK_NULLABLE(type, name)        with a second member, bool name_is_null
 *     VONK_KEY(type, name)             part of the record's key, for the ..._by_key calls
 *     VONK_NULLABLE_KEY(type, name)    NULL keys are equal to each other, as in GROUP BY
 *     VONK_NESTED(Record, name)        a record within, no key: columns "name.field"
 *     VONK_NESTED_KEY(Record, name)    all of its fields are part of the key
 *
 * C only (C11): the macros use designated initialisers.
 */
#ifndef VONK_RECORD_H
#define VONK_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vonk/record_macros.h"

#ifdef __cplusplus
extern "C" {
#endif

/* UTF-8, not NUL-terminated; NULL data only when bytes is 0. Who owns the bytes is said where a
 * text comes from; what a function emits is copied when it matters. */
typedef struct VonkText {
    const char *data;
    size_t bytes;
} VonkText;

typedef int32_t VonkDate;      /* days since 1970-01-01 */
typedef int64_t VonkTimestamp; /* microseconds since 1970-01-01 00:00 */

typedef struct VonkInterval {
    int32_t months;
    int32_t days;
    int64_t microseconds;
} VonkInterval;

typedef enum VonkFieldKind {
    VONK_KIND_BOOL,
    VONK_KIND_INT2,
    VONK_KIND_INT4,
    VONK_KIND_INT8,
    VONK_KIND_FLOAT4,
    VONK_KIND_FLOAT8,
    VONK_KIND_NUMERIC,
    VONK_KIND_TEXT,
    VONK_KIND_VARCHAR,
    VONK_KIND_CHAR,
    VONK_KIND_DATE,
    VONK_KIND_TIMESTAMP,
    VONK_KIND_INTERVAL,
    VONK_KIND_RECORD
} VonkFieldKind;

typedef struct VonkRecordType VonkRecordType;

typedef struct VonkField {
    const char *name;
    VonkFieldKind kind;
    uint32_t size;  /* numeric: digits; varchar, char: characters; else 0 */
    uint32_t scale; /* numeric: digits behind the point                   */
    uint32_t offset;
    uint32_t null_offset; /* of the bool name_is_null; VONK_NEVER_NULL      */
    bool is_key;
    const VonkRecordType *record; /* VONK_KIND_RECORD */
} VonkField;

#define VONK_NEVER_NULL UINT32_MAX

struct VonkRecordType {
    const char *name;
    uint32_t bytes;
    uint32_t field_count;
    const VonkField *fields;
};

#ifndef __cplusplus

#define VONK_FIELD(type, name)        (PLAIN, type, name)
#define VONK_NULLABLE(type, name)     (NULLABLE, type, name)
#define VONK_KEY(type, name)          (KEY, type, name)
#define VONK_NULLABLE_KEY(type, name) (NULLABLE_KEY, type, name)
#define VONK_NESTED(Record, name)     (NESTED, Record, name)
#define VONK_NESTED_KEY(Record, name) (NESTED_KEY, Record, name)

#define VONK_RECORD(Name, ...)                                                                     \
    typedef struct Name {                                                                          \
        VONK__EACH(VONK__MEMBER, Name, __VA_ARGS__)                                                \
    } Name;                                                                                        \
    __attribute__((unused)) static const VonkField Name##_vonk_fields[] = {                        \
        VONK__EACH(VONK__DESCRIBE, Name, __VA_ARGS__)};                                            \
    __attribute__((unused)) static const VonkRecordType Name##_vonk = {                            \
        #Name, sizeof(Name), sizeof Name##_vonk_fields / sizeof Name##_vonk_fields[0],             \
        Name##_vonk_fields}

/* --- what is left is the macros' own --- */

#define VONK__STRIP(...)                 __VA_ARGS__
#define VONK__MEMBER(Name, item)         VONK__MEMBER_2(VONK__STRIP item)
#define VONK__MEMBER_2(...)              VONK__MEMBER_3(__VA_ARGS__)
#define VONK__MEMBER_3(form, type, name) VONK__MEMBER_##form(type, name)
#define VONK__MEMBER_PLAIN(type, name)   VONK__C_##type name;
#define VONK__MEMBER_KEY(type, name)     VONK__C_##type name;
#define VONK__MEMBER_NULLABLE(type, name)                                                          \
    VONK__C_##type name;                                                                           \
    bool name##_is_null;
#define VONK__MEMBER_NULLABLE_KEY(type, name)                                                      \
    VONK__C_##type name;                                                                           \
    bool name##_is_null;
#define VONK__MEMBER_NESTED(Record, name)     Record name;
#define VONK__MEMBER_NESTED_KEY(Record, name) Record name;

#define VONK__DESCRIBE(Name, item)               VONK__DESCRIBE_2(Name, VONK__STRIP item)
#define VONK__DESCRIBE_2(...)                    VONK__DESCRIBE_3(__VA_ARGS__)
#define VONK__DESCRIBE_3(Name, form, type, name) VONK__DESCRIBE_##form(Name, type, name)
#define VONK__DESCRIBE_PLAIN(Name, type, name)                                                     \
    {#name, VONK__KIND_##type, offsetof(Name, name), VONK_NEVER_NULL, false, NULL},
#define VONK__DESCRIBE_KEY(Name, type, name)                                                       \
    {#name, VONK__KIND_##type, offsetof(Name, name), VONK_NEVER_NULL, true, NULL},
#define VONK__DESCRIBE_NULLABLE(Name, type, name)                                                  \
    {#name, VONK__KIND_##type, offsetof(Name, name), offsetof(Name, name##_is_null), false, NULL},
#define VONK__DESCRIBE_NULLABLE_KEY(Name, type, name)                                              \
    {#name, VONK__KIND_##type, offsetof(Name, name), offsetof(Name, name##_is_null), true, NULL},
#define VONK__DESCRIBE_NESTED(Name, Record, name)                                                  \
    {#name, VONK_KIND_RECORD, 0, 0, offsetof(Name, name), VONK_NEVER_NULL, false, &Record##_vonk},
#define VONK__DESCRIBE_NESTED_KEY(Name, Record, name)                                              \
    {#name, VONK_KIND_RECORD, 0, 0, offsetof(Name, name), VONK_NEVER_NULL, true, &Record##_vonk},

#define VONK__C_bool          bool
#define VONK__C__Bool         bool
#define VONK__C_int2          int16_t
#define VONK__C_int4          int32_t
#define VONK__C_int8          int64_t
#define VONK__C_float4        float
#define VONK__C_float8        double
#define VONK__C_numeric(p, s) __typeof__(__builtin_choose_expr((p) <= 18, (int64_t)0, (__int128)0))
#define VONK__C_text          VonkText
#define VONK__C_varchar(n)    VonkText
#define VONK__C_char(n)       VonkText
#define VONK__C_date          VonkDate
#define VONK__C_timestamp     VonkTimestamp
#define VONK__C_interval      VonkInterval

/* kind, size, scale */
#define VONK__KIND_bool          VONK_KIND_BOOL, 0, 0
#define VONK__KIND__Bool         VONK_KIND_BOOL, 0, 0
#define VONK__KIND_int2          VONK_KIND_INT2, 0, 0
#define VONK__KIND_int4          VONK_KIND_INT4, 0, 0
#define VONK__KIND_int8          VONK_KIND_INT8, 0, 0
#define VONK__KIND_float4        VONK_KIND_FLOAT4, 0, 0
#define VONK__KIND_float8        VONK_KIND_FLOAT8, 0, 0
#define VONK__KIND_numeric(p, s) VONK_KIND_NUMERIC, (p), (s)
#define VONK__KIND_text          VONK_KIND_TEXT, 0, 0
#define VONK__KIND_varchar(n)    VONK_KIND_VARCHAR, (n), 0
#define VONK__KIND_char(n)       VONK_KIND_CHAR, (n), 0
#define VONK__KIND_date          VONK_KIND_DATE, 0, 0
#define VONK__KIND_timestamp     VONK_KIND_TIMESTAMP, 0, 0
#define VONK__KIND_interval      VONK_KIND_INTERVAL, 0, 0

#endif

#ifdef __cplusplus
}
#endif
#endif
