#include "net/owned_socket.h"

#include "cpython/error.h"
#include "cpython/slot.h"
#include "net/net_types.h"

namespace ep::net {
namespace {

/// -1: Python error set.
int fileno_of(const NetTypes& types, PyObject* socket) noexcept {
  auto* plain = reinterpret_cast<PyTypeObject*>(types.socket_class.get());
  const PyRef number =
      PyObject_TypeCheck(socket, plain)
          ? PyRef::steal(PyObject_CallOneArg(types.socket_fileno.get(), socket))
          : PyRef::steal(PyObject_CallMethodNoArgs(socket, types.names.fileno.get()));
  return number ? static_cast<int>(PyLong_AsLong(number.get())) : -1;
}

}  // namespace

OwnedSocket::OwnedSocket(const Attached&, const NetTypes& types, PyRef socket)
    : number_(fileno_of(types, socket.get())), socket_(std::move(socket)) {
  if (PyErr_Occurred()) throw PythonError();
}

int OwnedSocket::ask_descriptor(const Attached&, const NetTypes& types) const noexcept {
  const int fd = fileno_of(types, socket_.get());
  if (fd < 0) PyErr_Clear();
  return fd == number_ ? fd : -1;
}

PyRef OwnedSocket::object(const Attached&, const NetTypes& types) {
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
  const PyRef set =
      PyRef::steal(PyObject_CallMethodOneArg(made.get(), types.names.setblocking.get(), Py_False));
  return set ? socket_ : PyRef();
}

void OwnedSocket::close(const Attached& py, const NetTypes& types) noexcept {
  fd_.reset();
  const PyRef socket = std::exchange(socket_, PyRef());
  if (!socket) return;
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
