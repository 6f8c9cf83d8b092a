/* sim_driver.c -- the driver: carries actions out, passes reports on, checks what must hold */
#include <string.h>

#include "sim.h"

/* --- which outputs the scheduler knows to be there --- */

static void forget_output(Sim *sim, uint32_t stage, uint32_t part, uint32_t life)
{
    SimStage *of = &sim->stages[stage];

    if (!of->is_result && of->is_done[part] && of->done_at[part] == life)
        of->is_done[part] = false;
}

static void forget_life(Sim *sim, uint32_t life)
{
    for (uint32_t s = 0; s < sim->stage_count; s++)
        for (uint32_t p = 0; p < sim->stages[s].parts; p++)
            forget_output(sim, s, p, life);
}

/* --- launches --- */

static uint32_t known_attempt(const Sim *sim, AttemptId id)
{
    uint32_t number = sim->by_slot[(uint32_t)id % ATTEMPT_SLOTS];

    return number < sim->attempt_count && sim->attempts[number].id == id ? number : NONE;
}

static bool is_needed(const Sim *sim, uint32_t stage)
{
    for (uint32_t i = 0; i < sim->job_count; i++)
        if (sim->jobs[i].is_submitted && !sim->jobs[i].has_ended &&
            (sim->stages[sim->jobs[i].stage].lineage >> stage & 1) != 0)
            return true;
    return false;
}

/* A task runs twice only when it takes its time, and elsewhere. */
static void check_only_attempt(const Sim *sim, const SimAttempt *attempt)
{
    for (uint32_t i = 0; i < sim->attempt_count; i++) {
        const SimAttempt *other = &sim->attempts[i];

        if (other == attempt || other->stage != attempt->stage || other->part != attempt->part ||
            other->is_cancelled || !scheduler_attempt_is_known(sim->scheduler, other->id))
            continue;
        MUST(sim, sim->config.speculates && other->life != attempt->life);
        MUST(sim, sim->clock - other->launched > sim->config.speculation_min_ms);
    }
}

/* Where the inputs are: all of them, or the scheduler has launched too early. */
static void locate_inputs(Sim *sim, SimAttempt *attempt)
{
    const SimStage *stage = &sim->stages[attempt->stage];

    for (uint32_t d = 0; d < stage->parent_count; d++) {
        const SimStage *parent = &sim->stages[stage->parents[d]];
        PartitionRange range = stage->has_ranges[d] ? stage->ranges[d][attempt->part]
                                                    : (PartitionRange){.count = parent->parts};

        for (uint32_t i = 0; i < range.count; i++) {
            ExecutorId place;
            uint64_t hash;
            bool is_there =
                scheduler_output_place(sim->scheduler, parent->id, range.first + i, &place, &hash);

            MUST(sim, is_there); /* no task is launched before its inputs are there */
            MUST(sim, !sim->lives[executor_life(sim, place)].has_lost_blocks); /* and told so */
            attempt->from[attempt->input_count++] = executor_life(sim, place);
        }
    }
}

static void launch(Sim *sim, const SchedulerAction *action)
{
    uint32_t number = known_attempt(sim, action->attempt);
    SimStage *stage;
    SimAttempt *attempt;

    if (number == NONE) {
        MUST(sim, sim->attempt_count < ATTEMPTS_MAX);
        number = sim->attempt_count++;
        attempt = &sim->attempts[number];
        *attempt = (SimAttempt){.id = action->attempt,
                                .stage = plan_stage(sim, action->stage),
                                .part = action->partition,
                                .life = executor_life(sim, action->executor),
                                .launch_number = action->launch_number,
                                .reads_cache = action->reads_cache};
        sim->by_slot[(uint32_t)action->attempt % ATTEMPT_SLOTS] = number;
        stage = &sim->stages[attempt->stage];
        MUST(sim, sim->lives[attempt->life].is_registered);
        MUST(sim, !stage->is_released && attempt->part < stage->parts);
        MUST(sim, !stage->is_done[attempt->part]); /* nothing is done again without need */
        MUST(sim, is_needed(sim, attempt->stage));
        attempt->launched = sim->clock;
        check_only_attempt(sim, attempt);
        if (action->reads_cache) {
            attempt->cached_at = executor_life(sim, action->cached_at);
            MUST(sim, stage->is_cached[attempt->part] &&
                          stage->cached_at[attempt->part] == attempt->cached_at);
        } else {
            locate_inputs(sim, attempt);
        }
    }
    attempt = &sim->attempts[number];
    MUST(sim, attempt->launch_number == action->launch_number && !attempt->is_cancelled);
    MUST(sim, sim->lives[attempt->life].id == action->executor);
    sim_send(sim, (Event){.kind = EV_LAUNCH, .life = attempt->life, .a = number});
}

