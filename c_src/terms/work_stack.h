// WorkStack: what a walk through nested terms has still to do. They may be nested a million deep,
// so no walk recurses. Allocates for deep ones only; may throw std::bad_alloc then.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace ep::terms {

template <class T, std::size_t kInline = 24>
class WorkStack {
 public:
  bool empty() const noexcept { return size_ == 0; }
  T& top() noexcept { return size_ <= kInline ? first_[size_ - 1] : rest_.back(); }

  void push(const T& item) {
    if (size_ >= kInline)
      rest_.push_back(item);
    else
      first_[size_] = item;
    ++size_;
  }
  void drop() noexcept {
    if (size_ > kInline) rest_.pop_back();
    --size_;
  }
  T pop() noexcept {
    const T item = top();
    drop();
    return item;
  }

 private:
  std::array<T, kInline> first_;
  std::size_t size_ = 0;
  std::vector<T> rest_;
};

}  // namespace ep::terms
