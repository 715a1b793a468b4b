# Reads ctest's JUnit file; prints `passed|failed|skipped<TAB>NAME<TAB>REASON` for each test. Skipped
# is only what asked for it and ended well: a test that could not be run, or complained after asking
# to be skipped, failed.

/^\t<testcase / {
	name = status = $0
	sub(/^.* name="/, "", name)
	sub(/" classname=.*$/, "", name)
	sub(/^.* status="/, "", status)
	sub(/".*$/, "", status)
	asked = complained = telling = 0
	first = reason = ""
	next
}

/^\t\t<skipped message="(SKIP_REGULAR_EXPRESSION_MATCHED|SKIP_RETURN_CODE=77)"/ { asked = 1 }
/^\[  FAILED  \]|: Failure$|(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error: / { complained = 1 }

# GoogleTest says why between these two lines; a check says it in the first line it prints.
/: Skipped$/ { telling = 1; next }
/^\[  SKIPPED \]/ { telling = 0 }
telling { reason = reason (reason == "" ? "" : " ") $0 }
/^\t\t<system-out>/ {
	first = $0
	sub(/^.*<system-out>/, "", first)
}

/^\t<\/testcase>/ {
	if (status == "run") verdict = "passed"
	else if (status == "notrun" && asked && !complained) verdict = "skipped"
	else verdict = "failed"
	if (verdict != "skipped") reason = ""
	else if (reason == "") reason = first
	print verdict "\t" plain(name) "\t" plain(reason)
}

function plain(text) {
	gsub(/&lt;/, "<", text)
	gsub(/&gt;/, ">", text)
	gsub(/&quot;/, "\"", text)
	gsub(/&apos;/, "'", text)
	gsub(/&amp;/, "\\&", text)
	return text
}
