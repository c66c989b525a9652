/*
 * Tables of mathfn.c, made with 80 decimal digits. Their tests are those of the functions.
 */
#ifndef BASE_MATHFN_TABLE_H
#define BASE_MATHFN_TABLE_H

#define EXP2_ENTRIES 128
#define LOG_ENTRIES 128
#define LOG_FIRST 0x1.6p-1 /* 0.6875 */

/* 2^(i / EXP2_ENTRIES) = value * (1 + tail) */
struct exp2_entry {
	double value, tail;
};

/*
 * For the i-th of the intervals that begin with LOG_FIRST and are 1/256 wide up to 1, 1/128
 * from there: `inverse`, of a point near its middle, is a multiple of 1/512 (1 on both sides of 1,
 * so that nothing cancels there), and log_high + log_low = -log(inverse), where log_high is a
 * multiple of 2^-42.
 */
struct log_entry {
	double inverse, log_high, log_low;
};

extern const struct exp2_entry exp2_table[EXP2_ENTRIES];
extern const struct log_entry log_table[LOG_ENTRIES];

#endif
