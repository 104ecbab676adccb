// The reading half of StreamTransport.
#include "cpython/error.h"
#include "cpython/slot.h"
#include "net/run_user_code.h"
#include "net/stream_transport.h"

namespace ep::net {
namespace {

constexpr const char* kReadError = "Fatal read error on socket transport";

/// Reads of one turn, as long as each fills what it gets: others want their turn, too.
constexpr int kReadsInOneTurn = 4;

/// In a function of its own, for its stack must not be there while user code runs.
[[gnu::noinline]] IoResult receive_on_stack(int fd, PyRef& data) {
  char buffer[ReadSize::kStack];
  const IoResult got = receive(fd, buffer, sizeof buffer);
  if (got.ok()) {
    data = PyRef::steal(PyBytes_FromStringAndSize(buffer, static_cast<Py_ssize_t>(got.bytes)));
  }
  return got;
}

IoResult receive_in_place(int fd, std::size_t size, PyRef& data) {
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  if (bytes == nullptr) return {};
  const IoResult got = receive(fd, PyBytes_AS_STRING(bytes), size);
  if (got.ok() && got.bytes < size) _PyBytes_Resize(&bytes, static_cast<Py_ssize_t>(got.bytes));
  data = PyRef::steal(bytes);
  return got;
}

/// The memory that get_buffer() returns, for as long as it is written to.
class WritableBuffer {
 public:
  explicit WritableBuffer(PyObject* object) noexcept
      : ok_(PyObject_GetBuffer(object, &view_, PyBUF_WRITABLE) == 0) {}
  ~WritableBuffer() {
    if (ok_) PyBuffer_Release(&view_);
  }
  WritableBuffer(const WritableBuffer&) = delete;
  WritableBuffer& operator=(const WritableBuffer&) = delete;

  bool ok() const noexcept { return ok_; }  // false: Python error set
  void* data() const noexcept { return view_.buf; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(view_.len); }

 private:
  Py_buffer view_;
  bool ok_;
};

}  // namespace

bool StreamTransport::read_ready(const Attached& py) {
  return buffered_ ? read_into_buffer(py) : read_bytes(py);
}

/// `data` is null, and a Python error set, if there is no memory for it.
IoResult StreamTransport::receive_bytes(int fd, PyRef& data) {
  return read_size_.copied() ? receive_on_stack(fd, data)
                             : receive_in_place(fd, read_size_.size(), data);
}

bool StreamTransport::read_bytes(const Attached& py) {
  if (!data_received_) {
    data_received_ = PyRef::steal(PyObject_GetAttr(protocol(), types().names.data_received.get()));
    if (!data_received_) return fatal_error(py, kReadError);
  }
  for (int reads = 0; reads < kReadsInOneTurn; ++reads) {
    PyRef data;
    const std::size_t asked = read_size_.copied() ? ReadSize::kStack : read_size_.size();
    const IoResult got = receive_bytes(descriptor(py), data);
    if (!got.ok()) return read_failed(py, got.error);
    if (!data) return fatal_error(py, kReadError);
    if (got.bytes == 0) return on_eof(py);
    read_size_.record(got.bytes);
    const PyRef method = data_received_;  // the protocol may replace itself
    const PyRef result = PyRef::steal(PyObject_CallOneArg(method.get(), data.get()));
    if (!result) return fatal_error(py, "Fatal error: protocol.data_received() call failed.");
    const bool more = got.bytes == asked;
    if (!more || lost_writes() > 0 || !wants_read() || method.get() != data_received_.get()) break;
  }
  return true;
}

bool StreamTransport::read_into_buffer(const Attached& py) {
  if (!data_received_) {
    data_received_ = PyRef::steal(PyObject_GetAttr(protocol(), types().names.get_buffer.get()));
    buffer_updated_ =
        data_received_
            ? PyRef::steal(PyObject_GetAttr(protocol(), types().names.buffer_updated.get()))
            : PyRef();
  }
  constexpr const char* kGetBufferFailed = "Fatal error: protocol.get_buffer() call failed.";
  if (!data_received_ || !buffer_updated_) {
    data_received_.reset();
    return fatal_error(py, kGetBufferFailed);
  }
  const PyRef get_buffer = data_received_;
  const PyRef buffer_updated = buffer_updated_;
  const PyRef hint = PyRef::steal(PyLong_FromLong(-1));
  IoResult got;
  {
    const PyRef memory = PyRef::steal(PyObject_CallOneArg(get_buffer.get(), hint.get()));
    if (!memory) return fatal_error(py, kGetBufferFailed);
    const WritableBuffer buffer(memory.get());
    if (!buffer.ok()) return fatal_error(py, kGetBufferFailed);
    if (buffer.size() == 0) {
      PyErr_SetString(PyExc_RuntimeError, "get_buffer() returned an empty buffer");
      return fatal_error(py, kGetBufferFailed);
    }
    if (lost_writes() > 0) return true;
    got = receive(descriptor(py), buffer.data(), buffer.size());
  }
  if (!got.ok()) return read_failed(py, got.error);
  if (got.bytes == 0) return on_eof(py);
  const PyRef count = PyRef::steal(PyLong_FromSize_t(got.bytes));
  const PyRef result =
      count ? PyRef::steal(PyObject_CallOneArg(buffer_updated.get(), count.get())) : PyRef();
  return result || fatal_error(py, "Fatal error: protocol.buffer_updated() call failed.");
}

bool StreamTransport::read_failed(const Attached& py, int error) {
  return IoResult{0, error}.not_now() || fatal_os_error(py, error, kReadError);
}

bool StreamTransport::on_eof(const Attached& py) {
  if (!log_debug(py, "%r received EOF")) return false;
  const PyRef answer =
      PyRef::steal(PyObject_CallMethodNoArgs(protocol(), types().names.eof_received.get()));
  const int keep_open = answer ? PyObject_IsTrue(answer.get()) : -1;
  if (keep_open < 0) return fatal_error(py, "Fatal error: protocol.eof_received() call failed.");
  if (keep_open == 0) return close(py);
  return stop_reading_at_eof(py) || fatal_error(py, kReadError);
}

}  // namespace ep::net
