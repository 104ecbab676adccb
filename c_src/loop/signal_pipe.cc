#include "loop/signal_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cpython/slot.h"
#include "loop/event_loop.h"

namespace ep::loop {
namespace {

bool fail(int error) {
  errno = error;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

}  // namespace

int SignalPipe::write_end(const Attached& py) {
  if (write_end_) return write_end_.get();
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
    fail(errno);
    return -1;
  }
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  if (watch(py)) return write_end_.get();
  close();
  return -1;
}

bool SignalPipe::set_forwarding(const Attached& py, bool forwarding) {
  if (forwarding == forwarding_) return true;
  forwarding_ = forwarding;
  if (!read_end_) return true;
  loop_.poller().unwatch(*this);
  return watch(py);
}

bool SignalPipe::watch(const Attached&) {
  const int error = loop_.poller().watch(*this, read_end_.get(), io::kRead, !forwarding_);
  return error == 0 || fail(error);
}

void SignalPipe::close() noexcept {
  loop_.poller().unwatch(*this);
  read_end_.reset();
  write_end_.reset();
}

void SignalPipe::on_ready(io::Events) noexcept {
  const Attached py = Attached::in_slot();
  char numbers[64];
  ssize_t count;
  while ((count = ::read(read_end_.get(), numbers, sizeof numbers)) > 0) {
    if (forwarding_) forward(py, numbers, count);
  }
}

void SignalPipe::forward(const Attached& py, const char* numbers, Py_ssize_t count) noexcept {
  const int result = slot([&](const Attached&) -> int {
    const PyRef callback =
        PyRef::steal(PyObject_GetAttrString(loop_.object(), "_process_self_data"));
    if (!callback) return -1;
    const PyRef data = PyRef::steal(PyBytes_FromStringAndSize(numbers, count));
    if (!data) return -1;
    PyObject* args[] = {data.get()};
    Handle* handle = new_handle(py, loop_, callback.get(), args, 1, nullptr);
    if (handle == nullptr) return -1;
    const PyRef owner = PyRef::steal(reinterpret_cast<PyObject*>(handle));
    return loop_.queue(py, ReadyEntry(handle)) ? 0 : -1;
  });
  if (result != 0) PyErr_WriteUnraisable(loop_.object());
}

}  // namespace ep::loop
