"""Where the files of deposits lie once they are complete: a folder, or a bucket that speaks S3.

A file is put under the id of its deposit, sealed, and never changed afterwards.
"""

from __future__ import annotations

from adapters.stores.folder import FolderStore
from adapters.stores.port import Absent, Opened, OtherThere, Store, Stored, Unreachable

__all__ = ["Absent", "FolderStore", "Opened", "OtherThere", "Store", "Stored", "Unreachable"]
