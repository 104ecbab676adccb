# Compiler flags as two interface targets: ep_warnings and ep_optimize.

add_library(ep_warnings INTERFACE)
target_compile_options(ep_warnings INTERFACE
  -Wall -Wextra -Wshadow -Woverloaded-virtual -Wformat=2 -Wundef
  # CPython's method and slot tables leave their tails out and cast functions, by design.
  -Wno-missing-field-initializers -Wno-cast-function-type)
if(EP_WERROR)
  # What the optimizer thinks it sees differs from compiler to compiler (GCC 16 warns of calls that
  # it devirtualized to the wrong class itself), so it is shown but stops nobody's build.
  target_compile_options(ep_warnings INTERFACE -Werror -Wno-error=array-bounds
    -Wno-error=maybe-uninitialized -Wno-error=stringop-overflow)
endif()

# The optimization flags of CMake's build types come first, so that ours win.
add_library(ep_optimize INTERFACE)
if(PERF_BUILD)
  # -ffast-math must not reach the linker: there it would add start-up code that makes every
  # thread of the process flush denormals. nan and infinities keep their meaning.
  target_compile_options(ep_optimize INTERFACE
    -O3 -march=native -funroll-loops -ffast-math -fno-finite-math-only -flto=auto)
  target_link_options(ep_optimize INTERFACE -O3 -march=native -flto=auto)
endif()
