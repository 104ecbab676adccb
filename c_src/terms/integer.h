// Integers of any size: small ones in a word, others as a boxed magnitude.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "terms/env.h"
#include "terms/word.h"

namespace ep::terms {

bool is_integer(Word term) noexcept;

Word make_integer(ErlNifEnv& env, std::int64_t number);
Word make_integer(ErlNifEnv& env, std::uint64_t number);
/// Of a magnitude in bytes, the lowest first; zeros at its end are well.
Word make_integer(ErlNifEnv& env, bool negative, std::span<const unsigned char> magnitude);

/// None if it is no integer, or out of range.
std::optional<std::int64_t> get_int64(Word term) noexcept;
std::optional<std::uint64_t> get_uint64(Word term) noexcept;

/// The magnitude of a boxed one.
inline std::span<const Word> limbs_of(Word big) noexcept {
  const Word* const header = pointer_of(big);
  return {header + 1, count_of(header)};
}

/// Negative, 0 or positive; of integers and floats, by their exact values.
int compare_numbers(Word a, Word b) noexcept;

inline double float_of(Word term) noexcept { return std::bit_cast<double>(pointer_of(term)[1]); }

}  // namespace ep::terms
