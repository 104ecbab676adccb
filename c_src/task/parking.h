// Parking: whether a hosted loop is at work or waits in the VM, and who has to do what when that
// changes.
//
//   kActive: a tick is queued, or runs, or the loop lingers in its poller
//   kParked: nothing of the loop's is on its thread; its worker waits for it
//
//   kActive ── park(), and there is no work ──▶ kParked: the worker is to be told
//   kParked ── notify() ──▶ kActive: whoever did it queues the one tick
//   kParked ── park() itself finds work ──▶ kActive: it queues the tick, unless notify() was faster
//
// Why park() looks for work after it has parked, not before: who brings work in between finds the
// loop active, and merely wakes a thread that is about to leave it. Afterwards either that work
// shows here or its notify() sees kParked. So no work is left lying, and no tick is queued twice.
//
// A wait of the worker's has a number. The descriptor or timer that ends it may be late, and the
// loop parked anew since: what comes with another number than the last belongs to a wait that is
// over.
//
// Knows neither Python nor the VM.
#pragma once

#include <atomic>
#include <cstdint>

namespace ep::task {

class Parking {
 public:
  enum class State : std::uint8_t { kActive, kParked };
  enum class [[nodiscard]] Notified : std::uint8_t{
      kQueueTick,   // it was parked
      kWakeThread,  // it may be waiting in the loop's poller
  };
  enum class [[nodiscard]] Parked : std::uint8_t{
      kTellWorker,  // there is no work
      kQueueTick,   // there is
      kNotified,    // so somebody else has found, and queues the tick
  };

  // Any thread.

  State state() const noexcept { return state_.load(std::memory_order_acquire); }
  /// After work has been brought.
  Notified notify() noexcept {
    return state_.exchange(State::kActive, std::memory_order_seq_cst) == State::kParked
               ? Notified::kQueueTick
               : Notified::kWakeThread;
  }
  /// Does what has come belong to the wait that was begun last?
  bool is_latest_wait(std::uint64_t number) const noexcept { return number == waits_.load(); }

  // The loop's thread, at work.

  template <class HasWork>
  Parked park(HasWork&& has_work) noexcept {
    park();
    if (!has_work()) return Parked::kTellWorker;
    return notify() == Notified::kQueueTick ? Parked::kQueueTick : Parked::kNotified;
  }
  /// Until somebody notifies it: for a loop that has no work and never had.
  void park() noexcept { state_.store(State::kParked, std::memory_order_seq_cst); }
  /// The number of a new wait.
  std::uint64_t begin_wait() noexcept { return waits_.fetch_add(1) + 1; }

 private:
  std::atomic<State> state_{State::kParked};  // nothing is there yet
  std::atomic<std::uint64_t> waits_{0};
};

}  // namespace ep::task
