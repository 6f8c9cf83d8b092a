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

# libvonk_cipher.so: files at rest, encrypted (core/base/cipher_module.h)
add_library(vonk_cipher_module MODULE core/base/cipher/cipher_openssl.c)
set_target_properties(vonk_cipher_module PROPERTIES OUTPUT_NAME vonk_cipher)
target_include_directories(vonk_cipher_module PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(vonk_cipher_module PRIVATE vonk_flags OpenSSL::Crypto)

vonk_folder(vonk_cluster cluster)
target_link_libraries(vonk_cluster PUBLIC vonk_rdd)

# A module fits a program when both were built from the same headers.
function(vonk_interface_hash name)
    set(hashes "")
    foreach(header ${ARGN})
        file(SHA256 ${header} hash)
        string(APPEND hashes ${hash})
    endforeach()
    string(SHA256 hash "${hashes}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
    set(${name} ${hash} PARENT_SCOPE)
endfunction()

file(GLOB rpc_headers CONFIGURE_DEPENDS cluster/rpc_module.h cluster/rpc/*.h core/base/*.h)
vonk_interface_hash(rpc_hash ${rpc_headers})
set_property(SOURCE cluster/rpc_module.c cluster/rpc/module/rpc_module_table.c
    APPEND PROPERTY COMPILE_DEFINITIONS VONK_RPC_INTERFACE="${rpc_hash}")

# libvonk_<name>.so of cluster/<name>, loaded when somebody asks for it (cluster/<name>_module.h), where its library is
# there; else what is missing is said, and the target does nothing.
function(vonk_optional_module name library without)
    if(library)
        vonk_folder(vonk_${name} cluster/${name})
        target_link_libraries(vonk_${name} PUBLIC vonk_base ${library})
        add_library(vonk_${name}_module MODULE cluster/${name}/module/${name}_module_table.c)
        set_target_properties(vonk_${name}_module PROPERTIES OUTPUT_NAME vonk_${name})
        target_link_libraries(vonk_${name}_module PRIVATE vonk_${name})
    else()
        message(STATUS "without ${without}, or run tools/setup.sh")
        add_custom_target(vonk_${name}_module)
    endif()
    file(GLOB headers CONFIGURE_DEPENDS cluster/${name}_module.h cluster/${name}/*.h)
    vonk_interface_hash(hash ${headers})
    string(TOUPPER ${name} upper)
    set_property(SOURCE cluster/${name}_module.c cluster/${name}/module/${name}_module_table.c
        APPEND PROPERTY COMPILE_DEFINITIONS VONK_${upper}_INTERFACE="${hash}")
endfunction()

# a server for HTTP, for `vonk metrics`
find_library(HTTP_LIB microhttpd)
vonk_optional_module(http "${HTTP_LIB}" "a server for metrics: apt-get install libmicrohttpd-dev")

# sessions with ZooKeeper, for masters that have standbys
find_library(ZOOKEEPER_LIB zookeeper_mt)
find_path(ZOOKEEPER_INCLUDE zookeeper/zookeeper.h)
if(NOT ZOOKEEPER_INCLUDE)
    unset(ZOOKEEPER_LIB CACHE)
endif()
vonk_optional_module(zookeeper "${ZOOKEEPER_LIB}" "standby masters: apt-get install libzookeeper-mt-dev")
if(TARGET vonk_zookeeper)
    target_compile_definitions(vonk_zookeeper PRIVATE THREADED)
endif()
