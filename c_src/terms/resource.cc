#include "terms/resource.h"

#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>
#include <unordered_map>

#include "terms/env.h"

namespace ep::terms {
namespace {

/// Those whose number is known: the external format has to find them again, as the VM does.
struct Numbered {
  std::mutex mutex;  // protects the following
  std::uint64_t last = 0;
  std::unordered_map<std::uint64_t, Resource*> living;
};

Numbered& numbered() {
  static Numbered& all = *new Numbered;  // the process's, as it is the VM's; immortal
  return all;
}

}  // namespace

Resource* Resource::make(const ErlNifResourceType* type, std::size_t size) {
  if (size > std::numeric_limits<std::size_t>::max() - sizeof(Resource)) throw std::bad_alloc();
  void* const memory = std::malloc(sizeof(Resource) + size);
  if (memory == nullptr) throw std::bad_alloc();
  return new (memory) Resource(type);
}

std::uint64_t Resource::number() {
  Numbered& all = numbered();
  const std::lock_guard lock(all.mutex);
  if (number_ == 0) {
    all.living.emplace(all.last + 1, this);
    number_ = ++all.last;
  }
  return number_;
}

Resource* Resource::find(std::uint64_t number) noexcept {
  Numbered& all = numbered();
  const std::lock_guard lock(all.mutex);
  const auto found = all.living.find(number);
  if (found == all.living.end()) return nullptr;
  // It may be dying: whoever has dropped the last reference waits for the mutex.
  std::atomic<std::size_t>& count = found->second->count_;
  for (std::size_t seen = count; seen != 0;) {
    if (count.compare_exchange_weak(seen, seen + 1)) return found->second;
  }
  return nullptr;
}

void Resource::destroy() noexcept {
  if (const std::uint64_t number = number_; number != 0) {
    Numbered& all = numbered();
    const std::lock_guard lock(all.mutex);
    all.living.erase(number);
  }
  if (type_ != nullptr && type_->destructor != nullptr) {
    ErlNifEnv env;
    type_->destructor(&env, object());
  }
  this->~Resource();
  std::free(this);
}

}  // namespace ep::terms
