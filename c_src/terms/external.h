// The external term format: what term_to_binary() gives and binary_to_term() takes. Also the format
// of terms that go from one process to another.
//
// Takes all of it that a node writes, but for compressed terms, and what term_to_binary(Term,
// [local]) gives. Resources are references to this process that decode() finds again, as a VM does.
#pragma once

#include <cstddef>

#include "terms/binary.h"
#include "terms/env.h"

namespace ep::terms {

/// Memory of malloc() that grows; given up by take().
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  /// Room for so many more bytes at its end. Throws std::bad_alloc.
  unsigned char* extend(std::size_t count) {
    if (count > capacity_ - size_) grow(count);
    return data_ + std::exchange(size_, size_ + count);
  }

  std::size_t size() const noexcept { return size_; }
  Bytes bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] unsigned char* take() noexcept { return std::exchange(data_, nullptr); }

 private:
  void grow(std::size_t count);

  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Appends the term. Throws std::bad_alloc, also for what the format can't hold: a list, map or
/// binary of 2^32 or more.
void encode(Word term, Buffer& to);

enum class Atoms { kMake, kExistingOnly };
/// Maps as keys of maps may be nested so deep; all else is nested as deep as it likes.
inline constexpr int kMostNestedKeys = 100;
/// Makes the term at the front of `bytes`; how many bytes that took, or 0 if they are no term.
/// Takes memory in proportion to `bytes`. Throws std::bad_alloc.
std::size_t decode(ErlNifEnv& env, Bytes bytes, Atoms atoms, Word* term);

/// Of this process, as its references to resources have it.
inline constexpr std::string_view kNodeName = "python@process";
std::uint32_t creation() noexcept;

}  // namespace ep::terms
