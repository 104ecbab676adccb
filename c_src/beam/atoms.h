// Atoms: those that the library's own code makes or compares all the time, made once when it is
// loaded. What is needed once in a while is made where it is needed.
//
// An atom's term is the same in every environment and lives as long as the VM, so any thread may
// use these. Never make an atom from data: see existing_atom() in beam/external.h.
#pragma once

#include <erl_nif.h>

namespace ep {

// X(member, "text")
#define EP_ATOMS(X)                          \
  /* terms with a meaning of their own */    \
  X(ok, "ok")                                \
  X(error, "error")                          \
  X(true_, "true")                           \
  X(false_, "false")                         \
  X(none, "none")                            \
  X(nil, "nil")                              \
  X(undefined, "undefined")                  \
  X(bytes, "bytes")                          \
  X(nan, "nan")                              \
  X(infinity, "infinity")                    \
  X(neg_infinity, "neg_infinity")            \
  /* the failure shapes of docs/errors.md */ \
  X(exception, "exception")                  \
  X(timeout, "timeout")                      \
  X(cancelled, "cancelled")                  \
  X(overloaded, "overloaded")                \
  X(not_found, "not_found")                  \
  X(conversion, "conversion")                \
  X(executor_died, "executor_died")          \
  X(not_started, "not_started")              \
  X(async_result, "async_result")            \
  X(type, "type")                            \
  X(module, "module")                        \
  X(message, "message")                      \
  X(traceback, "traceback")                  \
  /* steps of a conversion's path */         \
  X(index, "index")                          \
  X(key, "key")                              \
  X(map_key, "map_key")                      \
  X(ellipsis, "...")                         \
  /* why a conversion failed */              \
  X(improper_list, "improper_list")          \
  X(bitstring, "bitstring")                  \
  X(not_utf8, "not_utf8")                    \
  X(lone_surrogate, "lone_surrogate")        \
  X(unhashable_key, "unhashable_key")        \
  X(duplicate_key, "duplicate_key")          \
  X(too_deep, "too_deep")                    \
  X(too_large, "too_large")                  \
  X(changed, "changed")                      \
  X(other_interpreter, "other_interpreter")  \
  X(unknown_type, "unknown_type")            \
  X(no_memory, "no_memory")                  \
  X(no_object, "no_object")                  \
  /* the runtime's messages and requests */  \
  X(call, "call")                            \
  X(call_method, "call_method")              \
  X(eval, "eval")                            \
  X(exec, "exec")                            \
  X(getattr, "getattr")                      \
  X(killed, "killed")                        \
  X(park, "park")                            \
  X(pending, "pending")                      \
  X(read, "read")                            \
  X(write, "write")                          \
  X(stopped, "stopped")                      \
  X(sending, "sending")                      \
  X(sent, "sent")                            \
  X(auto_, "auto")                           \
  X(binary, "binary")                        \
  X(default_, "default")                     \
  X(str, "str")                              \
  X(self, "self")                            \
  X(task, "task")                            \
  X(started, "started")                      \
  X(py_call, "py_call")                      \
  X(py_cancel, "py_cancel")                  \
  X(py_send, "py_send")                      \
  X(stand_in_wanted, "stand_in_wanted")      \
  X(retire, "retire")                        \
  X(py_log, "py_log")

struct Atoms {
#define EP_ATOM_MEMBER(member, text) ERL_NIF_TERM member;
  EP_ATOMS(EP_ATOM_MEMBER)
#undef EP_ATOM_MEMBER

  static Atoms make(ErlNifEnv* env) noexcept {
#define EP_ATOM_MAKE(member, text) enif_make_atom(env, text),
    return {EP_ATOMS(EP_ATOM_MAKE)};
#undef EP_ATOM_MAKE
  }
};

}  // namespace ep
