/*
 * test_parquet_damage.c -- cut and flipped sample files: an error or rows, never a crash
 *
 * The sanitizers watch; here it is checked that an error says something, that it comes soon, and
 * that no memory is left over.
 */
#include <check.h>
#include <dirent.h>
#include <time.h>

#include "tests/unit/formats/parquet_samples.h"

enum { FILE_BYTES_MAX = 30000, ROUNDS = 60, POOL_BYTES = 1 << 28 };

static char damaged_path[] = "/tmp/vonk_test_damage_XXXXXX";

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void write_bytes(const char *bytes, size_t byte_count)
{
    FILE *file = fopen(damaged_path, "wb");

    ck_assert_ptr_nonnull(file);
    fwrite(bytes, 1, byte_count, file);
    fclose(file);
}

static void try_file(const char *name, const char *bytes, size_t byte_count)
{
    MemPool *pool = mem_pool_new(NULL, "test", POOL_BYTES);
    double start = seconds_now();
    ScanResult result;

    write_bytes(bytes, byte_count);
    result = scan_file(damaged_path, 1000, pool);
    if (result.status != ST_OK && result.error.message[0] == '\0')
        ck_abort_msg("%s: an error without words", name);
    if (seconds_now() - start > 5) /* sanitizers make it slower than the promised second */
        ck_abort_msg("%s: took %.1f s", name, seconds_now() - start);
    mem_pool_free(pool); /* checks that nothing is left */
}

/* The footer is where most can go wrong, and the end of the file is the footer. */
static size_t pick_byte(uint32_t *seed, size_t byte_count)
{
    size_t tail = byte_count < 700 ? byte_count : 700;

    if (next_random(seed) % 2 == 0)
        return byte_count - 1 - next_random(seed) % tail;
    return next_random(seed) % byte_count;
}

static void damage_file(const char *folder, const char *name, uint32_t seed)
{
    char path[4096];
    char *bytes = malloc(FILE_BYTES_MAX), *damaged = malloc(FILE_BYTES_MAX);
    size_t byte_count;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    byte_count = fread(bytes, 1, FILE_BYTES_MAX, file);
    fclose(file);
    for (int round = 0; round < ROUNDS && byte_count < FILE_BYTES_MAX; round++) {
        size_t kept = byte_count;

        memcpy(damaged, bytes, byte_count);
        if (round % 8 == 0)
            kept = next_random(&seed) % byte_count;
        else
            for (uint32_t flips = 1 + next_random(&seed) % 3; flips > 0; flips--)
                damaged[pick_byte(&seed, byte_count)] ^= (char)(1 << next_random(&seed) % 8);
        try_file(name, damaged, kept);
    }
    free(bytes);
    free(damaged);
}

START_TEST(damaged_samples)
{
    const char *folder = samples_folder();
    const char *rounds = getenv("VONK_DAMAGE_SEED");
    uint32_t seed = rounds == NULL ? 1 : (uint32_t)atoi(rounds);
    DIR *dir;

    if (folder == NULL)
        return;
    strcpy(damaged_path, "/tmp/vonk_test_damage_XXXXXX");
    close(mkstemp(damaged_path));
    dir = opendir(folder);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t length = strlen(entry->d_name);

        if (length > 8 && strcmp(entry->d_name + length - 8, ".parquet") == 0)
            damage_file(folder, entry->d_name, seed + (uint32_t)length);
    }
    closedir(dir);
    unlink(damaged_path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parquet_damage");
    TCase *tests = tcase_create("parquet_damage");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, damaged_samples);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
