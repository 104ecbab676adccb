#include "io/write_holder.h"

namespace ep::io {
namespace {

/// The kernel takes longer to look at a list of so few bytes than it takes to copy them.
constexpr std::size_t kWorthCopying = 1024;

Result send_joined(int fd, std::span<const iovec> parts) noexcept {
  char joined[kWorthCopying];
  std::size_t size = 0;
  for (const iovec& part : parts) {
    std::memcpy(joined + size, part.iov_base, part.iov_len);
    size += part.iov_len;
  }
  return send(fd, joined, size);
}

}  // namespace

Result send_parts(int fd, std::span<iovec> parts, std::size_t size) noexcept {
  if (parts.size() == 1) return send(fd, parts[0].iov_base, size);
  return size <= kWorthCopying ? send_joined(fd, parts) : send(fd, parts);
}

}  // namespace ep::io
