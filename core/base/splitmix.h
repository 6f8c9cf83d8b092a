/*
 * splitmix.h -- numbers that look as if they were drawn, made of numbers
 *
 * Another number for each, all bits of which depend on all of its own: the last steps of SplitMix64
 * (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
 *
 * Thread: any.
 */
#ifndef VONK_CORE_BASE_SPLITMIX_H
#define VONK_CORE_BASE_SPLITMIX_H

#include <stdint.h>

/* What neighbours are set apart by, before they are mixed. */
#define SPLITMIX_STEP UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t splitmix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#endif
