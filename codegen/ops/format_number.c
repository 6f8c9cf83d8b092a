/*
 * format_number.c -- to_char of numbers and to_number: '99,999.99' and the like; see by_template.h
 *
 *     template  ->  how many digits before and after the point, where zeros begin, which sign
 *     number    ->  rounded to the digits after the point, as text
 *     both      ->  the template's places one after the other, a digit (or blank) for each
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "codegen/ops/by_template.h"

enum { PLACES_MAX = 256 };

typedef struct Picture {
    int before, after;        /* digits of the point */
    int zero_start, zero_end; /* the first and last place with a 0; -1: none */
    int sign_place;           /* of S: digits before it; -1: none */
    bool has_point, has_zero, is_fill, has_minus, has_plus, has_bracket;
    bool has_sign, sign_is_behind; /* S */
} Picture;

typedef enum Place {
    PLACE_TEXT,
    PLACE_NINE,
    PLACE_ZERO,
    PLACE_POINT,
    PLACE_COMMA,
    PLACE_MINUS,
    PLACE_PLUS,
    PLACE_SIGN,
    PLACE_S,
    PLACE_BRACKET,
    PLACE_FILL,
    PLACE_CURRENCY,
    PLACE_UNKNOWN
} Place;

typedef struct Token {
    Place place;
    const char *start;
    uint32_t bytes;
} Token;

static bool is_word(const char *at, const char *end, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(end - at) < length)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((at[i] & ~0x20) != word[i])
            return false;
    return true;
}

static Token take(Token *token, Place place, uint32_t bytes, const char **at)
{
    token->place = place;
    token->bytes = bytes;
    *at += bytes;
    return *token;
}

static Token take_text(const char **at, const char *end, bool in_quotes)
{
    Token token = {.place = PLACE_TEXT};

    if (**at == '\\' && *at + 1 < end && (in_quotes || (*at)[1] == '"'))
        (*at)++;
    token.start = *at;
    token.bytes = 1;
    while (*at + token.bytes < end && ((*at)[token.bytes] & 0xc0) == 0x80)
        token.bytes++;
    *at += token.bytes;
    return token;
}

static const struct {
    const char *word;
    Place place;
} words[] = {
    {"EEEE", PLACE_UNKNOWN}, {"FM", PLACE_FILL},    {"MI", PLACE_MINUS},  {"PL", PLACE_PLUS},
    {"PR", PLACE_BRACKET},   {"RN", PLACE_UNKNOWN}, {"SG", PLACE_SIGN},   {"SP", PLACE_UNKNOWN},
    {"TH", PLACE_UNKNOWN},   {"B", PLACE_UNKNOWN},  {"C", PLACE_UNKNOWN}, {"D", PLACE_POINT},
    {"G", PLACE_COMMA},      {"L", PLACE_CURRENCY}, {"S", PLACE_S},       {"V", PLACE_UNKNOWN}};

/* False at the end. */
static bool next_token(const char **at, const char *end, bool *in_quotes, Token *token)
{
    static const char signs[] = "90.,";
    static const Place places[] = {PLACE_NINE, PLACE_ZERO, PLACE_POINT, PLACE_COMMA};
    const char *sign;

    while (*at < end && **at == '"') {
        *in_quotes = !*in_quotes;
        (*at)++;
    }
    if (*at == end)
        return false;
    *token = (Token){.start = *at};
    sign = *in_quotes || **at == '\0' ? NULL : strchr(signs, **at);
    if (sign != NULL) {
        take(token, places[sign - signs], 1, at);
        return true;
    }
    for (size_t i = 0; !*in_quotes && i < sizeof words / sizeof *words; i++)
        if (is_word(*at, end, words[i].word)) {
            take(token, words[i].place, (uint32_t)strlen(words[i].word), at);
            return true;
        }
    *token = take_text(at, end, *in_quotes);
    return true;
}

/* --- the template --- */

static void note_zero(Picture *picture)
{
    if (!picture->has_zero && !picture->has_point) {
        picture->has_zero = true;
        picture->zero_start = picture->before;
    }
    if (picture->has_point)
        picture->after++;
    else
        picture->before++;
    picture->zero_end = picture->before + picture->after;
}

static void note_sign(Picture *picture)
{
    if (picture->has_sign)
        return;
    picture->has_sign = true;
    picture->sign_is_behind = picture->has_point;
    picture->sign_place = picture->before;
}

