// An environment: memory that terms are made in, given back as a whole.
//
// Its chunks grow with it. What is outside (large binaries, resources) is counted, and let go when
// the environment ends or is cleared. One thread at a time may make terms; any may read them.
//
// Out of memory, functions that make terms throw std::bad_alloc, those named enif_ too.
#pragma once

#include <array>
#include <utility>

#include "terms/resource.h"
#include "terms/word.h"

namespace ep::terms {

/// Part of each term that refers to something outside of its environment.
struct OffHeap {
  Resource* resource;
  OffHeap* next;  // of the same environment
};
inline constexpr std::size_t kOffHeapWords = sizeof(OffHeap) / sizeof(Word);

inline OffHeap* off_heap_of(Word* header) noexcept {
  return reinterpret_cast<OffHeap*>(header + 1);
}

}  // namespace ep::terms

struct enif_environment_t {
  using Word = ep::terms::Word;

  enif_environment_t() = default;
  enif_environment_t(const enif_environment_t&) = delete;
  enif_environment_t& operator=(const enif_environment_t&) = delete;
  ~enif_environment_t() { clear(); }

  /// Room for so many words, not initialized.
  Word* words(std::size_t count) {
    if (count > static_cast<std::size_t>(end_ - next_)) return words_of_new_chunk(count);
    return std::exchange(next_, next_ + count);
  }

  /// Makes the term, whose header and OffHeap are at `header`, the owner of a new reference.
  void keep(Word* header, ep::terms::Resource* resource) noexcept;

  /// All terms end.
  void clear() noexcept;

 private:
  struct Chunk {
    Chunk* older;
  };
  static constexpr std::size_t kOwnWords = 60;
  static constexpr std::size_t kFirstChunk = 256;
  static constexpr std::size_t kLargestChunk = 1 << 17;  // in words

  Word* words_of_new_chunk(std::size_t count);

  std::array<Word, kOwnWords> own_;
  Word* next_ = own_.data();
  Word* end_ = own_.data() + own_.size();
  Chunk* chunks_ = nullptr;
  ep::terms::OffHeap* off_heap_ = nullptr;
  std::size_t chunk_size_ = kFirstChunk;  // the next one's, in words
};
