// Job: a unit of work posted to a thread that runs Python (an executor) or to a loop's inbox.
//
// Exactly one of run() and abandon() is called, once, and the job owns itself from then on: the
// poster must not touch it after a successful post.
#pragma once

#include <cstdint>

#include "base/mailbox.h"

namespace ep {

class Job : public MailboxNode {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// On the thread that owns the mailbox, attached to its interpreter, with no Python error set.
  /// Leaves no Python error set.
  virtual void run() noexcept = 0;

  /// The work will never run, because its thread or loop is gone: say so to whoever waits. May be
  /// called on any thread, attached or not.
  virtual void abandon() noexcept = 0;

  /// The chain of nested calls (Erlang -> Python -> Erlang ...) that this job belongs to, or 0. A
  /// thread that waits for an answer from Erlang serves the jobs of its own chain meanwhile.
  std::uint64_t chain = 0;

 protected:
  ~Job() = default;
};

}  // namespace ep
