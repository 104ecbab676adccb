#include "task/ledger.h"

#include "task/submission.h"

namespace ep::task {

bool Ledger::add(ErlNifEnv* env, void* resource, const ErlNifPid& owner, Submission* submission) {
  std::lock_guard lock(mutex_);
  if (closed_) return false;
  const auto [found, is_new] = owners_.try_emplace(owner.pid);
  if (is_new && enif_monitor_process(env, resource, &owner, nullptr) != 0) {
    owners_.erase(found);
    return false;
  }
  Owner& entry = found->second;
  LedgerHook& hook = submission->ledger_hook;
  hook = {nullptr, entry.first, true};
  if (entry.first != nullptr) entry.first->ledger_hook.previous = submission;
  entry.first = submission;
  size_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void Ledger::remove(Submission* submission) noexcept {
  std::lock_guard lock(mutex_);
  LedgerHook& hook = submission->ledger_hook;
  if (!hook.linked) return;
  if (hook.next != nullptr) hook.next->ledger_hook.previous = hook.previous;
  if (hook.previous != nullptr) {
    hook.previous->ledger_hook.next = hook.next;
  } else {
    owners_.find(submission->owner().pid)->second.first = hook.next;
  }
  hook = {};
  size_.fetch_sub(1, std::memory_order_relaxed);
}

namespace {

void take_list(Submission* first, std::vector<ResourceRef<Submission>>& out) {
  while (first != nullptr) {
    // Still linked, hence alive: whoever lets go of a submission removes it first.
    out.push_back(ResourceRef<Submission>::share(first));
    LedgerHook& hook = first->ledger_hook;
    first = hook.next;
    hook = {};
  }
}

}  // namespace

ResourceRef<Submission> Ledger::any() {
  std::lock_guard lock(mutex_);
  for (const auto& [pid, owner] : owners_) {
    if (owner.first != nullptr) return ResourceRef<Submission>::share(owner.first);
  }
  return {};
}

std::vector<ResourceRef<Submission>> Ledger::take(const ErlNifPid& owner) {
  std::vector<ResourceRef<Submission>> out;
  std::lock_guard lock(mutex_);
  const auto found = owners_.find(owner.pid);
  if (found == owners_.end()) return out;
  take_list(found->second.first, out);
  owners_.erase(found);
  size_.fetch_sub(out.size(), std::memory_order_relaxed);
  return out;
}

std::vector<ResourceRef<Submission>> Ledger::close() {
  std::vector<ResourceRef<Submission>> out;
  std::lock_guard lock(mutex_);
  closed_ = true;
  for (auto& [pid, owner] : owners_) take_list(owner.first, out);
  owners_.clear();
  size_.store(0, std::memory_order_relaxed);
  return out;
}

}  // namespace ep::task
