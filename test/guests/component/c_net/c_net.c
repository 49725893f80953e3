// TCP and UDP through the C library's sockets, a verb each:
//   serve ADDRESS PORT N    echoes every byte of N connections, all of them at once; prints "listening on PORT" first
//   connect ADDRESS PORT    sends standard input, ends its half, prints what comes back
//   udp-serve ADDRESS PORT N  echoes N datagrams; prints "listening on PORT" first
//   udp-send ADDRESS PORT TEXT  sends one datagram and prints the answer
//   lookup NAME             prints each address of a name
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(int line, const char *what) {
	fprintf(stderr, "line %d: %s: %s\n", line, what, strerror(errno));
	exit(1);
}
#define must(what) ((what) ? (void)0 : fail(__LINE__, #what))

typedef union {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
} address;

static socklen_t parse(const char *host, const char *port, address *a) {
	memset(a, 0, sizeof *a);
	if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons((uint16_t)atoi(port));
		return sizeof a->v4;
	}
	must(inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1);
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons((uint16_t)atoi(port));
	return sizeof a->v6;
}

static void announce(int fd) {
	address a;
	socklen_t len = sizeof a;
	must(getsockname(fd, &a.any, &len) == 0);
	printf("listening on %d\n", ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port));
	fflush(stdout);
}

static void write_all(int fd, const char *b, ssize_t n) {
	for (ssize_t done = 0, m; done < n; done += m) {
		m = write(fd, b + done, (size_t)(n - done));
		if (m < 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = fd, .events = POLLOUT};
			must(poll(&p, 1, -1) >= 0);
			m = 0;
		}
		must(m >= 0);
	}
}

static char buf[65536];

static int serve(const char *host, const char *port, int connections) {
	address a;
	socklen_t len = parse(host, port, &a);
	int yes = 1, fd = socket(a.any.sa_family, SOCK_STREAM, 0);
	must(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0);
	must(bind(fd, &a.any, len) == 0 && listen(fd, 16) == 0);
	announce(fd);
	struct pollfd p[17] = {{.fd = fd, .events = POLLIN}};
	nfds_t n = 1;
	while (connections > 0 || n > 1) {
		p[0].events = connections > 0 && n < 17 ? POLLIN : 0;
		must(poll(p, n, -1) > 0);
		for (nfds_t i = n - 1; i >= 1; i--) {
			if (!p[i].revents)
				continue;
			ssize_t got = read(p[i].fd, buf, sizeof buf);
			if (got < 0 && errno == EAGAIN)
				continue;
			if (got > 0) {
				write_all(p[i].fd, buf, got);
				continue;
			}
			must(got == 0 && close(p[i].fd) == 0);
			p[i] = p[--n];
		}
		if (p[0].revents & POLLIN) {
			int one = accept(fd, NULL, NULL);
			must(one >= 0 && ioctl(one, FIONBIO, &yes) == 0);
			p[n++] = (struct pollfd){.fd = one, .events = POLLIN};
			connections--;
		}
	}
	return close(fd);
}

static int client(const char *host, const char *port) {
	address a;
	socklen_t len = parse(host, port, &a);
	int yes = 1, fd = socket(a.any.sa_family, SOCK_STREAM, 0);
	must(fd >= 0 && connect(fd, &a.any, len) == 0);
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 || errno == ENOPROTOOPT);
	ssize_t n;
	while ((n = read(0, buf, sizeof buf)) > 0)
		write_all(fd, buf, n);
	must(n == 0 && shutdown(fd, SHUT_WR) == 0);
	while ((n = read(fd, buf, sizeof buf)) > 0)
		write_all(1, buf, n);
	must(n == 0);
	return close(fd);
}

static int udp_serve(const char *host, const char *port, int datagrams) {
	address a;
	socklen_t len = parse(host, port, &a);
	int fd = socket(a.any.sa_family, SOCK_DGRAM, 0);
	must(fd >= 0 && bind(fd, &a.any, len) == 0);
	announce(fd);
	while (datagrams-- > 0) {
		len = sizeof a;
		ssize_t n = recvfrom(fd, buf, sizeof buf, 0, &a.any, &len);
		must(n >= 0 && sendto(fd, buf, (size_t)n, 0, &a.any, len) == n);
	}
	return close(fd);
}

static int udp_send(const char *host, const char *port, const char *text) {
	address a;
	socklen_t len = parse(host, port, &a);
	int fd = socket(a.any.sa_family, SOCK_DGRAM, 0);
	must(fd >= 0 && connect(fd, &a.any, len) == 0);
	must(send(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
	ssize_t n = recv(fd, buf, sizeof buf, 0);
	must(n >= 0);
	printf("%.*s\n", (int)n, buf);
	return close(fd);
}

static int lookup(const char *name) {
	struct addrinfo *all, hints = {.ai_socktype = SOCK_STREAM};
	int err = getaddrinfo(name, NULL, &hints, &all);
	if (err) {
		fprintf(stderr, "%s: %s\n", name, gai_strerror(err));
		return 1;
	}
	for (struct addrinfo *i = all; i; i = i->ai_next) {
		char text[INET6_ADDRSTRLEN];
		address *a = (address *)i->ai_addr;
		must(inet_ntop(i->ai_family, i->ai_family == AF_INET ? (void *)&a->v4.sin_addr : (void *)&a->v6.sin6_addr, text, sizeof text));
		puts(text);
	}
	freeaddrinfo(all);
	return 0;
}

int main(int argc, char **argv) {
	const char *verb = argc > 1 ? argv[1] : "";
	if (!strcmp(verb, "serve") && argc == 5)
		return serve(argv[2], argv[3], atoi(argv[4]));
	if (!strcmp(verb, "connect") && argc == 4)
		return client(argv[2], argv[3]);
	if (!strcmp(verb, "udp-serve") && argc == 5)
		return udp_serve(argv[2], argv[3], atoi(argv[4]));
	if (!strcmp(verb, "udp-send") && argc == 5)
		return udp_send(argv[2], argv[3], argv[4]);
	if (!strcmp(verb, "lookup") && argc == 3)
		return lookup(argv[2]);
	fprintf(stderr, "c_net: %s with %d arguments unknown\n", verb, argc - 2);
	return 2;
}
