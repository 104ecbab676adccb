#include "base/utf8.h"

#include <cstring>

namespace ep {
namespace {

using Byte = unsigned char;

const Byte* skip_ascii(const Byte* at, const Byte* end) noexcept {
  constexpr std::uint64_t kHighBits = 0x8080808080808080u;
  for (std::uint64_t word; end - at >= static_cast<std::ptrdiff_t>(sizeof word);
       at += sizeof word) {
    std::memcpy(&word, at, sizeof word);
    if (word & kHighBits) break;
  }
  while (at < end && *at < 0x80) ++at;
  return at;
}

bool is_continuation(Byte byte) noexcept { return (byte & 0xC0) == 0x80; }

/// The length of the multi-byte sequence at `at`; 0 if it is not one. The bounds of the second
/// byte are what excludes overlong forms, surrogates and what lies above U+10FFFF.
int sequence_length(const Byte* at, const Byte* end) noexcept {
  const Byte first = at[0];
  int length;
  Byte low = 0x80, high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (end - at < length || at[1] < low || at[1] > high) return 0;
  for (int i = 2; i < length; ++i) {
    if (!is_continuation(at[i])) return 0;
  }
  return length;
}

}  // namespace

Utf8 classify_utf8(std::string_view bytes) noexcept {
  const Byte* at = reinterpret_cast<const Byte*>(bytes.data());
  const Byte* end = at + bytes.size();
  at = skip_ascii(at, end);
  if (at == end) return Utf8::kAscii;
  do {
    const int length = sequence_length(at, end);
    if (length == 0) return Utf8::kInvalid;
    at += length;
    if (at < end && *at < 0x80) at = skip_ascii(at, end);
  } while (at < end);
  return Utf8::kValid;
}

}  // namespace ep
