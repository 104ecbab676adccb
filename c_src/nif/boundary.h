// The boundary between the VM and C++: no C++ exception crosses it.
#pragma once

#include <erl_nif.h>

#include <exception>
#include <system_error>

#include "beam/system_error.h"
#include "nif/state.h"

namespace ep::nif {

using Body = ERL_NIF_TERM (*)(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]);

/// Thrown by a body for an argument of the wrong type: error(badarg).
struct BadArgument {};

/// A NIF as the VM calls it, around a body. What the system refuses, such as a descriptor or a
/// thread, becomes {error, emfile} and the like.
template <Body body>
ERL_NIF_TERM entry(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) noexcept {
  try {
    return body(env, *static_cast<State*>(enif_priv_data(env)), argv);
  } catch (const BadArgument&) {
    return enif_make_badarg(env);
  } catch (const std::system_error& error) {
    return error_tuple(env, error.code().value());
  } catch (const std::exception& error) {
    return enif_raise_exception(env, enif_make_string(env, error.what(), ERL_NIF_LATIN1));
  } catch (...) {
    return enif_raise_exception(env, enif_make_atom(env, "unknown_cpp_exception"));
  }
}

// Arguments; throw BadArgument.

template <class T>
T& get_resource(ErlNifEnv* env, const ResourceType<T>& type, ERL_NIF_TERM term) {
  T* const object = type.get(env, term);
  if (object == nullptr) throw BadArgument();
  return *object;
}

/// What a map has under an atom.
ERL_NIF_TERM get_field(ErlNifEnv* env, ERL_NIF_TERM map, const char* name);
std::string get_text(ErlNifEnv* env, ERL_NIF_TERM term);  // a binary
bool get_boolean(const State& state, ERL_NIF_TERM term);
std::uint64_t get_uint64(ErlNifEnv* env, ERL_NIF_TERM term);
ErlNifPid get_local_pid(ErlNifEnv* env, ERL_NIF_TERM term);
/// {error, {executor_died, stopped}}
ERL_NIF_TERM died(ErlNifEnv* env, const State& state);
/// An atom that None may become, or 0 for `default`.
ERL_NIF_TERM get_none(const State& state, ERL_NIF_TERM term);
/// Milliseconds from now, or `infinity`, as a point in time.
Nanos get_deadline(ErlNifEnv* env, const State& state, ERL_NIF_TERM term);

}  // namespace ep::nif
