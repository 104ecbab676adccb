// How a term looks in memory here: a word whose lowest bits tell what it is.
//
//   small integer   61 bits in the word itself
//   atom            its number in the atom table
//   []              one word
//   list cell       pointer to two words, head and tail
//   all else        pointer to a header word, with kind and count, and what belongs to it
//
// Equal terms of the first three sorts are equal words. What is pointed to never changes; it is in
// an environment (terms/env.h), and ends with it. No term is the word 0.
#pragma once

#include <erl_nif.h>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ep::terms {

using Word = ERL_NIF_TERM;
static_assert(sizeof(Word) == 8 && std::endian::native == std::endian::little);

enum class Tag : unsigned { kSmall = 1, kAtom = 2, kNil = 3, kCell = 4, kBoxed = 5 };
inline constexpr unsigned kTagBits = 3;
inline constexpr Word kNil = static_cast<Word>(Tag::kNil);

enum class Kind : unsigned {
  kTuple,         // count: arity; the elements
  kMap,           // count: pairs; Map* (terms/map.h)
  kFloat,         // the double
  kPositive,      // count: limbs; the magnitude, lowest limb first, the highest not 0
  kNegative,      //
  kBinary,        // count: bytes; the bytes
  kBits,          // count: bytes; how many bits of the last one; the bytes
  kForeign,       // count: bytes; a pid, port, reference or fun as the external format has it
  kSharedBinary,  // count: bytes; OffHeap; const unsigned char*
  kResource,      // OffHeap
};
inline constexpr unsigned kKindBits = 8;

inline Tag tag_of(Word term) noexcept { return static_cast<Tag>(term & ((1U << kTagBits) - 1)); }
inline bool is_cell(Word term) noexcept { return tag_of(term) == Tag::kCell; }
inline bool is_boxed(Word term) noexcept { return tag_of(term) == Tag::kBoxed; }
/// Equal ones are equal words.
inline bool is_immediate(Word term) noexcept { return !is_cell(term) && !is_boxed(term); }

inline Word make_immediate(Tag tag, Word value) noexcept {
  return value << kTagBits | static_cast<Word>(tag);
}
inline Word make_pointer(Tag tag, const Word* to) noexcept {
  return reinterpret_cast<Word>(to) | static_cast<Word>(tag);
}
inline Word make_boxed(const Word* header) noexcept { return make_pointer(Tag::kBoxed, header); }
inline Word* pointer_of(Word term) noexcept {
  return reinterpret_cast<Word*>(term & ~Word{(1U << kTagBits) - 1});  // NOLINT: what it is for
}
inline Word payload_of(Word immediate) noexcept { return immediate >> kTagBits; }

inline Word make_header(Kind kind, std::size_t count) noexcept {
  return static_cast<Word>(count) << kKindBits | static_cast<Word>(kind);
}
inline Kind kind_of(const Word* header) noexcept {
  return static_cast<Kind>(*header & ((1U << kKindBits) - 1));
}
inline std::size_t count_of(const Word* header) noexcept { return *header >> kKindBits; }
inline bool is(Word term, Kind kind) noexcept {
  return is_boxed(term) && kind_of(pointer_of(term)) == kind;
}

inline constexpr std::int64_t kMaxSmall = (std::int64_t{1} << 60) - 1;
inline constexpr std::int64_t kMinSmall = -kMaxSmall - 1;
inline bool is_small(Word term) noexcept { return tag_of(term) == Tag::kSmall; }
inline bool fits_small(std::int64_t number) noexcept {
  return number >= kMinSmall && number <= kMaxSmall;
}
inline Word make_small(std::int64_t number) noexcept {
  return make_immediate(Tag::kSmall, static_cast<Word>(number));
}
inline std::int64_t small_of(Word term) noexcept {
  return static_cast<std::int64_t>(term) >> kTagBits;
}

inline std::size_t words_for(std::size_t bytes) noexcept {
  return (bytes + sizeof(Word) - 1) / sizeof(Word);
}

}  // namespace ep::terms
