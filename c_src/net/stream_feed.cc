#include "net/stream_feed.h"

#include <cstring>

#include "cpython/or_throw.h"

namespace ep::net {
namespace {

bool is_a(PyObject* object, const Imported& type) noexcept {
  return Py_TYPE(object) == type.type();
}

/// None if there is none any more. Throws PythonError.
PyRef reader_of(const StreamParts& parts, PyObject* protocol) {
  const PyRef ref = or_throw(PyObject_GetAttr(protocol, parts.reader_ref.get()));
  return ref.get() == Py_None ? ref : or_throw(PyObject_CallNoArgs(ref.get()));
}

/// One delivery. Its functions throw PythonError.
class Delivery {
 public:
  Delivery(const StreamParts& parts, PyObject* reader) : parts_(parts), reader_(reader) {}

  bool is_ordinary() {
    buffer_ = get(parts_.buffer);
    limit_ = get(parts_.limit);
    return PyByteArray_CheckExact(buffer_.get()) && PyLong_CheckExact(limit_.get()) &&
           get(parts_.eof).get() == Py_False;
  }

  /// asyncio's feed_data().
  void feed(std::span<const char> data) {
    append(data);
    wake();
    pause_if_too_much();
  }

 private:
  PyRef get(PyObject* name) const { return or_throw(PyObject_GetAttr(reader_, name)); }

  void set(PyObject* name, PyObject* value) const {
    if (PyObject_SetAttr(reader_, name, value) != 0) throw PythonError();
  }

  void append(std::span<const char> data) const {
    const Py_ssize_t before = PyByteArray_GET_SIZE(buffer_.get());
    const Py_ssize_t after = before + static_cast<Py_ssize_t>(data.size());
    if (PyByteArray_Resize(buffer_.get(), after) != 0) throw PythonError();
    std::memcpy(PyByteArray_AS_STRING(buffer_.get()) + before, data.data(), data.size());
  }

  void wake() const {
    const PyRef waiter = get(parts_.waiter);
    if (waiter.get() == Py_None) return;
    set(parts_.waiter, Py_None);
    const PyRef cancelled =
        or_throw(PyObject_CallMethodNoArgs(waiter.get(), parts_.cancelled.get()));
    if (cancelled.get() == Py_True) return;
    or_throw(
        PyRef::steal(PyObject_CallMethodOneArg(waiter.get(), parts_.set_result.get(), Py_None)));
  }

  void pause_if_too_much() const {
    const Py_ssize_t limit = PyNumber_AsSsize_t(limit_.get(), nullptr);  // clipped
    const Py_ssize_t size = PyByteArray_GET_SIZE(buffer_.get());
    if (size - limit <= limit) return;
    const PyRef transport = get(parts_.transport);
    if (transport.get() == Py_None || get(parts_.paused).get() != Py_False) return;
    const PyRef paused =
        PyRef::steal(PyObject_CallMethodNoArgs(transport.get(), parts_.pause_reading.get()));
    if (paused) return set(parts_.paused, Py_True);
    if (!PyErr_ExceptionMatches(PyExc_NotImplementedError)) throw PythonError();
    PyErr_Clear();
    set(parts_.transport, Py_None);
  }

  const StreamParts& parts_;
  PyObject* const reader_;
  PyRef buffer_;
  PyRef limit_;
};

}  // namespace

StreamParts::StreamParts(const Attached& py)
    : protocol_methods(py, protocol, known::kStreamReaderProtocol, OriginalMethods::Ask::kMethods),
      reader_methods(py, reader, known::kStreamReader, OriginalMethods::Ask::kMethods) {}

int StreamParts::traverse(visitproc visit, void* arg) const {
  Py_VISIT(protocol.get());
  Py_VISIT(reader.get());
  if (const int stop = protocol_methods.traverse(visit, arg)) return stop;
  return reader_methods.traverse(visit, arg);
}

Fed feed_stream(const Attached& py, const StreamParts& parts, PyObject* protocol,
                std::span<const char> data) noexcept {
  try {
    if (!is_a(protocol, parts.protocol) || !parts.protocol_methods.are_those_of(py, protocol)) {
      return Fed::kLeftToPython;
    }
    const PyRef reader = reader_of(parts, protocol);
    if (reader.get() == Py_None) return Fed::kYes;  // nobody reads any more
    if (!is_a(reader.get(), parts.reader) || !parts.reader_methods.are_those_of(py, reader.get())) {
      return Fed::kLeftToPython;
    }
    Delivery delivery(parts, reader.get());
    if (!delivery.is_ordinary()) return Fed::kLeftToPython;
    delivery.feed(data);
    return Fed::kYes;
  } catch (const PythonError&) {
    return Fed::kError;
  }
}

}  // namespace ep::net
