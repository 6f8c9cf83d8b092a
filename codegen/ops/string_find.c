/* string_find.c -- functions that look for something in a text; see string.h */
#include "codegen/ops/like.h"
#include "codegen/ops/string.h"

int32_t op__strpos(Str text, Str part)
{
    const char *bytes = str_bytes(&text);
    const char *found = op__find(bytes, bytes + text.length, str_bytes(&part), part.length);

    return found == NULL ? 0 : (int32_t)utf8_count(bytes, (uint32_t)(found - bytes)) + 1;
}

static int64_t count_fields(OpCtx *ctx, const char *at, const char *end, Str delimiter)
{
    const char *asked_at = at;
    int64_t count = 1;

    while ((at = op__find(at, end, str_bytes(&delimiter), delimiter.length)) != NULL &&
           !op_must_stop_at(ctx, at, &asked_at)) {
        at += delimiter.length;
        count++;
    }
    return count;
}

Str op__split_part(OpCtx *ctx, Str text, Str delimiter, int32_t field)
{
    const char *at = str_bytes(&text), *end = at + text.length, *asked_at = at, *found;
    int64_t wanted = field;

    if (field == 0) {
        op_raise(ctx, OPERR_FIELD_POSITION);
        return text;
    }
    if (delimiter.length == 0 || text.length == 0)
        return field == 1 || field == -1 ? text : str_make("", 0);
    if (wanted < 0) /* -1 is the last */
        wanted += count_fields(ctx, at, end, delimiter) + 1;
    if (wanted <= 0)
        return str_make("", 0);
    for (; (found = op__find(at, end, str_bytes(&delimiter), delimiter.length)) != NULL;
         at = found + delimiter.length)
        if (--wanted == 0 || op_must_stop_at(ctx, at, &asked_at))
            return op_slice(at, found);
    return wanted == 1 ? op_slice(at, end) : str_make("", 0);
}

static bool is_member(const char *at, size_t bytes, Str set)
{
    const char *member = str_bytes(&set), *end = member + set.length;

    while (member < end) {
        size_t member_bytes = utf8_character_bytes(member, end);

        if (member_bytes == bytes && memcmp(member, at, bytes) == 0)
            return true;
        member += member_bytes;
    }
    return false;
}

Str op__trim(Str text, Str characters, int32_t sides)
{
    const char *at = str_bytes(&text), *end = at + text.length;

    while ((sides & TRIM_LEFT) && at < end) {
        size_t bytes = utf8_character_bytes(at, end);

        if (!is_member(at, bytes, characters))
            break;
        at += bytes;
    }
    while ((sides & TRIM_RIGHT) && at < end) {
        const char *last = end - 1;

        while (last > at && utf8_continues(*last))
            last--;
        if (!is_member(last, (size_t)(end - last), characters))
            break;
        end = last;
    }
    return op_slice(at, end);
}
