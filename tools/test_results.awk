# Reads ctest's JUnit file; prints `passed|failed|skipped<TAB>NAME<TAB>REASON` for each test. Skipped
# is only what asked for it and ended well: a test that did not run, or complained after asking,
# failed.

/^\t<testcase / {
	name = $0
	sub(/^.* name="/, "", name)
	sub(/" classname=.*$/, "", name)
	status = $0
	sub(/^.* status="/, "", status)
	sub(/".*$/, "", status)
	asked = complained = telling = 0
	reason = ""
}

/^\t\t<skipped message="(SKIP_REGULAR_EXPRESSION_MATCHED|SKIP_RETURN_CODE=77)"/ { asked = 1 }
/^\[  FAILED  \]|: Failure$|(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error: / { complained = 1 }

# GoogleTest says why between these two; a check in the first line it prints.
/: Skipped$/ { telling = 1; reason = ""; next }
/^\[  SKIPPED \]/ { telling = 0 }
telling { reason = reason (reason == "" ? "" : " ") $0 }
!telling && reason == "" && asked && /<system-out>/ { last = $0; sub(/^.*<system-out>/, "", last) }

/^\t<\/testcase>/ {
	if (status == "run") verdict = "passed"
	else if (status == "notrun" && asked && !complained) verdict = "skipped"
	else verdict = "failed"
	if (reason == "") reason = last == "" ? "it does not say" : last
	gsub(/&lt;/, "<", reason)
	gsub(/&gt;/, ">", reason)
	gsub(/&amp;/, "\\&", reason)
	gsub(/&lt;/, "<", name)
	gsub(/&gt;/, ">", name)
	print verdict "\t" name "\t" reason
	last = ""
}
