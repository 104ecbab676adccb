#include "loop/descriptor_watches.h"

#include "cpython/slot.h"
#include "loop/event_loop.h"

namespace ep::loop {

class DescriptorWatches::Watch final : public io::Watcher {
 public:
  explicit Watch(EventLoop& loop) noexcept : loop_(loop) {}
  ~Watch() { loop_.poller().unwatch(*this); }

  void on_ready(io::Events ready) noexcept override {
    const Attached py = Attached::in_slot();
    if (ready & io::kRead) queue(py, reader_);
    if (ready & io::kWrite) queue(py, writer_);
  }

  PyRef& handle(io::Events direction) noexcept {
    return direction == io::kRead ? reader_ : writer_;
  }

  io::Events wanted() const noexcept {
    return static_cast<io::Events>((reader_ ? io::kRead : io::kNothing) |
                                   (writer_ ? io::kWrite : io::kNothing));
  }

 private:
  void queue(const Attached& py, const PyRef& handle) noexcept {
    auto* callback = reinterpret_cast<Handle*>(handle.get());
    // Level-triggered: without memory now, the next poll reports it again.
    if (!loop_.queue(py, ReadyEntry(callback))) PyErr_Clear();
  }

  EventLoop& loop_;
  PyRef reader_;
  PyRef writer_;
};

DescriptorWatches::DescriptorWatches(EventLoop& loop) noexcept : loop_(loop) {}
DescriptorWatches::~DescriptorWatches() = default;

bool DescriptorWatches::add(const Attached& py, int fd, io::Events direction, Handle* handle) {
  std::unique_ptr<Watch>& watch = watches_[fd];
  if (!watch) watch = std::make_unique<Watch>(loop_);
  const PyRef replaced =
      std::exchange(watch->handle(direction), PyRef::borrow(reinterpret_cast<PyObject*>(handle)));
  // If the number was watched already it may by now be another file: make the poller ask anew.
  if (watch->watched_fd() >= 0) loop_.poller().unwatch(*watch);
  const int error = loop_.poller().watch(*watch, fd, watch->wanted());
  if (error != 0) remove(py, fd, direction);
  if (replaced) cancel_handle(py, reinterpret_cast<Handle*>(replaced.get()));
  if (error == 0) return true;
  errno = error;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

bool DescriptorWatches::remove(const Attached& py, int fd, io::Events direction) {
  const auto found = watches_.find(fd);
  if (found == watches_.end()) return false;
  Watch& watch = *found->second;
  const PyRef handle = std::exchange(watch.handle(direction), PyRef());
  if (watch.wanted() == io::kNothing) {
    watches_.erase(found);
  } else if (watch.watched_fd() >= 0) {
    loop_.poller().watch(watch, fd, watch.wanted());
  }
  if (!handle) return false;
  cancel_handle(py, reinterpret_cast<Handle*>(handle.get()));
  return true;
}

io::Events DescriptorWatches::watched(int fd) const noexcept {
  const auto found = watches_.find(fd);
  return found == watches_.end() ? io::kNothing : found->second->wanted();
}

void DescriptorWatches::clear(const Attached&) noexcept {
  // Finalizers of what the handles refer to may come back here.
  const Watches dropped = std::exchange(watches_, Watches());
}

int DescriptorWatches::traverse(visitproc visit, void* arg) const {
  for (const auto& [fd, watch] : watches_) {
    Py_VISIT(watch->handle(io::kRead).get());
    Py_VISIT(watch->handle(io::kWrite).get());
  }
  return 0;
}

}  // namespace ep::loop
