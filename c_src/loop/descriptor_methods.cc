// add_reader(), remove_writer() and their siblings, and the forms with an underscore that asyncio's
// own transports use.
#include "cpython/error.h"
#include "cpython/heap_type.h"
#include "cpython/slot.h"
#include "loop/call_arguments.h"
#include "loop/event_loop_methods.h"
#include "loop/loop_slot.h"
#include "loop/loop_types.h"

namespace ep::loop {
namespace {

constexpr const char* kFd[] = {"fd"};
constexpr const char* kFdCallback[] = {"fd", "callback"};

/// A descriptor number, or what has fileno(), as selectors take them; also what had one when the
/// loop began to watch it. -1: ValueError set.
int descriptor_of(const OnLoop& py, PyObject* object) {
  PyRef number;
  if (PyLong_Check(object)) {
    number = PyRef::borrow(object);
  } else {
    const PyRef result = PyRef::steal(PyObject_CallMethod(object, "fileno", nullptr));
    if (result) number = PyRef::steal(PyNumber_Long(result.get()));
  }
  if (!number) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError) && !PyErr_ExceptionMatches(PyExc_TypeError) &&
        !PyErr_ExceptionMatches(PyExc_ValueError)) {
      return -1;
    }
    take_error(py);
    const int watched = py.loop().descriptors(py).find(py, object);
    if (watched >= 0) return watched;
    PyErr_Format(PyExc_ValueError, "Invalid file object: %R", object);
    return -1;
  }
  int overflow = 0;
  const long fd = PyLong_AsLongAndOverflow(number.get(), &overflow);
  if (overflow != 0 || fd < 0 || fd > INT_MAX) {
    const int watched = py.loop().descriptors(py).find(py, object);
    if (watched >= 0) return watched;
    PyErr_Format(PyExc_ValueError, "Invalid file descriptor: %S", number.get());
    return -1;
  }
  return static_cast<int>(fd);
}

bool check_no_transport(EventLoop& loop, PyObject* file) {
  return static_cast<bool>(
      PyRef::steal(PyObject_CallMethod(loop.object(), "_ensure_fd_no_transport", "(O)", file)));
}

/// Null: Python error set.
PyRef add(const OnLoop& py, io::Events direction, const CallArguments& call) {
  EventLoop& loop = py.loop();
  if (!check_open(py, loop)) return nullptr;
  PyObject* const file = call.leading[0];
  const int fd = descriptor_of(py, file);
  if (fd < 0) return nullptr;
  Handle* handle = new_handle(py, loop, call.leading[1], call.rest, call.rest_count, nullptr);
  if (handle == nullptr) return nullptr;
  track(handle);
  PyRef owner = PyRef::steal(handle->object());
  if (!loop.descriptors(py).add(py, fd, file, direction, handle)) return nullptr;
  // Another thread's loop may be asleep without a poller yet.
  if (loop.running_thread() != PyThread_get_thread_ident()) loop.wake();
  return owner;
}

PyRef remove(const OnLoop& py, io::Events direction, PyObject* file) {
  EventLoop& loop = py.loop();
  if (loop.is_closed()) return PyRef::borrow(Py_False);
  const int fd = descriptor_of(py, file);
  if (fd < 0) return nullptr;
  return PyRef::borrow(loop.descriptors(py).remove(py, fd, direction) ? Py_True : Py_False);
}

template <io::Events direction>
PyObject* add_public(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                     PyObject* kwnames) noexcept {
  return loop_slot(*EventLoop::of(self), [&](const OnLoop& py) -> PyRef {
    EventLoop& loop = py.loop();
    CallArguments call;
    const char* name = direction == io::kRead ? "add_reader" : "add_writer";
    if (!call.parse(loop.types(), name, kFdCallback, args, nargs, kwnames, false)) return nullptr;
    if (!check_no_transport(loop, call.leading[0])) return nullptr;
    return add(py, direction, call) ? PyRef::borrow(Py_None) : PyRef();
  });
}

template <io::Events direction>
PyObject* add_private(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                      PyObject* kwnames) noexcept {
  return loop_slot(*EventLoop::of(self), [&](const OnLoop& py) -> PyRef {
    EventLoop& loop = py.loop();
    CallArguments call;
    const char* name = direction == io::kRead ? "_add_reader" : "_add_writer";
    if (!call.parse(loop.types(), name, kFdCallback, args, nargs, kwnames, false)) return nullptr;
    return add(py, direction, call);
  });
}

template <io::Events direction>
PyObject* remove_public(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                        PyObject* kwnames) noexcept {
  return loop_slot(*EventLoop::of(self), [&](const OnLoop& py) -> PyRef {
    EventLoop& loop = py.loop();
    CallArguments call;
    const char* name = direction == io::kRead ? "remove_reader" : "remove_writer";
    if (!call.parse(loop.types(), name, kFd, args, nargs, kwnames, false)) return nullptr;
    if (call.rest_count > 0) {
      PyErr_Format(PyExc_TypeError, "%s() takes 1 argument", name);
      return nullptr;
    }
    PyObject* file = call.leading[0];
    if (!check_no_transport(loop, file)) return nullptr;
    return remove(py, direction, file);
  });
}

template <io::Events direction>
PyObject* remove_private(PyObject* self, PyObject* file) noexcept {
  return loop_slot(*EventLoop::of(self),
                   [&](const OnLoop& py) -> PyRef { return remove(py, direction, file); });
}

PyObject* watched_events(PyObject* self, PyObject* file) noexcept {
  return loop_slot(*EventLoop::of(self), [&](const OnLoop& py) -> PyRef {
    const int fd = descriptor_of(py, file);
    if (fd < 0) return nullptr;
    return PyRef::steal(PyLong_FromLong(py.loop().descriptors(py).watched(py, fd)));
  });
}

}  // namespace

PyMethodDef descriptor_methods[] = {
    {"add_reader", as_method(add_public<io::kRead>), METH_FASTCALL | METH_KEYWORDS,
     "add_reader($self, fd, callback, *args)\n--\n\n"
     "Call it whenever fd, a number or a file object, is readable."},
    {"add_writer", as_method(add_public<io::kWrite>), METH_FASTCALL | METH_KEYWORDS,
     "add_writer($self, fd, callback, *args)\n--\n\n"
     "Call it whenever fd, a number or a file object, is writable."},
    {"remove_reader", as_method(remove_public<io::kRead>), METH_FASTCALL | METH_KEYWORDS,
     "remove_reader($self, fd)\n--\n\nFalse if there was none."},
    {"remove_writer", as_method(remove_public<io::kWrite>), METH_FASTCALL | METH_KEYWORDS,
     "remove_writer($self, fd)\n--\n\nFalse if there was none."},
    {"_add_reader", as_method(add_private<io::kRead>), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"_add_writer", as_method(add_private<io::kWrite>), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"_remove_reader", remove_private<io::kRead>, METH_O, nullptr},
    {"_remove_writer", remove_private<io::kWrite>, METH_O, nullptr},
    {"_watched_events", watched_events, METH_O,
     "As selectors.EVENT_READ and EVENT_WRITE; 0: none."},
    {nullptr, nullptr, 0, nullptr},
};

// selectors' own numbers.
static_assert(io::kRead == 1 && io::kWrite == 2);

}  // namespace ep::loop
