#include "lib/base/mathfn.h"

#include <math.h>

double math_log(double x)
{
	return log(x);
}

double math_exp2(double x)
{
	return exp2(x);
}
