#include "spawner/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace ep::spawner {
namespace {

struct Report {
  int error;
  bool is_directory;
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Everything between fork and exec. Nothing here returns normally: a failure is thrown as errno.
class Child {
 public:
  Child(const Request& request, const std::vector<UniqueFd>& descriptors, int report)
      : request_(request), descriptors_(descriptors), report_(report) {}

  [[noreturn]] void run() {
    place_descriptors();
    set_signals();
    set_process();
    execute();
  }

 private:
  [[noreturn]] void fail(int error, bool is_directory = false) {
    const Report report{error, is_directory};
    static_cast<void>(!::write(report_, &report, sizeof report));
    ::_exit(127);
  }

  void check(long result) {
    if (result < 0) fail(errno);
  }

  /// First out of the way of all targets, then to them.
  void place_descriptors() {
    int above = 3;
    for (const int target : request_.targets) above = std::max(above, target + 1);
    report_ = ::fcntl(report_, F_DUPFD_CLOEXEC, above);
    std::vector<int> moved;
    for (const UniqueFd& fd : descriptors_) {
      moved.push_back(::fcntl(fd.get(), F_DUPFD_CLOEXEC, above));
      check(moved.back());
    }
    std::vector<int> kept = request_.targets;
    std::sort(kept.begin(), kept.end());
    close_others(kept);
    for (std::size_t i = 0; i < moved.size(); ++i) check(::dup2(moved[i], request_.targets[i]));
  }

  /// All descriptors close with exec except the targets; standard ones that are none close now.
  void close_others(const std::vector<int>& kept) {
    for (int fd = 0; fd < 3; ++fd) {
      if (!std::binary_search(kept.begin(), kept.end(), fd)) ::close(fd);
    }
#ifdef SYS_close_range
    constexpr unsigned kCloseRangeCloexec = 4;
    if (::syscall(SYS_close_range, 3u, ~0u, kCloseRangeCloexec) == 0) return;
#endif
    rlimit limit;
    const int end = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<int>(limit.rlim_cur) : 1024;
    for (int fd = 3; fd < end; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }

  void set_signals() {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    // What the VM ignores its children ignored, too.
    signal(SIGCHLD, SIG_DFL);
    if ((request_.flags & kRestoreSignals) == 0) return;
    for (const int number : {SIGPIPE, SIGXFSZ}) signal(number, SIG_DFL);
  }

  void set_process() {
    if ((request_.flags & kHasUmask) != 0) ::umask(request_.umask);
    if ((request_.flags & kNewSession) != 0) check(::setsid());
    if ((request_.flags & kHasProcessGroup) != 0) check(::setpgid(0, request_.process_group));
    if ((request_.flags & kHasGid) != 0) check(::setregid(request_.gid, request_.gid));
    if ((request_.flags & kHasUid) != 0) check(::setreuid(request_.uid, request_.uid));
    for (const std::string& directory : request_.directory) {
      if (::chdir(directory.c_str()) != 0) fail(errno, true);
    }
  }

  [[noreturn]] void execute() {
    const auto arguments = pointers(request_.arguments);
    const auto environment = pointers(request_.environment);
    int error = ENOENT;
    for (const std::string& path : request_.paths) {
      ::execve(path.c_str(), arguments.data(), environment.data());
      // As subprocess.Popen: "not there" gives way to what is wrong with one that is.
      if (errno != ENOENT && errno != ENOTDIR) error = errno;
    }
    fail(error);
  }

  const Request& request_;
  const std::vector<UniqueFd>& descriptors_;
  int report_;
};

}  // namespace

Started start(const Request& request, const std::vector<UniqueFd>& descriptors) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {-1, errno, false};
  const UniqueFd reads(ends[0]);
  UniqueFd writes(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return {-1, errno, false};
  if (pid == 0) Child(request, descriptors, writes.get()).run();
  writes.reset();
  Report report;
  ssize_t size;
  do {
    size = ::read(reads.get(), &report, sizeof report);  // ends at exec
  } while (size < 0 && errno == EINTR);
  if (size != sizeof report) return {pid, 0, false};
  ::waitpid(pid, nullptr, 0);
  return {-1, report.error, report.is_directory};
}

}  // namespace ep::spawner
