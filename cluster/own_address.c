/* own_address.c -- see own_address.h */
#include "cluster/own_address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A datagram socket that is connected has the address that it would send from. */
static bool address_towards(const struct addrinfo *peer, char *host, size_t bytes)
{
    struct sockaddr_storage own;
    socklen_t own_bytes = sizeof own;
    int fd = socket(peer->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_known = fd >= 0 && connect(fd, peer->ai_addr, peer->ai_addrlen) == 0 &&
                    getsockname(fd, (struct sockaddr *)&own, &own_bytes) == 0 &&
                    getnameinfo((struct sockaddr *)&own, own_bytes, host, (socklen_t)bytes, NULL, 0,
                                NI_NUMERICHOST) == 0;

    if (fd >= 0)
        close(fd);
    return is_known;
}

Status own_address(Arena *arena, RpcAddress peer, Error *err, const char **host_out)
{
    struct addrinfo wanted = {.ai_socktype = SOCK_DGRAM}, *peers = NULL;
    char port[8], host[NI_MAXHOST];
    int failure;

    *host_out = NULL;
    snprintf(port, sizeof port, "%u", (unsigned)peer.port);
    failure = getaddrinfo(peer.host, port, &wanted, &peers);
    if (failure != 0)
        return error_set(err, ST_IO, "cannot find \"%s\": %s", peer.host, gai_strerror(failure));
    for (const struct addrinfo *one = peers; one != NULL && *host_out == NULL; one = one->ai_next)
        if (address_towards(one, host, sizeof host))
            *host_out = arena_strdup(arena, host);
    freeaddrinfo(peers);
    if (*host_out != NULL)
        return ST_OK;
    return error_set_errno(err, errno, "this machine does not reach \"%s\"", peer.host);
}

/* A container has the kernel's boot, and a network of its own. */
const char *own_network(Arena *arena)
{
    char boot[64], network[64];
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t boot_bytes = fd < 0 ? -1 : read(fd, boot, sizeof boot);
    ssize_t network_bytes = readlink("/proc/self/ns/net", network, sizeof network);

    if (fd >= 0)
        close(fd);
    if (boot_bytes <= 1 || network_bytes <= 0)
        return NULL;
    return arena_printf(arena, "%.*s %.*s", (int)boot_bytes - 1, boot, (int)network_bytes, network);
}
