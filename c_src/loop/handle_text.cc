#include "loop/handle_text.h"

#include <new>

#include "cpython/error.h"
#include "cpython/or_throw.h"
#include "cpython/slot.h"
#include "loop/event_loop.h"
#include "loop/loop_types.h"

namespace ep::loop {
namespace {

PyRef callback_source(Handle* handle) {
  const PyRef args = handle_args(handle);
  if (!args) throw PythonError();
  const AsyncioParts& asyncio = handle->core().types().asyncio;
  const PyRef format_args = or_throw(PyTuple_Pack(2, handle->callback, args.get()));
  PyRef options;
  if (asyncio.format_takes_debug) {
    options =
        or_throw(Py_BuildValue("{s:O}", "debug", handle->core().debug() ? Py_True : Py_False));
  }
  return or_throw(
      PyObject_Call(asyncio.format_callback_source.get(), format_args.get(), options.get()));
}

void append(PyRef& text, const PyRef& more) {
  PyObject* joined = text.release();
  PyUnicode_Append(&joined, more.get());
  if (joined == nullptr) throw PythonError();
  text = PyRef::steal(joined);
}

PyRef created_at(Handle* handle) {
  PyObject* traceback = handle->debug->source_traceback.get();
  const Py_ssize_t depth = PySequence_Size(traceback);
  if (depth < 0) throw PythonError();
  if (depth == 0) return or_throw(PyUnicode_FromString(""));
  const PyRef frame = or_throw(PySequence_GetItem(traceback, depth - 1));
  const PyRef file = or_throw(PySequence_GetItem(frame.get(), 0));
  const PyRef line = or_throw(PySequence_GetItem(frame.get(), 1));
  return or_throw(PyUnicode_FromFormat(" created at %S:%S", file.get(), line.get()));
}

PyRef when_text(Handle* handle) {
  const double when = reinterpret_cast<TimerHandle*>(handle)->when;
  const PyRef number = or_throw(PyFloat_FromDouble(when));
  return or_throw(PyUnicode_FromFormat(" when=%R", number.get()));
}

PyRef build_repr(Handle* handle) {
  const bool is_timer = Py_TYPE(handle) == handle->core().types().timer_handle_type();
  PyRef text = or_throw(PyUnicode_FromString(is_timer ? "<TimerHandle" : "<Handle"));
  if (handle->cancelled) append(text, or_throw(PyUnicode_FromString(" cancelled")));
  if (is_timer) append(text, when_text(handle));
  if (handle->callback != nullptr) {
    append(text, or_throw(PyUnicode_FromFormat(" %S", callback_source(handle).get())));
  }
  if (handle->debug != nullptr && handle->debug->source_traceback) {
    append(text, created_at(handle));
  }
  append(text, or_throw(PyUnicode_FromString(">")));
  return text;
}

HandleDebug& debug_part(Handle* handle) {
  if (handle->debug == nullptr) handle->debug = new HandleDebug();
  return *handle->debug;
}

void set_item(const PyRef& dict, const char* key, PyObject* value) {
  if (PyDict_SetItemString(dict.get(), key, value) != 0) throw PythonError();
}

PyRef failure_context(Handle* handle, const PyRef& exception) {
  PyRef context = or_throw(PyDict_New());
  const PyRef source =
      handle->callback != nullptr ? callback_source(handle) : or_throw(PyUnicode_FromString("?"));
  const PyRef message = or_throw(PyUnicode_FromFormat("Exception in callback %S", source.get()));
  set_item(context, "message", message.get());
  set_item(context, "exception", exception.get());
  set_item(context, "handle", reinterpret_cast<PyObject*>(handle));
  if (handle->debug != nullptr && handle->debug->source_traceback) {
    set_item(context, "source_traceback", handle->debug->source_traceback.get());
  }
  return context;
}

}  // namespace

PyRef handle_args(Handle* handle) noexcept {
  if (handle->nargs > Handle::kInlineArgs) return PyRef::borrow(handle->args[1]);
  PyRef tuple = PyRef::steal(PyTuple_New(handle->nargs));
  if (!tuple) return nullptr;
  for (Py_ssize_t i = 0; i < handle->nargs; ++i) {
    PyTuple_SET_ITEM(tuple.get(), i, Py_NewRef(handle->args[i + 1]));
  }
  return tuple;
}

PyRef handle_repr(const Attached&, Handle* handle) {
  if (handle->debug != nullptr && handle->debug->repr) return handle->debug->repr;
  return build_repr(handle);
}

bool remember_source(const Attached& py, Handle* handle) noexcept {
  return translate_errors(py, [&] {
    auto* frame = reinterpret_cast<PyObject*>(PyEval_GetFrame());
    if (frame == nullptr) return;
    debug_part(handle).source_traceback =
        or_throw(PyObject_CallOneArg(handle->core().types().asyncio.extract_stack.get(), frame));
  });
}

void remember_repr(const Attached& py, Handle* handle) noexcept {
  const SavedError saved(py);
  const bool done = translate_errors(py, [&] { debug_part(handle).repr = build_repr(handle); });
  if (!done) PyErr_Clear();
}

bool report_failure(const Attached& py, Handle* handle, PyRef exception) noexcept {
  return translate_errors(py, [&] {
    const PyRef context = failure_context(handle, exception);
    or_throw(PyObject_CallMethod(handle->loop, "call_exception_handler", "O", context.get()));
  });
}

}  // namespace ep::loop
