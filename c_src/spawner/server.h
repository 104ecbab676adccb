// Server: starts programs for those who connect, and tells them when they end.
//
// Each connection is one program: a request (spawner/request.h) comes in, "started" or "failed"
// goes back, and later "ended", unless the client is the program's parent and sees for itself. A
// program whose connection is closed goes on; it is only reaped.
//
// One thread. It never blocks but in poll(), and in start() until the exec.
#pragma once

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "spawner/child.h"
#include "spawner/request.h"

namespace ep::spawner {

class Server {
 public:
  struct Config {
    UniqueFd listener;  // non-blocking
    UniqueFd signals;   // a non-blocking signalfd of SIGCHLD, which is blocked; none: no children
    int lifeline;       // serves until this descriptor is at its end; -1: for ever
    pid_t client;       // nobody else is let in
    rlimit files;       // of descriptors, for the programs
    Parent parent;      // of the programs
  };

  explicit Server(Config config) : config_(std::move(config)) {}

  void run();

 private:
  struct Connection {
    UniqueFd fd;
    std::string bytes;
    std::vector<UniqueFd> descriptors;
    bool served = false;
  };

  bool at_end_of_life() const;
  void accept();
  void receive(int fd);
  static void take_descriptors(msghdr& message, Connection& connection);
  void serve(Connection& connection, std::string_view bytes);
  void reap();
  void forget(int fd);

  Config config_;
  std::map<int, Connection> connections_;  // by descriptor
  std::map<pid_t, int> children_;          // their connections
  bool crowded_ = false;                   // no descriptor was left for a connection
};

}  // namespace ep::spawner
