#include "terms/print.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "terms/atom_table.h"
#include "terms/binary.h"
#include "terms/foreign.h"
#include "terms/integer.h"
#include "terms/map.h"

namespace ep::terms {
namespace {

/// What is nested deeper is shown as "...".
constexpr int kMostDepth = 100;

bool is_printable(unsigned char c) noexcept { return c >= ' ' && c < 0x7F; }

bool needs_quotes(std::string_view atom) noexcept {
  if (atom.empty() || atom[0] < 'a' || atom[0] > 'z') return true;
  return !std::all_of(atom.begin(), atom.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '@';
  });
}

std::string decimal(Word big) {
  constexpr Word kChunk = 1'000'000'000'000'000'000;
  constexpr std::size_t kChunkDigits = 18;
  __extension__ using Wide = unsigned __int128;
  std::vector<Word> limbs(limbs_of(big).begin(), limbs_of(big).end());
  std::string text;
  while (!limbs.empty()) {
    Wide rest = 0;
    for (std::size_t i = limbs.size(); i-- > 0;) {
      const Wide value = rest << 64 | limbs[i];
      limbs[i] = static_cast<Word>(value / kChunk);
      rest = value % kChunk;
    }
    while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
    std::string digits = std::to_string(static_cast<Word>(rest));
    if (!limbs.empty()) digits.insert(0, kChunkDigits - digits.size(), '0');
    text.insert(0, digits);
  }
  return is(big, Kind::kNegative) ? "-" + text : text;
}

class Printer {
 public:
  explicit Printer(std::size_t longest) noexcept : longest_(longest) {}

  std::string run(Word term) {
    put(term, 0);
    if (text_.size() > longest_) text_.resize(longest_);
    return std::move(text_);
  }

 private:
  bool is_full() const noexcept { return text_.size() >= longest_; }

  void put(Word term, int depth) {
    if (is_full()) return;
    if (depth > kMostDepth) {
      text_ += "...";
      return;
    }
    switch (tag_of(term)) {
      case Tag::kSmall:
        text_ += std::to_string(small_of(term));
        return;
      case Tag::kAtom:
        return atom(text_of_atom(term));
      case Tag::kNil:
        text_ += "[]";
        return;
      case Tag::kCell:
        return list(term, depth + 1);
      case Tag::kBoxed:
        return boxed(term, pointer_of(term), depth + 1);
    }
  }

  void boxed(Word term, Word* header, int depth) {
    switch (kind_of(header)) {
      case Kind::kTuple:
        text_ += '{';
        sequence(header + 1, count_of(header), depth);
        text_ += '}';
        return;
      case Kind::kMap:
        return map(Map(term), depth);
      case Kind::kFloat:
        return real(float_of(term));
      case Kind::kPositive:
      case Kind::kNegative:
        return big(term);
      case Kind::kBinary:
      case Kind::kSharedBinary:
        return bytes(bytes_of_binary(term), 8);
      case Kind::kBits:
        return bytes(bytes_after(header, 1), header[1]);
      case Kind::kForeign:
        text_ += show_foreign(bytes_after(header, 0));
        return;
      case Kind::kResource:
        text_ += "#Ref<resource>";
        return;
    }
  }

  void atom(std::string_view text) {
    if (!needs_quotes(text)) {
      text_ += text;
      return;
    }
    text_ += '\'';
    for (const char c : text) escaped(c, '\'');
    text_ += '\'';
  }

  void escaped(char c, char quote) {
    if (c == quote || c == '\\') text_ += '\\';
    text_ += c;
  }

  /// Its digits take the square of its length.
  void big(Word term) {
    constexpr std::size_t kDigitsOfLimb = 19;
    const std::size_t digits = limbs_of(term).size() * kDigitsOfLimb;
    text_ += digits > longest_ + kDigitsOfLimb ? "..." : decimal(term);
  }

  void real(double value) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    std::string_view shown(digits.data(), static_cast<std::size_t>(end - digits.data()));
    const std::size_t exponent = std::min(shown.find('e'), shown.size());
    text_ += shown.substr(0, exponent);
    if (shown.find('.') == std::string_view::npos) text_ += ".0";
    text_ += shown.substr(exponent);
  }

  void bytes(Bytes all, Word bits_of_last) {
    text_ += "<<";
    if (bits_of_last == 8 && !all.empty() && std::all_of(all.begin(), all.end(), is_printable)) {
      text_ += '"';
      for (std::size_t i = 0; i < all.size() && !is_full(); ++i) {
        escaped(static_cast<char>(all[i]), '"');
      }
      text_ += '"';
    } else {
      for (std::size_t i = 0; i < all.size() && !is_full(); ++i) byte(all, i, bits_of_last);
    }
    text_ += ">>";
  }

  void byte(Bytes all, std::size_t i, Word bits_of_last) {
    const bool is_last = i + 1 == all.size();
    const Word unused = is_last ? 8 - bits_of_last : 0;
    if (i > 0) text_ += ',';
    text_ += std::to_string(all[i] >> unused);
    if (unused > 0) text_ += ":" + std::to_string(bits_of_last);
  }

  void sequence(const Word* terms, std::size_t count, int depth) {
    for (std::size_t i = 0; i < count && !is_full(); ++i) {
      if (i > 0) text_ += ',';
      put(terms[i], depth);
    }
  }

  static bool is_text(Word list) noexcept {
    for (; is_cell(list); list = pointer_of(list)[1]) {
      const Word head = pointer_of(list)[0];
      if (!is_small(head) || head > make_small(0x7E) || head < make_small(' ')) return false;
    }
    return list == kNil;
  }

  void list(Word list, int depth) {
    if (is_text(list)) {
      text_ += '"';
      for (; is_cell(list) && !is_full(); list = pointer_of(list)[1]) {
        escaped(static_cast<char>(small_of(pointer_of(list)[0])), '"');
      }
      text_ += '"';
      return;
    }
    text_ += '[';
    for (bool first = true; is_cell(list) && !is_full(); list = pointer_of(list)[1]) {
      if (!std::exchange(first, false)) text_ += ',';
      put(pointer_of(list)[0], depth);
    }
    if (!is_cell(list) && list != kNil) {
      text_ += '|';
      put(list, depth);
    }
    text_ += ']';
  }

  void map(const Map& map, int depth) {
    text_ += "#{";
    for (std::size_t i = 0; i < map.size() && !is_full(); ++i) {
      if (i > 0) text_ += ',';
      put(map.pairs()[2 * i], depth);
      text_ += "=>";
      put(map.pairs()[2 * i + 1], depth);
    }
    text_ += '}';
  }

  const std::size_t longest_;
  std::string text_;
};

}  // namespace

std::string show(Word term, std::size_t longest) { return Printer(longest).run(term); }

}  // namespace ep::terms
