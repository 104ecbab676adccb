#include "loop/descriptor_watches.h"

#include "cpython/slot.h"
#include "loop/event_loop.h"
#include "loop/io_callback.h"

namespace ep::loop {

class DescriptorWatches::Watch final : public IoCallback {
 public:
  struct Side {
    PyRef handle;
    PyRef file;
  };

  Watch(EventLoop& loop, io::Poller& poller) noexcept : loop_(loop), poller_(poller) {}
  ~Watch() { poller_.unwatch(*this); }

  void on_ready(const OnLoop& py, io::Events ready) noexcept override {
    if (ready & io::kRead) queue(py, reader_.handle);
    if (ready & io::kWrite) queue(py, writer_.handle);
  }

  Side& side(io::Events direction) noexcept { return direction == io::kRead ? reader_ : writer_; }

  io::Events wanted() const noexcept {
    return static_cast<io::Events>((reader_.handle ? io::kRead : io::kNothing) |
                                   (writer_.handle ? io::kWrite : io::kNothing));
  }
  bool is_of(PyObject* file) const noexcept {
    return reader_.file.get() == file || writer_.file.get() == file;
  }

 private:
  void queue(const OnLoop& py, const PyRef& handle) noexcept {
    auto* callback = reinterpret_cast<Handle*>(handle.get());
    // Level-triggered: without memory now, the next poll reports it again.
    if (!loop_.queue(py, ReadyEntry(callback))) PyErr_Clear();
  }

  EventLoop& loop_;
  io::Poller& poller_;
  Side reader_;
  Side writer_;
};

DescriptorWatches::DescriptorWatches(EventLoop& loop, io::Poller& its_poller) noexcept
    : loop_(loop), poller_(its_poller) {}
DescriptorWatches::~DescriptorWatches() = default;

bool DescriptorWatches::add(const OnLoop& py, int fd, PyObject* file, io::Events direction,
                            Handle* handle) {
  std::unique_ptr<Watch>& watch = watches_[fd];
  if (!watch) watch = std::make_unique<Watch>(loop_, poller_);
  const Watch::Side replaced =
      std::exchange(watch->side(direction), {PyRef::borrow(handle->object()), PyRef::borrow(file)});
  // If the number was watched already it may by now be another file: make the poller ask anew.
  if (watch->watched_fd() >= 0) poller_.unwatch(*watch);
  const int error = poller_.watch(*watch, fd, watch->wanted());
  if (error != 0) remove(py, fd, direction);
  if (replaced.handle) cancel_handle(py, reinterpret_cast<Handle*>(replaced.handle.get()));
  if (error == 0) return true;
  errno = error;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

bool DescriptorWatches::remove(const OnLoop& py, int fd, io::Events direction) {
  const auto found = watches_.find(fd);
  if (found == watches_.end()) return false;
  Watch& watch = *found->second;
  const Watch::Side removed = std::exchange(watch.side(direction), {});
  if (watch.wanted() == io::kNothing) {
    watches_.erase(found);
  } else if (watch.watched_fd() >= 0) {
    poller_.watch(watch, fd, watch.wanted());
  }
  if (!removed.handle) return false;
  cancel_handle(py, reinterpret_cast<Handle*>(removed.handle.get()));
  return true;
}

int DescriptorWatches::find(const OnLoop&, PyObject* file) const noexcept {
  for (const auto& [fd, watch] : watches_) {
    if (watch->is_of(file)) return fd;
  }
  return -1;
}

io::Events DescriptorWatches::watched(const OnLoop&, int fd) const noexcept {
  const auto found = watches_.find(fd);
  return found == watches_.end() ? io::kNothing : found->second->wanted();
}

void DescriptorWatches::clear(const OnLoop&) noexcept {
  // Finalizers of what the handles refer to may come back here.
  const Watches dropped = std::exchange(watches_, Watches());
}

int DescriptorWatches::traverse(visitproc visit, void* arg) const {
  for (const auto& [fd, watch] : watches_) {
    for (const io::Events direction : {io::kRead, io::kWrite}) {
      Py_VISIT(watch->side(direction).handle.get());
      Py_VISIT(watch->side(direction).file.get());
    }
  }
  return 0;
}

}  // namespace ep::loop
