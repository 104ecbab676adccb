#include "io/timer_heap.h"

#include <algorithm>
#include <exception>

namespace ep::io {
namespace {

constexpr std::size_t kArity = 4;
constexpr std::size_t kWorthShrinking = 1024;

std::size_t parent_of(std::size_t index) { return (index - 1) / kArity; }
std::size_t first_child_of(std::size_t index) { return index * kArity + 1; }

}  // namespace

void TimerHeap::add(TimerNode* node, Nanos deadline) {
  const Entry entry{deadline, next_sequence_++, node};
  entries_.push_back(entry);
  sift_up(entries_.size() - 1, entry);
}

void TimerHeap::remove(TimerNode* node) noexcept {
  if (node->queued()) take_out(node->index_);
}

TimerNode* TimerHeap::pop_due(Nanos now) noexcept {
  if (entries_.empty() || entries_.front().deadline > now) return nullptr;
  TimerNode* node = entries_.front().node;
  take_out(0);
  return node;
}

void TimerHeap::take_out(std::size_t index) noexcept {
  entries_[index].node->index_ = TimerNode::kNotQueued;
  const Entry last = entries_.back();
  entries_.pop_back();
  if (index < entries_.size()) {
    if (index > 0 && last.before(entries_[parent_of(index)])) {
      sift_up(index, last);
    } else {
      sift_down(index, last);
    }
  }
  give_back_memory();
}

void TimerHeap::sift_up(std::size_t index, const Entry& entry) noexcept {
  while (index > 0) {
    const std::size_t parent = parent_of(index);
    if (!entry.before(entries_[parent])) break;
    put(index, entries_[parent]);
    index = parent;
  }
  put(index, entry);
}

void TimerHeap::sift_down(std::size_t index, const Entry& entry) noexcept {
  const std::size_t size = entries_.size();
  for (;;) {
    const std::size_t first = first_child_of(index);
    if (first >= size) break;
    const std::size_t end = std::min(first + kArity, size);
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (entries_[child].before(entries_[least])) least = child;
    }
    if (!entries_[least].before(entry)) break;
    put(index, entries_[least]);
    index = least;
  }
  put(index, entry);
}

/// A burst of timers must not keep its memory for the life of the loop.
void TimerHeap::give_back_memory() noexcept {
  if (entries_.capacity() < kWorthShrinking || entries_.size() > entries_.capacity() / 8) return;
  try {
    std::vector<Entry> smaller;
    smaller.reserve(entries_.capacity() / 4);
    smaller.assign(entries_.begin(), entries_.end());
    entries_.swap(smaller);
  } catch (const std::exception&) {
    // Out of memory: go on with the memory we have.
  }
}

}  // namespace ep::io
