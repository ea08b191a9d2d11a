/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The headers of a frame, as bytes.  Pure: also compiled in user space by the
 * tests.
 */
#ifndef MIRRORX_HEADERS_H
#define MIRRORX_HEADERS_H

#include <linux/types.h>

/**
 * struct mirrorx_view - a frame to be read, only some of which lies in one piece
 * @data: its first bytes
 * @data_len: how many of them there are
 * @len: bytes of the frame
 * @frame: for mirrorx_fetch(); may be NULL if @data_len is @len
 */
struct mirrorx_view {
	const __u8 *data;
	__u32 data_len;
	__u32 len;
	const void *frame;
};

/* Of a fragment: more follow, and where in the datagram it is, in 8 bytes */
#define MIRRORX_FRAGMENT_MORE	0x2000
#define MIRRORX_FRAGMENT_OFFSET	0x1fff

/* The most that is read at once: an IPv6 header */
#define MIRRORX_READ_MAX	40

/**
 * struct mirrorx_headers - where the headers of a frame are
 * @type_at: offset of the EtherType, or of the length in its place
 * @l3: offset behind the Ethernet header and VLAN tags
 * @l4: offset behind the network header with options and extensions, or of ARP;
 *	@l3 if there is none that is known
 * @end: offset behind the transport header; @l4 if there is none that is known
 * @ip_len: bytes from @l3 on, as the IP header has it; 0 if none says so
 * @ethertype: EtherType, or length, host order
 * @ipv4: @l3 is a whole IPv4 header
 * @ipv6: @l3 is a whole IPv6 header, with all its extensions
 * @proto: transport protocol
 * @fragment: of an IP packet: more-fragments flag and offset in the form of IPv4;
 *	0 if the packet is whole
 * @id: of an IP packet: which datagram it is a fragment of, host order
 * @routed: checksums may be over other addresses than those at @l3, for there
 *	is a source route, a routing header or a home address
 *
 * All headers lie within the frame, from @l3 up to @end.
 */
struct mirrorx_headers {
	__u32 type_at;
	__u32 l3;
	__u32 l4;
	__u32 end;
	__u32 ip_len;
	__u32 id;
	__u16 ethertype;
	__u16 fragment;
	__u8 proto;
	bool ipv4;
	bool ipv6;
	bool routed;
};

void mirrorx_headers_find(struct mirrorx_headers *h,
			  const struct mirrorx_view *view);
bool mirrorx_headers_find_inner(struct mirrorx_headers *h,
				const struct mirrorx_view *view, __u32 offset,
				__u16 ethertype);
bool mirrorx_headers_fix(__u8 *frame, __u32 len, __u32 frame_len);
void mirrorx_headers_zero(__u8 *frame, __u32 len);
void mirrorx_headers_clear_extensions(const struct mirrorx_headers *h,
				      __u8 *frame);

/**
 * mirrorx_fetch() - read bytes that do not lie in one piece
 * @frame: &mirrorx_view.frame
 * @offset: of the bytes in the frame
 * @len: how many; all of them lie within the frame
 * @to: where they go
 *
 * Return: false if they cannot be read
 */
bool mirrorx_fetch(const void *frame, __u32 offset, __u32 len, __u8 *to);

/**
 * mirrorx_read() - let bytes of a frame be read
 * @view: the frame
 * @offset: where they are
 * @len: how many, up to MIRRORX_READ_MAX
 * @buf: place for them, where they do not lie in one piece
 * @at: where they can be read
 *
 * Return: false if they are not there
 */
static __always_inline bool mirrorx_read(const struct mirrorx_view *view,
					 __u32 offset, __u32 len, __u8 *buf,
					 const __u8 **at)
{
	if (offset + len <= view->data_len) {
		*at = view->data + offset;
		return true;
	}
	*at = buf;
	return view->frame && offset + len <= view->len &&
	       mirrorx_fetch(view->frame, offset, len, buf);
}

#endif /* MIRRORX_HEADERS_H */
