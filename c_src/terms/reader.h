// Reader: bytes of the external term format, from front to back. What is not there throws
// Malformed.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "terms/binary.h"

namespace ep::terms {

struct Malformed {};

class Reader {
 public:
  explicit Reader(Bytes bytes) noexcept : bytes_(bytes) {}

  std::size_t position() const noexcept { return position_; }
  std::size_t left() const noexcept { return bytes_.size() - position_; }
  Bytes from(std::size_t start) const noexcept { return bytes_.subspan(start, position_ - start); }

  Bytes take(std::size_t count) {
    if (count > left()) throw Malformed{};
    const Bytes taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }
  std::string_view text(std::size_t count) {
    const Bytes taken = take(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  std::uint8_t u8() { return take(1)[0]; }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }

 private:
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const unsigned char byte : take(size)) value = value << 8 | byte;
    return value;
  }

  const Bytes bytes_;
  std::size_t position_ = 0;
};

}  // namespace ep::terms
