#include "loop/handle.h"

#include "base/scope_guard.h"
#include "cpython/error.h"
#include "loop/event_loop.h"
#include "loop/handle_text.h"
#include "loop/loop_types.h"

namespace ep::loop {
namespace {

/// The callback must outlive its own call, even if it cancels its handle.
template <class Body>
auto while_running(const Attached& py, Handle* handle, Body&& body) noexcept {
  const bool outer = std::exchange(handle->running, true);
  const OnExit ended([&] {
    handle->running = outer;
    if (handle->threadsafe && !outer) handle->core().callback_ended();
    if (handle->cancelled) cancel_handle(py, handle);
  });
  return body();
}

void drop_callback(Handle* handle) noexcept {
  Py_CLEAR(handle->callback);
  const Py_ssize_t held = handle->nargs > Handle::kInlineArgs ? 1 : handle->nargs;
  handle->nargs = 0;
  for (Py_ssize_t i = 1; i <= held; ++i) Py_CLEAR(handle->args[i]);
}

bool set_args(Handle* handle, PyObject* const* args, Py_ssize_t nargs) noexcept {
  if (nargs <= Handle::kInlineArgs) {
    for (Py_ssize_t i = 0; i < nargs; ++i) handle->args[i + 1] = Py_NewRef(args[i]);
  } else {
    PyObject* tuple = PyTuple_New(nargs);
    if (tuple == nullptr) return false;
    for (Py_ssize_t i = 0; i < nargs; ++i) PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    handle->args[1] = tuple;
  }
  handle->nargs = nargs;
  return true;
}

bool init(const Attached& py, Handle* handle, EventLoop& loop, PyObject* callback,
          PyObject* const* args, Py_ssize_t nargs, PyObject* context) noexcept {
  handle->loop = Py_NewRef(loop.object());
  handle->callback = Py_NewRef(callback);
  handle->context = nullptr;
  handle->weakrefs = nullptr;
  handle->debug = nullptr;
  handle->nargs = 0;
  handle->tracked = false;
  handle->cancelled = false;
  handle->running = false;
  handle->threadsafe = false;
  handle->shares_context = context == nullptr || context == Py_None;
  handle->context = handle->shares_context ? loop.shared_context().copy_current(py).release()
                                           : Py_NewRef(context);
  if (handle->context == nullptr) return false;
  if (!set_args(handle, args, nargs)) return false;
  return !loop.debug() || remember_source(py, handle);
}

PyObject* call(Handle* handle) noexcept {
  if (handle->nargs > Handle::kInlineArgs) {
    return PyObject_Call(handle->callback, handle->args[1], nullptr);
  }
  const std::size_t nargs = static_cast<std::size_t>(handle->nargs);
  return PyObject_Vectorcall(handle->callback, handle->args + 1,
                             nargs | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
}

PyRef call_in_context(const Attached& py, Handle* handle) noexcept {
  PyObject* const context = own_context(py, handle);
  if (context == nullptr || PyContext_Enter(context) != 0) return nullptr;
  PyRef result = PyRef::steal(call(handle));
  if (PyContext_Exit(context) != 0) return nullptr;
  return result;
}

bool ends_the_loop() noexcept {
  return PyErr_ExceptionMatches(PyExc_SystemExit) ||
         PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
}

}  // namespace

EventLoop& Handle::core() const noexcept { return *EventLoop::of(loop); }

Handle* new_handle(const Attached& py, EventLoop& loop, PyObject* callback, PyObject* const* args,
                   Py_ssize_t nargs, PyObject* context) noexcept {
  LoopTypes& types = loop.types();
  PyObject* object = types.free_handles.take(types.handle_type());
  if (object == nullptr) return nullptr;
  auto* handle = reinterpret_cast<Handle*>(object);
  const bool ok = init(py, handle, loop, callback, args, nargs, context);
  if (kTrackedFromBirth) track(handle);
  if (ok) return handle;
  Py_DECREF(object);
  return nullptr;
}

TimerHandle* new_timer_handle(const Attached& py, EventLoop& loop, double when, PyObject* callback,
                              PyObject* const* args, Py_ssize_t nargs, PyObject* context) noexcept {
  LoopTypes& types = loop.types();
  PyObject* object = types.free_timer_handles.take(types.timer_handle_type());
  if (object == nullptr) return nullptr;
  auto* timer = reinterpret_cast<TimerHandle*>(object);
  timer->node = io::TimerNode();
  timer->when = when;
  timer->scheduled = false;
  const bool ok = init(py, &timer->base, loop, callback, args, nargs, context);
  if (kTrackedFromBirth) track(&timer->base);
  if (ok) return timer;
  Py_DECREF(object);
  return nullptr;
}

void track(Handle* handle) noexcept {
  if (!std::exchange(handle->tracked, true)) PyObject_GC_Track(handle->object());
}

void let_go(Handle* handle) noexcept {
  if (Py_REFCNT(handle) > 1) track(handle);
  Py_DECREF(handle->object());
}

int traverse_queued(Handle* handle, visitproc visit, void* arg) {
  if (handle->tracked) {
    Py_VISIT(handle->object());
  } else if (Py_REFCNT(handle) == 1) {
    return Py_TYPE(handle)->tp_traverse(handle->object(), visit, arg);
  }
  return 0;
}

PyObject* own_context(const Attached&, Handle* handle) noexcept {
  if (handle->shares_context) {
    if (Py_REFCNT(handle->context) > 1) {
      PyObject* const own = PyContext_Copy(handle->context);
      if (own == nullptr) return nullptr;
      Py_SETREF(handle->context, own);
    }
    handle->shares_context = false;
  }
  return handle->context;
}

bool run_handle(const Attached& py, Handle* handle) noexcept {
  if (handle->cancelled) return true;
  return while_running(py, handle, [&] {
    if (call_in_context(py, handle)) return true;
    if (ends_the_loop()) return false;
    return report_failure(py, handle, take_error(py));
  });
}

void wait_for_callback(const Attached& py, Handle* handle) noexcept {
  EventLoop& loop = handle->core();
  while (handle->running && loop.running_thread() != PyThread_get_thread_ident()) {
    loop.wait_for_callback(py);
  }
}

void cancel_handle(const Attached& py, Handle* handle) noexcept {
  if (!handle->cancelled) {
    handle->cancelled = true;
    if (handle->core().debug()) remember_repr(py, handle);
  }
  if (!handle->running) drop_callback(handle);
}

void HandleFreeList::close() noexcept {
  open_ = false;
  free_all();
}

void HandleFreeList::free(PyObject* memory) noexcept {
  PyObject_GC_Del(memory);
  crowd_.freed();
}

void HandleFreeList::free_all() noexcept {
  while (count_ > 0) free(items_[--count_]);
}

// call_soon() passes here twice, so what is usual does as little as can be: it counts nothing, and
// memory that is used again still says whether it is from a crowd.

PyObject* HandleFreeList::take(PyTypeObject* type) noexcept {
  if (count_ > 0) return PyObject_Init(items_[--count_], type);
  PyObject* const object = PyObject_GC_New(PyObject, type);
  if (object == nullptr) return nullptr;
  if (open_) crowd_.made();
  reinterpret_cast<Handle*>(object)->from_crowd = crowd_.gathered();
  return object;
}

void HandleFreeList::give(Handle* handle) noexcept {
  const bool usual = open_ && count_ < kCapacity && !handle->from_crowd && !crowd_.gathered();
  if (!usual) return give_unusual(handle);
  items_[count_++] = handle->object();
}

void HandleFreeList::give_unusual(Handle* handle) noexcept {
  if (!open_) return PyObject_GC_Del(handle);
  if (crowd_.is_gone(static_cast<std::size_t>(count_) + 1)) free_all();
  if (count_ == kCapacity || (handle->from_crowd && !crowd_.gathered())) {
    free(handle->object());
  } else {
    items_[count_++] = handle->object();
  }
}

}  // namespace ep::loop
