#include "net/acceptor_type.h"

#include <cstddef>
#include <new>

#include "cpython/heap_type.h"
#include "cpython/interpreter.h"
#include "loop/loop_slot.h"
#include "net/acceptor.h"
#include "net/transport_methods.h"

namespace ep::net {
namespace {

struct AcceptorObject {
  // clang-format off
  PyObject_HEAD
  bool constructed;
  // clang-format on
  alignas(Acceptor) char core[sizeof(Acceptor)];

  static AcceptorObject* of(PyObject* self) { return reinterpret_cast<AcceptorObject*>(self); }
};

Acceptor& acceptor_of(PyObject* self) {
  return *std::launder(reinterpret_cast<Acceptor*>(AcceptorObject::of(self)->core));
}

/// Null: Python error set.
PyRef new_acceptor(PyTypeObject* type, Acceptor::Parts parts) noexcept {
  const PyRef loop = parts.loop;
  return PyRef::steal(
      loop::loop_slot(*loop::EventLoop::of(loop.get()), [&](const OnLoop& py) -> PyRef {
        PyRef self = PyRef::steal(type->tp_alloc(type, 0));
        if (!self) return nullptr;
        AcceptorObject* object = AcceptorObject::of(self.get());
        new (object->core) Acceptor(py, self.get(), *py.interpreter().net, std::move(parts));
        object->constructed = true;
        return self;
      }));
}

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* keywords) noexcept {
  return slot(type, [&](const Attached&) -> PyRef {
    static const char* const names[] = {
        "loop", "sock", "protocol_factory", "server", "backlog", "on_connection", nullptr};
    PyObject *loop, *sock, *factory, *server;
    PyObject* on_connection = Py_None;
    int backlog = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOOOi|O:Acceptor", const_cast<char**>(names),
                                     &loop, &sock, &factory, &server, &backlog, &on_connection) ||
        !check_loop(loop)) {
      return nullptr;
    }
    return new_acceptor(
        type, {PyRef::borrow(loop), PyRef::borrow(sock), PyRef::borrow(factory),
               PyRef::borrow(server), PyRef::borrow(on_connection), backlog < 1 ? 1 : backlog});
  });
}

void dealloc(PyObject* self) noexcept {
  PyObject_GC_UnTrack(self);
  if (AcceptorObject::of(self)->constructed) acceptor_of(self).~Acceptor();
  free_object(self);
}

int traverse(PyObject* self, visitproc visit, void* arg) noexcept {
  Py_VISIT(Py_TYPE(self));
  return AcceptorObject::of(self)->constructed ? acceptor_of(self).traverse(visit, arg) : 0;
}

int clear(PyObject* self) noexcept {
  if (AcceptorObject::of(self)->constructed) {
    Acceptor& acceptor = acceptor_of(self);
    acceptor.clear(OnLoop::while_dying(Dying(self), acceptor.loop()));
  }
  return 0;
}

PyObject* start(PyObject* self, PyObject*) noexcept {
  return loop::loop_slot(acceptor_of(self).loop(), [&](const OnLoop& py) -> PyRef {
    return acceptor_of(self).start(py) ? PyRef::borrow(Py_None) : PyRef();
  });
}

PyObject* stop(PyObject* self, PyObject*) noexcept {
  return loop::loop_slot(acceptor_of(self).loop(), [&](const OnLoop& py) -> PyRef {
    acceptor_of(self).stop(py);
    return PyRef::borrow(Py_None);
  });
}

PyObject* retry(PyObject* self, PyObject*) noexcept {
  return loop::loop_slot(acceptor_of(self).loop(), [&](const OnLoop& py) -> PyRef {
    return acceptor_of(self).retry(py) ? PyRef::borrow(Py_None) : PyRef();
  });
}

}  // namespace

PyRef new_acceptor_type(const Attached&, PyObject* module) noexcept {
  // CPython keeps pointers to it; constant.
  static PyMethodDef methods[] = {
      {"start", start, METH_NOARGS, "start($self, /)\n--\n\nAccept connections."},
      {"stop", stop, METH_NOARGS, "stop($self, /)\n--\n\nLeave the socket alone, for good."},
      {"_retry", retry, METH_NOARGS, nullptr},
      {nullptr, nullptr, 0, nullptr},
  };
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("Accepts the connections of a listening socket.")},
      {Py_tp_new, type_slot(create)},
      {Py_tp_dealloc, type_slot(dealloc)},
      {Py_tp_traverse, type_slot(traverse)},
      {Py_tp_clear, type_slot(clear)},
      {Py_tp_methods, methods},
      {0, nullptr},
  };
  PyType_Spec spec = {"_erlang.Acceptor", sizeof(AcceptorObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
  return PyRef::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

}  // namespace ep::net
