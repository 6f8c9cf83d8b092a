# The cluster: what processes say to each other. Thrift, GLib and TLS have their home in cluster/rpc; neither
# libvonk nor its JIT links them.
pkg_check_modules(THRIFT REQUIRED IMPORTED_TARGET thrift_c_glib gobject-2.0 glib-2.0)
find_package(OpenSSL 3 REQUIRED)
find_program(THRIFT_COMPILER thrift REQUIRED)

set(idl ${CMAKE_SOURCE_DIR}/cluster/idl/cluster.thrift)
set(idl_folder ${CMAKE_BINARY_DIR}/cluster_idl)
set(idl_sources "")
set(idl_headers "")
foreach(unit cluster_types master worker executor driver blocks)
    list(APPEND idl_sources ${idl_folder}/vrpc_${unit}.c)
    list(APPEND idl_headers ${idl_folder}/vrpc_${unit}.h)
endforeach()
file(MAKE_DIRECTORY ${idl_folder})
add_custom_command(OUTPUT ${idl_sources} ${idl_headers}
    COMMAND ${THRIFT_COMPILER} --gen c_glib -out ${idl_folder} ${idl}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${idl_sources}" -P ${CMAKE_SOURCE_DIR}/cmake/patch_idl.cmake
    DEPENDS ${idl} cmake/patch_idl.cmake VERBATIM)
add_library(vonk_cluster_idl STATIC EXCLUDE_FROM_ALL ${idl_sources} ${idl_headers})
target_include_directories(vonk_cluster_idl SYSTEM PUBLIC ${idl_folder})
target_compile_options(vonk_cluster_idl PRIVATE -w) # as the compiler writes it
target_link_libraries(vonk_cluster_idl PUBLIC PkgConfig::THRIFT PRIVATE vonk_flags)

vonk_folder(vonk_rpc cluster/rpc)
target_link_libraries(vonk_rpc PUBLIC vonk_cluster_idl vonk_base OpenSSL::SSL OpenSSL::Crypto)
