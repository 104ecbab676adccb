#include "net/extra_info.h"

#include <netinet/in.h>

#include "cpython/or_throw.h"
#include "net/address_type.h"

namespace ep::net {
namespace {

/// Names are interned, as a rule.
bool same(PyObject* a, const Name& b) {
  if (a == b.get()) return true;
  const int equal = PyObject_RichCompareBool(a, b.get(), Py_EQ);
  if (equal < 0) throw PythonError();
  return equal != 0;
}

}  // namespace

void ExtraInfo::init(const Attached& py, int fd, PyObject* given, const io::SocketAddress* peer) {
  if (given != nullptr && given != Py_None) {
    dict_ = or_throw(PyDict_New());
    if (PyDict_Update(dict_.get(), given) != 0) throw PythonError();
  }
  const auto keep = [&](io::InetAddress& place, const char* name,
                        const io::SocketAddress& address) {
    if (place.assign(address)) return;
    const PyRef key = or_throw(PyUnicode_InternFromString(name));
    set(py, key.get(), or_throw(to_object(py, address)));
  };
  keep(sockname_, "sockname", io::SocketAddress::of_socket(fd).value_or(io::SocketAddress()));
  if (peer != nullptr) return keep(peername_, "peername", *peer);
  const bool given_peer =
      dict_ && PyDict_GetItemString(dict_.get(), "peername") != nullptr;  // clears errors
  if (!given_peer) {
    keep(peername_, "peername", io::SocketAddress::of_peer(fd).value_or(io::SocketAddress()));
  }
}

bool ExtraInfo::has_peer(const Attached&, const NetTypes& types) noexcept {
  if (dict_) {
    PyObject* given = PyDict_GetItemWithError(dict_.get(), types.names.peername.get());
    if (given != nullptr) return PyObject_IsTrue(given) == 1;
    PyErr_Clear();
  }
  return peername_.get().family() != AF_UNSPEC;
}

PyRef ExtraInfo::get(const Attached& py, const NetTypes& types, OwnedSocket& socket,
                     PyObject* name) {
  if (dict_) {
    PyObject* known = PyDict_GetItemWithError(dict_.get(), name);
    if (known != nullptr) return PyRef::borrow(known);
    if (PyErr_Occurred()) throw PythonError();
  }
  PyRef made = make(py, types, socket, name);
  if (made) set(py, name, made);
  return made;
}

PyRef ExtraInfo::make(const Attached& py, const NetTypes& types, OwnedSocket& socket,
                      PyObject* name) {
  if (same(name, types.names.peername)) return or_throw(to_object(py, peername_.get()));
  if (same(name, types.names.sockname)) return or_throw(to_object(py, sockname_.get()));
  if (same(name, types.names.socket)) return make_socket(py, types, socket);
  return nullptr;
}

PyRef ExtraInfo::make_socket(const Attached& py, const NetTypes& types, OwnedSocket& socket) {
  PyRef object = socket.object(py, types);
  if (PyErr_Occurred()) throw PythonError();
  // After the end there is still one to look at: it is closed. Only an accepted connection has none
  // that it had before.
  if (!object) {
    const int protocol = family() == AF_INET || family() == AF_INET6 ? IPPROTO_TCP : 0;
    object = or_throw(
        PyObject_CallFunction(types.socket_class.get(), "iii", family(), SOCK_STREAM, protocol));
    or_throw(PyObject_CallMethodNoArgs(object.get(), types.names.close.get()));
  }
  return or_throw(PyObject_CallOneArg(types.transport_socket.get(), object.get()));
}

PyObject* ExtraInfo::all(const Attached& py, const NetTypes& types, OwnedSocket& socket) {
  for (const Name* name : {&types.names.peername, &types.names.sockname, &types.names.socket}) {
    get(py, types, socket, name->get());
  }
  return dict(py);
}

PyObject* ExtraInfo::dict(const Attached&) {
  if (!dict_) dict_ = or_throw(PyDict_New());
  return dict_.get();
}

void ExtraInfo::set(const Attached& py, PyObject* name, const PyRef& value) {
  if (PyDict_SetItem(dict(py), name, value.get()) != 0) throw PythonError();
}

int ExtraInfo::traverse(visitproc visit, void* arg) const {
  Py_VISIT(dict_.get());
  return 0;
}

}  // namespace ep::net
