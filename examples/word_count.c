/*
 * word_count.c -- the ten most frequent words of some text files
 *
 *     vonk submit examples/word_count.c texts
 */
#include <stdio.h>
#include <vonk/vonk.h>

VONK_RECORD(Count, VONK_KEY(text, word), VONK_FIELD(int8, n));

/* a line -> its words */
void split(VonkTask *task, const VonkLine *line, VonkOut *out)
{
    (void)task;
    for (VonkText word, rest = line->text; vonk_text_next_word(&rest, &word);)
        vonk_emit(out, &(Count){.word = word, .n = 1});
}

void add(VonkTask *task, Count *sum, const Count *more)
{
    (void)task;
    sum->n += more->n;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *lines, *words, *counts;

    if (argc != 2) {
        fprintf(stderr, "usage: word_count.c FILES\n");
        return 2;
    }
    lines = vonk_rdd_text_file(session, argv[1]);
    words = vonk_rdd_flat_map(lines, VonkLine, Count, split);
    counts = vonk_rdd_reduce_by_key(words, Count, add);
    return vonk_rdd_print_csv(vonk_rdd_take_ordered(counts, 10, "n DESC, word"));
}
