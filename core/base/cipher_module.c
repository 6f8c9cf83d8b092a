/* cipher_module.c -- see cipher_module.h */
#include "core/base/cipher_module.h"

#include <errno.h>
#include <sys/random.h>

#include "core/base/module_file.h"

Status cipher_module(Error *err, const CipherModule **module_out)
{
    ModuleFn get;

    *module_out = NULL;
    TRY(module_load("cipher", CIPHER_INTERFACE, "spill_encryption", err, &get));
    *module_out = ((CipherModuleFn)get)();
    return ST_OK;
}

Status cipher_key_make(Error *err, CipherKey *key_out)
{
    if (getrandom(key_out, sizeof *key_out, 0) == (ssize_t)sizeof *key_out)
        return ST_OK;
    return error_set_errno(err, errno, "there are no random numbers for a key");
}
