// ReadyEntry: one thing in a loop's ready queue. Either a Handle, that is a Python callback, or
// native code that wants to run in the run phase.
#pragma once

#include <cstdint>

#include "loop/handle.h"
#include "loop/on_loop.h"

namespace ep::loop {

/// Native work in the ready queue; typically a part of a C++ transport, queued by its on_ready().
class NativeCallback {
 public:
  /// In the run phase. Leaves no Python error set, but for one that shall end the loop (SystemExit,
  /// KeyboardInterrupt): then it returns false.
  virtual bool run(const OnLoop& py) noexcept = 0;

  /// The Python object that this is part of: kept alive while it is queued.
  virtual PyObject* owner() const noexcept = 0;

 protected:
  ~NativeCallback() = default;
};

/// Borrows what it refers to; the queue that holds it owns a reference to owner().
class ReadyEntry {
 public:
  ReadyEntry() = default;
  explicit ReadyEntry(Handle* handle) noexcept : bits_(reinterpret_cast<std::uintptr_t>(handle)) {}
  explicit ReadyEntry(NativeCallback* callback) noexcept
      : bits_(reinterpret_cast<std::uintptr_t>(callback) | kNative) {}

  bool is_native() const noexcept { return (bits_ & kNative) != 0; }
  Handle* handle() const noexcept { return reinterpret_cast<Handle*>(bits_); }
  NativeCallback* native() const noexcept {
    return reinterpret_cast<NativeCallback*>(bits_ & ~kNative);
  }
  PyObject* owner() const noexcept {
    return is_native() ? native()->owner() : reinterpret_cast<PyObject*>(handle());
  }

 private:
  static constexpr std::uintptr_t kNative = 1;
  std::uintptr_t bits_ = 0;
};

}  // namespace ep::loop
