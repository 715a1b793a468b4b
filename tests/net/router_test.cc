#include "net/http/router.h"
#include "tests/support/failing_allocator.h"

#include <gtest/gtest.h>
#include <memory>
#include <weft/error.h>

namespace
{

class Router : public testing::Test
{
  protected:
	~Router() override
	{
		wf_router_free(router_);
	}

	/* A route whose value is its own text. */
	int add(const char *method, const char *pattern)
	{
		values_.push_back(std::make_unique<std::string>(
			std::string(method != nullptr ? method : "*") + " " + pattern));
		char why[200];
		int rc = wf_router_add(router_, method, pattern, values_.back().get(), why, sizeof why);
		why_ = rc == 0 ? "" : why;
		return rc;
	}

	/* "GET /users/{id} id=7" or what else comes of it. */
	std::string find(const std::string &method, const std::string &path)
	{
		wf_route_match match;
		wf_http_method id = wf_http_method_of(method.data(), method.size());
		switch (wf_router_find(
			router_, id, method.data(), method.size(), path.data(), path.size(), &match)) {
		case WF_ROUTE_NO_PATH:
			return "404";
		case WF_ROUTE_NO_METHOD:
			return "405 " + allow(match.allowed);
		case WF_ROUTE_OPTIONS:
			return "204 " + allow(match.allowed);
		case WF_ROUTE_FOUND_GET:
			return "HEAD of " + describe(match);
		default:
			return describe(match);
		}
	}

	std::string allow(uint64_t allowed)
	{
		char text[1000];
		wf_http_writer writer;
		wf_http_writer_init(&writer, text, sizeof text);
		wf_router_write_allow(router_, allowed, &writer);
		return std::string(text, writer.size);
	}

	static std::string describe(const wf_route_match &match)
	{
		std::string text = *static_cast<const std::string *>(match.value);
		EXPECT_EQ(text.substr(text.find(' ') + 1), match.pattern);
		for (uint32_t i = 0; i < match.parameter_count; i++) {
			const wf_route_parameter &each = match.parameters[i];
			text += std::string(" ") + each.name + "=" + std::string(each.value, each.value_size);
		}
		return text;
	}

