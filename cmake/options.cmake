# Compiler flags of every target, sanitizers by VONK_SANITIZE=address|thread|fuzzer|coverage.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(VONK_SANITIZE "" CACHE STRING "address, thread, fuzzer or coverage")

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(vonk_flags INTERFACE)
target_compile_definitions(vonk_flags INTERFACE _GNU_SOURCE VONK_VERSION="${PROJECT_VERSION}")
target_compile_options(vonk_flags INTERFACE
    -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
    -Wwrite-strings -Wno-missing-field-initializers -fno-omit-frame-pointer)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    # What a bug finds shut: overflows that libc's calls see, stacks that skip their guard page, tables that stay writable.
    target_compile_options(vonk_flags INTERFACE -fstack-protector-strong -fstack-clash-protection
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        target_compile_options(vonk_flags INTERFACE -fcf-protection)
    endif()
    target_link_options(vonk_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
if(VONK_SANITIZE STREQUAL "address")
    set(sanitizer -fsanitize=address,undefined -fno-sanitize-recover=undefined)
elseif(VONK_SANITIZE STREQUAL "thread")
    set(sanitizer -fsanitize=thread)
elseif(VONK_SANITIZE STREQUAL "fuzzer")
    set(sanitizer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
elseif(VONK_SANITIZE STREQUAL "coverage")
    set(sanitizer --coverage)
endif()
if(sanitizer)
    target_compile_options(vonk_flags INTERFACE ${sanitizer})
    target_link_options(vonk_flags INTERFACE ${sanitizer})
endif()
