/* What the tests of the server share: a server inside the test's own run, and a client that says
 * exactly what it is told to. */
#ifndef WF_TESTS_HTTP_SERVICE_H
#define WF_TESTS_HTTP_SERVICE_H

#include <map>
#include <string>
#include <vector>

#include <weft/server.h>

#include "tests/net/support.h"

struct Response {
	int status = 0;
	std::string head; /* lower case, for header() */
	std::string body;
	bool whole = false; /* false: the connection ended before the response did */

	std::string header(const std::string &name) const
	{
		size_t at = head.find("\r\n" + name + ": ");
		if (at == std::string::npos) return "";
		at += name.size() + 4;
		return head.substr(at, head.find("\r\n", at) - at);
	}
};

/* A client's connection. Every call is made in a task. */
class Client
{
  public:
	explicit Client(const std::string &address)
	{
		connect_to(address, &stream);
	}
	~Client()
	{
		weft_stream_close(stream);
	}
	Client(const Client &) = delete;
	Client &operator=(const Client &) = delete;

	int send(const std::string &text)
	{
		return write_text(stream, text);
	}
	void get(const std::string &path, const std::string &fields = "")
	{
		send("GET " + path + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n");
	}
	void post(const std::string &path, const std::string &body, const std::string &fields = "")
	{
		send("POST " + path + " HTTP/1.1\r\nHost: test\r\nContent-Length: " +
			 std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body);
	}

	/* The next response. `head_only`: to a HEAD. */
	Response response(bool head_only = false)
	{
		Response r;
		size_t end;
		while ((end = got.find("\r\n\r\n")) == std::string::npos)
			if (!more()) return r;
		r.head = got.substr(0, end + 2);
		got.erase(0, end + 4);
		for (char &c : r.head) c = static_cast<char>(tolower(c));
		r.status = atoi(r.head.c_str() + 9);
		if (head_only || r.status == 204 || r.status == 304 || r.status < 200)
			r.whole = true;
		else if (!r.header("content-length").empty())
			read_length(r);
		else if (r.header("transfer-encoding") == "chunked")
			read_chunks(r);
		else
			read_to_end(r);
		return r;
	}

	/* 1 more came, 0 or less: it did not. */
	bool more()
	{
		char buffer[4096];
		size_t n = 0;
		last = weft_stream_read(stream, buffer, sizeof buffer, &n);
		if (last > 0) got.append(buffer, n);
		return last > 0;
	}
	/* The server ends the connection, with nothing more to say. */
	bool ended()
	{
		if (!got.empty()) return false;
		return !more() && last == 0;
	}

	weft_stream *stream = nullptr;
	std::string got;
	int last = 1;

  private:
	bool take(size_t n, std::string *into)
	{
		while (got.size() < n)
			if (!more()) return false;
		if (into != nullptr) into->append(got, 0, n);
		got.erase(0, n);
		return true;
	}
	void read_length(Response &r)
	{
		r.whole = take(std::stoul(r.header("content-length")), &r.body);
		if (!r.whole) r.body += got;
	}
	void read_chunks(Response &r)
	{
		for (;;) {
			size_t end;
			while ((end = got.find("\r\n")) == std::string::npos)
				if (!more()) return;
			size_t size = std::stoul(got.substr(0, end), nullptr, 16);
			got.erase(0, end + 2);
			if (!take(size, &r.body) || !take(2, nullptr)) return;
			if (size == 0) break;
		}
		r.whole = true;
	}
	void read_to_end(Response &r)
	{
		while (more()) {
		}
		r.body.swap(got);
		r.whole = last == 0;
	}
};

/* A server that listens while `body` runs, and is drained after it. */
struct Service {
	std::vector<weft_route> routes;
	weft_server_options options = { .size = sizeof options, .listen = "127.0.0.1:0" };
	int drain_ms = 2000;
	void *app = nullptr;
	/* Set while it serves. */
	std::string address;
	int result = 1;

	int serve()
	{
		options.app = this;
		options.listening = [](void *app, const char *address) {
			static_cast<Service *>(app)->address = address;
		};
		result = weft_http_serve_with(routes.data(), routes.size(), &options);
		return 0;
	}
	/* In a task: serves, runs `body(address)`, drains. */
	int with(const std::function<void(const std::string &)> &body)
	{
		weft_group *group = weft_group_open();
		spawn(group, [this] { return serve(); });
		while (address.empty() && result == 1) EXPECT_EQ(0, weft_sleep_ms(1));
		if (result == 1) body(address);
		EXPECT_EQ(0, weft_group_drain(group, drain_ms));
		return weft_group_join(group, 0);
	}
};

inline Service *service_of(weft_request *rq)
{
	return static_cast<Service *>(weft_request_app(rq));
}

inline weft_route route(const char *method, const char *path, weft_handler_fn *handler)
{
	weft_route r;
	r.method = method;
	r.path = path;
	r.handler = handler;
	return r;
}

#endif
