// Starting a program in a child process.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <vector>

#include "base/unique_fd.h"
#include "spawner/request.h"

namespace ep::spawner {

struct Started {
  pid_t pid = -1;  // of the program, or of the process that could not become it
  int error = 0;   // errno, if it does not run
  Culprit culprit = kProgram;
};

/// Whose child a program is: this process's, or that of this process's own parent.
enum class Parent { kSpawner, kClient };

/// fork(), but what it makes is a child of this process's parent. Of one thread only.
pid_t fork_sibling();

/// Makes a process and executes the program in it. Returns when the program runs, or could not be
/// run; a failed process of our own has been waited for. The program may have `files` descriptors
/// open. All descriptors of this process but the standard ones must be set to close with exec.
Started start(const Request& request, const std::vector<UniqueFd>& descriptors, const rlimit& files,
              Parent parent);

}  // namespace ep::spawner
