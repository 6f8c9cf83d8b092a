/* channel.c -- see channel.h */
#include "cluster/rpc/channel_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster/rpc/node_keys.h"
#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/invariant.h"

enum { HELLO_VERSION = 2, BACKLOG = 1024, PARTS_AT_ONCE = 256 };
static const char same_file[] =
    "Every process of a cluster is started with the same --secret-file, or with key pairs that the "
    "same vonk cluster init --tls has made.";

/* --- addresses --- */

static bool is_loopback(const struct sockaddr *address)
{
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;

    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
    return address->sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127));
}

static Status resolve(const char *host, uint16_t port, int flags, const ChannelKeys *keys,
                      Error *err, struct addrinfo **list_out)
{
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    char service[8];
    int failure;

    snprintf(service, sizeof service, "%u", port);
    failure = getaddrinfo(host, service, &wanted, list_out);
    if (failure != 0)
        return error_set(err, ST_IO, "cannot find the host \"%s\": %s", host,
                         gai_strerror(failure));
    for (struct addrinfo *at = *list_out; keys == NULL && at != NULL; at = at->ai_next) {
        if (is_loopback(at->ai_addr))
            continue;
        freeaddrinfo(*list_out);
        *list_out = NULL;
        error_set(err, ST_BAD_INPUT,
                  "\"%s\" is not this machine alone: without a secret only loopback is used", host);
        error_hint(err, "Make a secret with vonk cluster init, and give it to every process of the "
                        "cluster with --secret-file.");
        return ST_BAD_INPUT;
    }
    return ST_OK;
}

static void note_peer(Channel *channel)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof address;
    char host[NI_MAXHOST], port[NI_MAXSERV];

    snprintf(channel->peer, sizeof channel->peer, "somebody");
    if (getpeername(channel->fd, (struct sockaddr *)&address, &bytes) == 0 &&
        getnameinfo((struct sockaddr *)&address, bytes, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(channel->peer, sizeof channel->peer, "%.60s:%.8s", host, port);
}

static int open_listener(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
    int error_number;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    error_number = errno;
    close(fd);
    errno = error_number;
    return -1;
}

Status channel_listen(const char *host, uint16_t port, const ChannelKeys *keys, Error *err,
                      int *fd_out, uint16_t *port_out)
{
    struct sockaddr_storage bound = {0};
    socklen_t bytes = sizeof bound;
    struct addrinfo *list;
    int error_number;

    *fd_out = -1;
    *port_out = 0;
    TRY(resolve(host, port, AI_PASSIVE, keys, err, &list));
    *fd_out = open_listener(list);
    error_number = errno;
    freeaddrinfo(list);
    if (*fd_out < 0)
        return error_set_errno(err, error_number, "cannot listen on %s:%u", host, port);
    getsockname(*fd_out, (struct sockaddr *)&bound, &bytes);
    *port_out = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                  : ((struct sockaddr_in *)&bound)->sin_port);
    return ST_OK;
}

/* --- getting to know each other --- */

static Channel *new_channel(int fd, const ChannelKeys *keys, bool is_server)
{
    Arena *arena = arena_new(NULL, "channel", ARENA_NO_CAP);
    Channel *channel = ARENA_NEW(arena, Channel);
    int one = 1;

    channel->arena = arena;
    channel->keys = keys;
    channel->fd = fd;
    channel->is_server = is_server;
    channel->state = is_server ? GETS_HELLO : SENDS_HELLO;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return channel;
}

Channel *channel_accepted(int fd, const ChannelKeys *keys)
{
    Channel *channel = new_channel(fd, keys, true);

    note_peer(channel);
    return channel;
}

static ChannelStep step_failed(const Channel *channel, Error *err, const char *why)
{
    error_set(err, ST_IO, "no connection with %s: %s", channel->peer, why);
    return CHANNEL_FAILED;
}

static ChannelStep step_failed_errno(const Channel *channel, Error *err)
{
    error_set_errno(err, errno, "no connection with %s", channel->peer);
    return CHANNEL_FAILED;
}

static Proof own_proof(const Channel *channel)
{
    return channel->keys == NULL ? PROOF_NONE : channel->keys->proof;
}

