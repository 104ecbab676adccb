// Maps: pairs in the order in which they came, with a hash index beside them if there are many.
//
// A map is the first so many pairs of a table. Who adds a pair to the map that has all pairs of its
// table gets a map of the same table with one more, so adding a million one by one takes a million
// steps; the smaller maps don't see what came after them. In all other cases the table is copied.
// So while a pair is put, nobody else may read maps of that environment.
#pragma once

#include <cstddef>
#include <cstdint>

#include "terms/env.h"
#include "terms/word.h"

namespace ep::terms {

struct MapTable;

class Map {
 public:
  explicit Map(Word term) noexcept : header_(pointer_of(term)) {}

  std::size_t size() const noexcept { return count_of(header_); }
  /// Key, value, key, value and so on.
  const Word* pairs() const noexcept;
  /// Null if there is no such key.
  const Word* find(Word key) const;

 private:
  friend Word copy_map(ErlNifEnv&, const Map&, Word**);

  const Word* header_;
};

inline bool is_map(Word term) noexcept { return is(term, Kind::kMap); }

/// A map of `count` pairs, which the caller fills before finish_map(); the term is none until then.
Word* begin_map(ErlNifEnv& env, std::size_t count, Word** pairs);
/// False if two keys are the same.
bool finish_map(ErlNifEnv& env, Word* header, Word* map);

/// A copy of `map` in `env`, whose pairs are for the caller to fill, in the same order.
Word copy_map(ErlNifEnv& env, const Map& map, Word** pairs);

/// `map` with this value for the key.
Word put_in_map(ErlNifEnv& env, Word map, Word key, Word value);

}  // namespace ep::terms
