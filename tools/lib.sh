# Read by the scripts beside it, not run. Needs nothing but a POSIX shell.

# The checkout; a script that lies elsewhere than in tools/ sets it first.
: "${weft_root:=$(cd "$(dirname "$0")/.." && pwd)}"

# list_files ROOT PATTERN: the project's files under ROOT whose names match the extended pattern,
# relative to it. Without git (an unpacked archive) everything but the builds is the project's.
list_files() {
	(
		cd "$1" || exit 1
		if [ -e .git ] && git ls-files >/dev/null 2>&1; then
			git ls-files --cached --others --exclude-standard
		else
			find . -type f ! -path './build/*' ! -path './.git/*' | sed 's,^\./,,'
		fi | grep -E "$2" | LC_ALL=C sort | while IFS= read -r file; do
			if [ -f "$file" ]; then printf '%s\n' "$file"; fi
		done
	)
}

# plant ROOT FILE TEXT: writes one file of a self-test's made-up project; \n in TEXT is a new line.
plant() {
	mkdir -p "$1/$(dirname "$2")"
	printf '%b\n' "$3" >"$1/$2"
}

# expect_found OUTPUT LINE...: a self-test's claim that a check printed each of these beginnings.
expect_found() {
	output=$1
	shift
	for line; do
		if ! printf '%s\n' "$output" | grep -qF "$line"; then
			printf 'self-test: this was planted and not found: %s\n%s\n' "$line" "$output"
			return 1
		fi
	done
	if [ "$(printf '%s\n' "$output" | grep -c .)" -ne $# ]; then
		printf 'self-test: %d were planted, but this was found:\n%s\n' $# "$output"
		return 1
	fi
}
