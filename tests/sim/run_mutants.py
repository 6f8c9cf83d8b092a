#!/usr/bin/env python3
"""Breaks the scheduler on purpose, one way at a time, and sees the unit tests, or the simulation, find each.

    tests/sim/run_mutants.py [--count N] [NAME]...     N schedules a mutant (default 20000)

Prints a line a mutant with the seed that found it; exit 1 when one lived.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RDD = os.path.join(ROOT, "core/scheduler")
UNITS = [os.path.join(ROOT, "tests/unit/scheduler", name) for name in ("test_scheduler.c", "test_choices.c")]
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-O1", "-g", "-I", ROOT]

# name, file, what it says, what the mutant says instead
MUTANTS = [
    ("slot_twice", "task.c", "    executor->free_slots--;\n", ""),
    ("slot_lost", "task.c", "    executor->free_slots++;\n", ""),
    ("counted_twice", "task.c", "    task->is_counted = true;\n", ""),
    ("hash_ignored", "task.c", "task->has_hash && task->hash != hash", "false"),
    ("consumption_forgotten", "task.c", "            edge->parent->is_consumed = true;\n", ""),
    ("changed_inputs_taken", "task.c", "attempt->inputs_version != inputs_version(task->stage)", "false"),
    ("parents_not_awaited", "task_queue.c", "if (task == NULL && stage->waits_for == 0 && stage->plain.count > 0)",
     "if (task == NULL && stage->plain.count > 0)"),
    ("outputs_survive_loss", "executor.c",
     "    if (fate == BLOCKS_LOST)\n        sched__outputs_drop_all(scheduler, executor);\n    sched__exclusion", "    sched__exclusion"),
    ("caches_survive_loss", "executor.c", "    lose_caches(scheduler, executor);\n", ""),
    ("attempts_survive_loss", "executor.c", "    lose_attempts(scheduler, executor, crash, reason);\n",
     "    (void)crash; (void)reason; (void)lose_attempts;\n"),
    ("fetch_failure_drops_all", "task.c", "source->state == EXECUTOR_LOST && !failure->is_corrupt", "true"),
    ("fetch_failure_drops_none", "task.c", "    } else if (is_at(&task->output, failure->executor)) {",
     "    } else if (false) {"),
    ("fetch_failures_unbounded", "task.c", "return ++stage->fetch_failures >= scheduler->config.stage_attempts_max;",
     "return false;"),
    ("attempts_unbounded", "task.c", "failure == TASK_FAILED || task->failures >= scheduler->config.attempts_max",
     "failure == TASK_FAILED"),
    ("loss_is_failure", "task.c", "    if (is_cancelled || ++task->losses < scheduler->config.losses_max)",
     "    if (is_cancelled || ++task->losses < scheduler->config.attempts_max)"),
    ("loser_not_cancelled", "task.c", "        list_push(&scheduler->cancels, &attempt->action_node);\n", ""),
    ("cancelled_frees_slot", "task.c", "        attempt->is_cancelled = true;\n",
     "        attempt->is_cancelled = true;\n        attempt->executor->free_slots++;\n"),
    ("lost_launch_not_seen", "executor.c", "attempt->launch_number <= launches_taken", "false"),
    ("launch_not_repeated", "executor.c", "scheduler->now_ms - attempt->sent_ms >= scheduler->config.launch_timeout_ms",
     "false"),
    ("reused_handles", "slot_table.c", "next.generation = head->generation + 1;", "next.generation = head->generation;"),
    ("all_jobs_fail", "stage.c", "    walk_to(scheduler, &walk, stage);\n",
     "    walk_to(scheduler, &walk, stage);\n    for (uint32_t i = 0; i < scheduler->stages.used_count; i++)\n"
     "        if (slot_table_at(&scheduler->stages, i) != NULL)\n"
     "            walk_to(scheduler, &walk, slot_table_at(&scheduler->stages, i));\n"),
    ("released_early", "stage.c", "stage->references > 0 || stage->attempt_count > 0 || stage->is_released",
     "stage->references > 0 || stage->is_released"),
    ("no_withdrawal", "stage.c", "        if (!sched__is_demanded(edge->parent))\n            withdraw", "        if (false)\n            withdraw"),
    ("ranges_not_wanted_again", "stage.c", "if (stage->needs_changed && stage->edges[i].ranges != NULL)", "if (false)"),
    ("idle_not_woken", "task_queue.c", "    if (task->stage->is_ready)\n        sched__wake_idle(scheduler);\n    sched__touch(scheduler, task->stage);\n}\n\nvoid sched__dequeue",
     "    sched__touch(scheduler, task->stage);\n}\n\nvoid sched__dequeue"),
    ("locality_never_waives", "task_queue.c", "    if (until < scheduler->wake_ms)\n        scheduler->wake_ms = until;\n", ""),
    ("excluded_for_ever", "exclusion.c", "        readmit(scheduler, executor);\n    }\n}\n\nvoid sched__exclusion_balance",
     "        return;\n    }\n}\n\nvoid sched__exclusion_balance"),
    ("all_excluded", "exclusion.c", " || scheduler->usable_count <= 1)", ")"),
    ("result_delivered_again", "block_places.c", "    task->output = (Place){.kind = PLACE_NONE};\n    task->state = TASK_IDLE;",
     "    task->output = (Place){.kind = PLACE_NONE};\n    task->is_counted = false;\n    task->state = TASK_IDLE;"),
    ("first_error_reported", "stage.c", "        if ((task->state == TASK_PENDING || task->state == TASK_RUNNING) && !task->has_hash)\n            return false;\n",
     ""),
    ("doomed_for_ever", "stage.c", "    stage->doomed = UINT32_MAX;\n    stage->sound = 0;\n", ""),
    ("cache_not_preferred", "task_queue.c", "    if (executor->head.slot < queue->by_executor.count)\n", "    if (false)\n"),
    ("min_share_ignored", "job.c", "    if (a_needs != b_needs)\n        return a_needs;\n", "    if (0)\n        return a_needs;\n"),
    ("fair_is_fifo", "job.c", "(best == NULL || job->running < best->running))", "(best == NULL))"),
    ("fair_is_lifo", "job.c", "(best == NULL || job->running < best->running))", "true)"),
    ("higher_stages_first", "job.c", "LIST_OWNER(after, StageJob, ready_node)->stage->number > stage->number", "true"),
    ("stage_excludes_nobody", "exclusion.c",
     "    return exclusion->until_ms > scheduler->now_ms;",
     "    (void)scheduler; (void)exclusion; return false;"),
    ("stage_excludes_for_ever", "exclusion.c",
     "    return exclusion->until_ms > scheduler->now_ms;",
     "    (void)scheduler; return exclusion->until_ms != 0;"),
    ("nobody_excluded", "exclusion.c", "++failed->strikes < scheduler->config.strikes_max ||", "true ||"),
    ("failed_there_again", "exclusion.c", "    return task->avoid != sched__executor_id(executor) ||\n", "    return true ||\n"),
    ("strike_by_itself", "exclusion.c", "failed == NULL || failed == executor || !", "failed == NULL || !"),
    ("stage_exclusion_sleeps", "exclusion.c",
     "    if (exclusion->until_ms < scheduler->wake_ms)\n        scheduler->wake_ms = exclusion->until_ms;\n",
     ""),
    ("straggler_of_few", "speculation.c",
     "        (uint64_t)stage->done_count * 100 <\n            (uint64_t)stage->task_count *"
     " config->speculation_quantile_percent)",
     "        false)"),
    ("straggler_of_no_time", "speculation.c",
     "    if (limit < config->speculation_min_ms)\n        limit = config->speculation_min_ms;\n",
     ""),
    ("straggler_by_shortest", "speculation.c", "        if (2 * seen >= total)", "        if (seen > 0)"),
    ("straggler_by_a_hundredth", "speculation.c", "median_ms(stage) * config->speculation_slower_percent / 100", "median_ms(stage) / 100"),
    ("losses_unbounded", "task.c", "if (is_cancelled || ++task->losses < scheduler->config.losses_max)", "if (true)"),
    ("stage_attempt_counts_twice", "task.c", "    if (attempt->stage_attempt != stage->stage_attempt)\n        return false;\n", ""),
    ("progress_forgotten", "task.c", "    stage->fetch_failures = 0;\n    sched__duration_seen", "    sched__duration_seen"),
    ("lost_source_counts", "task.c",
     "    if (executor != DURABLE && (source == NULL || source->state == EXECUTOR_LOST))\n        return false;\n",
     ""),
    ("set_back_avoids", "task.c", "        if (failure != TASK_SET_BACK)\n", "        if (true)\n"),
    ("killed_is_failure", "task.c", "        } else if (failure == TASK_KILLED) {", "        } else if (false) {"),
    ("higher_error_wins", "stage.c", "    if (stage->doomed <= partition)\n        return;\n", ""),
    ("gone_cache_stays", "task.c",
     "            if (attempt->reads_cache && is_at(&task->cache, failure->executor))\n               "
     " sched__cache_drop(scheduler, task);\n",
     ""),
    ("cache_uses_outputs", "task.c", "    if (!attempt->reads_cache)\n        mark_consumed(task);", "    mark_consumed(task);"),
    ("lost_source_keeps_others", "task.c", "source != NULL && source->state == EXECUTOR_LOST && !failure->is_corrupt", "false"),
    ("drained_too_early", "executor.c",
     "        !list_is_empty(&executor->attempts))\n        return;\n    executor->is_drain_reported",
     "        false)\n        return;\n    executor->is_drain_reported"),
    ("silent_too_early", "executor.c",
     "        if (scheduler->now_ms - executor->heard_ms < config->executor_timeout_ms)\n            return;",
     "        if (scheduler->now_ms - executor->heard_ms < config->executor_timeout_ms / 2)\n            return;"),
    ("silent_keeps_blocks", "executor.c", "scheduler->config.blocks_outlive_executors ? BLOCKS_KEPT : BLOCKS_LOST", "BLOCKS_KEPT"),
    ("not_heard", "executor.c", "    executor->heard_ms = scheduler->now_ms;\n    list_remove", "    list_remove"),
    ("cancelled_not_told_again", "executor.c", "        if (!is_its || attempt->is_cancelled)\n", "        if (!is_its)\n"),
    ("wanted_told_to_stop", "executor.c", "        if (!is_its || attempt->is_cancelled)\n", "        if (true)\n"),
    ("named_by_another", "executor.c",
     "bool is_its = attempt != NULL && attempt->executor == executor;",
     "bool is_its = attempt != NULL;"),
    ("cancelled_launched_again", "executor.c",
     "list_push(attempt->is_cancelled ? &scheduler->cancels : &scheduler->relaunches,",
     "list_push(&scheduler->relaunches,"),
    ("group_not_cancelled", "job.c", "        if (group != 0 && job->group == group)\n", "        if (false)\n"),
    ("tag_not_cancelled", "job.c", "        if (is_tagged)\n", "        if (false)\n"),
    ("ended_twice", "job.c", "    if (job->state != JOB_RUNNING)\n        return;\n    job->state = state;", "    job->state = state;"),
    ("waits_for_ever_alone", "scheduler.c", "    if (scheduler->config.no_executor_timeout_ms == 0 || !list", "    if (true || !list"),
    ("alone_before_it_came", "scheduler.c", "    if (job->submitted_ms > since)\n        since = job->submitted_ms;\n", ""),
    ("alone_fails_at_once", "scheduler.c", "        if (scheduler->now_ms < starves_ms(scheduler, job))\n            continue;\n", ""),
    ("alone_since_ever", "executor.c",
     "    if (list_is_empty(&scheduler->heard))\n        scheduler->starving_ms = scheduler->now_ms;\n",
     ""),
    ("cached_elsewhere", "task.c",
     "        action->cached_at = sched__executor_id(cache->executor);",
     "        action->cached_at = sched__executor_id(attempt->executor);"),
    ("cached_at_the_lost", "block_places.c",
     "        (executor_id != DURABLE && (executor == NULL || executor->state == EXECUTOR_LOST)))\n        return;\n    change",
     "        (executor_id != DURABLE && (executor == NULL)))\n        return;\n    change"),
    ("other_output_taken", "block_places.c", "(task->has_hash && task->hash != hash))", "false)"),
    ("lost_elsewhere", "block_places.c", "if (task == NULL || !is_at(&task->output, executor))", "if (task == NULL)"),
    ("unwanted_made_again", "block_places.c", "    if (edge->ranges == NULL)\n        return true;\n", "    return true;\n"),
    ("unwanted_inputs", "stage.c",
     "    for (uint32_t i = 0; i < child->task_count; i++)\n        if (wants_inputs(&child->tasks[i]))\n           "
     " want_range(",
     "    for (uint32_t i = 0; i < child->task_count; i++)\n        want_range("),
    ("superseded_counts", "task.c",
     "    if (!attempt->is_cancelled)\n        return attempt;\n    sched__attempt_over(scheduler, attempt);\n    return NULL;",
     "    return attempt;"),
    ("cancelled_keeps_slot", "task.c",
     "    if (!attempt->is_cancelled)\n        return attempt;\n    sched__attempt_over(scheduler, attempt);\n    return NULL;",
     "    if (!attempt->is_cancelled)\n        return attempt;\n    return NULL;"),
    ("straggler_beside_itself", "task_queue.c", "task->attempts[0]->executor != executor", "true"),
]


def compile_file(path, target):
    subprocess.run(["cc", *FLAGS, "-c", path, "-o", target], check=True)


def link(objects, target, *libraries):
    subprocess.run(["cc", *objects, *libraries, "-lpthread", "-o", target], check=True)


def failure_of(command):
    """What ended the run, or None when all passed."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return "it ran for ever"
    if run.returncode == 0:
        return None
    lines = [line for line in (run.stdout + run.stderr).strip().split("\n")
             if not line.startswith(("Running suite", "replay"))]
    said = lines[-1 if "Checks:" in lines[0] else 0] if lines else ""
    return re.sub(r"^.*/", "", said)[:100] or f"ended by {run.returncode}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    lived = 0
    with tempfile.TemporaryDirectory(prefix="vonk-mutants-") as folder:
        objects = {}
        sources = [os.path.join(RDD, f) for f in sorted(os.listdir(RDD)) if f.endswith(".c")]
        sources += [os.path.join(ROOT, "core/base", f) for f in ("arena.c", "heap.c", "status.c", "invariant.c")]
        sim = os.path.join(ROOT, "tests/sim")
        sources += [os.path.join(sim, f) for f in sorted(os.listdir(sim)) if f.endswith(".c")]
        check = subprocess.run(["pkg-config", "--libs", "check"], capture_output=True, text=True,
                               check=True).stdout.split()
        for source in [*sources, *UNITS]:
            objects[source] = os.path.join(folder, os.path.basename(source) + ".o")
            compile_file(source, objects[source])
        for name, file, old, new in MUTANTS:
            if arguments.names and name not in arguments.names:
                continue
            source = os.path.join(RDD, file)
            with open(source, encoding="utf-8") as f:
                text = f.read()
            if text.count(old) != 1:
                print(f"{name}: its text is {text.count(old)} times in {file}: bring it up to date")
                lived += 1
                continue
            mutant = os.path.join(folder, "mutant.c")
            with open(mutant, "w", encoding="utf-8") as f:
                f.write(text.replace(old, new))
            compile_file(mutant, mutant + ".o")
            parts = {s: mutant + ".o" if s == source else o for s, o in objects.items()}
            program, unit = os.path.join(folder, "mutant"), os.path.join(folder, "unit")
            found = None
            for test in UNITS:  # they take no time
                link([o for s, o in parts.items() if "/tests/sim/" not in s and (s not in UNITS or s == test)], unit, *check)
                found = found or failure_of([unit])
            if found is None:
                link([o for s, o in parts.items() if s not in UNITS], program)
                found = failure_of([program, "--count", str(arguments.count)])
            print(f"{name}: {found or 'LIVED'}", flush=True)
            lived += found is None
    print(f"{lived} mutants lived")
    return 1 if lived else 0


if __name__ == "__main__":
    sys.exit(main())
