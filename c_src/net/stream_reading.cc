// The reading half of StreamTransport.
#include "cpython/error.h"
#include "cpython/slot.h"
#include "net/read_buffer.h"
#include "net/run_user_code.h"
#include "net/stream_transport.h"
#include "net/tls_records.h"

namespace ep::net {
namespace {

constexpr const char* kReadError = "Fatal read error on socket transport";
constexpr const char* kReceiverFailed = "Fatal error: protocol.data_received() call failed.";
constexpr const char* kGetBufferFailed = "Fatal error: protocol.get_buffer() call failed.";
constexpr const char* kBufferUpdatedFailed = "Fatal error: protocol.buffer_updated() call failed.";

/// Where a transport's last read was at least as big, copying the next one would take longer than
/// getting memory that is as big as a read may be, and giving the rest of it back.
constexpr std::size_t kLarge = 16 * 1024;

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

bool StreamTransport::read_ready(const OnLoop& py) {
  switch (receiver_) {
    case Receiver::kBytes:
    case Receiver::kStream:
      return read_bytes(py);
    case Receiver::kBuffer:
      return read_into_buffer(py);
    case Receiver::kTls:
      return is_plain_tls(py, types(), protocol()) ? read_tls(py) : read_into_buffer(py);
  }
  return true;
}

bool StreamTransport::read_bytes(const OnLoop& py) {
  const bool is_stream = receiver_ == Receiver::kStream;
  if (last_read_ >= kLarge && !is_stream) return read_large(py);
  const std::span<char> buffer = read_buffer();
  const io::Result got = io::receive(descriptor(py), buffer.data(), buffer.size());
  if (!got.ok()) return read_failed(py, got.error);
  if (got.bytes == 0) return on_eof(py);
  last_read_ = got.bytes;
  const std::span<const char> received = buffer.first(got.bytes);
  if (is_stream) {
    const PyRef keep_alive = PyRef::borrow(protocol());
    const Fed fed = feed_stream(py, *types().streams, keep_alive.get(), received);
    if (fed != Fed::kLeftToPython) return fed == Fed::kYes || fatal_error(py, kReceiverFailed);
  }
  return deliver(py, types().bytes.make(py, received));
}

/// Straight into what the protocol will get.
bool StreamTransport::read_large(const OnLoop& py) {
  PyObject* data = PyBytes_FromStringAndSize(nullptr, kReadBufferSize);
  PyRef owner = PyRef::steal(data);
  if (!owner) return fatal_error(py, kReadError);
  const io::Result got = io::receive(descriptor(py), PyBytes_AS_STRING(data), kReadBufferSize);
  if (!got.ok()) return read_failed(py, got.error);
  if (got.bytes == 0) return on_eof(py);
  last_read_ = got.bytes;
  data = owner.release();  // null if that fails
  static_cast<void>(_PyBytes_Resize(&data, static_cast<Py_ssize_t>(got.bytes)));
  return deliver(py, PyRef::steal(data));
}

/// Null: Python error set.
bool StreamTransport::deliver(const OnLoop& py, PyRef data) {
  if (!data) return fatal_error(py, kReadError);
  const PyRef receiver = PyRef::borrow(protocol());  // it may replace itself
  const PyRef result = PyRef::steal(
      PyObject_CallMethodOneArg(receiver.get(), types().names.data_received.get(), data.get()));
  types().bytes.give(py, std::move(data));
  return result || fatal_error(py, kReceiverFailed);
}

bool StreamTransport::read_into_buffer(const OnLoop& py) {
  const PyRef receiver = PyRef::borrow(protocol());
  const PyRef hint = PyRef::steal(PyLong_FromLong(-1));
  io::Result got;
  {
    const PyRef memory = PyRef::steal(
        PyObject_CallMethodOneArg(receiver.get(), types().names.get_buffer.get(), hint.get()));
    if (!memory) return fatal_error(py, kGetBufferFailed);
    const WritableBuffer buffer(memory.get());
    if (!buffer.ok()) return fatal_error(py, kGetBufferFailed);
    if (buffer.size() == 0) {
      PyErr_SetString(PyExc_RuntimeError, "get_buffer() returned an empty buffer");
      return fatal_error(py, kGetBufferFailed);
    }
    if (is_lost()) return true;
    got = io::receive(descriptor(py), buffer.data(), buffer.size());
  }
  if (!got.ok()) return read_failed(py, got.error);
  if (got.bytes == 0) return on_eof(py);
  const PyRef count = PyRef::steal(PyLong_FromSize_t(got.bytes));
  const PyRef result = count ? PyRef::steal(PyObject_CallMethodOneArg(
                                   receiver.get(), types().names.buffer_updated.get(), count.get()))
                             : PyRef();
  return result || fatal_error(py, kBufferUpdatedFailed);
}

/// The same, without passing through Python.
bool StreamTransport::read_tls(const OnLoop& py) {
  const PyRef keep_alive = PyRef::borrow(protocol());
  TlsRecords& tls = TlsRecords::of(keep_alive.get());
  const std::span<char> buffer = receive_buffer(py, tls);
  if (buffer.empty()) return fatal_error(py, kGetBufferFailed);
  const io::Result got = io::receive(descriptor(py), buffer.data(), buffer.size());
  if (!got.ok()) return read_failed(py, got.error);
  if (got.bytes == 0) return on_eof(py);
  return received(py, types(), tls, got.bytes) || fatal_error(py, kBufferUpdatedFailed);
}

bool StreamTransport::read_failed(const OnLoop& py, int error) {
  return io::Result{0, error}.not_now() || fatal_os_error(py, error, kReadError);
}

bool StreamTransport::on_eof(const OnLoop& py) {
  if (!log_debug(py, "%r received EOF")) return false;
  const PyRef answer =
      PyRef::steal(PyObject_CallMethodNoArgs(protocol(), types().names.eof_received.get()));
  const int keep_open = answer ? PyObject_IsTrue(answer.get()) : -1;
  if (keep_open < 0) return fatal_error(py, "Fatal error: protocol.eof_received() call failed.");
  if (keep_open == 0) return close(py);
  return stop_reading_at_eof(py) || fatal_error(py, kReadError);
}

}  // namespace ep::net