/* Both have said what they have; the server says so even to whom it will not talk. */
static ChannelStep compare_hellos(Channel *channel, const unsigned char *theirs, Error *err)
{
    static const char *const names[] = {"no secret", "a secret", "a key pair"};
    Proof they_have = theirs[5], we_have = own_proof(channel);
    char why[80];

    if (they_have == we_have)
        return CHANNEL_OPEN;
    snprintf(why, sizeof why, "it has %s, and this process has %s", names[they_have],
             we_have == PROOF_NONE     ? "none"
             : they_have == PROOF_NONE ? "one"
                                       : names[we_have]);
    step_failed(channel, err, why);
    error_hint(err, same_file);
    return CHANNEL_FAILED;
}

static ChannelStep send_hello(Channel *channel, const unsigned char *hello, Error *err)
{
    while (channel->hello_done < HELLO_BYTES) {
        ssize_t done = send(channel->fd, hello + channel->hello_done,
                            HELLO_BYTES - channel->hello_done, MSG_NOSIGNAL);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno == EAGAIN ? CHANNEL_WANTS_WRITE : step_failed_errno(channel, err);
        channel->hello_done += (uint32_t)done;
    }
    channel->hello_done = 0;
    return CHANNEL_OPEN;
}

static ChannelStep get_hello(Channel *channel, unsigned char *hello, Error *err)
{
    while (channel->hello_done < HELLO_BYTES) {
        ssize_t done =
            recv(channel->fd, hello + channel->hello_done, HELLO_BYTES - channel->hello_done, 0);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno == EAGAIN ? CHANNEL_WANTS_READ : step_failed_errno(channel, err);
        if (done == 0)
            return step_failed(channel, err, "it has closed it");
        channel->hello_done += (uint32_t)done;
    }
    channel->hello_done = 0;
    if (memcmp(hello, "VRPC", 4) != 0 || hello[4] != HELLO_VERSION || hello[5] >= PROOFS)
        return step_failed(channel, err, "it does not speak as a process of this Vonk does");
    return CHANNEL_OPEN;
}

