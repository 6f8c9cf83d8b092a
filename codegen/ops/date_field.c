/* date_field.c -- see date_field.h */
#include "codegen/ops/date_field.h"

static const struct {
    DateField field;
    const char *names; /* the first is the one that messages use; a blank after each */
} field_names[] = {
    {FIELD_MICROSECOND, "microseconds microsecon microsecond us usec usecond useconds usecs "},
    {FIELD_MILLISECOND, "milliseconds millisecon millisecond ms msec msecond mseconds msecs "},
    {FIELD_SECOND, "second s sec seconds secs "},
    {FIELD_MINUTE, "minute m min mins minutes "},
    {FIELD_HOUR, "hour h hours hr hrs "},
    {FIELD_DAY, "day d days "},
    {FIELD_WEEK, "week w weeks "},
    {FIELD_MONTH, "month mon mons months "},
    {FIELD_QUARTER, "quarter qtr "},
    {FIELD_YEAR, "year y years yr yrs "},
    {FIELD_DECADE, "decade dec decades decs "},
    {FIELD_CENTURY, "century c cent centuries "},
    {FIELD_MILLENNIUM, "millennium mil millennia mils "},
    {FIELD_DOW, "dow "},
    {FIELD_ISODOW, "isodow "},
    {FIELD_DOY, "doy "},
    {FIELD_ISOYEAR, "isoyear "},
    {FIELD_JULIAN, "julian j jd "},
    {FIELD_EPOCH, "epoch "}};

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool word_is(const char *word, size_t word_bytes, Str name)
{
    const char *bytes = str_bytes(&name);

    if (word_bytes != name.length)
        return false;
    for (size_t i = 0; i < word_bytes; i++)
        if (to_lower(bytes[i]) != word[i])
            return false;
    return true;
}

DateField op__date_field(Str name)
{
    for (size_t i = 0; i < sizeof field_names / sizeof field_names[0]; i++)
        for (const char *word = field_names[i].names; *word != '\0';) {
            size_t bytes = strcspn(word, " ");

            if (word_is(word, bytes, name))
                return field_names[i].field;
            word += bytes + 1;
        }
    return FIELD_UNKNOWN;
}

static Str field_name(DateField field)
{
    for (size_t i = 0; i < sizeof field_names / sizeof field_names[0]; i++)
        if (field_names[i].field == field)
            return str_make(field_names[i].names, (uint32_t)strcspn(field_names[i].names, " "));
    return str_make("?", 1);
}

void op__raise_field(OpCtx *ctx, int32_t field, TypeId type)
{
    op__raise_type(ctx, OPERR_UNIT_UNSUPPORTED, field_name((DateField)field), type);
}

void op__raise_trunc_field(OpCtx *ctx, int32_t field, TypeId type)
{
    OpError error = field >= FIELD_DOW ? OPERR_UNIT_UNKNOWN : OPERR_UNIT_UNSUPPORTED;

    op__raise_type(ctx, error, field_name((DateField)field), type);
}

void op__raise_field_name(OpCtx *ctx, Str name, TypeId type)
{
    op__raise_type(ctx, OPERR_UNIT_UNKNOWN, name, type);
}