	wf_router *router_ = wf_router_new();
	std::vector<std::unique_ptr<std::string>> values_;
	std::string why_;
};

TEST_F(Router, FindsTextParametersAndRests)
{
	for (const char *pattern : { "/", "/a", "/a/", "/users/{id}", "/users/{id}/files/{name}",
			 "/files/{path...}", "/x//y" })
		ASSERT_EQ(add("GET", pattern), 0) << why_;
	EXPECT_EQ(find("GET", "/"), "GET /");
	EXPECT_EQ(find("GET", "/a"), "GET /a");
	EXPECT_EQ(find("GET", "/a/"), "GET /a/");
	EXPECT_EQ(find("GET", "/users/7"), "GET /users/{id} id=7");
	EXPECT_EQ(find("GET", "/users/a%2Fb"), "GET /users/{id} id=a%2Fb");
	EXPECT_EQ(find("GET", "/users/7/files/n"), "GET /users/{id}/files/{name} id=7 name=n");
	EXPECT_EQ(find("GET", "/files/"), "GET /files/{path...} path=");
	EXPECT_EQ(find("GET", "/files/a/b/"), "GET /files/{path...} path=a/b/");
	EXPECT_EQ(find("GET", "/x//y"), "GET /x//y");
	for (const char *path : { "", "a", "*", "/b", "/users", "/users/", "/users/7/",
			 "/users/7/files", "/files", "/x/y", "/A", "/users//files/n", "//" })
		EXPECT_EQ(find("GET", path), "404") << path;
}

TEST_F(Router, PrefersTextToParametersToRests)
{
	for (const char *pattern :
		{ "/{a...}", "/{a}", "/b", "/{a}/c", "/b/{x}", "/b/{x}/d", "/{a}/c/e", "/b/c/{r...}" })
		ASSERT_EQ(add("GET", pattern), 0) << why_;
	EXPECT_EQ(find("GET", "/b"), "GET /b");
	EXPECT_EQ(find("GET", "/x"), "GET /{a} a=x");
	EXPECT_EQ(find("GET", "/"), "GET /{a...} a=");
	EXPECT_EQ(find("GET", "/b/c"), "GET /b/{x} x=c");
	EXPECT_EQ(find("GET", "/b/c/"), "GET /b/c/{r...} r=");
	EXPECT_EQ(find("GET", "/b/c/e"), "GET /b/c/{r...} r=e");
	EXPECT_EQ(find("GET", "/b/x/d"), "GET /b/{x}/d x=x");
	EXPECT_EQ(find("GET", "/x/c/e"), "GET /{a}/c/e a=x");
	EXPECT_EQ(find("GET", "/b/x/e"), "GET /{a...} a=b/x/e");
}

TEST_F(Router, ComesBackFromAWayThatDoesNotFit)
{
	for (const char *pattern : { "/a/b/c", "/{x}/b/d", "/a/{y}/e" })
		ASSERT_EQ(add("GET", pattern), 0) << why_;
	EXPECT_EQ(find("GET", "/a/b/c"), "GET /a/b/c");
	EXPECT_EQ(find("GET", "/a/b/d"), "GET /{x}/b/d x=a");
	EXPECT_EQ(find("GET", "/a/b/e"), "GET /a/{y}/e y=b");
	EXPECT_EQ(find("GET", "/a/b/f"), "404");
}

TEST_F(Router, AnswersWithAllowWhenOnlyTheMethodIsWrong)
{
	ASSERT_EQ(add("GET", "/a"), 0);
	ASSERT_EQ(add("POST", "/a"), 0);
	ASSERT_EQ(add("DELETE", "/{x}"), 0);
	ASSERT_EQ(add("PUT", "/{rest...}"), 0);
	ASSERT_EQ(add("PURGE", "/a"), 0);
	EXPECT_EQ(find("PATCH", "/a"), "405 GET, HEAD, POST, PUT, DELETE, OPTIONS, PURGE");
	EXPECT_EQ(find("BREW", "/a"), "405 GET, HEAD, POST, PUT, DELETE, OPTIONS, PURGE");
	EXPECT_EQ(find("GET", "/b"), "405 PUT, DELETE, OPTIONS");
	EXPECT_EQ(find("GET", "/b/c"), "405 PUT, OPTIONS");
	EXPECT_EQ(find("OPTIONS", "/a"), "204 GET, HEAD, POST, PUT, DELETE, OPTIONS, PURGE");
	EXPECT_EQ(find("OPTIONS", "/b/c"), "204 PUT, OPTIONS");
	EXPECT_EQ(allow(wf_router_methods(router_)), "GET, HEAD, POST, PUT, DELETE, OPTIONS, PURGE");
}

TEST_F(Router, TakesTheMethodIntoAccountBeforePrecedence)
{
	ASSERT_EQ(add("GET", "/users/me"), 0);
	ASSERT_EQ(add("POST", "/users/{id}"), 0);
	EXPECT_EQ(find("POST", "/users/me"), "POST /users/{id} id=me");
	EXPECT_EQ(find("GET", "/users/you"), "405 POST, OPTIONS");
}

TEST_F(Router, AnswersHeadByGetUnlessThereIsAHead)
{
	ASSERT_EQ(add("GET", "/a"), 0);
	ASSERT_EQ(add("GET", "/b"), 0);
	ASSERT_EQ(add("HEAD", "/b"), 0);
	ASSERT_EQ(add("HEAD", "/{x}"), 0);
	ASSERT_EQ(add(nullptr, "/c"), 0);
	EXPECT_EQ(find("HEAD", "/a"), "HEAD of GET /a");
	EXPECT_EQ(find("HEAD", "/b"), "HEAD /b");
	EXPECT_EQ(find("HEAD", "/x"), "HEAD /{x} x=x");
	EXPECT_EQ(find("HEAD", "/c"), "* /c");
}

TEST_F(Router, KnowsRoutesForAnyMethodAndForOwnOnes)
{
	ASSERT_EQ(add(nullptr, "/any"), 0);
	ASSERT_EQ(add("GET", "/any"), 0);
	ASSERT_EQ(add("*", "/star"), 0);
	ASSERT_EQ(add("PURGE", "/cache"), 0);
	ASSERT_EQ(add("OPTIONS", "/cache"), 0);
	EXPECT_EQ(find("GET", "/any"), "GET /any");
	EXPECT_EQ(find("BREW", "/any"), "* /any");
	EXPECT_EQ(find("OPTIONS", "/star"), "* /star");
	EXPECT_EQ(find("PURGE", "/cache"), "PURGE /cache");
	EXPECT_EQ(find("OPTIONS", "/cache"), "OPTIONS /cache");
	EXPECT_EQ(find("PURG", "/cache"), "405 OPTIONS, PURGE");
	EXPECT_EQ(find("purge", "/cache"), "405 OPTIONS, PURGE");
}

TEST_F(Router, MatchesPatternsInTheSpellingOfPaths)
{
	ASSERT_EQ(add("GET", "/caf\xc3\xa9/%7ex/a b"), 0);
	EXPECT_EQ(find("GET", "/caf%C3%A9/~x/a%20b"), "GET /caf\xc3\xa9/%7ex/a b");
}

TEST_F(Router, RefusesTwoRoutesForTheSameRequests)
{
	ASSERT_EQ(add("GET", "/users/{id}/x"), 0);
	ASSERT_EQ(add("GET", "/f/{a...}"), 0);
	ASSERT_EQ(add(nullptr, "/any"), 0);
	EXPECT_EQ(add("GET", "/users/{name}/x"), -EEXIST);
	EXPECT_EQ(why_, "GET /users/{name}/x answers the same requests as /users/{id}/x");
	EXPECT_EQ(add("GET", "/f/{b...}"), -EEXIST);
	EXPECT_EQ(add("*", "/any"), -EEXIST);
	EXPECT_EQ(add("GET", "/%75sers/{id}/x"), -EEXIST);
	EXPECT_EQ(add("POST", "/users/{name}/x"), 0);
	EXPECT_EQ(add("GET", "/users/{name}/y"), 0);
	EXPECT_EQ(find("POST", "/users/7/x"), "POST /users/{name}/x name=7");
	EXPECT_EQ(find("GET", "/users/7/x"), "GET /users/{id}/x id=7");
}

TEST_F(Router, RefusesPatternsWithAClearWord)
{
	struct {
		const char *pattern, *why;
	} const cases[] = {
		{ "", "begins with '/'" },
		{ "a", "begins with '/'" },
		{ "/{a}b", "whole segment" },
		{ "/b{a}", "whole segment" },
		{ "/{a", "whole segment" },
		{ "/a}", "whole segment" },
		{ "/{}", "name is made of" },
		{ "/{...}", "name is made of" },
		{ "/{1a}", "name is made of" },
		{ "/{a-b}", "name is made of" },
		{ "/{a....}", "name is made of" },
		{ "/{a}/{a}", "same name" },
		{ "/{a}/{a...}", "same name" },
		{ "/{a...}/b", "not at the end" },
		{ "/{a...}/", "not at the end" },
		{ "/%zz", "escape" },
		{ "/../a", "escape" },
	};
	for (const auto &each : cases) {
		EXPECT_EQ(add("GET", each.pattern), WEFT_EINVAL) << each.pattern;
		EXPECT_NE(why_.find(each.why), std::string::npos) << each.pattern << " said " << why_;
		EXPECT_EQ(why_.find("GET " + std::string(each.pattern)), 0u) << why_;
	}
	for (const char *method : { "", "G T", "GET\r\n", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" })
		EXPECT_EQ(add(method, "/a"), WEFT_EINVAL) << method;
	char why[200];
	EXPECT_EQ(wf_router_add(router_, "GET", nullptr, nullptr, why, sizeof why), WEFT_EINVAL);
	EXPECT_EQ(find("GET", "/a"), "404");
}

TEST_F(Router, HoldsToItsLimits)
{
	std::string deep, many;
	for (int i = 0; i < WF_ROUTER_SEGMENTS; i++) deep += "/s";
	for (int i = 0; i < WF_ROUTER_PARAMETERS; i++) many += "/{p" + std::to_string(i) + "}";
	EXPECT_EQ(add("GET", deep.c_str()), 0) << why_;
	EXPECT_EQ(add("GET", (deep + "/s").c_str()), WEFT_EFULL);
	EXPECT_EQ(add("GET", many.c_str()), 0) << why_;
	EXPECT_EQ(add("GET", (many + "/{q}").c_str()), WEFT_EFULL);
	EXPECT_EQ(find("GET", deep), "GET " + deep);
	int learned = 0;
	while (add(("M" + std::to_string(learned)).c_str(), "/m") == 0) learned++;
	EXPECT_EQ(learned, WF_ROUTER_METHODS - 1 - WF_METHOD_PATCH);
	EXPECT_EQ(find("M0", "/m"), "M0 /m");
	EXPECT_EQ(find("M" + std::to_string(learned), "/m").substr(0, 3), "405");
}

TEST_F(Router, FindsEachOfManyRoutes)
{
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(add("GET", ("/r" + std::to_string(i * 7919 % 1000) + "/{id}").c_str()), 0);
	for (int i = 0; i < 1000; i++) {
		std::string name = "/r" + std::to_string(i);
		EXPECT_EQ(find("GET", name + "/x"), "GET " + name + "/{id} id=x");
	}
}

TEST(RouterMemory, ReportsItsEndAndAnswersAsBefore)
{
	failing_allocator_install();
	bool failed = true;
	for (long n = 0; failed; n++) {
		long live = failing_allocator_live();
		failing_allocator_fail_at(n, FAIL_ONCE);
		wf_router *router = wf_router_new();
		int errors = router == nullptr;
		if (router != nullptr) {
			char why[100];
			for (const char *pattern : { "/a", "/{b}/c", "/b/c", "/a/{r...}" }) {
				int rc = wf_router_add(router, "PURGE", pattern, pattern, why, sizeof why);
				EXPECT_TRUE(rc == 0 || rc == WEFT_ENOMEM);
				wf_route_match match;
				wf_route_result found =
					wf_router_find(router, WF_METHOD_OTHER, "PURGE", 5, "/b/c", 4, &match);
				if (found == WF_ROUTE_FOUND) {
					EXPECT_NE(match.value, nullptr);
				}
				errors += rc != 0;
			}
			wf_router_free(router);
		}
		failed = failing_allocator_failures() > 0;
		EXPECT_EQ(errors, failed);
		EXPECT_EQ(failing_allocator_live(), live);
	}
	failing_allocator_remove();
}

} // namespace
