#include "net/transport_methods.h"

#include <structmember.h>

#include <cstring>

#include "cpython/error.h"
#include "cpython/heap_type.h"

namespace ep::net {
namespace {

PyObject* none_or_null(bool ok) noexcept { return ok ? Py_NewRef(Py_None) : nullptr; }

PyObject* or_none(PyObject* object) noexcept {
  return Py_NewRef(object != nullptr ? object : Py_None);
}

template <bool (Transport::*method)(const OnLoop&)>
PyObject* simple(PyObject* self, PyObject*) noexcept {
  return transport_slot(self, [&](const OnLoop& py) -> PyRef {
    return PyRef::steal(none_or_null((transport_of(self).*method)(py)));
  });
}

PyObject* is_closing(PyObject* self, PyObject*) noexcept {
  return PyBool_FromLong(transport_of(self).is_closing());
}

PyObject* is_reading(PyObject* self, PyObject*) noexcept {
  return PyBool_FromLong(transport_of(self).is_reading());
}

PyObject* get_protocol(PyObject* self, PyObject*) noexcept {
  return or_none(transport_of(self).protocol());
}

PyObject* set_protocol(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                       PyObject* kwnames) noexcept {
  return transport_slot(self, [&](const OnLoop& py) -> PyRef {
    PyObject* const protocol = one_argument("set_protocol", "protocol", args, nargs, kwnames);
    if (protocol == nullptr) return nullptr;
    transport_of(self).set_protocol(py, protocol);
    return PyRef::borrow(Py_None);
  });
}

PyObject* get_extra_info(PyObject* self, PyObject* args, PyObject* keywords) noexcept {
  return slot(self, [&](const Attached& py) -> PyRef {
    static const char* const names[] = {"name", "default", nullptr};
    PyObject* name = nullptr;
    PyObject* fallback = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O:get_extra_info",
                                     const_cast<char**>(names), &name, &fallback)) {
      return nullptr;
    }
    Transport& transport = transport_of(self);
    PyRef value = transport.extra().get(py, transport.types(), transport.socket(), name);
    return value ? value : PyRef::borrow(fallback);
  });
}

PyObject* set_write_buffer_limits(PyObject* self, PyObject* args, PyObject* keywords) noexcept {
  return transport_slot(self, [&](const OnLoop& py) -> PyRef {
    static const char* const names[] = {"high", "low", nullptr};
    PyObject* high = Py_None;
    PyObject* low = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|OO:set_write_buffer_limits",
                                     const_cast<char**>(names), &high, &low)) {
      return nullptr;
    }
    transport_of(self).set_write_buffer_limits(py, high, low);
    return PyRef::borrow(Py_None);
  });
}

PyObject* get_write_buffer_limits(PyObject* self, PyObject*) noexcept {
  const io::FlowControl& flow = transport_of(self).flow();
  return Py_BuildValue("nn", static_cast<Py_ssize_t>(flow.low()),
                       static_cast<Py_ssize_t>(flow.high()));
}

PyObject* get_write_buffer_size(PyObject* self, PyObject*) noexcept {
  return transport_slot(self, [&](const OnLoop& py) -> PyRef {
    Transport& transport = transport_of(self);
    const auto size = transport.write_buffer_size(py);
    return size ? PyRef::steal(PyLong_FromSize_t(*size)) : PyRef();
  });
}

/// As asyncio's own: "<_ErlangSocketTransport fd=7 read=polling write=<idle, bufsize=0>>".
PyObject* repr(PyObject* self) noexcept {
  return slot(self, [&](const Attached&) -> PyRef {
    Transport& transport = transport_of(self);
    const char* state = !transport.is_open() ? "closed " : transport.is_closing() ? "closing " : "";
    const char* dot = std::strrchr(Py_TYPE(self)->tp_name, '.');
    const char* name = dot != nullptr ? dot + 1 : Py_TYPE(self)->tp_name;
    if (transport.loop_object() == nullptr) {
      return PyRef::steal(
          PyUnicode_FromFormat("<%s %sfd=%d>", name, state, transport.socket().number()));
    }
    const auto activity = [&](io::Events direction) {
      return (transport.interest() & direction) != 0 ? "polling" : "idle";
    };
    return PyRef::steal(PyUnicode_FromFormat(
        "<%s %sfd=%d read=%s write=<%s, bufsize=%zu>>", name, state, transport.socket().number(),
        activity(io::kRead), activity(io::kWrite), transport.unsent()));
  });
}

