// The enif_ functions that make terms.
#include <cmath>
#include <cstdarg>
#include <cstdlib>

#include "terms/atom_table.h"
#include "terms/binary.h"
#include "terms/copy.h"
#include "terms/integer.h"
#include "terms/map.h"

using namespace ep::terms;  // NOLINT(google-build-using-namespace): all of it is theirs

namespace {

/// For the caller to fill, before anybody looks at the term.
Word make_tuple(ErlNifEnv* env, std::size_t arity, Word** elements) {
  Word* const header = env->words(1 + arity);
  header[0] = make_header(Kind::kTuple, arity);
  *elements = header + 1;
  return make_boxed(header);
}

/// Cells in a row, for the caller to fill with set_element().
Word* make_cells(ErlNifEnv* env, std::size_t count) { return env->words(2 * count); }

void set_element(Word* cells, std::size_t count, std::size_t i, Word element) noexcept {
  cells[2 * i] = element;
  cells[2 * i + 1] = i + 1 == count ? kNil : make_pointer(Tag::kCell, cells + 2 * (i + 1));
}

}  // namespace

extern "C" {

ErlNifEnv* enif_alloc_env() { return new enif_environment_t; }
void enif_free_env(ErlNifEnv* env) { delete env; }
void enif_clear_env(ErlNifEnv* env) { env->clear(); }

Word enif_make_copy(ErlNifEnv* env, Word term) { return copy(*env, term); }

Word enif_make_atom(ErlNifEnv*, const char* latin1) {
  const Word atom = make_atom(utf8_of_latin1(latin1));
  if (atom == 0) throw std::bad_alloc();  // the table is full
  return atom;
}

Word enif_make_int(ErlNifEnv*, int number) { return make_small(number); }
Word enif_make_long(ErlNifEnv* env, long number) {
  return make_integer(*env, std::int64_t{number});
}
Word enif_make_ulong(ErlNifEnv* env, unsigned long number) {
  return make_integer(*env, std::uint64_t{number});
}

Word enif_make_double(ErlNifEnv* env, double number) {
  if (!std::isfinite(number)) std::abort();  // Erlang has none of these; the caller knows
  Word* const header = env->words(2);
  header[0] = make_header(Kind::kFloat, 1);
  header[1] = std::bit_cast<Word>(number);
  return make_boxed(header);
}

Word enif_make_tuple(ErlNifEnv* env, unsigned arity, ...) {
  Word* elements;
  const Word tuple = make_tuple(env, arity, &elements);
  va_list arguments;
  va_start(arguments, arity);
  for (unsigned i = 0; i < arity; ++i) elements[i] = va_arg(arguments, Word);
  va_end(arguments);
  return tuple;
}

Word enif_make_tuple_from_array(ErlNifEnv* env, const Word terms[], unsigned arity) {
  Word* elements;
  const Word tuple = make_tuple(env, arity, &elements);
  for (unsigned i = 0; i < arity; ++i) elements[i] = terms[i];
  return tuple;
}

Word enif_make_list(ErlNifEnv* env, unsigned count, ...) {
  if (count == 0) return kNil;
  Word* const cells = make_cells(env, count);
  va_list arguments;
  va_start(arguments, count);
  for (unsigned i = 0; i < count; ++i) set_element(cells, count, i, va_arg(arguments, Word));
  va_end(arguments);
  return make_pointer(Tag::kCell, cells);
}

Word enif_make_list_from_array(ErlNifEnv* env, const Word terms[], unsigned count) {
  if (count == 0) return kNil;
  Word* const cells = make_cells(env, count);
  for (unsigned i = 0; i < count; ++i) set_element(cells, count, i, terms[i]);
  return make_pointer(Tag::kCell, cells);
}

Word enif_make_list_cell(ErlNifEnv* env, Word head, Word tail) {
  Word* const cell = make_cells(env, 1);
  cell[0] = head;
  cell[1] = tail;
  return make_pointer(Tag::kCell, cell);
}

unsigned char* enif_make_new_binary(ErlNifEnv* env, std::size_t size, Word* term) {
  unsigned char* bytes;
  *term = make_binary(*env, size, &bytes);
  return bytes;
}

Word enif_make_resource_binary(ErlNifEnv* env, void* object, const void* data, std::size_t size) {
  const auto* const bytes = static_cast<const unsigned char*>(data);
  return make_shared_binary(*env, Resource::of(object), {bytes, size});
}

Word enif_make_new_map(ErlNifEnv* env) {
  Word* pairs;
  return make_boxed(begin_map(*env, 0, &pairs));
}

int enif_make_map_put(ErlNifEnv* env, Word map, Word key, Word value, Word* larger) {
  if (!is_map(map)) return 0;
  *larger = put_in_map(*env, map, key, value);
  return 1;
}

int enif_make_map_from_arrays(ErlNifEnv* env, Word keys[], Word values[], std::size_t count,
                              Word* map) {
  Word* pairs;
  Word* const header = begin_map(*env, count, &pairs);
  for (std::size_t i = 0; i < count; ++i) {
    pairs[2 * i] = keys[i];
    pairs[2 * i + 1] = values[i];
  }
  return finish_map(*env, header, map);
}

}  // extern "C"
