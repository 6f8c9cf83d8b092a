/*
 * cluster.thrift -- what the processes of a cluster say to each other
 *
 *     driver   -> Master    register an application, ask for executors
 *     anybody  -> Master    status, kill
 *     worker   -> Master    register; heartbeats, which are answered with what to start and to stop
 *     driver   -> Executor  stages, launches, cancels
 *     executor -> Driver    what became of a task
 *     worker   -> Driver    what became of an executor
 *     anybody  -> Blocks    pieces of the blocks that tasks made, of executors or of what their worker has kept
 *
 * Plans, rows, closures, and what is said often travel as bytes (core/base/wire.h), checked by their readers:
 * here are only the few numbers and names around them. Frames are bounded and looked through before they are
 * parsed (cluster/rpc/frame_check.h). Every call has a deadline, which is the caller's.
 *
 * The ids of workers, applications and executors are the master's, and ascend, also over its restarts; others
 * count from 1. An incarnation tells a process from the one that had its id before: what one that was
 * given up still says is refused.
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

/**
 * driver: not 0: it is a process of that driver's (submit_driver), of no application. owner: the driver whose application's
 * executor it is, or 0.
 */
struct RunningExecutor {
  1: required i64 executor
  2: required i64 application
  3: required i32 cores
  4: required i64 memory_bytes
  5: required i64 driver
  6: required i64 owner
}

/**
 * name: host and folder, which no two live workers share. running: what it has running already: a master that
 * was started anew learns from that. last_id: the highest id it has ever seen.
 */
struct WorkerInfo {
  1: required Build build
  2: required string name
  3: required i32 pid
  4: required i32 cores
  5: required i64 memory_bytes
  6: required i64 incarnation
  7: required i64 last_id
  8: required list<RunningExecutor> running
}

/**
 * number: ascends; one that is not higher than the last is late, and refused. orders_seen: the highest executor
 * that the worker was told to start. What is not higher and not among executors has ended. applications: those it
 * has folders of.
 */
struct WorkerReport {
  1: required i64 worker
  2: required i64 incarnation
  3: required i64 number
  4: required i64 orders_seen
  5: required list<i64> executors
  6: required list<i64> applications
}

/**
 * job: not empty: it is the process of the driver whose id is in application, and that is its job (cluster/driver_job.h). owner: the
 * driver whose application it is, when a worker runs that; else 0.
 */
struct ExecutorOrder {
  1: required i64 executor
  2: required i64 application
  3: required Address driver
  4: required i32 cores
  5: required i64 memory_bytes
  6: required binary job
  7: required i64 owner
}

/** start: in ascending order of their ids. ended: applications whose folders can go. leave: the worker may end. */
struct WorkerOrders {
  1: required list<ExecutorOrder> start
  2: required list<i64> stop
  3: required list<i64> ended
  4: required bool leave
}

/**
 * executors: wanted; the master sees to it that so many run as long as the application does; 0: one on each
 * worker. executor_cores 0: all that are free there; executor_memory_bytes 0: the share of the cores.
 * application: the id it had before, or 0. process: of the driver that a worker has started (its executor's id), or 0.
 */
struct ApplicationInfo {
  1: required Build build
  2: required string name
  3: required Address driver
  4: required i32 executors
  5: required i32 executor_cores
  6: required i64 executor_memory_bytes
  7: required i64 incarnation
  8: required i64 application
  9: required i64 process
  10: required i32 running
}

/** How far a stage is. */
struct StageLine {
  1: required i64 stage
  2: required string name
  3: required i32 tasks
  4: required i32 done
  5: required i32 running
  6: required i32 failed
}

/** draining: executors that will be stopped when the driver releases them, or after a while. problem: in words, or empty. */
struct ApplicationNews {
  1: required i32 executors
  2: required string problem
  3: required list<i64> draining
}

/** exit_code: -1: it did not end by itself. log: where it is: "host:path". */
struct DriverStatus {
  1: required string state
  2: required bool is_over
  3: required i32 exit_code
  4: required string reason
  5: required string log
}

struct MasterCounts {
  1: required i32 workers
  2: required i32 applications
  3: required i32 executors
}

