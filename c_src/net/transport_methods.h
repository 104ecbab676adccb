// The methods and attributes that all types of transports share, and what their type objects are
// put together from.
#pragma once

#include <cstddef>
#include <vector>

#include "cpython/attach.h"
#include "cpython/interpreter.h"
#include "cpython/one_argument.h"
#include "loop/loop_slot.h"
#include "net/transport.h"

namespace ep::net {

extern PyMethodDef common_transport_methods[];     // ends with a null entry
extern PyGetSetDef common_transport_attributes[];  // likewise

inline bool is_last(const PyMethodDef& item) { return item.ml_name == nullptr; }
inline bool is_last(const PyGetSetDef& item) { return item.name == nullptr; }

/// A type has one table of each kind.
template <class Item, std::size_t count>
std::vector<Item> with_common(const Item (&own)[count], const Item* common) {
  std::vector<Item> all(own, own + count);
  for (; !is_last(*common); ++common) all.push_back(*common);
  all.push_back({});
  return all;
}

/// A type's own part.
struct TransportTypeParts {
  const char* name;
  const char* doc;
  PyObject* bases;  // asyncio's classes, first _FlowControlMixin
  std::size_t core_size;
  newfunc create;
  PyMethodDef* methods;  // all of them
  PyGetSetDef* attributes;
};

/// Null: Python error set.
PyRef new_transport_type(const Attached& py, PyObject* module,
                         const TransportTypeParts& parts) noexcept;

/// For a method of a transport that asyncio binds to the loop's thread: as loop_slot().
template <class Body>
auto transport_slot(PyObject* self, Body&& body) noexcept {
  return loop::loop_slot(transport_of(self).loop(), std::forward<Body>(body));
}

/// Makes and opens a transport of `loop`, whose C++ part is a Core. Throws PythonError.
template <class Core, class... Args>
PyRef make_transport(const OnLoop& py, PyTypeObject* type, TransportParts parts,
                     const Args&... args) {
  PyRef self = PyRef::steal(type->tp_alloc(type, 0));
  if (!self) throw PythonError();
  TransportObject* object = TransportObject::of(self.get());
  TransportParts borrowed{parts.loop,  OwnedSocket(), parts.protocol, parts.waiter,
                          parts.extra, parts.peer,    parts.server};
  void* place = reinterpret_cast<char*>(object) + offsetof(TransportObject, core);
  auto* core = new (place) Core(py, self.get(), *py.interpreter().net, std::move(parts), args...);
  object->constructed = true;
  try {
    core->open(py, borrowed);
  } catch (...) {
    core->clear(py);  // it is nobody's, so nobody closes it
    throw;
  }
  return self;
}

/// False, and TypeError set, if `loop` is none of ours; RuntimeError if it is closed.
bool check_loop(PyObject* loop);

}  // namespace ep::net
