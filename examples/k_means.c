/*
 * k_means.c -- points of the plane in k groups, each around its mean
 *
 *     vonk submit examples/k_means.c points.csv 3 20
 *
 * A line is "x,y". The first k points are the first centers. Each round every task gets the centers
 * as a broadcast value, and one small record a group comes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <vonk/vonk.h>

VONK_RECORD(Point, VONK_FIELD(float8, x), VONK_FIELD(float8, y));
VONK_RECORD(Sum, VONK_KEY(int8, center), VONK_FIELD(float8, x), VONK_FIELD(float8, y),
            VONK_FIELD(int8, count));

void parse(VonkTask *task, const VonkLine *line, Point *point)
{
    VonkText rest = line->text, x, y;

    if (!vonk_text_next_field(&rest, ',', &x) || !vonk_text_next_field(&rest, ',', &y) ||
        !vonk_text_to_float8(x, &point->x) || !vonk_text_to_float8(y, &point->y))
        vonk_fail(task, "no point: %.*s", (int)line->text.bytes, line->text.data);
}

void nearest(VonkTask *task, const Point *point, Sum *sum)
{
    size_t count;
    const Point *centers = VONK_BROADCAST(task, *VONK_CLOSURE(task, VonkBroadcast), Point, &count);
    double least = 0;

    *sum = (Sum){.x = point->x, .y = point->y, .count = 1};
    for (size_t i = 0; i < count; i++) {
        double dx = point->x - centers[i].x, dy = point->y - centers[i].y;

        if (i == 0 || dx * dx + dy * dy < least) {
            least = dx * dx + dy * dy;
            sum->center = (int64_t)i;
        }
    }
}

void add(VonkTask *task, Sum *sum, const Sum *more)
{
    (void)task;
    sum->x += more->x;
    sum->y += more->y;
    sum->count += more->count;
}

/* A center without points stays where it is. */
static VonkStatus move_centers(VonkSession *session, VonkRdd *points, Point *centers, size_t k,
                               VonkError *error)
{
    VonkBroadcast broadcast;
    VonkRecords *records;
    VonkStatus status = vonk_broadcast(session, Point, centers, k, &broadcast, error);
    VonkRdd *sums;

    if (status != VONK_OK)
        return status;
    sums = vonk_rdd_reduce_by_key(vonk_rdd_map(points, Point, Sum, nearest, VONK_WITH(broadcast)),
                                  Sum, add);
    status = vonk_rdd_collect(sums, &records, error);
    for (size_t i = 0; status == VONK_OK && i < vonk_records_count(records); i++) {
        const Sum *sum = &VONK_RECORDS(records, Sum)[i];

        centers[sum->center] = (Point){sum->x / (double)sum->count, sum->y / (double)sum->count};
    }
    vonk_records_free(records);
    vonk_broadcast_destroy(session, broadcast);
    return status;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *points;
    VonkRecords *first;
    VonkError error;
    VonkStatus status;
    Point *centers;
    size_t k;

    if (argc != 4) {
        fprintf(stderr, "usage: k_means.c POINTS K ROUNDS\n");
        return 2;
    }
    points = vonk_rdd_persist(
        vonk_rdd_map(vonk_rdd_text_file(session, argv[1]), VonkLine, Point, parse));
    status = vonk_rdd_collect(vonk_rdd_take(points, atoll(argv[2])), &first, &error);
    if (status != VONK_OK) {
        fprintf(stderr, "ERROR: %s\n", error.message);
        return 1;
    }
    k = vonk_records_count(first);
    centers = malloc((k + 1) * sizeof *centers);
    memcpy(centers, VONK_RECORDS(first, Point), k * sizeof *centers);
    vonk_records_free(first);
    for (int round = 0; status == VONK_OK && round < atoi(argv[3]); round++)
        status = move_centers(session, points, centers, k, &error);
    if (status != VONK_OK)
        fprintf(stderr, "ERROR: %s\n", error.message);
    else
        for (size_t i = 0; i < k; i++)
            printf("%.9g,%.9g\n", centers[i].x, centers[i].y);
    free(centers);
    return status != VONK_OK;
}
