/*
 * page_rank.c -- how important pages are, by the pages that link to them
 *
 *     vonk submit examples/page_rank.c links.txt 10
 *
 * A line is "from to", two page numbers. Links are kept where their page's rank is: each round
 * shuffles ranks, never links.
 */
#include <stdio.h>
#include <stdlib.h>
#include <vonk/vonk.h>

VONK_RECORD(Link, VONK_KEY(int8, page), VONK_FIELD(int8, to));
VONK_RECORD(Rank, VONK_KEY(int8, page), VONK_FIELD(float8, rank));

enum { PARTITIONS = 8 };

void parse(VonkTask *task, const VonkLine *line, VonkOut *out)
{
    VonkText rest = line->text, from, to;
    Link link;

    if (!vonk_text_next_word(&rest, &from) || from.data[0] == '#')
        return;
    if (vonk_text_next_word(&rest, &to) && vonk_text_to_int8(from, &link.page) &&
        vonk_text_to_int8(to, &link.to))
        vonk_emit(out, &link);
    else
        vonk_fail(task, "no link: %.*s", (int)line->text.bytes, line->text.data);
}

/* both ends of a link are pages, at first of rank 1 */
void ends(VonkTask *task, const Link *link, VonkOut *out)
{
    (void)task;
    vonk_emit(out, &(Rank){.page = link->page, .rank = 1});
    vonk_emit(out, &(Rank){.page = link->to, .rank = 1});
}

/* a page gives its rank away in equal parts to those it links to; it stays in the list itself */
void give(VonkTask *task, VonkIn *links, VonkIn *ranks, VonkOut *out)
{
    const Rank *rank = VONK_NEXT(ranks, Rank);
    int64_t count = 0;

    (void)task;
    vonk_emit(out, &(Rank){.page = rank->page, .rank = 0});
    while (VONK_NEXT(links, Link) != NULL)
        count++;
    vonk_rewind(links);
    for (const Link *link; (link = VONK_NEXT(links, Link)) != NULL;)
        vonk_emit(out, &(Rank){.page = link->to, .rank = rank->rank / (double)count});
}

void add(VonkTask *task, Rank *sum, const Rank *more)
{
    (void)task;
    sum->rank += more->rank;
}

void damp(VonkTask *task, const Rank *sum, Rank *rank)
{
    (void)task;
    rank->rank = 0.15 + 0.85 * sum->rank;
}

void keep(VonkTask *task, Rank *one, const Rank *other)
{
    (void)task, (void)one, (void)other;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *links, *ranks;

    if (argc != 3) {
        fprintf(stderr, "usage: page_rank.c LINKS ROUNDS\n");
        return 2;
    }
    links = vonk_rdd_flat_map(vonk_rdd_text_file(session, argv[1]), VonkLine, Link, parse);
    links = vonk_rdd_persist(vonk_rdd_partition_by(links, PARTITIONS));
    ranks = vonk_rdd_reduce_by_key(vonk_rdd_flat_map(links, Link, Rank, ends), Rank, keep,
                                   VONK_PARTITIONS(PARTITIONS));
    for (int round = 0; round < atoi(argv[2]); round++) {
        VonkRdd *given = vonk_rdd_cogroup(links, Link, ranks, Rank, Rank, give);
        VonkRdd *sums = vonk_rdd_reduce_by_key(given, Rank, add, VONK_PARTITIONS(PARTITIONS));

        ranks = vonk_rdd_map_values(sums, Rank, Rank, damp);
    }
    return vonk_rdd_print_csv(vonk_rdd_take_ordered(ranks, 10, "rank DESC, page"));
}
