// How much of its stack a thread has left, for code that recurses as deep as its data is nested: a
// thread of the user's may have a small one (threading.stack_size()).
#pragma once

namespace ep {

/// Any thread: is so little left that nothing more should be nested?
bool stack_is_short() noexcept;

}  // namespace ep