/* --- the ends of jobs and stages --- */

static SimJob *find_job(Sim *sim, JobId id)
{
    for (uint32_t i = 0; i < sim->job_count; i++)
        if (sim->jobs[i].id == id)
            return &sim->jobs[i];
    sim_fail(sim, "a job that was never submitted", __LINE__);
}

/* The error names something that has really happened, in what the job needs. */
static void check_cause(Sim *sim, const SimJob *job, const Error *err)
{
    const char *message = err->message;
    uint32_t lineage = sim->stages[job->stage].lineage;
    unsigned s = 0, p = 0;

    if (sscanf(message, "injected error s%u p%u", &s, &p) == 2) {
        MUST(sim, (lineage >> s & 1) != 0);
        MUST(sim, sim->stages[s].errors[p] + sim->crashes >= sim->config.attempts_max ||
                      (sim->stages[s].is_error_final && sim->stages[s].error_part == p));
        for (uint32_t q = 0; s == job->stage && q < p; q++) /* the lowest one's is reported */
            MUST(sim, sim->stages[s].counted[q] > 0 || sim->stages[s].has_existed[q]);
    } else if (strstr(message, " times, the last time since ") != NULL) {
        MUST(sim, sscanf(message, "stage \"s%u\"", &s) == 1 && (lineage >> s & 1) != 0);
        MUST(sim, sim->losses >= sim->config.losses_max);
    } else if (strstr(message, ": its executor has crashed ") != NULL) {
        MUST(sim, sscanf(message, "stage \"s%u\", partition %u", &s, &p) == 2 &&
                      (lineage >> s & 1) != 0);
        MUST(sim, p < sim->stages[s].parts);
        MUST(sim, sim->stages[s].errors[p] + sim->crashes >= sim->config.attempts_max);
    } else if (strstr(message, "bad checksum") != NULL ||
               strstr(message, "cannot be reached") != NULL) {
        MUST(sim,
             sim->unreachable_fetches + sim->damaged_fetches >= sim->config.stage_attempts_max);
    } else if (sscanf(message, "stage \"s%u\", partition %u is not deterministic", &s, &p) == 2 &&
               strstr(message, "deterministic") != NULL) {
        MUST(sim, sim->stages[s].is_random && (lineage >> s & 1) != 0);
    } else {
        MUST(sim, strstr(message, "no executor for") != NULL);
        MUST(sim, sim->config.no_executor_timeout_ms != 0);
    }
}

static void end_job(Sim *sim, JobId id)
{
    JobState state = scheduler_job_state(sim->scheduler, id);
    const Error *err = scheduler_job_error(sim->scheduler, id);
    SimJob *job;
    const SimStage *stage;

    if (sim->has_shared && id == sim->shared_job) {
        MUST(sim, sim->shared_busy == 0 && !sim->shared_ended);
        sim->shared_ended = true;
        scheduler_job_release(sim->scheduler, id);
        return;
    }
    job = find_job(sim, id);
    stage = &sim->stages[job->stage];
    MUST(sim, job->is_submitted && !job->has_ended);
    job->has_ended = true;
    sim_trace(sim, "end", job->stage, state, 0);
    if (sim->is_traced && err != NULL)
        printf("          %s\n", err->message);
    switch (state) {
    case JOB_SUCCEEDED:
        for (uint32_t p = 0; p < stage->parts; p++)
            MUST(sim, stage->is_result ? stage->has_result[p] && stage->counted[p] == 1
                                       : stage->counted[p] <= 1);
        break;
    case JOB_FAILED:
        MUST(sim, err != NULL);
        check_cause(sim, job, err);
        break;
    case JOB_CANCELLED:
        MUST(sim, job->was_cancelled);
        break;
    default:
        MUST(sim, state != JOB_RUNNING);
    }
    scheduler_job_release(sim->scheduler, id);
}

