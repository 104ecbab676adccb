// Claim: which one of several threads ends a submission, so that it ends once.
//
//   kPending ── answer() ──▶ kSending: a reply, which is being made and sent
//   kSending ── sent() ────▶ kSent: it is in the mailbox
//   kPending ── revoke() ──▶ kRevoked: no reply will come
//
// Who comes second is told so, and does nothing. Any thread. Knows neither Python nor the VM.
#pragma once

#include <atomic>
#include <cstdint>

namespace ep::task {

class Claim {
 public:
  enum class State : std::uint8_t { kPending, kSending, kSent, kRevoked };
  enum class [[nodiscard]] Result : std::uint8_t{kOurs, kTooLate};

  State state() const noexcept { return state_.load(); }
  /// Is there still somebody who waits?
  bool is_open() const noexcept { return state() == State::kPending; }

  Result answer() noexcept { return move_to(State::kSending); }
  /// By who has claimed the answer.
  void sent() noexcept { state_.store(State::kSent); }
  Result revoke() noexcept { return move_to(State::kRevoked); }

 private:
  Result move_to(State to) noexcept {
    State pending = State::kPending;
    return state_.compare_exchange_strong(pending, to) ? Result::kOurs : Result::kTooLate;
  }

  std::atomic<State> state_{State::kPending};
};

}  // namespace ep::task
