// WriteHolder: what a stream has been asked to send and has not sent, what that waits for, and
// whether a write had better wait.
//
//   kNone ── hold() ──> kTurn ──┐
//       │                          ├─ send() ──> kNone or kSocket
//       └── wait_for_socket() ──> kSocket
//
// Who writes in pieces, a head and then a body say, is found out: a second write in one turn of the
// loop shows it. Its writes are held from the next turn on, until the turn has ended, and then sent
// by one system call; and so until some turns have had a single write only. While many connections
// are served in quick succession, all are held: their replies leave together. Else each would wake
// a peer that goes to sleep again before the next, and being woken is what the sender pays for.
//
// What is held counts as sent for everybody else: whoever wants to know what is waiting, or to drop
// it, sends first. So nobody can tell that there was a delay.
//
// Owner as WriteQueue's. No runtime; one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "io/socket_io.h"
#include "io/write_queue.h"

namespace ep::io {

/// Memory to be sent. Without an owner it is only lent, and may change.
template <class Owner>
struct Chunk {
  const char* data;
  std::size_t size;
  Owner owner;
};

/// Sends `size` bytes in all, by the quickest way for so many parts.
Result send_parts(int fd, std::span<iovec> parts, std::size_t size) noexcept;

template <class Owner>
class WriteHolder {
 public:
  enum class Waiting : unsigned char {
    kNone,
    kTurn,    // held: until the turn of the loop ends
    kSocket,  // until the socket takes more
  };
  enum class Held : unsigned char {
    kFirst,  // the caller sees to it that send() is called when the turn ends
    kMore,
    kFull,  // the caller calls send() now
  };

  static constexpr std::size_t kMostHeld = 64 * 1024;  // beyond, waiting for more saves nothing
  static constexpr int kHeldTurns = 16;

  Waiting waiting_for() const noexcept { return waiting_; }
  /// Bytes, held ones included.
  std::size_t size() const noexcept { return queue_.size(); }

  /// Should a write in this turn be held? `quick`: turns follow each other quickly. To be asked
  /// once for each write.
  bool should_hold(std::uint64_t turn, bool quick) noexcept {
    const bool is_second = std::exchange(last_turn_, turn) == turn;
    if (is_second) held_turns_left_ = kHeldTurns;
    const bool in_pieces = !is_second && held_turns_left_ > 0;
    return waiting_ == Waiting::kTurn || (waiting_ == Waiting::kNone && (in_pieces || quick));
  }

  /// Sends past the queue, which is empty. Bytes sent, or an error.
  static Result send_past(int fd, std::span<Chunk<Owner>> chunks) noexcept {
    iovec parts[kMostParts];
    std::size_t count = 0;
    std::size_t size = 0;
    for (; count < std::min(kMostParts, chunks.size()); ++count) {
      parts[count] = {const_cast<char*>(chunks[count].data), chunks[count].size};
      size += chunks[count].size;
    }
    return send_parts(fd, std::span(parts, count), size);
  }

  /// hold() or wait_for_socket() follows. Throws std::bad_alloc, and then holds what it held.
  void push(const char* data, std::size_t size, Owner owner) {
    queue_.push(data, size, std::move(owner));
  }

  Held hold() noexcept {
    const bool first = waiting_ == Waiting::kNone;
    if (!queue_.empty()) waiting_ = Waiting::kTurn;
    if (queue_.size() > kMostHeld) return Held::kFull;
    if (first && held_turns_left_ > 0) --held_turns_left_;
    return first ? Held::kFirst : Held::kMore;
  }

  void wait_for_socket() noexcept {
    if (!queue_.empty()) waiting_ = Waiting::kSocket;
  }

  /// Sends what goes. errno of what is fatal, or 0; the rest waits for the socket. Calls
  /// done(Owner&&) for each chunk that is gone.
  template <class Done>
  int send(int fd, Done&& done) noexcept {
    const int error = send_queue(fd, done);
    waiting_ = queue_.empty() ? Waiting::kNone : Waiting::kSocket;
    return error;
  }

  void drop() noexcept {
    queue_.clear();
    waiting_ = Waiting::kNone;
  }

 private:
  static constexpr std::size_t kMostParts = 64;  // of one gathered write

  template <class Done>
  int send_queue(int fd, Done&& done) noexcept {
    for (std::size_t budget = queue_.size(); budget > 0;) {
      iovec parts[kMostParts];
      const std::size_t count = queue_.gather(parts);
      std::size_t asked = 0;
      for (std::size_t i = 0; i < count; ++i) asked += parts[i].iov_len;
      const Result result = send_parts(fd, std::span(parts, count), asked);
      if (!result.ok()) return result.not_now() ? 0 : result.error;
      queue_.consume(result.bytes, done);
      if (result.bytes < asked) return 0;
      budget -= result.bytes;
    }
    return 0;
  }

  WriteQueue<Owner> queue_;
  std::uint64_t last_turn_ = 0;  // in which was written
  int held_turns_left_ = 0;      // unless there is a second write in one of them
  Waiting waiting_ = Waiting::kNone;
};

}  // namespace ep::io
