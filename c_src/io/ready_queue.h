// ReadyQueue: a growable ring, first in first out. Owning thread only; its items are plain values.
//
// Memory is only taken at the first push, so that an idle loop costs nothing, and is kept until
// clear(), so that a busy one allocates nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace ep::io {

template <class T>
class ReadyQueue {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  bool empty() const noexcept { return head_ == tail_; }
  std::size_t size() const noexcept { return tail_ - head_; }

  /// Throws std::bad_alloc, with the queue unchanged.
  void push(T item) {
    if (size() == capacity_) grow();
    items_[tail_++ & (capacity_ - 1)] = item;
  }

  /// Not on an empty queue.
  T pop() noexcept { return items_[head_++ & (capacity_ - 1)]; }

  /// The i-th item from the front.
  const T& operator[](std::size_t i) const noexcept {
    return items_[(head_ + i) & (capacity_ - 1)];
  }

  /// Leaves this queue empty and without memory; what the items refer to is the caller's.
  ReadyQueue take() noexcept { return std::exchange(*this, ReadyQueue()); }

  ReadyQueue() = default;
  ReadyQueue(ReadyQueue&& other) noexcept
      : items_(std::move(other.items_)),
        capacity_(std::exchange(other.capacity_, 0)),
        head_(std::exchange(other.head_, 0)),
        tail_(std::exchange(other.tail_, 0)) {}
  ReadyQueue& operator=(ReadyQueue&& other) noexcept {
    items_ = std::move(other.items_);
    capacity_ = std::exchange(other.capacity_, 0);
    head_ = std::exchange(other.head_, 0);
    tail_ = std::exchange(other.tail_, 0);
    return *this;
  }

 private:
  static constexpr std::size_t kFirstCapacity = 16;

  void grow() {
    const std::size_t bigger = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
    auto items = std::make_unique_for_overwrite<T[]>(bigger);
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) items[i] = (*this)[i];
    items_ = std::move(items);
    capacity_ = bigger;
    head_ = 0;
    tail_ = count;
  }

  std::unique_ptr<T[]> items_;
  std::size_t capacity_ = 0;  // a power of two
  std::size_t head_ = 0;      // both only grow; positions are taken modulo the capacity
  std::size_t tail_ = 0;
};

}  // namespace ep::io
