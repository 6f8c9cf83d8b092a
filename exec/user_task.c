/* user_task.c -- see user_task.h */
#include "exec/user_task.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/invariant.h"
#include "core/plan/closure.h"
#include "exec/user_shared.h"

enum { MEMORY_BLOCK_BYTES = 64 << 10, MEMORY_HEADER_BYTES = 32 };

struct UserMemory {
    UserMemory *next;
    size_t bytes; /* of the block, this header included */
    size_t used;
};

static _Thread_local UserTask *running; /* set while a function may run */

_Static_assert(sizeof(UserMemory) <= MEMORY_HEADER_BYTES, "memory is aligned to 16 bytes");

static UserTask *user_of(VonkTask *task)
{
    return (UserTask *)task; /* its first member */
}

void user_task_init(UserTask *user, const ExecContext *context, const Plan *node)
{
    const atomic_bool *cancelled = context->cancelled != NULL ? context->cancelled : context->stop;

    *user = (UserTask){.cancelled = (const volatile bool *)cancelled,
                       .pool = context->pool,
                       .error = ERROR_NONE,
                       .shared = context->shared,
                       .counts = context->counts};
    user->task =
        (VonkTask){.partition = context->partition - (node == NULL ? 0 : node->partition_shift),
                   .partition_count = context->partition_count,
                   .is_cancelled = user->cancelled};
}

void user_task_fini(UserTask *user)
{
    user_task_reset(user);
    while (user->memory != NULL) {
        UserMemory *next = user->memory->next;

        mem_pool_release(user->pool, user->memory, user->memory->bytes);
        user->memory = next;
    }
}

void user_task_begin(UserTask *user, const UserFunction *function)
{
    user->function = function;
    user->task.closure = function->closure;
    running = user;
}

UserPlace user_task_pause(const UserTask *user)
{
    return (UserPlace){user->function, user->task.closure, user->record};
}

void user_task_resume(UserTask *user, UserPlace place)
{
    user->function = place.function;
    user->task.closure = place.closure; /* of an engine's own function, or of its inner one */
    user->record = place.record;
    running = user;
}

/* The number of the record at hand. */
static uint64_t record_number(const UserTask *user)
{
    const VonkIn *in = user->reading;

    return in == NULL ? user->record
                      : user->record - (uint64_t)(in->end - in->next) / in->record_bytes;
}

Status user_task_end(UserTask *user, Error *err)
{
    running = NULL;
    if (!user->task.is_failed)
        return ST_OK;
    if (err != NULL)
        *err = user->error;
    return user->error.status;
}

void user_task_reset(UserTask *user)
{
    /* One block is kept for the next batch. */
    while (user->memory != NULL && user->memory->next != NULL) {
        UserMemory *next = user->memory->next;

        mem_pool_release(user->pool, user->memory, user->memory->bytes);
        user->memory = next;
    }
    if (user->memory != NULL)
        user->memory->used = MEMORY_HEADER_BYTES;
}

void user_task_set_wanted(UserTask *user, bool is_wanted)
{
    static const bool is_unwanted = true;

    user->task.is_cancelled = is_wanted ? user->cancelled : &is_unwanted;
    if (is_wanted)
        user->dropped = 0;
}

void user_task_reset_if_large(UserTask *user)
{
    if (user->memory != NULL && user->memory->next != NULL)
        user_task_reset(user);
}

void user_task_fail(UserTask *user, const Error *err)
{
    if (user->task.is_failed)
        return;
    user->task.is_failed = true;
    user->error = *err;
}

VonkTask **user_task_running(void)
{
    return (VonkTask **)&running; /* its first member */
}

/* --- what functions call --- */

void vonk_fail(VonkTask *task, const char *format, ...)
{
    UserTask *user = user_of(task);
    char message[512];
    va_list args;
    Error err;

    if (task->is_failed)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    (void)error_set_state(&err, ST_BAD_INPUT, "38000", "%s: %s", user_function_name(user->function),
                          message);
    error_detail(&err, "record %llu of partition %u", (unsigned long long)record_number(user),
                 task->partition);
    user_task_fail(user, &err);
}

