/* prelude.h -- what the examples in the headers take for granted: records, functions, variables */
#include <stdio.h>
#include <stdlib.h>
#include <vonk/vonk.h>

VONK_RECORD(Count, VONK_KEY(text, word), VONK_FIELD(int8, n));
VONK_RECORD(Word, VONK_FIELD(text, word));
VONK_RECORD(Point, VONK_FIELD(int4, x), VONK_FIELD(int4, y));
VONK_RECORD(Sale, VONK_KEY(text, shop), VONK_FIELD(float8, price));
VONK_RECORD(Mean, VONK_KEY(text, shop), VONK_FIELD(float8, sum), VONK_FIELD(int8, count));
VONK_RECORD(ShopCount, VONK_KEY(text, shop), VONK_FIELD(int8, n));
VONK_RECORD(LineCount, VONK_KEY(text, line), VONK_FIELD(int8, n));
VONK_RECORD(LineOfDay, VONK_KEY(date, day), VONK_FIELD(text, line));
VONK_RECORD(DayCount, VONK_KEY(date, day), VONK_FIELD(int8, n));
VONK_RECORD(NumberedLine, VONK_FIELD(int8, number), VONK_FIELD(text, line));
VONK_RECORD(Click, VONK_KEY(int8, user_id), VONK_FIELD(timestamp, at));
VONK_RECORD(Session, VONK_KEY(int8, user_id), VONK_FIELD(int8, clicks));
VONK_RECORD(User, VONK_KEY(int8, user_id), VONK_FIELD(text, name));
VONK_RECORD(Profile, VONK_FIELD(int8, user_id), VONK_NULLABLE(text, name));
VONK_RECORD(Payment, VONK_FIELD(numeric(12, 2), amount));

typedef struct Limits {
    int64_t bytes;
} Limits;

typedef struct Counters {
    VonkAccumulator empty_lines, weight;
    VonkBroadcast users;
} Counters;

void measure(VonkTask *task, const VonkLine *line, VonkNumber *length);
void split(VonkTask *task, const VonkLine *line, VonkOut *out);
bool is_error(VonkTask *task, const VonkLine *line);
void halve(VonkTask *task, const Count *count, Count *half);
void one_by_one(VonkTask *task, const Count *count, VonkOut *out);
void find_day(VonkTask *task, const VonkLine *line, LineOfDay *out);
void number(VonkTask *task, const VonkLine *line, int64_t index, NumberedLine *out);
double fraction_of(VonkTask *task, const Count *count);
void sum_all(VonkTask *task, VonkIn *in, VonkOut *out);
void skip_header(VonkTask *task, uint32_t partition, VonkIn *in, VonkOut *out);
void median(VonkTask *task, const VonkNumber *numbers, size_t count, VonkOut *out);
void add_payment(VonkTask *task, Payment *sum, const Payment *more);
void average(VonkTask *task, const VonkNumber *at, uint32_t before, uint32_t after,
             VonkNumber *out);
void add(VonkTask *task, Count *sum, const Count *more);
void add_number(VonkTask *task, VonkNumber *sum, const VonkNumber *more);
void first(VonkTask *task, const Sale *sale, Mean *mean);
void take_in(VonkTask *task, Mean *mean, const Sale *sale);
void unite(VonkTask *task, Mean *mean, const Mean *more);
void cut(VonkTask *task, VonkIn *in, VonkOut *out);
void count_day(VonkTask *task, VonkIn *in, VonkOut *out);
void merge_profile(VonkTask *task, VonkIn *clicks, VonkIn *users, VonkOut *out);
void add_sides(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *out);
void add_sides_3(VonkTask *task, VonkIn *a, VonkIn *b, VonkIn *c, VonkOut *out);
void add_sides_4(VonkTask *task, VonkIn *a, VonkIn *b, VonkIn *c, VonkIn *d, VonkOut *out);
void put_name(VonkTask *task, const Click *click, const User *user, Profile *out);
uint32_t by_length(VonkTask *task, const Count *count, uint32_t n);
void send(VonkTask *task, const VonkLine *line);
void send_all(VonkTask *task, VonkIn *in);
void throw_darts(VonkTask *task, VonkOut *out);

/* The driver's and a task's variables; each example is the body of a function that has them. */
#define EXAMPLE_VARIABLES                                                                          \
    VonkRdd *lines, *words, *counts, *numbers, *sales, *clicks, *users, *payments, *a, *b, *c, *d, \
        *sorted_a, *sorted_b;                                                                      \
    VonkError error;                                                                               \
    VonkStatus status;                                                                             \
    VonkRecords *records;                                                                          \
    VonkJob *job;                                                                                  \
    VonkIterator *iterator;                                                                        \
    VonkNumber sum;                                                                                \
    Count low, high;                                                                               \
    User known_users[2];                                                                           \
    int64_t total;                                                                                 \
    bool found;                                                                                    \
    VonkText text, other, word, field;                                                             \
    double real;                                                                                   \
    const VonkLine *line;
