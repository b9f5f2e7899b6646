"""The terminal itself: closed under us, signalled, lent to another tool."""
