# secom-generate.awk: made-up data of SECOM's shape, for where SECOM itself cannot be had.
#
#     awk -v what=data   -f secom-generate.awk > made-up-secom.data
#     awk -v what=labels -f secom-generate.awk > made-up-secom_labels.data
#
# 1567 rows of 590 features; 41,951 cells missing, in groups of columns that lack the same rows,
# as many columns with as many missing cells each as in SECOM; 116 columns constant; 104 rows
# labelled 1. The readings are noise and say nothing about the labels. Files are in UCI's form.
#
# -v seed=N (1 to 2147483646, default 42) makes others. The same seed gives the same bytes under
# every awk: random numbers are our own (Park and Miller's minimal standard generator, 1988), and
# all arithmetic is exact or IEEE 754's + - * /.

BEGIN {
	rows = 1567
	features = 590
	constants = 116
	fails = 104
	if (seed == "")
		seed = 42
	if (what == "data") {
		start_random(seed)
		make_columns()
		for (i = 0; i < rows; i++)
			print_row(i)
	} else if (what == "labels") {
		start_random(seed + 1)
		pick(fails, is_fail)
		for (i = 0; i < rows; i++)
			printf "%s \"%s\"\r\n", (i in is_fail) ? "1" : "-1", time_of(i)
	} else {
		print "secom-generate.awk: -v what=data or -v what=labels" >"/dev/stderr"
		exit 64
	}
}

function start_random(s,    i) {
	state = (s - 1) % 2147483646 + 1
	for (i = 0; i < 20; i++)
		uniform()
}

# In (0, 1). The product stays below 2^46: exact in a double.
function uniform() {
	state = state * 16807 % 2147483647
	return state / 2147483647
}

# About normal, mean 0 and standard deviation 1; one in 200 is up to six times as far out.
function noise(    x) {
	x = 2 * (uniform() + uniform() + uniform() - 1.5)
	return uniform() < 0.005 ? x * (1 + 5 * uniform()) : x
}

# 10 to a power, by multiplication: libraries' own powers differ.
function power_of_ten(n,    x) {
	for (x = 1; n > 0; n--)
		x *= 10
	for (; n < 0; n++)
		x /= 10
	return x
}

# Marks k of the rows in set, each choice of k as likely as any other.
function pick(k, set,    i) {
	for (i = 0; i < rows; i++) {
		if (uniform() * (rows - i) < k) {
			set[i] = 1
			k--
		}
	}
}

# Groups of columns that lack the same rows, as "missing cells:columns", counted in SECOM; the
# groups lie in blocks of at most 12 columns, those of a group apart from each other.
function make_columns(    list, n, g, part, left, j, seen) {
	n = split("0:52 1:32 1:44 1:4 1:4 1:4 1:4 2:20 2:44 2:16 2:4 3:24 4:24 5:3 6:4 6:40 6:56 " \
		"7:4 7:16 8:12 9:4 9:44 10:4 12:4 14:20 24:7 24:36 51:8 260:12 273:8 715:4 794:4 " \
		"949:4 1018:12 1341:4 1429:4", list, " ")
	for (g = 1; g <= n; g++) {
		split(list[g], part, ":")
		pick(part[1], lacks)
		for (j = 0; j < rows; j++) {
			if (j in lacks)
				missing[g, j] = 1
			delete lacks[j]
		}
		lacking[g] = part[1] + 0
		left[g] = part[2] + 0
	}
	for (j = 0; j < features;) {
		for (g = 1; g <= n; g++) {
			for (part[1] = 0; part[1] < 12 && left[g] > 0; part[1]++) {
				group[j++] = g
				left[g]--
			}
		}
	}
	# Constant ones are spread over the 530 columns that lack few.
	for (j = 0; j < features; j++) {
		if (lacking[group[j]] <= 24) {
			is_constant[j] = int((seen + 1) * constants / 530) > int(seen * constants / 530)
			seen++
		}
		mean[j] = (1 + 9 * uniform()) * power_of_ten(int(5 * uniform()) - 2)
		spread[j] = mean[j] * (1 + 9 * uniform()) * power_of_ten(int(2 * uniform()) - 2)
	}
}

function print_row(i,    j, cell, line) {
	line = ""
	for (j = 0; j < features; j++) {
		if ((group[j], i) in missing) {
			cell = "NaN"
		} else if (is_constant[j]) {
			cell = j % 29 ? "0" : "100"
		} else {
			cell = sprintf("%.4f", mean[j] + spread[j] * noise())
			sub(/\.?0+$/, "", cell)
			if (cell == "" || cell == "-" || cell == "-0")
				cell = "0"
		}
		line = line (j ? " " : "") cell
	}
	printf "%s\r\n", line
}

# Row by row 83 minutes on, from 19 July 2008.
function time_of(i,    minutes, day, month) {
	minutes = 715 + 83 * i
	day = 19 + int(minutes / 1440)
	for (month = 7; day > days_in(month); month++)
		day -= days_in(month)
	minutes %= 1440
	return sprintf("%02d/%02d/2008 %02d:%02d:00", day, month, int(minutes / 60), minutes % 60)
}

function days_in(month) {
	return month == 9 ? 30 : 31
}
