# --- libvonk_jit.so: LLVM, what is emitted, and the operations' bitcode ---
enable_language(ASM)
set(ops_flags -O2 -ffp-contract=off -fno-math-errno -fno-trapping-math -std=gnu17 -D_GNU_SOURCE -Wall -Wno-unused-function -fno-vectorize
    -fno-slp-vectorize -fno-asynchronous-unwind-tables -fno-ident)
set(ops_source ${CMAKE_SOURCE_DIR}/codegen/jit/ops_bitcode.c)
set(ops_bitcode "")
foreach(group RANGE 0 4)
    set(output ${CMAKE_BINARY_DIR}/ops_${group}.bc)
    add_custom_command(OUTPUT ${output}
        COMMAND ${CLANG_19} ${ops_flags} -DVONK_OPS_GROUP=${group} -I${CMAKE_SOURCE_DIR}
            -I${CMAKE_SOURCE_DIR}/include -MD -MF ${output}.d -emit-llvm -c ${ops_source} -o ${output}
        DEPENDS ${ops_source} DEPFILE ${output}.d VERBATIM)
    list(APPEND ops_bitcode ${output})
endforeach()
set(user_support ${CMAKE_BINARY_DIR}/user_support.bc)
add_custom_command(OUTPUT ${user_support}
    COMMAND ${CLANG_19} ${ops_flags} -Xclang -disable-llvm-passes -I${CMAKE_SOURCE_DIR} -I${CMAKE_SOURCE_DIR}/include
        -MD -MF ${user_support}.d -emit-llvm -c ${CMAKE_SOURCE_DIR}/codegen/jit/user_support.c -o ${user_support}
    DEPENDS ${CMAKE_SOURCE_DIR}/codegen/jit/user_support.c DEPFILE ${user_support}.d VERBATIM)
add_custom_target(user_support DEPENDS ${user_support})
set_source_files_properties(codegen/jit/user_embed.S PROPERTIES
    OBJECT_DEPENDS "${user_support}" COMPILE_OPTIONS "-Wa,-I,${CMAKE_BINARY_DIR}")
find_program(LLVM_NM llvm-nm-19 HINTS ${LLVM_TOOLS_BINARY_DIR} REQUIRED)
set(ops_checked ${CMAKE_BINARY_DIR}/ops_checked)
add_custom_command(OUTPUT ${ops_checked}
    COMMAND ${CMAKE_SOURCE_DIR}/tools/check_rt_symbols.sh ${LLVM_NM} ${CMAKE_SOURCE_DIR}/codegen/rt_symbols.def ${ops_bitcode}
    COMMAND ${CMAKE_COMMAND} -E touch ${ops_checked}
    DEPENDS ${ops_bitcode} codegen/rt_symbols.def tools/check_rt_symbols.sh VERBATIM)
add_custom_target(ops_bitcode DEPENDS ${ops_bitcode} ${ops_checked})
set_source_files_properties(codegen/jit/ops_embed.S PROPERTIES
    OBJECT_DEPENDS "${ops_bitcode}" COMPILE_OPTIONS "-Wa,-I,${CMAKE_BINARY_DIR}")

file(GLOB jit_sources CONFIGURE_DEPENDS codegen/jit/*.c)
list(FILTER jit_sources EXCLUDE REGEX "(ops_bitcode|user_support)\\.c$")
add_library(vonk_jit MODULE ${jit_sources} codegen/jit/ops_embed.S codegen/jit/user_embed.S)
add_dependencies(vonk_jit ops_bitcode user_support)
target_include_directories(vonk_jit PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
target_include_directories(vonk_jit SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS})
target_compile_definitions(vonk_jit PRIVATE LLVM_VERSION_TEXT="${LLVM_PACKAGE_VERSION}")
target_link_libraries(vonk_jit PRIVATE vonk_plan LLVM)
target_link_options(vonk_jit PRIVATE -Wl,--build-id=sha1) # jit_identity.c

# A hash of what the module and libvonk must have in common: how kernels look, and what their code is called with.
file(GLOB interface_headers CONFIGURE_DEPENDS codegen/*.h codegen/*.def codegen/ops/*.h core/plan/*.h core/plan/*.def
    core/data/*.h core/data/*.def)
set(interface_hashes "")
foreach(header ${interface_headers})
    file(SHA256 ${header} hash)
    string(APPEND interface_hashes ${hash})
endforeach()
string(SHA256 interface_hash "${interface_hashes}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${interface_headers})
set_property(SOURCE codegen/code_cache.c codegen/jit/jit_module.c
    APPEND PROPERTY COMPILE_DEFINITIONS VONK_JIT_INTERFACE="${interface_hash}")
