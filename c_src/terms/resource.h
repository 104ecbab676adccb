// Resources, and other counted memory outside of environments: the bytes of large binaries.
//
// Any thread. The count starts at 1. A destructor runs where the last reference is dropped.
#pragma once

#include <erl_nif.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

struct enif_resource_type_t {
  std::string name;
  ErlNifResourceDtor* destructor;
};

namespace ep::terms {

class alignas(alignof(std::max_align_t)) Resource {
 public:
  /// One with `size` bytes after it; without a type, bytes and nothing more. Throws std::bad_alloc.
  static Resource* make(const ErlNifResourceType* type, std::size_t size);
  static Resource* of(void* object) noexcept { return static_cast<Resource*>(object) - 1; }

  void* object() noexcept { return this + 1; }
  const ErlNifResourceType* type() const noexcept { return type_; }

  void keep() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }

  /// The number by which the external format knows it, which names no other ever.
  std::uint64_t number();
  /// The living one with this number, with a reference for the caller; or null.
  static Resource* find(std::uint64_t number) noexcept;

 private:
  explicit Resource(const ErlNifResourceType* type) noexcept : type_(type) {}
  void destroy() noexcept;

  std::atomic<std::size_t> count_{1};
  const ErlNifResourceType* const type_;
  std::atomic<std::uint64_t> number_{0};  // 0: nobody has asked yet
};

}  // namespace ep::terms
