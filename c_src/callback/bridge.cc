#include "callback/bridge.h"

#include <utility>
#include <vector>

#include "callback/pending_call.h"
#include "task/submission.h"

namespace ep::callback {

void Bridge::set_router(const ErlNifPid& router) {
  {
    std::lock_guard lock(mutex_);
    router_ = router;
    has_router_ = true;
  }
  fail_expected();
}

void Bridge::forget_router() {
  {
    std::lock_guard lock(mutex_);
    has_router_ = false;
  }
  fail_expected();
}

void Bridge::expect_answer(PendingCall* call) {
  enif_keep_resource(call);
  std::lock_guard lock(mutex_);
  call->expected_ = true;
  call->next_ = expected_;
  if (expected_ != nullptr) expected_->previous_ = call;
  expected_ = call;
}

void Bridge::forget_answer(PendingCall* call) {
  {
    std::lock_guard lock(mutex_);
    if (!std::exchange(call->expected_, false)) return;
    if (call->next_ != nullptr) call->next_->previous_ = call->previous_;
    (call->previous_ != nullptr ? call->previous_->next_ : expected_) = call->next_;
  }
  enif_release_resource(call);
}

/// A call that is made meanwhile may fail although its router is the new one, or is asked for by a
/// router that has just gone: either way its caller gets an answer.
void Bridge::fail_expected() {
  std::vector<ResourceRef<PendingCall>> unanswered;
  {
    std::lock_guard lock(mutex_);
    for (PendingCall* call = expected_; call != nullptr; call = call->next_) {
      unanswered.push_back(ResourceRef<PendingCall>::share(call));
    }
  }
  const OwnedEnv env;
  for (const auto& call : unanswered) call->fail(env.get());
}

bool Bridge::reaches_erlang(const Attached&) const noexcept {
  if (services.node == task::Services::Node::kNone) {
    PyErr_SetString(PyExc_RuntimeError,
                    "there is no Erlang node here: this Python is a program of its own");
    return false;
  }
  if (!services.forked.here()) return true;
  PyErr_SetString(PyExc_RuntimeError,
                  "Erlang can't be reached: this process is a fork of its VM, not the VM");
  return false;
}

bool Bridge::to_router(const OwnedEnv& env, ERL_NIF_TERM message) {
  ErlNifPid router;
  {
    std::lock_guard lock(mutex_);
    if (!has_router_) return false;
    router = router_;
  }
  return enif_send(nullptr, &router, env.get(), message) != 0;
}

convert::Options Bridge::sending(const task::Submission* work) const noexcept {
  convert::Options options;
  options.none = work != nullptr ? work->options().none : services.none.load();
  return options;
}

void Bridge::add_name(std::string name) {
  std::lock_guard lock(mutex_);
  names_.insert(std::move(name));
}

void Bridge::remove_name(const std::string& name) {
  std::lock_guard lock(mutex_);
  names_.erase(name);
}

bool Bridge::has_name(const std::string& name) {
  std::lock_guard lock(mutex_);
  return names_.contains(name);
}

void Bridge::clear_names() {
  std::lock_guard lock(mutex_);
  names_.clear();
}

}  // namespace ep::callback
