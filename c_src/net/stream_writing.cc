// The writing half of StreamTransport.
#include <cstring>

#include "cpython/error.h"
#include "cpython/slot.h"
#include "net/run_user_code.h"
#include "net/stream_transport.h"

namespace ep::net {
namespace {

constexpr const char* kWriteError = "Fatal write error on socket transport";

/// Parts of one gathered write.
constexpr std::size_t kMostParts = 64;

/// Beyond this, waiting for more saves nothing.
constexpr std::size_t kMostHeld = 64 * 1024;
constexpr int kHeldTurns = 16;

/// The kernel takes longer to look at a list of so few bytes than it takes to copy them.
constexpr std::size_t kWorthCopying = 1024;

io::Result send_joined(int fd, std::span<const iovec> parts) noexcept {
  char joined[kWorthCopying];
  std::size_t size = 0;
  for (const iovec& part : parts) {
    std::memcpy(joined + size, part.iov_base, part.iov_len);
    size += part.iov_len;
  }
  return io::send(fd, joined, size);
}

/// `size` bytes in all.
io::Result send_parts(int fd, std::span<iovec> parts, std::size_t size) noexcept {
  if (parts.size() == 1) return io::send(fd, parts[0].iov_base, size);
  return size <= kWorthCopying ? send_joined(fd, parts) : io::send(fd, parts);
}

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
bool StreamTransport::may_write(const Attached& py, bool lines) {
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
  if (lost_writes() == 0) return true;
  count_lost_write(py);
  return false;
}

bool StreamTransport::write(const Attached& py, PyObject* data) {
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

bool StreamTransport::write_lines(const Attached& py, PyObject* lines) {
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

/// A second write in one turn shows who writes in pieces. Its writes are held from the next turn
/// on, until some turns have had a single one only. And while many connections are served in quick
/// succession, their replies leave together: else each would wake a peer that goes to sleep again
/// before the next, and being woken is what the sender pays for.
bool StreamTransport::send_or_hold(const Attached& py, std::span<Bytes> chunks) {
  const std::uint64_t turn = loop().turn();
  if (turn == 0) return send_held(py) && send_now(py, chunks);
  const bool is_second = std::exchange(last_write_turn_, turn) == turn;
  if (is_second) held_turns_left_ = kHeldTurns;
  const bool in_pieces = !is_second && held_turns_left_ > 0;
  const bool may_hold = queue_.empty() && (in_pieces || loop().turns_follow_quickly());
  return holding_ || may_hold ? hold(py, chunks) : send_now(py, chunks);
}

bool StreamTransport::hold(const Attached& py, std::span<Bytes> chunks) {
  enqueue(py, chunks, 0);
  if (queue_.size() > kMostHeld) {
    holding_ = true;
    return send_held(py);
  }
  if (std::exchange(holding_, true)) return true;
  if (held_turns_left_ > 0) --held_turns_left_;
  if (loop().queue_for_end_of_turn(py, &send_held_)) return true;
  PyErr_Clear();
  return send_held(py);
}

bool StreamTransport::send_held(const Attached& py) {
  if (!std::exchange(holding_, false)) return true;
  if (const int error = flush()) return fatal_os_error(py, error, kWriteError);
  return queue_rest(py);
}

/// Sends what goes, if nothing is waiting already, and queues the rest.
bool StreamTransport::send_now(const Attached& py, std::span<Bytes> chunks) {
  std::size_t sent = 0;
  if (queue_.empty()) {
    iovec parts[kMostParts];
    std::size_t count = 0;
    std::size_t size = 0;
    for (; count < std::min(kMostParts, chunks.size()); ++count) {
      parts[count] = {const_cast<char*>(chunks[count].data), chunks[count].size};
      size += chunks[count].size;
    }
    const io::Result result = send_parts(descriptor(py), std::span(parts, count), size);
    if (!result.ok() && !result.not_now()) return fatal_os_error(py, result.error, kWriteError);
    sent = result.bytes;
    if (chunks.size() == 1 && sent == chunks[0].size) return true;
  }
  enqueue(py, chunks, sent);
  return queue_rest(py);
}

/// Of what is to be sent now, this has to wait until the socket takes more.
bool StreamTransport::queue_rest(const Attached& py) {
  if (queue_.empty()) return true;
  if (!wants_write() && !want_write(py, true)) return fatal_error(py, kWriteError);
  return maybe_pause_protocol(py);
}

/// Throws PythonError and std::bad_alloc.
void StreamTransport::enqueue(const Attached&, std::span<Bytes> chunks, std::size_t sent) {
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
    queue_.push(rest, size, std::move(chunk.owner));
  }
}

/// Sends of the queue what goes; errno of what is fatal, or 0.
int StreamTransport::flush() noexcept {
  const Attached py = Attached::in_slot();
  const int fd = descriptor(py);
  for (std::size_t budget = queue_.size(); budget > 0;) {
    iovec parts[kMostParts];
    const std::size_t count = queue_.gather(parts);
    std::size_t asked = 0;
    for (std::size_t i = 0; i < count; ++i) asked += parts[i].iov_len;
    const io::Result result = send_parts(fd, std::span(parts, count), asked);
    if (!result.ok()) return result.not_now() ? 0 : result.error;
    queue_.consume(result.bytes, [&](PyRef sent) { types().bytes.give(py, std::move(sent)); });
    if (result.bytes < asked) return 0;
    budget -= result.bytes;
  }
  return 0;
}

bool StreamTransport::write_ready(const Attached& py) {
  if (const int error = flush()) {
    queue_.clear();
    errno = error;
    PyErr_SetFromErrno(PyExc_OSError);
    const PyRef exception = take_error(py);
    restore_error(py, exception);
    return fatal_error(py, kWriteError) &&
           settle_empty_waiter(py, types().names.set_exception.get(), exception.get());
  }
  if (!maybe_resume_protocol(py)) return false;  // may write
  return !queue_.empty() || lost_writes() > 0 || on_flushed(py);
}

bool StreamTransport::on_flushed(const Attached& py) {
  if (!want_write(py, false)) return fatal_error(py, kWriteError);
  if (!settle_empty_waiter(py, types().names.set_result.get(), Py_None)) return false;
  if (is_closing()) return lose_connection(py);
  if (write_eof_) ::shutdown(descriptor(py), SHUT_WR);
  return true;
}

bool StreamTransport::write_eof(const Attached& py) {
  if (is_closing() || write_eof_) return true;
  if (!send_held(py)) return false;
  if (is_closing()) return true;  // that has failed
  write_eof_ = true;
  if (!queue_.empty() || ::shutdown(descriptor(py), SHUT_WR) == 0) return true;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

// sendfile().

namespace {

constexpr const char* kEnded = "the connection ended before the file was sent";

}  // namespace

PyRef StreamTransport::make_empty_waiter(const Attached& py) {
  if (empty_waiter_) {
    PyErr_SetString(PyExc_RuntimeError, "Empty waiter is already set");
    return nullptr;
  }
  if (!send_held(py)) return nullptr;
  if (loop_object() == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "the transport is closed");
    return nullptr;
  }
  empty_waiter_ =
      PyRef::steal(PyObject_CallMethodNoArgs(loop_object(), types().names.create_future.get()));
  if (!empty_waiter_) return nullptr;
  PyRef waiter = empty_waiter_;
  if (queue_.empty() && !settle_empty_waiter(py, types().names.set_result.get(), Py_None)) {
    return nullptr;
  }
  return waiter;
}

PyRef StreamTransport::make_end_waiter(const Attached&) {
  if (loop_object() == nullptr) {
    PyErr_SetString(PyExc_ConnectionError, kEnded);
    return nullptr;
  }
  empty_waiter_ =
      PyRef::steal(PyObject_CallMethodNoArgs(loop_object(), types().names.create_future.get()));
  return empty_waiter_;
}

bool StreamTransport::settle_empty_waiter(const Attached&, PyObject* method, PyObject* value) {
  const PyRef waiter = empty_waiter_;
  if (!waiter) return true;
  const PyRef done =
      PyRef::steal(PyObject_CallMethodNoArgs(waiter.get(), types().names.done.get()));
  if (!done) return false;
  if (done.get() == Py_True) return true;
  return static_cast<bool>(PyRef::steal(PyObject_CallMethodOneArg(waiter.get(), method, value)));
}

bool StreamTransport::ended(const Attached& py) {
  data_received_.reset();
  buffer_updated_.reset();
  if (!empty_waiter_) return true;
  const PyRef error = PyRef::steal(PyObject_CallFunction(PyExc_ConnectionError, "s", kEnded));
  return error && settle_empty_waiter(py, types().names.set_exception.get(), error.get());
}

}  // namespace ep::net
