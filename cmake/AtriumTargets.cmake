# One function a kind of target, so that a room of the house is declared in one line and cannot link more than it says.

set(ATRIUM_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Woverloaded-virtual -Wno-missing-field-initializers -Werror)

# How much longer than in the release build a test may take before it counts as hung; test fixtures know it too
# (tests/support/patience.hpp).
set(ATRIUM_PATIENCE 1)
if(ATRIUM_SANITIZE)
  set(ATRIUM_PATIENCE 5)
endif()

function(atrium_common_options target)
  target_compile_options(${target} PRIVATE ${ATRIUM_WARNINGS})
  if(ATRIUM_SANITIZE STREQUAL "address")
    # fuzzer-no-link: the counters that steer libFuzzer, so that one sanitized build serves the tests and tests/fuzz.
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    target_link_options(${target} INTERFACE -fsanitize=address,undefined)
    target_link_options(${target} PRIVATE -fsanitize=address,undefined)
  elseif(ATRIUM_SANITIZE STREQUAL "thread")
    target_compile_options(${target} PRIVATE -fsanitize=thread -fno-omit-frame-pointer)
    target_link_options(${target} INTERFACE -fsanitize=thread)
    target_link_options(${target} PRIVATE -fsanitize=thread)
  endif()
endfunction()

# atrium_library(NAME [USES public libraries...] [PRIVATE_USES libraries that no public header shows...])
# Sources are src/*.cpp, public headers are include/; both below the current folder.
function(atrium_library name)
  cmake_parse_arguments(arg "" "" "USES;PRIVATE_USES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/*.cpp)
  if(NOT sources)  # headers alone
    add_library(atrium_${name} INTERFACE)
    add_library(atrium::${name} ALIAS atrium_${name})
    target_include_directories(atrium_${name} INTERFACE include)
    target_link_libraries(atrium_${name} INTERFACE ${arg_USES})
    return()
  endif()
  add_library(atrium_${name} STATIC ${sources})
  add_library(atrium::${name} ALIAS atrium_${name})
  target_include_directories(atrium_${name} PUBLIC include PRIVATE src)
  target_link_libraries(atrium_${name} PUBLIC ${arg_USES} PRIVATE ${arg_PRIVATE_USES})
  atrium_common_options(atrium_${name})
endfunction()

# atrium_test(KIND TOPIC [USES libraries...]): the *_test.cpp of the current folder as one program, each case a ctest test.
# Its labels: KIND, and TOPIC for whole programs (a discovered test keeps one label only; its topic is in its name).
# WHOLE: the program is one ctest test, for cases that share a server which is costly to start (tests/support/postgres.hpp).
function(atrium_test kind topic)
  cmake_parse_arguments(arg "WHOLE" "TIMEOUT" "USES;PROPERTIES;ENVIRONMENT" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  math(EXPR timeout "${arg_TIMEOUT} * ${ATRIUM_PATIENCE}")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources)
    return()
  endif()
  set(target test_${kind}_${topic})
  add_executable(${target} ${sources})
  target_link_libraries(${target} PRIVATE ${arg_USES} atrium::test_support GTest::gmock GTest::gtest_main)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  atrium_common_options(${target})
  # Half of what a build compiles is tests, and the optimiser would take most of that time. Simulations run for long.
  if(ATRIUM_SANITIZE OR NOT kind STREQUAL "sim")
    target_compile_options(${target} PRIVATE -O0)
  endif()
  if(ATRIUM_SANITIZE)
    target_compile_options(${target} PRIVATE -fno-sanitize=fuzzer-no-link)
  endif()
  if(arg_WHOLE)
    add_test(NAME ${kind}.${topic} COMMAND ${target})
    set_tests_properties(${kind}.${topic} PROPERTIES LABELS "${kind};${topic}" TIMEOUT ${timeout} ${arg_PROPERTIES})
    return()
  endif()
  include(GoogleTest)
  gtest_discover_tests(${target} TEST_PREFIX "${kind}.${topic}." DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${kind} TIMEOUT ${timeout} ${arg_PROPERTIES})
endfunction()
