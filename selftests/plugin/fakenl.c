// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel for tc, as far as actions and filters go: preloaded, it appends their
 * requests to the file $FAKENL_SENT, answers requests that want data with the
 * messages in $FAKENL_REPLY, and all others with success.  Everything else, such
 * as looking up a device, goes to the real kernel.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

static char reply[65536];
static size_t reply_len;

static int is_ours(int type)
{
	return (type >= RTM_NEWTFILTER && type <= RTM_GETTFILTER) ||
	       (type >= RTM_NEWACTION && type <= RTM_GETACTION);
}

static void record(const struct iovec *iov, size_t n)
{
	int fd = open(getenv("FAKENL_SENT"), O_WRONLY | O_CREAT | O_APPEND,
		      0600);

	if (fd < 0 || writev(fd, iov, n) < 0)
		abort();
	close(fd);
}

static void add_message(const struct nlmsghdr *req, int type, size_t len)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(reply + reply_len);

	memset(h, 0, NLMSG_SPACE(len));
	h->nlmsg_len = NLMSG_LENGTH(len);
	h->nlmsg_type = type;
	h->nlmsg_flags = req->nlmsg_flags & NLM_F_DUMP ? NLM_F_MULTI : 0;
	reply_len += NLMSG_SPACE(len);
}

static void add_file(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, reply, sizeof(reply));

	if (len < 0)
		abort();
	close(fd);
	reply_len = len;
}

/* tc takes only what is addressed to it and answers its last request */
static void address(const struct nlmsghdr *req, int fd)
{
	struct sockaddr_nl self;
	socklen_t size = sizeof(self);
	struct nlmsghdr *h = (struct nlmsghdr *)reply;
	size_t left = reply_len;

	if (getsockname(fd, (struct sockaddr *)&self, &size))
		abort();
	for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		h->nlmsg_seq = req->nlmsg_seq;
		h->nlmsg_pid = self.nl_pid;
	}
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t (*real)(int, const struct msghdr *, int) =
		dlsym(RTLD_NEXT, "sendmsg");
	const struct nlmsghdr *req = msg->msg_iov[0].iov_base;

	if (!is_ours(req->nlmsg_type))
		return real(fd, msg, flags);

	record(msg->msg_iov, msg->msg_iovlen);
	reply_len = 0;
	if (req->nlmsg_flags & NLM_F_ACK)
		add_message(req, NLMSG_ERROR, sizeof(struct nlmsgerr));
	else
		add_file(getenv("FAKENL_REPLY"));
	if (req->nlmsg_flags & NLM_F_DUMP)
		add_message(req, NLMSG_DONE, sizeof(int));
	address(req, fd);
	return req->nlmsg_len;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t (*real)(int, struct msghdr *, int) = dlsym(RTLD_NEXT, "recvmsg");
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	size_t len = reply_len;

	if (!len)
		return real(fd, msg, flags);

	memcpy(msg->msg_name, &kernel, sizeof(kernel));
	msg->msg_namelen = sizeof(kernel);
	msg->msg_controllen = 0;
	msg->msg_flags = 0;
	if (flags & MSG_PEEK)
		return len;
	if (msg->msg_iov[0].iov_len < len)
		abort();
	memcpy(msg->msg_iov[0].iov_base, reply, len);
	reply_len = 0;
	return len;
}
