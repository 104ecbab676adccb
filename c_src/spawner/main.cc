// The program priv/erlang_python_spawner: starts other programs for Python code in a node, so that
// the VM itself is never forked. It listens on an abstract Unix socket, for its VM only.
//
//   erlang_python_spawner SOCKET_NAME VM_PROCESS_ID
//
// In a node: it is a port program of the process py_spawner, and says "ready" on standard output.
// It leaves when standard input ends, that is with the VM; the programs go on, in its session.
//
//   erlang_python_spawner --beside SOCKET_NAME VM_PROCESS_ID
//
// For bin/erlpy: it is started by the very process that is to become the VM, leaves a copy of
// itself beside it, which ends with it, and returns when that listens. So it is in the terminal's
// session, and can make the programs children of the VM: they are as if Python had forked them.

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "spawner/server.h"

namespace ep::spawner {
namespace {

UniqueFd listen_on(const char* name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::min(std::strlen(name), sizeof address.sun_path - 1);
  std::memcpy(address.sun_path + 1, name, length);  // a leading NUL: abstract, no file
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(fd.get(), 128) != 0) {
    return {};
  }
  return fd;
}

UniqueFd child_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGCHLD, SIG_DFL);
  return UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

/// What the VM has left open is not for the programs.
void close_with_exec() {
  DIR* const open = ::opendir("/proc/self/fd");
  if (open == nullptr) return;
  while (const dirent* entry = ::readdir(open)) {
    const int fd = std::atoi(entry->d_name);
    if (fd > STDERR_FILENO) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  ::closedir(open);
}

/// A connection for each running program may be more than a program itself may have open.
rlimit raise_limit() {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit most{before.rlim_max, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &most);
  return before;
}

int serve_as_port(const char* name, pid_t vm) {
  Server::Config config{listen_on(name), child_signals(), STDIN_FILENO, vm,
                        raise_limit(),   Parent::kSpawner};
  // Not in the way of who wants to unmount the directory that the VM was started in.
  if (!config.listener || !config.signals || ::chdir("/") != 0) {
    std::perror("erlang_python_spawner");
    return 1;
  }
  close_with_exec();
  std::puts("ready");
  std::fflush(stdout);
  Server(std::move(config)).run();
  return 0;
}

/// What a terminal sends to all, or somebody to the whole group, is not for us.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
}

/// Whoever waits for the end of a pipe of the VM's must not wait for us.
void close_inherited(int keep, int keep_too) {
  const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = 0; fd < 3; ++fd) ::dup2(nothing.get(), fd);
  std::vector<int> to_close;
  DIR* const open = ::opendir("/proc/self/fd");
  if (open == nullptr) return;
  while (const dirent* entry = ::readdir(open)) {
    const int fd = std::atoi(entry->d_name);
    if (fd > 2 && fd != nothing.get() && fd != keep && fd != keep_too && fd != ::dirfd(open))
      to_close.push_back(fd);
  }
  ::closedir(open);
  for (const int fd : to_close) ::close(fd);
}

/// The copy, until it ends with the VM.
void serve_beside(const char* name, pid_t vm, UniqueFd ready) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != vm) return;
  block_signals();
  // Here, since a client asks the system who listens.
  Server::Config config{listen_on(name), UniqueFd(), -1, vm, raise_limit(), Parent::kClient};
  if (!config.listener || ::chdir("/") != 0) return;
  close_inherited(config.listener.get(), ready.get());
  static_cast<void>(!::write(ready.get(), "", 1));
  ready.reset();
  Server(std::move(config)).run();
}

/// The status says whether there is one now. Without pidfds nobody could watch the programs.
int start_beside(const char* name, pid_t vm) {
  const UniqueFd probe(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  int ends[2];
  if (!probe || ::getppid() != vm || ::pipe2(ends, O_CLOEXEC) != 0) return 1;
  const UniqueFd reads(ends[0]);
  UniqueFd writes(ends[1]);
  const pid_t copy = fork_sibling();
  if (copy == 0) {
    serve_beside(name, vm, std::move(writes));
    ::_exit(1);
  }
  writes.reset();
  char byte;
  return copy > 0 && ::read(reads.get(), &byte, 1) == 1 ? 0 : 1;
}

/// So that nothing that is opened later becomes one of these.
void fill_standard_descriptors() {
  int fd;
  do {
    fd = ::open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
}

int serve(int argc, char** argv) {
  fill_standard_descriptors();
  if (argc == 4 && std::strcmp(argv[1], "--beside") == 0) {
    return start_beside(argv[2], std::atoi(argv[3]));
  }
  if (argc == 3) return serve_as_port(argv[1], std::atoi(argv[2]));
  std::fputs("usage: erlang_python_spawner [--beside] SOCKET_NAME VM_PROCESS_ID\n", stderr);
  return 2;
}

}  // namespace
}  // namespace ep::spawner

int main(int argc, char** argv) { return ep::spawner::serve(argc, argv); }
