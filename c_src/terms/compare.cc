#include "terms/compare.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "terms/atom_table.h"
#include "terms/binary.h"
#include "terms/foreign.h"
#include "terms/integer.h"
#include "terms/map.h"
#include "terms/work_stack.h"

namespace ep::terms {
namespace {

struct Pair {
  Word a;
  Word b;
};

bool equal_bytes(Bytes a, Bytes b) noexcept {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

/// Of what has no elements; none if they have, and might be the same.
std::optional<bool> identical_leaves(Word a, Word b) noexcept {
  if (a == b) return true;
  if (tag_of(a) != tag_of(b) || is_immediate(a)) return false;
  if (is_cell(a)) return std::nullopt;
  Word* const x = pointer_of(a);
  Word* const y = pointer_of(b);
  if (is_binary(a) && is_binary(b)) return equal_bytes(bytes_of_binary(a), bytes_of_binary(b));
  if (kind_of(x) != kind_of(y)) return false;
  switch (kind_of(x)) {
    case Kind::kFloat:
      return x[1] == y[1];
    case Kind::kPositive:
    case Kind::kNegative:
      return x[0] == y[0] && std::equal(x + 1, x + 1 + count_of(x), y + 1);
    case Kind::kBits:
      return x[1] == y[1] && equal_bytes(bytes_after(x, 1), bytes_after(y, 1));
    case Kind::kForeign:
      return equal_bytes(bytes_after(x, 0), bytes_after(y, 0));
    case Kind::kResource:
      return off_heap_of(x)->resource == off_heap_of(y)->resource;
    case Kind::kTuple:
    case Kind::kMap:
      if (count_of(x) != count_of(y)) return false;
      return std::nullopt;
    case Kind::kBinary:
    case Kind::kSharedBinary:
      break;
  }
  return false;
}

class Identity {
 public:
  bool holds(Word a, Word b) {
    if (!add(a, b)) return false;
    while (!todo_.empty()) {
      const Pair pair = todo_.pop();
      if (!same_elements(pair.a, pair.b)) return false;
    }
    return true;
  }

 private:
  /// False if they differ at once.
  bool add(Word a, Word b) {
    const std::optional<bool> known = identical_leaves(a, b);
    if (!known) todo_.push({a, b});
    return known.value_or(true);
  }

  bool same_elements(Word a, Word b) {
    if (is_cell(a)) return same_lists(a, b);
    return is_map(a) ? same_maps(Map(a), Map(b)) : same_tuples(pointer_of(a), pointer_of(b));
  }

  bool same_lists(Word a, Word b) {
    for (; a != b && is_cell(a) && is_cell(b); a = pointer_of(a)[1], b = pointer_of(b)[1]) {
      if (!add(pointer_of(a)[0], pointer_of(b)[0])) return false;
    }
    return add(a, b);
  }

  bool same_tuples(const Word* a, const Word* b) {
    for (std::size_t i = 1; i <= count_of(a); ++i) {
      if (!add(a[i], b[i])) return false;
    }
    return true;
  }

  bool same_maps(const Map& a, const Map& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      const Word* const value = b.find(a.pairs()[2 * i]);
      if (value == nullptr || !add(a.pairs()[2 * i + 1], *value)) return false;
    }
    return true;
  }

  WorkStack<Pair> todo_;
};

int sign(int number) noexcept { return number < 0 ? -1 : number > 0 ? 1 : 0; }

template <class T>
int order(T a, T b) noexcept {
  return a < b ? -1 : a > b ? 1 : 0;
}

int compare_bytes(Bytes a, Bytes b) noexcept {
  const std::size_t common = std::min(a.size(), b.size());
  const int by_bytes = common == 0 ? 0 : sign(std::memcmp(a.data(), b.data(), common));
  return by_bytes != 0 ? by_bytes : order(a.size(), b.size());
}

/// number < atom < reference < fun < port < pid < tuple < map < [] < list < bitstring
enum class Rank { kNumber, kAtom, kReference, kFun, kPort, kPid, kTuple, kMap, kNil, kList, kBits };

Rank rank_of(Word term) noexcept {
  switch (tag_of(term)) {
    case Tag::kSmall:
      return Rank::kNumber;
    case Tag::kAtom:
      return Rank::kAtom;
    case Tag::kNil:
      return Rank::kNil;
    case Tag::kCell:
      return Rank::kList;
    case Tag::kBoxed:
      break;
  }
  switch (kind_of(pointer_of(term))) {
    case Kind::kFloat:
    case Kind::kPositive:
    case Kind::kNegative:
      return Rank::kNumber;
    case Kind::kTuple:
      return Rank::kTuple;
    case Kind::kMap:
      return Rank::kMap;
    case Kind::kResource:
      return Rank::kReference;
    case Kind::kForeign:
      switch (foreign_type(bytes_after(pointer_of(term), 0))) {
        case ERL_NIF_TERM_TYPE_PID:
          return Rank::kPid;
        case ERL_NIF_TERM_TYPE_PORT:
          return Rank::kPort;
        case ERL_NIF_TERM_TYPE_FUN:
          return Rank::kFun;
        default:
          return Rank::kReference;
      }
    case Kind::kBinary:
    case Kind::kSharedBinary:
    case Kind::kBits:
      break;
  }
  return Rank::kBits;
}

std::string_view atom_text(Word atom) noexcept { return text_of_atom(atom); }

/// The whole bytes, and how many bits follow.
struct Bits {
  Bytes whole;
  unsigned rest_bits;
  unsigned rest;
};

Bits bits_of(Word term) noexcept {
  if (is_binary(term)) return {bytes_of_binary(term), 0, 0};
  const Word* const header = pointer_of(term);
  const Bytes all = bytes_after(header, 1);
  return {all.first(all.size() - 1), static_cast<unsigned>(header[1]), all.back()};
}

int compare_bits(const Bits& a, const Bits& b) noexcept {
  const std::size_t common = std::min(a.whole.size(), b.whole.size());
  if (const int by_bytes = compare_bytes(a.whole.first(common), b.whole.first(common))) {
    return by_bytes;
  }
  // What follows the common bytes: a whole byte of the longer one, or the bits at the end.
  const auto next = [common](const Bits& x) {
    return x.whole.size() > common ? Pair{x.whole[common], 8} : Pair{x.rest, x.rest_bits};
  };
  const Pair x = next(a);
  const Pair y = next(b);
  const Word unused = 8 - std::min(x.b, y.b);
  if (const int by_bits = order(x.a >> unused, y.a >> unused)) return by_bits;
  return order(8 * a.whole.size() + a.rest_bits, 8 * b.whole.size() + b.rest_bits);
}

/// Keys of maps: 1 is before 1.0.
int compare_keys(Word a, Word b) {
  const int ordered = compare(a, b);
  if (ordered != 0 || identical(a, b)) return ordered;
  return order(is_integer(b), is_integer(a));
}

std::vector<const Word*> sorted_pairs(const Map& map) {
  std::vector<const Word*> pairs;
  for (std::size_t i = 0; i < map.size(); ++i) pairs.push_back(map.pairs() + 2 * i);
  std::sort(pairs.begin(), pairs.end(),
            [](const Word* a, const Word* b) { return compare_keys(*a, *b) < 0; });
  return pairs;
}

class Order {
 public:
  int of(Word a, Word b) {
    todo_.push({a, b});
    while (!todo_.empty()) {
      const Pair pair = todo_.pop();
      if (const int ordered = pair.a == pair.b ? 0 : step(pair.a, pair.b)) return ordered;
    }
    return 0;
  }

