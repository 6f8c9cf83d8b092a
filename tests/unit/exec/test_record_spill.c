/*
 * test_record_spill.c -- combining and grouping with little memory: the same rows in the same
 * order, whatever is spilled; and the nth allocation, a full disk, a damaged file
 */
#include <stdio.h>

#include "plan_runner.h"

#include "exec/spill_resolve.h"
#include "vonk/udf.h"

typedef struct Word {
    VonkText word; /* the key, with n */
    int64_t n;
    int64_t value;
} Word;

typedef struct Sum {
    VonkText word;
    int64_t n;
    int64_t chain; /* depends on the order of what is combined */
    VonkText last; /* changes with every record */
} Sum;

static const RecordField word_fields[] = {
    {"word", {.id = TYPE_TEXT}, offsetof(Word, word), RECORD_NEVER_NULL, true},
    {"n", {.id = TYPE_INT8}, offsetof(Word, n), RECORD_NEVER_NULL, true},
    {"value", {.id = TYPE_INT8}, offsetof(Word, value), RECORD_NEVER_NULL, false}};
static const RecordField sum_fields[] = {
    {"word", {.id = TYPE_TEXT}, offsetof(Sum, word), RECORD_NEVER_NULL, true},
    {"n", {.id = TYPE_INT8}, offsetof(Sum, n), RECORD_NEVER_NULL, true},
    {"chain", {.id = TYPE_INT8}, offsetof(Sum, chain), RECORD_NEVER_NULL, false},
    {"last", {.id = TYPE_TEXT}, offsetof(Sum, last), RECORD_NEVER_NULL, false}};
static const RecordLayout word_layout = {"Word", sizeof(Word), 3, word_fields};
static const RecordLayout sum_layout = {"Sum", sizeof(Sum), 4, sum_fields};

enum { ROWS = 6000, KEYS = 1500 };

/* --- functions --- */

static void add_word(VonkTask *task, Sum *sum, const Word *word)
{
    char *text = vonk_task_alloc(task, 40);

    if (text == NULL)
        return;
    sum->chain = (sum->chain * 31 + word->value) % 1000000007;
    sum->last = (VonkText){
        text, (size_t)snprintf(text, 40, "last of many is %lld", (long long)word->value)};
}

static void begin_word(VonkTask *task, const Word *word, Sum *sum)
{
    (void)task;
    sum->chain = word->value;
    sum->last = vonk_text("first");
}

static void read_group(VonkTask *task, VonkIn *in, VonkOut *out)
{
    Sum sum = {.chain = 7};
    int64_t count = 0;

    for (const Word *word; (word = VONK_NEXT(in, Word)) != NULL; count++) {
        sum.word = word->word;
        sum.n = word->n;
        sum.chain = (sum.chain * 31 + word->value) % 1000000007;
        sum.last = word->word;
    }
    for (int64_t i = 0; i < count % 3; i++) /* none, one or two */
        vonk_emit(out, &sum);
    (void)task;
}

static void read_two(VonkTask *task, VonkIn *left, VonkIn *right, VonkOut *out)
{
    Sum sum = {.chain = 1, .last = vonk_text("both")};

    for (const Word *word; (word = VONK_NEXT(left, Word)) != NULL;) {
        sum.word = word->word;
        sum.n = word->n;
        sum.chain = (sum.chain * 31 + word->value) % 1000000007;
    }
    for (const Word *word; (word = VONK_NEXT(right, Word)) != NULL;) {
        sum.word = word->word;
        sum.n = word->n;
        sum.chain = (sum.chain * 37 + word->value) % 1000000007;
    }
    vonk_emit(out, &sum);
    (void)task;
}

/* --- plans --- */

static Runner runner;

static const Plan *scan_words(int64_t seed, int64_t keys)
{
    static const Type types[] = {{.id = TYPE_TEXT}, {.id = TYPE_INT8}, {.id = TYPE_INT8}};
    int64_t *rows = arena_alloc(runner.arena, ROWS * 3 * sizeof *rows);
    uint64_t state = (uint64_t)seed;

    for (int64_t i = 0; i < ROWS; i++) {
        int64_t key;

        state = state * 6364136223846793005u + 1442695040888963407u;
        key = (int64_t)(state >> 33) % keys;
        rows[i * 3] = key / 2;
        rows[i * 3 + 1] = key % 2;
        rows[i * 3 + 2] = i;
    }
    return runner_scan(&runner, runner_table(&runner, 3, types, ROWS, rows, 1000));
}

