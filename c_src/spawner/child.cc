#include "spawner/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace ep::spawner {
namespace {

struct Report {
  int error;
  Culprit culprit;
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Everything between fork and exec, in the order in which subprocess.Popen has it. A failure goes
/// into `report`, which exec closes.
class Child {
 public:
  Child(const Request& request, const std::vector<UniqueFd>& descriptors, const rlimit& files,
        int report)
      : request_(request), descriptors_(descriptors), files_(files), report_(report) {}

  [[noreturn]] void run() {
    enter_directory();
    if (wants(kLikeItsClient)) resemble_client();
    place_descriptors();
    set_signals();
    set_process();
    execute();
  }

 private:
  [[noreturn]] void fail(int error, Culprit culprit) {
    const Report report{error, culprit};
    static_cast<void>(!::write(report_, &report, sizeof report));
    ::_exit(127);
  }

  void check(int result, Culprit culprit = kOption) {
    if (result < 0) fail(errno, culprit);
  }

  void enter_directory() {
    check(::fchdir(descriptors_.front().get()), kDirectory);
    for (const std::string& directory : request_.directory) {
      check(::chdir(directory.c_str()), kDirectory);
    }
  }

  /// First out of the way of all targets, then to them.
  void place_descriptors() {
    const auto& targets = request_.targets;
    int above = 3;
    for (const int target : targets) above = std::max(above, target + 1);
    report_ = move_above(report_, above);
    std::vector<int> moved;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      moved.push_back(move_above(descriptors_[i + 1].get(), above));
    }
    for (int fd = 0; fd < 3; ++fd) {
      if (std::find(targets.begin(), targets.end(), fd) == targets.end()) ::close(fd);
    }
    for (std::size_t i = 0; i < targets.size(); ++i) check(::dup2(moved[i], targets[i]));
    // Only now: targets may be above what the program itself could open.
    check(::setrlimit(RLIMIT_NOFILE, &files_));
  }

  int move_above(int fd, int above) {
    const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, above);
    check(moved);
    return moved;
  }

  bool wants(Flag flag) const { return (request_.flags & flag) != 0; }

  static bool holds(const std::uint32_t (&set)[2], int signal_number) {
    const unsigned bit = static_cast<unsigned>(signal_number) - 1;
    return (set[bit / 32] >> (bit % 32) & 1) != 0;
  }

  /// What a fork would have inherited; what can't be had is left as it is.
  void resemble_client() {
    const pid_t client = ::getppid();
    for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS); ++resource) {
      rlimit limit;
      if (::syscall(SYS_prlimit64, client, resource, nullptr, &limit) != 0) continue;
      if (resource == RLIMIT_NOFILE) {
        files_ = limit;
      } else {
        ::syscall(SYS_prlimit64, 0, resource, &limit, nullptr);
      }
    }
    const auto thread = static_cast<id_t>(request_.thread);
    errno = 0;
    const int nice = ::getpriority(PRIO_PROCESS, thread);
    if (errno == 0 && nice != ::getpriority(PRIO_PROCESS, 0)) ::setpriority(PRIO_PROCESS, 0, nice);
    cpu_set_t processors;
    if (::sched_getaffinity(request_.thread, sizeof processors, &processors) == 0) {
      ::sched_setaffinity(0, sizeof processors, &processors);
    }
    // Impossible if the client has gone to another session; 0 is a group outside this namespace.
    if (const pid_t group = ::getpgid(client); group > 0) ::setpgid(0, group);
  }

  void set_signals() {
    sigset_t blocked;
    sigemptyset(&blocked);
    if (wants(kLikeItsClient)) {
      for (int number = 1; number <= 64; ++number) {
        signal(number, holds(request_.ignored, number) ? SIG_IGN : SIG_DFL);
        if (holds(request_.blocked, number)) sigaddset(&blocked, number);
      }
    } else {
      signal(SIGFPE, SIG_DFL);  // the VM ignores it
    }
    // Python ignores these two, and so do its children unless they are told not to.
    const bool restored = wants(kRestoreSignals);
    if (restored || !wants(kLikeItsClient)) {
      signal(SIGPIPE, restored ? SIG_DFL : SIG_IGN);
      signal(SIGXFSZ, restored ? SIG_DFL : SIG_IGN);
    }
    sigprocmask(SIG_SETMASK, &blocked, nullptr);
  }

  void set_process() {
    ::umask(request_.umask);
    if (wants(kNewSession)) check(::setsid());
    if (wants(kHasProcessGroup)) check(::setpgid(0, request_.process_group));
    if (wants(kHasGroups)) check(::setgroups(request_.groups.size(), request_.groups.data()));
    if (wants(kHasGid)) check(::setregid(request_.gid, request_.gid));
    if (wants(kHasUid)) check(::setreuid(request_.uid, request_.uid));
  }

  [[noreturn]] void execute() {
    const auto arguments = pointers(request_.arguments);
    const auto environment = pointers(request_.environment);
    int error = 0;
    for (const std::string& path : request_.paths) {
      ::execve(path.c_str(), arguments.data(), environment.data());
      // "Not there" gives way to what is wrong with the first that is.
      if (errno != ENOENT && errno != ENOTDIR && error == 0) error = errno;
    }
    fail(error != 0 ? error : errno, kProgram);
  }

  const Request& request_;
  const std::vector<UniqueFd>& descriptors_;
  rlimit files_;
  int report_;
};

}  // namespace

pid_t fork_sibling() {
  return static_cast<pid_t>(::syscall(SYS_clone, CLONE_PARENT, nullptr, nullptr, nullptr, nullptr));
}

Started start(const Request& request, const std::vector<UniqueFd>& descriptors, const rlimit& files,
              Parent parent) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {-1, errno, kProgram};
  const UniqueFd reads(ends[0]);
  UniqueFd writes(ends[1]);
  const pid_t pid = parent == Parent::kClient ? fork_sibling() : ::fork();
  if (pid < 0) return {-1, errno, kProgram};
  if (pid == 0) Child(request, descriptors, files, writes.get()).run();
  writes.reset();
  Report report;
  ssize_t size;
  do {
    size = ::read(reads.get(), &report, sizeof report);  // ends at exec
  } while (size < 0 && errno == EINTR);
  if (size != sizeof report) return {pid, 0, kProgram};
  while (parent == Parent::kSpawner && ::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {pid, report.error, report.culprit};
}

}  // namespace ep::spawner
