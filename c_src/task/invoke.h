// Does what a request says. Requests are terms:
//
//   {call, Module, Function, Args, Kwargs}     {call_method, Object, Name, Args, Kwargs}
//   {eval, Code, Locals}                        {getattr, Object, Name}
//   {exec, Code}
//
// Names are atoms or UTF-8 binaries; a Function or Name may be a dotted path (`Class.method`).
#pragma once

#include <erl_nif.h>

#include "convert/codec.h"
#include "cpython/attach.h"
#include "cpython/ref.h"
#include "task/services.h"

namespace ep::task {

/// Why a request gave no value.
struct Problem {
  enum class Kind { kPythonError, kConversion, kNotFound };
  Kind kind = Kind::kPythonError;  // kPythonError: the error is set on this thread
  convert::Failure failure;        // kConversion
  ERL_NIF_TERM module = 0;         // kNotFound: {not_found, Module, Function}
  ERL_NIF_TERM function = 0;
};

/// The value, or null with `problem` filled in.
PyRef invoke(const Attached&, Services& services, ErlNifEnv* env, ERL_NIF_TERM request,
             const convert::Options& options, Problem& problem);

}  // namespace ep::task