static ColumnList all_columns(const Plan *plan)
{
    ColumnId *ids = ARENA_ARRAY(runner.arena, ColumnId, plan->column_count);

    for (uint32_t i = 0; i < plan->column_count; i++)
        ids[i] = plan->columns[i].id;
    return (ColumnList){plan->column_count, ids};
}

#define FUNCTION(f) ((UserFunction){.name = #f, .call = (void (*)(void))(f)})

static const Plan *make_combine(int64_t keys, bool has_create)
{
    static const Sum zero;
    CombineSpec *spec = ARENA_NEW(runner.arena, CombineSpec);
    const Plan *input = scan_words(1, keys);

    *spec = (CombineSpec){
        .in = &word_layout, .acc = &sum_layout, .add = FUNCTION(add_word), .has_keys = true};
    if (has_create)
        spec->create = FUNCTION(begin_word);
    else
        spec->zero = &zero;
    return plan_combine(runner.arena, input, all_columns(input), spec, false,
                        plan_record_columns(runner.arena, &sum_layout, &runner.ids));
}

static const Plan *make_group(uint32_t inputs, int64_t keys)
{
    GroupSpec *spec = ARENA_NEW(runner.arena, GroupSpec);
    const Plan *plans[2] = {scan_words(1, keys), inputs == 2 ? scan_words(2, keys) : NULL};
    ColumnList args[2];

    *spec = (GroupSpec){.input_count = inputs,
                        .in = {&word_layout, &word_layout},
                        .out = &sum_layout,
                        .function = inputs == 2 ? FUNCTION(read_two) : FUNCTION(read_group),
                        .has_keys = true};
    for (uint32_t i = 0; i < inputs; i++)
        args[i] = all_columns(plans[i]);
    return plan_group(runner.arena, plans, args, spec,
                      plan_record_columns(runner.arena, &sum_layout, &runner.ids));
}

/* --- running --- */

static Status run(const Plan *plan, uint32_t batch_rows, const char *folder, size_t bytes,
                  Error *err, const char **text_out)
{
    ExecRequest request = runner_request(&runner, plan, (RunMode){1, batch_rows});
    StrBuf text = {.arena = runner.arena};
    Execution *execution;
    Batch batch = {0};
    Status status;

    *text_out = "";
    request.spill_folder = folder;
    request.spill_bytes = bytes;
    status = exec_start(&request, err, &execution);
    do {
        if (status == ST_OK)
            status = exec_next(execution, err, &batch);
        if (status == ST_OK)
            add_batch(&text, &batch);
    } while (status == ST_OK && batch.row_count > 0);
    exec_close(execution);
    *text_out = strbuf_text(&text);
    return status;
}

/* The same rows in memory, and with tables of so few bytes that parts are cut again and again. */
static void same_rows(const Plan *plan)
{
    static const size_t limits[] = {1 << 30, 1 << 20, 200000, 60000, 20000, 1};
    const char *expected, *rows;
    Error err = ERROR_NONE;

    ck_assert_int_eq(run(plan, 2048, NULL, 0, &err, &expected), ST_OK);
    ck_assert_uint_gt(strlen(expected), 1000);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        for (uint32_t batch_rows = 7; batch_rows <= 2048; batch_rows += 2041) {
            Status status = run(plan, batch_rows, "/tmp", limits[i], &err, &rows);

            ck_assert_msg(status == ST_OK, "%zu bytes: %s", limits[i], err.message);
            ck_assert_msg(strcmp(rows, expected) == 0, "%zu bytes", limits[i]);
        }
}

START_TEST(combining)
{
    runner = runner_open();
    same_rows(make_combine(KEYS, false));
    same_rows(make_combine(KEYS, true));
    same_rows(make_combine(30, false));
    runner_close(&runner);
}
END_TEST

