// Binaries: short ones are in the environment, long ones shared between environments.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "terms/env.h"
#include "terms/word.h"

namespace ep::terms {

using Bytes = std::span<const unsigned char>;

inline constexpr std::size_t kLongestOwnBinary = 64;
inline constexpr std::size_t kSharedBinaryWords = 1 + kOffHeapWords + 1;

inline bool is_binary(Word term) noexcept {
  return is(term, Kind::kBinary) || is(term, Kind::kSharedBinary);
}

/// Of a boxed term that ends with so many bytes as it counts, after `words` others.
inline Bytes bytes_after(const Word* header, std::size_t words) noexcept {
  return {reinterpret_cast<const unsigned char*>(header + 1 + words), count_of(header)};
}

inline Bytes bytes_of_binary(Word term) noexcept {
  Word* const header = pointer_of(term);
  if (kind_of(header) == Kind::kBinary) return bytes_after(header, 0);
  return {reinterpret_cast<const unsigned char*>(header[1 + kOffHeapWords]), count_of(header)};
}

/// A binary of bytes that `resource` has, or keeps alive; with a reference of its own.
inline Word make_shared_binary(ErlNifEnv& env, Resource* resource, Bytes bytes) {
  Word* const header = env.words(kSharedBinaryWords);
  header[0] = make_header(Kind::kSharedBinary, bytes.size());
  header[1 + kOffHeapWords] = reinterpret_cast<Word>(bytes.data());
  env.keep(header, resource);
  return make_boxed(header);
}

/// With `count` bytes after `words` others, both for the caller to fill.
inline Word* make_with_bytes(ErlNifEnv& env, Kind kind, std::size_t words, std::size_t count) {
  Word* const header = env.words(1 + words + words_for(count));
  header[0] = make_header(kind, count);
  return header;
}

/// Its bytes are for the caller to fill.
inline Word make_binary(ErlNifEnv& env, std::size_t size, unsigned char** bytes) {
  if (size <= kLongestOwnBinary) {
    Word* const header = make_with_bytes(env, Kind::kBinary, 0, size);
    *bytes = reinterpret_cast<unsigned char*>(header + 1);
    return make_boxed(header);
  }
  Resource* const memory = Resource::make(nullptr, size);
  *bytes = static_cast<unsigned char*>(memory->object());
  const Word term = make_shared_binary(env, memory, {*bytes, size});
  memory->release();
  return term;
}

inline Word make_binary(ErlNifEnv& env, Bytes bytes) {
  unsigned char* copy;
  const Word term = make_binary(env, bytes.size(), &copy);
  if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
  return term;
}

}  // namespace ep::terms
