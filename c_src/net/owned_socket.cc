#include "net/owned_socket.h"

#include "cpython/error.h"
#include "cpython/interpreter.h"
#include "cpython/slot.h"
#include "net/net_types.h"

namespace ep::net {
namespace {

bool is_plain_socket(const NetTypes& types, PyObject* socket) noexcept {
  return PyObject_TypeCheck(socket, reinterpret_cast<PyTypeObject*>(types.socket_class.get()));
}

/// -1: Python error set, or closed.
int fileno_of(const NetTypes& types, PyObject* socket) noexcept {
  const PyRef number = PyRef::steal(PyObject_CallMethodNoArgs(socket, types.names.fileno.get()));
  return number ? static_cast<int>(PyLong_AsLong(number.get())) : -1;
}

}  // namespace

OwnedSocket::OwnedSocket(const Attached& py, const NetTypes& types, PyRef socket)
    : number_(fileno_of(types, socket.get())),
      peek_(py.interpreter().internals.socket_descriptor && is_plain_socket(types, socket.get())),
      socket_(std::move(socket)) {
  if (PyErr_Occurred()) throw PythonError();
}

int OwnedSocket::ask_descriptor(const Attached&, const NetTypes& types) const noexcept {
  const int fd = peek_ ? descriptor_of_socket(socket_.get()) : fileno_of(types, socket_.get());
  if (fd < 0) PyErr_Clear();
  return fd == number_ ? fd : -1;
}

PyRef OwnedSocket::object(const Attached& py, const NetTypes& types) {
  if (socket_ || !fd_) return socket_;
  const PyRef names = PyRef::steal(Py_BuildValue("(s)", "fileno"));
  const PyRef number = PyRef::steal(PyLong_FromLong(fd_.get()));
  if (!names || !number) return nullptr;
  PyObject* const arguments[] = {number.get()};
  const PyRef made =
      PyRef::steal(PyObject_Vectorcall(types.socket_class.get(), arguments, 0, names.get()));
  if (!made) return nullptr;
  // It owns the descriptor from now on, and must know that it does not block.
  (void)fd_.release();
  socket_ = made;
  peek_ = py.interpreter().internals.socket_descriptor;
  const PyRef set =
      PyRef::steal(PyObject_CallMethodOneArg(made.get(), types.names.setblocking.get(), Py_False));
  return set ? socket_ : PyRef();
}

void OwnedSocket::close(const Attached& py, const NetTypes& types) noexcept {
  fd_.reset();
  if (!socket_ || std::exchange(closed_, true)) return;
  const PyRef socket = socket_;
  const SavedError saved(py);
  const PyRef closed =
      PyRef::steal(PyObject_CallMethodNoArgs(socket.get(), types.names.close.get()));
  // As a rule ECONNRESET, of which the protocol has been told already.
  if (!closed) PyErr_Clear();
}

int OwnedSocket::traverse(visitproc visit, void* arg) const {
  Py_VISIT(socket_.get());
  return 0;
}

}  // namespace ep::net
