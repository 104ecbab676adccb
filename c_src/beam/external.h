// What the NIF API lacks, by way of the external term format: big integers, and atoms outside
// latin-1, which OTP 25's enif_get_atom does not know.
//
// Any thread, with an environment that it may use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "beam/env.h"

namespace ep {

inline constexpr std::size_t kMaxAtomCharacters = 255;

/// The text of an atom, in UTF-8. Throws std::bad_alloc.
std::string atom_text(ErlNifEnv* env, ERL_NIF_TERM atom);

/// Finds the atom with this UTF-8 text; false if there is none, or can't be. Makes no atom. Throws
/// std::bad_alloc.
bool existing_atom(std::string_view text, ERL_NIF_TERM* atom);

/// An integer of any size, as sign and magnitude; the magnitude is little-endian.
class BigInteger {
 public:
  /// The encoding of `integer`. Throws std::bad_alloc.
  BigInteger(ErlNifEnv* env, ERL_NIF_TERM integer);
  /// A magnitude of `size` bytes, all 0, for the caller to fill. Throws std::bad_alloc.
  BigInteger(bool negative, std::size_t size);
  BigInteger(const BigInteger&) = delete;
  BigInteger& operator=(const BigInteger&) = delete;
  ~BigInteger() { enif_release_binary(&encoded_); }

  bool negative() const noexcept { return negative_; }
  std::span<std::uint8_t> magnitude() noexcept {
    return {encoded_.data + start_, encoded_.size - start_};
  }

  /// False if the VM can't hold an integer this large.
  bool make_term(ErlNifEnv* dst, ERL_NIF_TERM* term) noexcept;

 private:
  ErlNifBinary encoded_;
  std::size_t start_;  // of the magnitude in encoded_
  bool negative_;
};

}  // namespace ep
