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
VONK_RECORD(Count, VONK_KEY(int8, page), VONK_FIELD(int8, links));
VONK_RECORD(Share, VONK_KEY(int8, page), VONK_FIELD(int8, to), VONK_FIELD(float8, part));
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

void count(VonkTask *task, const Link *link, Count *one)
{
    (void)task;
    *one = (Count){.page = link->page, .links = 1};
}

void add_count(VonkTask *task, Count *sum, const Count *more)
{
    (void)task;
    sum->links += more->links;
}

/* a page gives its rank away in equal parts to those it links to */
void split(VonkTask *task, const Link *link, const Count *of_page, Share *share)
{
    (void)task;
    *share = (Share){.page = link->page, .to = link->to, .part = 1 / (double)of_page->links};
}

void give(VonkTask *task, const Share *share, const Rank *rank, Rank *given)
{
    (void)task;
    *given = (Rank){.page = share->to, .rank = rank->rank * share->part};
}

void add(VonkTask *task, Rank *sum, const Rank *more)
{
    (void)task;
    sum->rank += more->rank;
}

/* sum: NULL: nobody links to the page */
void damp(VonkTask *task, const Rank *page, const Rank *sum, Rank *rank)
{
    (void)task;
    *rank = (Rank){.page = page->page, .rank = 0.15 + 0.85 * (sum == NULL ? 0 : sum->rank)};
}

void keep(VonkTask *task, Rank *one, const Rank *other)
{
    (void)task, (void)one, (void)other;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *links, *counts, *shares, *pages, *ranks;

    if (argc != 3) {
        fprintf(stderr, "usage: page_rank.c LINKS ROUNDS\n");
        return 2;
    }
    links = vonk_rdd_flat_map(vonk_rdd_text_file(session, argv[1]), VonkLine, Link, parse);
    links = vonk_rdd_persist(vonk_rdd_partition_by(links, PARTITIONS));
    counts = vonk_rdd_reduce_by_key(vonk_rdd_map(links, Link, Count, count), Count, add_count,
                                    VONK_PARTITIONS(PARTITIONS));
    shares = vonk_rdd_join(links, Link, counts, Count, Share, split, VONK_PARTITIONS(PARTITIONS));
    shares = vonk_rdd_persist(vonk_rdd_partition_by(shares, PARTITIONS));
    pages = vonk_rdd_persist(vonk_rdd_reduce_by_key(vonk_rdd_flat_map(links, Link, Rank, ends),
                                                    Rank, keep, VONK_PARTITIONS(PARTITIONS)));
    ranks = pages;
    for (int round = 0; round < atoi(argv[2]); round++) {
        VonkRdd *given =
            vonk_rdd_join(shares, Share, ranks, Rank, Rank, give, VONK_PARTITIONS(PARTITIONS));
        VonkRdd *sums = vonk_rdd_reduce_by_key(given, Rank, add, VONK_PARTITIONS(PARTITIONS));

        ranks =
            vonk_rdd_left_join(pages, Rank, sums, Rank, Rank, damp, VONK_PARTITIONS(PARTITIONS));
    }
    return vonk_rdd_print_csv(vonk_rdd_take_ordered(ranks, 10, "rank DESC, page"));
}