static void release_stage(Sim *sim, uint32_t number)
{
    SimStage *stage = &sim->stages[number];

    MUST(sim, !stage->is_released && !stage->is_held);
    MUST(sim, !is_needed(sim, number));
    stage->is_released = true;
    for (uint32_t i = 0; i < sim->life_count; i++)
        for (uint32_t p = 0; p < stage->parts; p++)
            sim->lives[i].blocks[number][p] = (Block){.was_removed = true};
}

static void check_drained(const Sim *sim, uint32_t life)
{
    for (uint32_t i = 0; i < sim->attempt_count; i++)
        MUST(sim, sim->attempts[i].life != life ||
                      !scheduler_attempt_is_known(sim->scheduler, sim->attempts[i].id));
}

static void executor_gone(Sim *sim, const SchedulerAction *action)
{
    uint32_t number = executor_life(sim, action->executor);
    Life *life = &sim->lives[number];

    MUST(sim, strcmp(action->reason, "it was silent for too long") == 0
                  ? sim->clock - life->heard >= sim->config.executor_timeout_ms
                  : sim->config.cancel_timeout_ms != 0);
    life->is_registered = false;
    sim->losses += SLOTS_MAX + AHEAD_MAX;
    if (!sim->config.blocks_outlive_executors)
        forget_life(sim, number);
}

static void carry_out(Sim *sim, const SchedulerAction *action)
{
    uint32_t number;

    switch (action->kind) {
    case ACTION_BEGIN_ROUND:
        sim->shared_busy++;
        sim_at(sim, sim_below(sim, 10), (Event){.kind = EV_ROUND, .shared = action->shared});
        return;
    case ACTION_LAUNCH_SHARED:
        sim->shared_busy++;
        sim_at(sim, sim_below(sim, 30), (Event){.kind = EV_SHARED, .shared = action->shared});
        return;
    case ACTION_LAUNCH_TASK:
        launch(sim, action);
        return;
    case ACTION_CANCEL_TASK:
        number = known_attempt(sim, action->attempt);
        MUST(sim, number != NONE);
        MUST(sim, sim->attempts[number].launch_number == action->launch_number);
        sim->attempts[number].is_cancelled = true;
        sim_send(sim, (Event){.kind = EV_CANCEL, .life = sim->attempts[number].life, .a = number});
        return;
    case ACTION_EXECUTOR_DRAINED:
        check_drained(sim, executor_life(sim, action->executor));
        executor_kill(sim, executor_life(sim, action->executor), sim->keeps_blocks);
        return;
    case ACTION_EXECUTOR_GONE:
        executor_gone(sim, action);
        return;
    case ACTION_RELEASE_STAGE:
        release_stage(sim, plan_stage(sim, action->stage));
        return;
    case ACTION_END_JOB:
        end_job(sim, action->job);
        return;
    default:
        return;
    }
}

/* Who was told to stop an attempt, in the reply to a heartbeat, was told so rightly. */
static void check_unwanted(Sim *sim)
{
    for (uint32_t i = 0; i < sim->unwanted_count; i++) {
        uint32_t number = known_attempt(sim, sim->unwanted[i]);

        MUST(sim, number == NONE || sim->attempts[number].is_cancelled ||
                      !scheduler_attempt_is_known(sim->scheduler, sim->unwanted[i]));
    }
    sim->unwanted_count = 0;
}

