#include "net/datagram_transport_type.h"

#include "base/immortal.h"
#include "cpython/heap_type.h"
#include "net/datagram_transport.h"
#include "net/transport_methods.h"

namespace ep::net {
namespace {

#if PY_VERSION_HEX >= 0x030D0000
constexpr bool kSendsEmpty = true;
#else
constexpr bool kSendsEmpty = false;  // as asyncio of that version
#endif

DatagramTransport& datagram_of(PyObject* self) {
  return static_cast<DatagramTransport&>(transport_of(self));
}

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* keywords) noexcept {
  return slot(type, [&](const Attached& py) -> PyRef {
    static const char* const names[] = {"loop",   "sock",  "protocol", "address",
                                        "waiter", "extra", nullptr};
    PyObject *loop, *sock, *protocol;
    PyObject *address = Py_None, *waiter = Py_None, *extra = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOO|OOO:_ErlangDatagramTransport",
                                     const_cast<char**>(names), &loop, &sock, &protocol, &address,
                                     &waiter, &extra) ||
        !check_loop(loop)) {
      return nullptr;
    }
    OwnedSocket socket(py, *py.interpreter().net, PyRef::borrow(sock));
    return PyRef::steal(loop::loop_slot(*loop::EventLoop::of(loop), [&](const OnLoop& on_loop) {
      return make_transport<DatagramTransport>(
          on_loop, type, {loop, std::move(socket), protocol, waiter, extra, nullptr, nullptr},
          address);
    }));
  });
}

bool check_data(PyObject* data) {
  if (PyBytes_Check(data) || PyByteArray_Check(data) || PyMemoryView_Check(data)) return true;
  PyErr_Format(PyExc_TypeError, "data argument must be a bytes-like object, not '%s'",
               Py_TYPE(data)->tp_name);
  return false;
}

PyRef send(const OnLoop& py, PyObject* self, PyObject* data, PyObject* to) {
  if (!check_data(data)) return nullptr;
  const Py_ssize_t size = PyObject_Size(data);
  if (size < 0) return nullptr;
  if (size == 0 && !kSendsEmpty) return PyRef::borrow(Py_None);
  return datagram_of(self).send_to(py, data, to) ? PyRef::borrow(Py_None) : PyRef();
}

PyObject* sendto(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                 PyObject* kwnames) noexcept {
  return transport_slot(self, [&](const OnLoop& py) -> PyRef {
    if (kwnames == nullptr && (nargs == 1 || nargs == 2)) {
      return send(py, self, args[0], nargs == 2 ? args[1] : Py_None);
    }
    PyObject* given[2] = {nullptr, Py_None};
    const Py_ssize_t keywords = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t i = 0; i < nargs && i < 2; ++i) given[i] = args[i];
    for (Py_ssize_t i = 0; i < keywords; ++i) {
      PyObject* name = PyTuple_GET_ITEM(kwnames, i);
      const bool is_data = PyUnicode_CompareWithASCIIString(name, "data") == 0;
      const bool is_addr = PyUnicode_CompareWithASCIIString(name, "addr") == 0;
      const bool twice = (is_data && nargs > 0) || (is_addr && nargs > 1);
      if ((!is_data && !is_addr) || twice) {
        PyErr_Format(PyExc_TypeError, "sendto() got an unexpected argument %R", name);
        return nullptr;
      }
      given[is_data ? 0 : 1] = args[nargs + i];
    }
    if (nargs > 2 || given[0] == nullptr) {
      PyErr_SetString(PyExc_TypeError, "sendto() takes data and, optionally, addr");
      return nullptr;
    }
    return send(py, self, given[0], given[1]);
  });
}

PyObject* get_address(PyObject* self, void*) noexcept {
  PyObject* remote = datagram_of(self).remote();
  return Py_NewRef(remote != nullptr ? remote : Py_None);
}

PyMethodDef datagram_methods[] = {
    {"sendto", as_method(sendto), METH_FASTCALL | METH_KEYWORDS,
     "sendto($self, data, addr=None)\n--\n\nSend a datagram, now or as soon as it goes."},
};

PyGetSetDef datagram_attributes[] = {
    {"_address", get_address, nullptr, nullptr, nullptr},
};

}  // namespace

PyRef new_datagram_transport_type(const Attached& py, PyObject* module, PyObject* bases) noexcept {
  static auto& methods = immortal(with_common(datagram_methods, common_transport_methods));
  static auto& attributes = immortal(with_common(datagram_attributes, common_transport_attributes));
  return new_transport_type(
      py, module,
      {"_erlang._ErlangDatagramTransport", "A datagram socket; see asyncio.DatagramTransport.",
       bases, sizeof(DatagramTransport), create, methods.data(), attributes.data()});
}

}  // namespace ep::net
