// ExitGuard: a process whose Python threads still run leaves without running exit handlers, but
// after Python's last words.
//
// erlang:halt() ends in exit(), which runs the handlers and destructors of all libraries while our
// threads go on: OpenSSL frees what an open connection uses, and the VM dies of a segmentation
// fault instead of its exit status. CPython stops its threads first; a VM that halts does not ask
// us. So our own handler, if it is the first to run, ends the process at once with the status that
// was asked for. Handlers run in the reverse order of their registration, and libraries register
// theirs when they are loaded; so ours is registered again whenever libraries have been loaded
// since.
#pragma once

#include <atomic>
#include <functional>
#include <utility>

namespace ep {

/// Lives as long as the process.
class ExitGuard {
 public:
  /// `last_words` is called by the thread that leaves, detached.
  explicit ExitGuard(std::function<void()> last_words) : last_words_(std::move(last_words)) {}

  /// Any thread. Cheap unless a library was loaded since the last call.
  void look() noexcept;

 private:
  static void leave(int status, void* guard);

  const std::function<void()> last_words_;
  std::atomic<unsigned long long> loaded_{0};  // libraries so far, as the dynamic linker counts
};

}  // namespace ep
