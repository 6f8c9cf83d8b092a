/* utf8_check.h -- is this UTF-8? */
#ifndef VONK_CORE_BASE_UTF8_CHECK_H
#define VONK_CORE_BASE_UTF8_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* No overlong forms, no surrogates, nothing past U+10FFFF. */
bool utf8_is_valid(const char *text, size_t byte_count);

/* No byte has its high bit set. */
bool utf8_is_ascii(const void *bytes, size_t byte_count);

#endif