// Attributes that CPython's own code, and now and then a library's, looks at.

PyObject* get_loop(PyObject* self, void*) noexcept {
  return or_none(transport_of(self).loop_object());
}

PyObject* get_protocol_attribute(PyObject* self, void*) noexcept {
  return get_protocol(self, nullptr);
}

PyObject* get_server(PyObject* self, void*) noexcept {
  return or_none(transport_of(self).server());
}

PyObject* get_sock(PyObject* self, void*) noexcept {
  return slot(self, [&](const Attached& py) -> PyRef {
    Transport& transport = transport_of(self);
    if (!transport.is_open()) return PyRef::borrow(Py_None);
    return transport.socket().object(py, transport.types());
  });
}

PyObject* get_sock_fd(PyObject* self, void*) noexcept {
  return PyLong_FromLong(transport_of(self).socket().number());
}

PyObject* get_extra(PyObject* self, void*) noexcept {
  return slot(self, [&](const Attached& py) -> PyRef {
    Transport& transport = transport_of(self);
    return PyRef::borrow(transport.extra().all(py, transport.types(), transport.socket()));
  });
}

PyObject* get_closing(PyObject* self, void*) noexcept { return is_closing(self, nullptr); }

PyObject* get_paused(PyObject* self, void*) noexcept {
  return PyBool_FromLong(transport_of(self).is_paused());
}

PyObject* get_protocol_paused(PyObject* self, void*) noexcept {
  return PyBool_FromLong(transport_of(self).flow().paused());
}

PyObject* get_conn_lost(PyObject* self, void*) noexcept {
  return PyLong_FromLong(transport_of(self).conn_lost());
}

// Life and death.

int init(PyObject*, PyObject*, PyObject*) noexcept { return 0; }

/// As asyncio's __del__.
void finalize(PyObject* self) noexcept {
  if (!TransportObject::of(self)->constructed) return;
  const OnLoop py = OnLoop::while_dying(Dying(self), transport_of(self).loop());
  const SavedError saved(py);
  transport_of(self).close_unreferenced(py);
  if (PyErr_Occurred()) PyErr_WriteUnraisable(self);
}

void dealloc(PyObject* self) noexcept {
  if (PyObject_CallFinalizerFromDealloc(self) < 0) return;  // it lives again
  PyObject_GC_UnTrack(self);
  TransportObject* object = TransportObject::of(self);
  if (object->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  if (object->constructed) transport_of(self).~Transport();
  for (PyObject*& unused : object->asyncio_slots) Py_CLEAR(unused);
  Py_CLEAR(object->dict);
  free_object(self);
}

int traverse(PyObject* self, visitproc visit, void* arg) noexcept {
  TransportObject* object = TransportObject::of(self);
  Py_VISIT(Py_TYPE(self));
  for (PyObject* unused : object->asyncio_slots) Py_VISIT(unused);
  Py_VISIT(object->dict);
  return object->constructed ? transport_of(self).traverse(visit, arg) : 0;
}

int clear(PyObject* self) noexcept {
  TransportObject* object = TransportObject::of(self);
  if (object->constructed) {
    Transport& transport = transport_of(self);
    transport.clear(OnLoop::while_dying(Dying(self), transport.loop()));
  }
  for (PyObject*& unused : object->asyncio_slots) Py_CLEAR(unused);
  Py_CLEAR(object->dict);
  return 0;
}

PyObject* force_close(PyObject* self, PyObject* exception) noexcept {
  return transport_slot(self, [&](const OnLoop& py) -> PyRef {
    return PyRef::steal(none_or_null(transport_of(self).force_close(py, exception)));
  });
}

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(TransportObject, weakrefs), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(TransportObject, dict), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

bool check_bases(PyTypeObject* base) {
  if (base->tp_basicsize == static_cast<Py_ssize_t>(offsetof(TransportObject, weakrefs))) {
    return true;
  }
  PyErr_Format(PyExc_SystemError, "%s is not laid out as expected", base->tp_name);
  return false;
}

}  // namespace

