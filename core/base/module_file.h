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

#include <stdbool.h>
#include <stddef.h>

#include "core/base/status.h"

/* The folder of the program or library that this code is in, up to its last slash; "" if it cannot
 * be told. */
void module_own_folder(char *folder, size_t bytes);

/* The path of libvonk_<name>.so, where it is beside the program or library that this code is in. */
bool module_find(const char *name, char *path, size_t bytes);

/*
 * What "vonk_<name>_module" of libvonk_<name>.so is: a function of the caller's type. The module is
 * beside the program or library that this code is in, or where the loader finds it, and stays
 * loaded. Its text "vonk_<name>_interface" must be that: both were built from the same headers.
 * ST_NOT_SUPPORTED, with what for: there is none that fits.
 */
typedef void (*ModuleFn)(void);
MUST_CHECK Status module_load(const char *name, const char *interface, const char *what_for,
                              Error *err, ModuleFn *get_out);

#endif
