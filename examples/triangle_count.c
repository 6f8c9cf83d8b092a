/*
 * triangle_count.c -- how many triples of nodes are connected to each other
 *
 *     vonk submit examples/triangle_count.c edges.txt
 *
 * A line is "a b", an edge in either direction. Of each triangle a < b < c, the edges a-b and a-c
 * meet at a; what they need is b-c.
 */
#include <stdio.h>
#include <vonk/vonk.h>

VONK_RECORD(Edge, VONK_FIELD(int8, a), VONK_FIELD(int8, b));
VONK_RECORD(From, VONK_KEY(int8, a), VONK_FIELD(int8, b));
VONK_RECORD(Both, VONK_KEY(int8, a), VONK_KEY(int8, b));

/* the smaller node first; no edge from a node to itself */
void parse(VonkTask *task, const VonkLine *line, VonkOut *out)
{
    VonkText rest = line->text, from, to;
    int64_t a, b;

    if (!vonk_text_next_word(&rest, &from) || from.data[0] == '#')
        return;
    if (!vonk_text_next_word(&rest, &to) || !vonk_text_to_int8(from, &a) ||
        !vonk_text_to_int8(to, &b))
        vonk_fail(task, "no edge: %.*s", (int)line->text.bytes, line->text.data);
    else if (a != b)
        vonk_emit(out, &(Edge){.a = a < b ? a : b, .b = a < b ? b : a});
}

void by_first(VonkTask *task, const Edge *edge, From *out)
{
    (void)task;
    *out = (From){edge->a, edge->b};
}

void by_both(VonkTask *task, const Edge *edge, Both *out)
{
    (void)task;
    *out = (Both){edge->a, edge->b};
}

/* a-b and a-c: b-c is wanted; b = c and c < b come to nothing */
void want(VonkTask *task, const From *one, const From *other, Both *wanted)
{
    (void)task;
    *wanted = (Both){one->b, other->b};
}

void found(VonkTask *task, const Both *wanted, const Both *edge, Both *out)
{
    (void)task, (void)edge;
    *out = *wanted;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *edges, *from, *wanted, *triangles;
    VonkError error;
    int64_t count;

    if (argc != 2) {
        fprintf(stderr, "usage: triangle_count.c EDGES\n");
        return 2;
    }
    edges = vonk_rdd_flat_map(vonk_rdd_text_file(session, argv[1]), VonkLine, Edge, parse);
    edges = vonk_rdd_persist(vonk_rdd_distinct(edges));
    from = vonk_rdd_map(edges, Edge, From, by_first);
    wanted = vonk_rdd_join(from, From, from, From, Both, want);
    triangles =
        vonk_rdd_join(wanted, Both, vonk_rdd_map(edges, Edge, Both, by_both), Both, Both, found);
    if (vonk_rdd_count(triangles, &count, &error) != VONK_OK) {
        fprintf(stderr, "ERROR: %s\n", error.message);
        return 1;
    }
    printf("%lld\n", (long long)count);
    return 0;
}