static void cancel(Sim *sim, uint32_t way, uint64_t value);

/* Of a job whose end has not been told yet: with its group. */
static void cancel_ended(Sim *sim)
{
    for (uint32_t i = 0; i < sim->job_count && !sim->is_over; i++) {
        const SimJob *job = &sim->jobs[i];

        if (job->is_submitted && !job->has_ended && sim_chance(sim, 300) &&
            scheduler_job_state(sim->scheduler, job->id) != JOB_RUNNING)
            cancel(sim, 1 + sim_below(sim, 2), sim_chance(sim, 500) ? job->group : job->tag);
    }
}

void driver_act(Sim *sim)
{
    uint32_t limit = sim_chance(sim, 200) ? 1 + sim_below(sim, 3) : 10000;

    cancel_ended(sim);
    for (uint32_t i = 0; i < limit; i++) {
        SchedulerAction action = scheduler_next(sim->scheduler);

        if (action.kind == ACTION_NONE) {
            check_unwanted(sim);
            return;
        }
        sim_trace(sim, "action", action.kind, action.stage << 8 | action.partition,
                  action.attempt ^ action.executor << 4);
        carry_out(sim, &action);
    }
    sim_at(sim, 1 + sim_below(sim, 5), (Event){.kind = EV_POLL}); /* it had enough to do */
}

/* --- reports --- */

/* What an accepted task read has the one value that anything ever read there. */
static void check_inputs(Sim *sim, const SimAttempt *attempt)
{
    const SimStage *stage = &sim->stages[attempt->stage];
    uint32_t at = 0;

    for (uint32_t d = 0; d < stage->parent_count && !attempt->reads_cache; d++) {
        SimStage *parent = &sim->stages[stage->parents[d]];
        PartitionRange range = stage->has_ranges[d] ? stage->ranges[d][attempt->part]
                                                    : (PartitionRange){.count = parent->parts};

        for (uint32_t i = 0; i < range.count; i++, at++) {
            uint32_t part = range.first + i;

            MUST(sim, !parent->is_consumed[part] || parent->consumed[part] == attempt->read[at]);
            parent->is_consumed[part] = true;
            parent->consumed[part] = attempt->read[at];
        }
    }
}

static void tell_cached(Sim *sim, uint32_t number, uint32_t part, uint32_t life)
{
    SimStage *stage = &sim->stages[number];

    if (sim->lives[life].is_registered) {
        stage->is_cached[part] = true;
        stage->cached_at[part] = life;
    }
    scheduler_cached(sim->scheduler, stage->id, part, sim->lives[life].id);
}

static void share_cache(Sim *sim, const SimAttempt *attempt)
{
    uint32_t group = sim->stages[attempt->stage].cache_group;

    if (group == NONE || attempt->reads_cache)
        return;
    for (uint32_t s = 0; s < sim->stage_count; s++)
        if (sim->stages[s].cache_group == group && sim->stages[s].id != 0 && sim_chance(sim, 800))
            tell_cached(sim, s, attempt->part, attempt->life);
}

static void report_success(Sim *sim, const SimAttempt *attempt)
{
    SimStage *stage = &sim->stages[attempt->stage];
    TaskVerdict verdict = scheduler_task_succeeded(sim->scheduler, attempt->id, attempt->value);

    sim_trace(sim, "verdict", attempt->stage, attempt->part, verdict);
    if (verdict == VERDICT_REFUSED)
        return;
    MUST(sim, !attempt->was_reported); /* a repeated report */
    MUST(sim, sim->lives[attempt->life].is_registered);
    MUST(sim, !stage->is_done[attempt->part] && !stage->is_released);
    MUST(sim, stage->is_random || stage->depends_on_random ||
                  attempt->value == stage->value[attempt->part]);
    check_inputs(sim, attempt);
    stage->is_done[attempt->part] = true;
    stage->done_at[attempt->part] = attempt->life;
    stage->counted[attempt->part] += verdict == VERDICT_COUNTS;
    MUST(sim, stage->counted[attempt->part] == 1); /* accumulators count once */
    if (stage->is_result) {
        MUST(sim, verdict == VERDICT_COUNTS && !stage->has_result[attempt->part]);
        stage->has_result[attempt->part] = true;
    }
    share_cache(sim, attempt);
}

