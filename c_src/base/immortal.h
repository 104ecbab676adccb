// immortal(): for static variables of functions, which are never destroyed then.
//
// Threads of ours run until the process is gone, while exit() already runs destructors; what they
// use must outlive that.
#pragma once

#include <utility>

namespace ep {

template <class T>
T& immortal(T value) {
  return *new T(std::move(value));
}

}  // namespace ep
