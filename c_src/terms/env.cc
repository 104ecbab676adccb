#include "terms/env.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

using ep::terms::off_heap_of;
using ep::terms::OffHeap;
using ep::terms::Resource;

enif_environment_t::Word* enif_environment_t::words_of_new_chunk(std::size_t count) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max() / sizeof(Word) - 1;
  if (count > kMost) throw std::bad_alloc();
  // What is larger gets one of its own, and what is left of the last one is still used.
  const bool is_alone = count > chunk_size_ / 2 && chunks_ != nullptr;
  const std::size_t size = is_alone ? count : std::max(count, chunk_size_);
  auto* chunk = static_cast<Chunk*>(std::malloc(sizeof(Chunk) + size * sizeof(Word)));
  if (chunk == nullptr) throw std::bad_alloc();
  chunk->older = std::exchange(chunks_, chunk);
  chunk_size_ = std::min(2 * chunk_size_, kLargestChunk);
  Word* const words = reinterpret_cast<Word*>(chunk + 1);
  if (!is_alone) {
    next_ = words + count;
    end_ = words + size;
  }
  return words;
}

void enif_environment_t::keep(Word* header, Resource* resource) noexcept {
  resource->keep();
  off_heap_ = new (off_heap_of(header)) OffHeap{resource, off_heap_};
}

void enif_environment_t::clear() noexcept {
  for (OffHeap* owner = std::exchange(off_heap_, nullptr); owner != nullptr;) {
    OffHeap* const next = owner->next;
    owner->resource->release();
    owner = next;
  }
  for (Chunk* chunk = std::exchange(chunks_, nullptr); chunk != nullptr;) {
    std::free(std::exchange(chunk, chunk->older));
  }
  next_ = own_.data();
  end_ = own_.data() + own_.size();
  chunk_size_ = kFirstChunk;
}
