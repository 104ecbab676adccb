// StartQueue: what a hosted loop has accepted and not yet started, in that order.
//
// Its own thread starts what is in it, as a rule; when that waits for Erlang another thread may do
// so (task/stand_ins.h). Taking a submission out decides who starts it. Any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>

#include "beam/resource.h"

namespace ep::task {

class HostedLoop;
class Submission;

/// The list hook inside a submission. Protected by the queue's mutex.
struct StartHook {
  Submission* previous = nullptr;
  Submission* next = nullptr;
  bool linked = false;
};

class StartQueue {
 public:
  StartQueue() = default;
  StartQueue(const StartQueue&) = delete;
  StartQueue& operator=(const StartQueue&) = delete;

  /// Keeps it alive meanwhile.
  void push(Submission* submission);
  /// The oldest, or null.
  ResourceRef<Submission> pop() noexcept;
  /// Takes one out, wherever it stands. False: it is not in it any more.
  bool remove(Submission* submission) noexcept;
  /// The loop whose queue this is, if something is in it; else null.
  ResourceRef<HostedLoop> loop_if_any() noexcept;
  bool empty() const noexcept { return size_.load(std::memory_order_seq_cst) == 0; }

  // Of StandIns, protected by its mutex.
  const HostedLoop* stand_in = nullptr;  // starts what is in here now
  bool asks = false;                     // for one

 private:
  void unlink(Submission* submission) noexcept;

  std::atomic<std::size_t> size_{0};
  std::mutex mutex_;  // protects the following and the hooks of what is in it
  Submission* first_ = nullptr;
  Submission* last_ = nullptr;
};

}  // namespace ep::task
