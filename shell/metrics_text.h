/*
 * metrics_text.h -- a master's status in Prometheus's text format (version 0.0.4)
 *
 * Thread: any.
 */
#ifndef VONK_SHELL_METRICS_TEXT_H
#define VONK_SHELL_METRICS_TEXT_H

#include "core/base/str.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* status_json: as the master gives it; NULL: there is no answer, which is a metric too. */
void metrics_text(const char *status_json, StrBuf *to);

#endif
