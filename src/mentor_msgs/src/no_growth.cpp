// Prevents that the buffer of a message that has arrived grows; see bounded_sequences.c.
//
// What takes bytes asks eprosima::fastcdr::Cdr::resize for more where there are too few, and throws
// where it gets none: the message is dropped, and the middleware notes why. Only the check of a
// sequence's length goes on without an exception: for each such message the generated code writes
// "sequence size exceeds remaining buffer" to the terminal, and no note says which message it was. So
// the exception comes from here. Nobody needs a buffer to grow: what is sent has one of its size, and
// what has arrived is all there.
#include <cstddef>

#include "fastcdr/exceptions/NotEnoughMemoryException.h"

using eprosima::fastcdr::exception::NotEnoughMemoryException;

bool no_growth(void * cdr, std::size_t bytes) __asm__("_ZN8eprosima7fastcdr3Cdr6resizeEm");
bool no_growth(void *, std::size_t)
{
  throw NotEnoughMemoryException(NotEnoughMemoryException::NOT_ENOUGH_MEMORY_MESSAGE_DEFAULT);
}
