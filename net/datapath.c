// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rooms that every copy passes, as one compilation unit: what calls between
 * them would cost is a fifth of what the module does for a packet.
 */
#include "encap.c"
#include "copy.c"
#include "underlay.c"
#include "select.c"
#include "flow.c"
#include "hash.c"
#include "mirror.c"
