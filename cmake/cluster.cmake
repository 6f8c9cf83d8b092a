# The cluster: what processes say to each other. Thrift, GLib and TLS have their home in cluster/rpc; neither
# libvonk nor its JIT links them.
pkg_check_modules(THRIFT REQUIRED IMPORTED_TARGET thrift_c_glib gobject-2.0 glib-2.0)
find_package(OpenSSL 3 REQUIRED)
find_program(THRIFT_COMPILER thrift REQUIRED)

set(idl ${CMAKE_SOURCE_DIR}/cluster/idl/cluster.thrift)
set(idl_folder ${CMAKE_BINARY_DIR}/cluster_idl)
set(idl_sources "")
set(idl_headers "")
foreach(unit cluster_types master executor driver blocks)
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

# libvonk_rpc.so: the above, loaded when there is a cluster (cluster/rpc_module.h)
add_library(vonk_rpc_module MODULE cluster/rpc/module/rpc_module_table.c)
set_target_properties(vonk_rpc_module PROPERTIES OUTPUT_NAME vonk_rpc)
target_link_libraries(vonk_rpc_module PRIVATE vonk_rpc)

vonk_folder(vonk_cluster cluster)
target_link_libraries(vonk_cluster PUBLIC vonk_rdd)

file(GLOB rpc_headers CONFIGURE_DEPENDS cluster/rpc_module.h cluster/rpc/*.h core/base/*.h)
set(rpc_hashes "")
foreach(header ${rpc_headers})
    file(SHA256 ${header} hash)
    string(APPEND rpc_hashes ${hash})
endforeach()
string(SHA256 rpc_hash "${rpc_hashes}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${rpc_headers})
set_property(SOURCE cluster/rpc_module.c cluster/rpc/module/rpc_module_table.c
    APPEND PROPERTY COMPILE_DEFINITIONS VONK_RPC_INTERFACE="${rpc_hash}")
