/*
 * cluster.thrift -- what the processes of a cluster say to each other
 *
 *     driver   -> Master    register an application, ask for executors
 *     anybody  -> Master    status, kill
 *     worker   -> Master    register, heartbeat
 *     master   -> Worker    start an executor, stop it
 *     driver   -> Executor  stages, launches, cancels
 *     executor -> Driver    what became of a task
 *     worker   -> Driver    what became of an executor
 *     anybody  -> Blocks    pieces of the blocks that tasks made
 *
 * Plans, rows and closures travel as bytes (core/base/wire.h), checked and hashed by their readers: here
 * are only the few numbers and names around them. Frames are bounded and looked through before they are
 * parsed (cluster/rpc/frame_check.h). Every call has a deadline, which is the caller's.
 *
 * Ids count from 1. An incarnation tells a process from the one that had its id before: what one
 * that was given up still says is refused.
 */
namespace c_glib vrpc

/** What went wrong there, in words: status is a Status (core/base/status.h). */
exception CallError {
  1: required i32 status
  2: required string sqlstate
  3: required string message
  4: required string detail
  5: required string hint
}

struct Address {
  1: required string host
  2: required i32 port
}

/** Both ends must be the same build: its version and the hash of its vocabulary. */
struct Build {
  1: required string version
  2: required i64 vocabulary
}

// --- master ---

struct WorkerInfo {
  1: required Build build
  2: required Address address
  3: required i32 cores
  4: required i64 memory_bytes
  5: required i64 incarnation
}

/** executors: wanted; the master sees to it that so many run as long as the application does. */
struct ApplicationInfo {
  1: required Build build
  2: required string name
  3: required Address driver
  4: required i32 executors
  5: required i32 executor_cores
  6: required i64 executor_memory_bytes
  7: required i64 incarnation
}

service Master {
  /** Returns the worker's id. */
  i64 register_worker(1: WorkerInfo worker) throws (1: CallError failure)
  /** executors: those that run there. An error: the master does not know the worker (any more). */
  void worker_heartbeat(1: i64 worker, 2: i64 incarnation, 3: list<i64> executors) throws (1: CallError failure)
  /** A process of the worker's has ended, for whatever reason. */
  void executor_ended(1: i64 worker, 2: i64 incarnation, 3: i64 executor, 4: string reason) throws (1: CallError failure)
  /** Returns the application's id; its executors register with the driver. */
  i64 register_application(1: ApplicationInfo application) throws (1: CallError failure)
  /** progress: a line of JSON for the status. An error: the master does not know the application (any more). */
  void application_heartbeat(1: i64 application, 2: i64 incarnation, 3: string progress) throws (1: CallError failure)
  void end_application(1: i64 application, 2: i64 incarnation) throws (1: CallError failure)
  /** Its executors end, and its driver is told at its next heartbeat. */
  void kill_application(1: i64 application) throws (1: CallError failure)
  /** Of workers, applications, executors: JSON. */
  string status() throws (1: CallError failure)
}

// --- worker ---

struct ExecutorOrder {
  1: required i64 executor
  2: required i64 application
  3: required Address driver
  4: required i32 cores
  5: required i64 memory_bytes
}

service Worker {
  void start_executor(1: ExecutorOrder order) throws (1: CallError failure)
  /** No error when there is none (any more). */
  void stop_executor(1: i64 executor, 2: string reason) throws (1: CallError failure)
}

// --- executor ---

struct TaskLaunch {
  1: required i64 stage
  2: required i64 attempt
  3: required i64 launch_number
  4: required i32 partition
  5: required i32 number
}

service Executor {
  /** Once before the first launch of the stage: its plan, as bytes. */
  void put_stage(1: i64 stage, 2: binary plan) throws (1: CallError failure)
  void drop_stage(1: i64 stage) throws (1: CallError failure)
  void launch(1: list<TaskLaunch> launches) throws (1: CallError failure)
  void cancel(1: i64 attempt, 2: i64 launch_number) throws (1: CallError failure)
}

// --- driver ---

struct ExecutorInfo {
  1: required Build build
  2: required i64 executor
  3: required Address address
  4: required i32 slots
}

struct TaskReport {
  1: required i64 attempt
  2: required i64 launch_number
  3: required i64 hash
  4: required i64 rows
  5: required i64 bytes
  6: required double cpu_ms
  7: optional CallError error
  8: optional i32 lost_source
  9: optional i32 lost_map
  10: optional binary counts
}

service Driver {
  void register_executor(1: ExecutorInfo executor) throws (1: CallError failure)
  /** From the executor's worker, which has seen its process end; or is about to end it. */
  void executor_ended(1: i64 executor, 2: string reason) throws (1: CallError failure)
  /** reports: of the tasks that ended since the last one that was answered. */
  void executor_heartbeat(1: i64 executor, 2: i64 launches_seen, 3: list<TaskReport> reports) throws (1: CallError failure)
}

// --- blocks ---

struct BlockKey {
  1: required i64 stage
  2: required i32 map_task
  3: required i32 reduce_partition
  4: required i32 number
}

/** Bytes [offset, offset + piece) of a block of total_bytes, whose XXH3 is hash. */
struct BlockPiece {
  1: required i64 total_bytes
  2: required i64 hash
  3: required binary piece
}

service Blocks {
  /** At most 1 MiB of it. */
  BlockPiece fetch(1: BlockKey key, 2: i64 offset, 3: i32 piece_bytes) throws (1: CallError failure)
}
