#include "spawner/request.h"

#include <cstring>

namespace ep::spawner {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <class Word>
  bool word(Word& out) {
    static_assert(sizeof(Word) == sizeof(std::uint32_t));
    if (rest_.size() < sizeof out) return false;
    std::memcpy(&out, rest_.data(), sizeof out);
    rest_.remove_prefix(sizeof out);
    return true;
  }

  bool text(std::string& out) {
    const auto end = rest_.find('\0');
    if (end == std::string_view::npos) return false;
    out = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }

  template <class Word>
  bool words(std::vector<Word>& out) {
    return list(out, [this](Word& entry) { return word(entry); });
  }

  bool texts(std::vector<std::string>& out) {
    return list(out, [this](std::string& entry) { return text(entry); });
  }

  bool at_end() const { return rest_.empty(); }

 private:
  template <class Entry, class Read>
  bool list(std::vector<Entry>& out, Read read) {
    std::uint32_t count;
    if (!word(count) || count > rest_.size()) return false;  // an entry has a byte at least
    out.resize(count);
    for (Entry& entry : out) {
      if (!read(entry)) return false;
    }
    return true;
  }

  std::string_view rest_;
};

bool are_descriptors(const std::vector<int>& numbers) {
  for (const int number : numbers) {
    if (number < 0) return false;
  }
  return true;
}

}  // namespace

std::optional<Request> parse(std::string_view bytes, std::size_t descriptors) {
  Reader reader(bytes);
  Request request;
  const bool read = reader.word(request.flags) && reader.word(request.umask) &&
                    reader.word(request.process_group) && reader.word(request.uid) &&
                    reader.word(request.gid) && reader.word(request.thread) &&
                    reader.word(request.ignored[0]) && reader.word(request.ignored[1]) &&
                    reader.word(request.blocked[0]) && reader.word(request.blocked[1]) &&
                    reader.words(request.targets) && reader.words(request.groups) &&
                    reader.texts(request.paths) && reader.texts(request.arguments) &&
                    reader.texts(request.environment) && reader.texts(request.directory) &&
                    reader.at_end();
  const bool good = read && descriptors == request.targets.size() + 1 &&
                    are_descriptors(request.targets) && !request.paths.empty() &&
                    !request.arguments.empty() && request.directory.size() <= 1;
  if (!good) return std::nullopt;
  return request;
}

}  // namespace ep::spawner
