// The writing half of StreamTransport.
#include "cpython/error.h"
#include "cpython/slot.h"
#include "net/run_user_code.h"
#include "net/stream_transport.h"

namespace ep::net {
namespace {

constexpr const char* kWriteError = "Fatal write error on socket transport";

/// A look at the memory of an object.
class ReadableBuffer {
 public:
  explicit ReadableBuffer(PyObject* object) noexcept {
    if (PyBytes_CheckExact(object)) {
      view_.obj = nullptr;
      view_.buf = PyBytes_AS_STRING(object);
      view_.len = PyBytes_GET_SIZE(object);
      immutable_ = object;
      ok_ = true;
      return;
    }
    ok_ = PyObject_GetBuffer(object, &view_, PyBUF_SIMPLE) == 0;
    if (ok_ && view_.obj != nullptr) immutable_ = base_of(object);
  }
  ReadableBuffer(ReadableBuffer&& other) noexcept
      : view_(other.view_), immutable_(other.immutable_), ok_(std::exchange(other.ok_, false)) {}
  ReadableBuffer(const ReadableBuffer&) = delete;
  ReadableBuffer& operator=(const ReadableBuffer&) = delete;
  ~ReadableBuffer() {
    if (ok_ && view_.obj != nullptr) PyBuffer_Release(&view_);
  }

  bool ok() const noexcept { return ok_; }
  const char* data() const noexcept { return static_cast<const char*>(view_.buf); }
  std::size_t size() const noexcept { return static_cast<std::size_t>(view_.len); }
  /// The bytes object whose memory this is; null if it may change. Borrowed.
  PyObject* immutable() const noexcept { return immutable_; }

 private:
  static PyObject* base_of(PyObject* object) noexcept {
    if (!PyMemoryView_Check(object)) return nullptr;
    PyObject* base = PyMemoryView_GET_BUFFER(object)->obj;
    return base != nullptr && PyBytes_CheckExact(base) ? base : nullptr;
  }

  Py_buffer view_;
  PyObject* immutable_ = nullptr;
  bool ok_;
};

bool is_bytes_like(PyObject* data) noexcept {
  return PyBytes_Check(data) || PyByteArray_Check(data) || PyMemoryView_Check(data);
}

void raise_not_bytes(PyObject* data) {
  PyErr_Format(PyExc_TypeError, "data argument must be a bytes-like object, not '%s'",
               Py_TYPE(data)->tp_name);
}

}  // namespace

/// False: there is nothing to be done, or a Python error is set.
bool StreamTransport::may_write(const OnLoop& py, bool lines) {
  if (write_eof_) {
    PyErr_Format(PyExc_RuntimeError, "Cannot call %s() after write_eof()",
                 lines ? "writelines" : "write");
    return false;
  }
  if (empty_waiter_) {
    PyErr_Format(PyExc_RuntimeError, "unable to %s; sendfile is in progress",
                 lines ? "writelines" : "write");
    return false;
  }
  if (!is_lost()) return true;
  count_lost_write(py);
  return false;
}

bool StreamTransport::write(const OnLoop& py, PyObject* data) {
  if (!is_bytes_like(data)) {
    raise_not_bytes(data);
    return false;
  }
  const ReadableBuffer buffer(data);
  if (!buffer.ok()) return false;
  if (buffer.size() == 0 && !write_eof_ && !empty_waiter_) return true;
  if (!may_write(py, false)) return !PyErr_Occurred();
  Bytes chunk{buffer.data(), buffer.size(), PyRef::borrow(buffer.immutable())};
  return send_or_hold(py, {&chunk, 1});
}

bool StreamTransport::write_lines(const OnLoop& py, PyObject* lines) {
  const PyRef sequence = PyRef::steal(PySequence_Tuple(lines));
  if (!sequence) return false;
  std::vector<ReadableBuffer> buffers;
  std::vector<Bytes> chunks;
  const Py_ssize_t count = PyTuple_GET_SIZE(sequence.get());
  buffers.reserve(static_cast<std::size_t>(count));
  chunks.reserve(static_cast<std::size_t>(count));
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* line = PyTuple_GET_ITEM(sequence.get(), i);
    const ReadableBuffer& buffer = buffers.emplace_back(line);
    if (!buffer.ok()) return false;
    if (buffer.size() == 0) continue;
    chunks.push_back({buffer.data(), buffer.size(), PyRef::borrow(buffer.immutable())});
  }
  if (chunks.empty() && !write_eof_ && !empty_waiter_) return true;
  if (!may_write(py, true)) return !PyErr_Occurred();
  return send_or_hold(py, chunks);
}

bool StreamTransport::send_or_hold(const OnLoop& py, std::span<Bytes> chunks) {
  const std::uint64_t turn = loop().turn(py);  // 0: it is not the loop that calls
  const bool held =
      turn != 0 && !is_closing() && writes_.should_hold(turn, loop().turns_follow_quickly(py));
  return held ? hold(py, chunks) : send_now(py, chunks);
}

bool StreamTransport::hold(const OnLoop& py, std::span<Bytes> chunks) {
  enqueue(py, chunks, 0);
  switch (writes_.hold()) {
    case Writes::Held::kMore:
      return true;
    case Writes::Held::kFirst:
      if (loop().queue_for_end_of_turn(py, &turn_ended_)) return true;
      PyErr_Clear();
      [[fallthrough]];
    case Writes::Held::kFull:
      return send_held(py);
  }
  return true;
}

