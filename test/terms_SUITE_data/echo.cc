// Reads packets of a four-byte length and a term in the external format, and answers each with one
// of the same term, decoded, copied and encoded again; with an empty one if it was no term.
#include <unistd.h>

#include <vector>

#include "terms/copy.h"
#include "terms/external.h"

namespace {

using namespace ep::terms;  // NOLINT(google-build-using-namespace)

constexpr std::size_t kHeader = 4;

bool read_all(unsigned char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t count = read(STDIN_FILENO, to, size);
    if (count <= 0) return false;
    to += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

bool write_all(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool answer(Bytes request) {
  Buffer reply;
  reply.extend(kHeader);
  ErlNifEnv second;
  Word copied = 0;
  {
    ErlNifEnv first;
    Word term;
    if (decode(first, request, Atoms::kMake, &term) != 0) copied = copy(second, term);
  }
  if (copied != 0) encode(copied, reply);
  const std::size_t size = reply.size() - kHeader;
  std::vector<unsigned char> all(reply.bytes().begin(), reply.bytes().end());
  for (std::size_t i = 0; i < kHeader; ++i) {
    all[i] = static_cast<unsigned char>(size >> 8 * (kHeader - 1 - i));
  }
  return write_all(all);
}

}  // namespace

int main() {
  unsigned char header[kHeader];
  while (read_all(header, kHeader)) {
    std::size_t size = 0;
    for (const unsigned char byte : header) size = size << 8 | byte;
    std::vector<unsigned char> request(size);
    if (!read_all(request.data(), size) || !answer(request)) return 1;
  }
  return 0;
}
