/* Seen by clang-tidy alone, before every file but lib/base/error.c: its analyser does not look into
 * other files, and must know that these never return 0. */
#include "lib/base/error.h"

#define error_set(...) ((error_set)(__VA_ARGS__), -1)
#define error_errno(...) ((error_errno)(__VA_ARGS__), -1)
#define error_memory(...) ((error_memory)(__VA_ARGS__), -1)
#define error_at(...) ((error_at)(__VA_ARGS__), -1)
#define error_prefix(...) ((error_prefix)(__VA_ARGS__), -1)
