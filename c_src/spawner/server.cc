#include "spawner/server.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <utility>

#include "spawner/child.h"

namespace ep::spawner {
namespace {

constexpr std::size_t kMostBytes = std::size_t{8} << 20;  // the system's own limit is 6 MiB
constexpr std::size_t kMostDescriptors = 253;             // the system's limit
constexpr int kCrowdedPause = 100;  // milliseconds until the next try to accept

/// A few bytes on a socket that had none: they are sent whole, or nobody is there.
void send(int socket, Answer answer, int descriptor = -1) {
  iovec data{&answer, sizeof answer};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
  }
  static_cast<void>(::sendmsg(socket, &message, MSG_NOSIGNAL));
}

}  // namespace

void Server::run() {
  for (;;) {
    std::vector<pollfd> polled = {{config_.lifeline, POLLIN, 0},
                                  {config_.signals.get(), POLLIN, 0},
                                  {crowded_ ? -1 : config_.listener.get(), POLLIN, 0}};
    constexpr std::size_t kFixed = 3;
    for (const auto& [fd, connection] : connections_) polled.push_back({fd, POLLIN, 0});
    const int timeout = crowded_ ? kCrowdedPause : -1;
    crowded_ = false;
    if (::poll(polled.data(), polled.size(), timeout) < 0) continue;  // EINTR
    if (polled[0].revents != 0 && at_end_of_life()) return;
    if (polled[1].revents != 0) reap();
    for (std::size_t i = kFixed; i < polled.size(); ++i) {
      if (polled[i].revents != 0) receive(polled[i].fd);
    }
    if (polled[2].revents != 0) accept();
  }
}

bool Server::at_end_of_life() const {
  char ignored[256];
  const ssize_t size = ::read(config_.lifeline, ignored, sizeof ignored);
  return size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN);
}

void Server::accept() {
  UniqueFd fd(::accept4(config_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    crowded_ = errno != EAGAIN && errno != EINTR && errno != ECONNABORTED;
    return;
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  if (peer.pid != config_.client) return;
  const int number = fd.get();
  connections_[number].fd = std::move(fd);
}

void Server::receive(int fd) {
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
  if (connection.served || connection.bytes.size() > kMostBytes) return forget(fd);
  std::uint32_t length;
  if (connection.bytes.size() < sizeof length) return;
  std::memcpy(&length, connection.bytes.data(), sizeof length);
  if (connection.bytes.size() < sizeof length + length) return;
  serve(connection, std::string_view(connection.bytes).substr(sizeof length));
}

void Server::take_descriptors(msghdr& message, Connection& connection) {
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

void Server::serve(Connection& connection, std::string_view bytes) {
  connection.served = true;
  const auto request = parse(bytes, connection.descriptors.size());
  const Started result =
      request ? start(*request, connection.descriptors, config_.files, config_.parent)
              : Started{-1, EINVAL, kOption};
  const bool is_clients = config_.parent == Parent::kClient;
  connection.descriptors.clear();  // the program has its own
  connection.bytes = {};
  const int socket = connection.fd.get();
  const pid_t to_wait_for = is_clients && result.pid > 0 ? result.pid : 0;
  if (result.error != 0) {
    return send(socket, {Answer::kFailed, result.error, result.culprit, to_wait_for});
  }
  if (!is_clients) children_[result.pid] = socket;
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, result.pid, 0)));
  send(socket, {Answer::kStarted, result.pid, 0, to_wait_for}, process.get());
}

void Server::reap() {
  signalfd_siginfo info;
  static_cast<void>(!::read(config_.signals.get(), &info, sizeof info));
  int status;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto child = children_.find(pid);
    if (child == children_.end()) continue;
    send(child->second, {Answer::kEnded, status, 0, 0});
    children_.erase(child);
  }
}

void Server::forget(int fd) {
  std::erase_if(children_, [fd](const auto& child) { return child.second == fd; });
  connections_.erase(fd);
}

}  // namespace ep::spawner
