// Cancellation: how work whose result nobody wants any more is made to end. The decision has been
// taken, and its reply is settled; this sees to the code.
//
//   kNotBegun ── begin() ──▶ kWithJanitor
//   kWithJanitor ─▶ kDone        code of it runs, and is interrupted: where that ends it sees
//   itself
//                                that nobody wants it. Or there is nothing: it has ended, or will
//                                be skipped when its turn comes
//   kWithJanitor ─▶ kWithLoop    it is a task: only its loop may cancel it, between two steps
//   kWithLoop ────▶ kDone        the task is cancelled
//
// If a step of the task runs when the janitor looks, it may compute for ever, and the loop's turn
// never come. So the janitor looks again after kStuckAfter, and interrupts a step that still runs.
//
// Knows neither Python nor the VM.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/job.h"

namespace ep::task {

/// A cancelled task may take this long to come to its next await.
inline constexpr Nanos kStuckAfter = 100 * kMillisecond;

/// What a cancellation is about, and what it does to it.
class Unwanted {
 public:
  /// Any thread. Keeps this alive until release(), and has the janitor run `job`.
  virtual void post_to_janitor(Job& job) noexcept = 0;
  virtual void release() noexcept = 0;

  enum class [[nodiscard]] Code : std::uint8_t{kDoesNotRun, kInterrupted};
  virtual Code interrupt_code(const Attached&) noexcept = 0;
  virtual bool has_task() const noexcept = 0;

  // Only if it has one.

  virtual bool is_step_running(const Attached&) const noexcept = 0;
  virtual void look_again_at(const Attached&, Nanos time) noexcept = 0;
  /// As post_to_janitor(), for the thread of its loop.
  virtual void post_to_loop(Job& job) noexcept = 0;
  virtual void end_task(const Attached&) noexcept = 0;

 protected:
  ~Unwanted() = default;
};

/// Part of what it is about.
class Cancellation final : public Job {
 public:
  enum class Stage : std::uint8_t { kNotBegun, kWithJanitor, kWithLoop, kDone };

  explicit Cancellation(Unwanted& work) noexcept : work_(work) {}

  /// Any thread. Only the first time counts.
  void begin() noexcept {
    Stage stage = Stage::kNotBegun;
    if (stage_.compare_exchange_strong(stage, Stage::kWithJanitor)) work_.post_to_janitor(*this);
  }
  Stage stage() const noexcept { return stage_.load(); }

  void run(const Attached& py) noexcept override {
    if (stage() == Stage::kWithJanitor) return interrupt(py);
    stage_.store(Stage::kDone);
    work_.end_task(py);
  }
  void abandon() noexcept override { stage_.store(Stage::kDone); }

 private:
  void let_go() noexcept override { work_.release(); }

  void interrupt(const Attached& py) noexcept {
    if (work_.interrupt_code(py) == Unwanted::Code::kInterrupted || !work_.has_task()) {
      stage_.store(Stage::kDone);
      return;
    }
    if (work_.is_step_running(py)) work_.look_again_at(py, now() + kStuckAfter);
    stage_.store(Stage::kWithLoop);
    work_.post_to_loop(*this);
  }

  Unwanted& work_;
  std::atomic<Stage> stage_{Stage::kNotBegun};
};

}  // namespace ep::task
