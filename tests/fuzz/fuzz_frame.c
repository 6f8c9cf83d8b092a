/* fuzz_frame.c -- any bytes as a frame: found sound, or refused in words */
#include <stdint.h>
#include <stdlib.h>

#include "cluster/rpc/frame_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    static const char *const names[] = {"fetch", "launch", NULL};
    Error err = ERROR_NONE;

    if (frame_check(bytes, byte_count, &err) == ST_OK) {
        (void)frame_is_call(bytes, names);
    } else if (err.message[0] == '\0') {
        abort();
    }
    return 0;
}
