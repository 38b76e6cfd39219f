"""A drop folder: what appears in it is sent, answers lie beside it.

For programs that can do no more than write a file. Its ground rules:

* A file is taken when it is *complete*: it has not changed between two looks, nobody has it open for writing
  (where the system can tell), and its content has an end.
* What is sent is written down first: the signed bytes, then a row in the ledger. Only after that is anything
  sent, and it is always those bytes. The gateway gives the same receipt to the same bytes, so that whoever is
  interrupted, at whatever moment, sends them again.
* A file leaves the folder only once the gateway has it; an answer is acknowledged only once it is kept.
"""