service Master {
  /** Returns the worker's id. */
  i64 register_worker(1: WorkerInfo worker) throws (1: CallError failure)
  /**
   * Answered when there are orders, or after wait_ms. What was not carried out is ordered again. An error: the
   * master does not know the worker (any more).
   */
  WorkerOrders worker_heartbeat(1: WorkerReport report, 2: i32 wait_ms) throws (1: CallError failure)
  /**
   * A process of the worker's has ended, for whatever reason; it would be seen from its heartbeats too. exit_code: -1: not by itself.
   */
  void executor_ended(1: i64 worker, 2: i64 incarnation, 3: i64 executor, 4: string reason, 5: i32 exit_code) throws (1: CallError failure)
  /** It ends, and its executors with it. */
  void end_worker(1: i64 worker, 2: i64 incarnation) throws (1: CallError failure)
  /** Gets no more executors; those it has are released by their drivers; then it ends. */
  void drain_worker(1: i64 worker) throws (1: CallError failure)
  /** Returns the application's id; its executors register with the driver. */
  i64 register_application(1: ApplicationInfo application) throws (1: CallError failure)
  /** An error: the master does not know the application (any more): register anew, unless it was killed (57P01). */
  ApplicationNews application_heartbeat(1: i64 application, 2: i64 incarnation, 3: list<StageLine> progress) throws (1: CallError failure)
  /** The driver has given the executor up, or is done with it: it is stopped, and another one may take its place. */
  void release_executor(1: i64 application, 2: i64 incarnation, 3: i64 executor, 4: string reason) throws (1: CallError failure)
  void end_application(1: i64 application, 2: i64 incarnation) throws (1: CallError failure)
  /**
   * A driver that workers run: job and files (its package) as in cluster/driver_job.h. Returns its id when it is kept: it is started, and also after this
   * master's end. The same token again is the same driver.
   */
  i64 submit_driver(1: Build build, 2: i64 token, 3: binary job, 4: binary files) throws (1: CallError failure)
  /** The package of a driver that is not over. */
  binary fetch_package(1: i64 driver) throws (1: CallError failure)
  DriverStatus driver_status(1: i64 driver) throws (1: CallError failure)
  /** Of an application or a driver: its executors or its process end; an application's driver is told at its next heartbeat. */
  void kill_application(1: i64 application) throws (1: CallError failure)
  /** Of workers, applications, executors: JSON, or for people. */
  string status(1: bool is_json) throws (1: CallError failure)
  MasterCounts counts() throws (1: CallError failure)
}

// --- blocks ---

/** application, executor: whose, when a worker has kept them of an executor that may have ended; else 0. */
struct BlockKey {
  1: required i64 output
  2: required i32 map_task
  3: required i32 reduce_partition
  4: required i32 number
  5: required i64 application
  6: required i64 executor
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
  /** Many at once, about 1 MiB: which, and what came of it (cluster/block_wire.h); behind the answer's frame, blocks. */
  binary fetch_many(1: binary wanted) throws (1: CallError failure)
}

// --- executor ---

service Executor extends Blocks {
  /** Stages, where their inputs are, launches, cancels: in that order (cluster/order_wire.h). */
  void deliver(1: binary orders) throws (1: CallError failure)
  /** What it has of an object that the driver gives to all (ask_chunk): at most 1 MiB. */
  BlockPiece fetch_object(1: i64 hash, 2: i64 offset, 3: i32 piece_bytes) throws (1: CallError failure)
}

// --- driver ---

/** keeper_port: where, on the same host, its worker serves what it has kept, also when it has ended; 0: nowhere. */
struct ExecutorInfo {
  1: required Build build
  2: required i64 executor
  3: required Address address
  4: required i32 slots
  5: required i64 application
  6: required i32 keeper_port
}

service Driver extends Blocks {
  /** Returns what its life is called from now on: the place of the blocks that it makes. */
  i64 register_executor(1: ExecutorInfo executor) throws (1: CallError failure)
  /**
   * From the executor's worker, which has seen its process end; or is about to end it. has_crashed: by itself, which is
   * the fault of the attempt; 0: of what it was at work on, nobody knows of which.
   */
  void executor_ended(1: i64 executor, 2: bool has_crashed, 3: string reason, 4: i64 attempt) throws (1: CallError failure)
  /** What became of tasks, and a sign of life (cluster/order_wire.h). An error: it was given up. */
  binary report(1: i64 place, 2: binary report) throws (1: CallError failure)
  /** A file that tasks need, by its content hash. */
  BlockPiece fetch_object(1: i64 hash, 2: i64 offset, 3: i32 piece_bytes) throws (1: CallError failure)
  /** The next chunk of such a file, or who else has it (cluster/object_swarm.h). */
  binary ask_chunk(1: binary asked) throws (1: CallError failure)
}