static bool note_token(OpCtx *ctx, Picture *picture, const Token *token)
{
    switch (token->place) {
    case PLACE_NINE:
        *(picture->has_point ? &picture->after : &picture->before) += 1;
        break;
    case PLACE_ZERO:
        note_zero(picture);
        break;
    case PLACE_POINT:
        if (picture->has_point) {
            op_raise(ctx, OPERR_TEMPLATE_POINTS);
            return false;
        }
        picture->has_point = true;
        break;
    case PLACE_MINUS:
        picture->has_minus = true;
        break;
    case PLACE_PLUS:
        picture->has_plus = true;
        break;
    case PLACE_SIGN:
        picture->has_minus = picture->has_plus = true;
        break;
    case PLACE_S:
        note_sign(picture);
        break;
    case PLACE_BRACKET:
        picture->has_bracket = true;
        break;
    case PLACE_FILL:
        picture->is_fill = true;
        break;
    case PLACE_UNKNOWN:
        op__raise_text(ctx, OPERR_TEMPLATE, str_make(token->start, token->bytes));
        return false;
    default:
        break;
    }
    return true;
}

static bool read_picture(OpCtx *ctx, Str template, Picture *picture)
{
    const char *at = str_bytes(&template), *end = at + template.length;
    bool in_quotes = false;
    Token token;

    *picture = (Picture){.zero_start = -1, .sign_place = -1};
    while (next_token(&at, end, &in_quotes, &token))
        if (!note_token(ctx, picture, &token))
            return false;
    if (picture->before + picture->after > PLACES_MAX) {
        op_raise(ctx, OPERR_TEXT_TOO_LONG);
        return false;
    }
    if (picture->has_sign && picture->sign_place == picture->before)
        picture->sign_is_behind = true;
    return true;
}

/* --- the number --- */

typedef struct Digits {
    char text[2 * PLACES_MAX +
              512]; /* digits, and a point where the template has places behind it */
    size_t before;  /* digits */
    bool is_negative;
} Digits;

/* Adds one to the last digit of text[0..length), a number with perhaps a point; true: a digit
 * more is needed. */
static bool round_up(char *text, size_t length)
{
    for (size_t i = length; i-- > 0;) {
        if (text[i] == '.')
            continue;
        if (text[i] != '9') {
            text[i]++;
            return false;
        }
        text[i] = '0';
    }
    return true;
}

/* number as digits of a decimal point, rounded half away from zero. */
static void round_text(Str number, int after, Digits *digits)
{
    const char *at = str_bytes(&number), *end = at + number.length, *point;
    size_t length, kept;
    bool up;

    digits->is_negative = at < end && *at == '-';
    at += digits->is_negative;
    point = memchr(at, '.', (size_t)(end - at));
    digits->before = (size_t)((point == NULL ? end : point) - at);
    length = (size_t)(end - at);
    kept = digits->before + (after > 0 ? 1 + (size_t)after : 0);
    up = digits->before + 1 + (size_t)after < length &&
         at[digits->before + 1 + (size_t)after] >= '5';
    memcpy(digits->text, at, length < kept ? length : kept);
    for (size_t i = length; i < kept; i++)
        digits->text[i] = i == digits->before ? '.' : '0';
    if (up && round_up(digits->text, kept)) {
        memmove(digits->text + 1, digits->text, kept++);
        digits->text[0] = '1';
        digits->before++;
    }
    digits->text[kept] = '\0';
}

/* As many digits as a double has, and no more. */
static void print_float(double number, int *after, Digits *digits)
{
    int before = snprintf(digits->text, sizeof digits->text, "%.0f", fabs(number));

    if (before >= DBL_DIG)
        *after = 0;
    else if (before + *after > DBL_DIG)
        *after = DBL_DIG - before;
    snprintf(digits->text, sizeof digits->text, "%.*f", *after, fabs(number));
    digits->is_negative = signbit(number) != 0;
    digits->before = strcspn(digits->text, ".");
}

/* --- writing --- */

typedef struct Writer {
    const Picture *picture;
    const char *number, *next; /* digits not written yet */
    const char *last_relevant; /* with FM: the last digit, or the point, that is shown */
    int blanks;                /* places before the number's first digit */
    int place, place_count;
    bool is_negative, sign_is_done, has_digit;
    char *out;
} Writer;

static void put(Writer *writer, char c)
{
    *writer->out++ = c;
}

static char sign_of(const Writer *writer)
{
    return writer->is_negative ? '-' : '+';
}

/* The 0 of 0.5 in '9.9' is a blank. */
static bool is_hidden_zero(const Writer *writer)
{
    return !writer->picture->has_zero && writer->next == writer->number && *writer->number == '0' &&
           writer->picture->after != 0;
}

static bool ends_in_point(const Writer *writer)
{
    return writer->last_relevant != NULL && *writer->last_relevant == '.';
}

