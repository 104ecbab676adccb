// BytesPool: bytes objects that nobody has any more, for the next messages of the same size.
//
// What is longer than half a kilobyte Python gets from malloc(), and a message of 1 KB spends as
// long there as in all of the transport's own code. Messages of one size follow each other, and
// most are forgotten as soon as they are answered; so a few are kept, and filled anew.
//
// One for each interpreter, attached threads only.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::net {

class BytesPool {
 public:
  /// `reuse`: the insides of bytes objects are as we know them (Internals::bytes_reuse). If not, it
  /// keeps nothing.
  explicit BytesPool(bool reuse) noexcept : reuse_(reuse) {}
  BytesPool(const BytesPool&) = delete;
  BytesPool& operator=(const BytesPool&) = delete;

  /// A bytes object with this content. Null: Python error set.
  PyRef make(const Attached&, std::span<const char> content) noexcept;
  /// The caller has no more use for `object`, whatever it is. It is kept if nobody else has it.
  void give(const Attached&, PyRef object) noexcept;
  void clear() noexcept;

 private:
  static constexpr Py_ssize_t kLeast = 480;  // shorter ones come from Python's own allocator
  static constexpr Py_ssize_t kMost = 4096;
  static constexpr std::size_t kPlaces = 8;
  static constexpr std::size_t kKept = 16;    // of one size; 512 KB in all, at most
  static constexpr int kMissesToChange = 64;  // of size, in one place

  /// Objects of one size.
  struct Place {
    Py_ssize_t size = 0;
    int misses = 0;
    std::size_t count = 0;
    std::array<PyRef, kKept> objects;
  };

  static bool fits(Py_ssize_t size) noexcept { return size >= kLeast && size <= kMost; }
  Place& place_of(Py_ssize_t size) noexcept {
    return places_[static_cast<std::size_t>(size) / 16 % kPlaces];
  }

  const bool reuse_;
  std::array<Place, kPlaces> places_;
};

}  // namespace ep::net
