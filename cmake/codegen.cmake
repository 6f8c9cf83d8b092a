# codegen: operations, kernels and tier 0 go into libvonk; what touches LLVM is the module
# libvonk_jit.so, loaded when first needed.
vonk_folder(vonk_codegen codegen ops)

# Tier 0's loops, once a CPU level. No contraction of a * b + c, here or anywhere that operations are
# compiled: each level must give the same bits.
file(GLOB vector_sources CONFIGURE_DEPENDS codegen/vector/*.c)
set(vector_options -ffp-contract=off -fno-math-errno -fno-trapping-math)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    list(APPEND vector_options -O3)
endif()
function(vonk_vector_level level)
    add_library(vonk_vector_${level} OBJECT ${vector_sources})
    target_include_directories(vonk_vector_${level} PRIVATE ${CMAKE_SOURCE_DIR})
    target_compile_definitions(vonk_vector_${level} PRIVATE VECTOR_LEVEL=${level})
    target_compile_options(vonk_vector_${level} PRIVATE ${vector_options} ${ARGN})
    target_link_libraries(vonk_vector_${level} PRIVATE vonk_flags)
    target_sources(vonk_codegen PRIVATE $<TARGET_OBJECTS:vonk_vector_${level}>)
endfunction()
vonk_vector_level(base)
# Sanitizers check one level: the levels' source is the same, and takes the longest of all to compile.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND NOT VONK_SANITIZE)
    vonk_vector_level(v3 -march=x86-64-v3)
    target_compile_definitions(vonk_vector_v3 PRIVATE VONK_VECTOR_V3)
    target_compile_definitions(vonk_codegen PRIVATE VONK_VECTOR_V3)
endif()
if(VONK_SANITIZE STREQUAL "fuzzer") # the preset dev looks for undefined behaviour in them
    set_source_files_properties(${vector_sources} PROPERTIES COMPILE_OPTIONS -fno-sanitize=undefined)
endif()
target_compile_options(vonk_codegen PRIVATE -ffp-contract=off)
