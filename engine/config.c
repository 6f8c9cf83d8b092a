/* config.c -- see config.h */
#include "engine/config.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/invariant.h"
#include "core/base/str.h"
#include "core/rdd/block_pack.h"

typedef enum SettingKind {
    SETTING_BYTES,
    SETTING_COUNT,
    SETTING_CHOICE_JIT,
    SETTING_CHOICE_CODEC,
    SETTING_SWITCH,
    SETTING_TEXT
} SettingKind;

typedef struct Setting {
    const char *name;
    SettingKind kind;
    size_t offset;
    const char *fallback;
} Setting;

static const Setting settings[] = {
#define SETTING(field, name, kind, fallback, what)                                                 \
    {name, SETTING_##kind, offsetof(Config, field), fallback},
#include "engine/config.def"
#undef SETTING
};

static const SettingInfo setting_infos[] = {
#define SETTING(field, name, kind, fallback, what) {name, what},
#include "engine/config.def"
#undef SETTING
};

enum { SETTING_COUNT_ALL = sizeof settings / sizeof settings[0] };

static const char *const jit_words[] = {[JIT_OFF] = "off", [JIT_AUTO] = "auto", [JIT_ON] = "on"};

uint32_t config_settings(const SettingInfo **settings_out)
{
    *settings_out = setting_infos;
    return SETTING_COUNT_ALL;
}

static const Setting *find_setting(const char *name)
{
    for (uint32_t i = 0; i < SETTING_COUNT_ALL; i++)
        if (strcasecmp(settings[i].name, name) == 0)
            return &settings[i];
    return NULL;
}

static Status unknown_setting(const char *name, Error *err)
{
    const char *nearest = NULL;
    uint32_t nearest_distance = 4;

    error_set_state(err, ST_BAD_INPUT, "42704", "unrecognized configuration parameter \"%s\"",
                    name);
    for (uint32_t i = 0; i < SETTING_COUNT_ALL; i++) {
        uint32_t distance = str_edit_distance(name, settings[i].name, nearest_distance);

        if (distance < nearest_distance) {
            nearest = settings[i].name;
            nearest_distance = distance;
        }
    }
    if (nearest != NULL)
        error_hint(err, "Did you mean \"%s\"?", nearest);
    else
        error_hint(err, "SHOW ALL lists the settings.");
    return ST_BAD_INPUT;
}

static Status bad_value(const Setting *setting, const char *value, const char *wanted, Error *err)
{
    error_set_state(err, ST_BAD_INPUT, "22023", "invalid value for parameter \"%s\": \"%s\"",
                    setting->name, value);
    error_hint(err, "Wanted: %s.", wanted);
    return ST_BAD_INPUT;
}

Status config_parse_bytes(const char *text, uint64_t *bytes_out, Error *err)
{
    static const struct {
        const char *word;
        double factor;
    } units[] = {{"", 1},
                 {"b", 1},
                 {"k", 1024},
                 {"kb", 1000},
                 {"kib", 1024},
                 {"m", 1048576},
                 {"mb", 1e6},
                 {"mib", 1048576},
                 {"g", 1073741824},
                 {"gb", 1e9},
                 {"gib", 1073741824},
                 {"t", 1099511627776},
                 {"tb", 1e12},
                 {"tib", 1099511627776}};
    char *end;
    double number = strtod(text, &end);

    *bytes_out = 0;
    while (isspace((unsigned char)*end))
        end++;
    for (size_t i = 0; end != text && number >= 0 && i < sizeof units / sizeof units[0]; i++) {
        if (strcasecmp(end, units[i].word) == 0 && number * units[i].factor < 9e18) {
            *bytes_out = (uint64_t)(number * units[i].factor);
            return ST_OK;
        }
    }
    error_set_state(err, ST_BAD_INPUT, "22023", "\"%s\" is not a size", text);
    error_hint(err, "Sizes look like 512MiB, 2GiB or 1000000.");
    return ST_BAD_INPUT;
}

static bool parse_switch(const char *value, bool *on_out)
{
    static const char *const on_words[] = {"on", "true", "yes", "1"};
    static const char *const off_words[] = {"off", "false", "no", "0"};

    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(value, on_words[i]) == 0) {
            *on_out = true;
            return true;
        }
        if (strcasecmp(value, off_words[i]) == 0) {
            *on_out = false;
            return true;
        }
    }
    return false;
}

