/*
 * Why a function of the library failed: what went wrong, where, and which exit
 * status of sysexits(3) says so.
 *
 * A function that can fail takes a `struct error *err`, never NULL, and returns
 * -1 (or NULL). It fills err once, where the failure is known best; callers add
 * the place (error_at) or what they were doing (error_prefix) and pass it on.
 * Messages: lower case, no full stop, what failed first, the subject in single
 * quotes. Nothing in lib/ prints one: that is lib/cli's.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdint.h>

/* Each kind is the exit status it leads to. */
enum error_kind {
	ERROR_NONE = 0,
	ERROR_USAGE = 64,       /* options or operands */
	ERROR_DATA = 65,        /* input that is not what it must be */
	ERROR_NO_INPUT = 66,    /* input that cannot be opened */
	ERROR_UNAVAILABLE = 69, /* a service, or memory, that cannot be had */
	ERROR_INTERNAL = 70,    /* a defect of ours */
	ERROR_CREATE = 73,      /* output that cannot be created */
	ERROR_IO = 74,          /* reading or writing failed */
	ERROR_RETRY = 75,       /* may pass if the whole pipeline starts again */
	ERROR_CONFIG = 78,      /* a model, a profile, a pipeline that is wrong */
};

struct error {
	enum error_kind kind;
	uint64_t line;   /* counted from 1; 0: not known */
	uint64_t column; /* bytes, counted from 1; 0: not known */
	char file[512];  /* "" when not known */
	char what[512];  /* the message, always terminated, cut at a character */
};

/* Starts empty: `struct error err = ERROR_INIT;` */
#define ERROR_INIT                 \
	{                          \
		.kind = ERROR_NONE \
	}

/* Sets kind and message and forgets any place. Returns -1, so that a function
 * can end with `return error_set(err, …)`. Bytes of data that get into a message
 * are cleaned: control characters and invalid UTF-8 show as '?'. */
int error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_set, with ": " and the text of errno_value behind the message. */
int error_errno(struct error *err, enum error_kind kind, int errno_value, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The usual failure of an allocation of `bytes` bytes. Returns -1. */
int error_memory(struct error *err, uint64_t bytes);

/* Adds the place to an error that has none; parts already known stay. file may
 * be NULL, line and column 0. Returns -1. */
int error_at(struct error *err, const char *file, uint64_t line, uint64_t column);

/* Puts "what: " before the message. Returns -1. */
int error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
