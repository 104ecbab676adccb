#include "runtime/signals.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <system_error>

#include "base/clock.h"

namespace ep {
namespace {

constexpr Nanos kPatience = kSecond;
constexpr timespec kPause = {0, 100'000};

sigset_t signals_to_block() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int fault : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP}) {
    sigdelset(&signals, fault);
  }
  return signals;
}

/// Runs on the thread that is to block signals: the mask in the context is what it returns to.
void block_here(int, siginfo_t*, void* context) {
  const sigset_t signals = signals_to_block();
  sigset_t& mask = static_cast<ucontext_t*>(context)->uc_sigmask;
  sigorset(&mask, &mask, &signals);
}

/// Whether a thread blocks what block_here() blocks, or is gone.
bool blocks_signals(const std::filesystem::path& thread) {
  std::ifstream status(thread / "status");
  for (std::string key; status >> key;) {
    if (key != "SigBlk:") continue;
    unsigned long long mask = 0;
    status >> std::hex >> mask;
    return (mask >> (SIGTERM - 1) & 1) != 0;
  }
  return true;
}

/// Signals the threads that are not in `told`; false if there are some that have not reacted.
bool tell_others(int signal_number, std::set<pid_t>& told) {
  bool all = true;
  std::error_code error;  // without /proc there is nothing to do
  std::filesystem::directory_iterator threads("/proc/self/task", error);
  for (; !error && threads != end(threads); threads.increment(error)) {
    const pid_t id = std::stoi(threads->path().filename());
    if (id == gettid() || blocks_signals(threads->path())) continue;
    all = false;
    if (told.insert(id).second) syscall(SYS_tgkill, getpid(), id, signal_number);
  }
  return all;
}

}  // namespace

void take_signals_from_other_threads() {
  const int signal_number = SIGRTMAX;
  struct sigaction action = {};
  action.sa_sigaction = &block_here;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;  // a scheduler may be on Erlang's stack
  struct sigaction before;
  sigaction(signal_number, &action, &before);
  std::set<pid_t> told;
  const Nanos deadline = now() + kPatience;
  while (!tell_others(signal_number, told)) {
    if (now() > deadline) return;  // the signal may still arrive: its handler has to stay
    nanosleep(&kPause, nullptr);
  }
  sigaction(signal_number, &before, nullptr);
}

}  // namespace ep
