// Services: what the work of Erlang processes needs besides the work itself. One for the NIF
// library, in its private data; set up when the library is loaded and the interpreter started.
#pragma once

#include <atomic>
#include <memory>

#include "beam/env_pool.h"
#include "beam/resource.h"
#include "convert/beam_context.h"
#include "convert/codec.h"
#include "cpython/ref.h"
#include "runtime/forked_child.h"
#include "runtime/interpreter.h"
#include "task/default_loop.h"
#include "task/open_loops.h"
#include "task/stand_ins.h"

namespace ep::task {

class Submission;
class HostedLoop;
class Poll;

/// Python objects that the work uses, owned; they live as long as the interpreter does.
struct PythonNames {
  PyObject* new_loop = nullptr;             // erlang._hosted.new_loop
  PyObject* finish_loop = nullptr;          // erlang._hosted.finish_loop
  PyObject* schedule_marker = nullptr;      // the type erlang.ScheduleMarker
  PyObject* interrupted = nullptr;          // the type erlang.Interrupted
  PyObject* is_empty = nullptr;             // erlang._hosted.is_empty
  PyObject* application_stopped = nullptr;  // erlang._hosted.application_stopped
  PyObject* node_ended = nullptr;           // erlang._hosted.node_ended
  PyObject* current_task = nullptr;         // asyncio.current_task
  // asyncio's own, in C: an interruption can't come between their bytecodes.
  PyObject* get_running_loop = nullptr;
  PyObject* set_running_loop = nullptr;
  PyObject* swap_current_task = nullptr;   // null before 3.12
  PyObject* get_asyncgen_hooks = nullptr;  // sys.get_asyncgen_hooks
  PyObject* set_asyncgen_hooks = nullptr;
  PyObject* no_asyncgen_hooks = nullptr;  // (None, None)
  PyObject* run_nested = nullptr;         // erlang._hosted.run_nested
  PyObject* ensure_future = nullptr;      // erlang._hosted.ensure_future
  PyObject* keep_source = nullptr;        // erlang._sources.keep
  PyObject* main_dict = nullptr;          // the namespace of __main__
  PyTypeObject* delivery = nullptr;       // task/delivery_type.h
  PyObject* delivery_variable = nullptr;  // a contextvars.ContextVar for one of these
  // Interned names.
  PyObject* add_done_callback = nullptr;
  PyObject* cancel = nullptr;
  PyObject* create_task = nullptr;
  PyObject* eval_file = nullptr;     // <eval>
  PyObject* initializing = nullptr;  // _initializing
  PyObject* inline_ = nullptr;       // inline
  PyObject* name = nullptr;
  PyObject* qualname = nullptr;              // __qualname__
  PyObject* create_task_keywords = nullptr;  // ("name",)
  PyObject* result = nullptr;
  PyObject* spec = nullptr;  // __spec__
  PyObject* take = nullptr;
};

struct Services {
  explicit Services(ErlNifEnv* env) noexcept : beam(env) {}

  convert::BeamContext beam;
  EnvPool envs;
  ResourceType<Submission> submissions;
  ResourceType<HostedLoop> loops;
  ResourceType<Poll> polls;
  OpenLoops open_loops;
  ForkedChild forked;
  StandIns stand_ins{*this};
  DefaultLoop default_loop;
  std::unique_ptr<Interpreter> interpreter;  // null until the first start
  convert::Codec* codec = nullptr;           // the interpreter's
  PythonNames names;
  std::atomic<ERL_NIF_TERM> none{0};  // convert::Options::none where nothing else says it
  std::atomic<std::uint64_t> last_chain{0};
  std::atomic<std::size_t> max_pending{0};  // of one loop; more is refused as overload
};

/// Fills in `names`. Once, when `_erlang` and the package `erlang` can be imported. False with a
/// Python error set.
bool prepare_names(const Attached&, Services& services, PyObject* module);

}  // namespace ep::task
