/* How a file of windows begins. */
#ifndef WINDOW_SAVED_IMPL_H
#define WINDOW_SAVED_IMPL_H

#define SAVED_MAGIC "sensorutils windows\n"
#define SAVED_MAGIC_LEN (sizeof(SAVED_MAGIC) - 1)
#define SAVED_VERSION 2
#define SAVED_BYTE_ORDER 0x01020304

#endif
