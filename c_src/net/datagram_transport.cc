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

DatagramTransport::DatagramTransport(const OnLoop& py, PyObject* self, NetTypes& types,
                                     TransportParts parts, PyObject* remote)
    : Transport(py, self, types, std::move(parts)), remote_(PyRef::borrow(remote)) {}

void DatagramTransport::open(const OnLoop& py, const TransportParts& parts) {
  Transport::open(py, parts);
  connected_ = extra().has_peer(py, types());
}

// Reading.

bool DatagramTransport::read_ready(const OnLoop& py) {
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
    if (!wants_read()) return true;
  }
  return true;
}

/// Null: Python error set.
PyRef DatagramTransport::address_object(const OnLoop& py, const io::SocketAddress& from) {
  if (last_from_object_ && from == last_from_) return last_from_object_;
  PyRef object = types().addresses.object(py, from);
  last_from_ = from;
  last_from_object_ = object;
  return object;
}

bool DatagramTransport::deliver(const OnLoop& py, const PyRef& data,
                                const io::SocketAddress& from) {
  const PyRef address = address_object(py, from);
  if (!address) return fatal_error(py, kReadError);
  const PyRef receiver = PyRef::borrow(protocol());  // it may replace itself
  PyObject* const arguments[] = {nullptr, receiver.get(), data.get(), address.get()};
  const PyRef result =
      PyRef::steal(PyObject_VectorcallMethod(types().names.datagram_received.get(), arguments + 1,
                                             3 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  return result || report(py, "Error: protocol.datagram_received() call failed.");
}

/// Hands the error that is set to the protocol, in the loop's name.
bool DatagramTransport::tell_error(const OnLoop& py) {
  return call_error_received(py) || report(py, "Error: protocol.error_received() call failed.");
}

bool DatagramTransport::call_error_received(const OnLoop& py) {
  const PyRef exception = take_error(py);
  const PyRef receiver = PyRef::borrow(protocol());
  if (!receiver) return true;  // it is over
  return static_cast<bool>(PyRef::steal(PyObject_CallMethodOneArg(
      receiver.get(), types().names.error_received.get(), exception.get())));
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

bool DatagramTransport::send_to(const OnLoop& py, PyObject* data, PyObject* to) {
  const int bound = PyObject_IsTrue(remote_.get());
  if (bound < 0 || (bound > 0 && !check_remote(to))) return false;
  if (bound > 0) to = remote_.get();
  // As in asyncio, what is not bound to one peer sends until it is closed.
  if (is_lost() && (bound > 0 || !is_open())) return count_lost_write(py);
  if (queue_.empty()) {
    const Sent sent = send_one(py, data, to);
    if (sent == Sent::kYes) return true;
    if (sent == Sent::kFailed) {
      // What error_received() raises is the caller's, as in asyncio.
      const bool expected = PyErr_ExceptionMatches(PyExc_OSError) != 0;
      return expected ? call_error_received(py) : fatal_error(py, kWriteError);
    }
    if (is_lost()) return count_lost_write(py);
  }
  PyRef kept = PyRef::steal(PyBytes_FromObject(data));  // what is queued must not change
  if (!kept) return false;
  const std::size_t size = counted_size(kept);
  queue_.push_back({std::move(kept), PyRef::borrow(to)});
  queued_bytes_ += size;
  if (!watch(py)) return fatal_error(py, kWriteError);
  return maybe_pause_protocol(py);
}

DatagramTransport::Sent DatagramTransport::send_one(const OnLoop& py, PyObject* data,
                                                    PyObject* to) {
  if (connected_) return send_natively(py, data, nullptr);
  if (to == last_from_object_.get()) return send_natively(py, data, &last_from_);
  const std::optional<io::SocketAddress> address = from_object(py, extra().family(), to);
  return address ? send_natively(py, data, &*address) : send_by_socket_object(py, data, to);
}

DatagramTransport::Sent DatagramTransport::send_natively(const OnLoop& py, PyObject* data,
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
DatagramTransport::Sent DatagramTransport::send_by_socket_object(const OnLoop& py, PyObject* data,
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

bool DatagramTransport::send_failed(const OnLoop& py) {
  return PyErr_ExceptionMatches(PyExc_OSError) ? tell_error(py) : fatal_error(py, kWriteError);
}

bool DatagramTransport::write_ready(const OnLoop& py) {
  if (!flush(py) || !maybe_resume_protocol(py)) return false;  // may send
  if (is_lost()) return true;
  if (!watch(py)) return fatal_error(py, kWriteError);
  return wants_write() || !is_closing() || lose_connection(py);
}

bool DatagramTransport::flush(const OnLoop& py) {
  while (!queue_.empty() && !is_lost()) {
    const Sent sent = send_one(py, queue_.front().data.get(), queue_.front().to.get());
    if (sent == Sent::kNotNow) return true;
    const Datagram done = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= counted_size(done.data);
    if (sent == Sent::kFailed && !send_failed(py)) return false;
  }
  return true;
}

bool DatagramTransport::drop_buffer(const OnLoop&) {
  std::deque<Datagram>().swap(queue_);
  queued_bytes_ = 0;
  return true;
}

// Garbage.

void DatagramTransport::clear(const OnLoop& py) noexcept {
  Transport::clear(py);
  drop_buffer(py);
  remote_.reset();
  last_from_object_.reset();
}

int DatagramTransport::traverse(visitproc visit, void* arg) const {
  Py_VISIT(remote_.get());
  return Transport::traverse(visit, arg);
}

}  // namespace ep::net
