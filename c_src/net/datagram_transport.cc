#include "net/datagram_transport.h"

#include "cpython/error.h"
#include "cpython/slot.h"
#include "net/address_type.h"
#include "net/read_buffer.h"
#include "net/run_user_code.h"

namespace ep::net {
namespace {

constexpr const char* kReadError = "Fatal read error on datagram transport";
constexpr const char* kWriteError = "Fatal write error on datagram transport";

constexpr int kDatagramsInOneTurn = 32;

/// What a queued datagram counts for beyond its data, or empty ones could be queued without end. As
/// asyncio of the version.
constexpr std::size_t kHeaderSize = PY_VERSION_HEX >= 0x030D0000 ? 8 : 0;

std::size_t counted_size(const PyRef& bytes) {
  return static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get())) + kHeaderSize;
}

}  // namespace

DatagramTransport::DatagramTransport(const Attached& py, PyObject* self, NetTypes& types,
                                     TransportParts parts, PyObject* remote)
    : Transport(py, self, types, std::move(parts)), remote_(PyRef::borrow(remote)) {}

void DatagramTransport::open(const Attached& py, const TransportParts& parts) {
  Transport::open(py, parts);
  connected_ = extra().has_peer(py, types());
}

void DatagramTransport::set_protocol(const Attached& py, PyObject* protocol) {
  Transport::set_protocol(py, protocol);
  datagram_received_.reset();
}

// Reading.

bool DatagramTransport::read_ready(const Attached& py) {
  for (int reads = 0; reads < kDatagramsInOneTurn; ++reads) {
    io::SocketAddress from;
    const std::span<char> buffer = read_buffer();
    const io::Result got = io::receive_from(descriptor(py), buffer.data(), buffer.size(), from);
    if (got.not_now()) return true;
    if (!got.ok()) {
      errno = got.error;
      PyErr_SetFromErrno(PyExc_OSError);
      return tell_error(py);
    }
    PyRef data = types().bytes.make(py, buffer.first(got.bytes));
    if (!data) return fatal_error(py, kReadError);
    if (!deliver(py, data, from)) return false;
    types().bytes.give(py, std::move(data));
    if (lost_writes() > 0 || !wants_read()) return true;
  }
  return true;
}

/// Null: Python error set.
PyRef DatagramTransport::address_object(const Attached& py, const io::SocketAddress& from) {
  if (last_from_object_ && from == last_from_) return last_from_object_;
  PyRef object = types().addresses.object(py, from);
  last_from_ = from;
  last_from_object_ = object;
  return object;
}

