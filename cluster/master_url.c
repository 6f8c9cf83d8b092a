/* master_url.c -- see master_url.h */
#include "cluster/master_url.h"

#include <stdlib.h>
#include <string.h>

static const char scheme[] = "vonk://";

static Status bad_url(const char *url, Error *err)
{
    error_set(err, ST_BAD_INPUT, "\"%s\" is no master's URL", url);
    error_hint(err, "It looks like vonk://host:port, or vonk://host:port,host:port with standbys.");
    return ST_BAD_INPUT;
}

/* "7077"; false: no port */
static bool parse_port(const char *text, size_t length, uint16_t *port_out)
{
    char digits[6] = "";
    unsigned long port;

    if (length == 0 || length >= sizeof digits || strspn(text, "0123456789") < length)
        return false;
    memcpy(digits, text, length);
    port = strtoul(digits, NULL, 10);
    *port_out = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

/* host, host:port, [address]:port */
static bool parse_one(Arena *arena, const char *text, size_t length, RpcAddress *address_out)
{
    const char *end = text + length, *host = text, *host_end, *rest;

    if (length > 0 && text[0] == '[') {
        host++;
        host_end = memchr(text, ']', length);
        if (host_end == NULL)
            return false;
        rest = host_end + 1;
    } else {
        host_end = memchr(text, ':', length);
        host_end = host_end == NULL ? end : host_end;
        rest = host_end;
    }
    if (host == host_end || memchr(host, '/', (size_t)(host_end - host)) != NULL)
        return false;
    *address_out = (RpcAddress){arena_strndup(arena, host, (size_t)(host_end - host)), MASTER_PORT};
    if (rest == end)
        return true;
    return *rest == ':' && parse_port(rest + 1, (size_t)(end - rest - 1), &address_out->port);
}

Status master_url_parse(Arena *arena, const char *url, Error *err, MasterUrl *url_out)
{
    const char *at = url + strlen(scheme);

    *url_out = (MasterUrl){0};
    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return bad_url(url, err);
    for (;;) {
        size_t length = strcspn(at, ",");

        if (url_out->count == MASTERS_MAX)
            return error_set(err, ST_BAD_INPUT, "\"%s\" names more than %d masters", url,
                             MASTERS_MAX);
        if (!parse_one(arena, at, length, &url_out->masters[url_out->count++]))
            return bad_url(url, err);
        if (at[length] == '\0')
            return ST_OK;
        at += length + 1;
    }
}

const char *master_url_text(Arena *arena, RpcAddress address)
{
    return strchr(address.host, ':') != NULL
               ? arena_printf(arena, "[%s]:%u", address.host, address.port)
               : arena_printf(arena, "%s:%u", address.host, address.port);
}
