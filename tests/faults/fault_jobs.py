"""Jobs on RDDs whose nth write of what is spilled, or read of it, fails; and a disk that is full: the same bytes as without, or an
error that says what and where. The nth allocation: see fault_allocation."""
import os
import resource

from faults import HERE, ROOT, build_shim, check, finish, start

# With so little memory, tables and blocks go to the disk.
JOBS = {"word count": ["word_count", "300000"], "join": ["join", "250000"], "cogroup": ["cogroup", "1000000"], "sort": ["sort", "3000000"]}
MEMORY = ["--set", "memory=33MiB"]
NTHS = [1, 2, 20]


def submit(folder, job, *options, **how):
    env = {"TMPDIR": folder, **how.pop("env", {})}
    return finish(start(["submit", *options, os.path.join(folder, "fault_jobs.so"), *job], env=env, **how))


def with_fault(shim, folder, job, fault):
    count = os.path.join(folder, "count")
    run = submit(folder, job, *MEMORY, env={"LD_PRELOAD": shim, "VONK_FAULT": fault, "VONK_FAULT_COUNT": count,
                                            "VONK_FAULT_UNDER": folder})
    with open(count, encoding="utf-8") as f:
        return run, int(f.read())


def left_over(folder):
    return [name for name in os.listdir(folder) if "spill" in name]


def test_calls(shim, folder, name, job, right):
    spilled, count = with_fault(shim, folder, job, "pwrite:0:EIO")
    check(spilled.status == 0 and spilled.out == right.out and count > 40, f"{name}, spilled: {count} writes, {spilled}")
    failures = 0
    for call, errors in (("pwrite", ("ENOSPC", "EINTR", "SHORT")), ("pread", ("EIO", "SHORT")), ("open", ("EMFILE",))):
        for fault in [f"{call}:{nth}:{error}{sticky}" for error in errors for nth in NTHS for sticky in ("", ":")
                      if (not sticky or nth in (1, 20) and error != "EINTR") and (call != "open" or nth < 3)]:
            run, _ = with_fault(shim, folder, job, fault)
            failures += run.status == 1
            said = "spill file in" in run.err or "out of memory" in run.err or call == "open"
            check(run.status == 0 and run.out == right.out or
                  run.status == 1 and "ERROR: " in run.err and said and "EINTR" not in fault and "SHORT" not in fault,
                  f"{name}, {fault}: {run}")
            if fault == "pwrite:1:ENOSPC:":
                check(run.status == 1 and "No space left on device" in run.err and folder in run.err and "--spill-dir" in run.err,
                      f"{name}, a full disk: {run}")
            check(not left_over(folder), f"{name}, {fault}: left {left_over(folder)}")
    check(failures >= 3, f"{name}: only {failures} of the faults were felt")


def test_small_disk(folder, name, job, right):
    """Room for some of it: files may not grow past so many bytes."""
    for limit in (1 << 20, 8 << 20, 1 << 30):
        run = submit(folder, job, *MEMORY, limits={resource.RLIMIT_FSIZE: limit})
        check(run.status == 0 and run.out == right.out or
              run.status == 1 and "spill file in" in run.err and "File too large" in run.err, f"{name}, {limit} bytes: {run}")
        check(run.status == (0 if limit == 1 << 30 else 1), f"{name}, {limit} bytes: {run}")


def test_saves(shim, folder):
    """What goes to files for good: nothing of it is there when a call fails, and the error says what could not be done."""
    for name, job in {"text files": ["save_text", "30000"], "Parquet files": ["save_parquet", "30000"],
                      "checkpoint": ["checkpoint", "30000"]}.items():
        right, failures = submit(folder, job), 0
        check(right.status == 0, f"{name}: {right}")
        for call, error in (("write", "ENOSPC"), ("write", "EINTR"), ("write", "SHORT"), ("open", "EMFILE"), ("rename", "EIO"),
                            ("read", "EIO"), ("pread", "EIO")):
            run, calls = with_fault(shim, folder, job, f"{call}:0:{error}")
            check(run.status == 0, f"{name}, {call} does not fail: {run}")
            for fault in [f"{call}:{nth}:{error}{sticky}" for nth in range(1, min(calls, 12) + 1) for sticky in ("", ":")
                          if not (sticky and error == "EINTR")]:
                run, _ = with_fault(shim, folder, job, fault)
                failures += run.status == 1
                check(run.status == 0 and run.out == right.out or
                      run.status == 1 and "ERROR: " in run.err and error not in ("EINTR", "SHORT"), f"{name}, {fault}: {run}")
                left = [file for file in os.listdir(folder) if "saved" in file]
                check(not left, f"{name}, {fault}: left {left}")
        check(failures >= 3, f"{name}: only {failures} of the faults were felt")


def test_synced_save(shim, folder):
    """sync_saves: each part and both folders are synced, or the job fails and leaves nothing; without it nothing is synced."""
    made = finish(start(["cc", os.path.join(ROOT, "examples", "tera_sort.c"), "-o", os.path.join(folder, "tera_sort.so")]))
    records, saves = os.path.join(folder, "records"), os.path.join(folder, "saves")
    count = os.path.join(folder, "count")
    os.mkdir(saves)
    with open(records, "w", encoding="ascii") as f:
        f.writelines(f"{i * 7919 % 1000:010}{'x' * 88}\n" for i in range(1000))

    def save(name, switch, fault):
        run = finish(start(["submit", "--set", f"sync_saves={switch}", os.path.join(folder, "tera_sort.so"), records, os.path.join(saves, name)],
                           env={"TMPDIR": folder, "LD_PRELOAD": shim, "VONK_FAULT": fault, "VONK_FAULT_COUNT": count,
                                "VONK_FAULT_UNDER": folder}))
        with open(count, encoding="utf-8") as f:
            return run, int(f.read())

    run, synced = save("off", "off", "fsync:0:EIO")
    parts = len(os.listdir(os.path.join(saves, "off"))) if run.status == 0 else 0
    check(made.status == 0 and run.status == 0 and parts > 0 and synced == 0, f"not synced: {made} {run} {synced}")
    run, synced = save("on", "on", "fsync:0:EIO")
    check(run.status == 0 and synced == parts + 2, f"synced: {run} {synced} times")
    for nth in (1, parts + 1):
        run, _ = save("failed", "on", f"fsync:{nth}:EIO")
        check(run.status == 1 and "could not sync" in run.err and sorted(os.listdir(saves)) == ["off", "on"], f"sync {nth} fails: {run}")


def run_all(folder):
    shim = build_shim(folder)
    made = finish(start(["cc", os.path.join(HERE, "fault_jobs.c"), "-o", os.path.join(folder, "fault_jobs.so")]))
    check(made.status == 0, f"vonk cc: {made}")
    for name, job in JOBS.items():
        right = submit(folder, job)
        check(right.status == 0 and len(right.out) == 17, f"{name}: {right}")
        test_calls(shim, folder, name, job, right)
        test_small_disk(folder, name, job, right)
    test_saves(shim, folder)
    test_synced_save(shim, folder)
