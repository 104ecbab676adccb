// The memory that small messages are read into, before an object of the exact size is made of them:
// one buffer for each thread, which stays in the processor's cache. How much will come is known
// only when it has come, and getting a large object for it, and shrinking that, takes longer than
// copying some kilobytes.
//
// Whoever fills it empties it before anything else runs.
#pragma once

#include <memory>
#include <span>

namespace ep::net {

/// As much as asyncio reads at once.
inline constexpr std::size_t kReadBufferSize = 256 * 1024;

/// The calling thread's. Throws std::bad_alloc, once at most.
inline std::span<char> read_buffer() {
  thread_local const std::unique_ptr<char[]> buffer =
      std::make_unique_for_overwrite<char[]>(kReadBufferSize);
  return {buffer.get(), kReadBufferSize};
}

}  // namespace ep::net