static void report_error(Sim *sim, const SimAttempt *attempt)
{
    Error err = ERROR_NONE;

    sim->stages[attempt->stage].errors[attempt->part] += !attempt->was_reported;
    (void)error_set(&err, ST_BAD_INPUT, "injected error s%u p%u", attempt->stage, attempt->part);
    scheduler_task_failed(sim->scheduler, attempt->id,
                          attempt->outcome == OUT_ERROR ? TASK_FAILED_RETRY : TASK_FAILED, &err);
}

/* The scheduler may have given an executor up, in the tick before a report, and not have said so
 * yet: then none of its outputs is registered. False also when it had no other. */
static bool has_given_up(Sim *sim, uint32_t life)
{
    bool are_gone = false;

    for (uint32_t s = 0; s < sim->stage_count; s++)
        for (uint32_t p = 0; p < sim->stages[s].parts; p++) {
            const SimStage *stage = &sim->stages[s];
            ExecutorId place;
            uint64_t hash;

            if (stage->is_result || stage->is_released || !stage->is_done[p] ||
                stage->done_at[p] != life)
                continue;
            if (!scheduler_output_place(sim->scheduler, stage->id, p, &place, &hash))
                are_gone = true;
            else if (place == sim->lives[life].id)
                return false;
        }
    return are_gone;
}

static void report_fetch(Sim *sim, const SimAttempt *attempt)
{
    Error err = ERROR_NONE;
    uint32_t source = attempt->fetch_life;
    ExecutorId place;
    uint64_t hash;

    sim->losses++;
    if (attempt->fetch.is_corrupt)
        sim->damaged_fetches++;
    else
        sim->unreachable_fetches++;
    (void)error_set(&err, ST_CORRUPT,
                    attempt->fetch.is_corrupt ? "a block has a bad checksum"
                                              : "a block cannot be reached");
    if (!scheduler_fetch_failed(sim->scheduler, attempt->id, &attempt->fetch, &err) ||
        source == NONE)
        return;
    if (attempt->fetch_stage == attempt->stage) {
        SimStage *stage = &sim->stages[attempt->stage];

        stage->is_cached[attempt->part] &= stage->cached_at[attempt->part] != source;
        return;
    }
    MUST(sim, !scheduler_output_place(sim->scheduler, attempt->fetch.stage,
                                      attempt->fetch.partition, &place, &hash) ||
                  place != attempt->fetch.executor);
    forget_output(sim, attempt->fetch_stage, attempt->fetch.partition, source);
    if (attempt->fetch.is_corrupt || source == 0)
        return;
    if (sim->lives[source].is_registered)
        sim->lives[source].is_given_up |= has_given_up(sim, source);
    if (!sim->lives[source].is_registered || sim->lives[source].is_given_up)
        forget_life(sim, source);
}

static void take_report(Sim *sim, uint32_t number)
{
    SimAttempt *attempt = &sim->attempts[number];

    if (scheduler_attempt_is_known(sim->scheduler, attempt->id))
        sim->lives[attempt->life].heard = sim->clock;
    switch ((OutcomeKind)attempt->outcome) {
    case OUT_SUCCEEDED:
        report_success(sim, attempt);
        break;
    case OUT_ERROR:
    case OUT_FINAL_ERROR:
        report_error(sim, attempt);
        break;
    case OUT_FETCH:
        report_fetch(sim, attempt);
        break;
    case OUT_KILLED:
        sim->losses++;
        scheduler_task_failed(sim->scheduler, attempt->id, TASK_KILLED, NULL);
        break;
    }
    attempt->was_reported = true;
    sim_send(sim, (Event){.kind = EV_ACK, .life = attempt->life, .a = number});
}

