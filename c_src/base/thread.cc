#include "base/thread.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

namespace ep {
namespace {

// CPython's recursion limits assume the 8 MiB of a main thread; only touched pages cost memory.
constexpr size_t kStackSize = size_t{16} << 20;
constexpr size_t kMaxNameLength = 15;  // the kernel's limit

}  // namespace

struct Thread::Ended {
  std::mutex mutex;
  std::condition_variable changed;
  bool value = false;
};

namespace {

struct Start {
  std::string name;
  std::function<void()> body;
  std::function<void()> ended;
};

void* run(void* argument) {
  std::unique_ptr<Start> start(static_cast<Start*>(argument));
  pthread_setname_np(pthread_self(), start->name.substr(0, kMaxNameLength).c_str());
  start->body();
  start->body = nullptr;  // whatever it owned goes before the thread counts as ended
  start->ended();
  return nullptr;
}

}  // namespace

Thread::Thread(const std::string& name, std::function<void()> body)
    : ended_(std::make_shared<Ended>()) {
  auto start = std::make_unique<Start>(Start{name, std::move(body), [ended = ended_] {
                                               std::lock_guard lock(ended->mutex);
                                               ended->value = true;
                                               ended->changed.notify_all();
                                             }});
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackSize);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, run, start.get());
  pthread_attr_destroy(&attributes);
  if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_create");
  static_cast<void>(start.release());  // run() owns it now
}

bool Thread::join_until(Nanos deadline) {
  if (!ended_) return true;
  std::unique_lock lock(ended_->mutex);
  const auto is_set = [this] { return ended_->value; };
  if (deadline == kNever) {
    ended_->changed.wait(lock, is_set);
    return true;
  }
  const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(deadline)};
  return ended_->changed.wait_until(lock, until, is_set);
}

}  // namespace ep