PyMethodDef common_transport_methods[] = {
    {"close", simple<&Transport::close>, METH_NOARGS,
     "close($self)\n--\n\nSend what is queued, then end the connection."},
    {"abort", simple<&Transport::abort>, METH_NOARGS,
     "abort($self)\n--\n\nEnd the connection at once; what is queued is lost."},
    {"_force_close", force_close, METH_O, "As abort(), for a reason; asyncio.sslproto needs it."},
    {"is_closing", is_closing, METH_NOARGS, "is_closing($self)\n--\n\n"},
    {"get_protocol", get_protocol, METH_NOARGS, "get_protocol($self)\n--\n\n"},
    {"set_protocol", as_method(set_protocol), METH_FASTCALL | METH_KEYWORDS,
     "set_protocol($self, protocol)\n--\n\n"},
    {"get_extra_info", as_method(get_extra_info), METH_VARARGS | METH_KEYWORDS,
     "get_extra_info($self, name, default=None)\n--\n\n'socket', 'sockname', 'peername'."},
    {"set_write_buffer_limits", as_method(set_write_buffer_limits), METH_VARARGS | METH_KEYWORDS,
     "set_write_buffer_limits($self, high=None, low=None)\n--\n\n"},
    {"get_write_buffer_limits", get_write_buffer_limits, METH_NOARGS,
     "get_write_buffer_limits($self)\n--\n\n(low, high)"},
    {"get_write_buffer_size", get_write_buffer_size, METH_NOARGS,
     "get_write_buffer_size($self)\n--\n\nBytes queued."},
    {"is_reading", is_reading, METH_NOARGS, "is_reading($self)\n--\n\n"},
    {"pause_reading", simple<&Transport::pause_reading>, METH_NOARGS,
     "pause_reading($self)\n--\n\n"},
    {"resume_reading", simple<&Transport::resume_reading>, METH_NOARGS,
     "resume_reading($self)\n--\n\n"},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef common_transport_attributes[] = {
    {"_loop", get_loop, nullptr, nullptr, nullptr},
    {"_protocol", get_protocol_attribute, nullptr, nullptr, nullptr},
    {"_server", get_server, nullptr, nullptr, nullptr},
    {"_sock", get_sock, nullptr, nullptr, nullptr},
    {"_sock_fd", get_sock_fd, nullptr, nullptr, nullptr},
    {"_extra", get_extra, nullptr, nullptr, nullptr},
    {"_closing", get_closing, nullptr, nullptr, nullptr},
    {"_paused", get_paused, nullptr, nullptr, nullptr},
    {"_protocol_paused", get_protocol_paused, nullptr, nullptr, nullptr},
    {"_conn_lost", get_conn_lost, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyRef new_transport_type(const Attached&, PyObject* module,
                         const TransportTypeParts& parts) noexcept {
  if (!check_bases(reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(parts.bases, 0)))) {
    return nullptr;
  }
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>(parts.doc)},
      {Py_tp_new, type_slot(parts.create)},
      {Py_tp_init, type_slot(init)},
      {Py_tp_finalize, type_slot(finalize)},
      {Py_tp_dealloc, type_slot(dealloc)},
      {Py_tp_traverse, type_slot(traverse)},
      {Py_tp_clear, type_slot(clear)},
      {Py_tp_repr, type_slot(repr)},
      {Py_tp_methods, parts.methods},
      {Py_tp_getset, parts.attributes},
      {Py_tp_members, members},
      {0, nullptr},
  };
  const std::size_t size = offsetof(TransportObject, core) + parts.core_size;
  PyType_Spec spec = {parts.name, static_cast<int>(size), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
  return PyRef::steal(PyType_FromModuleAndSpec(module, &spec, parts.bases));
}

bool check_loop(PyObject* object) {
  const loop::EventLoop* loop = loop::EventLoop::from(object);
  if (loop == nullptr) {
    PyErr_Format(PyExc_TypeError, "an ErlangEventLoop is needed, not %R", object);
    return false;
  }
  if (!loop->is_closed()) return true;
  PyErr_SetString(PyExc_RuntimeError, "Event loop is closed");
  return false;
}

}  // namespace ep::net
