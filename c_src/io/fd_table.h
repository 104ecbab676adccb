// FdTable: a value for each descriptor number. Two levels, so that a loop with a few descriptors
// stays small even where the numbers are high.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace ep::io {

template <class T>
class FdTable {
 public:
  /// Null if nothing was ever made near `fd`.
  T* find(int fd) const noexcept {
    const std::size_t page = page_of(fd);
    if (page >= pages_.size() || !pages_[page]) return nullptr;
    return &(*pages_[page])[slot_of(fd)];
  }

  /// The value for `fd`, default-constructed at first; its address stays. Throws std::bad_alloc.
  T& make(int fd) {
    const std::size_t page = page_of(fd);
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (!pages_[page]) pages_[page] = std::make_unique<Page>();
    return (*pages_[page])[slot_of(fd)];
  }

  /// Calls visit(fd, T&) for every value ever made, and its neighbours.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      if (!pages_[page]) continue;
      for (std::size_t slot = 0; slot < kPageSize; ++slot) {
        visit(static_cast<int>(page * kPageSize + slot), (*pages_[page])[slot]);
      }
    }
  }

 private:
  static constexpr std::size_t kPageSize = 32;
  using Page = std::array<T, kPageSize>;

  static std::size_t page_of(int fd) { return static_cast<unsigned>(fd) / kPageSize; }
  static std::size_t slot_of(int fd) { return static_cast<unsigned>(fd) % kPageSize; }

  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace ep::io
