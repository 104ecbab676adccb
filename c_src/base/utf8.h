// Telling UTF-8 text from other bytes, faster than by trying to decode it.
#pragma once

#include <cstdint>
#include <string_view>

namespace ep {

enum class Utf8 : std::uint8_t { kAscii, kValid, kInvalid };

/// As Unicode defines it, which is also what Python and Erlang accept: no surrogates, nothing
/// above U+10FFFF, no overlong forms.
Utf8 classify_utf8(std::string_view bytes) noexcept;

}  // namespace ep
