#include <array>
#include <charconv>
#include <cmath>

#include "terms/atom_table.h"
#include "terms/copy.h"
#include "terms/external.h"
#include "terms/foreign.h"
#include "terms/integer.h"
#include "terms/map.h"
#include "terms/reader.h"
#include "terms/tags.h"
#include "terms/work_stack.h"

namespace ep::terms {
namespace {

constexpr std::size_t kMostInTuple = (1U << 24) - 1;  // the VM has so many bits for it

class Decoder {
 public:
  Decoder(ErlNifEnv& env, Bytes bytes, Atoms atoms) noexcept
      : env_(env), reader_(bytes), atoms_(atoms) {}

  std::size_t run(Word* term) {
    if (reader_.u8() != kVersion) throw Malformed{};
    todo_.push({term, 1, 1, 0, nullptr});
    while (!todo_.empty()) {
      Places& places = todo_.top();
      if (places.left == 0) {
        finish();
        continue;
      }
      --places.left;
      Word* const place = std::exchange(places.at, places.at + places.step);
      key_depth_ = places.key_depth;
      // The places of a map are for key, value, key, value …
      if (places.map != nullptr && places.left % 2 == 1) ++key_depth_;
      const Word made = next();  // may push
      *place = made;
    }
    return reader_.position();
  }

 private:
  /// Where the next elements of a container go.
  struct Places {
    Word* at;
    std::size_t left;
    std::size_t step;
    int key_depth;
    Word* map;  // to be finished after its last value; else null
  };

  /// An element takes a byte at least, so no more of them can be there than bytes. Without looking
  /// at all that is still to come in outer containers, too, deep nests of containers that promise
  /// what never comes would take the square of their size.
  void promise(std::size_t elements) {
    if (elements > reader_.left() || promised_ > reader_.left() - elements) throw Malformed{};
    promised_ += elements;
  }

  void finish() {
    Word* const map = todo_.pop().map;
    if (map == nullptr) return;
    Word term;
    if (!finish_map(env_, map, &term)) throw Malformed{};
  }

  Word next() {
    if (promised_ > 0) --promised_;
    std::size_t start = reader_.position();
    std::uint8_t tag = reader_.u8();
    while (static_cast<Ext>(tag) == Ext::kList) {
      if (const std::size_t count = reader_.u32()) return list(count);
      start = reader_.position();  // a list of nothing is its tail
      tag = reader_.u8();
    }
    switch (static_cast<Ext>(tag)) {
      case Ext::kSmallInteger:
        return make_small(reader_.u8());
      case Ext::kInteger:
        return make_small(static_cast<std::int32_t>(reader_.u32()));
      case Ext::kSmallBig:
        return big(reader_.u8());
      case Ext::kLargeBig:
        return big(reader_.u32());
      case Ext::kNewFloat:
        return real(std::bit_cast<double>(reader_.u64()));
      case Ext::kFloat:
        return real(old_real());
      case Ext::kAtom:
        return atom(utf8_of_latin1(reader_.text(reader_.u16())));
      case Ext::kSmallAtom:
        return atom(utf8_of_latin1(reader_.text(reader_.u8())));
      case Ext::kAtomUtf8:
        return atom(reader_.text(reader_.u16()));
      case Ext::kSmallAtomUtf8:
        return atom(reader_.text(reader_.u8()));
      case Ext::kSmallTuple:
        return tuple(reader_.u8());
      case Ext::kLargeTuple:
        return tuple(reader_.u32());
      case Ext::kEmptyList:
        return kNil;
      case Ext::kString:
        return string(reader_.take(reader_.u16()));
      case Ext::kBinary:
        return make_binary(env_, reader_.take(reader_.u32()));
      case Ext::kBitBinary:
        return bits();
      case Ext::kMap:
        return map(reader_.u32());
      default:
        return foreign(start, tag);
    }
  }

  Word big(std::size_t size) {
    const bool negative = reader_.u8() != 0;
    return make_integer(env_, negative, reader_.take(size));
  }

  Word real(double value) {
    if (!std::isfinite(value)) throw Malformed{};
    Word* const header = env_.words(2);
    header[0] = make_header(Kind::kFloat, 1);
    header[1] = std::bit_cast<Word>(value);
    return make_boxed(header);
  }

  /// As "%.20e" prints it, with zeros after it.
  double old_real() {
    constexpr std::size_t kSize = 31;
    const std::string_view text = reader_.text(kSize);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || (end != text.data() + text.size() && *end != '\0')) {
      throw Malformed{};
    }
    return value;
  }

