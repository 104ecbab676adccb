// The program priv/erlang_python_spawner: starts other programs for Python code in a node, so that
// the VM itself is never forked. It is a port program of the process py_spawner.
//
//   erlang_python_spawner SOCKET_NAME VM_PROCESS_ID
//
// It listens on an abstract Unix socket, for its VM only, and says "ready" on standard output. Each
// connection is one program: a request (spawner/request.h) comes in, "started" or "failed" goes
// back, and later "ended". It leaves when standard input ends, that is with the VM.
//
// One thread, no Python, no VM; it never blocks but in poll(), and in start() until the exec.

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "spawner/child.h"
#include "spawner/request.h"

namespace ep::spawner {
namespace {

constexpr std::size_t kMostBytes = std::size_t{8} << 20;  // the system's own limit is 6 MiB
constexpr std::size_t kMostDescriptors = 250;

struct Connection {
  UniqueFd fd;
  std::string bytes;
  std::vector<UniqueFd> descriptors;
  bool started = false;
};

class Spawner {
 public:
  Spawner(UniqueFd listener, UniqueFd signals, pid_t vm)
      : listener_(std::move(listener)), signals_(std::move(signals)), vm_(vm) {}

  void run() {
    for (;;) {
      std::vector<pollfd> polled = {{STDIN_FILENO, POLLIN, 0},
                                    {listener_.get(), POLLIN, 0},
                                    {signals_.get(), POLLIN, 0}};
      for (const auto& [fd, connection] : connections_) polled.push_back({fd, POLLIN, 0});
      if (::poll(polled.data(), polled.size(), -1) < 0) continue;
      if (polled[0].revents != 0 && at_end_of_input()) return;
      if (polled[2].revents != 0) reap();
      for (std::size_t i = 3; i < polled.size(); ++i) {
        if (polled[i].revents != 0) receive(polled[i].fd);
      }
      if (polled[1].revents != 0) accept();
    }
  }

 private:
  static bool at_end_of_input() {
    char ignored[256];
    return ::read(STDIN_FILENO, ignored, sizeof ignored) <= 0;
  }

  void accept() {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    ucred peer{};
    socklen_t size = sizeof peer;
    if (!fd || ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
    if (peer.pid != vm_) return;
    const int number = fd.get();
    connections_[number].fd = std::move(fd);
  }

  void receive(int fd) {
    Connection& connection = connections_.at(fd);
    char bytes[65536];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostDescriptors)];
    iovec data{bytes, sizeof bytes};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return forget(fd);
    take_descriptors(message, connection);
    connection.bytes.append(bytes, static_cast<std::size_t>(size));
    if (connection.bytes.size() > kMostBytes) return forget(fd);
    std::uint32_t length;
    if (connection.started || connection.bytes.size() < sizeof length) return;
    std::memcpy(&length, connection.bytes.data(), sizeof length);
    if (connection.bytes.size() < sizeof length + length) return;
    serve(connection, std::string_view(connection.bytes).substr(sizeof length, length));
  }

  static void take_descriptors(msghdr& message, Connection& connection) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd;
        std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
        connection.descriptors.emplace_back(fd);
      }
    }
  }

  void serve(Connection& connection, std::string_view bytes) {
    connection.started = true;
    const auto request = parse(bytes, connection.descriptors.size());
    const Started result =
        request ? start(*request, connection.descriptors) : Started{-1, EINVAL, false};
    connection.descriptors.clear();  // the program has its own
    connection.bytes = {};
    if (result.pid < 0) {
      return send(connection, {Answer::kFailed, result.error, result.is_directory ? 1 : 0}, -1);
    }
    children_[result.pid] = connection.fd.get();
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, result.pid, 0)));
    send(connection, {Answer::kStarted, result.pid, 0}, process.get());
  }

  static void send(Connection& connection, Answer answer, int descriptor) {
    iovec data{&answer, sizeof answer};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    if (descriptor >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* const part = CMSG_FIRSTHDR(&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
    }
    // A few bytes on a socket that had none: it is sent whole, or nobody is there.
    static_cast<void>(::sendmsg(connection.fd.get(), &message, MSG_NOSIGNAL));
  }

  void reap() {
    signalfd_siginfo info;
    static_cast<void>(!::read(signals_.get(), &info, sizeof info));
    int status;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto child = children_.find(pid);
      if (child == children_.end()) continue;
      const auto connection = connections_.find(child->second);
      if (connection != connections_.end()) {
        send(connection->second, {Answer::kEnded, status, 0}, -1);
      }
      children_.erase(child);
    }
  }

  /// Nobody waits for that program any more. It goes on; here it is only reaped.
  void forget(int fd) {
    std::erase_if(children_, [fd](const auto& child) { return child.second == fd; });
    connections_.erase(fd);
  }

  const UniqueFd listener_;
  const UniqueFd signals_;
  const pid_t vm_;
  std::map<int, Connection> connections_;  // by descriptor
  std::map<pid_t, int> children_;          // their connections
};

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
  return UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC));
}

}  // namespace
}  // namespace ep::spawner

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: erlang_python_spawner SOCKET_NAME VM_PROCESS_ID\n", stderr);
    return 2;
  }
  ep::UniqueFd listener = ep::spawner::listen_on(argv[1]);
  ep::UniqueFd signals = ep::spawner::child_signals();
  if (!listener || !signals) {
    std::perror("erlang_python_spawner");
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  ep::spawner::Spawner(std::move(listener), std::move(signals), std::atoi(argv[2])).run();
  return 0;
}
