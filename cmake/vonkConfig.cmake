# find_package(vonk) -> target_link_libraries(program vonk::vonk)
include(${CMAKE_CURRENT_LIST_DIR}/vonkTargets.cmake)
