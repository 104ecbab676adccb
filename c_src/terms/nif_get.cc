// The enif_ functions that look at terms.
#include "terms/binary.h"
#include "terms/compare.h"
#include "terms/foreign.h"
#include "terms/hash.h"
#include "terms/integer.h"
#include "terms/map.h"
#include "terms/print.h"

#include <algorithm>
#include <cstdarg>
#include <limits>

using namespace ep::terms;  // NOLINT(google-build-using-namespace): all of it is theirs

namespace {

template <class T, class Found>
int give(const std::optional<Found>& found, T* number) noexcept {
  if (!found) return 0;
  *number = static_cast<T>(*found);
  return 1;
}

ErlNifTermType type_of_boxed(const Word* header) noexcept {
  switch (kind_of(header)) {
    case Kind::kTuple:
      return ERL_NIF_TERM_TYPE_TUPLE;
    case Kind::kMap:
      return ERL_NIF_TERM_TYPE_MAP;
    case Kind::kFloat:
      return ERL_NIF_TERM_TYPE_FLOAT;
    case Kind::kPositive:
    case Kind::kNegative:
      return ERL_NIF_TERM_TYPE_INTEGER;
    case Kind::kBinary:
    case Kind::kSharedBinary:
    case Kind::kBits:
      return ERL_NIF_TERM_TYPE_BITSTRING;
    case Kind::kForeign:
      return foreign_type(bytes_after(header, 0));
    case Kind::kResource:
      break;
  }
  return ERL_NIF_TERM_TYPE_REFERENCE;
}

}  // namespace

extern "C" {

ErlNifTermType enif_term_type(ErlNifEnv*, Word term) {
  switch (tag_of(term)) {
    case Tag::kSmall:
      return ERL_NIF_TERM_TYPE_INTEGER;
    case Tag::kAtom:
      return ERL_NIF_TERM_TYPE_ATOM;
    case Tag::kNil:
    case Tag::kCell:
      return ERL_NIF_TERM_TYPE_LIST;
    case Tag::kBoxed:
      break;
  }
  return type_of_boxed(pointer_of(term));
}

int enif_is_atom(ErlNifEnv*, Word term) { return tag_of(term) == Tag::kAtom; }
int enif_is_binary(ErlNifEnv*, Word term) { return is_binary(term); }
int enif_is_identical(Word a, Word b) { return identical(a, b); }
int enif_compare(Word a, Word b) { return compare(a, b); }

ErlNifUInt64 enif_hash(ErlNifHash type, Word term, ErlNifUInt64) {
  if (type != ERL_NIF_INTERNAL_HASH) std::abort();  // the other one is the VM's secret
  return static_cast<std::uint32_t>(hash(term));
}

int enif_get_long(ErlNifEnv*, Word term, long* number) { return give(get_int64(term), number); }
int enif_get_ulong(ErlNifEnv*, Word term, unsigned long* number) {
  return give(get_uint64(term), number);
}

int enif_get_double(ErlNifEnv*, Word term, double* number) {
  if (!is(term, Kind::kFloat)) return 0;
  *number = float_of(term);
  return 1;
}

int enif_get_tuple(ErlNifEnv*, Word term, int* arity, const Word** elements) {
  if (!is(term, Kind::kTuple)) return 0;
  const Word* const header = pointer_of(term);
  *arity = static_cast<int>(count_of(header));
  *elements = header + 1;
  return 1;
}

int enif_get_list_cell(ErlNifEnv*, Word term, Word* head, Word* tail) {
  if (!is_cell(term)) return 0;
  const Word* const cell = pointer_of(term);
  *head = cell[0];
  *tail = cell[1];
  return 1;
}

int enif_get_list_length(ErlNifEnv*, Word term, unsigned* length) {
  unsigned count = 0;
  for (; is_cell(term); term = pointer_of(term)[1]) ++count;
  if (term != kNil) return 0;
  *length = count;
  return 1;
}

int enif_inspect_binary(ErlNifEnv*, Word term, ErlNifBinary* binary) {
  if (!is_binary(term)) return 0;
  const Bytes bytes = bytes_of_binary(term);
  *binary = {};
  binary->size = bytes.size();
  binary->data = const_cast<unsigned char*>(bytes.data());
  return 1;
}

int enif_get_map_size(ErlNifEnv*, Word term, std::size_t* size) {
  if (!is_map(term)) return 0;
  *size = Map(term).size();
  return 1;
}

int enif_get_map_value(ErlNifEnv*, Word term, Word key, Word* value) {
  const Word* const found = is_map(term) ? Map(term).find(key) : nullptr;
  if (found == nullptr) return 0;
  *value = *found;
  return 1;
}

int enif_map_iterator_create(ErlNifEnv*, Word map, ErlNifMapIterator* at,
                             ErlNifMapIteratorEntry entry) {
  if (!is_map(map)) return 0;
  *at = {};
  at->map = map;
  at->size = Map(map).size();
  at->idx = entry == ERL_NIF_MAP_ITERATOR_FIRST || at->size == 0 ? 0 : at->size - 1;
  return 1;
}

void enif_map_iterator_destroy(ErlNifEnv*, ErlNifMapIterator*) {}

int enif_map_iterator_next(ErlNifEnv*, ErlNifMapIterator* at) {
  if (at->idx < at->size) ++at->idx;
  return at->idx < at->size;
}

int enif_map_iterator_get_pair(ErlNifEnv*, ErlNifMapIterator* at, Word* key, Word* value) {
  if (at->idx >= at->size) return 0;
  const Word* const pair = Map(at->map).pairs() + 2 * at->idx;
  *key = pair[0];
  *value = pair[1];
  return 1;
}

/// Knows %T and %%, and gives -1 for anything else.
int enif_snprintf(char* buffer, std::size_t size, const char* format, ...) {
  std::string text;
  bool understood = true;
  va_list arguments;
  va_start(arguments, format);
  for (; *format != '\0' && understood; ++format) {
    if (*format != '%')
      text += *format;
    else if (*++format == 'T')
      text += show(va_arg(arguments, Word), size);
    else if (*format == '%')
      text += '%';
    else
      understood = false;
  }
  va_end(arguments);
  if (!understood) return -1;
  if (size > 0) *std::copy_n(text.data(), std::min(text.size(), size - 1), buffer) = '\0';
  return static_cast<int>(std::min<std::size_t>(text.size(), std::numeric_limits<int>::max()));
}

}  // extern "C"
