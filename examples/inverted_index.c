/*
 * inverted_index.c -- for each word, the files it is in and how often
 *
 *     vonk submit examples/inverted_index.c texts
 */
#include <stdio.h>
#include <vonk/vonk.h>

VONK_RECORD(Occurrence, VONK_KEY(text, word), VONK_KEY(text, path), VONK_FIELD(int8, n));
VONK_RECORD(Place, VONK_KEY(text, word), VONK_FIELD(text, path), VONK_FIELD(int8, n));
VONK_RECORD(Entry, VONK_FIELD(text, word), VONK_FIELD(text, places));

/* a file -> its words */
void split(VonkTask *task, const VonkFile *file, VonkOut *out)
{
    (void)task;
    for (VonkText word, rest = file->text; vonk_text_next_word(&rest, &word);)
        vonk_emit(out, &(Occurrence){.word = word, .path = file->path, .n = 1});
}

void add(VonkTask *task, Occurrence *sum, const Occurrence *more)
{
    (void)task;
    sum->n += more->n;
}

void by_word(VonkTask *task, const Occurrence *occurrence, Place *place)
{
    (void)task;
    *place = (Place){occurrence->word, occurrence->path, occurrence->n};
}

/* "a.txt:3 b.txt:1", by name; only the last part of a path */
void list(VonkTask *task, VonkIn *in, VonkOut *out)
{
    size_t bytes = 0, at = 0;
    Entry entry = {0};
    char *text;

    for (const Place *place; (place = VONK_NEXT(in, Place)) != NULL;)
        bytes += place->path.bytes + 24;
    text = vonk_task_alloc(task, bytes);
    if (text == NULL)
        return;
    vonk_rewind(in);
    for (const Place *place; (place = VONK_NEXT(in, Place)) != NULL;) {
        VonkText rest = place->path, name = rest;

        while (vonk_text_next_field(&rest, '/', &name))
            ;
        at += (size_t)snprintf(text + at, bytes - at, "%s%.*s:%lld", at == 0 ? "" : " ",
                               (int)name.bytes, name.data, (long long)place->n);
        entry.word = place->word;
    }
    entry.places = (VonkText){text, at};
    vonk_emit(out, &entry);
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *files, *occurrences, *places, *entries;

    if (argc != 2) {
        fprintf(stderr, "usage: inverted_index.c FILES\n");
        return 2;
    }
    files = vonk_rdd_whole_text_files(session, argv[1]);
    occurrences = vonk_rdd_reduce_by_key(vonk_rdd_flat_map(files, VonkFile, Occurrence, split),
                                         Occurrence, add);
    places = vonk_rdd_map(vonk_rdd_sort_by(occurrences, "path"), Occurrence, Place, by_word);
    entries = vonk_rdd_group_by_key(places, Place, Entry, list);
    return vonk_rdd_print_csv(vonk_rdd_sort_by(entries, "word"));
}
