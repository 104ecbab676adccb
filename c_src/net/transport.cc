#include "net/transport.h"

#include "cpython/error.h"
#include "cpython/or_throw.h"
#include "cpython/slot.h"
#include "net/run_user_code.h"
#include "net/transport_table_type.h"

namespace ep::net {
namespace {

bool present(PyObject* object) noexcept { return object != nullptr && object != Py_None; }

PyRef optional(PyObject* object) noexcept {
  return present(object) ? PyRef::borrow(object) : PyRef();
}

PyObject* or_none(const PyRef& object) noexcept { return object ? object.get() : Py_None; }

struct WaterMarks {
  std::size_t low;
  std::size_t high;
};

bool is_at_least(const PyRef& a, const PyRef& b) {
  const int result = PyObject_RichCompareBool(a.get(), b.get(), Py_GE);
  if (result < 0) throw PythonError();
  return result != 0;
}

/// Of a number that is not below 0; what no buffer reaches, be it infinite, is cut.
std::size_t whole_bytes(const PyRef& number) {
  const PyRef most = or_throw(PyLong_FromSsize_t(PY_SSIZE_T_MAX));
  const PyRef whole = is_at_least(number, most) ? most : or_throw(PyNumber_Long(number.get()));
  const Py_ssize_t bytes = PyLong_AsSsize_t(whole.get());
  if (bytes == -1 && PyErr_Occurred()) throw PythonError();
  return static_cast<std::size_t>(bytes);
}

/// By asyncio's rules, for any kind of number.
WaterMarks water_marks(const OnLoop&, PyObject* given_high, PyObject* given_low) {
  const PyRef four = or_throw(PyLong_FromLong(4));
  PyRef high = optional(given_high);
  PyRef low = optional(given_low);
  if (!high && low) high = or_throw(PyNumber_Multiply(four.get(), low.get()));
  if (!high) high = or_throw(PyLong_FromSize_t(io::FlowControl::kDefaultHigh));
  if (!low) low = or_throw(PyNumber_FloorDivide(high.get(), four.get()));
  if (!is_at_least(high, low) || !is_at_least(low, or_throw(PyLong_FromLong(0)))) {
    PyErr_Format(PyExc_ValueError, "high (%R) must be >= low (%R) must be >= 0", high.get(),
                 low.get());
    throw PythonError();
  }
  return {whole_bytes(low), whole_bytes(high)};
}

}  // namespace

// The beginning.

Transport::Transport(const OnLoop&, PyObject* self, NetTypes& types, TransportParts parts)
    : self_(self),
      types_(types),
      loop_(PyRef::borrow(parts.loop)),
      waiter_(optional(parts.waiter)),
      socket_(std::move(parts.socket)) {}

void Transport::open(const OnLoop& py, const TransportParts& parts) {
  extra_.init(py, socket_.number(), parts.extra, parts.peer);
  context_ = PyRef::steal(PyContext_CopyCurrent());
  table_ = PyRef::steal(PyObject_GetAttr(loop_.get(), types_.names.transports.get()));
  if (!context_ || !table_) throw PythonError();
  if (Py_TYPE(table_.get()) != reinterpret_cast<PyTypeObject*>(types_.transport_table.get())) {
    PyErr_SetString(PyExc_TypeError, "loop._transports must be a TransportTable");
    throw PythonError();
  }
  set_protocol(py, parts.protocol);
  connection_made_ =
      PyRef::steal(PyObject_GetAttr(parts.protocol, types_.names.connection_made.get()));
  if (!connection_made_) throw PythonError();
  attach_to_server(py, parts.server);
  if (!loop().queue(py, loop::ReadyEntry(&start_))) throw PythonError();
  keep_transport(py, table_.get(), socket_.number(), self_);
}

void Transport::set_protocol(const OnLoop&, PyObject* protocol) {
  protocol_ = PyRef::borrow(protocol);
}

bool Transport::start(const OnLoop& py) {
  if (life_.is_over()) return true;  // garbage
  const ContextScope context(py, context_);
  const PyRef method = std::exchange(connection_made_, PyRef());
  const PyRef made = PyRef::steal(PyObject_CallOneArg(method.get(), self_));
  if (made || report(py, "Fatal error: protocol.connection_made() call failed.")) return begin(py);
  // What ends the loop does not end the connection, which goes on when the loop runs again.
  const SavedError saved(py);
  begin(py);
  return false;
}

/// After connection_made().
bool Transport::begin(const OnLoop& py) {
  if (life_.begin() && !watch(py) && !fatal_error(py, "Fatal read error on socket transport")) {
    return false;
  }
  const PyRef waiter = std::exchange(waiter_, PyRef());
  if (!waiter) return true;
  const PyRef woken = PyRef::steal(
      PyObject_CallFunctionObjArgs(types_.wake_waiter.get(), waiter.get(), Py_None, nullptr));
  return static_cast<bool>(woken);
}

// Readiness.

bool Transport::watch(const OnLoop& py) {
  auto interest = static_cast<io::Events>(wants_write() ? io::kWrite : io::kNothing);
  if (wants_read()) interest |= io::kRead;
  if (interest == this->interest()) return true;
  const int fd = descriptor(py);
  const int error = fd < 0 ? EBADF : loop().poller(py).watch(*this, fd, interest);
  if (error == 0) return true;
  if (interest == io::kNothing) {
    loop().poller(py).unwatch(*this);
    return true;
  }
  errno = error;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

bool Transport::stop_reading_at_eof(const OnLoop& py) {
  reading_.reached_end();
  return watch(py);
}

void Transport::on_ready(const OnLoop& py, io::Events ready) noexcept {
  const bool queued = pending_ != io::kNothing;
  pending_ |= ready;
  if (queued || loop().queue(py, loop::ReadyEntry(this))) return;
  // Level-triggered: without memory now, the next poll reports it again.
  PyErr_Clear();
  pending_ = io::kNothing;
}

bool Transport::run(const OnLoop& py) noexcept {
  if (!debug()) return act(py);
  const PyRef loop = loop_;
  const Nanos began = now();
  return act(py) && report_slowness(py, loop, now() - began);
}

/// As asyncio does of callbacks in debug mode.
bool Transport::report_slowness(const OnLoop&, const PyRef& loop, Nanos duration) {
  const PyRef limit = PyRef::steal(PyObject_GetAttrString(loop.get(), "slow_callback_duration"));
  const double seconds = static_cast<double>(duration) / kSecond;
  const double allowed = limit ? PyFloat_AsDouble(limit.get()) : -1;
  if (PyErr_Occurred()) return false;
  if (seconds < allowed) return true;
  const PyRef number = PyRef::steal(PyFloat_FromDouble(seconds));
  const PyRef logged =
      number
          ? PyRef::steal(PyObject_CallMethod(types_.log.get(), "warning", "sOO",
                                             "Executing %r took %.3f seconds", self_, number.get()))
          : PyRef();
  return static_cast<bool>(logged);
}

bool Transport::act(const OnLoop& py) {
  const io::Events ready = std::exchange(pending_, io::kNothing);
  if (is_lost()) return true;
  const ContextScope context(py, context_);
  if ((ready & io::kRead) != 0 && wants_read() && !read_ready(py)) return false;
  // The protocol may have changed everything.
  const bool writable = (ready & io::kWrite) != 0 && wants_write() && !is_lost();
  return !writable || write_ready(py);
}

bool Transport::pause_reading(const OnLoop& py) {
  if (is_closing() || !reading_.pause()) return true;
  return watch(py) && log_debug(py, "%r pauses reading");
}

bool Transport::resume_reading(const OnLoop& py) {
  if (is_closing() || !reading_.resume()) return true;
  return watch(py) && log_debug(py, "%r resumes reading");
}

// Flow control.

void Transport::set_write_buffer_limits(const OnLoop& py, PyObject* high, PyObject* low) {
  const WaterMarks marks = water_marks(py, high, low);
  if (!write_buffer_size(py)) throw PythonError();  // by the old ones
  flow_.set_limits(marks.low, marks.high);
  if (!maybe_pause_protocol(py)) throw PythonError();
}

bool Transport::maybe_pause_protocol(const OnLoop& py) {
  if (!flow_.must_pause(unsent())) return true;
  return call_protocol_method(py, types_.names.pause_writing.get(),
                              "protocol.pause_writing() failed");
}

bool Transport::maybe_resume_protocol(const OnLoop& py) {
  if (!flow_.must_resume(unsent())) return true;
  return call_protocol_method(py, types_.names.resume_writing.get(),
                              "protocol.resume_writing() failed");
}

bool Transport::call_protocol_method(const OnLoop& py, PyObject* name, const char* failure) {
  if (!protocol_) return true;
  const PyRef protocol = protocol_;
  const PyRef result = PyRef::steal(PyObject_CallMethodNoArgs(protocol.get(), name));
  return result || report(py, failure);
}

// The end.

bool Transport::close(const OnLoop& py) {
  if (is_closing()) return true;
  if (!write_buffer_size(py)) return false;
  if (!life_.close()) return true;  // that has failed
  if (!watch(py)) return fatal_error(py, "Fatal write error on socket transport");
  return wants_write() || queue_lost(py, Py_None);
}

bool Transport::force_close(const OnLoop& py, PyObject* exception) {
  if (is_lost()) return true;
  if (!drop_buffer(py)) return false;
  return is_lost() || queue_lost(py, exception);
}

bool Transport::queue_lost(const OnLoop& py, PyObject* exception) {
  life_.lose();
  loop().poller(py).unwatch(*this);
  exception_ = PyRef::borrow(exception);
  return loop().queue(py, loop::ReadyEntry(&lost_));
}

bool Transport::lost(const OnLoop& py) {
  if (life_.is_over()) return true;  // garbage
  const ContextScope context(py, context_);
  return lose_connection(py);
}

bool Transport::lose_connection(const OnLoop& py) {
  life_.lose();
  loop().poller(py).unwatch(*this);
  const PyRef exception = std::exchange(exception_, PyRef());
  const PyRef told = PyRef::steal(PyObject_CallMethodOneArg(
      protocol_.get(), types_.names.connection_lost.get(), or_none(exception)));
  bool ok = told || report(py, "Fatal error: protocol.connection_lost() call failed.");
  socket_.close(py, types_);
  if (ok) {
    ok = detach_from_server(py) && ended(py);
  } else {
    const SavedError saved(py);
    if (detach_from_server(py)) ended(py);
  }
  forget(py);
  return ok;
}

/// The transport stays, with nothing in it but its loop; and listed in the table, until it dies.
void Transport::forget(const OnLoop& py) noexcept {
  const PyRef self = PyRef::borrow(self_);
  life_.end();
  context_.reset();
  protocol_.reset();
  server_.reset();
  settle_transport(py, table_.get(), socket_.number(), self_);
}

void Transport::attach_to_server(const OnLoop&, PyObject* server) {
  if (!present(server)) return;
  PyObject* const attach = types_.names.attach.get();
  const PyRef attached =
      PyRef::steal(types_.servers_know_transports ? PyObject_CallMethodOneArg(server, attach, self_)
                                                  : PyObject_CallMethodNoArgs(server, attach));
  if (!attached) throw PythonError();
  server_ = PyRef::borrow(server);
}

bool Transport::detach_from_server(const OnLoop& py) {
  const PyRef server = std::exchange(server_, PyRef());
  if (!server) return true;
  PyObject* const detach = types_.names.detach.get();
  const PyRef detached = PyRef::steal(types_.servers_know_transports
                                          ? PyObject_CallMethodOneArg(server.get(), detach, self_)
                                          : PyObject_CallMethodNoArgs(server.get(), detach));
  return detached || report(py, "Fatal error: server._detach() call failed.");
}

// Failures.

bool Transport::fatal_os_error(const OnLoop& py, int error, const char* message) {
  errno = error;
  PyErr_SetFromErrno(PyExc_OSError);
  return fatal_error(py, message);
}

bool Transport::fatal_error(const OnLoop& py, const char* message) {
  if (ends_the_loop()) return false;
  const bool expected = PyErr_ExceptionMatches(PyExc_OSError) != 0;
  const PyRef exception = take_error(py);
  if (!exception) return true;
  bool ok = true;
  if (!expected) {
    restore_error(py, exception);
    ok = report(py, message);
  } else if (debug()) {
    const PyRef logged = PyRef::steal(PyObject_CallMethod(
        types_.log.get(), "debug", "sOsO", "%r: %s (%r)", self_, message, exception.get()));
    ok = static_cast<bool>(logged);
  }
  return ok && force_close(py, exception.get());
}

bool Transport::report(const OnLoop& py, const char* message) {
  if (ends_the_loop()) return false;
  const PyRef exception = take_error(py);
  if (life_.is_over()) return true;
  const PyRef loop = loop_;
  const PyRef context =
      PyRef::steal(Py_BuildValue("{sssOsOsO}", "message", message, "exception", exception.get(),
                                 "transport", self_, "protocol", or_none(protocol_)));
  if (!context) return false;
  const PyRef handled = PyRef::steal(PyObject_CallMethodOneArg(
      loop.get(), types_.names.call_exception_handler.get(), context.get()));
  return static_cast<bool>(handled);
}

bool Transport::log_debug(const OnLoop&, const char* format) {
  if (!debug()) return true;
  const PyRef logged =
      PyRef::steal(PyObject_CallMethod(types_.log.get(), "debug", "sO", format, self_));
  return static_cast<bool>(logged);
}

bool Transport::count_lost_write(const OnLoop&) {
  if (!lost_writes_.add()) return true;
  const PyRef logged = PyRef::steal(
      PyObject_CallMethod(types_.log.get(), "warning", "s", "socket.send() raised exception."));
  return static_cast<bool>(logged);
}

// Garbage.

Transport::~Transport() { Transport::clear(OnLoop::while_dying(Dying(self_), loop())); }

void Transport::close_unreferenced(const OnLoop& py) {
  if (!socket_.is_open()) return;
  const int warned = PyErr_ResourceWarning(self_, 1, "unclosed transport %R", self_);
  const SavedError saved(py);
  loop().poller(py).unwatch(*this);
  socket_.close(py, types_);
  (void)warned;
}

/// Its methods must survive it. The loop stays, for they ask it; cycles are broken without that.
void Transport::clear(const OnLoop& py) noexcept {
  life_.end();
  loop().poller(py).unwatch(*this);
  socket_.close(py, types_);
  if (table_) forget_transport(py, table_.get(), socket_.number(), self_);
  socket_.clear();
  protocol_.reset();
  server_.reset();
  context_.reset();
  connection_made_.reset();
  waiter_.reset();
  exception_.reset();
  extra_.clear();
  table_.reset();
}

int Transport::traverse(visitproc visit, void* arg) const {
  Py_VISIT(loop_.get());
  Py_VISIT(table_.get());
  Py_VISIT(protocol_.get());
  Py_VISIT(server_.get());
  Py_VISIT(context_.get());
  Py_VISIT(connection_made_.get());
  Py_VISIT(waiter_.get());
  Py_VISIT(exception_.get());
  if (const int stop = extra_.traverse(visit, arg)) return stop;
  return socket_.traverse(visit, arg);
}

}  // namespace ep::net