void *vonk_task_alloc(VonkTask *task, size_t bytes)
{
    UserTask *user = user_of(task);
    size_t rounded = bytes > SIZE_MAX - 64 ? SIZE_MAX - 64 : (bytes + 15) & ~(size_t)15;
    void *memory;
    Error err;

    if (user->memory == NULL || user->memory->bytes - user->memory->used < rounded) {
        size_t block = rounded > MEMORY_BLOCK_BYTES - MEMORY_HEADER_BYTES
                           ? rounded + MEMORY_HEADER_BYTES
                           : MEMORY_BLOCK_BYTES;

        if (mem_pool_alloc(user->pool, block, user->function->name, &err, &memory) != ST_OK) {
            user_task_fail(user, &err);
            return NULL;
        }
        *(UserMemory *)memory =
            (UserMemory){.next = user->memory, .bytes = block, .used = MEMORY_HEADER_BYTES};
        user->memory = memory;
    }
    memory = (char *)user->memory + user->memory->used;
    user->memory->used += rounded;
    return memory;
}

/* --- what they share with the driver --- */

static void count(VonkTask *task, VonkAccumulator accumulator, int64_t integer, double real)
{
    UserTask *user = user_of(task);

    if (user->shared == NULL ||
        !user_counts_add(user->counts, user->shared, accumulator.id, integer, real))
        vonk_fail(task, "there is no accumulator %u", accumulator.id);
}

void vonk_accumulate(VonkTask *task, VonkAccumulator accumulator, int64_t more)
{
    count(task, accumulator, more, 0);
}

void vonk_accumulate_float8(VonkTask *task, VonkAccumulator accumulator, double more)
{
    count(task, accumulator, 0, more);
}

const void *vonk__broadcast_records(VonkTask *task, VonkBroadcast broadcast, size_t record_bytes,
                                    size_t *count_out)
{
    UserTask *user = user_of(task);
    SharedRecords value = {0};
    Error err = ERROR_NONE;

    *count_out = 0;
    if (user->shared == NULL) {
        vonk_fail(task, "there is no broadcast value %u", broadcast.id);
    } else if (user_shared_value(user->shared, broadcast.id, &err, &value) != ST_OK) {
        vonk_fail(task, "%s", err.message);
    } else if (value.bytes != record_bytes) {
        vonk_fail(task, "the records of broadcast value %u have %u bytes, not %zu", broadcast.id,
                  value.bytes, record_bytes);
        return NULL;
    }
    *count_out = value.count;
    return value.records;
}

void vonk__wrong_record(VonkOut *out, size_t bytes)
{
    UserTask *user = running;

    CHECK(user != NULL);
    vonk_fail(&user->task, "emits a record of %zu bytes where the RDD's records have %u", bytes,
              out->record_bytes);
}

/* --- crashes --- */

static _Thread_local uint64_t blamed;
static const char blamed_text[] = ", attempt ";

void user_task_blame(uint64_t attempt)
{
    blamed = attempt;
}

uint64_t user_task_blamed(const char *line)
{
    static const char head[] = "FATAL: ";
    const char *at = strncmp(line, head, sizeof head - 1) == 0 ? line : NULL, *last = NULL;
    uint64_t attempt = 0;

    while (at != NULL && (at = strstr(at, blamed_text)) != NULL)
        last = at += sizeof blamed_text - 1;
    return last != NULL && sscanf(last, "%" SCNu64, &attempt) == 1 ? attempt : 0;
}

/* Only what a signal handler may do: no printf. */
typedef struct CrashText {
    char text[512];
    size_t bytes;
} CrashText;

static void put(CrashText *to, const char *text)
{
    while (*text != '\0' && to->bytes < sizeof to->text)
        to->text[to->bytes++] = *text++;
}

static void put_number(CrashText *to, uint64_t number)
{
    char digits[24];
    size_t at = sizeof digits - 1;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(to, digits + at);
}

static _Thread_local const char *stack_low; /* the first byte of the thread's; NULL: not known */
/* The function that is the job; NULL: this thread does not run it. */
static _Thread_local const char *whole_job;

void user_task_begin_job(const char *function)
{
    whole_job = function;
}

void user_task_end_job(void)
{
    whole_job = NULL;
}

static const char stack_is_full[] = ": its stack is full, as of a recursion without an end";

static bool is_stack_full(const char *address)
{
    const ptrdiff_t guard_bytes = 64 << 10;

    return stack_low != NULL && address < stack_low + guard_bytes &&
           address >= stack_low - guard_bytes;
}

