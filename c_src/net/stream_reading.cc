// The reading half of StreamTransport.
#include "cpython/error.h"
#include "cpython/slot.h"
#include "net/read_buffer.h"
#include "net/run_user_code.h"
#include "net/stream_transport.h"

namespace ep::net {
namespace {

constexpr const char* kReadError = "Fatal read error on socket transport";

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

bool StreamTransport::read_bytes(const Attached& py) {
  if (!data_received_) {
    data_received_ = PyRef::steal(PyObject_GetAttr(protocol(), types().names.data_received.get()));
    if (!data_received_) return fatal_error(py, kReadError);
    plain_stream_ = is_plain_stream(py, types().streams, protocol());
  }
  const std::span<char> buffer = read_buffer();
  const IoResult got = receive(descriptor(py), buffer.data(), buffer.size());
  if (!got.ok()) return read_failed(py, got.error);
  if (got.bytes == 0) return on_eof(py);
  return deliver(py, buffer.first(got.bytes));
}

bool StreamTransport::deliver(const Attached& py, std::span<const char> received) {
  constexpr const char* kFailed = "Fatal error: protocol.data_received() call failed.";
  if (plain_stream_) {
    const PyRef keep_alive = PyRef::borrow(protocol());
    const Fed fed = feed_stream(py, types().streams, keep_alive.get(), received);
    if (fed != Fed::kLeftToPython) return fed == Fed::kYes || fatal_error(py, kFailed);
  }
  const PyRef data = PyRef::steal(
      PyBytes_FromStringAndSize(received.data(), static_cast<Py_ssize_t>(received.size())));
  if (!data) return fatal_error(py, kReadError);
  const PyRef method = data_received_;  // the protocol may replace itself
  const PyRef result = PyRef::steal(PyObject_CallOneArg(method.get(), data.get()));
  return result || fatal_error(py, kFailed);
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
