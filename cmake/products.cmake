# What users get: the vonk program, libvonk.so with its modules libvonk_*.so beside it, and what
# `make install` copies: headers, vonk.pc, a CMake package.
include(GNUInstallDirs)

# The public functions: nothing in the library refers to them, so they are listed.
file(GLOB VONK_API_SOURCES CONFIGURE_DEPENDS engine/api.c engine/rdd*.c)
add_library(vonk_shared SHARED ${VONK_API_SOURCES})
set_target_properties(vonk_shared PROPERTIES
    OUTPUT_NAME vonk EXPORT_NAME vonk VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
    LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/libvonk.map)
target_link_libraries(vonk_shared PRIVATE vonk_engine)
target_link_options(vonk_shared PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/libvonk.map
    -Wl,--no-undefined)
if(VONK_SANITIZE)
    target_link_options(vonk_shared PRIVATE -Wl,-z,undefs) # the sanitizer's runtime is the program's
endif()
target_include_directories(vonk_shared INTERFACE $<INSTALL_INTERFACE:include>)

file(GLOB shell_sources CONFIGURE_DEPENDS shell/*.c)
list(FILTER shell_sources EXCLUDE REGEX "shell_main\\.c$")
if(shell_sources)
    vonk_folder(vonk_shell shell)
    target_link_libraries(vonk_shell PUBLIC vonk_engine PRIVATE ${EDIT_LIB} ${JSON_LIB})
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/shell/shell_main.c)
    # Jobs that `vonk submit` loads find the public functions in the program itself.
    add_executable(vonk shell/shell_main.c ${VONK_API_SOURCES})
    target_link_libraries(vonk PRIVATE vonk_shell ${CMAKE_DL_LIBS})
    target_link_options(vonk PRIVATE -Wl,--export-dynamic-symbol=vonk_*)
    add_dependencies(vonk vonk_jit vonk_rpc_module vonk_cipher_module vonk_zookeeper_module vonk_http_module)
    install(TARGETS vonk RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

install(TARGETS vonk_shared EXPORT vonk LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS vonk_jit vonk_rpc_module vonk_cipher_module LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(ZOOKEEPER_LIB AND ZOOKEEPER_INCLUDE)
    install(TARGETS vonk_zookeeper_module LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(HTTP_LIB)
    install(TARGETS vonk_http_module LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
# what `vonk submit --launcher` runs, and what people take from there: shell/launcher.c has the path
install(DIRECTORY cluster/launchers/ DESTINATION ${CMAKE_INSTALL_DATADIR}/vonk/launchers
    USE_SOURCE_PERMISSIONS PATTERN __pycache__ EXCLUDE)
install(DIRECTORY include/vonk DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
# the prefix as seen from vonk.pc, so that `cmake --install --prefix` may put it anywhere
file(RELATIVE_PATH VONK_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/vonk.pc.in vonk.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/vonk.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(EXPORT vonk NAMESPACE vonk:: FILE vonkTargets.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/vonk)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/vonkConfigVersion.cmake
    COMPATIBILITY SameMajorVersion)
install(FILES cmake/vonkConfig.cmake ${CMAKE_BINARY_DIR}/vonkConfigVersion.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/vonk)
