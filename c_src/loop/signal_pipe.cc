#include "loop/signal_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cpython/or_throw.h"
#include "loop/event_loop.h"

namespace ep::loop {
namespace {

bool fail(int error) {
  errno = error;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

}  // namespace

int SignalPipe::write_end(const OnLoop& py) {
  if (write_end_) return write_end_.get();
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
    fail(errno);
    return -1;
  }
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  if (watch(py)) return write_end_.get();
  close(py);
  return -1;
}

bool SignalPipe::set_forwarding(const OnLoop& py, bool forwarding) {
  if (forwarding == forwarding_) return true;
  forwarding_ = forwarding;
  if (!read_end_) return true;
  loop_.poller(py).unwatch(*this);
  return watch(py);
}

bool SignalPipe::watch(const OnLoop& py) {
  const int error = loop_.poller(py).watch(*this, read_end_.get(), io::kRead, !forwarding_);
  return error == 0 || fail(error);
}

void SignalPipe::close(const OnLoop& py) noexcept {
  loop_.poller(py).unwatch(*this);
  read_end_.reset();
  write_end_.reset();
}

void SignalPipe::on_ready(const OnLoop& py, io::Events) noexcept {
  char numbers[64];
  ssize_t count;
  while ((count = ::read(read_end_.get(), numbers, sizeof numbers)) > 0) {
    if (forwarding_) forward(py, numbers, count);
  }
}

void SignalPipe::forward(const OnLoop& py, const char* numbers, Py_ssize_t count) noexcept {
  const bool queued = translate_errors(py, [&] {
    const PyRef callback = attribute(loop_.object(), "_process_self_data");
    const PyRef data = or_throw(PyBytes_FromStringAndSize(numbers, count));
    PyObject* args[] = {data.get()};
    Handle* handle = new_handle(py, loop_, callback.get(), args, 1, nullptr);
    if (handle == nullptr) throw PythonError();
    const PyRef owner = PyRef::steal(reinterpret_cast<PyObject*>(handle));
    if (!loop_.queue(py, ReadyEntry(handle))) throw PythonError();
  });
  if (!queued) PyErr_WriteUnraisable(loop_.object());
}

}  // namespace ep::loop
