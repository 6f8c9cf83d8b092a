/*
 * one_plan.c -- SQL over RDDs, and RDDs of SQL, are one plan: prints plans, then what comes out
 *
 *     one_plan.c FOLDER      with orders.parquet: id bigint, name text, price float8, note text
 */
#include <stdio.h>
#include <vonk/vonk.h>

VONK_RECORD(Order, VONK_KEY(int8, id), VONK_FIELD(text, name), VONK_FIELD(float8, price),
            VONK_FIELD(text, note));
VONK_RECORD(Sale, VONK_KEY(int8, id), VONK_FIELD(float8, gross), VONK_FIELD(text, label));
VONK_RECORD(Spent, VONK_KEY(int8, id), VONK_FIELD(float8, gross));
VONK_RECORD(Counts, VONK_KEY(int8, k), VONK_FIELD(int8, n), VONK_FIELD(int8, some),
            VONK_FIELD(int8, sum), VONK_FIELD(text, most));
VONK_RECORD(Buyer, VONK_KEY(int8, id), VONK_NULLABLE(text, city), VONK_FIELD(int4, age));
VONK_RECORD(Sold, VONK_NULLABLE(text, city), VONK_FIELD(int4, age), VONK_KEY(int8, id),
            VONK_FIELD(float8, gross), VONK_FIELD(float8, share));
VONK_RECORD(Total, VONK_FIELD(int8, n), VONK_FIELD(float8, gross));

static void tax(VonkTask *task, const Order *in, Sale *out)
{
    (void)task;
    out->id = in->id;
    out->gross = in->price * 1.25;
    out->label = in->name;
}

static bool is_dear(VonkTask *task, const Sale *sale)
{
    (void)task;
    return sale->gross > 20;
}

static bool is_dearest(VonkTask *task, const Sale *sale)
{
    (void)task;
    return sale->gross >= 1246;
}

static void add_gross(VonkTask *task, Sale *sum, const Sale *more)
{
    (void)task;
    sum->gross += more->gross;
}

static void check_label(VonkTask *task, const Sale *in, Sale *out)
{
    if (in->label.bytes == 0)
        vonk_fail(task, "no label");
    *out = *in;
}

static void take_price(VonkTask *task, Spent *acc, const Order *in)
{
    (void)task;
    acc->gross += in->price;
}

static int64_t calls; /* a function that changes it, somewhere, is not copied into the loop */

static double doubled(double x)
{
    calls++;
    return x * 2;
}

static double halved(double x)
{
    return x / 2;
}

static double (*const scalings[])(double) = {doubled, halved};

static void scale(VonkTask *task, const Spent *in, Spent *out)
{
    (void)task;
    out->id = in->id;
    out->gross = scalings[in->id % 2](in->gross);
}

static void unite(VonkTask *task, Spent *acc, const Spent *more)
{
    (void)task;
    acc->gross += more->gross;
}

static void put_buyer(VonkTask *task, const Sale *sale, const Buyer *buyer, Sold *out)
{
    (void)task;
    *out = (Sold){.id = sale->id,
                  .gross = sale->gross,
                  .age = buyer->age,
                  .share = sale->gross / buyer->age,
                  .city = buyer->city,
                  .city_is_null = buyer->city_is_null};
}

static void put_any_buyer(VonkTask *task, const Sale *sale, const Buyer *buyer, Sold *out)
{
    (void)task;
    *out = (Sold){.id = sale->id, .gross = sale->gross, .city_is_null = true};
    if (buyer != NULL)
        out->age = buyer->age;
}

static bool is_costly(VonkTask *task, const Sold *sold)
{
    (void)task;
    return sold->gross > 1240;
}

static bool is_of_paris(VonkTask *task, const Sold *sold)
{
    (void)task;
    return !sold->city_is_null && vonk_text_equal(sold->city, vonk_text("Paris"));
}

static bool is_grown_up(VonkTask *task, const Sold *sold)
{
    (void)task;
    return sold->age >= 18;
}

static bool pays_much(VonkTask *task, const Sold *sold)
{
    (void)task;
    return sold->gross > 2 * sold->age && sold->share < 60;
}

static bool is_of_p(VonkTask *task, const Sold *sold)
{
    (void)task;
    return sold->city.data[0] == 'P';
}

static bool is_of_age(VonkTask *task, const Sold *sold)
{
    (void)task;
    return 1000 / sold->age < 40;
}

static bool has_ending(VonkTask *task, const Sold *sold)
{
    (void)task;
    return sold->id % 10 == 7;
}

static void add_sold(VonkTask *task, Sold *sum, const Sold *more)
{
    (void)task;
    sum->gross += more->gross;
}

static void show(const char *title, VonkRdd *rdd)
{
    printf("--- %s\n%s", title, vonk_rdd_explain(rdd));
    (void)vonk_rdd_print_csv(rdd);
}

