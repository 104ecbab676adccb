#include "net/stream_feed.h"

#include <cstring>

#include "cpython/or_throw.h"

namespace ep::net {
namespace {

/// Is it a function that stands in the module's own file?
bool is_original(const PyRef& function, const PyRef& file) {
  const PyRef code = PyRef::steal(PyObject_GetAttrString(function.get(), "__code__"));
  if (!code) {
    PyErr_Clear();
    return false;
  }
  const PyRef name = attribute(code, "co_filename");
  return PyUnicode_Compare(name.get(), file.get()) == 0;
}

/// Is the object's method this very function, and nothing that hides it?
bool has_method(PyObject* object, const PyRef& name, const PyRef& function) {
  const PyRef method = or_throw(PyObject_GetAttr(object, name.get()));
  return PyMethod_Check(method.get()) && PyMethod_GET_FUNCTION(method.get()) == function.get();
}

bool is_a(PyObject* object, const PyRef& type) noexcept {
  return reinterpret_cast<PyObject*>(Py_TYPE(object)) == type.get();
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
  PyRef get(const PyRef& name) const { return or_throw(PyObject_GetAttr(reader_, name.get())); }

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

StreamParts StreamParts::import(const Attached&) {
  StreamParts parts;
  const PyRef streams = import_module("asyncio.streams");
  const PyRef file = attribute(streams, "__file__");
  parts.protocol = attribute(streams, "StreamReaderProtocol");
  parts.reader = attribute(streams, "StreamReader");
  parts.data_received = attribute(parts.protocol, "data_received");
  parts.feed_data = attribute(parts.reader, "feed_data");
  parts.wakeup_waiter = attribute(parts.reader, "_wakeup_waiter");
  for (const PyRef* function : {&parts.data_received, &parts.feed_data, &parts.wakeup_waiter}) {
    if (!is_original(*function, file)) return {};
  }
  parts.data_received_name = interned("data_received");
  parts.feed_data_name = interned("feed_data");
  parts.wakeup_waiter_name = interned("_wakeup_waiter");
  parts.reader_ref = interned("_stream_reader_wr");
  parts.buffer = interned("_buffer");
  parts.cancelled = interned("cancelled");
  parts.eof = interned("_eof");
  parts.limit = interned("_limit");
  parts.paused = interned("_paused");
  parts.pause_reading = interned("pause_reading");
  parts.set_result = interned("set_result");
  parts.transport = interned("_transport");
  parts.waiter = interned("_waiter");
  return parts;
}

int StreamParts::traverse(visitproc visit, void* arg) const {
  for (const PyRef* part : {&protocol, &reader, &data_received, &feed_data, &wakeup_waiter}) {
    Py_VISIT(part->get());
  }
  return 0;
}

Fed feed_stream(const Attached&, const StreamParts& parts, PyObject* protocol,
                std::span<const char> data) noexcept {
  try {
    if (!is_a(protocol, parts.protocol) ||
        !has_method(protocol, parts.data_received_name, parts.data_received)) {
      return Fed::kLeftToPython;
    }
    const PyRef reader = reader_of(parts, protocol);
    if (reader.get() == Py_None) return Fed::kYes;  // nobody reads any more
    if (!is_a(reader.get(), parts.reader) ||
        !has_method(reader.get(), parts.feed_data_name, parts.feed_data) ||
        !has_method(reader.get(), parts.wakeup_waiter_name, parts.wakeup_waiter)) {
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
