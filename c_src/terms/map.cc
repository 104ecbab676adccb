#include "terms/map.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <type_traits>

#include "terms/compare.h"
#include "terms/hash.h"

namespace ep::terms {

/// In its environment. Up to kFewPairs, keys are looked at one after the other.
struct MapTable {
  struct Place {
    std::uint32_t pair;  // its number, from 1 on; 0 is an empty place
    std::uint32_t hash;
  };

  ErlNifEnv* env;
  std::size_t used;
  std::size_t capacity;
  Word* pairs;
  Place* index;  // null if there is none
  std::size_t mask;

  Word* key(std::size_t pair) const noexcept { return pairs + 2 * pair; }
};

namespace {

using Place = MapTable::Place;

constexpr std::size_t kFewPairs = 12;
constexpr std::size_t kMostPairs = std::size_t{1} << 31;

static_assert(std::is_trivially_destructible_v<MapTable>);

template <class T>
T* make_in(ErlNifEnv& env, std::size_t count) {
  static_assert(alignof(T) <= alignof(Word));
  return reinterpret_cast<T*>(env.words(words_for(count * sizeof(T))));
}

std::uint32_t hash_of_key(Word key) {
  const std::uint64_t hashed = hash(key);
  return static_cast<std::uint32_t>(hashed ^ hashed >> 32);
}

/// The pair with this key, among the first `size`; or null, and `place` is where it belongs.
Word* find_place(const MapTable& table, std::size_t size, Word key, std::uint32_t hashed,
                 Place** place) {
  for (std::size_t i = hashed & table.mask;; i = (i + 1) & table.mask) {
    Place& at = table.index[i];
    if (at.pair == 0) {
      *place = &at;
      return nullptr;
    }
    if (at.hash == hashed && at.pair <= size && identical(*table.key(at.pair - 1), key)) {
      return table.key(at.pair - 1);
    }
  }
}

/// The pair with this key, or null.
Word* find_pair(const MapTable& table, std::size_t size, Word key) {
  if (table.index != nullptr) {
    Place* place;
    return find_place(table, size, key, hash_of_key(key), &place);
  }
  for (std::size_t i = 0; i < size; ++i) {
    if (identical(*table.key(i), key)) return table.key(i);
  }
  return nullptr;
}

/// An index for all that the table has room for, with what `old` has of the first `size` pairs.
void make_index(ErlNifEnv& env, MapTable& table, const MapTable& old, std::size_t size) {
  const Place* const places = old.index;
  const std::size_t count = places == nullptr ? 0 : old.mask + 1;
  const std::size_t room = std::bit_ceil(2 * table.capacity);
  auto* const index = make_in<Place>(env, room);
  std::memset(index, 0, room * sizeof(Place));
  for (std::size_t i = 0; i < count; ++i) {
    if (places[i].pair == 0 || places[i].pair > size) continue;
    std::size_t to = places[i].hash & (room - 1);
    while (index[to].pair != 0) to = (to + 1) & (room - 1);
    index[to] = places[i];
  }
  table.index = index;
  table.mask = room - 1;
}

/// Enters the pairs from number `from` on; false if two keys are the same.
bool index_pairs(MapTable& table, std::size_t from) {
  for (std::size_t i = from; i < table.used; ++i) {
    const Word key = *table.key(i);
    const std::uint32_t hashed = hash_of_key(key);
    Place* place;
    if (find_place(table, i, key, hashed, &place) != nullptr) return false;
    *place = {static_cast<std::uint32_t>(i + 1), hashed};
  }
  return true;
}

MapTable* make_table(ErlNifEnv& env, std::size_t used, std::size_t capacity) {
  if (capacity > kMostPairs) throw std::bad_alloc();
  auto* const table = make_in<MapTable>(env, 1);
  return new (table) MapTable{&env, used, capacity, env.words(2 * capacity), nullptr, 0};
}

MapTable* table_of(const Word* header) noexcept {
  return reinterpret_cast<MapTable*>(header[1]);  // NOLINT: where begin_map() has put it
}

Word make_term(ErlNifEnv& env, const MapTable* table, std::size_t size) {
  Word* const header = env.words(2);
  header[0] = make_header(Kind::kMap, size);
  header[1] = reinterpret_cast<Word>(table);
  return make_boxed(header);
}

MapTable* copy_table(ErlNifEnv& env, const MapTable& table, std::size_t size,
                     std::size_t capacity) {
  MapTable* const copy = make_table(env, size, capacity);
  std::memcpy(copy->pairs, table.pairs, 2 * size * sizeof(Word));
  if (capacity <= kFewPairs) return copy;
  make_index(env, *copy, table, size);
  if (table.index == nullptr) index_pairs(*copy, 0);
  return copy;
}

void grow(ErlNifEnv& env, MapTable& table) {
  const std::size_t capacity = std::max<std::size_t>(4, 2 * table.capacity);
  if (capacity > kMostPairs) throw std::bad_alloc();
  Word* const pairs = env.words(2 * capacity);
  std::memcpy(pairs, table.pairs, 2 * table.used * sizeof(Word));
  const bool has_index = table.index != nullptr;
  table.pairs = pairs;  // the smaller maps find the same there
  table.capacity = capacity;
  if (capacity <= kFewPairs) return;
  make_index(env, table, table, table.used);
  if (!has_index) index_pairs(table, 0);
}

}  // namespace

const Word* Map::pairs() const noexcept { return table_of(header_)->pairs; }

const Word* Map::find(Word key) const {
  const Word* const pair = find_pair(*table_of(header_), size(), key);
  return pair == nullptr ? nullptr : pair + 1;
}

Word* begin_map(ErlNifEnv& env, std::size_t count, Word** pairs) {
  const MapTable* const table = make_table(env, count, count);
  *pairs = table->pairs;
  return pointer_of(make_term(env, table, count));
}

bool finish_map(ErlNifEnv& env, Word* header, Word* map) {
  MapTable& table = *table_of(header);
  *map = make_boxed(header);
  if (table.used > kFewPairs) {
    make_index(env, table, table, 0);
    return index_pairs(table, 0);
  }
  for (std::size_t i = 1; i < table.used; ++i) {
    if (find_pair(table, i, *table.key(i)) != nullptr) return false;
  }
  return true;
}

Word copy_map(ErlNifEnv& env, const Map& map, Word** pairs) {
  const std::size_t size = map.size();
  const MapTable& table = *table_of(map.header_);
  MapTable* const copy = make_table(env, size, size);
  // The index does not depend on where the keys are.
  if (table.index != nullptr) make_index(env, *copy, table, size);
  *pairs = copy->pairs;
  return make_term(env, copy, size);
}

Word put_in_map(ErlNifEnv& env, Word map, Word key, Word value) {
  const Word* const header = pointer_of(map);
  MapTable* table = table_of(header);
  const std::size_t size = count_of(header);
  if (const Word* const pair = find_pair(*table, size, key)) {
    if (pair[1] == value) return map;
    const auto number = static_cast<std::size_t>(pair - table->pairs);
    table = copy_table(env, *table, size, size);
    table->pairs[number + 1] = value;
    return make_term(env, table, size);
  }
  if (table->env != &env || table->used != size) {
    table = copy_table(env, *table, size, std::max<std::size_t>(4, 2 * size));
  }
  if (table->used == table->capacity) grow(env, *table);
  table->key(size)[0] = key;
  table->key(size)[1] = value;
  table->used = size + 1;
  if (table->index != nullptr) index_pairs(*table, size);
  return make_term(env, table, size + 1);
}

}  // namespace ep::terms
