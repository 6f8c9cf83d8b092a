/*
 * config.h -- a session's settings, by name and as typed fields
 *
 * config.def lists them. What stands at its default is derived from the machine: config_describe
 * says from what.
 */
#ifndef VONK_ENGINE_CONFIG_H
#define VONK_ENGINE_CONFIG_H

#include "codegen/kernel.h"
#include "core/base/arena.h"
#include "core/base/codec.h"

#define CONFIG_BYTES        uint64_t
#define CONFIG_COUNT        uint64_t
#define CONFIG_CHOICE_JIT   JitMode
#define CONFIG_CHOICE_CODEC Codec
#define CONFIG_SWITCH       bool
#define CONFIG_TEXT         const char *

typedef struct Config {
    Arena *arena; /* texts */
#define SETTING(field, name, kind, fallback, what) CONFIG_##kind field;
#include "engine/config.def"
#undef SETTING
} Config;

/* Defaults; texts live in the arena. */
void config_init(Config *config, Arena *arena);

/* Errors: 42704 for an unknown name (with a "did you mean"), 22023 for a value that does not fit.
 */
MUST_CHECK Status config_set(Config *config, const char *name, const char *value, Error *err);
MUST_CHECK Status config_reset(Config *config, const char *name,
                               Error *err); /* "all": all of them */

/* The value as text, in the arena; NULL: no such setting. */
const char *config_get(Arena *arena, const Config *config, const char *name);

typedef struct SettingInfo {
    const char *name;
    const char *what;
} SettingInfo;
uint32_t config_settings(const SettingInfo **settings_out);

/* What holds for a query: defaults filled in from the machine. */
typedef struct Resources {
    uint64_t memory_bytes;
    uint32_t threads;
    const char *memory_from; /* "setting", "cgroup", "machine" */
    const char *threads_from;
} Resources;
Resources config_resources(const Config *config);

/* A setting as it holds for a query, and where that comes from: EXPLAIN (CONFIG). */
typedef struct SettingInForce {
    const char *name;
    const char *value; /* "2 threads" */
    const char *from;  /* "the machine's cores", "default", "set" */
} SettingInForce;
uint32_t config_describe(Arena *arena, const Config *config, const SettingInForce **rows_out);

/* "2GiB", "512MB", "1048576", "64k": bytes. */
MUST_CHECK Status config_parse_bytes(const char *text, uint64_t *bytes_out, Error *err);

#endif
