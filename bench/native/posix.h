// check(): turns -1 of a system call into std::system_error that names the call.
#pragma once

#include <cerrno>
#include <system_error>

namespace ep::bench {

template <class T>
T check(T result, const char* call) {
  if (result == -1) throw std::system_error(errno, std::generic_category(), call);
  return result;
}

}  // namespace ep::bench
