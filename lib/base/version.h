/* The toolkit's version, as --version prints it. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define SENSORUTILS_VERSION "0.1.0"

#endif
