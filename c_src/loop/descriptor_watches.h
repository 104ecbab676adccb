// DescriptorWatches: what add_reader() and add_writer() watch: for each descriptor at most one
// reader and one writer Handle, queued on the loop whenever the descriptor is ready.
//
// The loop's thread. Owns a reference to each Handle, and to the file object that the
// descriptor was named by: a socket that has been closed meanwhile has no number any more, and its
// watch is found by the object.
#pragma once

#include <memory>
#include <unordered_map>

#include "io/poller.h"
#include "loop/handle.h"
#include "loop/on_loop.h"

namespace ep::loop {

class DescriptorWatches {
 public:
  DescriptorWatches(EventLoop& loop, io::Poller& its_poller) noexcept;
  ~DescriptorWatches();
  DescriptorWatches(const DescriptorWatches&) = delete;
  DescriptorWatches& operator=(const DescriptorWatches&) = delete;

  /// `direction` is io::kRead or io::kWrite. `file` is what the caller named the descriptor by; it
  /// is kept alive. Cancels and replaces the handle that was there. False: Python error set
  /// (OSError), and `fd` is no longer watched in this direction.
  bool add(const OnLoop& py, int fd, PyObject* file, io::Events direction, Handle* handle);

  /// Cancels the handle. False: there was none.
  bool remove(const OnLoop& py, int fd, io::Events direction);

  /// The descriptor that is watched by the name of `file`, which may be closed by now; -1: none.
  int find(const OnLoop& py, PyObject* file) const noexcept;

  /// The directions in which `fd` has a handle.
  io::Events watched(const OnLoop& py, int fd) const noexcept;

  /// Drops all, cancelling nothing.
  void clear(const OnLoop& py) noexcept;

  int traverse(visitproc visit, void* arg) const;

 private:
  class Watch;
  using Watches = std::unordered_map<int, std::unique_ptr<Watch>>;

  EventLoop& loop_;
  io::Poller& poller_;
  Watches watches_;
};

}  // namespace ep::loop
