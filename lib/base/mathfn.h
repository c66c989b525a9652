/*
 * The transcendental functions that enter models and scores. Results depend on
 * neither the machine nor its libm: plain IEEE 754 double arithmetic without
 * contraction, within 1 ulp of the exact value (tested against MPFR-made values).
 */
#ifndef BASE_MATHFN_H
#define BASE_MATHFN_H

/* Natural logarithm. x > 0; math_log(0) is -inf, of a negative number NaN. */
double math_log(double x);

/* 2 to the power x; subnormal results are rounded once, overflow is +inf. */
double math_exp2(double x);

#endif
