/*
 * module_file.h -- shared objects that are part of Vonk, loaded when first needed
 *
 * What costs a process too much to link (LLVM takes 16 ms to load) or what it should not have to
 * trust (GLib ends the process when memory is refused) is in a module of its own.
 *
 * Thread: any.
 */
#ifndef VONK_CORE_BASE_MODULE_FILE_H
#define VONK_CORE_BASE_MODULE_FILE_H

#include <stddef.h>

/* The folder of the program or library that this code is in, up to its last slash; "" if it cannot
 * be told. */
void module_own_folder(char *folder, size_t bytes);

/* "libvonk_jit.so", beside the program or library that this code is in, or where the loader finds
 * it. A handle of dlopen; NULL: dlerror says why. */
void *module_open(const char *name);

#endif