/// Sends what goes, if nothing is waiting already, and queues the rest.
bool StreamTransport::send_now(const OnLoop& py, std::span<Bytes> chunks) {
  std::size_t sent = 0;
  if (writes_.waiting_for() == Writes::Waiting::kNone) {
    const io::Result result = Writes::send_past(descriptor(py), chunks);
    if (!result.ok() && !result.not_now()) return fatal_os_error(py, result.error, kWriteError);
    sent = result.bytes;
    if (chunks.size() == 1 && sent == chunks[0].size) return true;
  }
  enqueue(py, chunks, sent);
  if (writes_.waiting_for() == Writes::Waiting::kTurn) return send_held(py);
  return wait_for_socket(py);
}

/// Throws PythonError and std::bad_alloc.
void StreamTransport::enqueue(const OnLoop&, std::span<Bytes> chunks, std::size_t sent) {
  for (Bytes& chunk : chunks) {
    const std::size_t skipped = std::min(sent, chunk.size);
    sent -= skipped;
    const char* rest = chunk.data + skipped;
    const std::size_t size = chunk.size - skipped;
    if (size == 0) continue;
    if (!chunk.owner) {
      chunk.owner = PyRef::steal(PyBytes_FromStringAndSize(rest, static_cast<Py_ssize_t>(size)));
      if (!chunk.owner) throw PythonError();
      rest = PyBytes_AS_STRING(chunk.owner.get());
    }
    writes_.push(rest, size, std::move(chunk.owner));
  }
}

bool StreamTransport::send_held(const OnLoop& py) {
  if (writes_.waiting_for() != Writes::Waiting::kTurn) return true;
  if (const int error = send_queue(py)) return fatal_os_error(py, error, kWriteError);
  return wait_for_socket(py);
}

int StreamTransport::send_queue(const OnLoop& py) noexcept {
  return writes_.send(descriptor(py), [&](PyRef sent) { types().bytes.give(py, std::move(sent)); });
}

/// With what is in the queue, if there is anything.
bool StreamTransport::wait_for_socket(const OnLoop& py) {
  writes_.wait_for_socket();
  if (!watch(py)) return fatal_error(py, kWriteError);
  return writes_.size() == 0 || maybe_pause_protocol(py);
}

std::optional<std::size_t> StreamTransport::write_buffer_size(const OnLoop& py) {
  if (!send_held(py)) return std::nullopt;
  return writes_.size();
}

bool StreamTransport::drop_buffer(const OnLoop& py) {
  if (!send_held(py)) return false;
  writes_.drop();
  return true;
}

bool StreamTransport::write_ready(const OnLoop& py) {
  if (const int error = send_queue(py)) {
    writes_.drop();
    errno = error;
    PyErr_SetFromErrno(PyExc_OSError);
    const PyRef exception = take_error(py);
    restore_error(py, exception);
    return fatal_error(py, kWriteError) &&
           settle_empty_waiter(py, types().names.set_exception.get(), exception.get());
  }
  if (!maybe_resume_protocol(py)) return false;  // may write
  return is_lost() || on_sent(py);
}

/// The socket has taken what it takes, perhaps everything.
bool StreamTransport::on_sent(const OnLoop& py) {
  if (!watch(py)) return fatal_error(py, kWriteError);
  if (writes_.size() > 0) return true;
  if (!settle_empty_waiter(py, types().names.set_result.get(), Py_None)) return false;
  if (is_closing()) return lose_connection(py);
  if (write_eof_) ::shutdown(descriptor(py), SHUT_WR);
  return true;
}

bool StreamTransport::write_eof(const OnLoop& py) {
  if (is_closing() || write_eof_) return true;
  const auto waiting = write_buffer_size(py);
  if (!waiting) return false;
  if (is_closing()) return true;  // that has failed
  write_eof_ = true;
  if (*waiting > 0 || ::shutdown(descriptor(py), SHUT_WR) == 0) return true;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

// sendfile().

namespace {

constexpr const char* kEnded = "the connection ended before the file was sent";

}  // namespace

PyRef StreamTransport::make_empty_waiter(const OnLoop& py) {
  if (empty_waiter_) {
    PyErr_SetString(PyExc_RuntimeError, "Empty waiter is already set");
    return nullptr;
  }
  const auto waiting = write_buffer_size(py);
  if (!waiting) return nullptr;
  if (loop_object() == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "the transport is closed");
    return nullptr;
  }
  empty_waiter_ =
      PyRef::steal(PyObject_CallMethodNoArgs(loop_object(), types().names.create_future.get()));
  if (!empty_waiter_) return nullptr;
  PyRef waiter = empty_waiter_;
  if (*waiting == 0 && !settle_empty_waiter(py, types().names.set_result.get(), Py_None)) {
    return nullptr;
  }
  return waiter;
}

PyRef StreamTransport::make_end_waiter(const OnLoop&) {
  if (loop_object() == nullptr) {
    PyErr_SetString(PyExc_ConnectionError, kEnded);
    return nullptr;
  }
  empty_waiter_ =
      PyRef::steal(PyObject_CallMethodNoArgs(loop_object(), types().names.create_future.get()));
  return empty_waiter_;
}

bool StreamTransport::settle_empty_waiter(const OnLoop&, PyObject* method, PyObject* value) {
  const PyRef waiter = empty_waiter_;
  if (!waiter) return true;
  const PyRef done =
      PyRef::steal(PyObject_CallMethodNoArgs(waiter.get(), types().names.done.get()));
  if (!done) return false;
  if (done.get() == Py_True) return true;
  return static_cast<bool>(PyRef::steal(PyObject_CallMethodOneArg(waiter.get(), method, value)));
}

bool StreamTransport::ended(const OnLoop& py) {
  if (!empty_waiter_) return true;
  const PyRef error = PyRef::steal(PyObject_CallFunction(PyExc_ConnectionError, "s", kEnded));
  return error && settle_empty_waiter(py, types().names.set_exception.get(), error.get());
}

}  // namespace ep::net
