/*
 * clock_shim.c -- the time of day as a test wants it, under LD_PRELOAD
 *
 * VONK_CLOCK_FILE names a file of 8 bytes: how many seconds it is later, from now on. What counts
 * time (CLOCK_MONOTONIC) goes on, as in a machine whose clock somebody sets. Waits until a time of
 * day are left as they are: who has one waits for days, and is found.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *later;

__attribute__((constructor)) static void open_clock(void)
{
    const char *path = getenv("VONK_CLOCK_FILE");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *later, PROT_READ, MAP_SHARED, fd, 0);

    if (map != MAP_FAILED)
        later = map;
    if (fd >= 0)
        close(fd);
}

static int64_t seconds_later(void)
{
    return later == NULL ? 0 : *later;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    int result;

    if (real == NULL)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    result = real(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += seconds_later();
    return result;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec moment;

    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &moment) != 0)
        return -1;
    now->tv_sec = moment.tv_sec;
    now->tv_usec = moment.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now_out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now_out != NULL)
        *now_out = now.tv_sec;
    return now.tv_sec;
}
