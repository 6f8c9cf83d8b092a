/*
 * tera_sort.c -- the sort benchmark: records of 100 bytes, by their first ten
 *
 *     gensort -a 10000000 input; vonk submit examples/tera_sort.c input sorted
 *
 * A line is a record: a key of 10 bytes, and 88 more (98 and a line's end). The output is a folder
 * of files that are sorted one behind the other.
 */
#include <stdio.h>
#include <vonk/vonk.h>

VONK_RECORD(Record, VONK_KEY(text, key), VONK_FIELD(text, rest));

enum { KEY_BYTES = 10 };

void parse(VonkTask *task, const VonkLine *line, Record *record)
{
    if (line->text.bytes < KEY_BYTES)
        return vonk_fail(task, "a record of %zu bytes", line->text.bytes);
    record->key = (VonkText){line->text.data, KEY_BYTES};
    record->rest = (VonkText){line->text.data + KEY_BYTES, line->text.bytes - KEY_BYTES};
}

void print(VonkTask *task, const Record *record, VonkLine *line)
{
    char *text = vonk_task_alloc(task, record->key.bytes + record->rest.bytes);

    if (text == NULL)
        return;
    memcpy(text, record->key.data, record->key.bytes);
    memcpy(text + record->key.bytes, record->rest.data, record->rest.bytes);
    line->text = (VonkText){text, record->key.bytes + record->rest.bytes};
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *records, *sorted;
    VonkError error;

    if (argc != 3) {
        fprintf(stderr, "usage: tera_sort.c INPUT OUTPUT\n");
        return 2;
    }
    records = vonk_rdd_map(vonk_rdd_text_file(session, argv[1]), VonkLine, Record, parse);
    sorted = vonk_rdd_map(vonk_rdd_sort_by_key(records), Record, VonkLine, print);
    if (vonk_rdd_save_as_text(sorted, argv[2], &error) == VONK_OK)
        return 0;
    fprintf(stderr, "ERROR: %s\n", error.message);
    return 1;
}
