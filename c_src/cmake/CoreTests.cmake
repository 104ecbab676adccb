# The tests of the cores (x_test.cc beside x.cc or x.h), which need neither runtime, in three
# flavours: core_tests, core_tests_asan, core_tests_tsan. `all_core_tests` builds them.

find_package(GTest REQUIRED)

file(GLOB core_files CONFIGURE_DEPENDS "*/*_test.cc")

# Which sources are cores depends on what they include, so asking again is part of every configure.
execute_process(
  COMMAND "${EP_PYTHON_EXECUTABLE}" "${EP_ROOT}/scripts/check_layers" --cores
  OUTPUT_VARIABLE cores
  OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" cores "${cores}")
list(TRANSFORM cores PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
list(APPEND core_files ${cores})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${cores})

add_custom_target(all_core_tests)
if(NOT core_files MATCHES "_test\\.cc")
  return()
endif()

function(ep_core_tests flavour)
  add_executable(${flavour} EXCLUDE_FROM_ALL ${core_files})
  target_include_directories(${flavour} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_include_directories(${flavour} SYSTEM PRIVATE "${EP_ERLANG_INCLUDE_DIR}")  # of terms/
  # No NDEBUG: assertions are on in tests. Frame pointers make the sanitizers' stacks whole.
  target_compile_options(${flavour} PRIVATE -UNDEBUG -fno-omit-frame-pointer ${ARGN})
  target_link_options(${flavour} PRIVATE ${ARGN})
  target_link_libraries(${flavour} PRIVATE ep_warnings GTest::gtest_main Threads::Threads)
  set_target_properties(${flavour} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_dependencies(all_core_tests ${flavour})
endfunction()

ep_core_tests(core_tests)
ep_core_tests(core_tests_asan -fsanitize=address,undefined -fno-sanitize-recover=all)
ep_core_tests(core_tests_tsan -fsanitize=thread -Wno-tsan)