static bool begin_tls(Channel *channel)
{
    const ChannelKeys *keys = channel->keys;
    BIO *bio;

    channel->ssl = SSL_new(channel->is_server ? keys->server : keys->client);
    bio = BIO_new(keys->socket);
    if (channel->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, (void *)(intptr_t)channel->fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(channel->ssl, bio, bio);
    SSL_set_app_data(channel->ssl, channel);
    return true;
}

/* What OpenSSL wants; CHANNEL_FAILED: it has given up. */
static ChannelStep tls_wants(const Channel *channel, int result)
{
    switch (SSL_get_error(channel->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return CHANNEL_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return CHANNEL_WANTS_WRITE;
    default:
        return CHANNEL_FAILED;
    }
}

/* Above or below; at a client: who it speaks as, or above. */
static bool is_wanted(const Channel *channel)
{
    return channel->is_server ? identity_holds(channel->keys->who, channel->identity) ||
                                    identity_holds(channel->identity, channel->keys->who)
                              : identity_holds(channel->identity, channel->as);
}

/* A handshake without the key, or a certificate, is none; nor is one of a stranger. */
static bool has_proved(Channel *channel)
{
    if (own_proof(channel) == PROOF_SECRET) {
        if (!channel->is_server) /* or above: who has the key is that, for all that is said */
            channel->identity = channel->as;
        return SSL_session_reused(channel->ssl) == 1;
    }
    if (SSL_get0_peer_certificate(channel->ssl) == NULL ||
        SSL_get_verify_result(channel->ssl) != X509_V_OK ||
        !node_keys_peer(channel->ssl, &channel->identity))
        return false;
    if (!is_wanted(channel))
        node_keys_name(SSL_get0_peer_certificate(channel->ssl), channel->stranger);
    return channel->stranger[0] == '\0';
}

/* What it has shown is good for others. */
static ChannelStep no_acquaintance(Channel *channel, Error *err)
{
    char why[PEER_NAME_BYTES + IDENTITY_TEXT_BYTES + 80], own[IDENTITY_TEXT_BYTES];

    identity_text(channel->is_server ? channel->keys->who : channel->as, own);
    if (channel->stranger[0] == '\0')
        return step_failed(channel, err, "it has not proved who it is");
    snprintf(why, sizeof why,
             "it says that it is %s, and this process has nothing to do with it: %s",
             channel->stranger, own[0] == '\0' ? "a member" : own);
    return step_failed(channel, err, why);
}

static void describe_tls(const Channel *channel, Error *err)
{
    unsigned long reason = ERR_peek_error();
    long verified = SSL_get_verify_result(channel->ssl);
    char name[NODE_NAME_BYTES];

    if (verified != X509_V_OK) {
        node_keys_name(SSL_get0_peer_certificate(channel->ssl), name);
        error_detail(err, "TLS: %s%s%s.", X509_verify_cert_error_string(verified),
                     name[0] == '\0' ? "" : ", of node ", name);
    } else {
        error_detail(err, "TLS: %s.",
                     reason == 0 ? "the other side closed it" : ERR_reason_error_string(reason));
    }
    error_hint(
        err, "%s",
        verified == X509_V_ERR_HOSTNAME_MISMATCH
            ? "vonk cluster init --tls DIR NODE=ADDRESS,... says where a node is, NODE=* that "
              "it may be anywhere."
            : same_file);
}

/* An alert has come. */
static bool refuses_ours(void)
{
    unsigned long reason = ERR_peek_error();

    return ERR_GET_LIB(reason) == ERR_LIB_SSL && ERR_GET_REASON(reason) > SSL_AD_REASON_OFFSET;
}

static const char *why_no_handshake(const Channel *channel)
{
    if (own_proof(channel) == PROOF_SECRET)
        return "it has another secret, or the connection was cut";
    switch (SSL_get_verify_result(channel->ssl)) {
    case X509_V_OK:
        return refuses_ours() ? "it does not take our key pair" : "the connection was cut";
    case X509_V_ERR_CERT_REVOKED:
        return "its node is shut out";
    case X509_V_ERR_HOSTNAME_MISMATCH:
        return "its key pair is of a node that is elsewhere";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "its key pair has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "its key pair is not valid yet: is a clock wrong?";
    default:
        return "its key pair is another cluster's";
    }
}

static ChannelStep no_handshake(Channel *channel, Error *err)
{
    if (channel->stranger[0] != '\0')
        return no_acquaintance(channel, err);
    step_failed(channel, err, why_no_handshake(channel));
    describe_tls(channel, err);
    return CHANNEL_FAILED;
}

/* In TLS 1.3 a client is done before the server has looked at its certificate: a byte says that it
 * was taken. */
static ChannelStep welcome(Channel *channel, Error *err)
{
    unsigned char byte = 'V';
    ChannelStep step;
    size_t done;
    int result;

    ERR_clear_error();
    result = channel->is_server ? SSL_write_ex(channel->ssl, &byte, 1, &done)
                                : SSL_read_ex(channel->ssl, &byte, 1, &done);
    if (result == 1)
        return CHANNEL_OPEN;
    step = tls_wants(channel, result);
    return step == CHANNEL_FAILED ? no_handshake(channel, err) : step;
}

static ChannelStep shake_hands(Channel *channel, Error *err)
{
    ChannelStep step;
    int result;

    ERR_clear_error();
    result = channel->is_server ? SSL_accept(channel->ssl) : SSL_connect(channel->ssl);
    if (result == 1)
        return has_proved(channel) ? CHANNEL_OPEN : no_acquaintance(channel, err);
    step = tls_wants(channel, result);
    return step == CHANNEL_FAILED ? no_handshake(channel, err) : step;
}

/* One state further, or what keeps it. */
static ChannelStep step_once(Channel *channel, Error *err)
{
    unsigned char ours[HELLO_BYTES] = {'V', 'R',           'P',
                                       'C', HELLO_VERSION, (unsigned char)own_proof(channel)};
    ChannelStep step;

    switch (channel->state) {
    case SENDS_HELLO:
        step = send_hello(channel, ours, err);
        if (step != CHANNEL_OPEN)
            return step;
        channel->sent_hello = true;
        break;
    case GETS_HELLO:
        step = get_hello(channel, channel->hello, err);
        if (step != CHANNEL_OPEN)
            return step;
        channel->got_hello = true;
        break;
    case SHAKES_HANDS:
        step = shake_hands(channel, err);
        if (step == CHANNEL_OPEN)
            channel->state = own_proof(channel) == PROOF_KEY_PAIR ? IS_WELCOMED : IS_OPEN;
        return step;
    case IS_WELCOMED:
        step = welcome(channel, err);
        if (step == CHANNEL_OPEN)
            channel->state = IS_OPEN;
        return step;
    case IS_OPEN:
        return CHANNEL_OPEN;
    }
    if (!channel->sent_hello || !channel->got_hello) {
        channel->state = channel->sent_hello ? GETS_HELLO : SENDS_HELLO;
        return CHANNEL_OPEN;
    }
    if (compare_hellos(channel, channel->hello, err) != CHANNEL_OPEN)
        return CHANNEL_FAILED;
    channel->state = channel->keys == NULL ? IS_OPEN : SHAKES_HANDS;
    if (channel->keys != NULL && !begin_tls(channel))
        return step_failed(channel, err, "OpenSSL has no memory");
    return CHANNEL_OPEN;
}

ChannelStep channel_step(Channel *channel, Error *err)
{
    ChannelStep step = CHANNEL_OPEN;

    while (step == CHANNEL_OPEN && channel->state != IS_OPEN)
        step = step_once(channel, err);
    return step;
}

int channel_fd(const Channel *channel)
{
    return channel->fd;
}

/* --- waiting --- */

static Status too_late(const Channel *channel, Error *err)
{
    return error_set(err, ST_IO, "no answer from %s before the deadline", channel->peer);
}

static Status wait_for(const Channel *channel, ChannelStep wanted, int64_t deadline_ns, Error *err)
{
    struct pollfd entry = {.fd = channel->fd,
                           .events = wanted == CHANNEL_WANTS_READ ? POLLIN : POLLOUT};

    for (;;) {
        int64_t left_ms = (deadline_ns - clock_now_ns() + 999999) / 1000000;
        int ready;

        if (left_ms <= 0)
            return too_late(channel, err);
        ready = poll(&entry, 1, left_ms > 60000 ? 60000 : (int)left_ms);
        if (ready > 0)
            return ST_OK;
        if (ready < 0 && errno != EINTR)
            return error_set_errno(err, errno, "cannot wait for %s", channel->peer);
    }
}

/* --- connecting --- */

static Status not_connected(const Channel *channel, int failure, Error *err)
{
    if (failure == ECONNREFUSED)
        return error_set_state(err, ST_IO, SQLSTATE_REFUSED, "no connection with %s: %s",
                               channel->peer, strerrordesc_np(failure));
    return error_set_errno(err, failure, "no connection with %s", channel->peer);
}

static Status connect_to(Channel *channel, const struct addrinfo *address, int64_t deadline_ns,
                         Error *err)
{
    int failure = 0;
    socklen_t bytes = sizeof failure;
    ChannelStep step;

    if (connect(channel->fd, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS)
        return not_connected(channel, errno, err);
    TRY(wait_for(channel, CHANNEL_WANTS_WRITE, deadline_ns, err));
    getsockopt(channel->fd, SOL_SOCKET, SO_ERROR, &failure, &bytes);
    if (failure != 0)
        return not_connected(channel, failure, err);
    while ((step = channel_step(channel, err)) != CHANNEL_OPEN) {
        if (step == CHANNEL_FAILED)
            return ST_IO;
        TRY(wait_for(channel, step, deadline_ns, err));
    }
    return ST_OK;
}

Status channel_connect(const char *host, uint16_t port, const ChannelKeys *keys, Identity as,
                       int64_t deadline_ns, Error *err, Channel **channel_out)
{
    struct addrinfo *list;
    Status status = ST_IO;

    *channel_out = NULL;
    TRY(resolve(host, port, 0, keys, err, &list));
    for (struct addrinfo *at = list; at != NULL && *channel_out == NULL; at = at->ai_next) {
        int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        Channel *channel;

        if (fd < 0) {
            status = error_set_errno(err, errno, "no socket for %s:%u", host, port);
            continue;
        }
        channel = new_channel(fd, keys, false);
        channel->as = as;
        channel->host = is_loopback(at->ai_addr) ? NULL : host;
        snprintf(channel->peer, sizeof channel->peer, "%.60s:%u", host, port);
        status = connect_to(channel, at, deadline_ns, err);
        if (status == ST_OK)
            *channel_out = channel;
        else
            channel_close(channel);
    }
    freeaddrinfo(list);
    return status;
}

/* --- bytes --- */

/* > 0: so many; else *step_out is what it wants, or CHANNEL_FAILED. *is_end_out: it was closed. */
static ssize_t read_some(Channel *channel, void *bytes, size_t byte_count, ChannelStep *step_out,
                         bool *is_end_out)
{
    ssize_t done;
    size_t got;
    int result;

    *is_end_out = false;
    if (channel->ssl != NULL) {
        ERR_clear_error();
        result = SSL_read_ex(channel->ssl, bytes, byte_count, &got);
        if (result == 1)
            return (ssize_t)got;
        *is_end_out = SSL_get_error(channel->ssl, result) == SSL_ERROR_ZERO_RETURN;
        *step_out = tls_wants(channel, result);
        return 0;
    }
    done = recv(channel->fd, bytes, byte_count, 0);
    if (done > 0)
        return done;
    *is_end_out = done == 0;
    *step_out =
        done < 0 && (errno == EAGAIN || errno == EINTR) ? CHANNEL_WANTS_READ : CHANNEL_FAILED;
    return 0;
}

Status channel_read(Channel *channel, void *bytes, size_t byte_count, bool is_start,
                    int64_t deadline_ns, Error *err)
{
    size_t done = 0;

    CHECK(channel->state == IS_OPEN);
    while (done < byte_count) {
        ChannelStep step = CHANNEL_FAILED;
        bool is_end;
        ssize_t got = read_some(channel, (char *)bytes + done, byte_count - done, &step, &is_end);

        done += (size_t)got;
        if (got > 0)
            continue;
        if (is_end && is_start && done == 0)
            return error_set(err, ST_CANCELLED, "%s has closed the connection", channel->peer);
        if (step == CHANNEL_FAILED)
            return error_set(err, ST_IO, "the connection with %s was cut", channel->peer);
        TRY(wait_for(channel, step, deadline_ns, err));
    }
    return ST_OK;
}

/* There is a byte to be written: how many of them were, else *step_out as above. */
static size_t write_some(Channel *channel, struct iovec *parts, size_t part_count,
                         ChannelStep *step_out)
{
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = part_count < PARTS_AT_ONCE ? part_count : PARTS_AT_ONCE};
    ssize_t done;
    size_t put;
    int result;

    if (channel->ssl != NULL) {
        ERR_clear_error();
        result = SSL_write_ex(channel->ssl, parts->iov_base, parts->iov_len, &put);
        if (result == 1)
            return put;
        *step_out = tls_wants(channel, result);
        return 0;
    }
    done = sendmsg(channel->fd, &message, MSG_NOSIGNAL);
    if (done >= 0)
        return (size_t)done;
    *step_out = errno == EAGAIN || errno == EINTR ? CHANNEL_WANTS_WRITE : CHANNEL_FAILED;
    return 0;
}

Status channel_write_parts(Channel *channel, struct iovec *parts, size_t part_count,
                           int64_t deadline_ns, Error *err)
{
    CHECK(channel->state == IS_OPEN);
    for (;;) {
        ChannelStep step = CHANNEL_FAILED;
        size_t put;

        for (; part_count > 0 && parts->iov_len == 0; parts++)
            part_count--;
        if (part_count == 0)
            return ST_OK;
        put = write_some(channel, parts, part_count, &step);
        if (put == 0 && step == CHANNEL_FAILED)
            return error_set(err, ST_IO, "the connection with %s was cut", channel->peer);
        if (put == 0)
            TRY(wait_for(channel, step, deadline_ns, err));
        while (put > 0) {
            size_t of_part = put < parts->iov_len ? put : parts->iov_len;

            parts->iov_base = (char *)parts->iov_base + of_part;
            parts->iov_len -= of_part;
            put -= of_part;
            if (put > 0) {
                parts++;
                part_count--;
            }
        }
    }
}

Status channel_write(Channel *channel, const void *bytes, size_t byte_count, int64_t deadline_ns,
                     Error *err)
{
    struct iovec part = {(void *)(uintptr_t)bytes, byte_count};

    return channel_write_parts(channel, &part, 1, deadline_ns, err);
}

bool channel_is_quiet(const Channel *channel)
{
    char byte;

    return (channel->ssl == NULL || SSL_pending(channel->ssl) == 0) &&
           recv(channel->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

Identity channel_identity(const Channel *channel)
{
    return channel->identity;
}

bool channel_is_welcome(const Channel *channel)
{
    return own_proof(channel) != PROOF_KEY_PAIR ||
           !revoked_has(channel->keys->revoked, channel->node);
}

const char *channel_peer(const Channel *channel)
{
    return channel->peer;
}

void channel_interrupt(Channel *channel)
{
    shutdown(channel->fd, SHUT_RDWR);
}

void channel_close(Channel *channel)
{
    if (channel == NULL)
        return;
    if (channel->ssl != NULL) {
        ERR_clear_error();
        if (channel->state == IS_OPEN)
            SSL_shutdown(channel->ssl); /* says goodbye; waits for no answer */
        SSL_free(channel->ssl);
        ERR_clear_error();
    }
    close(channel->fd);
    arena_free(channel->arena);
}
