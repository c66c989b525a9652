# Rules for C files that no compiler knows, as FILE:LINE: what is wrong. See "The house" in the
# design: includes run one way, only cmd/ and lib/cli speak, some functions nobody calls.
BEGIN {
	rank["base"] = 0
	rank["stats"] = rank["record"] = 1
	rank["kafka"] = rank["store"] = rank["lake"] = rank["window"] = rank["sim"] = rank["model"] = rank["report"] = 2
	rank["cli"] = 3
	rank["cmd"] = 4
	banned = "strcpy|strcat|stpcpy|sprintf|vsprintf|strtok|localtime|gmtime|ctime|asctime|atoi|atol|" \
		"atof|gets|setlocale|alloca|rand|srand|tmpnam|mktemp"
	# _exit is left to children that fork for an exec.
	speaking = "printf|fprintf|vprintf|vfprintf|dprintf|puts|fputs|putchar|fputc|putc|perror|exit|" \
		"abort|err|errx|warn|warnx|getopt|getopt_long"
}

FNR == 1 {
	split(FILENAME, part, "/")
	home = part[1] == "lib" ? part[2] : part[1]
	in_comment = 0
	if (part[1] == "lib" && !(home in rank))
		wrong("folder 'lib/" home "' has no place in the order of includes")
}

{
	if (match($0, /^#[ \t]*include[ \t]*"[^"]*"/)) {
		split($0, quoted, "\"")
		include(quoted[2])
	}
	line = bare($0)
	if (calls(line, banned))
		wrong("'" name "' is banned")
	if (part[1] == "lib" && home != "cli") {
		if (calls(line, speaking))
			wrong("'" name "': outside cmd/ and lib/cli nothing prints, exits or reads argv")
		if (match(line, /(^|[^A-Za-z0-9_])(stdout|stderr|optarg)([^A-Za-z0-9_]|$)/))
			wrong("outside cmd/ and lib/cli nothing prints, exits or reads argv")
	}
}

function wrong(what) {
	print FILENAME ":" FNR ": " what
	bad = 1
}

function include(path,    target) {
	split(path, target, "/")
	if (target[1] != "lib" && target[1] != "tests") {
		wrong("include '" path "' from the top")
	} else if (part[1] == "lib" || part[1] == "cmd") {
		if (target[1] == "tests" || !(target[2] in rank))
			wrong("include of '" path "' leads nowhere known")
		else if (target[2] != home && rank[target[2]] >= rank[home])
			wrong("'" home "' may not include '" path "'")
	}
}

# The line without comments and without what stands in quotes.
function bare(s,    out, c, two, quote) {
	out = ""
	while (s != "") {
		two = substr(s, 1, 2)
		c = substr(s, 1, 1)
		if (in_comment) {
			if (two == "*/")
				in_comment = 0
			s = substr(s, two == "*/" ? 3 : 2)
		} else if (two == "/*") {
			in_comment = 1
			s = substr(s, 3)
		} else if (two == "//") {
			break
		} else if (c == "\"" || c == "'") {
			quote = c
			s = substr(s, 2)
			while (s != "" && substr(s, 1, 1) != quote)
				s = substr(s, substr(s, 1, 1) == "\\" ? 3 : 2)
			s = substr(s, 2)
			out = out quote quote
		} else {
			out = out c
			s = substr(s, 2)
		}
	}
	return out
}

# Whether one of the functions is called; sets name.
function calls(s, names) {
	if (!match(s, "(^|[^A-Za-z0-9_.>])(" names ")[ \t]*\\("))
		return 0
	name = substr(s, RSTART, RLENGTH)
	gsub(/[^A-Za-z0-9_]/, "", name)
	return 1
}

END { exit bad }
