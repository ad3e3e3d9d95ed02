// Bounds what one sequence of a received message may take, in memory and in time.
//
// The code that rosidl generates reads a length, allocates so many elements, and reads them. For a
// message of a topic it compares the length with the bytes that are there first. A request or a
// response lies in a buffer that grows when asked (eprosima::fastcdr::FastBuffer), so the comparison
// always holds: twelve bytes that announce 2^32 elements take all memory, and what is then read as
// elements, texts and further sequences is whatever lies in the memory behind the message: seconds of
// work, and gigabytes, for one request. So a buffer does not grow, and where this cannot be prevented
// (another version of the library), a sequence is still bounded.
//
// Sequences of messages and texts are allocated through rcutils_get_default_allocator(), sequences of
// numbers by functions of rosidl_runtime_c, and the generated libraries take both from other
// libraries. The dynamic linker looks for them among the global symbols first: where this library was
// loaded with RTLD_GLOBAL before the others were, these definitions are found (see
// mentor_common/node/bounded_sequences.py). An allocation that is refused is a case that the generated
// code knows: it reports that the message cannot be read, and the message is dropped.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "rcutils/allocator.h"
#include "rosidl_runtime_c/primitives_sequence.h"

// Throws what a buffer that is too short throws; NULL: not found. It is C++ (see too_few_bytes.cpp), and
// set by whoever loads both: as a part of this library, it would make the C++ library global, too, which
// ends processes that bring another one along (pyrealsense2).
void (* mentor_too_few_bytes)(void) = NULL;

// eprosima::fastcdr::Cdr::resize, by which a buffer grows that is too short. Nobody needs it: what is
// sent has a buffer of its size, and what has arrived is all there. Where it returns false, its callers
// throw, but for the check of a sequence's length: for each such message the generated code writes
// "sequence size exceeds remaining buffer" to the terminal, and nobody notes which message it was.
bool no_growth(void * cdr, size_t bytes) __asm__("_ZN8eprosima7fastcdr3Cdr6resizeEm");
bool no_growth(void * cdr, size_t bytes)
{
  (void)cdr;
  (void)bytes;
  if (mentor_too_few_bytes) {
    mentor_too_few_bytes();
  }
  return false;
}

// Strings, numbers and messages cost a multiple of this once they are Python's objects.
static const size_t LARGEST_SEQUENCE = (size_t)1 << 25;  // bytes
// Images and the weights of a policy (43 MB for MENTOR) are bytes, and stay so in Python.
static const size_t LARGEST_DATA = (size_t)1 << 28;  // bytes

static void * allocate(size_t size, void * state) {(void)state; return malloc(size);}
static void deallocate(void * pointer, void * state) {(void)state; free(pointer);}
static void * reallocate(void * pointer, size_t size, void * state)
{
  (void)state;
  return realloc(pointer, size);
}

static void * zero_allocate(size_t count, size_t size, void * state)
{
  (void)state;
  return size && count > LARGEST_SEQUENCE / size ? NULL : calloc(count, size);
}

// The same functions of the C library as rcutils' own, so that one may free what the other allocated.
rcutils_allocator_t rcutils_get_default_allocator(void)
{
  return (rcutils_allocator_t) {allocate, deallocate, reallocate, zero_allocate, NULL};
}

// Sequences of numbers are allocated by other functions of the allocator, which also serve what may be
// large; so their own functions are replaced.
#define BOUND(type, largest) \
  bool rosidl_runtime_c__ ## type ## __Sequence__init( \
    rosidl_runtime_c__ ## type ## __Sequence * array, size_t size) \
  { \
    if (!array || size > (largest) / sizeof(*array->data)) { \
      return false; \
    } \
    void * data = size ? calloc(size, sizeof(*array->data)) : NULL; \
    if (size && !data) { \
      return false; \
    } \
    *array = (rosidl_runtime_c__ ## type ## __Sequence) {data, size, size}; \
    return true; \
  }

BOUND(float, LARGEST_SEQUENCE)
BOUND(double, LARGEST_SEQUENCE)
BOUND(long_double, LARGEST_SEQUENCE)
BOUND(char, LARGEST_SEQUENCE)
BOUND(wchar, LARGEST_SEQUENCE)
BOUND(boolean, LARGEST_SEQUENCE)
BOUND(octet, LARGEST_SEQUENCE)
BOUND(uint8, LARGEST_DATA)
BOUND(int8, LARGEST_SEQUENCE)
BOUND(uint16, LARGEST_SEQUENCE)
BOUND(int16, LARGEST_SEQUENCE)
BOUND(uint32, LARGEST_SEQUENCE)
BOUND(int32, LARGEST_SEQUENCE)
BOUND(uint64, LARGEST_SEQUENCE)
BOUND(int64, LARGEST_SEQUENCE)