 private:
  /// What is not decided yet is left to do.
  int step(Word a, Word b) {
    const Rank rank = rank_of(a);
    if (rank != rank_of(b)) return order(rank, rank_of(b));
    switch (rank) {
      case Rank::kNumber:
        return compare_numbers(a, b);
      case Rank::kAtom:
        return sign(atom_text(a).compare(atom_text(b)));
      case Rank::kTuple:
        return tuples(pointer_of(a), pointer_of(b));
      case Rank::kMap:
        return maps(Map(a), Map(b));
      case Rank::kList:
        todo_.push({pointer_of(a)[1], pointer_of(b)[1]});
        todo_.push({pointer_of(a)[0], pointer_of(b)[0]});
        return 0;
      case Rank::kBits:
        return compare_bits(bits_of(a), bits_of(b));
      case Rank::kNil:
        return 0;
      case Rank::kReference:
      case Rank::kFun:
      case Rank::kPort:
      case Rank::kPid:
        break;
    }
    return foreign(pointer_of(a), pointer_of(b));
  }

  int tuples(const Word* a, const Word* b) {
    const std::size_t arity = count_of(a);
    if (arity != count_of(b)) return order(arity, count_of(b));
    for (std::size_t i = arity; i > 0; --i) todo_.push({a[i], b[i]});
    return 0;
  }

  int maps(const Map& a, const Map& b) {
    if (a.size() != b.size()) return order(a.size(), b.size());
    const auto x = sorted_pairs(a);
    const auto y = sorted_pairs(b);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (const int by_key = compare_keys(x[i][0], y[i][0])) return by_key;
    }
    for (std::size_t i = x.size(); i-- > 0;) todo_.push({x[i][1], y[i][1]});
    return 0;
  }

  /// A resource is a reference that knows its number by its address.
  static int foreign(Word* a, Word* b) {
    if (kind_of(a) != kind_of(b)) return kind_of(a) == Kind::kResource ? -1 : 1;
    if (kind_of(a) == Kind::kForeign) return compare_bytes(bytes_after(a, 0), bytes_after(b, 0));
    return order(off_heap_of(a)->resource, off_heap_of(b)->resource);
  }

  WorkStack<Pair> todo_;
};

}  // namespace

bool identical_containers(Word a, Word b) { return Identity().holds(a, b); }

int compare(Word a, Word b) { return Order().of(a, b); }

}  // namespace ep::terms
