// Job: a unit of work posted to a thread that runs Python (an executor) or to a loop's inbox.
//
// Who owns it: a JobPtr, always. A queue takes one, and gives it back if it has closed; whoever
// takes a job from a queue calls exactly one of run() and abandon(), once, and lets go of it then.
// So no job ever frees itself. What letting go means is the job's own business: most are deleted,
// one that is a NIF resource, or part of one, gives up a reference.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/mailbox.h"

namespace ep {

class Attached;  // cpython/attach.h

class Job : public MailboxNode {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// On the thread that owns the mailbox, attached to its interpreter, with no Python error set.
  /// Leaves no Python error set. The job may be posted again meanwhile, by another JobPtr.
  virtual void run(const Attached& py) noexcept = 0;

  /// The work will never run, because its thread or loop is gone: say so to whoever waits. May be
  /// called on any thread, attached or not.
  virtual void abandon() noexcept = 0;

  /// The chain of nested calls (Erlang -> Python -> Erlang ...) that this job belongs to, or 0. A
  /// thread that waits for an answer from Erlang serves the jobs of its own chain meanwhile.
  std::uint64_t chain = 0;

 protected:
  virtual ~Job() = default;

 private:
  friend struct LettingGoOfJob;
  /// As abandon(), on any thread.
  virtual void let_go() noexcept { delete this; }
};

struct LettingGoOfJob {
  void operator()(Job* job) const noexcept { job->let_go(); }
};

using JobPtr = std::unique_ptr<Job, LettingGoOfJob>;

template <class T, class... Args>
JobPtr make_job(Args&&... args) {
  return JobPtr(new T(std::forward<Args>(args)...));
}

/// What a queue has given back, if it has: nobody will run it.
inline void abandon(JobPtr refused) noexcept {
  if (refused) refused->abandon();
}

/// The jobs of a list that has been taken from a Mailbox<Job>.
inline void abandon_all(Job* first) noexcept {
  while (first != nullptr) {
    Job* const next = Mailbox<Job>::next(first);
    abandon(JobPtr(first));
    first = next;
  }
}

}  // namespace ep
