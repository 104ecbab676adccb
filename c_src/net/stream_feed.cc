#include "net/stream_feed.h"

#include <cstring>

#include "cpython/slot.h"

namespace ep::net {
namespace {

PyRef or_throw(PyRef result) {
  if (!result) throw PythonError();
  return result;
}

PyRef attribute(const PyRef& object, const char* name) {
  return or_throw(PyRef::steal(PyObject_GetAttrString(object.get(), name)));
}

/// Is it the function that stands in the module's own file?
bool is_original(const PyRef& type, const char* method, const PyRef& file) {
  const PyRef function = attribute(type, method);
  const PyRef code = PyRef::steal(PyObject_GetAttrString(function.get(), "__code__"));
  if (!code) {
    PyErr_Clear();
    return false;
  }
  const PyRef name = attribute(code, "co_filename");
  return PyUnicode_Compare(name.get(), file.get()) == 0;
}

PyRef intern(const char* text) { return or_throw(PyRef::steal(PyUnicode_InternFromString(text))); }

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
  PyRef get(const PyRef& name) const {
    return or_throw(PyRef::steal(PyObject_GetAttr(reader_, name.get())));
  }

  void set(const PyRef& name, PyObject* value) const {
    if (PyObject_SetAttr(reader_, name.get(), value) != 0) throw PythonError();
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
        or_throw(PyRef::steal(PyObject_CallMethodNoArgs(waiter.get(), parts_.cancelled.get())));
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

StreamParts StreamParts::import(const Attached&) {
  StreamParts parts;
  const PyRef streams = or_throw(PyRef::steal(PyImport_ImportModule("asyncio.streams")));
  const PyRef file = attribute(streams, "__file__");
  parts.protocol = attribute(streams, "StreamReaderProtocol");
  parts.reader = attribute(streams, "StreamReader");
  if (!is_original(parts.protocol, "data_received", file) ||
      !is_original(parts.reader, "feed_data", file) ||
      !is_original(parts.reader, "_wakeup_waiter", file)) {
    return {};
  }
  parts.reader_ref = intern("_stream_reader_wr");
  parts.buffer = intern("_buffer");
  parts.cancelled = intern("cancelled");
  parts.eof = intern("_eof");
  parts.limit = intern("_limit");
  parts.paused = intern("_paused");
  parts.pause_reading = intern("pause_reading");
  parts.set_result = intern("set_result");
  parts.transport = intern("_transport");
  parts.waiter = intern("_waiter");
  return parts;
}

bool is_plain_stream(const StreamParts& parts, PyObject* protocol) noexcept {
  return reinterpret_cast<PyObject*>(Py_TYPE(protocol)) == parts.protocol.get();
}

Fed feed_stream(const Attached&, const StreamParts& parts, PyObject* protocol,
                std::span<const char> data) noexcept {
  try {
    const PyRef ref = or_throw(PyRef::steal(PyObject_GetAttr(protocol, parts.reader_ref.get())));
    if (ref.get() == Py_None) return Fed::kYes;  // nobody reads any more
    const PyRef reader = or_throw(PyRef::steal(PyObject_CallNoArgs(ref.get())));
    if (reader.get() == Py_None) return Fed::kYes;
    if (reinterpret_cast<PyObject*>(Py_TYPE(reader.get())) != parts.reader.get()) {
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
