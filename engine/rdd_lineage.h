/*
 * rdd_lineage.h -- the stages of a job and what each is made of, as text, JSON or DOT; and what a
 * job that ran has made, as a line of JSON
 */
#ifndef VONK_ENGINE_RDD_LINEAGE_H
#define VONK_ENGINE_RDD_LINEAGE_H

#include "core/rdd/rdd_job.h"

typedef enum LineageFormat { LINEAGE_TEXT, LINEAGE_JSON, LINEAGE_DOT } LineageFormat;

/* set: of a distributed plan; driver: whose kept partitions are shown. Lives in the arena. */
const char *lineage_print(Arena *arena, const FragmentSet *set, Driver *driver,
                          LineageFormat format);

/* {"job": number, "stages": [{..., "partitions": [{"hash": ..., "rows": ..., ...}, ...]}, ...]} and
 * a line's end: the ledger. Lives in the arena. */
const char *lineage_of_job(Arena *arena, const Job *job, uint64_t number);

#endif
