// Starting a program in a child process.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/unique_fd.h"
#include "spawner/request.h"

namespace ep::spawner {

struct Started {
  pid_t pid = -1;
  int error = 0;             // errno, if there is no process
  bool is_directory = false;  // the error is about the directory
};

/// Forks and executes. Returns when the program runs, or could not be run.
Started start(const Request& request, const std::vector<UniqueFd>& descriptors);

}  // namespace ep::spawner
