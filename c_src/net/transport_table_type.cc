#include "net/transport_table_type.h"

#include <climits>
#include <vector>

#include "cpython/heap_type.h"
#include "cpython/interpreter.h"
#include "cpython/slot.h"
#include "io/fd_table.h"
#include "net/transport.h"

namespace ep::net {
namespace {

struct Entry {
  PyObject* transport = nullptr;  // borrowed, unless kept
  bool kept = false;
};

struct TableObject {
  // clang-format off
  PyObject_HEAD
  io::FdTable<Entry>* entries;
  // clang-format on
};

io::FdTable<Entry>& entries_of(PyObject* self) {
  return *reinterpret_cast<TableObject*>(self)->entries;
}

PyObject* create(PyTypeObject* type, PyObject*, PyObject*) noexcept {
  return slot(type, [&](const Attached&) -> PyRef {
    auto entries = std::make_unique<io::FdTable<Entry>>();
    PyRef self = PyRef::steal(type->tp_alloc(type, 0));
    if (self) reinterpret_cast<TableObject*>(self.get())->entries = entries.release();
    return self;
  });
}

/// What was kept alive; dropping it may run any code.
PyRef empty(Entry& entry) noexcept {
  const Entry old = std::exchange(entry, Entry());
  return old.kept ? PyRef::steal(old.transport) : PyRef();
}

int clear(PyObject* self) {
  entries_of(self).for_each([](int, Entry& entry) { const PyRef dropped = empty(entry); });
  return 0;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  int stop = 0;
  if (reinterpret_cast<TableObject*>(self)->entries == nullptr) return 0;
  entries_of(self).for_each([&](int, Entry& entry) {
    if (stop == 0 && entry.kept) stop = visit(entry.transport, arg);
  });
  return stop;
}

void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  clear(self);
  delete reinterpret_cast<TableObject*>(self)->entries;
  free_object(self);
}

/// -1: Python error set.
int key_of(PyObject* key) noexcept {
  const long fd = PyLong_AsLong(key);
  if (fd == -1 && PyErr_Occurred()) return -1;
  if (fd >= 0 && fd <= INT_MAX) return static_cast<int>(fd);
  PyErr_SetObject(PyExc_KeyError, key);
  return -1;
}

bool is_of(PyObject* object, const PyRef& type) noexcept {
  return PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(type.get()));
}

/// False if somebody has closed its socket: the number is free, or another's.
bool has_descriptor(const Attached& py, PyObject* transport) noexcept {
  const NetTypes& types = *py.interpreter().net;
  if (!is_of(transport, types.stream_transport) && !is_of(transport, types.datagram_transport)) {
    return true;
  }
  return transport_of(transport).socket().descriptor(py, types) >= 0;
}

PyObject* get_item(PyObject* self, PyObject* key) noexcept {
  return slot(self, [&](const Attached& py) -> PyRef {
    const int fd = key_of(key);
    if (fd < 0) return nullptr;
    const Entry* entry = entries_of(self).find(fd);
    if (entry != nullptr && entry->transport != nullptr && has_descriptor(py, entry->transport)) {
      return PyRef::borrow(entry->transport);
    }
    PyErr_SetObject(PyExc_KeyError, key);
    return nullptr;
  });
}

/// The standard library asks so from Python 3.12 on.
PyObject* get(PyObject* self, PyObject* key) noexcept {
  PyObject* transport = get_item(self, key);
  if (transport != nullptr || !PyErr_ExceptionMatches(PyExc_KeyError)) return transport;
  PyErr_Clear();
  return Py_NewRef(Py_None);
}

int set_item(PyObject* self, PyObject* key, PyObject* transport) noexcept {
  return slot(self, [&](const Attached& py) -> int {
    const int fd = key_of(key);
    if (fd < 0) return -1;
    if (transport != nullptr) {
      keep_transport(py, self, fd, transport);
      return 0;
    }
    Entry* entry = entries_of(self).find(fd);
    if (entry == nullptr || entry->transport == nullptr) {
      PyErr_SetObject(PyExc_KeyError, key);
      return -1;
    }
    const PyRef dropped = empty(*entry);
    return 0;
  });
}

PyObject* values(PyObject* self, PyObject*) noexcept {
  return slot(self, [&](const Attached&) -> PyRef {
    PyRef list = PyRef::steal(PyList_New(0));
    if (!list) return nullptr;
    entries_of(self).for_each([&](int, Entry& entry) {
      if (entry.transport == nullptr) return;
      if (PyList_Append(list.get(), entry.transport) != 0) throw PythonError();
    });
    return list;
  });
}

PyObject* clear_method(PyObject* self, PyObject*) noexcept {
  clear(self);
  return Py_NewRef(Py_None);
}

}  // namespace

PyRef new_transport_table_type(const Attached&, PyObject* module) noexcept {
  static PyMethodDef methods[] = {
      {"get", get, METH_O, "The transport of a descriptor, or None."},
      {"values", values, METH_NOARGS, "A list of the transports."},
      {"clear", clear_method, METH_NOARGS, "Keep none of them alive any longer."},
      {nullptr, nullptr, 0, nullptr},
  };
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("The transports of a loop, by descriptor number.")},
      {Py_tp_new, type_slot(create)},
      {Py_tp_dealloc, type_slot(dealloc)},
      {Py_tp_traverse, type_slot(traverse)},
      {Py_tp_clear, type_slot(clear)},
      {Py_mp_subscript, type_slot(get_item)},
      {Py_mp_ass_subscript, type_slot(set_item)},
      {Py_tp_methods, methods},
      {0, nullptr},
  };
  PyType_Spec spec = {"_erlang.TransportTable", sizeof(TableObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
  return PyRef::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

void keep_transport(const Attached&, PyObject* table, int fd, PyObject* transport) {
  Entry& entry = entries_of(table).make(fd);
  const PyRef replaced = empty(entry);
  entry = {Py_NewRef(transport), true};
}

void settle_transport(const Attached&, PyObject* table, int fd, PyObject* transport) noexcept {
  Entry* entry = entries_of(table).find(fd);
  if (entry == nullptr || entry->transport != transport || !entry->kept) return;
  entry->kept = false;
  Py_DECREF(transport);
}

void forget_transport(const Attached&, PyObject* table, int fd, PyObject* transport) noexcept {
  Entry* entry = entries_of(table).find(fd);
  if (entry != nullptr && entry->transport == transport) *entry = Entry();
}

}  // namespace ep::net
