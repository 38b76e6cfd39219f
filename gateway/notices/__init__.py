"""Notices: documents that no deposit asks for, made from the registers on their day.

One module a notice: what it says, when it is due, and by which right a member gets it. They only look
at the registers; keeping in mind what was told, and posting, is `adapters.notices`.
"""
