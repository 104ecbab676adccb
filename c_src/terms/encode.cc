#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

#include "terms/atom_table.h"
#include "terms/external.h"
#include "terms/integer.h"
#include "terms/map.h"
#include "terms/tags.h"
#include "terms/work_stack.h"

namespace ep::terms {
namespace {

constexpr std::size_t kMostInByte = 255;
constexpr std::size_t kLongestString = 65535;

class Encoder {
 public:
  explicit Encoder(Buffer& to) noexcept : to_(to) {}

  void run(Word term) {
    byte(kVersion);
    put(term);
    while (!todo_.empty()) {
      Elements& next = todo_.top();
      const Word element = *next.at++;
      if (--next.left == 0) {
        if (next.cell != nullptr)
          next = after(next.cell);
        else
          todo_.drop();
      }
      put(element);
    }
  }

 private:
  /// What is left of a container: elements in a row; of a list, a head, and the cell that it is of.
  struct Elements {
    const Word* at;
    std::size_t left;
    const Word* cell;  // null: no list's
  };

  static Elements head_of(const Word* cell) noexcept { return {cell, 1, cell}; }
  static Elements after(const Word* cell) noexcept {
    if (is_cell(cell[1])) return head_of(pointer_of(cell[1]));
    return {cell + 1, 1, nullptr};
  }

  void byte(std::size_t value) { *to_.extend(1) = static_cast<unsigned char>(value); }
  void tag(Ext value) { byte(static_cast<std::uint8_t>(value)); }
  void number(std::uint64_t value, std::size_t size) {
    unsigned char* const at = to_.extend(size);
    for (std::size_t i = 0; i < size; ++i) {
      at[i] = static_cast<unsigned char>(value >> 8 * (size - 1 - i));
    }
  }
  /// A length; see encode().
  void length(std::size_t value) {
    if (value > std::numeric_limits<std::uint32_t>::max()) throw std::bad_alloc();
    number(value, 4);
  }
  void bytes(Bytes all) {
    unsigned char* const at = to_.extend(all.size());
    if (!all.empty()) std::memcpy(at, all.data(), all.size());
  }

  void put(Word term) {
    switch (tag_of(term)) {
      case Tag::kSmall:
        return small(small_of(term));
      case Tag::kAtom:
        return atom(text_of_atom(term));
      case Tag::kNil:
        return tag(Ext::kEmptyList);
      case Tag::kCell:
        return list(term);
      case Tag::kBoxed:
        return boxed(term, pointer_of(term));
    }
  }

  void boxed(Word term, Word* header) {
    switch (kind_of(header)) {
      case Kind::kTuple:
        return tuple(header);
      case Kind::kMap:
        return map(Map(term));
      case Kind::kFloat:
        tag(Ext::kNewFloat);
        return number(header[1], 8);
      case Kind::kPositive:
      case Kind::kNegative:
        return big(kind_of(header) == Kind::kNegative,
                   {reinterpret_cast<unsigned char*>(header + 1), count_of(header) * sizeof(Word)});
      case Kind::kBinary:
      case Kind::kSharedBinary:
        tag(Ext::kBinary);
        length(count_of(header));
        return bytes(bytes_of_binary(term));
      case Kind::kBits:
        tag(Ext::kBitBinary);
        length(count_of(header));
        byte(header[1]);
        return bytes(bytes_after(header, 1));
      case Kind::kForeign:
        return bytes(bytes_after(header, 0));
      case Kind::kResource:
        return resource(off_heap_of(header)->resource->number());
    }
  }

  void small(std::int64_t value) {
    if (value >= 0 && value <= static_cast<std::int64_t>(kMostInByte)) {
      tag(Ext::kSmallInteger);
      byte(static_cast<std::size_t>(value));
    } else if (value == static_cast<std::int32_t>(value)) {
      tag(Ext::kInteger);
      number(static_cast<std::uint64_t>(value), 4);
    } else {
      const Word magnitude = value < 0 ? -static_cast<Word>(value) : static_cast<Word>(value);
      big(value < 0, {reinterpret_cast<const unsigned char*>(&magnitude), sizeof magnitude});
    }
  }

  void big(bool negative, Bytes magnitude) {
    while (magnitude.back() == 0) magnitude = magnitude.first(magnitude.size() - 1);
    if (magnitude.size() <= kMostInByte) {
      tag(Ext::kSmallBig);
      byte(magnitude.size());
    } else {
      tag(Ext::kLargeBig);
      length(magnitude.size());
    }
    byte(negative ? 1 : 0);
    bytes(magnitude);
  }

  void atom(std::string_view text) {
    if (text.size() <= kMostInByte) {
      tag(Ext::kSmallAtomUtf8);
      byte(text.size());
    } else {
      tag(Ext::kAtomUtf8);
      number(text.size(), 2);
    }
    bytes({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
  }

  void tuple(const Word* header) {
    const std::size_t arity = count_of(header);
    if (arity <= kMostInByte) {
      tag(Ext::kSmallTuple);
      byte(arity);
    } else {
      tag(Ext::kLargeTuple);
      length(arity);
    }
    if (arity > 0) todo_.push({header + 1, arity, nullptr});
  }

  void map(const Map& map) {
    tag(Ext::kMap);
    length(map.size());
    if (map.size() > 0) todo_.push({map.pairs(), 2 * map.size(), nullptr});
  }

  void list(Word list) {
    std::size_t count = 0;
    bool is_string = true;
    Word rest = list;
    for (; is_cell(rest); rest = pointer_of(rest)[1], ++count) {
      const Word head = pointer_of(rest)[0];
      is_string = is_string && head <= make_small(kMostInByte) && is_small(head);
    }
    if (is_string && rest == kNil && count <= kLongestString) return string(list, count);
    tag(Ext::kList);
    length(count);
    todo_.push(head_of(pointer_of(list)));
  }

  void string(Word list, std::size_t count) {
    tag(Ext::kString);
    number(count, 2);
    unsigned char* at = to_.extend(count);
    for (; is_cell(list); list = pointer_of(list)[1]) {
      *at++ = static_cast<unsigned char>(small_of(pointer_of(list)[0]));
    }
  }

  /// As the VM writes it: the first of the three words has 18 bits.
  void resource(std::uint64_t id) {
    constexpr unsigned kBitsOfFirst = 18;
    tag(Ext::kNewerReference);
    number(3, 2);
    atom(kNodeName);
    number(creation(), 4);
    number(id & ((1U << kBitsOfFirst) - 1), 4);
    number(id >> kBitsOfFirst, 4);
    number(id >> (kBitsOfFirst + 32), 4);
  }

  Buffer& to_;
  WorkStack<Elements> todo_;
};

}  // namespace

Buffer::~Buffer() { std::free(data_); }

void Buffer::grow(std::size_t count) {
  constexpr std::size_t kFirst = 128;
  if (count > std::numeric_limits<std::size_t>::max() / 4 - size_) throw std::bad_alloc();
  const std::size_t capacity = std::max({kFirst, 2 * capacity_, size_ + count});
  auto* const data = static_cast<unsigned char*>(std::realloc(data_, capacity));
  if (data == nullptr) throw std::bad_alloc();
  data_ = data;
  capacity_ = capacity;
}

void encode(Word term, Buffer& to) { Encoder(to).run(term); }

std::uint32_t creation() noexcept {
  static const std::uint32_t random = [] {
    std::uint32_t value = 0;
    return getrandom(&value, sizeof value, GRND_NONBLOCK) < 0 ? 0 : value;
  }();
  return (random ^ static_cast<std::uint32_t>(getpid())) | 1;  // a forked child has another
}

}  // namespace ep::terms
