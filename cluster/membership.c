/* membership.c -- see membership.h */
#include "cluster/membership.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/clock.h"
#include "core/plan/plan_wire.h"

const char *membership_secret_file(const char *given)
{
    const char *path = given != NULL ? given : getenv("VONK_SECRET_FILE");

    return path == NULL || path[0] == '\0' ? NULL : path;
}

Status membership_keys(const RpcModule *rpc, const char *secret_file, Error *err,
                       ChannelKeys **keys_out)
{
    Secret secret;
    Status status;

    *keys_out = NULL;
    if (secret_file == NULL)
        return ST_OK;
    status = rpc->secret_read(secret_file, err, &secret);
    if (status == ST_OK)
        status = rpc->channel_keys_new(&secret, err, keys_out);
    rpc->secret_wipe(&secret);
    return status;
}

Status membership_password(const RpcModule *rpc, const char *secret_file, const char *whose,
                           Error *err, char password_out[MEMBERSHIP_PASSWORD_BYTES])
{
    Secret secret;
    Status status = rpc->secret_read(secret_file, err, &secret);

    snprintf(password_out, MEMBERSHIP_PASSWORD_BYTES, "vonk:");
    if (status == ST_OK)
        status = rpc->secret_derive(&secret, whose, err, password_out + strlen(password_out));
    rpc->secret_wipe(&secret);
    return status;
}

Status membership_key(const RpcModule *rpc, const char *file, Error *err,
                      unsigned char key_out[SECRET_KEY_BYTES])
{
    Secret secret;
    Status status = rpc->secret_read(file, err, &secret);

    memcpy(key_out, secret.key, SECRET_KEY_BYTES);
    rpc->secret_wipe(&secret);
    return status;
}

RpcBuild membership_build(void)
{
    return (RpcBuild){VONK_VERSION, plan_wire_vocabulary()};
}

int64_t membership_incarnation(void)
{
    uint64_t bits = 0;

    while (bits == 0) {
        if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
            bits = (uint64_t)clock_now_ns();
        bits >>= 1;
    }
    return (int64_t)bits;
}
