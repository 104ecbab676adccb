// TermStack: scratch space for the elements of containers being made, without allocating for small
// ones. One environment, one thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>

#include "beam/env.h"

namespace ep {

class TermStack {
 public:
  TermStack() = default;
  TermStack(const TermStack&) = delete;
  TermStack& operator=(const TermStack&) = delete;

  std::size_t size() const noexcept { return size_; }

  /// Throws std::bad_alloc.
  void push(ERL_NIF_TERM term) {
    if (size_ == capacity_) grow(size_ + 1);
    terms_[size_++] = term;
  }

  /// Adds `count` places for set() to fill. Throws std::bad_alloc.
  void extend(std::size_t count) {
    if (count > capacity_ - size_) grow(size_ + count);
    size_ += count;
  }
  void set(std::size_t position, ERL_NIF_TERM term) noexcept { terms_[position] = term; }

  /// Until the next push() or extend().
  const ERL_NIF_TERM* from(std::size_t position) const noexcept { return terms_ + position; }

  void truncate(std::size_t size) noexcept { size_ = size; }

 private:
  void grow(std::size_t needed) {
    std::size_t capacity = capacity_ * 2;
    if (capacity < needed) capacity = needed;
    auto larger = std::make_unique_for_overwrite<ERL_NIF_TERM[]>(capacity);
    std::memcpy(larger.get(), terms_, size_ * sizeof(ERL_NIF_TERM));
    heap_ = std::move(larger);
    terms_ = heap_.get();
    capacity_ = capacity;
  }

  static constexpr std::size_t kInline = 64;
  ERL_NIF_TERM inline_[kInline];
  std::unique_ptr<ERL_NIF_TERM[]> heap_;
  ERL_NIF_TERM* terms_ = inline_;
  std::size_t capacity_ = kInline;
  std::size_t size_ = 0;
};

}  // namespace ep
