// Services: what the work of Erlang processes needs of the VM. One for the NIF library, in its
// private data. What belongs to one interpreter is in that (cpython/interpreter.h).
#pragma once

#include <atomic>
#include <memory>

#include "beam/env_pool.h"
#include "beam/resource.h"
#include "convert/beam_context.h"
#include "runtime/forked_child.h"
#include "task/default_loop.h"
#include "task/open_loops.h"
#include "task/stand_ins.h"

namespace ep::task {

class Submission;
class HostedLoop;
class Poll;

struct Services {
  /// Whether there is one around this interpreter, with processes to talk to.
  enum class Node { kHere, kNone };

  explicit Services(ErlNifEnv* env, Node its_node = Node::kHere) noexcept
      : node(its_node), beam(env) {}

  const Node node;
  convert::BeamContext beam;
  EnvPool envs;
  ResourceType<Submission> submissions;
  ResourceType<HostedLoop> loops;
  ResourceType<Poll> polls;
  OpenLoops open_loops;
  ForkedChild forked;
  StandIns stand_ins{*this};
  DefaultLoop default_loop;
  std::atomic<ERL_NIF_TERM> none{0};  // convert::Options::none where nothing else says it
  std::atomic<std::uint64_t> last_chain{0};
  std::atomic<std::size_t> max_pending{0};  // of one loop; more is refused as overload
};

}  // namespace ep::task
