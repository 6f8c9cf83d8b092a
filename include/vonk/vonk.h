/* vonk/vonk.h -- everything: a data engine as a library. See session.h for a first program. */
#ifndef VONK_VONK_H
#define VONK_VONK_H

#include "vonk/arrow.h"
#include "vonk/rdd.h"
#include "vonk/session.h"
#include "vonk/status.h"

#endif
