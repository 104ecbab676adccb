// The atoms of the process: a text has one number, for ever, as in a VM.
//
// Any thread. Looking a number up takes no lock.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "terms/word.h"

namespace ep::terms {

inline constexpr std::size_t kMaxAtoms = std::size_t{1} << 20;
inline constexpr std::size_t kMaxAtomCharacters = 255;

/// The atom with this UTF-8 text; 0 if there can't be one, or no more than there are. Throws
/// std::bad_alloc.
Word make_atom(std::string_view utf8);
/// 0 if there is none yet.
Word find_atom(std::string_view utf8) noexcept;
/// In UTF-8; as long as the process lives.
std::string_view text_of_atom(Word atom) noexcept;

/// Throws std::bad_alloc.
std::string utf8_of_latin1(std::string_view latin1);

}  // namespace ep::terms