static void put_leading_sign(Writer *writer)
{
    const Picture *picture = writer->picture;
    bool is_number_next = writer->place >= writer->blanks ||
                          (picture->has_zero && picture->zero_start == writer->place);

    if (writer->sign_is_done || !is_number_next ||
        (is_hidden_zero(writer) && !ends_in_point(writer)))
        return;
    if (picture->has_sign) {
        if (picture->sign_is_behind)
            return;
        put(writer, sign_of(writer));
    } else if (picture->has_bracket) {
        put(writer, writer->is_negative ? '<' : ' ');
    } else if (writer->is_negative) {
        put(writer, '-');
    } else if (!picture->is_fill) {
        put(writer, ' ');
    }
    writer->sign_is_done = true;
}

static void put_digit(Writer *writer, Place place)
{
    bool is_beyond = writer->last_relevant != NULL && writer->next > writer->last_relevant;

    if (*writer->next == '.') {
        if (!ends_in_point(writer) || writer->picture->is_fill)
            put(writer, '.');
    } else if (is_beyond && place != PLACE_ZERO) {
        ;
    } else if (is_hidden_zero(writer)) {
        if (!writer->picture->is_fill)
            put(writer, ' ');
        else if (ends_in_point(writer))
            put(writer, '0');
    } else if (*writer->next != '\0') {
        put(writer, *writer->next);
        writer->has_digit = true;
    }
    if (*writer->next != '\0')
        writer->next++;
}

static void put_trailing_sign(Writer *writer)
{
    const Picture *picture = writer->picture;
    int end = writer->place_count + (writer->blanks > 0) + picture->has_point;

    if (writer->last_relevant != NULL && writer->last_relevant == writer->next)
        end = writer->place;
    if (writer->place + 1 != end)
        return;
    if (writer->sign_is_done && picture->has_bracket)
        put(writer, writer->is_negative ? '>' : ' ');
    else if (picture->has_sign && picture->sign_is_behind)
        put(writer, sign_of(writer));
}

static void put_place(Writer *writer, Place place)
{
    const Picture *picture = writer->picture;
    bool is_before = writer->place < writer->blanks;

    put_leading_sign(writer);
    if (is_before && (!picture->has_zero || picture->zero_start > writer->place)) {
        if (!picture->is_fill)
            put(writer, ' ');
    } else if (is_before) {
        put(writer, '0');
        writer->has_digit = true;
    } else {
        put_digit(writer, place);
    }
    put_trailing_sign(writer);
    writer->place++;
}

static void put_token(Writer *writer, const Token *token)
{
    bool is_fill = writer->picture->is_fill;

    switch (token->place) {
    case PLACE_NINE:
    case PLACE_ZERO:
    case PLACE_POINT:
        put_place(writer, token->place);
        break;
    case PLACE_COMMA:
        if (writer->has_digit)
            put(writer, ',');
        else if (!is_fill)
            put(writer, ' ');
        break;
    case PLACE_CURRENCY:
        put(writer, ' ');
        break;
    case PLACE_MINUS:
        if (writer->is_negative || !is_fill)
            put(writer, writer->is_negative ? '-' : ' ');
        break;
    case PLACE_PLUS:
        if (!writer->is_negative || !is_fill)
            put(writer, writer->is_negative ? ' ' : '+');
        break;
    case PLACE_SIGN:
        put(writer, sign_of(writer));
        break;
    case PLACE_TEXT:
        memcpy(writer->out, token->start, token->bytes);
        writer->out += token->bytes;
        break;
    default:
        break;
    }
}

static void find_last_relevant(Writer *writer)
{
    const Picture *picture = writer->picture;
    const char *point = strchr(writer->number, '.'), *last = point;
    int length = (int)strlen(writer->number);

    if (!picture->is_fill || !picture->has_point || point == NULL)
        return;
    for (const char *p = point + 1; *p != '\0'; p++)
        last = *p != '0' ? p : last;
    if (picture->zero_end > writer->blanks) {
        int zero = picture->zero_end - writer->blanks;
        const char *least = writer->number + (zero < length - 1 ? zero : length - 1);

        last = last < least ? least : last;
    }
    writer->last_relevant = last;
}