static Status set_jit(const Setting *setting, JitMode *field, const char *value, Error *err)
{
    for (int mode = JIT_OFF; mode <= JIT_ON; mode++) {
        if (strcasecmp(value, jit_words[mode]) == 0) {
            *field = (JitMode)mode;
            return ST_OK;
        }
    }
    return bad_value(setting, value, "off, on or auto", err);
}

static Status set_count(const Setting *setting, uint64_t *field, const char *value, Error *err)
{
    bool is_batch = strcmp(setting->name, "batch_rows") == 0;
    uint64_t low = is_batch ? 1 : 0, high = is_batch ? BATCH_ROWS_MAX : 1024, number;
    char *end, wanted[64];

    errno = 0;
    number = strtoull(value, &end, 10);
    if (errno == 0 && isdigit((unsigned char)*value) && *end == '\0' && number >= low &&
        number <= high) {
        *field = number;
        return ST_OK;
    }
    snprintf(wanted, sizeof wanted, "a whole number from %d to %d", (int)low, (int)high);
    return bad_value(setting, value, wanted, err);
}

static Status set_field(Config *config, const Setting *setting, const char *value, Error *err)
{
    void *field = (char *)config + setting->offset;

    switch (setting->kind) {
    case SETTING_BYTES:
        return config_parse_bytes(value, field, err);
    case SETTING_COUNT:
        return set_count(setting, field, value, err);
    case SETTING_CHOICE_JIT:
        return set_jit(setting, field, value, err);
    case SETTING_CHOICE_CODEC:
        return block_codec_of_name(value, field)
                   ? ST_OK
                   : bad_value(setting, value, "none, lz4, snappy or zstd", err);
    case SETTING_SWITCH:
        return parse_switch(value, field) ? ST_OK : bad_value(setting, value, "on or off", err);
    case SETTING_TEXT:
        *(const char **)field = arena_strdup(config->arena, value);
        return ST_OK;
    }
    UNREACHABLE("setting kind");
}

void config_init(Config *config, Arena *arena)
{
    *config = (Config){.arena = arena};
    CHECK(config_reset(config, "all", NULL) == ST_OK);
}

Status config_set(Config *config, const char *name, const char *value, Error *err)
{
    const Setting *setting = find_setting(name);

    if (setting == NULL)
        return unknown_setting(name, err);
    return set_field(config, setting, value, err);
}

Status config_reset(Config *config, const char *name, Error *err)
{
    const Setting *setting = find_setting(name);

    if (strcasecmp(name, "all") == 0) {
        for (uint32_t i = 0; i < SETTING_COUNT_ALL; i++)
            TRY(set_field(config, &settings[i], settings[i].fallback, err));
        return ST_OK;
    }
    if (setting == NULL)
        return unknown_setting(name, err);
    return set_field(config, setting, setting->fallback, err);
}

static const char *print_bytes(Arena *arena, uint64_t bytes)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;

    while (unit < 4 && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    return arena_printf(arena, "%llu%s", (unsigned long long)bytes, units[unit]);
}

const char *config_get(Arena *arena, const Config *config, const char *name)
{
    const Setting *setting = find_setting(name);
    const void *field;

    if (setting == NULL)
        return NULL;
    field = (const char *)config + setting->offset;
    switch (setting->kind) {
    case SETTING_BYTES:
        return print_bytes(arena, *(const uint64_t *)field);
    case SETTING_COUNT:
        return arena_printf(arena, "%llu", (unsigned long long)*(const uint64_t *)field);
    case SETTING_CHOICE_JIT:
        return jit_words[*(const JitMode *)field];
    case SETTING_CHOICE_CODEC:
        return block_codec_name(*(const Codec *)field);
    case SETTING_SWITCH:
        return *(const bool *)field ? "on" : "off";
    case SETTING_TEXT:
        return *(const char *const *)field;
    }
    UNREACHABLE("setting kind");
}

