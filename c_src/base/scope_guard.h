// OnExit: runs a function when the scope ends, however it ends.
#pragma once

#include <utility>

namespace ep {

template <class F>
class [[nodiscard]] OnExit {
 public:
  explicit OnExit(F f) : f_(std::move(f)) {}
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;
  ~OnExit() { f_(); }

 private:
  F f_;
};

}  // namespace ep
