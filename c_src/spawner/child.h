// Starting a program in a child process.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <vector>

#include "base/unique_fd.h"
#include "spawner/request.h"

namespace ep::spawner {

struct Started {
  pid_t pid = -1;
  int error = 0;  // errno, if there is no process
  Culprit culprit = kProgram;
};

/// Forks and executes. Returns when the program runs, or could not be run. The program may have
/// `files` descriptors open. All descriptors of this process but the standard ones must be set to
/// close with exec.
Started start(const Request& request, const std::vector<UniqueFd>& descriptors,
              const rlimit& files);

}  // namespace ep::spawner
