#include "terms/atom_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "base/utf8.h"

namespace ep::terms {
namespace {

class AtomTable {
 public:
  Word find(std::string_view text) noexcept {
    const std::shared_lock lock(mutex_);
    const auto found = numbers_.find(text);
    return found == numbers_.end() ? 0 : make_immediate(Tag::kAtom, found->second);
  }

  Word make(std::string_view text) {
    if (const Word atom = find(text)) return atom;
    const std::lock_guard lock(mutex_);
    if (const auto found = numbers_.find(text); found != numbers_.end()) {
      return make_immediate(Tag::kAtom, found->second);
    }
    const std::size_t number = numbers_.size();
    if (number == kMaxAtoms) return 0;
    std::atomic<Chunk*>& chunk = chunks_[number / kChunk];
    if (chunk == nullptr) chunk.store(new Chunk, std::memory_order_release);
    std::string& kept = (*chunk)[number % kChunk];
    kept = text;
    numbers_.emplace(kept, number);
    return make_immediate(Tag::kAtom, number);
  }

  /// Who has the number has it from make() or find(), and so the text is there.
  std::string_view text(std::size_t number) const noexcept {
    return (*chunks_[number / kChunk].load(std::memory_order_acquire))[number % kChunk];
  }

 private:
  static constexpr std::size_t kChunk = 1024;
  using Chunk = std::array<std::string, kChunk>;

  std::array<std::atomic<Chunk*>, kMaxAtoms / kChunk> chunks_{};
  std::shared_mutex mutex_;                                    // protects the following
  std::unordered_map<std::string_view, std::size_t> numbers_;  // of texts in the chunks
};

AtomTable& table() {
  static AtomTable& all = *new AtomTable;  // the process's, as it is the VM's; immortal
  return all;
}

bool may_be_atom(std::string_view text) noexcept {
  if (text.size() > 4 * kMaxAtomCharacters || classify_utf8(text) == Utf8::kInvalid) return false;
  const auto starts_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  };
  return std::count_if(text.begin(), text.end(), starts_character) <=
         static_cast<std::ptrdiff_t>(kMaxAtomCharacters);
}

}  // namespace

Word make_atom(std::string_view utf8) { return may_be_atom(utf8) ? table().make(utf8) : 0; }

Word find_atom(std::string_view utf8) noexcept { return table().find(utf8); }

std::string_view text_of_atom(Word atom) noexcept { return table().text(payload_of(atom)); }

std::string utf8_of_latin1(std::string_view latin1) {
  std::string text;
  for (const char c : latin1) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xC0 | (byte >> 6));
      text += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return text;
}

}  // namespace ep::terms
