/*
 * like.c -- matching LIKE patterns; see like.h
 *
 * Only the last % needs to be remembered: if the rest cannot match behind a later place of what
 * follows it, no earlier % helps. The literal after a % is searched as a whole.
 */
#include "codegen/ops/like.h"

#include "codegen/ops/string.h"
#include "codegen/ops/utf8.h"

static size_t literal_bytes(const char *pattern, const char *end)
{
    const char *at = pattern;

    while (at < end && *at != '%' && *at != '_' && *at != '\\')
        at++;
    return (size_t)(at - pattern);
}

typedef struct Matcher {
    const char *text, *text_end, *pattern, *pattern_end;
    const char *retry_text;    /* where what follows the last % was tried */
    const char *retry_pattern; /* what follows it; NULL: no % yet         */
} Matcher;

typedef enum Step { STEP_ON, STEP_TRUE, STEP_FALSE } Step;

/* Moves text to the next place where what follows the % may match. */
static Step find_next(Matcher *m)
{
    size_t bytes = literal_bytes(m->retry_pattern, m->pattern_end);
    const char *place = m->retry_text;

    if (m->retry_pattern + bytes == m->pattern_end) { /* the last literal stands at the end */
        if ((size_t)(m->text_end - m->retry_text) < bytes)
            return STEP_FALSE;
        return memcmp(m->text_end - bytes, m->retry_pattern, bytes) == 0 ? STEP_TRUE : STEP_FALSE;
    }
    place = op__find(m->retry_text, m->text_end, m->retry_pattern, bytes);
    if (place == NULL)
        return STEP_FALSE;
    m->retry_text = place;
    m->text = place + bytes;
    m->pattern = m->retry_pattern + bytes;
    return STEP_ON;
}

static Step pass_percent(Matcher *m)
{
    while (m->pattern < m->pattern_end && *m->pattern == '%')
        m->pattern++;
    m->retry_pattern = m->pattern;
    m->retry_text = m->text;
    return find_next(m);
}

static Step try_later(Matcher *m)
{
    if (m->retry_pattern == NULL || m->retry_text >= m->text_end)
        return STEP_FALSE;
    m->retry_text += utf8_character_bytes(m->retry_text, m->text_end);
    return find_next(m);
}

bool op__like(OpCtx *ctx, Str text, Str pattern)
{
    const char *text_bytes = str_bytes(&text), *pattern_bytes = str_bytes(&pattern);
    Matcher m = {text_bytes,    text_bytes + text.length,
                 pattern_bytes, pattern_bytes + pattern.length,
                 NULL,          NULL};
    Step step = op__must_stop(ctx, text.length) ? STEP_FALSE : STEP_ON;

    while (step == STEP_ON) {
        if (m.pattern < m.pattern_end && *m.pattern == '%') {
            step = pass_percent(&m);
        } else if (m.text == m.text_end) {
            if (m.pattern == m.pattern_end)
                return true;
            step = STEP_FALSE; /* a later start only leaves less text */
        } else if (m.pattern < m.pattern_end && *m.pattern == '_') {
            m.text += utf8_character_bytes(m.text, m.text_end);
            m.pattern++;
        } else if (m.pattern < m.pattern_end && *m.pattern == '\\') {
            if (m.pattern + 1 == m.pattern_end) {
                op_raise(ctx, OPERR_LIKE_ESCAPE_LAST);
                return false;
            }
            if (m.pattern[1] == *m.text) {
                m.pattern += 2;
                m.text++;
            } else {
                step = try_later(&m);
            }
        } else if (m.pattern < m.pattern_end && *m.pattern == *m.text) {
            m.pattern++;
            m.text++;
        } else {
            step = try_later(&m);
        }
    }
    return step == STEP_TRUE;
}

bool op__ilike(OpCtx *ctx, Str text, Str pattern)
{
    Str low_text = op__change_case(ctx, text, CASE_LOWER);
    Str low_pattern = op__change_case(ctx, pattern, CASE_LOWER);

    return ctx->error == 0 && op__like(ctx, low_text, low_pattern);
}

Str op__like_escape(OpCtx *ctx, Str pattern, Str escape)
{
    const char *at = str_bytes(&pattern), *end = at + pattern.length;
    const char *escape_bytes = str_bytes(&escape);
    bool after_escape = false;
    char *out, *to;

    if (escape.length > 0 &&
        utf8_character_bytes(escape_bytes, escape_bytes + escape.length) != escape.length) {
        op_raise(ctx, OPERR_LIKE_ESCAPE_LONG);
        return pattern;
    }
    out = to = op_text_new(ctx, (size_t)pattern.length * 2);
    if (out == NULL)
        return pattern;
    while (at < end) {
        size_t bytes = utf8_character_bytes(at, end);

        if (escape.length == bytes && memcmp(at, escape_bytes, bytes) == 0 && !after_escape) {
            *to++ = '\\';
            after_escape = true;
        } else {
            /* the escape character stands for itself after itself; a plain backslash is none now */
            if (*at == '\\' && !after_escape)
                *to++ = '\\';
            memcpy(to, at, bytes);
            to += bytes;
            after_escape = false;
        }
        at += bytes;
    }
    return str_make(out, (uint32_t)(to - out));
}
