/* identity.c -- see identity.h */
#include "cluster/rpc/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool identity_holds(Identity outer, Identity inner)
{
    if (outer.application != 0)
        return outer.driver == inner.driver && outer.application == inner.application;
    return outer.driver == 0 || outer.driver == inner.driver;
}

void identity_text(Identity who, char text_out[IDENTITY_TEXT_BYTES])
{
    int length = 0;

    text_out[0] = '\0';
    if (who.driver != 0)
        length = snprintf(text_out, IDENTITY_TEXT_BYTES, "driver/%" PRId64, who.driver);
    if (who.application != 0)
        snprintf(text_out + length, IDENTITY_TEXT_BYTES - (size_t)length, "%sapp/%" PRId64,
                 length > 0 ? "/" : "", who.application);
}

static int64_t number_after(const char *text, const char *word)
{
    const char *at = strstr(text, word);

    return at == NULL ? 0 : strtoll(at + strlen(word), NULL, 10);
}

/* What is no text of one is found by making that again. */
bool identity_parse(const char *text, size_t byte_count, Identity *who_out)
{
    char copy[IDENTITY_TEXT_BYTES], again[IDENTITY_TEXT_BYTES];

    *who_out = (Identity){0};
    if (byte_count >= sizeof copy)
        return false;
    memcpy(copy, text, byte_count);
    copy[byte_count] = '\0';
    *who_out = (Identity){.driver = number_after(copy, "driver/"),
                          .application = number_after(copy, "app/")};
    identity_text(*who_out, again);
    if (who_out->driver >= 0 && who_out->application >= 0 && !identity_is_member(*who_out) &&
        strlen(copy) == byte_count && strcmp(copy, again) == 0)
        return true;
    *who_out = (Identity){0};
    return false;
}
