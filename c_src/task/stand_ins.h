// StandIns: who starts the work of a hosted loop whose thread waits for Erlang, so that no call or
// task ever waits behind code that may itself be waiting for that call.
//
// A thread that begins to sleep in erlang.call leaves what its loops have accepted and not started
// (StartQueue) to a stand-in: a context of the application that has nothing to do, or, if there is
// none, a new one, which the keeper (py_stand_ins) is asked for by {stand_in_wanted}. The stand-in
// starts one after the other, in order, until the thread that waited is back. If it comes to wait
// for Erlang as well, another takes over in turn.
//
//   queue: own thread --thread waits--> asks --a context is free--> has a stand-in --> own thread
//                                        ^------ the stand-in waits, too -----'
//
// Any thread. `caller` is the NIF environment if that is a scheduler's, else null.
#pragma once

#include <erl_nif.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "beam/resource.h"

namespace ep {
class Executor;
}

namespace ep::task {

class HostedLoop;
class StartQueue;
struct Services;

class StandIns {
 public:
  explicit StandIns(Services& services) noexcept : services_(services) {}

  /// The process that makes stand-ins.
  void set_keeper(ErlNifEnv* caller, const ErlNifPid& keeper);
  /// The application starts or stops: nobody stands in for anybody.
  void clear() noexcept;

  /// `loop`, a context, can stand in for others from now on, until remove(). Only `made_for_it` are
  /// those that the keeper has made; they are taken first.
  void add(ResourceRef<HostedLoop> loop, bool made_for_it);
  void remove(ErlNifEnv* caller, const HostedLoop* loop) noexcept;

  /// This thread begins to sleep in a wait for Erlang.
  void thread_waits(const Executor& executor);
  /// Something has been put into a queue of `loop`, whose thread may be waiting.
  void look_after(ErlNifEnv* caller, HostedLoop& loop);
  /// A context has done what it had to do.
  void offer_if_asked() {
    if (asking_.load(std::memory_order_relaxed) > 0) offer();
  }
  bool other_threads_wait() const noexcept { return other_threads_.load() > 0; }

  /// How many queues ask for a stand-in, and how many have got one so far.
  struct Demand {
    std::size_t asking;
    std::uint64_t served;
  };
  Demand demand();
  /// There won't be any more of them: what is in the queues that ask is answered with overloaded.
  void refuse(ErlNifEnv* caller);

  /// Has it had nothing to do for as long? If so it gets nothing any more, and is removed.
  bool retire(const HostedLoop* loop, Nanos idle) noexcept;

  /// A thread that is no executor's waits for Erlang: code on some executor may wait for it.
  class ThreadWait {
   public:
    explicit ThreadWait(StandIns& owner);
    ~ThreadWait() { owner_.other_threads_.fetch_sub(1); }
    ThreadWait(const ThreadWait&) = delete;
    ThreadWait& operator=(const ThreadWait&) = delete;

   private:
    StandIns& owner_;
  };

 private:
  class Turn;

  struct Member {
    ResourceRef<HostedLoop> loop;
    bool made_for_it;
    Nanos idle_since;
    StartQueue* serves = nullptr;  // and
    ResourceRef<HostedLoop> served_loop;
    std::uint64_t number = 0;  // of the last time that it began to
  };
  struct Assignment {
    ResourceRef<HostedLoop> stand_in;
    ResourceRef<HostedLoop> loop;
    StartQueue* queue;
    std::uint64_t number;
  };

  void offer();
  bool is_held_up(const HostedLoop& loop) const noexcept;
  bool needs_help(const HostedLoop& loop, const StartQueue& queue) const noexcept;
  void look_after(ErlNifEnv* caller, const ResourceRef<HostedLoop>& loop, StartQueue& queue);
  Member* find_free() noexcept;
  Member* find(const HostedLoop* loop) noexcept;
  Assignment assign(Member& member, const ResourceRef<HostedLoop>& loop, StartQueue& queue);
  void take_up(const Assignment& assignment);
  static ResourceRef<HostedLoop> ends(Member& member) noexcept;
  bool goes_on(const Assignment& assignment);
  void finished(const Assignment& assignment);
  void tell_keeper(ErlNifEnv* caller);

  Services& services_;
  std::atomic<int> other_threads_{0};
  std::atomic<std::size_t> asking_{0};  // the size of asks_

  std::mutex mutex_;  // protects the following
  std::vector<Member> members_;
  struct Ask {
    ResourceRef<HostedLoop> loop;
    StartQueue* queue;  // of loop
  };
  std::deque<Ask> asks_;
  std::uint64_t served_ = 0;
  std::uint64_t last_number_ = 0;
  bool has_keeper_ = false;
  ErlNifPid keeper_{};
};

}  // namespace ep::task
