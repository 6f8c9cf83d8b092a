/* hash_text.h -- a 64-bit hash of some bytes (XXH3): for names of files, against damage */
#ifndef VONK_CORE_BASE_HASH_TEXT_H
#define VONK_CORE_BASE_HASH_TEXT_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_text(const char *bytes, size_t byte_count);

#endif