/* Why that address cannot be had; NULL: nobody knows. */
static const char *fault_reason(const UserTask *user, const char *address)
{
    if (is_stack_full(address))
        return stack_is_full;
    for (const UserFunction *at = user->function; at != NULL; at = at->inner)
        if (closure_has(at->closure, at->closure_bytes, address))
            return ": it writes to its closure, or past its end, and may only read it";
    return NULL;
}

/* Whether a user's function was at work: then it is named. address: of a fault; NULL: none. */
static bool report_end(const char *what, const void *address)
{
    static atomic_flag is_reported = ATOMIC_FLAG_INIT;
    const UserTask *user = running;
    CrashText line = {.bytes = 0};
    const char *reason;
    ssize_t ignored;

    running = NULL; /* a crash in here is nobody's */
    if (user == NULL)
        return false;
    while (atomic_flag_test_and_set(&is_reported))
        pause(); /* another thread is about to end the process */
    put(&line, "\nFATAL: ");
    put(&line, what);
    put(&line, " in user function ");
    put(&line, user_function_name(user->function));
    put(&line, ", record ");
    put_number(&line, record_number(user));
    put(&line, " of partition ");
    put_number(&line, user->task.partition);
    reason = address == NULL ? NULL : fault_reason(user, address);
    if (reason != NULL)
        put(&line, reason);
    if (blamed != 0) {
        put(&line, blamed_text);
        put_number(&line, blamed);
    }
    put(&line, "\n");
    ignored = write(STDERR_FILENO, line.text, line.bytes);
    (void)ignored;
    return true;
}

/* Outside of tasks' functions, where the thread runs the job itself. */
static void report_job_crash(const char *what, const void *address)
{
    const char *function = whole_job;
    CrashText line = {.bytes = 0};
    ssize_t ignored;

    whole_job = NULL; /* a crash in here is nobody's */
    if (function == NULL)
        return;
    put(&line, "\nFATAL: ");
    put(&line, what);
    put(&line, " in the job's ");
    put(&line, function);
    put(&line, ", or in what it called");
    if (address != NULL && is_stack_full(address))
        put(&line, stack_is_full);
    put(&line, "\n");
    ignored = write(STDERR_FILENO, line.text, line.bytes);
    (void)ignored;
}

static void report_crash(int number, siginfo_t *info, void *context)
{
    const void *address = number == SIGSEGV || number == SIGBUS ? info->si_addr : NULL;
    const char *what = strsignal(number);

    (void)context;
    if (!report_end(what, address))
        report_job_crash(what, address);
    signal(number, SIG_DFL);
    raise(number);
}

/* Other threads are at work, on what the handlers that follow would free. */
static void report_exit(void)
{
    if (report_end("exit()", NULL))
        _exit(USER_TASK_EXIT);
}

void user_task_drop(UserTask *user, uint64_t count)
{
    const uint64_t dropped_max = (uint64_t)1 << 28;

    user->dropped += count;
    if (user->dropped < dropped_max || user->function == NULL)
        return;
    running = user;
    if (report_end("emitting for ever what nobody wants (vonk_task_is_cancelled tells it)", NULL))
        _exit(USER_TASK_EXIT);
}

void user_task_report_crashes(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action = {.sa_sigaction = report_crash,
                                   .sa_flags = SA_NODEFER | SA_ONSTACK | SA_SIGINFO};

        sigaction(numbers[i], &action, NULL);
    }
    (void)atexit(report_exit);
}

static const char *find_stack_low(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t bytes;

    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return NULL;
    if (pthread_attr_getstack(&attributes, &low, &bytes) != 0)
        low = NULL;
    (void)pthread_attr_destroy(&attributes);
    return low;
}

void user_task_crash_stack_init(CrashStack *stack)
{
    stack_t now = {.ss_sp = stack->bytes, .ss_size = sizeof stack->bytes};

    stack->low_before = stack_low;
    stack_low = find_stack_low();

    if (sigaltstack(&now, &stack->before) != 0)
        stack->before = (stack_t){.ss_flags = SS_DISABLE};
}

void user_task_crash_stack_fini(CrashStack *stack)
{
    (void)sigaltstack(&stack->before, NULL);
    stack_low = stack->low_before;
}