START_TEST(grouping)
{
    runner = runner_open();
    same_rows(make_group(1, KEYS));
    same_rows(make_group(1, 40));
    same_rows(make_group(2, KEYS));
    runner_close(&runner);
}
END_TEST

/* --- memory --- */

/* With so little memory in all, it spills when it is refused, and not before. */
START_TEST(refused_memory_is_spilled)
{
    const char *expected, *rows;
    Error err = ERROR_NONE;
    MemPool *all;
    uint32_t right = 0;

    runner = runner_open();
    all = runner.pool;
    for (int kind = 0; kind < 2; kind++) {
        const Plan *plan = kind == 0 ? make_combine(ROWS, false) : make_group(2, ROWS);

        ck_assert_int_eq(run(plan, 512, NULL, 0, &err, &expected), ST_OK);
        for (uint64_t limit = 1500000; limit <= 3000000; limit += 100000) {
            runner.pool = mem_pool_new(NULL, "little", limit);
            if (run(plan, 512, "/tmp", 1 << 30, &err, &rows) == ST_OK) {
                ck_assert_str_eq(rows, expected);
                right++;
            } else {
                ck_assert_int_eq(err.status, ST_OUT_OF_MEMORY);
            }
            mem_pool_free(runner.pool); /* CHECKs that nothing is left */
            runner.pool = all;
        }
    }
    ck_assert_uint_ge(right, 20);
    runner_close(&runner);
}
END_TEST

/* Whichever request is refused, once: the right rows, or out of memory; nothing leaked. */
START_TEST(nth_allocation_fails)
{
    static const size_t limits[] = {1 << 30, 30000};
    uint32_t right = 0, refused = 0;
    MemPool *all;

    runner = runner_open();
    all = runner.pool;
    for (int kind = 0; kind < 3; kind++)
        for (int i = 0; i < 2; i++) {
            const Plan *plan = kind < 2 ? make_combine(KEYS, kind == 0) : make_group(2, KEYS);
            const char *expected, *rows;
            Error err = ERROR_NONE;
            bool was_refused = true;

            ck_assert_int_eq(run(plan, 500, "/tmp", limits[i], &err, &expected), ST_OK);
            for (uint64_t nth = 1; nth < 3000 && was_refused; nth += 1 + nth / 15) {
                Status status;

                runner.pool = mem_pool_new(NULL, "fails", MEM_POOL_NO_LIMIT);
                mem_pool_fail_nth(runner.pool, nth);
                status = run(plan, 500, "/tmp", limits[i], &err, &rows);
                was_refused = status != ST_OK || nth < 400;
                ck_assert_msg(status == ST_OK || status == ST_OUT_OF_MEMORY, "%s", err.message);
                if (status == ST_OK)
                    ck_assert_str_eq(rows, expected);
                right += status == ST_OK;
                refused += status != ST_OK;
                mem_pool_fail_nth(runner.pool, 0);
                mem_pool_free(runner.pool);
                runner.pool = all;
            }
        }
    ck_assert_uint_gt(right, 10);
    ck_assert_uint_gt(refused, 10);
    runner_close(&runner);
}
END_TEST

/* The records of one key do not fit: it is said, with what to do. */
START_TEST(one_large_key)
{
    const Plan *fits, *large;
    const char *rows;
    Error err = ERROR_NONE;
    MemPool *all;

    runner = runner_open();
    fits = make_group(1, 1);
    large = make_group(2, 1);
    all = runner.pool;
    runner.pool = mem_pool_new(NULL, "little", 1700000);
    ck_assert_int_eq(run(fits, 512, "/tmp", 1000, &err, &rows), ST_OK);
    mem_pool_free(runner.pool);
    runner.pool = mem_pool_new(NULL, "little", 1100000);
    ck_assert_int_eq(run(large, 512, "/tmp", 1000, &err, &rows), ST_OUT_OF_MEMORY);
    ck_assert_ptr_nonnull(strstr(err.hint, "The records of word = "));
    mem_pool_free(runner.pool);
    runner.pool = all;
    runner_close(&runner);
}
END_TEST

