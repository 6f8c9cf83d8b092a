/* metrics_text.c -- see metrics_text.h */
#include "shell/metrics_text.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

/* A metric of each item of a list of the status. */
typedef struct ItemMetric {
    const char *name, *help;
    const char *list, *key; /* key NULL: a count of items a state */
    double unit;            /* what the number is multiplied with  */
} ItemMetric;

static const ItemMetric item_metrics[] = {
    {"vonk_workers", "Workers by state.", "workers", NULL, 1},
    {"vonk_worker_cores", "Cores that a worker gives.", "workers", "cores", 1},
    {"vonk_worker_used_cores", "Cores of executors on a worker.", "workers", "used_cores", 1},
    {"vonk_worker_memory_bytes", "Memory that a worker gives.", "workers", "memory_bytes", 1},
    {"vonk_worker_used_memory_bytes", "Memory of executors on a worker.", "workers",
     "used_memory_bytes", 1},
    {"vonk_worker_executors", "Executors on a worker.", "workers", "executors", 1},
    {"vonk_worker_silent_seconds", "Time since a worker was heard.", "workers", "silent_ms", 1e-3},
    {"vonk_applications", "Applications by state.", "applications", NULL, 1},
    {"vonk_application_executors_wanted", "Executors that an application wants; 0: one a worker.",
     "applications", "executors_wanted", 1},
    {"vonk_application_executors", "Executors that an application has.", "applications",
     "executors", 1},
    {"vonk_application_cores", "Cores of an application's executors.", "applications", "cores", 1},
    {"vonk_application_silent_seconds", "Time since a driver was heard.", "applications",
     "silent_ms", 1e-3},
    {"vonk_executors", "Executors by state.", "executors", NULL, 1},
};

static const char *const stage_states[] = {"done", "running", "failed"};

/* --- JSON --- */

static json_object *member(json_object *of, const char *key)
{
    json_object *found = NULL;

    return of != NULL && json_object_object_get_ex(of, key, &found) ? found : NULL;
}

static const char *text_of(json_object *of, const char *key)
{
    json_object *found = member(of, key);

    return found == NULL ? "" : json_object_get_string(found);
}

static size_t length_of(json_object *list)
{
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

/* --- the text --- */

static void add_head(StrBuf *to, const char *name, const char *help)
{
    strbuf_printf(to, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* Backslashes, quotes and line breaks are escaped: so says the format. */
static void add_label(StrBuf *to, bool is_first, const char *name, const char *value)
{
    strbuf_printf(to, "%c%s=\"", is_first ? '{' : ',', name);
    for (; *value != '\0'; value++)
        if (*value == '\n')
            strbuf_puts(to, "\\n");
        else if (*value == '\\' || *value == '"')
            strbuf_printf(to, "\\%c", *value);
        else
            strbuf_putc(to, *value);
    strbuf_putc(to, '"');
}

static void add_item_labels(StrBuf *to, const char *list, json_object *item)
{
    add_label(to, true, strcmp(list, "workers") == 0 ? "worker" : "application",
              text_of(item, "id"));
    add_label(to, false, "name", text_of(item, "name"));
}

static bool was_counted(json_object *list, size_t before, const char *state)
{
    for (size_t i = 0; i < before; i++)
        if (strcmp(text_of(json_object_array_get_idx(list, i), "state"), state) == 0)
            return true;
    return false;
}

static void add_states(StrBuf *to, const ItemMetric *metric, json_object *list)
{
    for (size_t i = 0; i < length_of(list); i++) {
        const char *state = text_of(json_object_array_get_idx(list, i), "state");
        int64_t count = 0;

        if (was_counted(list, i, state))
            continue;
        for (size_t j = i; j < length_of(list); j++)
            count += strcmp(text_of(json_object_array_get_idx(list, j), "state"), state) == 0;
        strbuf_puts(to, metric->name);
        add_label(to, true, "state", state);
        strbuf_printf(to, "} %" PRId64 "\n", count);
    }
}

static void add_items(StrBuf *to, const ItemMetric *metric, json_object *status)
{
    json_object *list = member(status, metric->list);

    add_head(to, metric->name, metric->help);
    if (metric->key == NULL) {
        add_states(to, metric, list);
        return;
    }
    for (size_t i = 0; i < length_of(list); i++) {
        json_object *item = json_object_array_get_idx(list, i);
        int64_t number = json_object_get_int64(member(item, metric->key));

        strbuf_puts(to, metric->name);
        add_item_labels(to, metric->list, item);
        if (metric->unit == 1)
            strbuf_printf(to, "} %" PRId64 "\n", number);
        else
            strbuf_printf(to, "} %.3f\n", (double)number * metric->unit);
    }
}

static void add_stages_of(StrBuf *to, json_object *application)
{
    json_object *stages = member(application, "stages");

    for (size_t s = 0; s < length_of(stages); s++)
        for (size_t i = 0; i < sizeof stage_states / sizeof stage_states[0]; i++) {
            json_object *stage = json_object_array_get_idx(stages, s);

            strbuf_puts(to, "vonk_stage_tasks");
            add_item_labels(to, "applications", application);
            add_label(to, false, "stage", text_of(stage, "name"));
            add_label(to, false, "state", stage_states[i]);
            strbuf_printf(to, "} %" PRId64 "\n",
                          json_object_get_int64(member(stage, stage_states[i])));
        }
}

static void add_stages(StrBuf *to, json_object *status)
{
    json_object *applications = member(status, "applications");

    add_head(to, "vonk_stage_tasks", "Tasks of the stage at work, by state.");
    for (size_t i = 0; i < length_of(applications); i++)
        add_stages_of(to, json_object_array_get_idx(applications, i));
}

void metrics_text(const char *status_json, StrBuf *to)
{
    json_object *status = status_json == NULL ? NULL : json_tokener_parse(status_json);

    add_head(to, "vonk_up", "Whether the master answers.");
    strbuf_printf(to, "vonk_up %d\n", status != NULL);
    if (status == NULL)
        return;
    add_head(to, "vonk_master_up_seconds", "Time since this master began, or began to lead.");
    strbuf_printf(to, "vonk_master_up_seconds %.3f\n",
                  (double)json_object_get_int64(member(status, "up_ms")) / 1000);
    for (size_t i = 0; i < sizeof item_metrics / sizeof item_metrics[0]; i++)
        add_items(to, &item_metrics[i], status);
    add_stages(to, status);
    json_object_put(status);
}
