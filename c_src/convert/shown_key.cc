#include "convert/shown_key.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "beam/binary.h"
#include "beam/external.h"
#include "convert/types.h"
#include "cpython/error.h"

namespace ep::convert {
namespace {

constexpr std::size_t kMaxShown = 64;

/// At most kMaxShown bytes of `text`, cut between characters if it is UTF-8.
std::string clipped(std::string_view text) {
  if (text.size() <= kMaxShown) return std::string(text);
  std::size_t size = kMaxShown;
  while (size > kMaxShown - 4 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return std::string(text.substr(0, size)) + "...";
}

std::string printed(ERL_NIF_TERM term) {
  std::array<char, kMaxShown> text;
  const int size = enif_snprintf(text.data(), text.size(), "%T", term);
  return {text.data(), std::clamp<std::size_t>(static_cast<std::size_t>(size), 0, kMaxShown - 1)};
}

AtomKey atom_key(ERL_NIF_TERM atom) {
  const OwnedEnv env;
  return {atom, atom_text(env.get(), atom)};
}

}  // namespace

ShownKey shown_key(ErlNifEnv* env, ERL_NIF_TERM key) {
  if (enif_is_atom(env, key)) return atom_key(key);
  ErlNifSInt64 number;
  if (enif_get_int64(env, key, &number)) return std::int64_t{number};
  if (const auto bytes = binary_view(env, key)) return clipped(*bytes);
  return printed(key);
}

ShownKey shown_key(const Attached& py, const Codec& codec, PyObject* key) {
  if (key == Py_None) return atom_key(codec.atoms().none);
  if (PyBool_Check(key))
    return atom_key(key == Py_True ? codec.atoms().true_ : codec.atoms().false_);
  if (codec.is_atom(key)) return atom_key(as_atom_object(key)->term);
  if (PyUnicode_Check(key)) return clipped_utf8(py, key, kMaxShown);
  if (PyBytes_Check(key)) {
    return clipped({PyBytes_AS_STRING(key), static_cast<std::size_t>(PyBytes_GET_SIZE(key))});
  }
  if (PyLong_Check(key)) {
    int overflow;
    const long long number = PyLong_AsLongLongAndOverflow(key, &overflow);
    if (overflow == 0) return std::int64_t{number};
  }
  return std::string("<") + Py_TYPE(key)->tp_name + ">";
}

}  // namespace ep::convert
