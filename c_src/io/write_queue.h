// WriteQueue: bytes that a stream could not send yet, as references to memory that somebody else
// owns: nothing that is queued is copied, joined or moved.
//
// Owner is a movable value whose destructor lets the memory go (a PyRef; anything in tests). The
// destructor must not come back to this queue. One thread.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace ep::io {

template <class Owner>
class WriteQueue {
 public:
  bool empty() const noexcept { return size_ == 0; }
  /// Bytes.
  std::size_t size() const noexcept { return size_; }

  /// Throws std::bad_alloc, and then holds what it held before.
  void push(const char* data, std::size_t size, Owner owner) {
    if (size == 0) return;
    if (first_ > chunks_.size() / 2) compact();
    chunks_.push_back(Chunk{data, size, std::move(owner)});
    size_ += size;
  }

  /// Describes the head of the queue for writev(); the number of entries used.
  std::size_t gather(std::span<iovec> parts) const noexcept {
    const std::size_t count = std::min(parts.size(), chunks_.size() - first_);
    for (std::size_t i = 0; i < count; ++i) {
      const Chunk& chunk = chunks_[first_ + i];
      parts[i] = {const_cast<char*>(chunk.data), chunk.size};
    }
    return count;
  }

  /// The first `count` bytes have been sent. Calls done(Owner&&) for each chunk that is gone.
  template <class Done>
  void consume(std::size_t count, Done&& done) noexcept {
    size_ -= count;
    while (count > 0) {
      Chunk& chunk = chunks_[first_];
      const std::size_t taken = std::min(count, chunk.size);
      chunk.data += taken;
      chunk.size -= taken;
      count -= taken;
      if (chunk.size == 0) {
        done(std::exchange(chunk.owner, Owner()));
        ++first_;
      }
    }
    if (size_ == 0) clear();
  }

  /// An idle connection keeps no memory, or next to none.
  void clear() noexcept {
    if (chunks_.capacity() > kChunksKept) {
      std::vector<Chunk>().swap(chunks_);
    } else {
      chunks_.clear();
    }
    first_ = 0;
    size_ = 0;
  }

 private:
  static constexpr std::size_t kChunksKept = 2;

  struct Chunk {
    const char* data;
    std::size_t size;
    Owner owner;
  };

  /// Moves each chunk once for each time that it is pushed at most, on average.
  void compact() {
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }

  std::vector<Chunk> chunks_;
  std::size_t first_ = 0;  // those before have been sent
  std::size_t size_ = 0;
};

}  // namespace ep::io
