#include "net/acceptor.h"

#include "cpython/error.h"
#include "cpython/slot.h"
#include "net/address_type.h"
#include "net/run_user_code.h"
#include "net/stream_transport_type.h"

namespace ep::net {
namespace {

constexpr int kRetrySeconds = 1;  // asyncio.constants.ACCEPT_RETRY_DELAY

}  // namespace

Acceptor::Acceptor(const OnLoop& py, PyObject* self, NetTypes& types, Parts parts)
    : self_(self), types_(types), loop_(std::move(parts.loop)), parts_(std::move(parts)) {
  listener_ = listening_descriptor(py);
  context_ = PyRef::steal(PyContext_CopyCurrent());
  if (!context_) throw PythonError();
}

/// Throws PythonError.
int Acceptor::listening_descriptor(const OnLoop&) {
  const PyRef number =
      PyRef::steal(PyObject_CallMethodNoArgs(parts_.socket.get(), types_.names.fileno.get()));
  const long fd = number ? PyLong_AsLong(number.get()) : -1;
  if (PyErr_Occurred()) throw PythonError();
  return static_cast<int>(fd);
}

bool Acceptor::start(const OnLoop& py) {
  if (!parts_.socket) return true;                         // garbage
  if (listening_descriptor(py) != listener_) return true;  // closed by somebody else
  const int error = loop().poller(py).watch(*this, listener_, io::kRead);
  serving_ = error == 0;
  if (serving_) return true;
  errno = error;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

void Acceptor::stop(const OnLoop& py) noexcept {
  serving_ = false;
  loop().poller(py).unwatch(*this);
}

void Acceptor::on_ready(const OnLoop& py, io::Events) noexcept {
  if (queued_) return;
  queued_ = loop().queue(py, loop::ReadyEntry(this));
  // Level-triggered: without memory now, the next poll reports it again.
  if (!queued_) PyErr_Clear();
}

bool Acceptor::run(const OnLoop& py) noexcept {
  queued_ = false;
  if (!serving_) return true;
  const ContextScope context(py, context_);
  return accept_batch(py);
}

bool Acceptor::accept_batch(const OnLoop& py) {
  for (int i = 0; i < parts_.backlog && serving_; ++i) {
    io::Accepted connection = io::accept(listener_);
    if (connection.fd) {
      if (!connect(py, std::move(connection))) return false;
    } else if (connection.nobody()) {
      return true;
    } else {
      return back_off(py, connection);
    }
  }
  return true;
}

bool Acceptor::back_off(const OnLoop& py, const io::Accepted& failure) {
  loop().poller(py).unwatch(*this);
  errno = failure.error;
  PyErr_SetFromErrno(PyExc_OSError);
  const PyRef exception = take_error(py);
  const char* message =
      failure.no_resources() ? "socket.accept() out of system resource" : "socket.accept() failed";
  const PyRef socket =
      PyRef::steal(PyObject_CallOneArg(types_.transport_socket.get(), parts_.socket.get()));
  if (!socket || !report(py, message, exception.get(), "socket", socket.get())) return false;
  const PyRef again = PyRef::steal(PyObject_GetAttrString(self_, "_retry"));
  const PyRef timer = again ? PyRef::steal(PyObject_CallMethod(loop_.get(), "call_later", "iO",
                                                               kRetrySeconds, again.get()))
                            : PyRef();
  return static_cast<bool>(timer);
}

bool Acceptor::connect(const OnLoop& py, io::Accepted connection) {
  PyRef protocol;
  const bool made = translate_errors(py, [&] {
    if (parts_.on_connection.get() != Py_None) {
      hand_over(py, std::move(connection));
    } else {
      make_transport(py, std::move(connection), protocol);
    }
  });
  return made || connection_failed(py, protocol);
}

void Acceptor::make_transport(const OnLoop& py, io::Accepted connection, PyRef& protocol) {
  protocol = PyRef::steal(PyObject_CallNoArgs(parts_.protocol_factory.get()));
  if (!protocol) throw PythonError();
  const io::SocketAddress peer = connection.peer;
  const PyRef transport =
      new_stream_transport(py, types_,
                           {loop_.get(), OwnedSocket(std::move(connection.fd)), protocol.get(),
                            nullptr, nullptr, &peer, parts_.server.get()});
  if (loop().debug()) log_connection(py, peer, transport);
}

/// As asyncio. Throws PythonError.
void Acceptor::log_connection(const OnLoop& py, const io::SocketAddress& peer,
                              const PyRef& transport) {
  const PyRef address = to_object(py, peer);
  if (!address) throw PythonError();
  const PyRef logged = PyRef::steal(
      PyObject_CallMethod(types_.log.get(), "debug", "sOOO", "%r got a new connection from %r: %r",
                          parts_.server.get(), address.get(), transport.get()));
  if (!logged) throw PythonError();
}

void Acceptor::hand_over(const OnLoop& py, io::Accepted connection) {
  OwnedSocket owned(std::move(connection.fd));
  const PyRef socket = owned.object(py, types_);
  const PyRef address = to_object(py, connection.peer);
  if (!socket || !address) throw PythonError();
  const PyRef done = PyRef::steal(PyObject_CallFunctionObjArgs(
      parts_.on_connection.get(), socket.get(), address.get(), nullptr));
  if (!done) throw PythonError();
}

bool Acceptor::connection_failed(const OnLoop& py, const PyRef& protocol) {
  if (ends_the_loop()) return false;
  const PyRef exception = take_error(py);
  if (!parts_.socket || !loop().debug()) return true;
  return report(py, "Error on transport creation for incoming connection", exception.get(),
                "protocol", protocol ? protocol.get() : Py_None);
}

bool Acceptor::report(const OnLoop&, const char* message, PyObject* exception, const char* key,
                      PyObject* object) {
  const PyRef context = PyRef::steal(
      Py_BuildValue("{sssOsO}", "message", message, "exception", exception, key, object));
  if (!context) return false;
  const PyRef handled = PyRef::steal(PyObject_CallMethodOneArg(
      loop_.get(), types_.names.call_exception_handler.get(), context.get()));
  return static_cast<bool>(handled);
}

int Acceptor::traverse(visitproc visit, void* arg) const {
  Py_VISIT(loop_.get());
  Py_VISIT(parts_.socket.get());
  Py_VISIT(parts_.protocol_factory.get());
  Py_VISIT(parts_.server.get());
  Py_VISIT(parts_.on_connection.get());
  Py_VISIT(context_.get());
  return 0;
}

void Acceptor::clear(const OnLoop& py) noexcept {
  stop(py);
  const Parts dropped = std::exchange(parts_, Parts());
  context_.reset();
}

}  // namespace ep::net
