/* type.c -- see type.h */
#include "core/data/type.h"

#include "core/base/invariant.h"

typedef struct TypeRow {
    const char *name;
    Phys phys;
    char category;
} TypeRow;

static const TypeRow type_rows[TYPE_ID_COUNT] = {
#define TYPE(word, name, phys, arrow, category) [TYPE_##word] = {name, PHYS_##phys, category},
#include "core/data/types.def"
#undef TYPE
};

Phys type_phys(Type type)
{
    ASSERT(type.id < TYPE_ID_COUNT);
    if (type.id == TYPE_DECIMAL && type.precision > DECIMAL64_DIGITS)
        return PHYS_INT128;
    return type_rows[type.id].phys;
}

size_t phys_bytes(Phys phys)
{
    static const uint8_t bytes[PHYS_COUNT] = {
        [PHYS_BOOL] = 1,    [PHYS_INT16] = 2,   [PHYS_INT32] = 4,
        [PHYS_INT64] = 8,   [PHYS_INT128] = 16, [PHYS_FLOAT32] = 4,
        [PHYS_FLOAT64] = 8, [PHYS_STR] = 16,    [PHYS_INTERVAL] = 16};

    return bytes[phys];
}

const char *phys_name(Phys phys)
{
    static const char *const names[PHYS_COUNT] = {
        [PHYS_BOOL] = "bool",       [PHYS_INT16] = "int16",   [PHYS_INT32] = "int32",
        [PHYS_INT64] = "int64",     [PHYS_INT128] = "int128", [PHYS_FLOAT32] = "float32",
        [PHYS_FLOAT64] = "float64", [PHYS_STR] = "str",       [PHYS_INTERVAL] = "interval"};

    return names[phys];
}

bool type_is_integer(Type type)
{
    return type.id == TYPE_INT2 || type.id == TYPE_INT4 || type.id == TYPE_INT8;
}

bool type_is_float(Type type)
{
    return type.id == TYPE_FLOAT4 || type.id == TYPE_FLOAT8;
}

bool type_is_number(Type type)
{
    return type_category(type) == 'N';
}

bool type_is_text(Type type)
{
    return type_category(type) == 'S';
}

char type_category(Type type)
{
    return type_rows[type.id].category;
}

const char *type_id_name(TypeId id)
{
    return type_rows[id].name;
}

const char *type_name(Arena *arena, Type type)
{
    const char *name = type_rows[type.id].name;

    if (type.id == TYPE_DECIMAL && type.precision > 0)
        return arena_printf(arena, "%s(%d,%d)", name, type.precision, type.scale);
    if ((type.id == TYPE_VARCHAR || type.id == TYPE_CHAR) && type.length > 0)
        return arena_printf(arena, "%s(%d)", name, (int)type.length);
    return name;
}