/* What was cancelled and goes on is in the reply. */
static void check_reply(Sim *sim, const Beat *beat, const AttemptId *unwanted, uint32_t count,
                        bool is_known)
{
    for (uint32_t i = 0; i < beat->count && is_known; i++) {
        uint32_t number = known_attempt(sim, beat->attempts[i]);
        bool is_told = false;

        for (uint32_t k = 0; k < count; k++)
            is_told |= unwanted[k] == beat->attempts[i];
        MUST(sim, is_told || number == NONE || !sim->attempts[number].is_cancelled);
    }
    for (uint32_t i = 0; i < count && sim->unwanted_count < REPORTS_MAX; i++)
        sim->unwanted[sim->unwanted_count++] = unwanted[i];
}

static void take_heartbeat(Sim *sim, uint32_t life, uint32_t slot)
{
    const Beat *beat = &sim->beats[slot];
    AttemptId unwanted[REPORTS_MAX];
    bool is_known;
    uint32_t count = scheduler_heartbeat(sim->scheduler, sim->lives[life].id, beat->launches_taken,
                                         beat->attempts, beat->count, unwanted, &is_known);

    sim->losses++; /* perhaps: it may have shown that a launch was lost */
    MUST(sim, !is_known || sim->lives[life].is_registered); /* who was given up stays so */
    if (is_known)
        sim->lives[life].heard = sim->clock;
    else
        sim_send(sim, (Event){.kind = EV_UNKNOWN, .life = life});
    check_reply(sim, beat, unwanted, count, is_known);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t a = sim->attempt_count; a-- > 0;)
            if (sim->attempts[a].id == unwanted[i]) {
                sim_send(sim, (Event){.kind = EV_UNWANTED, .life = life, .a = a});
                break;
            }
}

/* The driver knows what of it was not kept. */
static void note_unkept(Sim *sim, uint32_t number)
{
    const Life *life = &sim->lives[number];

    for (uint32_t s = 0; s < sim->stage_count; s++)
        for (uint32_t p = 0; p < sim->stages[s].parts; p++) {
            const SimStage *stage = &sim->stages[s];

            if (!life->blocks[s][p].was_removed || !stage->is_done[p] ||
                stage->done_at[p] != number)
                continue;
            forget_output(sim, s, p, number);
            scheduler_output_lost(sim->scheduler, stage->id, p, life->id);
        }
}

static void take_loss(Sim *sim, uint32_t number, bool blocks_stay)
{
    Life *life = &sim->lives[number];
    AttemptId blamed = 0;

    life->is_registered = false;
    sim->losses += SLOTS_MAX + AHEAD_MAX;
    if (!blocks_stay) {
        life->has_lost_blocks = true;
        forget_life(sim, number);
    }
    if (sim_chance(sim, 100)) {
        sim->crashes++;
        if (life->listed_count > 0 && sim_chance(sim, 500))
            blamed = sim->attempts[life->listed[sim_below(sim, life->listed_count)]].id;
        scheduler_executor_crashed(sim->scheduler, life->id,
                                   blocks_stay ? BLOCKS_KEPT : BLOCKS_LOST, blamed, "crashed");
    } else {
        scheduler_executor_lost(sim->scheduler, life->id, blocks_stay ? BLOCKS_KEPT : BLOCKS_LOST,
                                "killed");
    }
    if (blocks_stay)
        note_unkept(sim, number);
}

/* --- jobs --- */

static void submit(Sim *sim, uint32_t number)
{
    SimJob *job = &sim->jobs[number];

    plan_add_late(sim, job->stage);
    job->is_submitted = true;
    job->submitted = sim->clock;
    job->group = sim_below(sim, 4);
    job->tag = 1 + sim_below(sim, 3);
    job->id = scheduler_submit(sim->scheduler, &(JobSpec){.stage = sim->stages[job->stage].id,
                                                          .pool = sim_below(sim, 3),
                                                          .group = job->group,
                                                          .tag_count = 1,
                                                          .tags = &job->tag});
    sim_trace(sim, "submit", number, job->stage, job->group);
}

