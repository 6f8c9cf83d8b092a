/*
 * event_report.h -- what an event log (core/rdd/event_log.h) says, for people: `vonk status --from`
 *
 * Thread: any.
 */
#ifndef VONK_SHELL_EVENT_REPORT_H
#define VONK_SHELL_EVENT_REPORT_H

#include "core/base/str.h"

/* Jobs, stages and executors; with_lineage: of each stage also what each of its partitions has. A
 * line that is none of ours, or half of one, is counted and left out. False: all were. */
bool event_report(const char *text, size_t byte_count, bool with_lineage, StrBuf *to);

#endif
