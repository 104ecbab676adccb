// Poller: which descriptors are ready. The one interface between the loop and the operating
// system's event queue.
//
// How native code waits for a descriptor, with a `stream` that is a Watcher:
//
//   if (int error = poller.watch(stream, fd, kRead)) ...  // starts it, or changes its interest
//   poller.watch(stream, fd, kRead | kWrite);  // free of system calls where that is possible
//   poller.watch(stream, fd, kNothing);        // paused: cheap to resume
//   poller.unwatch(stream);                    // before fd is closed, and before `stream` dies
//
// Readiness is level-triggered: a descriptor is reported again at each poll for as long as it is
// ready. Hang-up and error make a descriptor both readable and writable, as far as it is watched.
//
// collect() asks the system what is ready, and take() gives it out, one watcher after another. In
// between watchers may be watched and unwatched, and what has been unwatched is not given out.
//
// Threads: all of it belongs to the thread that owns the loop. collect() alone may run detached
// from the interpreter; it touches nothing that other attached threads could reach.
//
// Ownership: the poller does not own watchers or descriptors; a watcher must be unwatched before
// it dies. A descriptor that is closed while watched is not an error: it is never reported again,
// and its number, when it comes back as another file, can be watched by another watcher, which
// takes the place of the first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.h"

namespace ep::io {

/// A set of directions: what a watcher waits for, or what its descriptor is ready for.
using Events = std::uint8_t;
inline constexpr Events kNothing = 0;
inline constexpr Events kRead = 1;
inline constexpr Events kWrite = 2;

/// What a poller keeps about a watcher, in the watcher.
class WatchState {
 private:
  friend class Watcher;
  friend class EpollPoller;
  int fd_ = -1;
  Events interest_ = kNothing;
};

class Watcher {
 public:
  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  Events interest() const noexcept { return state_.interest_; }
  /// The descriptor being watched; -1 before watch(), after unwatch(), and when another watcher
  /// has taken over the number.
  int watched_fd() const noexcept { return state_.fd_; }

  WatchState& watch_state() noexcept { return state_; }

 protected:
  ~Watcher() = default;

 private:
  WatchState state_;
};

/// Who is ready for what, which is never nothing and never more than its interest; or nobody.
struct Ready {
  Watcher* watcher = nullptr;
  Events events = kNothing;

  explicit operator bool() const noexcept { return watcher != nullptr; }
};

class Poller {
 public:
  virtual ~Poller() = default;

  /// Starts `watcher` on `fd`, or changes its interest. 0, or errno: EPERM for files that are
  /// always ready, EBADF, EMFILE … On failure the watcher is as if unwatched.
  ///
  /// `internal` watchers are the loop's own: they don't count in watched().
  virtual int watch(Watcher& watcher, int fd, Events interest, bool internal = false) = 0;

  /// No event reaches `watcher` any more, not even one already collected. Idempotent.
  virtual void unwatch(Watcher& watcher) noexcept = 0;

  /// Waits until a descriptor is ready, the wake descriptor is readable, a signal arrives or
  /// `deadline` passes; does not wait if that is in the past. Keeps what it found for take().
  virtual void collect(Nanos deadline) noexcept = 0;

  /// As collect() without waiting.
  virtual void collect_now() noexcept = 0;

  /// Has collect() found something that take() has not given out yet?
  virtual bool collected() const noexcept = 0;

  /// The next of it.
  virtual Ready take() noexcept = 0;

  /// Number of watchers, without internal ones.
  virtual std::size_t watched() const noexcept = 0;

  /// The descriptor of the event queue, readable when a watched one is ready; -1 before the first
  /// watch(). take() may replace it; the new one then has another number.
  virtual int descriptor() const noexcept = 0;

  /// An eventfd, for a Waker: collect() returns when it is readable.
  virtual int wake_descriptor() const noexcept = 0;

  /// Closes these two. Nothing is reported any more, and watch() fails with EBADF.
  virtual void close() noexcept = 0;
};

/// This system's poller. Throws std::system_error without descriptors.
std::unique_ptr<Poller> new_poller();

}  // namespace ep::io
