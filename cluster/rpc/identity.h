/*
 * identity.h -- who a process is, in its cluster
 *
 *     member            the master, workers, keepers, whoever holds the secret or a node's key pair
 *     driver/3          a driver that a worker runs
 *     driver/3/app/7    an executor of an application that this driver has
 *     app/7             an executor of an application whose driver is a member
 *
 * Each can be whoever is below it, and make the key that proves it, but nobody above or beside it:
 * so a process that runs users' code is given the key of what it is, and no other (docs/adr/0014).
 */
#ifndef VONK_CLUSTER_RPC_IDENTITY_H
#define VONK_CLUSTER_RPC_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers of the master's; 0: none. Zeros are a member. */
typedef struct Identity {
    int64_t driver, application;
} Identity;

static inline bool identity_is_member(Identity who)
{
    return who.driver == 0 && who.application == 0;
}

/* Whether the first one is the other, or above it. */
bool identity_holds(Identity outer, Identity inner);

/* "driver/3/app/7"; "" of a member. */
enum { IDENTITY_TEXT_BYTES = 64 };
void identity_text(Identity who, char text_out[IDENTITY_TEXT_BYTES]);
/* False: it is no such text, or a member's. */
bool identity_parse(const char *text, size_t byte_count, Identity *who_out);

#endif
