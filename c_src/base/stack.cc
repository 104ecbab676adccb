#include "base/stack.h"

#include <pthread.h>

#include <cstddef>
#include <cstdint>

namespace ep {
namespace {

/// For what is called at the bottom, and for an exception on its way up.
constexpr std::size_t kReserve = 32 * 1024;

/// The lowest address of the calling thread's stack; 0 if it can't be known.
std::uintptr_t stack_end() noexcept {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  void* end = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &end, &size);
  pthread_attr_destroy(&attributes);
  return reinterpret_cast<std::uintptr_t>(end);
}

}  // namespace

bool stack_is_short() noexcept {
  static thread_local const std::uintptr_t end = stack_end();
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) < end + kReserve;
}

}  // namespace ep
