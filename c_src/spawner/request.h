// What a request to start a program says, and the answers, as they go over the spawner's socket.
//
// A request is a 32-bit length and that many bytes; its descriptors come with the first byte. The
// bytes are 32-bit words, and lists, with their length in front, of words or of NUL-terminated
// strings, all in the machine's byte order (both ends are one machine's):
//
//   flags, umask, process group, uid, gid
//   the thread that asks; the signals that it ignores, and blocks (64 bits each, low word first)
//   list of the numbers that the descriptors, save for the first, are to have in the program
//   list of supplementary groups
//   list of paths to try, argv, environment, list of at most one directory
//
// The first descriptor is the directory to start in, from which the others are relative.
// priv/python/erlang/_spawner.py is the other end.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ep::spawner {

enum Flag : std::uint32_t {
  kNewSession = 1,
  kRestoreSignals = 2,
  kHasProcessGroup = 4,
  kHasUid = 8,
  kHasGid = 16,
  kHasGroups = 32,
  kLikeItsClient = 64,  // as if the thread that asks had forked it
};

struct Request {
  std::uint32_t flags = 0;
  mode_t umask = 0;
  pid_t process_group = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t thread = 0;
  std::uint32_t ignored[2] = {};
  std::uint32_t blocked[2] = {};
  std::vector<int> targets;  // of the descriptors but the first, in the order in which they came
  std::vector<gid_t> groups;
  std::vector<std::string> paths;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::vector<std::string> directory;
};

/// None if the bytes are not a request with that many descriptors.
std::optional<Request> parse(std::string_view bytes, std::size_t descriptors);

/// An answer; kStarted comes with a descriptor of the process (pidfd), where the system has them.
struct Answer {
  enum Kind : std::int32_t {
    kStarted = 1,  // value: process id
    kFailed = 2,   // value: errno; detail: a Culprit
    kEnded = 3,    // value: the status as waitpid() gives it
  };
  std::int32_t kind;
  std::int32_t value;
  std::int32_t detail;
  std::int32_t child;  // a process that the client is the parent of, and has to wait for; or 0
};

/// What an error is about.
enum Culprit : std::int32_t { kProgram = 0, kDirectory = 1, kOption = 2 };

}  // namespace ep::spawner
