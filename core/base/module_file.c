/* module_file.c -- see module_file.h */
#include "core/base/module_file.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void module_own_folder(char *folder, size_t bytes)
{
    Dl_info self;
    ssize_t length;
    char *slash;

    folder[0] = '\0';
    if (dladdr((void *)(uintptr_t)&module_own_folder, &self) == 0 || self.dli_fname == NULL)
        return;
    if (strchr(self.dli_fname, '/') != NULL) {
        snprintf(folder, bytes, "%s", self.dli_fname);
    } else { /* a program found by PATH is known by its bare name */
        length = readlink("/proc/self/exe", folder, bytes - 1);
        folder[length < 0 ? 0 : length] = '\0';
    }
    slash = strrchr(folder, '/');
    if (slash == NULL)
        folder[0] = '\0';
    else
        slash[1] = '\0';
}

bool module_find(const char *name, char *path, size_t bytes)
{
    static const char *const places[] = {"", "../lib/x86_64-linux-gnu/", "../lib/", "../lib64/"};
    char own[2048];

    module_own_folder(own, sizeof own);
    for (size_t i = 0; own[0] != '\0' && i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, bytes, "%s%slibvonk_%s.so", own, places[i], name);
        if (access(path, R_OK) == 0)
            return true;
    }
    return false;
}

Status module_load(const char *name, const char *interface, const char *what_for, Error *err,
                   ModuleFn *get_out)
{
    char file[64], symbol[64], path[4096];
    const char *its_interface;
    void *handle = NULL;

    *get_out = NULL;
    snprintf(file, sizeof file, "libvonk_%s.so", name);
    if (module_find(name, path, sizeof path))
        handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return error_set(err, ST_NOT_SUPPORTED, "%s needs %s: %s", what_for, file, dlerror());
    snprintf(symbol, sizeof symbol, "vonk_%s_interface", name);
    its_interface = dlsym(handle, symbol);
    snprintf(symbol, sizeof symbol, "vonk_%s_module", name);
    if (its_interface != NULL && strcmp(its_interface, interface) == 0)
        *get_out = (ModuleFn)(uintptr_t)dlsym(handle, symbol);
    if (*get_out != NULL)
        return ST_OK;
    return error_set(err, ST_NOT_SUPPORTED, "%s needs %s, and the one found is of another build",
                     what_for, file);
}
