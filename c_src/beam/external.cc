#include "beam/external.h"

#include <cstring>
#include <limits>
#include <new>

namespace ep {
namespace {

// Of the "External Term Format" chapter of the ERTS user's guide.
constexpr std::uint8_t kVersion = 131;
constexpr std::uint8_t kSmallBig = 110;  // n, sign, n bytes
constexpr std::uint8_t kLargeBig = 111;  // n in 4 bytes, sign, n bytes
constexpr std::uint8_t kAtomLatin1 = 100;
constexpr std::uint8_t kSmallAtomLatin1 = 115;
constexpr std::uint8_t kAtomUtf8 = 118;
constexpr std::uint8_t kSmallAtomUtf8 = 119;

constexpr std::size_t kLargeBigHeader = 1 + 1 + 4 + 1;

std::string utf8_of_latin1(std::string_view latin1) {
  std::string text;
  for (const char c : latin1) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xC0 | (byte >> 6));
      text += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return text;
}

void put_uint32(std::uint8_t* at, std::size_t value) noexcept {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

}  // namespace

std::string atom_text(ErlNifEnv* env, ERL_NIF_TERM atom) {
  ErlNifBinary encoded;
  if (!enif_term_to_binary(env, atom, &encoded)) throw std::bad_alloc();
  // An atom has a length of one byte or of two.
  const std::uint8_t tag = encoded.data[1];
  const std::size_t header = tag == kSmallAtomUtf8 || tag == kSmallAtomLatin1 ? 3 : 4;
  const std::string text(reinterpret_cast<const char*>(encoded.data) + header,
                         encoded.size - header);
  enif_release_binary(&encoded);
  return tag == kAtomLatin1 || tag == kSmallAtomLatin1 ? utf8_of_latin1(text) : text;
}

bool existing_atom(std::string_view text, ERL_NIF_TERM* atom) {
  if (text.size() > 4 * kMaxAtomCharacters) return false;
  std::string encoded{static_cast<char>(kVersion), static_cast<char>(kAtomUtf8),
                      static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 0xFF)};
  encoded += text;
  const OwnedEnv env;  // only for the call: atoms belong to no environment
  return enif_binary_to_term(env.get(), reinterpret_cast<const unsigned char*>(encoded.data()),
                             encoded.size(), atom, ERL_NIF_BIN2TERM_SAFE) == encoded.size() &&
         enif_is_atom(env.get(), *atom);
}

BigInteger::BigInteger(ErlNifEnv* env, ERL_NIF_TERM integer) {
  if (!enif_term_to_binary(env, integer, &encoded_)) throw std::bad_alloc();
  start_ = encoded_.data[1] == kSmallBig ? 4 : kLargeBigHeader;
  negative_ = encoded_.data[start_ - 1] != 0;
}

BigInteger::BigInteger(bool negative, std::size_t size)
    : start_(kLargeBigHeader), negative_(negative) {
  if (!enif_alloc_binary(kLargeBigHeader + size, &encoded_)) throw std::bad_alloc();
  std::memset(encoded_.data, 0, encoded_.size);
}

bool BigInteger::make_term(ErlNifEnv* dst, ERL_NIF_TERM* term) noexcept {
  std::size_t size = encoded_.size - start_;
  while (size > 0 && encoded_.data[start_ + size - 1] == 0) --size;
  if (size > std::numeric_limits<std::uint32_t>::max()) return false;
  encoded_.data[0] = kVersion;
  encoded_.data[1] = kLargeBig;
  put_uint32(encoded_.data + 2, size);
  encoded_.data[6] = negative_;
  return enif_binary_to_term(dst, encoded_.data, start_ + size, term, 0) != 0;
}

}  // namespace ep
