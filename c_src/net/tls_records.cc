#include "net/tls_records.h"

#include <algorithm>
#include <vector>

#include "cpython/error.h"
#include "cpython/or_throw.h"
#include "net/net_types.h"
#include "net/stream_feed.h"

namespace ep::net {
namespace {

constexpr Py_ssize_t kMaxRecord = 16 * 1024;  // of plaintext; RFC 8446, 5.1

PyRef call(PyObject* object, PyObject* method) {
  return or_throw(PyObject_CallMethodNoArgs(object, method));
}

PyRef call(PyObject* object, PyObject* method, PyObject* argument) {
  return or_throw(PyObject_CallMethodOneArg(object, method, argument));
}

PyRef bytes(const char* data, Py_ssize_t size) {
  return or_throw(PyBytes_FromStringAndSize(data, size));
}

bool is_at_least(Py_ssize_t size, PyObject* limit) {
  const Py_ssize_t number = PyNumber_AsSsize_t(limit, nullptr);  // clipped
  if (number == -1 && PyErr_Occurred()) throw PythonError();
  return size >= number;
}

/// One pass through the records of a connection. Its functions throw PythonError.
class Pass {
 public:
  Pass(const Attached& py, const NetTypes& types, TlsRecords& tls)
      : types_(types), parts_(*types.tls), tls_(tls), session_(session(py)) {}

  /// Takes in what has been received, and hands on what that contains.
  void receive(const Attached& py, std::span<const char> records);
  void send(const Attached& py, PyObject* data);

 private:
  PyRef session(const Attached&) const;
  Py_ssize_t pending(const Attached& py, PyObject* bio) const;
  bool asks_for_more(const Attached& py) const;
  PyRef read(const Attached& py, Py_ssize_t size) const;
  void deliver(const Attached& py, const std::vector<PyRef>& chunks) const;
  void hand_over(const Attached& py, PyObject* data) const;
  void process_outgoing(const Attached& py) const;