static void cancel(Sim *sim, uint32_t way, uint64_t value)
{
    for (uint32_t i = 0; i < sim->job_count; i++) {
        SimJob *job = &sim->jobs[i];

        if ((way == 0 && i == value) || (way == 1 && value != 0 && job->group == value) ||
            (way == 2 && job->tag == value))
            job->was_cancelled |= job->is_submitted && !job->has_ended;
    }
    if (way == 0 && value < sim->job_count && sim->jobs[value].is_submitted)
        scheduler_cancel(sim->scheduler, sim->jobs[value].id); /* also after its end */
    else if (way == 1)
        scheduler_cancel_group(sim->scheduler, value);
    else if (way == 2)
        scheduler_cancel_tag(sim->scheduler, value);
    for (uint32_t i = 0; i < sim->job_count; i++)
        MUST(sim, !sim->jobs[i].was_cancelled || sim->jobs[i].has_ended ||
                      scheduler_job_state(sim->scheduler, sim->jobs[i].id) != JOB_RUNNING);
}

/* A job that is still to come needs it, or will add what reads it. */
static bool is_to_come(const Sim *sim, uint32_t number)
{
    for (uint32_t i = 0; i < sim->job_count; i++) {
        const SimJob *job = &sim->jobs[i];
        const SimStage *target = &sim->stages[job->stage];

        if (!job->is_submitted &&
            (job->stage == number || (target->id == 0 && (target->lineage >> number & 1) != 0)))
            return true;
    }
    return false;
}

static void unref(Sim *sim, uint32_t number)
{
    SimStage *stage = &sim->stages[number];

    if (is_to_come(sim, number)) {
        sim_at(sim, 50, (Event){.kind = EV_UNREF, .a = number});
        return;
    }
    if (stage->id == 0)
        return; /* nobody wanted it */
    stage->is_held = false;
    scheduler_stage_unref(sim->scheduler, stage->id);
}

/* What is said too late, or is not so: it changes nothing. */
static void mislead(Sim *sim, uint32_t number, uint32_t part)
{
    const SimStage *stage = &sim->stages[number];
    uint32_t life = sim_below(sim, sim->life_count);
    ExecutorId place;
    uint64_t hash;

    if (stage->cache_group != NONE && life > 0 && sim_chance(sim, 300)) {
        tell_cached(sim, number, part, life);
    } else if (stage->is_done[part] && stage->done_at[part] != life) {
        scheduler_output_lost(sim->scheduler, stage->id, part, sim->lives[life].id);
    } else if (stage->counted[part] > 0 &&
               !scheduler_output_place(sim->scheduler, stage->id, part, &place, &hash)) {
        scheduler_output_exists(sim->scheduler, stage->id, part, DURABLE, sim_random(sim));
        MUST(sim, !scheduler_output_place(sim->scheduler, stage->id, part, &place, &hash));
    }
}

/* A checkpoint, or a lost output that somebody noticed. */
static void change_places(Sim *sim)
{
    uint32_t s = sim_below(sim, sim->stage_count);
    SimStage *stage = &sim->stages[s];
    uint32_t p = stage->parts == 0 ? 0 : sim_below(sim, stage->parts);
    ExecutorId place;
    uint64_t hash;

    if (stage->is_released || stage->is_result || stage->parts == 0 || stage->id == 0)
        return;
    if (sim_chance(sim, 300)) {
        mislead(sim, s, p);
        return;
    }
    if (stage->is_done[p]) {
        uint32_t life = stage->done_at[p];

        sim->lives[life].blocks[s][p] = (Block){.was_removed = true};
        forget_output(sim, s, p, life);
        scheduler_output_lost(sim->scheduler, stage->id, p, sim->lives[life].id);
    } else if (!stage->is_random && !stage->depends_on_random &&
               !scheduler_output_place(sim->scheduler, stage->id, p, &place, &hash)) {
        sim->lives[0].blocks[s][p] = (Block){.is_there = true, .value = stage->value[p]};
        stage->is_done[p] = true;
        stage->done_at[p] = 0;
        stage->has_existed[p] = true;
        scheduler_output_exists(sim->scheduler, stage->id, p, DURABLE, stage->value[p]);
    }
}

