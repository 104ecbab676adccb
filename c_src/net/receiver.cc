#include "net/receiver.h"

#include "cpython/slot.h"
#include "net/net_types.h"

namespace ep::net {

Receiver choose_receiver(const Attached&, const NetTypes& types, PyObject* protocol) {
  PyTypeObject* const type = Py_TYPE(protocol);
  if (reinterpret_cast<PyObject*>(type) == types.streams->protocol.get()) return Receiver::kStream;
  if (PyType_IsSubtype(type, reinterpret_cast<PyTypeObject*>(types.tls_records.get()))) {
    return Receiver::kTls;
  }
  const int buffered = PyObject_IsInstance(protocol, types.buffered_protocol.get());
  if (buffered < 0) throw PythonError();
  return buffered != 0 ? Receiver::kBuffer : Receiver::kBytes;
}

}  // namespace ep::net
