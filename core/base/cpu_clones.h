/*
 * cpu_clones.h -- loops that are compiled once more for CPUs with wider registers
 *
 *     IN_LOOP uint64_t next(...) {...}         FOR_EACH_CPU static void loop(...) { ... next(...) }
 *
 * The clone is chosen while the program is loaded: too early for a sanitized function. What the
 * loops call is inlined, as only so it is compiled for that CPU. None may compute with floats.
 * Other processors than x86-64 have one form of them.
 */
#ifndef VONK_CORE_BASE_CPU_CLONES_H
#define VONK_CORE_BASE_CPU_CLONES_H

#if defined(__SANITIZE_THREAD__) || !defined(__x86_64__)
#define FOR_EACH_CPU
#else
#define FOR_EACH_CPU __attribute__((target_clones("arch=x86-64-v3", "default")))
#endif
#define IN_LOOP static inline __attribute__((always_inline))

#endif
