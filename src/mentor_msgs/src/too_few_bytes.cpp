// Throws what Fast CDR throws where a message holds too few bytes; see bounded_sequences.c.
#include "fastcdr/exceptions/NotEnoughMemoryException.h"

using eprosima::fastcdr::exception::NotEnoughMemoryException;

extern "C" void throw_too_few_bytes()
{
  throw NotEnoughMemoryException(NotEnoughMemoryException::NOT_ENOUGH_MEMORY_MESSAGE_DEFAULT);
}
