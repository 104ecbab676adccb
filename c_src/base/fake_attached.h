// For the tests of the cores, which have no Python: evidence to run jobs with.
#pragma once

namespace ep {

class Attached {};

}  // namespace ep
