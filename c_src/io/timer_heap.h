// TimerHeap: deadlines in order; equal ones in the order of insertion. Owning thread only.
//
// An indexed 4-ary heap: each timer knows its place, so cancelling takes it out at once. Cancelled
// timers therefore hold neither memory nor a wake-up, and next() is always the deadline of a
// timer that will fire. Timers added last and cancelled soon, which are most, sit in the bottom
// row and go in constant time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace ep::io {

/// Part of whatever waits for a deadline; it must stay where it is while it is in a heap.
class TimerNode {
 public:
  bool queued() const noexcept { return index_ != kNotQueued; }

 private:
  friend class TimerHeap;
  static constexpr std::uint32_t kNotQueued = UINT32_MAX;
  std::uint32_t index_ = kNotQueued;
};

class TimerHeap {
 public:
  bool empty() const noexcept { return entries_.empty(); }
  std::size_t size() const noexcept { return entries_.size(); }

  /// The earliest deadline, or kNever.
  Nanos next() const noexcept { return entries_.empty() ? kNever : entries_.front().deadline; }

  /// `node` is not queued. Throws std::bad_alloc, with the heap unchanged.
  void add(TimerNode* node, Nanos deadline);

  /// No effect if it isn't queued (in this heap: a node belongs to one heap).
  void remove(TimerNode* node) noexcept;

  /// Takes out and returns the earliest timer if its deadline is not after `now`, else null.
  TimerNode* pop_due(Nanos now) noexcept;

  /// Calls visit(TimerNode*) for each, in no particular order, until one returns non-zero.
  template <class Visit>
  int for_each(Visit&& visit) const {
    for (const Entry& entry : entries_) {
      if (const int stop = visit(entry.node)) return stop;
    }
    return 0;
  }

 private:
  struct Entry {
    Nanos deadline;
    std::uint64_t sequence;
    TimerNode* node;

    bool before(const Entry& other) const noexcept {
      return deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence;
    }
  };

  void put(std::size_t index, const Entry& entry) noexcept {
    entries_[index] = entry;
    entry.node->index_ = static_cast<std::uint32_t>(index);
  }
  void take_out(std::size_t index) noexcept;
  void sift_up(std::size_t index, const Entry& entry) noexcept;
  void sift_down(std::size_t index, const Entry& entry) noexcept;
  void give_back_memory() noexcept;

  std::vector<Entry> entries_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace ep::io