/* The number in the file, or UINT64_MAX when there is none ("max"). */
static uint64_t read_number(const char *path)
{
    FILE *file = fopen(path, "re");
    unsigned long long number = UINT64_MAX;

    if (file == NULL)
        return UINT64_MAX;
    if (fscanf(file, "%llu", &number) != 1)
        number = UINT64_MAX;
    fclose(file);
    return number;
}

static uint64_t machine_memory(const char **from_out)
{
    uint64_t machine_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t v2_bytes = read_number("/sys/fs/cgroup/memory.max");
    uint64_t v1_bytes = read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes");
    uint64_t cgroup_bytes = v2_bytes < v1_bytes ? v2_bytes : v1_bytes;

    *from_out = cgroup_bytes < machine_bytes ? "cgroup" : "machine";
    return cgroup_bytes < machine_bytes ? cgroup_bytes : machine_bytes;
}

/* Cores this process may use: its affinity mask, cut by the cgroup's quota. */
static uint32_t machine_threads(const char **from_out)
{
    cpu_set_t set;
    uint32_t cores = 1;
    unsigned long long quota, period;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");

    *from_out = "machine";
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cores = (uint32_t)CPU_COUNT(&set);
    if (file != NULL) {
        if (fscanf(file, "%llu %llu", &quota, &period) == 2 && period > 0) {
            uint32_t allowed = (uint32_t)((quota + period - 1) / period);

            if (allowed >= 1 && allowed < cores) {
                cores = allowed;
                *from_out = "cgroup";
            }
        }
        fclose(file);
    }
    return cores;
}

Resources config_resources(const Config *config)
{
    Resources resources = {config->memory, (uint32_t)config->threads, "setting", "setting"};

    if (resources.memory_bytes == 0)
        resources.memory_bytes = machine_memory(&resources.memory_from) / 4 * 3;
    if (resources.threads == 0)
        resources.threads = machine_threads(&resources.threads_from);
    return resources;
}

static SettingInForce memory_in_force(Arena *arena, Resources resources)
{
    bool is_cgroup = strcmp(resources.memory_from, "cgroup") == 0;
    double mib = (double)resources.memory_bytes / 1048576;

    return (SettingInForce){.value = arena_printf(arena, "%.0f MiB a query", mib),
                            .from = is_cgroup ? "three quarters of the cgroup's limit"
                                              : "three quarters of the machine's memory"};
}

static SettingInForce threads_in_force(Arena *arena, Resources resources)
{
    bool is_cgroup = strcmp(resources.threads_from, "cgroup") == 0;

    return (SettingInForce){.value = arena_printf(arena, "%u", resources.threads),
                            .from = is_cgroup ? "the cgroup's quota of cores"
                                              : "the cores that this process may use"};
}

uint32_t config_describe(Arena *arena, const Config *config, const SettingInForce **rows_out)
{
    SettingInForce *rows = ARENA_ARRAY(arena, SettingInForce, SETTING_COUNT_ALL);
    Resources resources = config_resources(config);
    const char *folder = getenv("TMPDIR");

    for (uint32_t i = 0; i < SETTING_COUNT_ALL; i++) {
        const char *value = config_get(arena, config, settings[i].name);
        bool is_default = strcmp(value, settings[i].fallback) == 0;

        rows[i] = (SettingInForce){.value = value, .from = is_default ? "default" : "set"};
        if (config->memory == 0 && strcmp(settings[i].name, "memory") == 0)
            rows[i] = memory_in_force(arena, resources);
        else if (config->threads == 0 && strcmp(settings[i].name, "threads") == 0)
            rows[i] = threads_in_force(arena, resources);
        else if (is_default && strcmp(settings[i].name, "spill_dir") == 0)
            rows[i] = (SettingInForce){.value = folder == NULL ? "/tmp" : folder,
                                       .from = folder == NULL ? "default" : "TMPDIR"};
        rows[i].name = settings[i].name;
    }
    *rows_out = rows;
    return SETTING_COUNT_ALL;
}