  Word atom(std::string_view text) {
    const Word made = atoms_ == Atoms::kMake ? make_atom(text) : find_atom(text);
    if (made == 0) throw Malformed{};
    return made;
  }

  Word tuple(std::size_t arity) {
    if (arity > kMostInTuple) throw Malformed{};
    promise(arity);
    Word* const header = env_.words(1 + arity);
    header[0] = make_header(Kind::kTuple, arity);
    if (arity > 0) todo_.push({header + 1, arity, 1, key_depth_, nullptr});
    return make_boxed(header);
  }

  Word string(Bytes text) {
    if (text.empty()) return kNil;
    Word* const cells = chain(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) cells[2 * i] = make_small(text[i]);
    return make_pointer(Tag::kCell, cells);
  }

  Word list(std::size_t count) {
    promise(count + 1);
    Word* const cells = chain(count);
    // The tail is the word after the last head.
    todo_.push({cells + 2 * count - 1, 1, 1, key_depth_, nullptr});
    todo_.push({cells, count, 2, key_depth_, nullptr});
    return make_pointer(Tag::kCell, cells);
  }

  /// So many cells in a row, whose heads are to be filled; ends with [].
  Word* chain(std::size_t count) {
    Word* const cells = env_.words(2 * count);
    for (std::size_t i = 1; i < count; ++i) {
      cells[2 * i - 1] = make_pointer(Tag::kCell, cells + 2 * i);
    }
    cells[2 * count - 1] = kNil;
    return cells;
  }

  Word bits() {
    const std::size_t size = reader_.u32();
    const unsigned last = reader_.u8();
    const Bytes bytes = reader_.take(size);
    if (last == 8 || (last == 0 && size == 0)) return make_binary(env_, bytes);
    if (last == 0 || last > 8 || size == 0) throw Malformed{};
    Word* const header = make_with_bytes(env_, Kind::kBits, 1, size);
    header[1] = last;
    auto* const copy = reinterpret_cast<unsigned char*>(header + 2);
    std::memcpy(copy, bytes.data(), size);
    copy[size - 1] = static_cast<unsigned char>(copy[size - 1] & (0xFF00U >> last));
    return make_boxed(header);
  }

  Word map(std::size_t count) {
    if (key_depth_ > kMostNestedKeys) throw Malformed{};
    promise(2 * count);
    Word* pairs;
    Word* const header = begin_map(env_, count, &pairs);
    if (count > 0) todo_.push({pairs, 2 * count, 1, key_depth_, header});
    return make_boxed(header);
  }

  Word foreign(std::size_t start, std::uint8_t tag) {
    if (!skip_foreign(reader_, tag)) throw Malformed{};
    const Bytes external = reader_.from(start);
    if (const Word known = own_resource(external)) return known;
    Word* const header = make_with_bytes(env_, Kind::kForeign, 0, external.size());
    std::memcpy(header + 1, external.data(), external.size());
    return make_boxed(header);
  }

  /// The resource that a reference is of, if it is of this process, and there still is one; or 0.
  Word own_resource(Bytes external) {
    constexpr std::size_t kNameAt = 1 + 2 + 2;
    constexpr std::size_t kNumbersAt = kNameAt + kNodeName.size();
    if (external.size() != kNumbersAt + 4 + 3 * 4) return 0;
    Reader reader(external);
    if (static_cast<Ext>(reader.u8()) != Ext::kNewerReference || reader.u16() != 3) return 0;
    if (static_cast<Ext>(reader.u8()) != Ext::kSmallAtomUtf8 ||
        reader.text(reader.u8()) != kNodeName || reader.u32() != creation()) {
      return 0;
    }
    const std::uint64_t low = reader.u32();
    const std::uint64_t middle = reader.u32();
    const std::uint64_t high = reader.u32();
    Resource* const resource = Resource::find(low | middle << 18 | high << 50);
    if (resource == nullptr) return 0;
    const Word term = make_resource(env_, resource);
    resource->release();
    return term;
  }

  ErlNifEnv& env_;
  Reader reader_;
  const Atoms atoms_;
  WorkStack<Places> todo_;
  std::size_t promised_ = 0;
  int key_depth_ = 0;
};

}  // namespace

std::size_t decode(ErlNifEnv& env, Bytes bytes, Atoms atoms, Word* term) {
  try {
    return Decoder(env, bytes, atoms).run(term);
  } catch (Malformed) {
    return 0;
  }
}

}  // namespace ep::terms
