// The program priv/erlang_python_spawner: starts other programs for Python code in a node, so that
// the VM itself is never forked. It is a port program of the process py_spawner.
//
//   erlang_python_spawner SOCKET_NAME VM_PROCESS_ID
//
// It listens on an abstract Unix socket, for its VM only, and says "ready" on standard output. It
// leaves when standard input ends, that is with the VM; the programs go on.

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

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

int serve(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: erlang_python_spawner SOCKET_NAME VM_PROCESS_ID\n", stderr);
    return 2;
  }
  Server::Config config{listen_on(argv[1]), child_signals(), STDIN_FILENO, std::atoi(argv[2]),
                        raise_limit()};
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

}  // namespace
}  // namespace ep::spawner

int main(int argc, char** argv) { return ep::spawner::serve(argc, argv); }
