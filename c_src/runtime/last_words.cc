#include "runtime/last_words.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace ep {
namespace {

using namespace std::chrono_literals;

/// For a thread to begin: one that is idle takes microseconds, if nobody keeps the interpreter.
constexpr auto kPatience = 300ms;
/// For the words themselves.
constexpr auto kLongest = 5s;

}  // namespace

/// What the threads and the one that leaves know of each other.
class LastWords::Saying {
 public:
  explicit Saying(Words words) : words_(std::move(words)) {}

  /// On an executor's thread. The first one says it.
  void say(const Attached& py) {
    if (!advance(State::kWaits, State::kBegun)) return;
    words_(py);
    advance(State::kBegun, State::kEnded);
  }

  bool wait_begun() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return state_ != State::kWaits; });
  }
  bool wait_ended(std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, longest, [this] { return state_ == State::kEnded; });
  }

 private:
  enum class State { kWaits, kBegun, kEnded };

  bool advance(State from, State to) {
    std::lock_guard lock(mutex_);
    if (state_ != from) return false;
    state_ = to;
    changed_.notify_all();
    return true;
  }

  const Words words_;
  std::mutex mutex_;  // protects the following
  std::condition_variable changed_;
  State state_ = State::kWaits;
};

class LastWords::Turn final : public Job {
 public:
  static void post(Executor& executor, const std::shared_ptr<Saying>& saying) {
    ep::abandon(executor.post(make_job<Turn>(saying)));
  }

  explicit Turn(std::shared_ptr<Saying> saying) : saying_(std::move(saying)) {}
  void run(const Attached& py) noexcept override { saying_->say(py); }
  void abandon() noexcept override {}

 private:
  const std::shared_ptr<Saying> saying_;
};

void LastWords::prepare(Executor& main, Executor& undertaker, Words words) {
  const std::lock_guard lock(mutex_);
  prepared_ = std::make_unique<Prepared>(Prepared{main, undertaker, std::move(words)});
}

void LastWords::forget() noexcept {
  const std::lock_guard lock(mutex_);
  prepared_.reset();
}

void LastWords::say() noexcept {
  std::unique_ptr<Prepared> prepared;
  {
    const std::lock_guard lock(mutex_);
    prepared = std::move(prepared_);
  }
  if (!prepared) return;
  // What the application has left over dies before, unless a finalizer takes its time.
  const auto left_over = std::make_shared<Saying>([](const Attached&) {});
  Turn::post(prepared->undertaker, left_over);
  left_over->wait_ended(kPatience);

  const auto words = std::make_shared<Saying>(std::move(prepared->words));
  Turn::post(prepared->main, words);
  if (!words->wait_begun()) {
    Turn::post(prepared->undertaker, words);
    if (!words->wait_begun()) return;
  }
  words->wait_ended(kLongest);
}

}  // namespace ep
