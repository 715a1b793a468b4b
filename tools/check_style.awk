# Reads the project's file names, then the files; prints `file:line: why` and exits 1 on any offence.
# A call counts where its name stands alone: `x->free(` and `my_exit(` are somebody else's.

BEGIN {
	while ((getline line < allowed) > 0)
		if (line !~ /^#/ && split(line, word, " ") > 2) allow[word[1], word[2]] = 1
	close(allowed)
	door("memory", "malloc calloc realloc reallocarray free aligned_alloc posix_memalign strdup strndup asprintf vasprintf",
		"memory comes from context/alloc.h")
	door("time", "clock_gettime gettimeofday time clock timespec_get uv_hrtime uv_now",
		"time comes from context/clock.h")
	door("thread", "pthread_create thrd_create uv_thread_create uv_thread_create_ex",
		"threads start in executor/platform.h")
	door("sleep", "sleep usleep nanosleep clock_nanosleep sched_yield uv_sleep", "wait for the event, not for time")
	door("output", "printf fprintf vprintf vfprintf puts fputs putchar perror dprintf", "the library does not print")
	door("exit", "exit _exit _Exit abort quick_exit", "the library does not end the process")
	layers = "^(context|executor|runtime|net)/"
}

function door(rule, names, reason,    i, n, name) {
	n = split(names, name, " ")
	for (i = 1; i <= n; i++) rule_of[name[i]] = rule
	why[rule] = reason
}

{ file[++files] = $0 }

END {
	for (f = 1; f <= files; f++) read_file(file[f])
	exit offences > 0
}

function offend(at, reason) {
	print path ":" at ": " reason
	offences++
}

function read_file(name,    line, text, n, previous, opened, what) {
	path = name
	inside = in_comment = opened = 0
	previous = what = ""
	for (n = 1; (getline line < name) > 0; n++) {
		if (line ~ /(^|[^A-Z])(TODO|FIXME|XXX|HACK)([^A-Z]|$)/) offend(n, "a leftover: do it, or file it elsewhere")
		if (line ~ /(\/\*|\/\/) *(---|===|\*\*\*|###|~~~)|(---|===|\*\*\*|###|~~~) *\*\//)
			offend(n, "no banners: a comment says why, and two parts are two files")
		text = code_of(line)
		if (text ~ /[^ \t]/) judge_line(text, n)
		if (line == "{" && previous !~ /^(namespace|extern)/ && previous !~ /^(class|struct)[^()]*$/) {
			opened = n
			what = previous
		} else if (line ~ /^}/ && opened) {
			if (n - opened + 1 > 70)
				offend(opened, "this function has " n - opened + 1 " lines, more than 70: " what)
			opened = 0
		}
		previous = line
	}
	close(name)
	if (n - 1 > 800) offend(801, "this file has " n - 1 " lines, more than 800")
	if (path ~ layers && path ~ /\.h$/) judge_guard(name)
}

# The line without comments and without what its strings say.
function code_of(line,    out, c, two, i, n, quote) {
	n = length(line)
	quote = ""
	for (i = 1; i <= n; i++) {
		c = substr(line, i, 1)
		two = substr(line, i, 2)
		if (in_comment) {
			if (two == "*/") { in_comment = 0; i++ }
		} else if (quote != "") {
			if (c == "\\") i++
			else if (c == quote) { quote = ""; out = out c }
		} else if (two == "/*") { in_comment = 1; i++ }
		else if (two == "//") break
		else {
			if (c == "\"" || c == "'") quote = c
			out = out c
		}
	}
	return out
}

function judge_line(text, n) {
	if (text ~ /^typedef .*[a-z0-9]_t;/) offend(n, "the names that end in _t are POSIX's")
	if (path !~ layers) return
	if (text ~ /(^|[^a-zA-Z0-9_])(_Thread_local|__thread|thread_local)([^a-zA-Z0-9_]|$)/ &&
		!(("thread-local", path) in allow))
		offend(n, "the library has two thread-locals, and this is neither")
	judge_calls(text, n)
}

function judge_calls(text, n,    before, name, rest) {
	rest = text
	while (match(rest, /[a-zA-Z_][a-zA-Z0-9_]*[ ]?\(/)) {
		before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : ""
		name = substr(rest, RSTART, RLENGTH - 1)
		sub(/ $/, "", name)
		if ((name in rule_of) && before != "." && before != ">" && before !~ /[0-9]/ &&
			!((rule_of[name], path) in allow))
			offend(n, name "(): " why[rule_of[name]])
		rest = substr(rest, RSTART + RLENGTH)
	}
}

# WEFT_NOUN_H outside, WF_..._NOUN_H inside.
function judge_guard(name,    line, noun, n, wanted) {
	noun = name
	sub(/^.*\//, "", noun)
	sub(/\.h$/, "", noun)
	noun = toupper(noun)
	wanted = name ~ /\/include\/weft\// ? "^WEFT_" noun "_H$" : "^WF_([A-Z0-9_]*_)?" noun "_H$"
	for (n = 1; (getline line < name) > 0; n++)
		if (line ~ /^#ifndef /) {
			sub(/^#ifndef +/, "", line)
			break
		}
	close(name)
	if (line !~ wanted) offend(n, "the include guard is " line ", not " substr(wanted, 2, length(wanted) - 2))
}
