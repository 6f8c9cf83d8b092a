#!/usr/bin/env python3
"""Breaks the scheduler on purpose, one way at a time, and sees the simulation, or its unit test, find each.

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
UNIT = os.path.join(ROOT, "tests/unit/scheduler/test_scheduler.c")
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
    ("attempts_survive_loss", "executor.c", "    lose_attempts(scheduler, executor, reason);\n", ""),
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
    return re.sub(r"^.*/", "", lines[-1 if "Checks:" in lines[0] else 0])[:100]


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
        for source in [*sources, UNIT]:
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
            link([o for s, o in parts.items() if s != UNIT], program)
            link([o for s, o in parts.items() if "/tests/sim/" not in s], unit, *check)
            found = failure_of([program, "--count", str(arguments.count)]) or failure_of([unit])
            print(f"{name}: {found or 'LIVED'}", flush=True)
            lived += found is None
    print(f"{lived} mutants lived")
    return 1 if lived else 0


if __name__ == "__main__":
    sys.exit(main())
