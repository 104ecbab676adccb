#include "net/stream_transport_type.h"

#include <vector>

#include "base/immortal.h"
#include "cpython/heap_type.h"
#include "net/stream_transport.h"
#include "net/transport_methods.h"

namespace ep::net {
namespace {

StreamTransport& stream_of(PyObject* self) {
  return static_cast<StreamTransport&>(transport_of(self));
}

PyRef none_or_null(bool ok) { return ok ? PyRef::borrow(Py_None) : PyRef(); }

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* keywords) noexcept {
  return slot(type, [&](const Attached& py) -> PyRef {
    static const char* const names[] = {"loop",  "sock",   "protocol", "waiter",
                                        "extra", "server", nullptr};
    PyObject *loop, *sock, *protocol;
    PyObject *waiter = Py_None, *extra = Py_None, *server = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOO|OOO:_ErlangSocketTransport",
                                     const_cast<char**>(names), &loop, &sock, &protocol, &waiter,
                                     &extra, &server) ||
        !check_loop(loop)) {
      return nullptr;
    }
    OwnedSocket socket(py, *py.interpreter().net, PyRef::borrow(sock));
    return PyRef::steal(loop::loop_slot(*loop::EventLoop::of(loop), [&](const OnLoop& on_loop) {
      return make_transport<StreamTransport>(
          on_loop, type, {loop, std::move(socket), protocol, waiter, extra, nullptr, server});
    }));
  });
}

PyObject* write(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                PyObject* kwnames) noexcept {
  return transport_slot(self, [&](const OnLoop& py) {
    PyObject* const data = one_argument("write", "data", args, nargs, kwnames);
    return none_or_null(data != nullptr && stream_of(self).write(py, data));
  });
}

PyObject* writelines(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                     PyObject* kwnames) noexcept {
  return transport_slot(self, [&](const OnLoop& py) {
    PyObject* const lines = one_argument("writelines", "list_of_data", args, nargs, kwnames);
    return none_or_null(lines != nullptr && stream_of(self).write_lines(py, lines));
  });
}

PyObject* write_eof(PyObject* self, PyObject*) noexcept {
  return transport_slot(
      self, [&](const OnLoop& py) { return none_or_null(stream_of(self).write_eof(py)); });
}

PyObject* can_write_eof(PyObject*, PyObject*) noexcept { return Py_NewRef(Py_True); }

PyObject* make_empty_waiter(PyObject* self, PyObject*) noexcept {
  return transport_slot(self,
                        [&](const OnLoop& py) { return stream_of(self).make_empty_waiter(py); });
}

PyObject* make_end_waiter(PyObject* self, PyObject*) noexcept {
  return transport_slot(self,
                        [&](const OnLoop& py) { return stream_of(self).make_end_waiter(py); });
}

PyObject* reset_empty_waiter(PyObject* self, PyObject*) noexcept {
  stream_of(self).reset_empty_waiter();
  return Py_NewRef(Py_None);
}

PyObject* get_empty_waiter(PyObject* self, void*) noexcept {
  PyObject* const waiter = stream_of(self).empty_waiter();
  return Py_NewRef(waiter != nullptr ? waiter : Py_None);
}

PyObject* get_eof(PyObject* self, void*) noexcept {
  return PyBool_FromLong(stream_of(self).eof_written());
}

PyObject* start_tls_compatible(PyObject*, void*) noexcept { return Py_NewRef(Py_True); }

PyObject* sendfile_compatible(PyObject* self, void*) noexcept {
  return Py_NewRef(transport_of(self).types().try_native.get());
}

PyMethodDef stream_methods[] = {
    {"write", as_method(write), METH_FASTCALL | METH_KEYWORDS,
     "write($self, data)\n--\n\nSend now what goes, and queue the rest."},
    {"writelines", as_method(writelines), METH_FASTCALL | METH_KEYWORDS,
     "writelines($self, list_of_data)\n--\n\nAs write() of all of them, in one system call."},
    {"write_eof", write_eof, METH_NOARGS, "write_eof($self)\n--\n\n"},
    {"can_write_eof", can_write_eof, METH_NOARGS, "can_write_eof($self)\n--\n\n"},
    {"_make_empty_waiter", make_empty_waiter, METH_NOARGS, nullptr},
    {"_make_end_waiter", make_end_waiter, METH_NOARGS, nullptr},
    {"_reset_empty_waiter", reset_empty_waiter, METH_NOARGS, nullptr},
};

PyGetSetDef stream_attributes[] = {
    {"_empty_waiter", get_empty_waiter, nullptr, nullptr, nullptr},
    {"_eof", get_eof, nullptr, nullptr, nullptr},
    {"_start_tls_compatible", start_tls_compatible, nullptr, nullptr, nullptr},
    {"_sendfile_compatible", sendfile_compatible, nullptr, nullptr, nullptr},
};

}  // namespace

PyRef new_stream_transport_type(const Attached& py, PyObject* module, PyObject* bases) noexcept {
  static auto& methods = immortal(with_common(stream_methods, common_transport_methods));
  static auto& attributes = immortal(with_common(stream_attributes, common_transport_attributes));
  return new_transport_type(
      py, module,
      {"_erlang._ErlangSocketTransport", "A connected TCP or Unix socket; see asyncio.Transport.",
       bases, sizeof(StreamTransport), create, methods.data(), attributes.data()});
}

PyRef new_stream_transport(const OnLoop& py, NetTypes& types, TransportParts parts) {
  auto* type = reinterpret_cast<PyTypeObject*>(types.stream_transport.get());
  return make_transport<StreamTransport>(py, type, std::move(parts));
}

}  // namespace ep::net
