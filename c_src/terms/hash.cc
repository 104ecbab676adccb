#include "terms/hash.h"

#include <sys/random.h>

#include <cstring>

#include "terms/binary.h"
#include "terms/integer.h"
#include "terms/map.h"
#include "terms/work_stack.h"

namespace ep::terms {
namespace {

/// So that nobody can choose keys that all have one hash.
std::uint64_t salt() noexcept {
  static const std::uint64_t value = [] {
    std::uint64_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0) random = 0x9E3779B97F4A7C15;
    return random | 1;
  }();
  return value;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a ^ 0x9E3779B97F4A7C15) * (b ^ 0xD1B54A32D192ED03);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t hash_bytes(std::uint64_t hashed, Bytes bytes) noexcept {
  hashed = mix(hashed, bytes.size());
  const unsigned char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= sizeof(Word); at += sizeof(Word), left -= sizeof(Word)) {
    Word word;
    std::memcpy(&word, at, sizeof word);
    hashed = mix(hashed, word);
  }
  if (left > 0) {
    Word word = 0;
    std::memcpy(&word, at, left);
    hashed = mix(hashed, word);
  }
  return hashed;
}

/// Of the keys, in whatever order they are; their values are left out, which is allowed.
std::uint64_t hash_map(std::uint64_t hashed, Word term) {
  const Map map(term);
  std::uint64_t sum = map.size();
  for (std::size_t i = 0; i < map.size(); ++i) sum += hash(map.pairs()[2 * i]);
  return mix(hashed, sum);
}

/// Of a boxed term that is no tuple.
std::uint64_t hash_leaf(std::uint64_t hashed, Word term) {
  Word* const header = pointer_of(term);
  switch (const Kind kind = kind_of(header)) {
    case Kind::kFloat:
      return mix(hashed, header[1]);
    case Kind::kPositive:
    case Kind::kNegative:
      hashed = mix(hashed, header[0]);
      for (const Word limb : limbs_of(term)) hashed = mix(hashed, limb);
      return hashed;
    case Kind::kBinary:
    case Kind::kSharedBinary:
      return hash_bytes(hashed, bytes_of_binary(term));
    case Kind::kBits:
      return hash_bytes(mix(hashed, header[1]), bytes_after(header, 1));
    case Kind::kForeign:
      return hash_bytes(mix(hashed, static_cast<Word>(kind)), bytes_after(header, 0));
    case Kind::kResource:
      return mix(hashed, reinterpret_cast<Word>(off_heap_of(header)->resource));
    case Kind::kMap:
      return hash_map(hashed, term);
    case Kind::kTuple:
      break;
  }
  return hashed;
}

}  // namespace

std::uint64_t hash(Word term) {
  std::uint64_t hashed = salt();
  if (is_immediate(term)) return mix(hashed, term);
  WorkStack<Word> todo;
  todo.push(term);
  while (!todo.empty()) {
    Word next = todo.pop();
    for (; is_cell(next); next = pointer_of(next)[1]) {
      const Word head = pointer_of(next)[0];
      hashed = mix(hashed, static_cast<Word>(Tag::kCell));
      if (is_immediate(head))
        hashed = mix(hashed, head);
      else if (is_cell(head) || is(head, Kind::kTuple))
        todo.push(head);
      else
        hashed = hash_leaf(hashed, head);
    }
    if (is_immediate(next)) {
      hashed = mix(hashed, next);
    } else if (is(next, Kind::kTuple)) {
      Word* const header = pointer_of(next);
      hashed = mix(hashed, header[0]);
      for (std::size_t i = 1; i <= count_of(header); ++i) todo.push(header[i]);
    } else {
      hashed = hash_leaf(hashed, next);
    }
  }
  return hashed;
}

}  // namespace ep::terms
