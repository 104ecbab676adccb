// Work: what code on an executor runs for. It outlives every Running that names it.
#pragma once

namespace ep {

class Work {
 public:
  /// What it belongs to; itself, if it is that: a hosted loop, whose callbacks work for many.
  virtual Work& host() noexcept = 0;

 protected:
  virtual ~Work() = default;
};

}  // namespace ep
