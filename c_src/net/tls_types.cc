// The Python faces of TlsRecords: `_erlang.TLSRecords` and `_erlang.TLSWriter`.
#include "cpython/api.h"
#include "cpython/heap_type.h"

#include <structmember.h>

#include "cpython/interpreter.h"
#include "cpython/one_argument.h"
#include "cpython/slot.h"
#include "net/net_types.h"
#include "net/tls_records.h"

namespace ep::net {
namespace {

#define EP_ATTRIBUTE(name) \
  { "_" #name, T_OBJECT_EX, offsetof(TlsRecords, name), 0, nullptr }

PyMemberDef kMembers[] = {
    EP_ATTRIBUTE(state),
    EP_ATTRIBUTE(app_protocol),
    EP_ATTRIBUTE(app_protocol_is_buffer),
    EP_ATTRIBUTE(app_reading_paused),
    EP_ATTRIBUTE(app_writing_paused),
    EP_ATTRIBUTE(incoming),
    EP_ATTRIBUTE(incoming_high_water),
    EP_ATTRIBUTE(outgoing),
    EP_ATTRIBUTE(outgoing_high_water),
    EP_ATTRIBUTE(ssl_buffer_view),
    EP_ATTRIBUTE(ssl_reading_paused),
    EP_ATTRIBUTE(ssl_writing_paused),
    EP_ATTRIBUTE(sslobj),
    EP_ATTRIBUTE(transport),
    EP_ATTRIBUTE(write_backlog),
    EP_ATTRIBUTE(write_buffer_size),
    {nullptr, 0, 0, 0, nullptr},
};

PyObject*& attribute_at(PyObject* self, const PyMemberDef& member) {
  return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(self) + member.offset);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  for (const PyMemberDef* it = kMembers; it->name != nullptr; ++it) {
    Py_VISIT(attribute_at(self, *it));
  }
  Py_VISIT(TlsRecords::of(self).session);
  Py_VISIT(TlsRecords::of(self).session_of);
  return 0;
}

int clear(PyObject* self) {
  for (const PyMemberDef* it = kMembers; it->name != nullptr; ++it) {
    Py_CLEAR(attribute_at(self, *it));
  }
  Py_CLEAR(TlsRecords::of(self).session);
  Py_CLEAR(TlsRecords::of(self).session_of);
  return 0;
}

void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  clear(self);
  free_object(self);
}

PyObject* get_buffer(PyObject* self, PyObject* hint) noexcept {
  return slot(self, [&](const Attached& py) {
    return get_tls_buffer(py, *py.interpreter().net, TlsRecords::of(self), hint);
  });
}

PyObject* buffer_updated(PyObject* self, PyObject* count) noexcept {
  return slot(self, [&](const Attached& py) {
    return tls_buffer_updated(py, *py.interpreter().net, TlsRecords::of(self), count);
  });
}

PyObject* write(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                PyObject* kwnames) noexcept {
  return slot(self, [&](const Attached& py) {
    PyObject* const data = one_argument("write", "data", args, nargs, kwnames);
    if (data == nullptr) return PyRef();
    return write_to_tls(py, *py.interpreter().net, self, data);
  });
}

constexpr unsigned kFlags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;

}  // namespace

PyRef new_tls_records_type(const Attached&, PyObject* module) noexcept {
  // CPython keeps pointers to it; constant.
  static PyMethodDef methods[] = {
      {"get_buffer", get_buffer, METH_O,
       "get_buffer($self, sizehint, /)\n--\n\nWhere the transport is to put what it receives."},
      {"buffer_updated", buffer_updated, METH_O,
       "buffer_updated($self, nbytes, /)\n--\n\nSo much has been received."},
      {nullptr, nullptr, 0, nullptr},
  };
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("The way of TLS records through an SSLProtocol.")},
      {Py_tp_dealloc, type_slot(dealloc)},
      {Py_tp_traverse, type_slot(traverse)},
      {Py_tp_clear, type_slot(clear)},
      {Py_tp_members, kMembers},
      {Py_tp_methods, methods},
      {0, nullptr},
  };
  PyType_Spec spec = {"_erlang.TLSRecords", sizeof(TlsRecords), 0, kFlags | Py_TPFLAGS_HAVE_GC,
                      slots};
  return PyRef::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

PyRef new_tls_writer_type(const Attached&, PyObject* module) noexcept {
  static PyMethodDef methods[] = {
      {"write", as_method(write), METH_FASTCALL | METH_KEYWORDS,
       "write($self, data)\n--\n\nSend data, without waiting."},
      {nullptr, nullptr, 0, nullptr},
  };
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("What is written to an _SSLProtocolTransport.")},
      {Py_tp_methods, methods},
      {0, nullptr},
  };
  PyType_Spec spec = {"_erlang.TLSWriter", sizeof(PyObject), 0, kFlags, slots};
  return PyRef::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

}  // namespace ep::net
