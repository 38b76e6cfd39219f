"""The members' portal: what a member's people send, follow and correct by hand.

It owns no rule. Whatever is sent goes through `inbox.receive` as from any other door, is judged by the same
counter, and is answered by the same signed documents; whatever is shown is read by the same rights. See
docs/portal.md.
"""