  const NetTypes& types_;
  const TlsParts& parts_;
  TlsRecords& tls_;
  const PyRef session_;
};

PyRef Pass::session(const Attached&) const {
  if (tls_.session_of != tls_.sslobj) {
    PyRef found = or_throw(PyObject_GetAttr(tls_.sslobj, parts_.sslobj.get()));
    Py_XSETREF(tls_.session, found.release());
    Py_XSETREF(tls_.session_of, Py_NewRef(tls_.sslobj));
  }
  return PyRef::borrow(tls_.session);
}

Py_ssize_t Pass::pending(const Attached&, PyObject* bio) const {
  const PyRef number = or_throw(PyObject_GetAttr(bio, parts_.pending.get()));
  const Py_ssize_t size = PyLong_AsSsize_t(number.get());
  if (size == -1 && PyErr_Occurred()) throw PythonError();
  return size;
}

/// The error that is set. If so, it is cleared.
bool Pass::asks_for_more(const Attached&) const {
  if (PyErr_ExceptionMatches(parts_.again_errors.get()) == 0) return false;
  PyErr_Clear();
  return true;
}

/// Null: there is no whole record left.
PyRef Pass::read(const Attached& py, Py_ssize_t size) const {
  const PyRef number = or_throw(PyLong_FromSsize_t(size));
  PyRef chunk =
      PyRef::steal(PyObject_CallMethodOneArg(session_.get(), parts_.read.get(), number.get()));
  if (!chunk && !asks_for_more(py)) throw PythonError();
  return chunk;
}

void Pass::receive(const Attached& py, std::span<const char> records) {
  const auto count = static_cast<Py_ssize_t>(records.size());
  const PyRef incoming = PyRef::borrow(tls_.incoming);
  call(incoming.get(), parts_.write, bytes(records.data(), count).get());
  std::vector<PyRef> chunks;
  bool closed = false;
  // A read gets memory of that size, so it had better not be more than there is, as a rule.
  for (Py_ssize_t size = std::min(count, kMaxRecord);;) {
    PyRef chunk = read(py, size);
    if (!chunk) break;
    const Py_ssize_t got = PyBytes_GET_SIZE(chunk.get());
    closed = got == 0;  // close_notify
    if (closed) break;
    chunks.push_back(std::move(chunk));
    // One read more would say so by an exception, which costs as much as all the rest.
    if (got < size && pending(py, incoming.get()) == 0) break;
    size = kMaxRecord;
  }
  if (!chunks.empty()) deliver(py, chunks);
  if (closed) {
    call(tls_.object(), parts_.call_eof_received);
    call(tls_.object(), parts_.start_shutdown);
  }
  // What follows is rarely needed, as each write sends its own record.
  if (PyObject_Size(tls_.write_backlog) != 0) {
    call(tls_.object(), parts_.do_write);
  } else if (tls_.app_writing_paused != Py_False || pending(py, tls_.outgoing) != 0) {
    call(tls_.object(), parts_.process_outgoing);
  }
  if (tls_.ssl_reading_paused != Py_False ||
      is_at_least(pending(py, incoming.get()), tls_.incoming_high_water)) {
    call(tls_.object(), parts_.control_ssl_reading);
  }
}

void Pass::deliver(const Attached& py, const std::vector<PyRef>& chunks) const {
  if (chunks.size() == 1) return hand_over(py, chunks.front().get());
  Py_ssize_t size = 0;
  for (const PyRef& chunk : chunks) size += PyBytes_GET_SIZE(chunk.get());
  const PyRef all = bytes(nullptr, size);
  char* end = PyBytes_AS_STRING(all.get());
  for (const PyRef& chunk : chunks) {
    end = std::copy_n(PyBytes_AS_STRING(chunk.get()), PyBytes_GET_SIZE(chunk.get()), end);
  }
  hand_over(py, all.get());
}

void Pass::hand_over(const Attached& py, PyObject* data) const {
  const PyRef protocol = PyRef::borrow(tls_.app_protocol);
  const std::span<const char> content(PyBytes_AS_STRING(data),
                                      static_cast<std::size_t>(PyBytes_GET_SIZE(data)));
  const Fed fed = feed_stream(py, *types_.streams, protocol.get(), content);
  if (fed == Fed::kError) throw PythonError();
  if (fed == Fed::kLeftToPython) call(protocol.get(), parts_.data_received, data);
}

void Pass::send(const Attached& py, PyObject* data) {
  const Py_ssize_t size = PyBytes_GET_SIZE(data);
  Py_ssize_t written = 0;
  if (const PyRef count =
          PyRef::steal(PyObject_CallMethodOneArg(session_.get(), parts_.write.get(), data))) {
    written = PyLong_AsSsize_t(count.get());
    if (written == -1 && PyErr_Occurred()) throw PythonError();
  } else if (!asks_for_more(py)) {
    throw PythonError();
  }
  if (written == size) return process_outgoing(py);
  const PyRef rest = bytes(PyBytes_AS_STRING(data) + written, size - written);
  const PyRef list = or_throw(PyTuple_Pack(1, rest.get()));
  call(tls_.object(), parts_.write_appdata, list.get());
}

/// SSLProtocol._process_outgoing(), without looking at flow control where that can't matter.
void Pass::process_outgoing(const Attached& py) const {
  Py_ssize_t waiting = PyLong_AsSsize_t(tls_.write_buffer_size);
  if (tls_.ssl_writing_paused == Py_False) {
    const PyRef transport = PyRef::borrow(tls_.transport);
    const PyRef record = call(tls_.outgoing, parts_.read);
    if (PyObject_Size(record.get()) != 0) call(transport.get(), parts_.write, record.get());
  } else {
    waiting += pending(py, tls_.outgoing);
  }
  if (tls_.app_writing_paused != Py_False || is_at_least(waiting, tls_.outgoing_high_water)) {
    call(tls_.object(), parts_.control_app_writing);
  }
}

/// Data may come and go, and has nothing to wait for.
bool is_open(const Attached& py, const TlsParts& parts, const TlsRecords& tls) {
  if (tls.state != parts.wrapped.get()) return false;
  for (PyObject* needed : {tls.app_protocol, tls.incoming, tls.incoming_high_water, tls.outgoing,
                           tls.outgoing_high_water, tls.sslobj, tls.transport, tls.write_backlog,
                           tls.write_buffer_size}) {
    if (needed == nullptr) return false;  // somebody has deleted it
  }
  const Py_ssize_t backlog = PyObject_Size(tls.write_backlog);
  if (backlog < 0) PyErr_Clear();
  return backlog == 0 && tls.transport != Py_None && parts.session.are_those_of(py, tls.sslobj);
}

/// SSLProtocol._fatal_error() with the error that is set; others than Exceptions are the caller's.
PyRef fatal_error(const Attached& py, TlsRecords& tls) {
  if (PyErr_ExceptionMatches(PyExc_Exception) == 0) return nullptr;
  const PyRef error = take_error(py);
  return PyRef::steal(PyObject_CallMethod(tls.object(), "_fatal_error", "Os", error.get(),
                                          "Fatal error on SSL protocol"));
}

template <class Work>
PyRef guarded(const Attached& py, const NetTypes& types, TlsRecords& tls, Work&& work) {
  const PyRef keep_alive = PyRef::borrow(tls.object());
  try {
    Pass pass(py, types, tls);
    work(pass);
    return PyRef::borrow(Py_None);
  } catch (const PythonError&) {
    return fatal_error(py, tls);
  }
}

/// The method that asyncio's class has where `ours`, a base of the object's type, has one, too.
PyRef call_asyncio(const PyRef& ours, PyObject* self, PyObject* method, PyObject* argument) {
  const PyRef rest = PyRef::steal(PyObject_CallFunctionObjArgs(
      reinterpret_cast<PyObject*>(&PySuper_Type), ours.get(), self, nullptr));
  return rest ? PyRef::steal(PyObject_CallMethodOneArg(rest.get(), method, argument)) : PyRef();
}

}  // namespace

bool is_plain_tls(const Attached& py, const NetTypes& types, PyObject* protocol) noexcept {
  auto* const type = reinterpret_cast<PyTypeObject*>(types.tls_records.get());
  return PyObject_TypeCheck(protocol, type) && types.tls->protocol.are_those_of(py, protocol);
}

std::span<char> receive_buffer(const Attached&, const TlsRecords& tls) noexcept {
  PyObject* const view = tls.ssl_buffer_view;
  if (view == nullptr || !PyMemoryView_Check(view) ||
      PyMemoryView_GET_BUFFER(view)->buf == nullptr) {
    PyErr_SetString(PyExc_AttributeError, "_ssl_buffer_view");
    return {};
  }
  const Py_buffer& buffer = *PyMemoryView_GET_BUFFER(view);
  return {static_cast<char*>(buffer.buf), static_cast<std::size_t>(buffer.len)};
}

PyRef received(const Attached& py, const NetTypes& types, TlsRecords& tls, std::size_t count) {
  const std::span<char> buffer = receive_buffer(py, tls);
  if (buffer.empty()) return nullptr;
  if (count > buffer.size()) {
    PyErr_SetString(PyExc_ValueError, "more than the buffer holds");
    return nullptr;
  }
  if (is_open(py, *types.tls, tls) && tls.app_reading_paused == Py_False &&
      tls.app_protocol_is_buffer == Py_False) {
    return guarded(py, types, tls, [&](Pass& pass) { pass.receive(py, buffer.first(count)); });
  }
  const PyRef number = PyRef::steal(PyLong_FromSize_t(count));
  if (!number) return nullptr;
  return call_asyncio(types.tls_records, tls.object(), types.names.buffer_updated, number.get());
}

PyRef get_tls_buffer(const Attached& py, const NetTypes& types, TlsRecords& tls, PyObject* hint) {
  if (!is_plain_tls(py, types, tls.object())) {
    return call_asyncio(types.tls_records, tls.object(), types.names.get_buffer, hint);
  }
  if (tls.ssl_buffer_view == nullptr) PyErr_SetString(PyExc_AttributeError, "_ssl_buffer_view");
  return PyRef::borrow(tls.ssl_buffer_view);
}

PyRef tls_buffer_updated(const Attached& py, const NetTypes& types, TlsRecords& tls,
                         PyObject* count) {
  if (!is_plain_tls(py, types, tls.object())) {
    return call_asyncio(types.tls_records, tls.object(), types.names.buffer_updated, count);
  }
  const std::size_t size = PyLong_AsSize_t(count);
  if (size == static_cast<std::size_t>(-1) && PyErr_Occurred()) return nullptr;
  return received(py, types, tls, size);
}

PyRef write_to_tls(const Attached& py, const NetTypes& types, PyObject* app_transport,
                   PyObject* data) {
  const TlsParts& parts = *types.tls;
  if (PyBytes_CheckExact(data) && PyBytes_GET_SIZE(data) > 0 &&
      parts.transport.are_those_of_class(py, Py_TYPE(app_transport))) {
    const PyRef protocol = PyRef::steal(PyObject_GetAttr(app_transport, parts.ssl_protocol));
    if (!protocol) return nullptr;
    if (is_plain_tls(py, types, protocol.get())) {
      TlsRecords& tls = TlsRecords::of(protocol.get());
      if (is_open(py, parts, tls)) {
        return guarded(py, types, tls, [&](Pass& pass) { pass.send(py, data); });
      }
    }
  }
  return call_asyncio(types.tls_writer, app_transport, parts.write, data);
}

TlsParts::TlsParts(const Attached& py, PyObject* tls_records, PyObject* tls_writer)
    : wrapped(attribute(Imported("asyncio.sslproto", "SSLProtocolState").object(), "WRAPPED")),
      protocol(py, Imported("asyncio.sslproto", "SSLProtocol"), known::kSSLProtocol,
               OriginalMethods::Ask::kDict, tls_records),
      transport(py, Imported("asyncio.sslproto", "_SSLProtocolTransport"),
                known::kSSLProtocolTransport, OriginalMethods::Ask::kMethods, tls_writer),
      session(py, Imported("ssl", "SSLObject"), known::kSSLObject, OriginalMethods::Ask::kDict) {}

int TlsParts::traverse(visitproc visit, void* arg) const {
  Py_VISIT(wrapped.get());
  Py_VISIT(again_errors.get());
  for (const OriginalMethods* methods : {&protocol, &transport, &session}) {
    if (const int stop = methods->traverse(visit, arg)) return stop;
  }
  return 0;
}

}  // namespace ep::net
