/*
 * log_sessions.c -- visits of a web site, cut into sessions: who is away for long starts anew
 *
 *     vonk submit examples/log_sessions.c logs 1800
 *
 * A line is "user seconds page". Records of a user meet in one partition, sorted by time, so that
 * sessions are cut while a partition is read: no user's visits need fit into memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <vonk/vonk.h>

VONK_RECORD(Visit, VONK_KEY(text, user), VONK_FIELD(int8, at));
VONK_RECORD(Session, VONK_FIELD(text, user), VONK_FIELD(int8, start), VONK_FIELD(int8, seconds),
            VONK_FIELD(int8, pages));

/* a line -> a visit; what is no such line is counted */
void parse(VonkTask *task, const VonkLine *line, VonkOut *out)
{
    VonkText rest = line->text, user, at;
    Visit visit = {0};

    if (vonk_text_next_word(&rest, &user) && vonk_text_next_word(&rest, &at) &&
        vonk_text_to_int8(at, &visit.at)) {
        visit.user = user;
        vonk_emit(out, &visit);
    } else {
        vonk_accumulate(task, *VONK_CLOSURE(task, VonkAccumulator), 1);
    }
}

/* visits by user and time -> sessions */
void cut(VonkTask *task, VonkIn *in, VonkOut *out)
{
    int64_t gap = *VONK_CLOSURE(task, int64_t);
    Session session = {0};

    for (const Visit *visit; (visit = VONK_NEXT(in, Visit)) != NULL; session.pages++) {
        bool is_same = session.pages > 0 && vonk_text_equal(visit->user, session.user) &&
                       visit->at - session.start - session.seconds <= gap;

        if (!is_same) {
            if (session.pages > 0)
                vonk_emit(out, &session);
            session = (Session){.start = visit->at};
            session.user = vonk_text_copy(task, visit->user); /* outlives the visit */
        }
        session.seconds = visit->at - session.start;
    }
    if (session.pages > 0)
        vonk_emit(out, &session);
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *lines, *visits, *sorted, *sessions;
    VonkAccumulator bad_lines = vonk_accumulator(session);
    int64_t gap;
    int code;

    if (argc != 3) {
        fprintf(stderr, "usage: log_sessions.c FILES GAP_SECONDS\n");
        return 2;
    }
    gap = atoll(argv[2]);
    lines = vonk_rdd_text_file(session, argv[1]);
    visits = vonk_rdd_flat_map(lines, VonkLine, Visit, parse, VONK_WITH(bad_lines));
    sorted = vonk_rdd_repartition_and_sort_within_partitions(visits, 8, "user, at");
    sessions = vonk_rdd_map_partitions(sorted, Visit, Session, cut, VONK_WITH(gap));
    code = vonk_rdd_print_csv(vonk_rdd_sort_by(sessions, "user, start"));
    fprintf(stderr, "%lld bad lines\n", (long long)vonk_accumulator_value(session, bad_lines));
    return code;
}
