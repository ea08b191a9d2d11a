# SPDX-License-Identifier: GPL-2.0-only
"""Dies after a test case and its plan."""
from tap import finish, ok

ok(True, "so far")
finish()
print(1 // 0)
