/*
 * channel.h -- bytes between two processes that know each other
 *
 *     keys = channel_keys_new(secret)         NULL: no secret, loopback only
 *     server: channel_listen -> accept(2) -> channel_accepted -> channel_step, ... -> open
 *     client: channel_connect
 *     both:   channel_read, channel_write -> channel_close
 *
 * First each says in 8 bytes how it proves who it is; ends that differ part, each knowing why. TLS
 * 1.3 follows, with ephemeral Diffie-Hellman: from a secret, which gives the pre-shared key (RFC
 * 8446, 4.2.11), or with certificates, each of which the cluster's authority vouches for
 * (node_keys.h). Whoever cannot prove it is gone before the first byte that anybody parses, and so
 * is a server that cannot.
 *
 * A client speaks as itself, or as somebody below it (identity.h): so it speaks to executors as
 * their application, whose key is all that they have. It gets to who it speaks as, or above. A
 * server knows then who has called, and takes who is below or above it.
 *
 * Every call ends at its deadline: a moment of clock_now_ns.
 *
 * Thread: a channel is one thread's, but for channel_interrupt.
 */
#ifndef VONK_CLUSTER_RPC_CHANNEL_H
#define VONK_CLUSTER_RPC_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "cluster/rpc/secret.h"

/* Of an error of channel_connect: the machine answers, and nobody listens there: whoever did has
 * ended. */
#define SQLSTATE_REFUSED "08001"

typedef struct ChannelKeys ChannelKeys;
typedef struct Channel Channel;

MUST_CHECK Status channel_keys_new(const Secret *secret, Error *err, ChannelKeys **keys_out);
void channel_keys_free(ChannelKeys *keys); /* accepts NULL; channels must be closed */
/* Whose they are; a member's: NULL. */
Identity channel_keys_identity(const ChannelKeys *keys);

/* A listening socket. port 0: any, which *port_out is. ST_BAD_INPUT for an address that is not
 * loopback when keys is NULL. */
MUST_CHECK Status channel_listen(const char *host, uint16_t port, const ChannelKeys *keys,
                                 Error *err, int *fd_out, uint16_t *port_out);

/* What a channel waits for until it is open. */
typedef enum ChannelStep {
    CHANNEL_OPEN,
    CHANNEL_WANTS_READ,
    CHANNEL_WANTS_WRITE,
    CHANNEL_FAILED
} ChannelStep;

/* Takes the socket, which accept has given. */
Channel *channel_accepted(int fd, const ChannelKeys *keys);
/* Goes as far as it can without waiting; CHANNEL_FAILED: *err says why. */
ChannelStep channel_step(Channel *channel, Error *err);
int channel_fd(const Channel *channel);

MUST_CHECK Status channel_connect(const char *host, uint16_t port, const ChannelKeys *keys,
                                  Identity as, int64_t deadline_ns, Error *err,
                                  Channel **channel_out);

/* All of the bytes, or an error; the channel is of no use after one. ST_CANCELLED: the other side
 * has ended it, between two messages as far as is known here (only where is_start). */
MUST_CHECK Status channel_read(Channel *channel, void *bytes, size_t byte_count, bool is_start,
                               int64_t deadline_ns, Error *err);
MUST_CHECK Status channel_write(Channel *channel, const void *bytes, size_t byte_count,
                                int64_t deadline_ns, Error *err);
/* One part after the other, from where they lie; what parts says is used up. */
MUST_CHECK Status channel_write_parts(Channel *channel, struct iovec *parts, size_t part_count,
                                      int64_t deadline_ns, Error *err);

/* Whether it is open and nothing has come that nobody asked for. */
bool channel_is_quiet(const Channel *channel);

/* Of one that is open: who the other side has proved to be. Without keys everybody is a
 * member. */
Identity channel_identity(const Channel *channel);

/* The node of the other side has not been shut out since; a client or server asks before a call. */
bool channel_is_welcome(const Channel *channel);

/* "127.0.0.1:4711" */
const char *channel_peer(const Channel *channel);

/* From any thread: what waits in the channel ends with an error. */
void channel_interrupt(Channel *channel);
void channel_close(Channel *channel); /* accepts NULL */

#endif