/* --- the disk --- */

START_TEST(no_place_to_spill_to)
{
    const char *rows;
    Error err = ERROR_NONE;

    runner = runner_open();
    ck_assert_int_eq(run(make_combine(KEYS, false), 512, "/nowhere/at/all", 1000, &err, &rows),
                     ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "cannot create a spill file in \"/nowhere/at/all\""));
    ck_assert_int_eq(run(make_group(1, KEYS), 512, "/nowhere/at/all", 1000, &err, &rows), ST_IO);
    runner_close(&runner);
}
END_TEST

static SpillSpace space;

static void write_words(SpillWriter *writer, uint32_t count, size_t text_bytes)
{
    char *text = arena_alloc(runner.arena, text_bytes);

    memset(text, 'x', text_bytes);
    for (uint32_t i = 0; i < count; i++) {
        Word word = {.word = {text, i % 7 == 0 ? text_bytes : i % 5}, .n = i};
        SpilledRecord record = {.hash = i, .first = i * 2, .record = (char *)&word};

        ck_assert_int_eq(spill_write(writer, &record, NULL), ST_OK);
    }
    ck_assert_int_eq(spill_writer_finish(writer, NULL), ST_OK);
}

static void open_space(void)
{
    runner = runner_open();
    spill_space_init(&space, "/tmp", runner.pool, "test");
    space.kinds[0] = record_shape_make(runner.arena, &word_layout);
}

/* Short and long texts, longer than a chunk too. */
START_TEST(records_come_back)
{
    static const size_t lengths[] = {5, 100, 16000, 100000};

    open_space();
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        SpillWriter writer;
        SpillReader reader;
        SpilledRecord record;
        uint32_t count = 0;
        bool is_any = true;

        ck_assert_int_eq(spill_writer_init(&writer, &space, NULL), ST_OK);
        write_words(&writer, 50, lengths[i]);
        ck_assert_int_eq(spill_reader_init(&reader, &space, &writer.run, NULL), ST_OK);
        for (;; count++) {
            const Word *word;

            ck_assert_int_eq(spill_reader_next(&reader, NULL, &record, &is_any), ST_OK);
            if (!is_any)
                break;
            word = (const Word *)(void *)record.record;
            ck_assert_uint_eq(record.hash, count);
            ck_assert_uint_eq(record.first, count * 2);
            ck_assert_int_eq(word->n, count);
            ck_assert_uint_eq(word->word.bytes, count % 7 == 0 ? lengths[i] : count % 5);
            for (size_t b = 0; b < word->word.bytes; b++)
                ck_assert_int_eq(word->word.data[b], 'x');
        }
        ck_assert_uint_eq(count, 50);
        spill_reader_fini(&reader);
        spill_writer_fini(&writer);
    }
    spill_space_fini(&space);
    runner_close(&runner);
}
END_TEST

START_TEST(a_damaged_chunk_is_found)
{
    SpillWriter writer;
    SpillReader reader;
    SpilledRecord record;
    bool is_any;

    open_space();
    ck_assert_int_eq(spill_writer_init(&writer, &space, NULL), ST_OK);
    write_words(&writer, 50, 100);
    ck_assert_int_eq(spill_file_write(space.file, writer.run.chunks[0].offset + 77, "?", 1, NULL),
                     ST_OK);
    ck_assert_int_eq(spill_reader_init(&reader, &space, &writer.run, NULL), ST_OK);
    ck_assert_int_eq(spill_reader_next(&reader, NULL, &record, &is_any), ST_CORRUPT);
    spill_reader_fini(&reader);
    spill_writer_fini(&writer);
    spill_space_fini(&space);
    runner_close(&runner);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, combining);
    tcase_add_test(tests, grouping);
    tcase_add_test(tests, refused_memory_is_spilled);
    tcase_add_test(tests, nth_allocation_fails);
    tcase_add_test(tests, one_large_key);
    tcase_add_test(tests, no_place_to_spill_to);
    tcase_add_test(tests, records_come_back);
    tcase_add_test(tests, a_damaged_chunk_is_found);
}

int main(void)
{
    return runner_main("record spill", add_tests);
}
