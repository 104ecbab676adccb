// SignalPipe: how a signal wakes a loop that runs on Python's main thread. Python's C-level signal
// handler writes the signal's number into it (signal.set_wakeup_fd).
//
// Without it a signal that arrives just before the loop blocks, or that the system delivers to
// another thread, would go unnoticed until something else happens. The loop's thread.
#pragma once

#include "base/unique_fd.h"
#include "io/poller.h"
#include "loop/io_callback.h"

namespace ep::loop {

class EventLoop;

class SignalPipe final : public IoCallback {
 public:
  explicit SignalPipe(EventLoop& loop) noexcept : loop_(loop) {}

  /// The end to write to, opened at the first call; -1: Python error set.
  int write_end(const OnLoop& py);

  /// Whether arriving numbers are passed to loop._process_self_data(), for add_signal_handler().
  /// The pipe is then polled at each tick like a user's descriptor.
  bool set_forwarding(const OnLoop& py, bool forwarding);

  void close(const OnLoop& py) noexcept;

  void on_ready(const OnLoop& py, io::Events ready) noexcept override;

 private:
  bool watch(const OnLoop& py);
  void forward(const OnLoop& py, const char* numbers, Py_ssize_t count) noexcept;

  EventLoop& loop_;
  UniqueFd read_end_;
  UniqueFd write_end_;
  bool forwarding_ = false;
};

}  // namespace ep::loop
