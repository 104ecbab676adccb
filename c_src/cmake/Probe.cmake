# ep_probe(): runs scripts/configure and sets the variables that it reports, all named EP_*.
#
# The interpreter is -DPYTHON=..., else $PYTHON, else the script's default.
function(ep_probe)
  set(environment "")
  if(PYTHON)
    list(APPEND environment "PYTHON=${PYTHON}")
  endif()
  if(CMAKE_CXX_COMPILER)
    list(APPEND environment "CXX=${CMAKE_CXX_COMPILER}")
  endif()
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env ${environment} "${EP_ROOT}/scripts/configure"
    OUTPUT_VARIABLE report
    ERROR_VARIABLE complaint
    RESULT_VARIABLE status
    OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_STRIP_TRAILING_WHITESPACE)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${complaint}")
  endif()

  string(REPLACE "\n" ";" lines "${report}")
  foreach(line IN LISTS lines)
    if(line MATCHES "^(EP_[A-Z_]+)=(.*)$")
      set(${CMAKE_MATCH_1} "${CMAKE_MATCH_2}" PARENT_SCOPE)
    endif()
  endforeach()

  file(STRINGS "${EP_ROOT}/src/erlang_python.app.src" vsn REGEX "{vsn,")
  string(REGEX REPLACE ".*\"([^\"]*)\".*" "\\1" vsn "${vsn}")
  set(EP_VERSION "${vsn}" PARENT_SCOPE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    "${EP_ROOT}/src/erlang_python.app.src"
    "${EP_ROOT}/scripts/configure"
    "${EP_ROOT}/scripts/python_config.py")
endfunction()