bool DatagramTransport::deliver(const Attached& py, const PyRef& data,
                                const io::SocketAddress& from) {
  if (!datagram_received_) {
    datagram_received_ =
        PyRef::steal(PyObject_GetAttr(protocol(), types().names.datagram_received.get()));
  }
  const PyRef method = datagram_received_;
  const PyRef address = method ? address_object(py, from) : PyRef();
  if (!address) return fatal_error(py, kReadError);
  PyObject* const arguments[] = {nullptr, data.get(), address.get()};
  const PyRef result = PyRef::steal(PyObject_Vectorcall(
      method.get(), arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  return result || report(py, "Error: protocol.datagram_received() call failed.");
}

/// Hands the error that is set to the protocol.
bool DatagramTransport::tell_error(const Attached& py) {
  const PyRef exception = take_error(py);
  const PyRef told = PyRef::steal(
      PyObject_CallMethodOneArg(protocol(), types().names.error_received.get(), exception.get()));
  return told || report(py, "Error: protocol.error_received() call failed.");
}

// Writing.

bool DatagramTransport::check_remote(PyObject* to) {
  if (to == Py_None) return true;
  const int same = PyObject_RichCompareBool(to, remote_.get(), Py_EQ);
  if (same == 0) {
    PyErr_Format(PyExc_ValueError, "Invalid address: must be None or %S", remote_.get());
  }
  return same > 0;
}

bool DatagramTransport::send_to(const Attached& py, PyObject* data, PyObject* to) {
  const int bound = PyObject_IsTrue(remote_.get());
  if (bound < 0 || (bound > 0 && !check_remote(to))) return false;
  if (bound > 0) to = remote_.get();
  // As in asyncio, what is not bound to one peer sends until it is closed.
  if (lost_writes() > 0 && (bound > 0 || !is_open())) return count_lost_write(py);
  if (queue_.empty()) {
    const Sent sent = send_one(py, data, to);
    if (sent == Sent::kYes) return true;
    if (sent == Sent::kFailed) return send_failed(py);
    if (lost_writes() > 0) return count_lost_write(py);
    if (!want_write(py, true)) return fatal_error(py, kWriteError);
  }
  PyRef kept = PyRef::steal(PyBytes_FromObject(data));  // what is queued must not change
  if (!kept) return false;
  const std::size_t size = counted_size(kept);
  queue_.push_back({std::move(kept), PyRef::borrow(to)});
  queued_bytes_ += size;
  return maybe_pause_protocol(py);
}

DatagramTransport::Sent DatagramTransport::send_one(const Attached& py, PyObject* data,
                                                    PyObject* to) {
  if (connected_) return send_natively(py, data, nullptr);
  if (to == last_from_object_.get()) return send_natively(py, data, &last_from_);
  const std::optional<io::SocketAddress> address = from_object(py, extra().family(), to);
  return address ? send_natively(py, data, &*address) : send_by_socket_object(py, data, to);
}

DatagramTransport::Sent DatagramTransport::send_natively(const Attached& py, PyObject* data,
                                                         const io::SocketAddress* to) {
  Py_buffer view;
  if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) != 0) return Sent::kFailed;
  const io::Result result =
      io::send_to(descriptor(py), view.buf, static_cast<std::size_t>(view.len), to);
  PyBuffer_Release(&view);
  if (result.ok()) return Sent::kYes;
  if (result.not_now()) return Sent::kNotNow;
  errno = result.error;
  PyErr_SetFromErrno(PyExc_OSError);
  return Sent::kFailed;
}

/// For host names, Unix paths, and what is no address at all.
DatagramTransport::Sent DatagramTransport::send_by_socket_object(const Attached& py, PyObject* data,
                                                                 PyObject* to) {
  const PyRef socket_object = socket().object(py, types());
  if (!socket_object) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_OSError, "the socket is closed");
    return Sent::kFailed;
  }
  const PyRef sent =
      PyRef::steal(PyObject_CallMethod(socket_object.get(), "sendto", "OO", data, to));
  if (sent) return Sent::kYes;
  if (!PyErr_ExceptionMatches(PyExc_BlockingIOError) &&
      !PyErr_ExceptionMatches(PyExc_InterruptedError)) {
    return Sent::kFailed;
  }
  PyErr_Clear();
  return Sent::kNotNow;
}

bool DatagramTransport::send_failed(const Attached& py) {
  return PyErr_ExceptionMatches(PyExc_OSError) ? tell_error(py) : fatal_error(py, kWriteError);
}

bool DatagramTransport::write_ready(const Attached& py) {
  if (!flush(py) || !maybe_resume_protocol(py)) return false;  // may send
  if (!queue_.empty() || lost_writes() > 0) return true;
  if (!want_write(py, false)) return fatal_error(py, kWriteError);
  return !is_closing() || lose_connection(py);
}

bool DatagramTransport::flush(const Attached& py) {
  while (!queue_.empty() && lost_writes() == 0) {
    const Sent sent = send_one(py, queue_.front().data.get(), queue_.front().to.get());
    if (sent == Sent::kNotNow) return true;
    const Datagram done = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= counted_size(done.data);
    if (sent == Sent::kFailed && !send_failed(py)) return false;
  }
  return true;
}

void DatagramTransport::drop_buffer() noexcept {
  std::deque<Datagram>().swap(queue_);
  queued_bytes_ = 0;
}

// Garbage.

void DatagramTransport::clear(const Attached& py) noexcept {
  Transport::clear(py);
  drop_buffer();
  remote_.reset();
  datagram_received_.reset();
  last_from_object_.reset();
}

int DatagramTransport::traverse(visitproc visit, void* arg) const {
  Py_VISIT(remote_.get());
  Py_VISIT(datagram_received_.get());
  return Transport::traverse(visit, arg);
}

}  // namespace ep::net
