/* names.c -- a job whose functions are called as some of libc's are */
#include <vonk/vonk.h>

VONK_RECORD(Number, VONK_FIELD(int8, n));

void step(VonkTask *task, const Number *in, Number *out);
bool advance(VonkTask *task, const Number *in);
void error(VonkTask *task, const Number *in, Number *out);

void step(VonkTask *task, const Number *in, Number *out)
{
    (void)task;
    out->n = in->n - 500;
}

bool advance(VonkTask *task, const Number *in)
{
    (void)task;
    return in->n <= 0;
}

void error(VonkTask *task, const Number *in, Number *out)
{
    (void)task;
    out->n = in->n + 500;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *numbers =
        vonk_rdd_sql(session, Number, "SELECT x::bigint AS n FROM generate_series(1, 1000) g(x)");
    VonkRdd *less = vonk_rdd_filter(vonk_rdd_map(numbers, Number, Number, step), Number, advance);

    (void)argc;
    (void)argv;
    return vonk_rdd_print_csv(
        vonk_rdd_take_ordered(vonk_rdd_map(less, Number, Number, error), 3, "n DESC"));
}