static void show_joins(VonkSession *session, VonkRdd *sales)
{
    /* those from 1001 on have no sales, no city, and an age by which nothing can be divided */
    VonkRdd *buyers = vonk_rdd_sql(session, Buyer,
                                   "SELECT x, CASE WHEN x < 1001 THEN CASE WHEN x % 3 > 0 THEN "
                                   "'Paris' ELSE 'Pisa' END END, CASE WHEN x < 1001 THEN "
                                   "(x - 975)::int ELSE 0 END "
                                   "FROM generate_series(981::bigint, 1020) g(x)");
    VonkRdd *sold = vonk_rdd_join(sales, Sale, buyers, Buyer, Sold, put_buyer);
    VonkRdd *maybe = vonk_rdd_left_join(sales, Sale, buyers, Buyer, Sold, put_any_buyer);

    show("filters below a join, each on its side",
         vonk_rdd_filter(vonk_rdd_filter(vonk_rdd_filter(sold, Sold, is_costly), Sold, is_of_paris),
                         Sold, is_grown_up));
    show("a filter that looks at both sides", vonk_rdd_filter(sold, Sold, pays_much));
    show("a filter that looks at a text without a condition: some may be empty",
         vonk_rdd_filter(vonk_rdd_filter(sold, Sold, is_of_p), Sold, has_ending));
    show("a filter that divides: by 0, maybe, where there is no match",
         vonk_rdd_filter(vonk_rdd_filter(sold, Sold, is_of_age), Sold, has_ending));
    show("a filter on the side that may be missing, and one on the other",
         vonk_rdd_filter(vonk_rdd_filter(maybe, Sold, is_grown_up), Sold, has_ending));
    show("a filter on the key of sums",
         vonk_rdd_filter(vonk_rdd_reduce_by_key(vonk_rdd_repartition(sold, 2), Sold, add_sold),
                         Sold, has_ending));
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    char sql[1000];
    VonkError error;
    VonkRdd *orders, *sales, *checked;

    if (argc != 2)
        return 2;
    snprintf(sql, sizeof sql, "SELECT id, name, price, note FROM read_parquet('%s/orders.parquet')",
             argv[1]);
    orders = vonk_rdd_sql(session, Order, sql);
    sales = vonk_rdd_filter(vonk_rdd_map(orders, Order, Sale, tax), Sale, is_dear);
    checked = vonk_rdd_map(sales, Sale, Sale, check_label);
    if (vonk_rdd_register(sales, "sales", &error) != VONK_OK ||
        vonk_rdd_register(checked, "checked", &error) != VONK_OK)
        return 1;
    show("a filter on a field that is passed on",
         vonk_rdd_sql(session, Sale, "SELECT id, gross, label FROM sales WHERE id > 995"));
    show("a filter on a field that is computed",
         vonk_rdd_sql(session, Sale, "SELECT id, gross, label FROM sales WHERE gross > 1240"));
    show("a filter that may fail, below functions that drop records",
         vonk_rdd_sql(session, Sale,
                      "SELECT id, gross, label FROM sales WHERE 100000 / (id - 3) > 40000"));
    show("a function that may fail",
         vonk_rdd_sql(session, Sale, "SELECT id, gross, label FROM checked WHERE id > 998"));
    show("an aggregate, and a join of the RDD with itself",
         vonk_rdd_sql(session, Total,
                      "SELECT count(*), sum(a.gross) FROM sales a JOIN sales b ON a.id = b.id "
                      "WHERE a.label <> 'x'"));
    if (vonk_rdd_register(
            vonk_rdd_sql(session, Sale, "SELECT id, gross, label FROM sales WHERE id > 990"),
            "sales", &error) != VONK_OK)
        return 1;
    show("a name that stands for what was made of it",
         vonk_rdd_sql(session, Sale, "SELECT id, gross, label FROM sales s WHERE s.id < 993"));
    snprintf(sql, sizeof sql,
             "SELECT length(note), count(*), count(*) FILTER (WHERE id > 50), sum(id)::bigint, "
             "max(name) FROM (SELECT id, name, note FROM read_parquet('%s/orders.parquet') UNION "
             "ALL SELECT id, name, note FROM read_parquet('%s/orders.parquet')) o GROUP BY note",
             argv[1], argv[1]);
    show("an aggregate in two halves", vonk_rdd_sql(session, Counts, sql));
    show("all rows in one, in two halves",
         vonk_rdd_sql(
             session, Counts,
             "SELECT 7, count(*), count(n), sum(n)::bigint, min(label) FROM (SELECT id AS n, "
             "label FROM sales WHERE 0 > id UNION ALL SELECT nullif(id, 995), label FROM "
             "sales) u"));
    show("an aggregate that cannot be halved",
         vonk_rdd_sql(
             session, Total,
             "SELECT count(DISTINCT id), avg(gross) FROM (SELECT id, gross FROM sales UNION "
             "ALL SELECT id, gross FROM sales) u"));
    show("sums that read some fields only",
         vonk_rdd_take(
             vonk_rdd_aggregate_by_key(orders, Order, Spent, &(Spent){0}, take_price, unite), 3));
    show("a filter below an exchange and a sort",
         vonk_rdd_filter(
             vonk_rdd_sort_by(vonk_rdd_partition_by(vonk_rdd_map(orders, Order, Sale, tax), 3),
                              "label DESC"),
             Sale, is_dearest));
    show("and then one exchange is enough",
         vonk_rdd_take(
             vonk_rdd_reduce_by_key(
                 vonk_rdd_filter(vonk_rdd_partition_by(vonk_rdd_map(orders, Order, Sale, tax), 3),
                                 Sale, is_dearest),
                 Sale, add_gross),
             2));
    show("a filter that stays: dealt rows are numbered",
         vonk_rdd_filter(vonk_rdd_repartition(vonk_rdd_map(orders, Order, Sale, tax), 3), Sale,
                         is_dearest));
    show("a function that reaches a variable",
         vonk_rdd_map(vonk_rdd_sql(session, Spent,
                                   "SELECT x, x * 1.5 FROM generate_series(1::bigint, 3) g(x)"),
                      Spent, Spent, scale));
    show_joins(session, vonk_rdd_map(orders, Order, Sale, tax));
    return 0;
}