void driver_fault(Sim *sim)
{
    uint32_t life = sim_below(sim, sim->life_count), machine = sim_below(sim, sim->machine_count);

    switch (sim_below(sim, 6)) {
    case 0:
        cancel(sim, sim_below(sim, 3), sim_below(sim, JOBS_MAX));
        return;
    case 1:
        if (life > 0)
            scheduler_executor_drain(sim->scheduler, sim->lives[life].id);
        return;
    case 2: /* the whole machine, with the blocks of all that ever ran there */
        if (!sim_chance(sim, 300))
            return;
        if (sim->current[machine] != NONE)
            executor_kill(sim, sim->current[machine], false);
        for (uint32_t i = 1; i < sim->life_count; i++)
            if (sim->lives[i].machine == machine) {
                sim->lives[i].is_served = sim->lives[i].is_registered = false;
                sim->lives[i].has_lost_blocks = true;
                forget_life(sim, i);
            }
        sim->losses += SLOTS_MAX + AHEAD_MAX;
        scheduler_host_lost(sim->scheduler, machine, "its power failed");
        return;
    case 3:
        if (sim_chance(sim, 300))
            sim->skew +=
                sim_chance(sim, 500) ? sim_below(sim, 100000) : -(int64_t)sim_below(sim, 100000);
        return;
    default:
        change_places(sim);
    }
}

static void round_begun(Sim *sim, const SharedTask *task)
{
    uint32_t count = sim->shared_rounds[task->stage]++ < 2 ? sim_below(sim, 4) : 0;

    sim->shared_busy--;
    scheduler_round_begun(sim->scheduler, sim->shared_job, task->stage, !sim_chance(sim, 10),
                          count);
}

/* Without any executor jobs fail, when it was too long and not before. */
void driver_check_alone(Sim *sim)
{
    if (scheduler_counts(sim->scheduler).slots > 0) {
        sim->alone = -1;
        return;
    }
    if (sim->alone < 0)
        sim->alone = sim->clock;
    for (uint32_t i = 0; i < sim->job_count; i++) {
        const SimJob *job = &sim->jobs[i];
        int64_t since = job->submitted > sim->alone ? job->submitted : sim->alone;
        bool is_due = sim->config.no_executor_timeout_ms != 0 &&
                      sim->clock - since >= sim->config.no_executor_timeout_ms;
        const Error *err;

        if (!job->is_submitted || job->has_ended)
            continue;
        err = scheduler_job_error(sim->scheduler, job->id);
        MUST(sim, !is_due || scheduler_job_state(sim->scheduler, job->id) != JOB_RUNNING);
        MUST(sim, is_due || err == NULL || strstr(err->message, "no executor for") == NULL);
    }
}

void driver_event(Sim *sim, const Event *event)
{
    if (sim->now + sim->skew > sim->clock)
        sim->clock = sim->now + sim->skew;
    scheduler_tick(sim->scheduler, sim->now + sim->skew);
    driver_check_alone(sim);
    switch (event->kind) {
    case EV_REPORT:
        take_report(sim, event->a);
        return;
    case EV_HEARTBEAT:
        take_heartbeat(sim, event->life, event->a);
        return;
    case EV_LOSS:
        take_loss(sim, event->life, event->a != 0);
        return;
    case EV_SUBMIT:
        submit(sim, event->a);
        return;
    case EV_UNREF:
        unref(sim, event->a);
        return;
    case EV_ROUND:
        round_begun(sim, &event->shared);
        return;
    case EV_SHARED:
        sim->shared_busy--;
        scheduler_shared_ended(sim->scheduler, sim->shared_job, event->shared,
                               !sim_chance(sim, 10));
        return;
    case EV_TICK:
        sim->tick_at = INT64_MAX;
        return;
    default:
        return;
    }
}
