// TestSockets: the descriptors that py_nif:create_test_udp_socket/1 has made. Any thread.
#pragma once

#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/unique_fd.h"

namespace ep::nif {

class TestSockets {
 public:
  void insert(UniqueFd fd) {
    std::lock_guard lock(mutex_);
    const int number = fd.get();
    sockets_.insert_or_assign(number, std::move(fd));
  }
  bool contains(int fd) {
    std::lock_guard lock(mutex_);
    return sockets_.contains(fd);
  }
  void close(int fd) {
    std::lock_guard lock(mutex_);
    sockets_.erase(fd);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<int, UniqueFd> sockets_;
};

}  // namespace ep::nif
