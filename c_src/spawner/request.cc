#include "spawner/request.h"

#include <cstring>

namespace ep::spawner {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool word(std::uint32_t& out) {
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

  bool list(std::vector<std::string>& out) {
    std::uint32_t count;
    if (!word(count) || count > rest_.size()) return false;
    out.resize(count);
    for (std::string& entry : out) {
      if (!text(entry)) return false;
    }
    return true;
  }

  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace

std::optional<Request> parse(std::string_view bytes, std::size_t descriptors) {
  Reader reader(bytes);
  Request request;
  std::uint32_t mask, group, count;
  if (!reader.word(request.flags) || !reader.word(mask) || !reader.word(group) ||
      !reader.word(request.uid) || !reader.word(request.gid) || !reader.word(count) ||
      count != descriptors) {
    return std::nullopt;
  }
  request.umask = mask;
  request.process_group = static_cast<pid_t>(group);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t target;
    if (!reader.word(target)) return std::nullopt;
    request.targets.push_back(static_cast<int>(target));
  }
  const bool good = reader.list(request.paths) && reader.list(request.arguments) &&
                    reader.list(request.environment) && reader.list(request.directory);
  if (!good || !reader.at_end() || request.paths.empty() || request.arguments.empty() ||
      request.directory.size() > 1) {
    return std::nullopt;
  }
  return request;
}

}  // namespace ep::spawner