static Str write_number(OpCtx *ctx, Str template, const Picture *picture, Digits *digits)
{
    const char *at = str_bytes(&template), *end = at + template.length;
    char *out = op_text_new(ctx, (size_t)template.length + PLACES_MAX + 8);
    Writer writer = {.picture = picture,
                     .is_negative = digits->is_negative,
                     .place_count = picture->after + picture->before - 1,
                     .out = out};
    bool in_quotes = false;
    Token token;

    if (out == NULL)
        return str_make("", 0);
    if (digits->before > (size_t)picture->before) {
        memset(digits->text, '#', (size_t)(picture->before + picture->after + 1));
        digits->text[picture->before] = '.';
        digits->text[picture->before + picture->after + 1] = '\0';
    } else {
        writer.blanks = picture->before - (int)digits->before;
    }
    writer.number = writer.next = digits->text;
    if (picture->has_plus || picture->has_minus)
        writer.sign_is_done = picture->has_minus || !picture->has_plus;
    else
        writer.sign_is_done = !writer.is_negative && picture->is_fill && !picture->has_sign;
    find_last_relevant(&writer);
    if (!writer.sign_is_done && writer.blanks == 0)
        writer.place_count++;
    while (next_token(&at, end, &in_quotes, &token))
        put_token(&writer, &token);
    return str_make(out, (uint32_t)(writer.out - out));
}

/* --- */

Str op__to_char_number(OpCtx *ctx, Str number, Str template)
{
    Picture picture;
    Digits digits;

    if (!read_picture(ctx, template, &picture))
        return str_make("", 0);
    round_text(number, picture.after, &digits);
    return write_number(ctx, template, &picture, &digits);
}

Str op__to_char_float8(OpCtx *ctx, double number, Str template)
{
    Picture picture;
    Digits digits;

    if (!read_picture(ctx, template, &picture))
        return str_make("", 0);
    if (number - number != 0) {
        op_raise(ctx, OPERR_TEMPLATE_SPECIAL);
        return str_make("", 0);
    }
    print_float(number, &picture.after, &digits);
    return write_number(ctx, template, &picture, &digits);
}

/* --- reading --- */

typedef struct NumberReader {
    const char *at, *end;
    Int128 value;
    int digits; /* read */
} NumberReader;

static bool take_char(NumberReader *reader, const char *any_of)
{
    if (reader->at == reader->end || *reader->at == '\0' || strchr(any_of, *reader->at) == NULL)
        return false;
    reader->at++;
    return true;
}

/* At most that many digits; how many. */
static int take_digits(NumberReader *reader, int digits_max, bool has_comma)
{
    int digits = 0;

    for (; reader->at < reader->end; reader->at++) {
        if (*reader->at == ',' && has_comma)
            continue;
        if (*reader->at < '0' || *reader->at > '9' || digits == digits_max)
            break;
        reader->value = reader->value * 10 + (*reader->at - '0');
        digits++;
    }
    reader->digits += digits;
    return digits;
}

/* Blanks, sign or bracket, currency, digits, point, digits, sign or bracket, blanks: all of it. */
static bool read_by_picture(NumberReader *reader, const Picture *picture, Str template,
                            int32_t scale)
{
    const char *format = str_bytes(&template);
    bool has_comma = memchr(format, ',', template.length) != NULL ||
                     memchr(format, 'G', template.length) != NULL;
    bool has_currency = memchr(format, '$', template.length) != NULL ||
                        memchr(format, 'L', template.length) != NULL;
    bool has_sign_behind = picture->has_sign || picture->has_minus;
    bool is_negative = false, is_bracketed = false;
    int after = 0;

    while (take_char(reader, " "))
        continue;
    if (picture->has_bracket && take_char(reader, "<"))
        is_bracketed = true;
    else if (take_char(reader, "-"))
        is_negative = true;
    else
        (void)take_char(reader, "+");
    while (take_char(reader, has_currency ? " $" : " "))
        continue;
    take_digits(reader, picture->before, has_comma);
    if (picture->has_point && take_char(reader, "."))
        after = take_digits(reader, scale, false);
    for (; after < scale; after++)
        reader->value *= 10;
    if (is_bracketed && !take_char(reader, ">"))
        return false;
    if (has_sign_behind && take_char(reader, "-"))
        is_negative = true;
    while (take_char(reader, " "))
        continue;
    if (is_negative || is_bracketed)
        reader->value = -reader->value;
    return reader->at == reader->end && reader->digits > 0;
}

Int128 op__to_number(OpCtx *ctx, Str text, Str template, int32_t scale)
{
    NumberReader reader = {.at = str_bytes(&text), .end = str_bytes(&text) + text.length};
    Picture picture;

    if (!read_picture(ctx, template, &picture))
        return 0;
    if (picture.before + scale <= DECIMAL_DIGITS &&
        read_by_picture(&reader, &picture, template, scale))
        return reader.value;
    op__raise_text(ctx, OPERR_TEMPLATE_NUMBER, text);
    return 0;
}
