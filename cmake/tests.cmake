# Unit tests: tests/unit/<module>/test_*.c, one Check program a file, linked against vonk_<module>.
enable_testing()
if(CHECK_FOUND)
    file(GLOB_RECURSE unit_tests CONFIGURE_DEPENDS tests/unit/test_*.c)
else()
    message(STATUS "without unit tests: apt-get install check, or run tools/setup.sh")
endif()
foreach(source ${unit_tests})
    get_filename_component(name ${source} NAME_WE)
    get_filename_component(folder ${source} DIRECTORY)
    get_filename_component(module ${folder} NAME)
    add_executable(${name} EXCLUDE_FROM_ALL ${source})
    target_include_directories(${name} PRIVATE ${CHECK_INCLUDE_DIRS})
    target_compile_options(${name} PRIVATE -include ${CMAKE_SOURCE_DIR}/tests/unit/quick_check.h)
    target_link_libraries(${name} PRIVATE vonk_${module} ${CHECK_LIBRARIES})
    add_test(NAME ${name} COMMAND ${name})
    list(APPEND unit_test_names ${name})
    if(module MATCHES "^(base|scheduler|exec|rdd|engine)$" OR name STREQUAL "test_executors")
        list(APPEND threaded_test_names ${name})
    endif()
endforeach()
if(TARGET test_executors)
    target_sources(test_executors PRIVATE tests/unit/cluster/executor_cluster.c)
endif()
if(TARGET test_master_sim)
    target_sources(test_master_sim PRIVATE tests/unit/cluster/master_sim_state.c tests/unit/cluster/master_sim_nodes.c)
endif()
add_custom_target(unit_tests DEPENDS ${unit_test_names} vonk_jit vonk_rpc_module vonk_cipher_module)
add_custom_target(threaded_tests DEPENDS ${threaded_test_names} vonk_jit vonk_rpc_module vonk_cipher_module)

# Golden plans: tests/plans/<rule>.plan, SQL and what the optimizer makes of it.
add_executable(plan_test EXCLUDE_FROM_ALL tests/plans/plan_test.c tests/plans/toy_catalog.c)
target_link_libraries(plan_test PRIVATE vonk_optimizer vonk_codegen)
file(GLOB plan_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/plans/*.plan)
add_test(NAME plan_test COMMAND plan_test ${plan_files})

# Random queries keep their rows whatever the rules do: tests/plans/rule_fuzz.c.
add_executable(rule_fuzz EXCLUDE_FROM_ALL tests/plans/rule_fuzz.c tests/plans/plan_interpreter.c
    tests/plans/expr_interpreter.c tests/plans/random_sql.c tests/plans/toy_catalog.c
    tests/plans/physical_as_logical.c)
target_link_libraries(rule_fuzz PRIVATE vonk_optimizer)
add_test(NAME rule_fuzz COMMAND rule_fuzz 3000)
add_dependencies(unit_tests plan_test rule_fuzz)

# Tools that tests and people use: tests/tools/*.c; and measurements: bench/bench_*.c.
file(GLOB tool_sources CONFIGURE_DEPENDS tests/tools/*.c bench/bench_*.c)
foreach(source ${tool_sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} EXCLUDE_FROM_ALL ${source})
    target_link_libraries(${name} PRIVATE vonk_formats)
endforeach()

# Fuzz targets, built by the preset "fuzz": tests/fuzz/fuzz_*.c.
if(VONK_SANITIZE STREQUAL "fuzzer")
    foreach(target parquet csv sql parser plan frame)
        add_executable(fuzz_${target} EXCLUDE_FROM_ALL tests/fuzz/fuzz_${target}.c)
        target_link_libraries(fuzz_${target} PRIVATE vonk_formats)
        target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
    endforeach()
    target_link_libraries(fuzz_sql PRIVATE vonk_engine)
    target_link_libraries(fuzz_parser PRIVATE vonk_shell)
    target_link_libraries(fuzz_frame PRIVATE vonk_rpc)
endif()

# The scheduler in a simulated world of faults: tests/sim, run by tools/check.py.
file(GLOB sim_sources CONFIGURE_DEPENDS tests/sim/*.c)
add_executable(scheduler_sim EXCLUDE_FROM_ALL ${sim_sources})
target_link_libraries(scheduler_sim PRIVATE vonk_scheduler)

# A driver that does nothing, for tests of masters and workers: tests/cluster.
add_executable(cluster_driver EXCLUDE_FROM_ALL tests/cluster/cluster_driver.c)
target_link_libraries(cluster_driver PRIVATE vonk_cluster)
add_dependencies(cluster_driver vonk_rpc_module)
add_executable(cluster_intruder EXCLUDE_FROM_ALL tests/cluster/cluster_intruder.c)
target_link_libraries(cluster_intruder PRIVATE vonk_cluster)
add_dependencies(cluster_intruder vonk_rpc_module)

# Whole clusters in one process: the code of all processes on simulated threads, time and network (tests/sim/cluster).
file(GLOB cluster_sim_sources CONFIGURE_DEPENDS tests/sim/cluster/*.c)
add_executable(cluster_sim EXCLUDE_FROM_ALL ${cluster_sim_sources})
target_link_libraries(cluster_sim PRIVATE vonk_cluster vonk_formats)
foreach(name pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock pthread_mutex_unlock pthread_cond_init
        pthread_cond_destroy pthread_cond_wait pthread_cond_timedwait pthread_cond_signal pthread_cond_broadcast
        pthread_create pthread_join pthread_once pthread_sigmask nanosleep clock_gettime getrandom poll __poll_chk write sigtimedwait flock
        waitpid kill signalfd rpc_module log_line child_start child_finish worker__fork task_run executor_stages_hold
        election_start election_wake election_stop election_now_ns
        scheduler_new scheduler_next scheduler_task_succeeded scheduler_executor_lost scheduler_executor_crashed)
    target_link_options(cluster_sim PRIVATE -Wl,--wrap=${name})
endforeach()
