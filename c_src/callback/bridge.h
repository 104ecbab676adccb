// Bridge: the way from Python to Erlang processes.
//
// Messages that a thread can't send itself (to other nodes), and all calls, go to one process, the
// router (py_callback); what it understands is in docs/messages.md. Any thread.
#pragma once

#include <erl_nif.h>

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

#include "beam/env.h"
#include "beam/resource.h"
#include "convert/codec.h"
#include "task/services.h"

namespace ep::callback {

class PendingCall;

class Bridge {
 public:
  explicit Bridge(task::Services& work) : services(work) {}

  /// Whatever an earlier router has not answered fails: it won't be.
  void set_router(const ErlNifPid& router);
  void forget_router();
  /// False, with a Python error set, in a forked child and outside of a node: no process of
  /// Erlang's is there to be asked.
  bool reaches_erlang(const Attached&) const noexcept;
  /// From a thread that is no scheduler's. False if there is no router.
  bool to_router(const OwnedEnv& env, ERL_NIF_TERM message);

  // The calls that the router owes an answer; kept alive meanwhile.
  void expect_answer(PendingCall* call);
  void forget_answer(PendingCall* call);

  // The names of registered functions, so that `erlang.name` can be told from a mistake.
  void add_name(std::string name);
  void remove_name(const std::string& name);
  bool has_name(const std::string& name);
  void clear_names();

  /// How what `work` does converts what it sends; null: what nobody asked for does.
  convert::Options sending(const task::Submission* work) const noexcept;

  task::Services& services;
  ResourceType<PendingCall> calls;

 private:
  void fail_expected();

  std::mutex mutex_;  // protects the following
  bool has_router_ = false;
  ErlNifPid router_{};
  PendingCall* expected_ = nullptr;  // a list
  std::unordered_set<std::string> names_;
};

}  // namespace ep::callback
